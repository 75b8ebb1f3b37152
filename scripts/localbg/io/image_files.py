"""The TIFF files that a folder or a glob names: which are taken, and what is left out."""

from __future__ import annotations

import glob
import os
from collections import Counter
from functools import cache

from localbg.core.names import show

SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif")
# Other formats of images; a folder of them must not look like a folder without images.
OTHERS = (
    *(".czi", ".nd2", ".lif", ".lsm", ".stk", ".oib", ".oif", ".vsi", ".ims", ".dv", ".r3d"),
    *(".mrxs", ".svs", ".ndpi", ".scn", ".zvi", ".zarr", ".h5", ".hdf5", ".ids", ".ics", ".mrc"),
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".jp2", ".webp", ".heic", ".dcm", ".btf", ".tf8"),
)
MOST_LOOKED_AT = 1000  # files of a folder, to see whether it holds TIFF files


def find(source: str, *, results: str) -> tuple[list[str], list[str], str | None]:
    """List the TIFF files of a folder, or those that a glob matches.

    Parameters
    ----------
    source : str
        Folder or glob. Of a glob, folders that are there by that very name are no patterns.
    results : str
        Folder of the results: what lies there, under whatever name, is no image of the study.

    Returns
    -------
    paths : list of str
        Sorted. Hidden files and folders are left out, and a file that is met on several ways (by a
        link to a folder) is taken once.
    notes : list of str
        One line on what was left out and may be missed.
    problem : str or None
        Why there are none.

    Notes
    -----
    Costs a look at each file's entry; none is opened.
    """
    is_folder = os.path.isdir(source)
    parts = [source, "*"] if is_folder else source.split(os.sep)
    literal = 1 if is_folder else _literal(parts)
    pattern = os.sep.join([*map(glob.escape, parts[:literal]), *parts[literal:]])
    fixed = len(os.sep.join(parts[:literal]).split(os.sep)) if literal else 0
    own = os.path.realpath(results)
    real_folder = cache(os.path.realpath)
    taken, others, folders, n_results = {}, Counter(), [], 0
    # The shortest way to a file first.
    for path in sorted(glob.iglob(pattern, recursive=True), key=lambda path: (len(path), path)):
        if _is_hidden(path.split(os.sep)[fixed:]):
            continue
        folder, name = os.path.split(path)
        real = os.path.realpath(path) if os.path.islink(path) else f"{real_folder(folder)}/{name}"
        is_tiff = name.lower().endswith(SUFFIXES)
        if is_within(real, own) or f"{os.sep}.snakemake{os.sep}" in real:
            n_results += is_tiff
        elif os.path.isdir(path):
            folders.append(path)
        elif is_tiff:
            taken.setdefault((real_folder(folder), name), os.path.normpath(path))
        else:
            others[os.path.splitext(name)[1].lower()] += 1
    paths = sorted(taken.values())
    used = {os.path.dirname(path) for path in paths}
    left = _left_out(
        {suffix: n for suffix, n in others.items() if suffix in OTHERS},
        [path for path in folders if os.path.normpath(path) not in used and _has_tiffs(path)],
    )
    if paths:
        return paths, [f"images, '{source}': left out {left}"] if left else [], None
    where = f"in the folder '{source}'" if is_folder else f"matches '{source}'"
    what = "TIFF file (.tif, .tiff)" if is_folder or others else "file"
    problem = f"no {what} {where} (looked from {os.getcwd()})"
    if n_results:
        problem += f"; {n_results} lie under the results folder '{results}', so are no images"
    return [], [], f"{problem}; there are {left}" if left else problem


def is_within(path: str, folder: str) -> bool:
    """Whether a real path is a real folder, or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_hidden(parts):
    return any(part[0] == "." for part in parts if part not in ("", ".", ".."))


def _literal(parts):
    """How many folders a pattern starts with that are there by that very name."""
    n = 0
    while n < len(parts) - 1 and os.path.isdir(os.sep.join(parts[: n + 1]) or os.sep):
        n += 1
    return n


def _has_tiffs(folder):
    try:
        with os.scandir(folder) as entries:
            return any(
                entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
                for _, entry in zip(range(MOST_LOOKED_AT), entries, strict=False)
            )
    except OSError:
        return False


def _left_out(others, folders):
    """In one line, which images there are that are not taken, and what to do about it."""
    left = []
    if others:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(others.items()))
        left.append(f"{kinds} (only TIFF is read: export them as TIFF)")
    if folders:
        names = ", ".join(f"'{show(path)}'" for path in folders[:3])
        names += f" and {len(folders) - 3} more" if len(folders) > 3 else ""
        left.append(f"TIFF files in {names} (name that folder, or a glob such as 'raw/**/*.tif')")
    return " and ".join(left)
