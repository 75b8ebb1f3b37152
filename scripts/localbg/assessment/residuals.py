"""What a method left in the wrong place: spots in the background, background in the foreground."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import rankdata

# Side of the tiles in which spots are counted, in spot radii.
TILE = 16
# Share of the area that counts as edges, and the least that says anything.
EDGES, LEAST_EDGES = 0.1, 0.01
# Spot radii: what is under a spot, and the ring of background around it.
UNDER, RING = 0.5, (2.0, 3.0)


def measure_self_subtraction(
    background: np.ndarray, before: np.ndarray, image: np.ndarray, plain: np.ndarray
) -> float:
    """Share of a spot that the background took up, from spots that were injected.

    Parameters
    ----------
    background, before : array_like, shape (n,)
        Background at the places of injected spots, with and without them.
    image, plain : array_like, shape (n,)
        The denoised image there, with and without them.

    Returns
    -------
    float
        Median over the spots; 0 for a background that does not see them, 1 for one that has them
        whole. NaN where no spot raised the image by a grey level or more than nothing.
    """
    rise = np.asarray(image, float) - np.asarray(plain, float)
    share = np.asarray(background, float) - np.asarray(before, float)
    seen = np.abs(rise) > 1e-6 * np.maximum(np.abs(plain), 1)
    return float(np.median(share[seen] / rise[seen])) if seen.any() else math.nan


def measure_excess(
    background: np.ndarray, places: np.ndarray, amplitudes: np.ndarray, spot_radius: float
) -> float:
    """How far the background rises under the spots found, as a share of their amplitude.

    Parameters
    ----------
    background : ndarray, 2-D
    places : array_like, shape (n, 2)
        Pixels y, x.
    amplitudes : array_like, shape (n,)
        Highest foreground of each, grey levels.
    spot_radius : float
        Pixels.

    Returns
    -------
    float
        Median over the spots of the background within half a spot radius, minus that in a ring
        from 2 to 3, over both amplitudes together. Around 0 on level or sloped background, however
        steep; NaN where no spot lies far enough from the border.
    """
    reach = int(np.ceil(RING[1] * spot_radius))
    rows, columns = np.indices((2 * reach + 1,) * 2) - reach
    distance = np.hypot(rows, columns) / spot_radius
    under = (distance <= UNDER) | (distance == 0)
    ring = (distance >= RING[0]) & (distance <= RING[1])
    shares = []
    for (y, x), amplitude in zip(np.rint(places).astype(int), amplitudes, strict=True):
        if reach <= y < background.shape[0] - reach and reach <= x < background.shape[1] - reach:
            near = background[y - reach : y + reach + 1, x - reach : x + reach + 1]
            rise = near[under].mean(dtype=float) - near[ring].mean(dtype=float)
            shares.append(rise / (rise + amplitude) if rise + amplitude > 0 else 0.0)
    return float(np.median(shares)) if shares else math.nan


def measure_trend(
    foreground: np.ndarray, level: np.ndarray, mask: np.ndarray, noise: float
) -> float:
    """Slope of the foreground against the local level, outside of spots.

    Parameters
    ----------
    foreground, level : ndarray, same shape
        Grey levels.
    mask : ndarray of bool, same shape
        Pixels of spots, left out.
    noise : float
        Typical noise of single pixels, grey levels.

    Returns
    -------
    float
        Grey levels of foreground per grey level of background: 0 where the background is gone, 1
        where all of it is left. NaN on level background, where the local level varies by less than
        half the noise (standard deviation) and follows noise itself.
    """
    above = foreground[~mask].astype(np.float64)
    below = level[~mask].astype(np.float64)
    if not below.size or np.std(below) <= max(noise / 2, 1e-6 * abs(np.mean(below))):
        return math.nan
    spread = np.var(below)
    return float(np.mean((below - below.mean()) * (above - above.mean())) / spread)


def correlate_counts(
    places: np.ndarray, level: np.ndarray, spot_radius: float, noise: float
) -> float:
    """Rank correlation of the number of spots in a tile with the level of its background.

    Parameters
    ----------
    places : array_like, shape (n, 2)
        Pixels y, x.
    level : ndarray, 2-D
        Grey levels.
    spot_radius : float
        Pixels; a tile is 16 of them wide, or what divides the image evenly near that.
    noise : float
        Typical noise of single pixels, grey levels.

    Returns
    -------
    float
        Spearman's, from -1 to 1; NaN with fewer than three tiles, without spots, and on level
        background, where tiles differ by no more than the noise.
    """
    tiles = [max(1, round(size / (TILE * spot_radius))) for size in level.shape]
    rows, columns = (
        np.arange(size) * n // size for size, n in zip(level.shape, tiles, strict=True)
    )
    number = rows[:, None] * tiles[1] + columns
    n = tiles[0] * tiles[1]
    pixels = np.bincount(number.ravel(), minlength=n)
    mean = np.bincount(number.ravel(), level.ravel(), minlength=n) / pixels
    y, x = _pixels(places, level.shape)
    density = np.bincount(number[y, x], minlength=n) / pixels
    if n < 3 or np.ptp(density) == 0 or np.ptp(mean) <= noise:
        return math.nan
    return float(np.corrcoef(rankdata(density), rankdata(mean))[0, 1])


def find_edges(steepness: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Pixels where the background changes as it does nowhere else, such as the rim of a cell.

    Parameters
    ----------
    steepness : ndarray, 2-D
        How far the level changes across a spot, grey levels.
    noise : ndarray, 2-D
        Of single pixels, grey levels.

    Returns
    -------
    ndarray of bool
        The steepest tenth of the area, where it is twice as steep as the median, and steeper than
        the noise. Even background and even slopes have no edges.
    """
    least = max(np.quantile(steepness, 1 - EDGES), 2 * float(np.median(steepness)))
    return (steepness >= least) & (steepness > noise)


def measure_edge_excess(places: np.ndarray, edges: np.ndarray) -> float:
    """How many times as many spots lie on edges as their share of the area.

    Parameters
    ----------
    places : array_like, shape (n, 2)
        Pixels y, x.
    edges : ndarray of bool, 2-D
        From `find_edges`.

    Returns
    -------
    float
        1 where edges are like the rest, more where spots crowd there. NaN without spots, or where
        less than a hundredth of the area is on edges.
    """
    y, x = _pixels(places, edges.shape)
    area = np.mean(edges)
    return float(np.mean(edges[y, x]) / area) if len(y) and area >= LEAST_EDGES else math.nan


def _pixels(places, shape):
    pixels = np.rint(np.reshape(places, (-1, 2))).astype(int)
    return np.clip(pixels, 0, np.subtract(shape, 1)).T
