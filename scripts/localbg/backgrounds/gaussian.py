"""Gaussian average."""

import numpy as np

from localbg.core.parameters import Size, Whole
from localbg.filters.gaussian_filter import gaussian as exact
from localbg.filters.shrunken import shrunken


def gaussian(image: np.ndarray, *, sigma: Size, shrink: Whole = 1, threads: int = 1) -> np.ndarray:
    """Gaussian-weighted mean: the image minus it is a difference of Gaussians.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    sigma : float
        Standard deviation in pixels.
    shrink : int
        Above 1, the image is shrunken by this factor first: approximate, see
        `localbg.filters.shrunken`. (The exact filter is about as fast.)
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray of float32
        Same shape.

    Notes
    -----
    Linear, so spots pull the background up and steps of the background are smeared: the
    foreground has a bright and a dark rim along them.
    """
    if shrink == 1:
        return exact(image, sigma, threads=threads)
    return shrunken(
        image, shrink, lambda small: exact(small, sigma / shrink, threads=threads), threads=threads
    )
