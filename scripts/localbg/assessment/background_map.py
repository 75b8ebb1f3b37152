"""An image's background, whatever method looks at it: level, noise, slopes, and spots on it.

Injected spots and decoys have to be the same for all methods, so they must not depend on any. What
they need to know of an image is measured here, with filters that no method takes part in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from localbg.core.checks import require_plane
from localbg.detection import noise
from localbg.filters.footprint import half_widths
from localbg.filters.median_filter import median

WHERE = ("flat", "slope", "bright")
# Spot radii that the windows of level and noise span: wide enough to look past a spot.
LEVEL_RADIUS = 3
NOISE_RADIUS = 4
SPOT_REACH = 2.5  # spot radii around the middle of a spot that are not background
# Blind to planes and saddles, it sees noise and little else. Of white noise of sd 1 it makes sd 6.
DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
# How far a spot stands out from what is no spot, in noise standard deviations of its curvature; and
# its curvature against the slope it is on, in spot widths. The round edge of a cell is curved too.
LEAST_STRENGTH = 5
LEAST_RISE = 0.25
# The width of spots is taken from this many of the strongest, and from no fewer than that.
MOST_FITTED, LEAST_FITTED = 50, 5


@dataclass(frozen=True)
class BackgroundMap:
    """An image without its spots, in grey levels.

    Attributes
    ----------
    level : ndarray of float32, 2-D
        Local background: the median nearby, spots left out.
    noise : ndarray of float32, 2-D
        Standard deviation of the noise of single pixels nearby.
    steepness : ndarray of float32, 2-D
        How far the level changes across the diameter of a spot.
    where : ndarray of uint8, 2-D
        Index into `WHERE`.
    spots : ndarray of float64, shape (n, 2)
        Places y, x in pixels of what looks like a spot.
    contrasts : ndarray of float64, shape (n,)
        Their amplitudes in standard deviations of the noise nearby; infinite where there is none.
    spotted : ndarray of bool, 2-D
        Pixels that these spots reach.
    sigma : float
        Standard deviation of a typical spot in pixels.
    """

    level: np.ndarray
    noise: np.ndarray
    steepness: np.ndarray
    where: np.ndarray
    spots: np.ndarray
    contrasts: np.ndarray
    spotted: np.ndarray
    sigma: float


def map_background(
    image: np.ndarray,
    spot_radius: float,
    *,
    polarity: str = "bright",
    grey_step: float = 0.0,
    threads: int = 1,
) -> BackgroundMap:
    """Measure the background of an image.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    spot_radius : float
        Pixels.
    polarity : {"bright", "dark"}
        Of the spots.
    grey_step : float
        Smallest difference between grey levels, for the noise of rounding; 0 for floats.
    threads : int

    Returns
    -------
    BackgroundMap

    Notes
    -----
    A place is on a ``slope`` where the level changes by more than the noise across the diameter of
    a spot. Elsewhere it is ``bright`` in the upper half of the image's range of levels (the lowest
    and the highest hundredth left out), and more than three noise standard deviations above the
    lowest; the rest is ``flat``.

    The noise is that of neighbouring pixels against each other [1]_, as a median nearby, so that
    spots do not count. Where neighbours share noise (a smoothed or compressed image) it comes out
    too low. Costs two medians over discs of 3 and 4 spot radii and a dozen Gaussian filters.

    References
    ----------
    .. [1] Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64,
       1996, doi 10.1006/cviu.1996.0060.
    """
    require_plane(image)
    typical = spot_radius / 2**0.5
    # Truncated filters see a constant; without it they see what is there.
    up = image.astype(np.float32) - np.float32(np.median(image))
    up = up if polarity == "bright" else -up
    spots, strength = locate_spots(up, typical)
    sigma = measure_width(up, spots[np.argsort(-strength, kind="stable")], typical)
    under = near(spots, image.shape, SPOT_REACH * spot_radius)
    bare = _filled(image, under, 2 * spot_radius)
    level = _median(bare, LEVEL_RADIUS * spot_radius, threads).astype(np.float32)
    local = estimate_local_noise(
        image,
        NOISE_RADIUS * spot_radius,
        spotted=under,
        grey_step=grey_step,
        threads=threads,
    )
    steepness = 2 * spot_radius * _gradient(level, spot_radius)
    low, high = np.percentile(level, (1, 99))
    bright = level - low > np.maximum((high - low) / 2, 3 * local)
    where = np.select([steepness > local, bright], [1, 2], 0).astype(np.uint8)
    with np.errstate(divide="ignore"):
        contrasts = (
            measure_amplitudes(up, spots, sigma, typical) / local[tuple(spots.astype(int).T)]
        )
    return BackgroundMap(level, local, steepness, where, spots, contrasts, under, sigma)


def estimate_local_noise(
    image: np.ndarray,
    radius: float,
    *,
    spotted: np.ndarray | None = None,
    grey_step: float = 0.0,
    threads: int = 1,
) -> np.ndarray:
    """Standard deviation of the noise of single pixels within ``radius`` pixels, float32.

    Pixels that are ``spotted`` count on neither side of the median.
    """
    difference = np.abs(ndimage.convolve(image.astype(np.float32), DIFFERENCE, mode="mirror"))
    if spotted is not None:
        # Below and above all others by turns, so that they leave the median where it is.
        rows, columns = np.nonzero(spotted)
        difference[rows, columns] = np.where((rows + columns) % 2, difference.max(), 0)
    if image.dtype.kind in "ui" and difference.max() < 2**16:
        difference = difference.astype(np.uint16)  # exact, and quicker to filter
    local = _median(difference, radius, threads) / np.float32(6 * noise.HALF_NORMAL[0.5])
    return np.maximum(local.astype(np.float32), np.float32(grey_step * 12**-0.5))


def locate_spots(image: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Find what looks like bright spots about as wide as ``sigma`` pixels.

    Returns
    -------
    places : ndarray of float64, shape (n, 2)
        Pixels y, x, in reading order.
    strengths : ndarray of float32, shape (n,)
        The lesser of both curvatures, negative upwards, of the image smoothed by ``sigma``.

    Notes
    -----
    A spot is curved downwards both ways. An edge is curved one way, or as little as a cell is
    round, and steep; so the rims of cells are not taken for spots.
    """
    image = image.astype(np.float32)
    yy, xx, yx = (
        ndimage.gaussian_filter(image, sigma, order) for order in ((2, 0), (0, 2), (1, 1))
    )
    lesser = -((yy + xx) / 2 + np.hypot((yy - xx) / 2, yx))
    found = noise.estimate_noise(lesser)
    highest = ndimage.maximum_filter(lesser, size=2 * int(np.ceil(sigma)) + 1)
    is_spot = (lesser == highest) & (lesser > found.level + LEAST_STRENGTH * found.noise)
    is_spot &= lesser * sigma > LEAST_RISE * _gradient(image, sigma)
    places = np.argwhere(is_spot)
    return places.astype(np.float64), lesser[is_spot]


def measure_width(image: np.ndarray, places: np.ndarray, typical: float) -> float:
    """Standard deviation of Gaussian spots at some places, in pixels.

    Parameters
    ----------
    image : ndarray, 2-D
        Spots are bright.
    places : ndarray, shape (n, 2)
        Pixels y, x, the strongest spots first.
    typical : float
        The answer where there are too few spots, or where they tell anything between half and
        twice of it.

    Notes
    -----
    Smoothed by s, a Gaussian of standard deviation σ has at its centre a curvature in proportion to
    σ² / (σ² + s²)². The ratio of that of two s tells σ, whatever the spot's amplitude and the slope
    of the background it is on.
    """
    if len(places) < LEAST_FITTED:
        return typical
    rows, columns = places[:MOST_FITTED].astype(int).T
    fine, coarse = typical, 1.5 * typical
    curved = [
        ndimage.gaussian_laplace(image.astype(np.float32), s)[rows, columns] for s in (fine, coarse)
    ]
    with np.errstate(all="ignore"):
        ratio = np.sqrt(np.abs(curved[0] / curved[1]))
        squares = (coarse**2 - ratio * fine**2) / (ratio - 1)
        sigma = float(np.median(np.sqrt(squares)))
    return sigma if typical / 2 <= sigma <= 2 * typical else typical


def measure_amplitudes(
    image: np.ndarray, places: np.ndarray, sigma: float, smoothed: float
) -> np.ndarray:
    """How far bright Gaussian spots of a width rise above their background, by their curvature.

    Parameters
    ----------
    image : ndarray, 2-D
    places : ndarray, shape (n, 2)
        Pixels y, x.
    sigma : float
        Standard deviation of the spots in pixels.
    smoothed : float
        Standard deviation of the filter before curvature is taken, against noise.
    """
    curved = -ndimage.gaussian_laplace(image, smoothed)[tuple(places.astype(int).T)]
    return curved.astype(float) / 2 * (sigma**2 + smoothed**2) ** 2 / sigma**2


def near(places: np.ndarray, shape: tuple[int, int], distance: float) -> np.ndarray:
    """Pixels no farther than ``distance`` pixels from any of some places y, x."""
    if not len(places):
        return np.zeros(shape, bool)
    apart = np.ones(shape, bool)
    apart[tuple(np.rint(places).astype(int).T)] = False
    return ndimage.distance_transform_edt(apart) <= distance


def _filled(image, holes, reach):
    """The image with the weighted mean of what is around in place of holes."""
    if not holes.any():
        return image
    total = ndimage.gaussian_filter(np.where(holes, 0, image).astype(np.float32), reach)
    weight = ndimage.gaussian_filter((~holes).astype(np.float32), reach)
    # In the midst of a wide hole nothing is near: the image has to do.
    holes = holes & (weight > 1e-3)
    filled = image.copy()
    mean = total[holes] / weight[holes]
    filled[holes] = np.rint(mean) if image.dtype.kind in "ui" else mean
    return filled


def _median(image, radius, threads):
    radius = min(radius, (min(image.shape) - 1) / 2)
    return median(image, half_widths(radius), threads=threads) if radius >= 1 else image


def _gradient(level, sigma):
    along = (ndimage.gaussian_filter(level, sigma, order) for order in ((1, 0), (0, 1)))
    return np.hypot(*along)
