"""How results came about: which code and packages, what each rule took, how to do it again."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from localbg.workflow import job

ROOT = Path(__file__).resolve().parents[3]
# What decides about results, of all that lies in the workflow's folder.
CODE = ("Snakefile", "rules/*.smk", "scripts/**/*.py", "scripts/**/*.yaml")


def workflow() -> dict:
    """Which workflow: a hash of its code, and the commit where it lies in a git repository."""
    found = {"sha256": code_hash(), "commit": None, "changed": None}
    if (ROOT / ".git").exists() and (commit := _git("rev-parse", "HEAD")):
        found |= {"commit": commit, "changed": bool(_git("status", "--porcelain", "--", *CODE))}
    return found


def code_hash(root: Path = ROOT) -> str:
    """One hash of the names and contents of all files of the workflow's code."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in CODE for path in root.glob(pattern)}):
        found.update(f"{path.relative_to(root).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _git(*words):
    """What git says; nothing where it is not installed or refuses."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def machine() -> dict:
    """Python, system and the version of every package there is."""
    packages = {found.name: found.version for found in metadata.distributions()}
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def usage(logs: dict[str, Iterable[str | os.PathLike]]) -> dict[str, dict]:
    """What the jobs of each rule took, by their logs.

    Parameters
    ----------
    logs : dict of str to iterable of path
        Logs of each rule's jobs. Those that are not there are left out.

    Returns
    -------
    dict of str to dict
        ``jobs``; ``seconds`` of all and of the ``longest``, wall time each; ``peak_mb``, the most
        memory of any.
    """
    found = {}
    for rule, paths in sorted(logs.items()):
        if jobs := [took for path in paths if (took := job.took(path))]:
            seconds, peaks = zip(*jobs, strict=True)
            found[rule] = {
                "jobs": len(jobs),
                "seconds": round(sum(seconds), 2),
                "longest": max(seconds),
                "peak_mb": max(peaks),
            }
    return found


def secrets_note(put_back: list[str]) -> str:
    """A comment on top of a resolved config: which of its addresses lack their secrets."""
    if not put_back:
        return ""
    places = "".join(f"# - {place}\n" for place in put_back)
    return (
        "# User names, passwords and values of queries (…) were left out of the addresses at\n"
        f"{places}# Put them back before a run with this config.\n"
    )


def command(config: str | os.PathLike, put_back: list[str]) -> str:
    """The command that repeats the run with a resolved config.

    Where secrets were left out of the config, a comment behind the command says where.
    """
    words = ["snakemake", "--snakefile", ROOT / "Snakefile", "--directory", Path.cwd()]
    words += ["--configfile", Path(config).absolute(), "--cores", "all"]
    first = "; ".join(put_back)
    note = f"  # first put the secrets of addresses back into {config}: {first}" if first else ""
    return shlex.join(map(str, words)) + note
