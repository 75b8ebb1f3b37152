"""What every job of the workflow does around its work: log, pass failures on, write whole files.

An image that fails in one step must not stop the others. The step then writes a failure record
in place of each of its outputs, and the steps after it hand that record on, so that the tables
can name the image and the reason.
"""

from __future__ import annotations

import atexit
import errno
import json
import logging
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import localbg
from localbg import files

MARK = b'{"failed_step": '
# Not the image's fault: the job itself has to fail, so that it is run again.
MACHINE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.ESTALE)
# What stands in `inputs` and `params` for Snakemake only: what a job depends on.
ASIDE = ("modules", "remote", "stamp")
# The last line of a job's log, and how it is read back.
TOOK = "took %.2f s, %.1f MB at most"
TOOK_LINE = re.compile(r"INFO took ([\d.]+) s, ([\d.]+) MB at most")

log = logging.getLogger("localbg")


def start_log(path: str | os.PathLike | None) -> None:
    """Send log messages, warnings and uncaught errors to a rule's log file."""
    to = logging.FileHandler(path, "w", encoding="utf-8") if path else logging.StreamHandler()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[to]
    )
    logging.captureWarnings(True)
    # A full disk has no room for the log either.
    logging.raiseExceptions = False
    sys.excepthook = _stopped
    if path:
        _take_part(Path(path).absolute())
    atexit.register(lambda: log.info(TOOK, time.monotonic() - localbg.STARTED, peak_mb()))


def _take_part(log_path):
    """Join the run that writes to the folder of results, in which the log lies."""
    from localbg import ownership, run_lock

    above = [folder for folder in log_path.parents if folder.name == "logs"]
    if above:
        results = above[0].parent
        # A run whose hooks are switched off has not marked the folder yet.
        ownership.claim(results, Path.cwd())
        run_lock.join(results)


def _stopped(kind, error, trace):
    log.critical("stopped by an error", exc_info=(kind, error, trace))
    print(f"stopped: {reason(error)}", file=sys.stderr)


def peak_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    try:
        # What getrusage says may be the memory of the process that this one was forked from.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6
    except (OSError, TypeError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def took(log_path: str | os.PathLike) -> tuple[float, float] | None:
    """Seconds and MB of a job, from its log; None where the log does not tell."""
    path = Path(log_path)
    found = TOOK_LINE.findall(path.read_text(encoding="utf-8")) if path.is_file() else []
    return (float(found[-1][0]), float(found[-1][1])) if found else None


class DownloadFailed(Exception):
    """A source that is the record of a failed download in place of an image."""

    def __init__(self, record: dict):
        super().__init__(record["reason"])
        self.record = record


def require_downloaded(source: str | os.PathLike) -> None:
    """Raise `DownloadFailed` where a failure record stands in place of an image.

    A file that is not there is left to who reads it.
    """
    if os.path.isfile(source) and (record := failure(source)):
        raise DownloadFailed(record)


def run(step: str, work: Callable[..., None], inputs, outputs, params, log_path) -> None:
    """Do one step for one image; on failure write the reason in place of its outputs.

    Parameters
    ----------
    step : str
        Name of the step, for the record.
    work : callable
        Reads the inputs and writes the outputs; called with all named inputs, outputs and
        parameters as keywords.
    inputs, outputs, params
        Named values with ``items()``. If an input is a failure record, it is handed on and
        nothing else is done. Those named in `ASIDE` only say what the step depends on; an empty
        input is left out. A parameter ``fingerprint`` is added to each JSON output.
    log_path : path or None

    Raises
    ------
    MemoryError, OSError
        Where the machine failed rather than the image (no memory, disk full): the job fails.
    """
    start_log(log_path)
    inputs, params = (
        {name: value for name, value in given.items() if name not in ASIDE}
        for given in (inputs, params)
    )
    inputs = {name: path for name, path in inputs.items() if path}
    outputs = dict(outputs.items())
    fingerprint = params.pop("fingerprint", "")
    try:
        for path in inputs.values():
            if record := failure(path):
                log.warning("handed on: %s failed: %s", record["failed_step"], record["reason"])
                write_failure(record, outputs.values(), fingerprint)
                return
        work(**inputs, **outputs, **params)
        for path in outputs.values() if fingerprint else ():
            if path.endswith(".json"):
                write_json(path, {"fingerprint": fingerprint} | read_json(path))
        log.info("%s done", step)
    except DownloadFailed as failed:
        write_failure(failed.record, outputs.values(), fingerprint)
    except Exception as error:
        if is_machine_s(error):
            raise
        log.exception("%s failed", step)
        record = {"failed_step": step, "reason": reason(error)}
        write_failure(record, outputs.values(), fingerprint)


def is_machine_s(error: Exception) -> bool:
    """Whether the machine failed (no memory, disk full) rather than the image."""
    return isinstance(error, MemoryError | files.NotWritten) or (
        isinstance(error, OSError) and error.errno in MACHINE_ERRORS
    )


def failed(step: str, image: str, error: Exception) -> dict:
    """Log the error of an image's step and make its record; raise it where the machine failed."""
    if isinstance(error, DownloadFailed):
        return error.record
    if is_machine_s(error):
        raise error
    log.error("%s: %s failed", image, step, exc_info=error)
    return {"failed_step": step, "reason": reason(error)}


def reason(error: Exception) -> str:
    """An error in one line of plain words."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} does not exist"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} may not be read (permission denied)"
    text = " ".join(str(error).split())
    # Messages of our own are sentences; a stranger's need their kind to make sense.
    ours = isinstance(error, ValueError | files.NotWritten | DownloadFailed)
    return text if ours and text else f"{type(error).__name__}: {text}"


def failure(path: str | os.PathLike) -> dict | None:
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
        write_text(path, json.dumps(record, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike) -> dict:
    """Read plain data from JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | os.PathLike, record: dict) -> None:
    """Write plain data as JSON; the file appears whole or not at all."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file, which appears whole or not at all."""
    with files.whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
