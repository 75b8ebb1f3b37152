"""Which spots stand out: from noise by a false-discovery rate, from the rest by a plateau.

Nothing here looks at the histogram of the pixels. What counts are the summits of an image of
contrasts, as many as there are spots, bumps of the texture and waves of the noise.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from localbg.kernels.contrast import contrasts
from localbg.kernels.extremes import dilate
from localbg.kernels.footprint import half_widths

# In spot radii: how far away a pixel's surroundings are, how far a spot reaches into the contrasts
# of others, and how large the tiles are in which the noise is measured.
AROUND = 1.5
REACH = 2.5
TILE = 24
MOST_TILES = 8
SAMPLES = 2**18
TURNS = 3  # of measuring the noise and leaving out the spots that stand out from it
CLEAR = 4.0  # noise standard deviations
LOWEST = 2.0  # noise standard deviations, where the search for a plateau starts
WINDOW = 2.5  # by which factor a plateau's thresholds differ
STEP = 1.03
NORMAL_MEDIAN = 0.6744897501960817  # of |N(0, 1)|


def standing_out(
    foreground: np.ndarray,
    denoised: np.ndarray,
    *,
    radius: float,
    false_share: float,
    least_noise: float,
) -> tuple[float, np.ndarray]:
    """Find the least contrast of spots, and the pixels that have it; see `threshold.plateau`.

    Parameters
    ----------
    foreground : ndarray of float32, 2-D
    denoised : ndarray, same shape
        What the noise is measured on.
    radius : float
        Of a spot, in pixels.
    false_share : float
        Share of the significant summits that may be noise.
    least_noise : float
        Standard deviation that the noise has in any case, in grey levels.

    Returns
    -------
    value : float
        Contrast in grey levels. The highest of the image where nothing stands out from the noise.
    mask : ndarray of bool
    """
    distance = max(AROUND * radius, 1.0)
    mean, least = contrasts(foreground, distance)
    summits = np.nonzero((least == dilate(least, half_widths(max(radius, 1.0)))) & (least > 0))
    own = mean if denoised is foreground else contrasts(denoised, distance)[0]
    noise = _Noise(own, mean, summits, radius, least_noise)
    heights = mean[summits] / noise.at(summits)
    # A disk of this area holds a wave of noise that was smoothed over half a spot radius.
    lowest = significant(heights, foreground.size / (radius / 2) ** 2, false_share)
    if not np.isfinite(lowest):
        return float(least.max()), np.zeros(foreground.shape, bool)
    value = plateau(least[summits], LOWEST * float(np.median(noise.tiles)))
    mask = least > value
    places = np.nonzero(mask)
    mask[places] = mean[places] >= lowest * noise.at(places)
    return value, mask


class _Noise:
    """Standard deviation of contrasts where there are no spots, in tiles, linear in between."""

    def __init__(self, contrast, spots, summits, radius, least):
        shape = contrast.shape
        sides = [max(TILE * radius, n / MOST_TILES) for n in shape]
        counts = [max(1, round(n / side)) for n, side in zip(shape, sides, strict=True)]
        self._edges = [
            np.linspace(0, n, count + 1).astype(int)
            for n, count in zip(shape, counts, strict=True)
        ]
        self.tiles = np.full(counts, np.inf)
        stride = max(1, int(np.sqrt(contrast.size / SAMPLES)))
        deviations = np.abs(contrast[::stride, ::stride])
        free = np.ones(deviations.shape, bool)
        for turn in range(TURNS + 1):
            for i, j in np.ndindex(*counts):
                rows, columns = (
                    slice(-(-edges[k] // stride), -(-edges[k + 1] // stride))
                    for edges, k in zip(self._edges, (i, j), strict=True)
                )
                inside = free[rows, columns]
                # Of a tile full of spots there is not enough left to tell.
                if turn and inside.mean() < 0.1:
                    continue
                values = deviations[rows, columns][inside]
                values = values[values > 0]
                found = float(np.median(values)) / NORMAL_MEDIAN if values.size else 0.0
                self.tiles[i, j] = min(self.tiles[i, j], max(found, least))
            if turn < TURNS:
                clear = np.zeros(shape, np.uint8)
                high = spots[summits] > CLEAR * self.at(summits)
                clear[summits[0][high], summits[1][high]] = 1
                free = dilate(clear, half_widths(max(REACH * radius, 1.0)))[::stride, ::stride] == 0

    def at(self, places):
        """Standard deviation at pixels, given as rows and columns."""
        where = [
            np.interp(positions, (edges[1:] + edges[:-1] - 1) / 2, np.arange(edges.size - 1))
            for positions, edges in zip(places, self._edges, strict=True)
        ]
        return ndimage.map_coordinates(self.tiles, where, order=1, mode="nearest")


def significant(heights: np.ndarray, area: float, false_share: float) -> float:
    """Lowest height such that noise makes up no more than a share of the summits from there on.

    Parameters
    ----------
    heights : ndarray
        Of summits, in noise standard deviations.
    area : float
        Of the image, in squares of the standard deviation of the Gaussian that smoothed the noise.
    false_share : float

    Returns
    -------
    float
        Infinite where there is no such height.

    Notes
    -----
    A field of smoothed white noise has about ``area / 2 * (2 π) ** -1.5 * u * exp(-u² / 2)``
    summits above a high ``u`` [1]_; the bound is that of Benjamini and Hochberg [2]_. In an image
    of noise alone it lets a summit through about once in ``1 / false_share`` images.

    References
    ----------
    .. [1] Adler, The Geometry of Random Fields, 1981, doi 10.1137/1.9780898718980.
    .. [2] Benjamini and Hochberg, Controlling the false discovery rate, Journal of the Royal
       Statistical Society B 57, 1995, doi 10.1111/j.2517-6161.1995.tb02031.x.
    """
    falling = np.sort(heights)[::-1]
    falling = falling[falling > 2]
    noise = area / 2 * (2 * np.pi) ** -1.5 * falling * np.exp(-(falling**2) / 2)
    fits = np.flatnonzero(noise <= false_share * np.arange(1, falling.size + 1))
    return float(falling[fits[-1]]) if fits.size else np.inf


def plateau(heights: np.ndarray, lowest: float) -> float:
    """Where a changed threshold changes the number of summits above it the least.

    Parameters
    ----------
    heights : ndarray
        Of summits, in grey levels.
    lowest : float
        Where the search starts, above 0.

    Returns
    -------
    float

    Notes
    -----
    Thresholds are tried in steps of 3 %. The number of summits within a factor of 1.6 on either
    side is divided by the number above them, one added to each, so that a few bright summits
    with nothing between them are no plateau. Of equals the first, the middle of its run.
    """
    rising = np.sort(heights)
    steps = max(0, int(np.log(max(rising[-1] / lowest, 1)) / np.log(STEP)))
    trials = lowest * STEP ** np.arange(steps + 1)
    from_below, above = (
        rising.size - np.searchsorted(rising, trials * factor, side="right")
        for factor in (WINDOW**-0.5, WINDOW**0.5)
    )
    change = (from_below - above + 1) / (above + 1)
    first = int(np.argmin(change))
    run = np.flatnonzero(np.append(change[first:] != change[first], True))[0]
    return float(trials[first + (run - 1) // 2])
