"""Files: what they are before they are opened, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# A name that nobody else gives: what matches it may be removed.
BESIDE = re.compile(r".+\.[0-9a-f]{8}\.part")


# What has to hold wherever a file is about to appear: each is called with its path, and raises.
checks: list[Callable[[Path], None]] = []


class NotWritten(OSError):
    """A result that could not be written: the machine's fault, never an image's."""


@contextlib.contextmanager
def whole(path: str | os.PathLike) -> Iterator[Path]:
    """Write a file beside its place and move it there at the end, in one step.

    Parameters
    ----------
    path : path
        Where the file is to appear. On any error it does not, and what was there stays.

    Yields
    ------
    Path
        Where to write. Its name is no other job's, so that one which outlived a killed run cannot
        write into the file of the next.

    Raises
    ------
    NotWritten
        For any error of the system, since libraries do not all say that a disk is full; and by any
        of the `checks`.
    """
    beside = Path(f"{path}.{secrets.token_hex(4)}.part")
    try:
        yield beside
        for check in checks:
            check(Path(path))
        os.replace(beside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError) and not isinstance(error, NotWritten):
            raise NotWritten(f"{path} could not be written: {error}{_room(beside)}") from error
        raise


def protect(sources: Iterable[str | os.PathLike]) -> None:
    """From now on, refuse to put a file in the place of one of these, which the job reads."""
    known = {identity(source): source for source in sources}

    def check(path):
        source = known.get(identity(path)) if path.exists() else None
        # The number of a file that is gone may be another one's by now.
        if source and os.path.exists(source) and os.path.samefile(source, path):
            raise NotWritten(f"{path} is an image that is read, so nothing is written there")

    checks.append(check)


def identity(path: str | os.PathLike) -> tuple[int, int] | None:
    """Device and inode, the same for all names of a file or folder; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _room(path):
    try:
        free = shutil.disk_usage(next(p for p in path.absolute().parents if p.exists())).free
    except OSError:
        return ""
    return "; the disk is full" if free < 1e6 else f"; {free / 1e6:.0f} MB are free there"


def make_folder(path: str | os.PathLike) -> None:
    """Make a folder and those above it, where they are not there yet; raises `NotWritten`."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritten(f"{path} could not be written: {error}{_room(Path(path))}") from error


def require_regular(path: str | os.PathLike, most_bytes: int | None = None) -> None:
    """Raise unless a path is that of a file with contents of its own, not of a pipe or a device.

    Raises
    ------
    OSError
        As the system says.
    ValueError
        If it is something else, which might never be read to its end, or larger than allowed.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        kinds = {"a folder": stat.S_ISDIR, "a named pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
        found = next((k for k, fits in kinds.items() if fits(status.st_mode)), "a device")
        raise ValueError(f"is {found}; expected a file")
    if most_bytes is not None and status.st_size > most_bytes:
        size, most = status.st_size / 1e6, most_bytes / 1e6
        raise ValueError(f"has {size:.0f} MB; expected {most:.0f} MB at most")


def stamp(path: str | os.PathLike) -> list:
    """What tells a file from an earlier version of it: size and time; empty where it is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def sha256(path: str | os.PathLike) -> str:
    """Hash of a file, as `sha256sum` prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove what killed jobs left half written."""
    for path in Path(folder).rglob("*.part"):
        if BESIDE.fullmatch(path.name):
            path.unlink(missing_ok=True)


def read_json(path: str | os.PathLike) -> dict:
    """Read plain data from JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | os.PathLike, record: dict) -> None:
    """Write plain data as JSON; the file appears whole or not at all."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file, which appears whole or not at all."""
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
