"""Pick a plane from an image of several axes, frame by frame."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from localbg.io.tiff_structure import ImageError

COLUMNS = {"C": "channel", "Z": "z", "T": "t"}
KNOWN = "CZTSYX"


def axis_names(given: str | None, axes: str, shape: Sequence[int], path: str | os.PathLike) -> str:
    """Names of an image's axes: those of the sheet where it gives any, else the file's.

    Raises
    ------
    ImageError
        If those of the sheet are not as many as the file has.
    """
    if given is None:
        return axes
    names = given.upper()
    if len(names) == len(shape) and len(set(names)) == len(names):
        return names
    # The sheet may leave out axes of length 1.
    long = [n for n in shape if n > 1]
    if len(names) == len(long) and len(set(names)) == len(names):
        rest = iter(names)
        return "".join(next(rest) if n > 1 else "Q" for n in shape)
    raise ImageError(
        f"{path}: the sheet's axes '{given}' do not fit the file, whose axes are "
        f"{described(axes, shape)}"
    )


def axes_note(names: str, axes: str) -> str:
    """Say where the sheet's names of axes are other ones than the file's; empty where they agree.

    Only names that mean something are held against each other, not a file's "some axis" (Q, I), and
    samples (S) of a colour image may be called channels.
    """
    pairs = [(own, given) for own, given in zip(axes, names, strict=True) if own in KNOWN]
    differ = any(own != given and (own, given) != ("S", "C") for own, given in pairs)
    return f"the file names its axes {axes}, the sheet {names}" if differ else ""


def described(names: str, shape: Sequence[int]) -> str:
    """Axes and sizes in words."""
    return ", ".join(f"{name}={length}" for name, length in zip(names, shape, strict=True))


def selection(
    names: str,
    shape: Sequence[int],
    picks: Mapping[str, int | str | None],
    path: str | os.PathLike,
) -> list[int | str | None]:
    """What to take along each axis so that rows and columns are left.

    Parameters
    ----------
    names, shape
        Of all axes.
    picks : dict of str to int, str or None
        For C, Z and T an index from 0, "max" or "mean", or nothing.
    path : path
        For messages.

    Returns
    -------
    list of int, str or None
        For each axis an index, "max", "mean", or None for rows and columns.

    Raises
    ------
    ImageError
        If an index is out of range, or other axes than rows and columns are left.
    """
    sizes = described(names, shape)
    chosen: list[int | str | None] = [None] * len(names)
    for name, pick in picks.items():
        if pick is None:
            continue
        if name not in names:
            if pick in (0, "max", "mean"):
                continue
            if name == "C" and "S" in names:
                raise ImageError(f"{path}: {_advice(names)}; its axes are {sizes}")
            raise ImageError(
                f"{path}: {COLUMNS[name]} {pick} was picked, but the file has no axis {name}; "
                f"its axes are {sizes}"
            )
        axis = names.index(name)
        if not isinstance(pick, str) and not 0 <= pick < shape[axis]:
            raise ImageError(
                f"{path}: {COLUMNS[name]} {pick} does not exist; expected 0 to {shape[axis] - 1}, "
                f"counted from 0. The file's axes are {sizes}"
            )
        chosen[axis] = pick
    for axis, (name, length) in enumerate(zip(names, shape, strict=True)):
        if chosen[axis] is None and length == 1 and name not in "YX":
            chosen[axis] = 0
    left = "".join(name for name, pick in zip(names, chosen, strict=True) if pick is None)
    if sorted(left) != ["X", "Y"]:
        raise ImageError(f"{path}: {_advice(left)}; its axes are {sizes}")
    return chosen


def _advice(names):
    if "S" in names:
        return (
            "this is an RGB image; expected one grey value per pixel. Convert it to grey, or name "
            f"its axes in the sheet (axes: {names.replace('S', 'C')}) and pick a channel"
        )
    left = [name for name in names if name not in "YX"]
    ways = {"C": "channel", "Z": "z (an index, max or mean)", "T": "t"}
    wanted = [ways[name] for name in left if name in ways]
    if wanted and len(wanted) == len(left):
        return f"more axes than rows and columns are left; pick {' and '.join(wanted)} in the sheet"
    return (
        f"expected rows and columns (YX), found axes {names}; name the axes in the sheet's column "
        "'axes' (such as ZYX or TCYX), then pick channel, z or t"
    )


def frame_numbers(
    shape: Sequence[int], outer: int, chosen: Sequence[int | str | None]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Which frames are needed: their index along the outer axes, and their number."""
    ranges = [
        (pick,) if isinstance(pick, int) else range(length)
        for length, pick in zip(shape[:outer], chosen[:outer], strict=True)
    ]
    steps = [math.prod(shape[k + 1 : outer]) for k in range(outer)]
    for index in _product(ranges):
        yield index, sum(i * step for i, step in zip(index, steps, strict=True))


def _product(ranges):
    """All combinations, the last changing fastest; no range is laid out, however long."""
    if not ranges:
        yield ()
        return
    for first in ranges[0]:
        for rest in _product(ranges[1:]):
            yield (first, *rest)


def assemble(
    names: str,
    shape: Sequence[int],
    outer: int,
    chosen: Sequence[int | str | None],
    frame: Callable[[tuple[int, ...], int], np.ndarray],
) -> np.ndarray:
    """The plane that was chosen, from as few frames as it takes, one after the other.

    Parameters
    ----------
    names, shape
        Of all axes.
    outer : int
        So many axes in front tell frames apart.
    chosen
        As `selection` gives it.
    frame : callable
        Pixels of a frame by its index and number, of shape ``shape[outer:]``.

    Returns
    -------
    ndarray, 2-D
        Of the file's type; float64 for a mean.
    """
    inner = chosen[outer:]
    projection = next((pick for pick in chosen if isinstance(pick, str)), None)
    by_frames = any(isinstance(pick, str) for pick in chosen[:outer])
    kept = [k for k in range(outer) if chosen[k] is None]
    parts: dict[tuple[int, ...], np.ndarray] = {}
    count = 0
    for index, number in frame_numbers(shape, outer, chosen):
        count += 1
        part = _within(frame(index, number), inner)
        key = tuple(index[k] for k in kept)
        if not by_frames:
            parts[key] = part
        elif projection == "mean":
            parts[key] = parts[key] + part if key in parts else part.astype(np.float64)
        else:
            parts[key] = np.maximum(parts[key], part) if key in parts else part
    planes = np.stack(list(parts.values())) if kept else parts[()]
    if by_frames and projection == "mean":
        planes = planes / (count // len(parts))
    left = [n for n, pick in zip(shape, chosen, strict=True) if pick is None]
    planes = planes.reshape(left)
    order = "".join(name for name, pick in zip(names, chosen, strict=True) if pick is None)
    return planes.T if order == "XY" else planes


def _within(pixels, inner):
    """Take of one frame what was chosen along the axes within it."""
    for axis in reversed(range(len(inner))):
        pick = inner[axis]
        if pick == "max":
            pixels = pixels.max(axis)
        elif pick == "mean":
            pixels = pixels.mean(axis, dtype=np.float64)
        elif pick is not None:
            pixels = pixels.take(pick, axis)
    return pixels
