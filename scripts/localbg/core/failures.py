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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localbg.core import files

MARK = b'{"failed_step": '
# Not the image's fault: the job itself has to fail, so that it is run again.
SYSTEM_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.ESTALE)
log = logging.getLogger("localbg")


@dataclass(frozen=True)
class Failure:
    """What stands in place of a result: the step that failed on an image, and why in words."""

    step: str
    reason: str

    def __str__(self):
        return f"{self.step}: {self.reason}"

    @property
    def record(self) -> dict[str, str]:
        """As it is written in JSON."""
        return {"failed_step": self.step, "reason": self.reason}

    @classmethod
    def from_record(cls, record: Mapping) -> Failure | None:
        """What a record in JSON says; None where it is that of a result."""
        return cls(record["failed_step"], record["reason"]) if "failed_step" in record else None


class StepFailed(Exception):
    """A step that could not do its work on an image."""

    def __init__(self, failure: Failure):
        super().__init__(failure)
        self.failure = failure


class DownloadFailed(Exception):
    """A source that is the record of a failed download in place of an image."""

    def __init__(self, failure: Failure):
        super().__init__(failure.reason)
        self.failure = failure


def require_downloaded(source: str | os.PathLike) -> None:
    """Raise `DownloadFailed` where a failure record stands in place of an image.

    A file that is not there is left to who reads it.
    """
    if os.path.isfile(source) and (failure := read_failure(source)):
        raise DownloadFailed(failure)


def is_system_error(error: Exception) -> bool:
    """Whether the machine failed (no memory, disk full) rather than the image."""
    return isinstance(error, MemoryError | files.NotWritten) or (
        isinstance(error, OSError) and error.errno in SYSTEM_ERRORS
    )


def record_failure(step: str, image: str, error: Exception) -> Failure:
    """Log the error of an image's step and say it in words; raise it where the machine failed."""
    if isinstance(error, DownloadFailed):
        return error.failure
    if is_system_error(error):
        raise error
    log.error("%s: %s failed", image, step, exc_info=error)
    return Failure(step, describe_error(error))


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


def read_failure(path: str | os.PathLike) -> Failure | None:
    """The failure whose record stands in place of a file, or None where the file is real."""
    with Path(path).open("rb") as file:
        if file.read(len(MARK)) != MARK:
            return None
        file.seek(0)
        return Failure.from_record(json.load(file))


def write_failure(
    failure: Failure, outputs: Iterable[str | os.PathLike], fingerprint: str = ""
) -> None:
    """Write why a step failed in place of each of its outputs.

    ``failed_step`` comes first, which tells the record from a result, then the fingerprint of what
    the step should have made.
    """
    own = {"fingerprint": fingerprint} if fingerprint else {}
    record = {"failed_step": failure.step} | own | {"reason": failure.reason}
    for path in outputs:
        files.write_text(path, json.dumps(record, ensure_ascii=False) + "\n")
