"""One run at a time writes to a folder of results, and no job of an earlier one still does.

A Snakemake that is killed leaves its jobs running. One of them could finish after a later run
with other parameters has started, and put its results in the place of the new ones. So the process
that leads a run holds a lock, each of its jobs holds another one together with the others, and a
run begins only when both are free. A job ends soon after the process that leads its run.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from localbg.core import failures, files
from localbg.workflow.ownership import PRIVATE

# How a job knows the run that it belongs to: its environment has the run's token.
VARIABLE = "LOCALBG_RUN"
# How long a run waits for jobs of an earlier one to end, and how often a job looks at its run.
PATIENCE = 60.0
BLINK = 1.0
PAUSE = 0.5

_held = []


class Occupied(RuntimeError):
    """Somebody else writes to the folder of results; says who, and what to do."""


class Superseded(files.NotWritten):
    """The run that a job belongs to is not the latest one, so the job may not write anything."""


def lead(results: str | os.PathLike, *, patience: float = PATIENCE) -> None:
    """Begin a run: hold the folder of results for as long as this process lives.

    Parameters
    ----------
    results : path
        A folder that `localbg.workflow.ownership.claim` has marked.
    patience : float
        Seconds to wait for jobs of an earlier run to end.

    Raises
    ------
    Occupied
        If another run is at work, or jobs of an earlier one do not end.

    Notes
    -----
    Where a file system has no locks, nothing is checked, and a warning says so.
    """
    folder = Path(results) / PRIVATE
    leader = _opened(folder / "run.lock")
    try:
        # A job that finds its run ended holds this lock for the moment that it takes to end.
        if not _taken_within(BLINK, leader, fcntl.LOCK_EX):
            os.close(leader)
            raise Occupied(_who(results, folder))
        # Whoever has the old token stops from now on. A process that leads two runs, of two modules
        # of a workflow, has one for both.
        token = os.environ[VARIABLE] if _held else secrets.token_hex(8)
        here = {"host": socket.gethostname(), "pid": os.getpid(), "directory": os.getcwd()}
        files.write_json(folder / "run.json", {"token": token} | here)
        os.environ[VARIABLE] = token
        _held.append(leader)
        with _open(folder / "jobs.lock") as jobs:
            if not _taken_within(patience, jobs, fcntl.LOCK_EX):
                raise Occupied(
                    f"jobs of an earlier run, which was killed, still write to {results}; wait "
                    "until they have ended, or end them, and run again"
                )
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        failures.log.warning(
            "%s is on a file system without locks: see to it yourself that no two runs write there",
            results,
        )


def join(results: str | os.PathLike) -> None:
    """Take part in a run as one of its jobs; a job that is started by hand is in none.

    Raises
    ------
    Superseded
        If the run has ended or another one has begun.
    """
    token, folder = os.environ.get(VARIABLE), Path(results) / PRIVATE
    if not token:
        return
    with contextlib.suppress(OSError):
        jobs = _opened(folder / "jobs.lock")
        fcntl.flock(jobs, fcntl.LOCK_SH)
        _held.append(jobs)
    require(results)
    files.checks.append(lambda path: require(results))
    record = _record(folder)
    # On a cluster jobs outlive the process that leads the run; see localbg.workflow.slurm.
    if record.get("host") == socket.gethostname() and "SLURM_JOB_ID" not in os.environ:
        threading.Thread(target=_watch, args=(results, folder), daemon=True).start()


def require(results: str | os.PathLike) -> None:
    """Raise `Superseded` where another run has begun since the one that this job belongs to."""
    token = os.environ.get(VARIABLE)
    if token and _record(Path(results) / PRIVATE).get("token") not in (token, None):
        raise Superseded(f"another run writes to {results} now; this job ends without a result")


def _watch(results, folder):
    """End this process when the one that leads its run has ended or another run has begun."""
    with contextlib.suppress(OSError), _open(folder / "run.lock") as leader:
        while True:
            time.sleep(PAUSE)
            try:
                require(results)
            except Superseded as error:
                _end(error)
            if _taken(leader, fcntl.LOCK_SH):
                _end("the process that led the run has ended")


def _end(why):
    failures.log.critical("stopped: %s", why)
    os._exit(1)


def _who(results, folder):
    record = _record(folder)
    return (
        f"another run writes to {results} (process {record.get('pid')} on {record.get('host')}, in "
        f"{record.get('directory')}); wait until it has ended, or give each study its own results"
    )


def _record(folder):
    try:
        return files.read_json(folder / "run.json")
    except (OSError, ValueError):
        return {}


def _opened(path):
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise files.NotWritten(f"{path} could not be written: {error}") from error


@contextlib.contextmanager
def _open(path) -> Iterator[int]:
    descriptor = _opened(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _taken_within(seconds, descriptor, kind):
    end = time.monotonic() + seconds
    while not (taken := _taken(descriptor, kind)) and time.monotonic() < end:
        time.sleep(PAUSE / 5)
    return taken


def _taken(descriptor, kind):
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
