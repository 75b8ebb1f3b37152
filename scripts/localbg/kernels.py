"""Footprints and the filters over them, the same for every step that filters.

Edges are repeated. Integer images stay integer; nothing wraps around.
"""

from __future__ import annotations

import math

import numpy as np


def half_widths(radius: float, footprint: str = "disk") -> np.ndarray:
    """Half-widths of a round footprint, row by row.

    Parameters
    ----------
    radius : float
        Radius r in pixels; need not be whole.
    footprint : {"disk", "imagej"}
        ``disk`` is dy² + dx² <= r², as `skimage.morphology.disk`. ``imagej`` is
        dy² + dx² <= floor(r²) + 1, the
        mask of ImageJ's rank filters [1]_.

    Returns
    -------
    ndarray of int
        Entry i is the largest dx of row dy = i - len // 2.

    References
    ----------
    .. [1] ImageJ 1.53t, ij.plugin.filter.RankFilters, makeLineRadii.
    """
    if footprint == "imagej":
        # ImageJ makes small broken radii somewhat larger.
        radius = 1.75 if 1.5 <= radius < 1.75 else 2.85 if 2.5 <= radius < 2.85 else radius
    square = int(radius * radius + 1e-9) + (1 if footprint == "imagej" else 0)
    reach = math.isqrt(square)
    return np.array([math.isqrt(square - dy * dy) for dy in range(-reach, reach + 1)])


def mask(widths: np.ndarray) -> np.ndarray:
    """Boolean array, square, of the footprint with these half-widths."""
    reach = len(widths) // 2
    return np.abs(np.arange(-reach, reach + 1))[None, :] <= widths[:, None]


def erode(image: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Minimum over a footprint.

    Parameters
    ----------
    image : ndarray, 2-D, any real dtype
    widths : ndarray of int
        Half-widths from `half_widths`.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Notes
    -----
    Row minima of growing width are built by doubling and shared by all footprint rows of that
    width, so a pixel costs O(r) comparisons. Working memory is about four padded images.
    """
    return _rank_extreme(image, widths, np.minimum)


def dilate(image: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Maximum over a footprint; the twin of `erode`."""
    return _rank_extreme(image, widths, np.maximum)


def _rank_extreme(image, widths, extreme):
    reach = len(widths) // 2
    height, width = image.shape
    padded = np.pad(image, reach, mode="edge")
    result = None
    run, length = padded, 1  # run[y, x] is the extreme of padded[y, x : x + length]
    for half in np.unique(widths):
        span = 2 * half + 1
        while 2 * length <= span:
            run = extreme(run[:, : run.shape[1] - length], run[:, length:])
            length *= 2
        first, second = reach - half, reach + half + 1 - length
        rows = extreme(run[:, first : first + width], run[:, second : second + width])
        for top in np.flatnonzero(widths == half):
            band = rows[top : top + height]
            if result is None:
                result = band.copy()
            else:
                extreme(result, band, out=result)
    return result


def median(image: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Median over a footprint; same shape and dtype, exact for every dtype.

    Notes
    -----
    Costs O(r²) per pixel.
    """
    from scipy import ndimage

    return ndimage.median_filter(image, footprint=mask(widths), mode="nearest")


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian filter of standard deviation ``sigma`` pixels, float32.

    Notes
    -----
    The kernel reaches 8 sigma, so that what is cut off stays below a 16-bit grey level.
    Sums are in float64. Costs O(sigma) per pixel.
    """
    from scipy import ndimage

    return ndimage.gaussian_filter(image, sigma, output=np.float32, mode="nearest", truncate=8.0)
