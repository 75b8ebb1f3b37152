"""Noise of spots' amplitudes, as a function of the local level."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import ndtri

from localbg.detection.likeness import Fits, fit_spots
from localbg.detection.noise import HALF_NORMAL, second_differences

# The noise is measured on a sample of about so many pixels, in so many classes of the background's
# level with equally many pixels, so many at least; in turns, each without what is clear of it and
# so many spot radii around.
SAMPLE = 2**15
LEVELS = 12
PER_LEVEL = 400
ALIKE = 2.0  # noise standard deviations of a pixel: levels that differ by less are one
TURNS = 3
CLEAR = 3.0  # noise standard deviations
REACH = 2.5
ENOUGH = 0.3  # share of a class's pixels
# There is no less noise than if that of single pixels nearby were white, and no more than so many
# times that: what is more is spots. It is told by pixels so many spot radii apart, in tiles of so
# many spot radii, of so many at most.
STEP = 0.7
MOST_CORRELATED = 12.0
TILE = 32
MOST_TILES = 8
# Amplitudes of noise are normal, however strong its spatial correlation; those of spots, edges and
# texture have a long tail, spots on one side. Where the extreme quantiles of so many amplitudes, or
# more, differ from each other and from those of the normal distribution by less than this factor,
# no noise is too strong to be noise, and none is left out as clear of it.
EVEN, EXTREME, FEWEST = 1.25, 0.001, 4000
AT_EDGE = 1.4  # more noise within half a radius of the image's edge, which is repeated
# Of the largest grey level: what is less is rounding of 32 bits.
ROUNDING = 16 * float(np.finfo(np.float32).eps)


def measure_noise(
    background: np.ndarray,
    raw: np.ndarray,
    places: tuple[np.ndarray, np.ndarray],
    fits: Fits,
    radius: float,
    least: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of single pixels, and of fitted amplitudes, at places.

    Parameters
    ----------
    background, raw : ndarray, same shape, 2-D
    places : tuple of ndarray of int
        Rows and columns of local maxima.
    fits : Fits
        The spots fitted there.
    radius : float
        Of a spot, in pixels.
    least : float
        What either has in any case, in grey levels.

    Returns
    -------
    single, amplitude : ndarray of float64
        One for each place, in grey levels.

    Notes
    -----
    Shot noise and the texture of what shines by itself grow with the local level, and what is
    masked has neither; so the noise of amplitudes is a function of the background's level, robust
    (median) in each class of levels. Amplitudes that are rounding do not count, nor does what is
    near local maxima that are clear of the noise, or it would grow with their number. The noise of
    single pixels bounds it, since spots that leave no room between them would be taken for noise:
    from once to `MOST_CORRELATED` times what white noise of that size makes; the upper bound does
    not hold where amplitudes are normal, as no spots make them.
    Costs the fit of a spot at `SAMPLE` pixels.
    """
    sample = _sample(raw.shape)
    rounding = ROUNDING * max(abs(float(raw.max())), abs(float(raw.min())))
    step = max(1, round(STEP * radius))
    differences = np.abs(second_differences(raw, sample, step))
    # What is cut off, or masked, has less noise than what is not.
    cut_off = np.isin(raw[sample], (raw.min(), raw.max()))
    tiles = _Tiles(differences, (differences > rounding) & ~cut_off, sample, raw.shape, radius)
    single, white = tiles.at(places), tiles.at(sample) / fits.gain
    lowest, highest, pixel = 1.0, MOST_CORRELATED, float(np.median(white)) * fits.gain
    if not white.any():  # All is as smooth as a plane: then no pixel's noise is known.
        single, white = np.full(single.size, fits.gain), np.ones(white.size)
        lowest, highest, pixel = 0.0, np.inf, 0.0
    amplitudes = fit_spots(raw, np.column_stack(sample), radius).amplitude
    sizes = np.abs(amplitudes)
    varied = sizes > rounding
    turns = TURNS
    if _is_normal(amplitudes[varied]):
        turns, highest = 0, np.inf
    ratios, pixels = sizes[varied] / white[varied], [lines[varied] for lines in sample]
    classes = _Classes(background[sample][varied], ALIKE * pixel)
    free = np.ones(ratios.size, bool)
    from_edge = [np.minimum(p, n - 1 - p) for p, n in zip(places, raw.shape, strict=True)]
    at_edge = np.minimum(*from_edge) < radius / 2
    for turn in range(turns + 1):
        ratio = np.interp(background[places], classes.middles, classes.deviation(ratios, free))
        noise = np.clip(ratio, lowest, highest) * single / fits.gain
        noise = np.maximum(noise * np.where(at_edge, AT_EDGE, 1), least)
        if turn < turns:
            clear = np.column_stack(places)[fits.amplitude > CLEAR * noise]
            free = ~_near(clear, pixels, REACH * radius)
    return np.maximum(single * lowest, least), noise


def _is_normal(amplitudes):
    """Whether the amplitudes reach as far below 0 as above, and no farther than normal ones."""
    if amplitudes.size < FEWEST:
        return False
    low, high = np.quantile(amplitudes, (EXTREME, 1 - EXTREME))
    if not low < 0 < high:
        return False
    normal = np.median(np.abs(amplitudes)) / HALF_NORMAL[0.5] * -ndtri(EXTREME)
    return max(-low / high, high / -low, -low / normal, high / normal) < EVEN


def _sample(shape):
    """Rows and columns of about `SAMPLE` pixels on a grid that is its own mirror image."""
    stride = max(1, round(np.sqrt(shape[0] * shape[1] / SAMPLE)))
    lines = []
    for n in shape:
        half = np.arange(stride // 2, (n + 1) // 2, stride)
        lines.append(np.unique(np.concatenate([half, n - 1 - half])) if n > 1 else np.zeros(1, int))
    rows, columns = np.meshgrid(*lines, indexing="ij")
    return rows.ravel(), columns.ravel()


class _Tiles:
    """Robust standard deviation in tiles, of the sizes that count; linear between tiles."""

    def __init__(self, sizes, counts, sample, shape, radius):
        tiles = [int(np.clip(round(n / (TILE * radius)), 1, MOST_TILES)) for n in shape]
        self._edges = [np.linspace(0, n, tile + 1) for n, tile in zip(shape, tiles, strict=True)]
        row, column = (
            np.searchsorted(edge, lines, side="right") - 1
            for edge, lines in zip(self._edges, sample, strict=True)
        )
        deviation = np.full(tiles, np.nan)
        for tile in np.ndindex(*tiles):
            values = sizes[counts & (row == tile[0]) & (column == tile[1])]
            if values.size:
                deviation[tile] = np.median(values) / HALF_NORMAL[0.5]
        known = np.isfinite(deviation)
        # Where all is black there is nothing to tell: as elsewhere.
        deviation[~known] = np.median(deviation[known]) if known.any() else 0
        self._deviation = deviation

    def at(self, places):
        where = [
            np.interp(lines, (edge[1:] + edge[:-1] - 1) / 2, np.arange(edge.size - 1))
            for lines, edge in zip(places, self._edges, strict=True)
        ]
        return ndimage.map_coordinates(self._deviation, where, order=1, mode="nearest")


class _Classes:
    """Pixels in classes of alike levels."""

    def __init__(self, levels, apart):
        count = int(np.clip(levels.size // PER_LEVEL, 1, LEVELS))
        # Whole levels go to one class, so that the order of pixels does not count.
        shares = np.arange(1, count) / count
        bounds = np.quantile(levels, shares, method="lower") if levels.size else []
        bounds = _thinned(bounds, apart)
        self._of = np.searchsorted(bounds, levels, side="left")
        self._known = np.unique(self._of)
        self.middles = [float(np.median(levels[self._of == i])) for i in self._known] or [0.0]

    def deviation(self, sizes, free):
        """Robust standard deviation of each class's sizes that are free, 0 if few are."""
        result = np.zeros(len(self.middles))
        for k, i in enumerate(self._known):
            some = self._of == i
            if np.count_nonzero(free[some]) > ENOUGH * np.count_nonzero(some):
                result[k] = np.median(sizes[some & free]) / HALF_NORMAL[0.5]
        return result


def _thinned(rising, apart):
    """Numbers without those that are no more than ``apart`` above the one before."""
    kept = []
    for number in rising:
        if not kept or number - kept[-1] > apart:
            kept.append(number)
    return np.array(kept)


def _near(places, sample, distance):
    """Which pixels of a sample are no farther from any of some places than a distance."""
    pixels = np.column_stack(sample)
    if not len(places):
        return np.zeros(len(pixels), bool)
    return np.isfinite(cKDTree(places).query(pixels, distance_upper_bound=distance)[0])
