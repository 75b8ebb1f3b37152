"""Filter a shrunken image: fast for large radii, and not exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from localbg.core.checks import require_plane
from localbg.filters.compiled import compiled, in_bands


def shrunken(
    image: np.ndarray,
    shrink: int,
    filtered: Callable[[np.ndarray], np.ndarray],
    *,
    threads: int = 1,
) -> np.ndarray:
    """Shrink an image, filter it, and enlarge the result to the image's size.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    shrink : int
        A block of ``shrink`` x ``shrink`` pixels becomes one, their mean; blocks at the right and
        at the bottom may be smaller.
    filtered : callable
        Filter of a float32 image, with its sizes already divided by ``shrink``.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray of float32
        Same shape: linear between the blocks' centres, and beyond the last ones their value.

    Raises
    ------
    ValueError
        If the image is not 2-D, is empty, or has values that are not finite.
    """
    require_plane(image)
    image = np.ascontiguousarray(image)
    small = np.empty([-(-length // shrink) for length in image.shape], np.float32)
    in_bands(lambda *rows: _shrink(image, shrink, small, *rows), len(small), threads)
    small = np.ascontiguousarray(filtered(small))
    result = np.empty(image.shape, np.float32)
    in_bands(lambda *rows: _enlarge(small, shrink, result, *rows), len(image), threads)
    return result


@compiled(
    *(
        f"({pixel}[:, ::1], int64, float32[:, ::1], int64, int64)"
        for pixel in ("uint8", "uint16", "float32")
    )
)
def _shrink(image, shrink, small, start, stop):
    """Means of blocks."""
    height, width = image.shape
    total = np.empty(width)
    for row in range(start, stop):
        bottom = min((row + 1) * shrink, height)
        total[:] = 0
        for y in range(row * shrink, bottom):
            source = image[y]
            for x in range(width):
                total[x] += source[x]
        for column in range(small.shape[1]):
            right = min((column + 1) * shrink, width)
            mean = 0.0
            for x in range(column * shrink, right):
                mean += total[x]
            count = (bottom - row * shrink) * (right - column * shrink)
            small[row, column] = mean / count


@compiled("(float32[:, ::1], int64, float32[:, ::1], int64, int64)")
def _enlarge(small, shrink, result, start, stop):
    """Values between the blocks' centres."""
    height, width = small.shape
    line = np.empty(width)
    for y in range(start, stop):
        place = min(max((y + 0.5) / shrink - 0.5, 0.0), height - 1.0)
        above = np.int64(place)
        below = min(above + 1, height - 1)
        for column in range(width):
            low, high = small[above, column], small[below, column]
            line[column] = low + (place - above) * (high - low)
        for x in range(result.shape[1]):
            place_x = min(max((x + 0.5) / shrink - 0.5, 0.0), width - 1.0)
            before = np.int64(place_x)
            low, high = line[before], line[min(before + 1, width - 1)]
            result[y, x] = low + (place_x - before) * (high - low)
