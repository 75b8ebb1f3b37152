"""Level and noise of a foreground, robust against the spots in it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

# Quantiles of |N(0, 1)|: they turn an absolute deviation into a standard deviation.
HALF_NORMAL = {0.5: 0.6744897501960817, 0.95: 1.9599639845400545}
LOWER_SIDE = 0.8
MOST_TEXTURE = 6.0
MOST_SAMPLED = 2**18  # pixels, about


class Noise(NamedTuple):
    """How a foreground lies where there are no spots, in grey levels.

    Attributes
    ----------
    level : float
        Median.
    noise : float
        Robust standard deviation.
    scatter : float
        The same, or that of the texture that the background left behind where it is larger.
    """

    level: float
    noise: float
    scatter: float


def estimate_noise(foreground: np.ndarray, *, grey_step: float = 0.0) -> Noise:
    """Measure level, noise and scatter of a foreground.

    Parameters
    ----------
    foreground : ndarray of float32
        Spots are positive.
    grey_step : float
        Smallest difference between grey levels of the raw image: 1 for integers, 0 for floats.

    Returns
    -------
    Noise

    Notes
    -----
    The noise is the median absolute deviation of the pixels that differ from the level. (The plain
    median absolute deviation is 0 as soon as half of the pixels are equal, as in a clipped
    foreground or around a cropped cell.) It is no less than that of rounding to whole grey levels,
    ``grey_step / sqrt(12)``.

    Texture has longer tails than noise, and spots must exceed it too. It swings both ways
    where spots only rise, so the scatter is that of the lower side: what lies between the level and
    the 2.5 % quantile, however many spots there are. A top-hat's foreground has hardly any lower
    side. Where it is too narrow to hold the noise, the 95 % quantile of all deviations is taken, up
    to six times the noise: more than that stems from spots on over a twentieth of the image.

    On pure Gaussian noise all are its standard deviation. Costs partial sorts of the pixels.
    """
    last = foreground.size - 1
    low, level = ranked(foreground.ravel(), 0.025 * last, last / 2)
    deviation = np.abs(foreground - np.float32(level)).ravel()
    same = deviation.size - np.count_nonzero(deviation)
    # The zeros come first: half way from them to the end is the median of the others.
    noise = ranked(deviation, (same + last) / 2)[0] / HALF_NORMAL[0.5] if same <= last else 0.0
    noise = max(noise, grey_step * 12**-0.5)
    tails = (level - low) / HALF_NORMAL[0.95]
    if tails < LOWER_SIDE * noise:
        tails = ranked(deviation, 0.95 * last)[0] / HALF_NORMAL[0.95]
        tails = min(tails, MOST_TEXTURE * noise)
    return Noise(level, noise, max(noise, tails))


def ranked(values: np.ndarray, *ranks: float) -> list[float]:
    """Values of some ranks, linear in between.

    Parameters
    ----------
    values : ndarray, 1-D
        Left as it is.
    *ranks : float
        Counted from 0.

    Returns
    -------
    list of float

    Notes
    -----
    One partial sort a rank: numpy divides at one place several times as fast as at two.
    """
    ordered = values.copy()
    found = []
    for rank in ranks:
        upper = math.ceil(rank)
        ordered.partition(upper)
        high = float(ordered[upper])
        low = float(ordered[:upper].max()) if upper > rank else high
        found.append(high + (upper - rank) * (low - high))
    return found


def second_differences(
    image: np.ndarray, places: tuple[np.ndarray, np.ndarray], step: int = 1
) -> np.ndarray:
    """Difference of second differences around pixels, as large as white noise there is.

    Parameters
    ----------
    image : ndarray, 2-D
        Raw grey levels.
    places : tuple of ndarray of int
        Rows and columns.
    step : int
        Pixels that the nine pixels compared are apart; cut off where the image is too small. Near
        the image's edge the nearest place that has all of them inside counts.

    Returns
    -------
    ndarray of float32
        Grey levels. A plane has none, white noise its own standard deviation (see
        `estimate_pixel_noise`).
    """
    steps = [min(step, (n - 1) // 2) for n in image.shape]
    rows, columns = (
        np.clip(p, d, n - 1 - d) for p, d, n in zip(places, steps, image.shape, strict=True)
    )
    total = np.zeros(rows.shape, np.float32)
    for i, along in enumerate((1, -2, 1), -1):
        for j, across in enumerate((1, -2, 1), -1):
            there = rows + i * steps[0], columns + j * steps[1]
            total += along * across * image[there].astype(np.float32)
    return total / 6


def estimate_pixel_noise(image: np.ndarray) -> float:
    """Standard deviation of the noise of single pixels, in grey levels.

    Parameters
    ----------
    image : ndarray, 2-D
        Raw grey levels.

    Returns
    -------
    float
        0 where there is none.

    Notes
    -----
    The median size of what a plane has none of, a difference of second differences [1]_, where
    neighbours differ at all; taken of a sample of the rows in large images. Where neighbours share
    noise it comes out too low.

    References
    ----------
    .. [1] Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64,
       1996, doi 10.1006/cviu.1996.0060.
    """
    if min(image.shape) < 3:
        return 0.0
    rows = np.arange(1, image.shape[0] - 1, max(1, image.size // MOST_SAMPLED))
    across = (
        image[rows - 1].astype(np.float32) + image[rows + 1] - 2 * image[rows].astype(np.float32)
    )
    sizes = np.abs(across[:, :-2] - 2 * across[:, 1:-1] + across[:, 2:]).ravel()
    sizes = sizes[sizes > 0]
    # Of white noise of standard deviation 1 it makes 6.
    return float(np.median(sizes)) / (6 * HALF_NORMAL[0.5]) if sizes.size else 0.0
