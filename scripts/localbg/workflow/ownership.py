"""The folder of results belongs to one study, and nothing that a study reads lies in it.

Snakemake removes the old outputs of a job before the job starts, so an image that lies where an
output goes is gone before anything reads it. Therefore nothing may be read from a folder that is
written to, and only a folder that is new, empty or marked as a study's own is written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import localbg
from localbg.core import files

# Beside it, the fingerprint of the tables of the latest run that made all of them.
TABLES = "tables.json"
# What the workflow keeps in a folder of results for itself.
PRIVATE = ".localbg"
# The one file there that may be read as a config: the record of a run repeats that run.
RECORDED_CONFIG = "provenance.yaml"
NOTICE = "Everything in this folder is written by the workflow, which replaces and removes files."


def problems(
    results: str | os.PathLike, study: str | os.PathLike, inputs: Iterable[tuple[str, str]]
) -> list[str]:
    """What would put files at risk that the workflow did not write.

    Parameters
    ----------
    results : path
        The folder of results.
    study : path
        The working directory of the study.
    inputs : iterable of (str, path)
        What is read, and its local path: images, truth, sheet, configs.

    Returns
    -------
    list of str
        Empty where nothing is at risk.

    Notes
    -----
    Folders are compared by device and inode, so that links, ``..`` and upper and lower case make
    no difference. Costs one `os.lstat` for each input and one listing of the folder of results.
    """
    folder = Path(results)
    if not folder.is_dir():
        return []
    found = _foreign(folder, study)
    if not found:
        found += [
            f"results: {link} is a link; the workflow would write to where it points. Remove it, "
            "or link the folder of results as a whole"
            for link in _links(folder)
        ]
    identity, config = files.identity(folder), folder / RECORDED_CONFIG
    lies_within = cache(
        lambda place: any(files.identity(p) == identity for p in (place, *place.parents))
    )
    for what, path in inputs:
        places = [Path(os.path.realpath(os.path.dirname(os.path.abspath(path))))]
        if os.path.islink(path):
            places.append(Path(os.path.realpath(path)).parent)
        if any(map(lies_within, places)) and not (
            _same(path, config) and what.startswith("config")
        ):
            found.append(
                f"{what}: {path} lies in the folder of results, {folder}, whose files the workflow "
                "replaces and removes. Move it elsewhere, or give another folder as results"
            )
    return found


def _foreign(folder, study):
    """Why a folder may not be written to: it holds something, and is no results of this study."""
    record = _record_of(folder)
    if record is None:
        # A full disk may have stopped a run before it could mark the folder.
        first = min((name for name in os.listdir(folder) if name != PRIVATE), default=None)
        if first is None:
            return []
        return [
            f"results: the folder {folder.absolute()} holds files that are none of this workflow's "
            f"results (such as {first}); expected a folder that is new or empty, since files in it "
            "are replaced and removed. Give another one (results: …)"
        ]
    if record.get("study") == (own := _study(folder, study)):
        return []
    owner = os.path.normpath(os.path.join(os.path.realpath(folder), str(record.get("study"))))
    return [
        f"results: the folder {folder.absolute()} belongs to the study in {owner}; expected one of "
        f"this study's own, in {os.path.realpath(study)}. Give another one (results: …); if it is "
        f'the same study, moved, write "study": "{own}" in {folder / PRIVATE / "study.json"}'
    ]


def _record_of(folder):
    try:
        record = files.read_json(folder / PRIVATE / "study.json")
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _study(folder, study):
    # Relative, so that a study that moves together with its results keeps them.
    return os.path.relpath(os.path.realpath(study), os.path.realpath(folder))


def _links(folder) -> Iterator[str]:
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir():
                yield from _links(entry.path)


def _same(path, other):
    return files.identity(path) is not None and files.identity(path) == files.identity(other)


def claim(results: str | os.PathLike, study: str | os.PathLike) -> None:
    """Mark a folder of results as this study's, if it is not yet; it is made where there is none.

    Raises
    ------
    localbg.core.files.NotWritten
        If it can't be written to.
    """
    private = Path(results) / PRIVATE
    if _record_of(Path(results)) is None:
        files.make_folder(private)
        record = {"made_by": f"localbg {localbg.__version__}", "study": _study(results, study)}
        files.write_json(private / "study.json", record | {"notice": NOTICE})


def tables_answer(results: str | os.PathLike) -> str:
    """Fingerprint of the tables that are there; empty where it is not known."""
    try:
        return str(files.read_json(Path(results) / PRIVATE / TABLES)["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def note_tables(results: str | os.PathLike, fingerprint: str) -> None:
    """Note of what the tables are that are there; empty where nobody can tell any more."""
    files.write_json(Path(results) / PRIVATE / TABLES, {"fingerprint": fingerprint})
