"""A Gaussian spot fitted to the image around places, and how much it looks like one there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from localbg.filters.disc import projections

REACH = 2.0  # spot radii around the place that are compared
LEAST_REACH = 1.5  # pixels: the eight neighbours
# Of the sum of squares: what is left of a plane is rounding.
ROUNDING = 1e-12


class Fits(NamedTuple):
    """Spots fitted by least squares, one for each place.

    Attributes
    ----------
    amplitude : ndarray of float64, shape (n,)
        Height of the Gaussian in grey levels; negative where the image is the other way round.
    likeness : ndarray of float64, shape (n,)
        See `likeness`.
    misfit : ndarray of float64, shape (n,)
        Sum of squares, in squared grey levels, that neither the spot nor the plane explains.
    freedom : int
        Number of pixels less the four parameters of the fit.
    gain : float
        White noise of standard deviation 1 makes amplitudes of 1 over this.
    """

    amplitude: np.ndarray
    likeness: np.ndarray
    misfit: np.ndarray
    freedom: int
    gain: float


def fit_spots(
    image: np.ndarray, places: np.ndarray, radius: float, polarity: str = "bright"
) -> Fits:
    """Fit a Gaussian spot of given radius on a plane to the image around each place.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
        Raw grey levels; edges are repeated.
    places : array of float, shape (n, 2)
        Positions y, x in pixels; the nearest pixel counts. Inside the image.
    radius : float
        Of a spot, in pixels: the Gaussian's standard deviation times the square root of 2.
    polarity : {"bright", "dark"}
        Of the spots.

    Returns
    -------
    Fits

    Notes
    -----
    The pixels within two spot radii count. Least squares with one amplitude is the matched filter:
    the linear filter that shows a spot of that shape best in white noise [1]_. Costs 5 ns per place
    and pixel of the disc.

    References
    ----------
    .. [1] Turin, An introduction to matched filters, IRE Transactions on Information Theory 6,
       1960, doi 10.1109/TIT.1960.1057571.
    """
    places = np.rint(np.asarray(places, float).reshape(-1, 2)).astype(np.int64)
    offsets, spot, planes = _templates(radius)
    gain = float(np.linalg.norm(spot))
    products, squares = projections(image, places, offsets, np.vstack([spot / gain, planes]))
    matched = products[:, 0] if polarity == "bright" else -products[:, 0]
    rest = squares - (products[:, 1:] ** 2).sum(1)
    differs = rest > ROUNDING * squares
    cosine = np.zeros(len(places))
    np.divide(matched, np.sqrt(np.maximum(rest, 0)), out=cosine, where=differs)
    misfit = np.where(differs, np.maximum(rest - matched**2, 0), 0)
    return Fits(matched / gain, np.clip(cosine, -1, 1), misfit, max(len(offsets) - 4, 1), gain)


def likeness(
    image: np.ndarray, places: np.ndarray, radius: float, polarity: str = "bright"
) -> np.ndarray:
    """Cosine between the image around places and a Gaussian spot.

    Parameters
    ----------
    image, places, radius, polarity
        As of `fit_spots`.

    Returns
    -------
    ndarray of float64, shape (n,)
        From -1 to 1; 1 for a Gaussian of that radius on a plane, 0 where there is nothing but a
        plane.

    Notes
    -----
    The best plane is removed from both sides (normalised correlation, as of template matching
    [1]_, with a plane in place of the mean). So neither the scale nor the offset of the grey
    levels counts, nor the slope that a spot is on.

    References
    ----------
    .. [1] Lewis, Fast normalized cross-correlation, Vision Interface, 1995.
    """
    return fit_spots(image, places, radius, polarity).likeness


def _templates(radius):
    """Offsets of a disc, the spot there with its plane removed, orthonormal planes."""
    reach = max(REACH * radius, LEAST_REACH)
    side = np.arange(-int(reach), int(reach) + 1)
    offsets = np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
    distances = (offsets**2).sum(1)
    offsets, distances = offsets[distances <= reach**2], distances[distances <= reach**2]
    planes = np.linalg.qr(np.column_stack([np.ones(len(offsets)), offsets]))[0].T
    spot = np.exp(-distances / radius**2)
    spot -= (planes @ spot) @ planes
    return offsets, spot, planes
