"""Where a ball touches a surface that it is pushed against."""

from __future__ import annotations

import numpy as np
from numba import njit

from localbg.filters.compiled import compiled, in_bands

# Columns that are worked on together.
BREADTH = 512


def roll(image: np.ndarray, ball: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Highest surface that a ball reaches under an image: a grey opening with a ball.

    Parameters
    ----------
    image : ndarray of float32, 2-D
        Finite.
    ball : ndarray of float32, odd square
        Height of the ball above its centre, symmetric.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray of float32
        Same shape, never above the image.

    Notes
    -----
    The centre of the ball also visits places outside the image, where part of the ball is under it.
    Costs O(size of the ball) per pixel; sums are in float32, as in ImageJ.
    """
    reach = ball.shape[0] // 2
    centres = _lift(np.ascontiguousarray(image), ball, reach, threads)
    # The highest of all balls is the lowest of all, turned over.
    np.negative(centres, out=centres)
    highest = _lift(centres, ball, -reach, threads)
    return np.negative(highest, out=highest)


def _lift(image, ball, margin, threads):
    shape = image.shape[0] + 2 * margin, image.shape[1] + 2 * margin
    lowest = np.empty(shape, np.float32)
    in_bands(lambda *rows: _lowest(image, ball, margin, lowest, *rows), len(lowest), threads)
    return lowest


@njit
def _lower(lowest, source, rise):
    for x in range(lowest.size):
        value = source[x] - rise
        lowest[x] = value if value < lowest[x] else lowest[x]


@compiled(
    "(float32[:, ::1], float32[:, ::1], int64, float32[:, ::1], int64, int64)",
)
def _lowest(image, ball, margin, lowest, start, stop):
    """Lowest of the image less the ball, the ball's centre ``margin`` pixels outside at first."""
    height, width = image.shape
    size = ball.shape[0]
    reach = size // 2
    for y in range(start, stop):
        for left in range(0, lowest.shape[1], BREADTH):
            right = min(left + BREADTH, lowest.shape[1])
            lowest[y, left:right] = np.inf
            for i in range(size):
                row = y - margin + i - reach
                if row < 0 or row >= height:
                    continue
                for j in range(size):
                    # Pixels outside the image do not hold the ball back.
                    shift = j - reach - margin
                    first = max(left, -shift)
                    last = min(right, width - shift)
                    if first < last:
                        _lower(
                            lowest[y, first:last],
                            image[row, first + shift : last + shift],
                            ball[i, j],
                        )
