"""The small-radius filters: suppress noise, keep spots.

Each public function is a choice of `denoise`; its keywords are the config's parameters.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from localbg import kernels
from localbg.arrays import require_plane
from localbg.parameters import Size


def denoise(image: np.ndarray, *, filter: str, **parameters) -> np.ndarray:
    """Suppress the noise of an image with a small-radius filter.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    filter : {"none", "gaussian", "median"}
    **parameters
        Of that filter, in pixels.

    Returns
    -------
    ndarray
        Same shape; the image's dtype, or float32 for gaussian.

    Raises
    ------
    ValueError
        If the image is not 2-D, is empty, or has values that are not finite.
    """
    require_plane(image)
    return {"none": none, "gaussian": gaussian, "median": median}[filter](image, **parameters)


def none(image: np.ndarray) -> np.ndarray:
    """The image itself."""
    return image


def gaussian(image: np.ndarray, *, sigma: Size) -> np.ndarray:
    """Gaussian filter; ``sigma`` in pixels. Returns float32."""
    return kernels.gaussian(image, sigma)


def median(
    image: np.ndarray, *, radius: Size, footprint: Literal["disk", "imagej"] = "disk"
) -> np.ndarray:
    """Median over a disc of ``radius`` pixels. Keeps the dtype."""
    return kernels.median(image, kernels.half_widths(radius, footprint))
