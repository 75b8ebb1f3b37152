"""Which local maxima are spots: by the fit of a spot, the noise, and the bulk of all maxima.

Nothing here looks at the histogram of the pixels. What counts are the local maxima of an image of
contrasts, as many as there are spots, bumps of the texture and waves of the noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from localbg.detection.decision import Limits
from localbg.detection.fdr import BULK, beyond_bulk, significant
from localbg.detection.level_noise import measure_noise
from localbg.detection.likeness import fit_spots
from localbg.filters.contrast import contrasts, step_across
from localbg.filters.footprint import half_widths
from localbg.filters.min_max import dilate

AROUND = 1.5  # spot radii to a pixel's surroundings
# Local maxima are at least so many pixels apart, as two of noise can touch at a corner.
APART = 1.5
# A straight edge has no contrast along it. One that bends, or that pixels cut into stairs, has some
# share of the step between its two sides, and a spot must have more. The step is that so many spot
# radii from the middle, since farther out a dim spot may have a bright one on one side.
EDGE = 0.3
BESIDE = 2 / 3
# The local maxima are those of an image smoothed by about so many spot radii.
SMOOTHED = 0.4
# Likeness that a spot must have, what noise adds to its misfit left out.
LIKE_A_SPOT = 0.5
# Score in noise standard deviations that noise and texture do not reach in the midst of their bulk:
# where it is more, spots are the bulk, and nothing can be told from it.
OF_SPOTS = 6.0
# Where nothing is beyond the bulk, what is more than noise is none, unless it is this share of all.
MANY = 0.1
# Where more than this share of all is more than noise, spots are in the midst of the bulk too; then
# it tells nothing, unless it tells this share of them from the others.
CROWDED, TOLD = 0.3, 0.05
# A spot's core: pixels within a radius that have this share of its contrast.
CORE = 0.6


class Maxima(NamedTuple):
    """Local maxima of an image: arrays with one entry for each.

    Attributes
    ----------
    rows, columns : ndarray of int
        Pixels.
    heights : ndarray of float
        Amplitudes in noise standard deviations.
    scores : ndarray of float
        Amplitudes times likeness, in grey levels.
    standing : ndarray of float
        Scores in noise standard deviations.
    like_spots : ndarray of bool
        Whether the image there looks like a spot.
    """

    rows: np.ndarray
    columns: np.ndarray
    heights: np.ndarray
    scores: np.ndarray
    standing: np.ndarray
    like_spots: np.ndarray


def detect(
    foreground: np.ndarray,
    denoised: np.ndarray,
    raw: np.ndarray,
    *,
    radius: float,
    fdr: float,
    polarity: str = "bright",
    least_noise: float = 0.0,
    shared: float | None = None,
    earlier: Limits | None = None,
) -> tuple[Limits, np.ndarray]:
    """Find the spots among the local maxima; see `localbg.detection.threshold.matched_filter`.

    Parameters
    ----------
    foreground : ndarray of float32, 2-D
        Spots are positive.
    denoised, raw : ndarray, same shape
        What the background was subtracted from, and what that was made of.
    radius : float
        Of a spot, in pixels.
    fdr : float
        False-discovery rate.
    polarity : {"bright", "dark"}
        Of the spots in the raw image.
    least_noise : float
        Standard deviation of an amplitude in any case, in grey levels.
    shared : float, optional
        Least score in grey levels, where it is known from other images. What the image's own noise
        asks for holds beside it.
    earlier : Limits, optional
        Those of an earlier image, to be taken as they are.

    Returns
    -------
    limits : Limits
    mask : ndarray of bool
        The cores of the spots.
    """
    contrast, least = contrasts(foreground, max(AROUND * radius, 1.0))
    places = _local_maxima(least, denoised, radius)
    background = denoised - foreground if polarity == "bright" else denoised + foreground
    maxima = _measure(background, raw, places, radius, polarity, least_noise)
    if earlier is None:
        limits = _limits(maxima, foreground.size / (SMOOTHED * radius) ** 2, fdr)
        if shared is not None:
            limits = limits._replace(threshold=shared)
    else:
        limits = earlier
    spots = _reaching(maxima, limits)
    return limits, _cores(contrast, maxima.rows[spots], maxima.columns[spots], radius)


def _local_maxima(least, denoised, radius):
    """Rows and columns of local maxima of the least contrast, without those on edges."""
    highest = dilate(least, half_widths(max(radius, APART)))
    rows, columns = np.nonzero((least == highest) & (least > 0))
    step = step_across(denoised, max(BESIDE * radius, 1.0), (rows, columns))
    apart = least[rows, columns] >= EDGE * step
    return rows[apart], columns[apart]


def _measure(background, raw, places, radius, polarity, least_noise):
    fits = fit_spots(raw, np.column_stack(places), radius, polarity)
    single, noise = measure_noise(background, raw, places, fits, radius, least_noise)
    scores = np.maximum(fits.likeness, 0) * fits.amplitude

    def in_noise(values):
        return np.divide(values, noise, out=np.zeros(noise.size), where=noise > 0)

    explained = np.maximum(fits.amplitude, 0) * fits.gain
    misfit = np.maximum(fits.misfit - fits.freedom * single**2, 0)
    like_spots = explained >= LIKE_A_SPOT * np.hypot(explained, np.sqrt(misfit))
    return Maxima(*places, in_noise(fits.amplitude), scores, in_noise(scores), like_spots)


def _limits(maxima, area, fdr):
    significance = significant(maxima.heights, area, fdr)
    if _is_of_spots(maxima.standing):
        return Limits(0.0, significance, 0.0)
    spots = _reaching(maxima, Limits(0.0, significance, 0.0))
    measures = maxima.scores, maxima.standing
    found, of = np.count_nonzero(spots), np.count_nonzero(maxima.scores > 0)
    many, least = found >= MANY * of, TOLD * found if found > CROWDED * of else 1
    # Where half of the bulk is another background's, its tail looks longer than it is.
    for bulk in (BULK, (1 + BULK) / 2):
        limits = [beyond_bulk(values, fdr, bulk) for values in measures]
        # Of one the bulk may be so broad that no spot is beyond it: then the other one tells.
        tells = [np.count_nonzero(measures[i][spots] >= limits[i]) >= least for i in (0, 1)]
        if many or any(tells):
            limits = [limits[i] if tells[i] else 0.0 for i in (0, 1)]
            break
    return Limits(limits[0], significance, limits[1])


def _is_of_spots(standing):
    """Whether the bulk of the local maxima is no noise or texture, but spots."""
    standing = standing[standing > 0]
    return standing.size > 0 and np.quantile(standing, (1 + BULK) / 2) > OF_SPOTS


def _reaching(maxima, limits):
    return (
        maxima.like_spots
        & (maxima.heights >= limits.significant)
        & (maxima.scores >= limits.threshold)
        & (maxima.standing >= limits.distinct)
    )


def _cores(contrast, rows, columns, radius):
    """Mask of the pixels around local maxima that belong to their spots."""
    reach = max(radius, 1.0)
    side = np.arange(-int(reach), int(reach) + 1)
    dy, dx = (d.ravel() for d in np.meshgrid(side, side, indexing="ij"))
    inside = dy**2 + dx**2 <= reach**2
    y, x = rows[:, None] + dy[inside], columns[:, None] + dx[inside]
    height, width = contrast.shape
    there = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    least = np.broadcast_to(CORE * contrast[rows, columns][:, None], y.shape)
    y, x, least = y[there], x[there], least[there]
    core = contrast[y, x] >= least
    mask = np.zeros(contrast.shape, bool)
    mask[y[core], x[core]] = True
    return mask
