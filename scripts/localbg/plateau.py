"""Which spots stand out: from noise by a false-discovery rate, from the rest by a plateau.

Nothing here looks at the histogram of the pixels. What counts are the summits of an image of
contrasts, as many as there are spots, bumps of the texture and waves of the noise.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from localbg.kernels.contrast import contrasts, step_across
from localbg.kernels.extremes import dilate
from localbg.kernels.footprint import half_widths
from localbg.noise import HALF_NORMAL, ranked

# In spot radii: how far away a pixel's surroundings are, how far a spot reaches into the contrasts
# of others, and how large the tiles are in which the noise is measured.
AROUND = 1.5
REACH = 2.5
TILE = 32
MOST_TILES = 8
SAMPLES = 2**18
TURNS = 3  # of measuring the noise and leaving out the spots that stand out from it
CLEAR = 4.0  # noise standard deviations
ENOUGH = 0.1  # share of a tile
# How much more noise there may be than if that of the raw image were white: what is more is spots.
MOST_CORRELATED = 8.0
AT_EDGE = 1.7  # by which noise is more within half a radius of the image's edge
# A straight edge has no contrast along it. One that bends, or that pixels cut into stairs, has some
# share of the step between its two sides, and a spot must have more. The step is that so many spot
# radii from the middle, since farther out a dim spot may have a bright one on one side.
STAIRS = 0.2
BESIDE = 2 / 3
EIGHT = np.ones((3, 3), bool)
# Where something stands out from noise there are spots, and one that is as likely noise as not is
# worth more than it costs: then the share of false ones may be this much larger.
ONCE_FOUND = 2.5
# The search for a plateau starts at so many noise standard deviations, or where the contrast is the
# bright spots' over this, whichever is higher.
LOWEST = 2.0
RANGE = 20.0
BRIGHT = 0.98  # quantile
WINDOW = 2.5  # by which factor a plateau's thresholds differ
STEP = 1.03
FEW = 3  # summits above a gap that tell little of the many that may be spots below it


def standing_out(
    foreground: np.ndarray,
    denoised: np.ndarray,
    raw: np.ndarray,
    *,
    radius: float,
    false_share: float,
    least_noise: float,
    value: float | None = None,
    significance: float | None = None,
) -> tuple[float, np.ndarray, float | None]:
    """Find the least contrast of spots, and the pixels that have it; see `threshold.plateau`.

    Parameters
    ----------
    foreground : ndarray of float32, 2-D
    denoised, raw : ndarray, same shape
        What the noise is measured on: contrasts of the one, and what denoising took from the other.
    radius : float
        Of a spot, in pixels.
    false_share : float
        See `threshold.plateau`.
    least_noise : float
        Standard deviation that the noise has in any case, in grey levels.
    value : float, optional
        Least contrast where it is known; then only noise is told from the rest.
    significance : float, optional
        From how many noise standard deviations on, where that is known.

    Returns
    -------
    value : float
        Contrast in grey levels. The highest of the image where nothing stands out from the noise.
    mask : ndarray of bool
    significance : float or None
        Noise standard deviations of the least summit that is more than noise; None if none is.
    """
    distance = max(AROUND * radius, 1.0)
    mean, least = contrasts(foreground, distance)
    disc = half_widths(max(radius, 1.0))
    summits = np.nonzero((least == dilate(least, disc)) & (least > 0))
    noise = _Noise(denoised, raw, distance, radius, least_noise)
    noise.measure(mean, summits)
    beside = max(BESIDE * radius, 1.0)

    def on_edge(places):
        return least[places] < STAIRS * step_across(denoised, beside, places)

    left_out = on_edge(summits)
    stairs = summits[0][left_out], summits[1][left_out]
    summits = summits[0][~left_out], summits[1][~left_out]
    heights = mean[summits] / noise.at(summits)
    # A disk of this area holds a wave of noise that was smoothed over half a spot radius.
    area = foreground.size / (radius / 2) ** 2
    lowest = significance
    if lowest is None:
        lowest = significant(heights, area, false_share)
        if np.isfinite(lowest):
            lowest = significant(heights, area, ONCE_FOUND * false_share)
    if not np.isfinite(lowest):
        return float(least.max()), np.zeros(foreground.shape, bool), None
    if value is None:
        # Of the bright ones the brightest few may be dirt or defects of the camera.
        bright = np.quantile(least[summits][heights >= lowest], BRIGHT, method="lower")
        start = max(LOWEST * float(np.median(noise.tiles)), float(bright) / RANGE)
        value = plateau(least[summits], start)
    mask = least > value
    places = np.nonzero(mask)
    mask[places] = mean[places] / noise.at(places) >= lowest
    stairs = tuple(places[mask[stairs]] for places in stairs)
    if stairs[0].size:
        mask = _without(stairs, summits, mask)
        # Of spots beside something bright the summit may be on its slope, but not their core.
        near = np.zeros(mask.shape, np.uint8)
        near[stairs] = 1
        places = np.nonzero(mask & (dilate(near, disc) > 0))
        mask[places] = ~on_edge(places)
    return value, mask, float(lowest)


def _without(stairs, summits, mask):
    """The mask without objects that have summits on edges only."""
    objects, count = ndimage.label(mask, EIGHT)
    left_out = np.zeros(count + 1, bool)
    left_out[objects[stairs]] = True
    left_out[objects[summits]] = False
    return mask & ~left_out[objects]


class _Noise:
    """Standard deviation of contrasts where there are no spots, in tiles, linear in between."""

    def __init__(self, denoised, raw, distance, radius, least):
        shape = denoised.shape
        sides = [max(TILE * radius, n / MOST_TILES) for n in shape]
        counts = [max(1, round(n / side)) for n, side in zip(shape, sides, strict=True)]
        self._edges = [
            np.linspace(0, n, count + 1).astype(int) for n, count in zip(shape, counts, strict=True)
        ]
        self._stride = max(1, int(np.sqrt(denoised.size / SAMPLES)))
        self._contrast = np.abs(
            contrasts(denoised, distance, every=self._stride)[0][:, :: self._stride]
        )
        self._radius = radius
        self._least = least
        # What a Gaussian of half a spot radius leaves of white noise.
        left = 1 / (np.sqrt(4 * np.pi) * max(radius / 2, 0.5))
        removed = np.abs(self._sampled(raw).astype(np.float32) - self._sampled(denoised))
        white = left * self._deviation(removed, np.ones(removed.shape, bool))
        self._bounds = white, np.where(white > 0, MOST_CORRELATED * white, np.inf)

    def measure(self, spots, summits):
        """Measure, leaving out what stands out, in turns."""
        free = np.ones(self._contrast.shape, bool)
        for turn in range(TURNS + 1):
            found = self._deviation(self._contrast, free)
            # Of a tile full of spots there is not enough left to tell.
            found = np.where(np.isnan(found), self.tiles if turn else 0, found)
            self.tiles = np.maximum(np.clip(found, *self._bounds), self._least)
            if turn < TURNS:
                clear = np.zeros(spots.shape, np.uint8)
                high = spots[summits] > CLEAR * self.at(summits)
                clear[summits[0][high], summits[1][high]] = 1
                reach = half_widths(max(REACH * self._radius, 1.0))
                free = self._sampled(dilate(clear, reach)) == 0

    def _sampled(self, image):
        return image[:: self._stride, :: self._stride]

    def _deviation(self, sizes, free):
        """Robust standard deviation of each tile's numbers that are not 0; NaN if few are free."""
        rows, columns = (-(-edges // self._stride) for edges in self._edges)
        result = np.empty((rows.size - 1, columns.size - 1))
        for i, j in np.ndindex(result.shape):
            tile = slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1])
            values = sizes[tile][free[tile] & (sizes[tile] > 0)]
            result[i, j] = ranked(values, (values.size - 1) / 2)[0] if values.size else 0.0
            if np.count_nonzero(free[tile]) < ENOUGH * free[tile].size:
                result[i, j] = np.nan
        return result / HALF_NORMAL[0.5]

    def at(self, places):
        """Standard deviation at pixels, given as rows and columns."""
        where = [
            np.interp(positions, (edges[1:] + edges[:-1] - 1) / 2, np.arange(edges.size - 1))
            for positions, edges in zip(places, self._edges, strict=True)
        ]
        deviation = ndimage.map_coordinates(self.tiles, where, order=1, mode="nearest")
        # A filter that repeats the edge gives the last pixels most of the weight there.
        for positions, edges in zip(places, self._edges, strict=True):
            from_edge = np.minimum(positions, edges[-1] - 1 - positions)
            deviation[from_edge < self._radius / 2] *= AT_EDGE
        return deviation


def significant(heights: np.ndarray, area: float, false_share: float) -> float:
    """Least height such that noise makes up no more than a share of the summits from there on.

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

    def noise(height):
        return area / 2 * (2 * np.pi) ** -1.5 * height * np.exp(-(height**2) / 2)

    falling = np.sort(heights)[::-1]
    falling = falling[falling > LOWEST]
    fits = np.flatnonzero(noise(falling) <= false_share * np.arange(1, falling.size + 1))
    if not fits.size:
        return np.inf
    # What the spots' flanks have to reach as well; no other summit lies between the two.
    last = fits[-1]
    lower = np.append(np.arange(LOWEST, falling[last], 0.01), falling[last])
    return float(lower[np.argmax(noise(lower) <= false_share * (last + 1))])


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
    side is divided by the number above them. Three are added to the former, so a gap above which
    few are left counts less than one that many have come through. Of equals the first, and the
    middle of its run.
    """
    rising = np.sort(heights)
    steps = max(0, int(np.log(max(rising[-1] / lowest, 1)) / np.log(STEP)))
    trials = lowest * STEP ** np.arange(steps + 1)
    from_below, above = (
        rising.size - np.searchsorted(rising, trials * factor, side="right")
        for factor in (WINDOW**-0.5, WINDOW**0.5)
    )
    # Where none is left there is nothing to find, so that is no plateau.
    change = np.where(above > 0, (from_below - above + FEW) / np.maximum(above, 1), np.inf)
    first = int(np.argmin(change))
    run = np.flatnonzero(np.append(change[first:] != change[first], True))[0]
    return float(trials[first + (run - 1) // 2])
