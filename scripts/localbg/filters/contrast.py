"""How far each pixel stands above its surroundings, on both sides of it."""

from __future__ import annotations

import numpy as np

from localbg.filters.compiled import compiled

DIRECTIONS = 16


def contrasts(
    image: np.ndarray, distance: float, *, every: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Compare each pixel with what lies around it at a distance.

    Parameters
    ----------
    image : ndarray of float32, 2-D
    distance : float
        Pixels.
    every : int
        Only of each so many-th row, the first among them.

    Returns
    -------
    mean, least : ndarray of float32
        The pixel less the mean of two pixels that lie opposite each other at that distance: the
        mean over up to `DIRECTIONS` directions, and the least of them.

    Notes
    -----
    A plane that slopes has neither. A ridge or an edge has a mean contrast, but no least one,
    since along it all is alike; a spot has both. Distances are rounded to pixels, directions that
    come out alike count once; edges are repeated. Costs two reads a pixel for each direction.
    """
    padded, offsets, reach = _opposite(image, distance)
    shape = -(-image.shape[0] // every), image.shape[1]
    mean, least = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _contrasts(padded, offsets, np.int64(reach), np.int64(every), mean, least)
    return mean, least


def step_across(
    image: np.ndarray, distance: float, places: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """How much the two sides of pixels differ, in the direction in which they do so the most.

    Parameters
    ----------
    image, distance
        As of `contrasts`.
    places : tuple of ndarray of int
        Rows and columns of the pixels.

    Returns
    -------
    ndarray of float32
    """
    padded, offsets, reach = _opposite(image, distance)
    flat = padded.ravel()
    centres = (places[0] + reach) * padded.shape[1] + places[1] + reach
    result = np.zeros(centres.size, np.float32)
    for offset in offsets:
        np.maximum(result, np.abs(flat[centres + offset] - flat[centres - offset]), out=result)
    return result


def _opposite(image, distance):
    """The image with its edges repeated, the way to one of each two opposite pixels, the reach."""
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    steps = np.rint(distance * np.column_stack([np.sin(angles), np.cos(angles)])).astype(np.int64)
    steps = np.unique(np.where(steps[:, 1:] < 0, -steps, steps), axis=0)
    reach = int(np.abs(steps).max())
    padded = np.pad(image.astype(np.float32, copy=False), reach, mode="edge")
    return padded, steps[:, 0] * padded.shape[1] + steps[:, 1], reach


@compiled("(float32[:, ::1], int64[::1], int64, int64, float32[:, ::1], float32[:, ::1])")
def _contrasts(padded, offsets, reach, every, mean, least):
    flat, width = padded.ravel(), padded.shape[1]
    share = np.float32(0.5 / offsets.size)
    for y in range(mean.shape[0]):
        start = (y * every + reach) * width + reach
        total = np.zeros(mean.shape[1], np.float32)
        highest = np.full(mean.shape[1], -np.inf, np.float32)
        for offset in offsets:
            for x in range(mean.shape[1]):
                pair = flat[start + x + offset] + flat[start + x - offset]
                total[x] += pair
                highest[x] = max(highest[x], pair)
        for x in range(mean.shape[1]):
            value = flat[start + x]
            mean[y, x] = value - share * total[x]
            least[y, x] = value - np.float32(0.5) * highest[x]
