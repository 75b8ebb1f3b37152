"""Failures: an error in plain words, and the record of it that stands in place of a result.

An image that fails in one step must not stop the others. The step then writes a failure record
in place of each of its outputs, and the steps after it hand that record on, so that the tables
can name the image and the reason.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from localbg.core import files

MARK = b'{"failed_step": '
# Not the image's fault: the job itself has to fail, so that it is run again.
SYSTEM_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.ESTALE)
log = logging.getLogger("localbg")


class StepFailed(Exception):
    """A step that could not do its work on an image: its name, and why in words."""

    def __init__(self, step: str, reason: str):
        super().__init__(step, reason)
        self.record = {"failed_step": step, "reason": reason}

    def __str__(self):
        return ": ".join(self.args)


class DownloadFailed(Exception):
    """A source that is the record of a failed download in place of an image."""

    def __init__(self, record: dict):
        super().__init__(record["reason"])
        self.record = record


def require_downloaded(source: str | os.PathLike) -> None:
    """Raise `DownloadFailed` where a failure record stands in place of an image.

    A file that is not there is left to who reads it.
    """
    if os.path.isfile(source) and (record := read_failure(source)):
        raise DownloadFailed(record)


def is_system_error(error: Exception) -> bool:
    """Whether the machine failed (no memory, disk full) rather than the image."""
    return isinstance(error, MemoryError | files.NotWritten) or (
        isinstance(error, OSError) and error.errno in SYSTEM_ERRORS
    )


def record_failure(step: str, image: str, error: Exception) -> dict:
    """Log the error of an image's step and make its record; raise it where the machine failed."""
    if isinstance(error, DownloadFailed):
        return error.record
    if is_system_error(error):
        raise error
    log.error("%s: %s failed", image, step, exc_info=error)
    return {"failed_step": step, "reason": describe_error(error)}


def describe_error(error: Exception) -> str:
    """An error in one line of plain words."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} does not exist"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} may not be read (permission denied)"
    text = " ".join(str(error).split())
    # Messages of our own are sentences; a stranger's need their kind to make sense.
    ours = isinstance(error, ValueError | files.NotWritten | DownloadFailed)
    return text if ours and text else f"{type(error).__name__}: {text}"


def read_failure(path: str | os.PathLike) -> dict | None:
    """The failure record that stands in place of a file, or None where the file is real."""
    with Path(path).open("rb") as file:
        if file.read(len(MARK)) != MARK:
            return None
        file.seek(0)
        return json.load(file)


def write_failure(
    record: dict, outputs: Iterable[str | os.PathLike], fingerprint: str = ""
) -> None:
    """Write why a step failed in place of each of its outputs.

    ``failed_step`` comes first, which tells the record from a result, then the fingerprint of what
    the step should have made.
    """
    own = {"fingerprint": fingerprint} if fingerprint else {}
    record = {"failed_step": record["failed_step"]} | own | {"reason": record["reason"]}
    for path in outputs:
        files.write_text(path, json.dumps(record, ensure_ascii=False) + "\n")
