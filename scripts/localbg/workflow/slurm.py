"""Slurm jobs that outlive the Snakemake that submitted them.

A Snakemake that is killed leaves its jobs in the queue. A new one knows nothing of them, would
submit the same work again, and two jobs would write the same files. So no run starts in a folder
with such jobs left, and `cancel` ends them: just those that a Snakemake submitted from that folder.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# Snakemake names all jobs of a run after the run, whatever the prefix.
RUN = re.compile(r"(.+_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Between two looks at the queue; a submission that was under way has come through by then.
PAUSE = 2
# Slurm asks a job to end, and kills it half a minute later.
PATIENCE = 180


class SlurmError(Exception):
    """What keeps the jobs of a folder from being cancelled, in words."""


@dataclass(frozen=True)
class Job:
    """A job in the queue: its number, its state in Slurm's word, and what it does."""

    number: str
    state: str
    what: str


def jobs_of(folder: str | os.PathLike) -> list[Job]:
    """This user's jobs that a Snakemake submitted from a folder and that have not ended.

    No job where there is no Slurm or it does not answer: none can be submitted then either.
    """
    if not shutil.which("squeue"):
        return []
    try:
        return _queued(folder)
    except SlurmError:
        return []


def _queued(folder):
    said = _say("squeue", "--noheader", "--user", getpass.getuser(), "--format=%A|%T|%j|%k|%Z")
    folder = os.path.realpath(folder)
    jobs = []
    for line in said.splitlines():
        number, state, name, what, submitted_from = line.split("|", 4)
        if RUN.fullmatch(name) and os.path.realpath(submitted_from) == folder:
            jobs.append(Job(number, state, what))
    return jobs


def _say(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise SlurmError(
            f"there is no {command[0]} here: run this where jobs are submitted"
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]} gave no answer for a minute") from None
    if done.returncode:
        raise SlurmError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def controllers(folder: str | os.PathLike) -> list[int]:
    """Process ids of the Snakemakes that run in a folder, as far as this machine knows.

    Those inside jobs, which are told which targets to make, are not meant.
    """
    import psutil

    folder = os.path.realpath(folder)
    return [
        process.pid
        for process in psutil.process_iter(["cwd", "cmdline"])
        if process.info["cwd"] == folder
        and "snakemake" in {Path(word).name for word in process.info["cmdline"] or ()}
        and "--target-jobs" not in process.info["cmdline"]
    ]


def cancel(folder: str | os.PathLike) -> list[Job]:
    """Cancel the jobs of a folder, and return when none is left.

    Parameters
    ----------
    folder : path
        That Snakemake ran in.

    Returns
    -------
    list of Job
        Those that were cancelled.

    Raises
    ------
    SlurmError
        If a Snakemake still runs there, which would submit its jobs again; if Slurm does not
        answer; if jobs are still there after three minutes, as on a node that does not answer.
    """
    if pids := controllers(folder):
        raise SlurmError(
            f"a Snakemake still runs in {folder} (process {', '.join(map(str, pids))}) and would "
            "submit its jobs again: end it first (Ctrl-C in its terminal, or kill)"
        )
    cancelled = {}
    quiet = 0
    end = time.monotonic() + PATIENCE
    while quiet < 2:
        left = _queued(folder)
        quiet = 0 if left else quiet + 1
        # Those that are completing cannot be cancelled any more, only waited for.
        running = [job for job in left if job.state != "COMPLETING"]
        if new := [job for job in running if job.number not in cancelled]:
            _say("scancel", *(job.number for job in new))
            cancelled |= {job.number: job for job in new}
        if left and time.monotonic() > end:
            raise SlurmError(f"still not ended: {_listed(left)}")
        if quiet < 2:
            time.sleep(PAUSE)
    return list(cancelled.values())


def refusal(left: list[Job], tool: str) -> str:
    """Why a run does not start while jobs of an earlier one are left."""
    return (
        f"Slurm jobs of an earlier run in this folder have not ended: {_listed(left)}.\n"
        "They would write the same files as this run. Cancel them:\n"
        + shlex.join(["python", tool, os.getcwd()])
    )


def _listed(jobs):
    shown = [f"{job.number} ({job.what}, {job.state.lower()})" for job in jobs[:10]]
    more = [f"and {len(jobs) - len(shown)} more"] if len(jobs) > len(shown) else []
    return ", ".join(shown + more)
