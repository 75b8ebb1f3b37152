"""What every job of the workflow does around its work: log, pass failures on, write whole files.

See `localbg.core.failures` for the records that it passes on.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import localbg
from localbg.core import failures, files
from localbg.core.failures import log

# What stands in `inputs` and `params` for Snakemake only: what a job depends on.
ASIDE = ("modules", "remote", "stamp")
# The last line of a job's log, and how it is read back.
TOOK = "took %.2f s, %.1f MB at most"
TOOK_LINE = re.compile(r"INFO took ([\d.]+) s, ([\d.]+) MB at most")


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
    from localbg.workflow import ownership, run_lock

    above = [folder for folder in log_path.parents if folder.name == "logs"]
    if above:
        results = above[0].parent
        # A run whose hooks are switched off has not marked the folder yet.
        ownership.claim(results, Path.cwd())
        run_lock.join(results)


def _stopped(kind, error, trace):
    log.critical("stopped by an error", exc_info=(kind, error, trace))
    print(f"stopped: {failures.describe_error(error)}", file=sys.stderr)


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
            if failure := failures.read_failure(path):
                log.warning("handed on: %s failed: %s", failure.step, failure.reason)
                failures.write_failure(failure, outputs.values(), fingerprint)
                return
        work(**inputs, **outputs, **params)
        for path in outputs.values() if fingerprint else ():
            if path.endswith(".json"):
                files.write_json(path, {"fingerprint": fingerprint} | files.read_json(path))
        log.info("%s done", step)
    except failures.DownloadFailed as failed:
        failures.write_failure(failed.failure, outputs.values(), fingerprint)
    except Exception as error:
        if failures.is_system_error(error):
            raise
        log.exception("%s failed", step)
        failure = failures.Failure(step, failures.describe_error(error))
        failures.write_failure(failure, outputs.values(), fingerprint)
