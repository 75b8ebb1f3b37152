"""Gaussian average."""

import numpy as np

from localbg import kernels
from localbg.parameters import Size


def gaussian(image: np.ndarray, *, sigma: Size) -> np.ndarray:
    """Gaussian-weighted mean: the image minus it is a difference of Gaussians.

    Parameters
    ----------
    image : ndarray, 2-D, any real dtype
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    ndarray of float32
        Same shape.

    Notes
    -----
    Linear, so spots pull the background up and steps of the background are smeared: the
    foreground has a bright and a dark rim along them.
    """
    return kernels.gaussian(image, sigma)
