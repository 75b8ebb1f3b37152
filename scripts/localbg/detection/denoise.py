"""The small-radius filters: suppress noise, keep spots.

Each public function is a choice of `denoise`; its keywords are the config's parameters.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from localbg.core.checks import require_plane
from localbg.core.parameters import Size


def denoise(image: np.ndarray, *, filter: str, threads: int = 1, **parameters) -> np.ndarray:
    """Suppress the noise of an image with a small-radius filter.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    filter : {"none", "gaussian", "median"}
    threads : int
        The result is the same for any number.
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
    function = {"none": none, "gaussian": gaussian, "median": median}[filter]
    return image if function is none else function(image, threads=threads, **parameters)


def none(image: np.ndarray) -> np.ndarray:
    """The image itself."""
    return image


def gaussian(image: np.ndarray, *, sigma: Size, threads: int = 1) -> np.ndarray:
    """Gaussian filter; ``sigma`` in pixels. Returns float32."""
    from localbg.filters import gaussian_filter as kernel

    return kernel.gaussian(image, sigma, threads=threads)


def median(
    image: np.ndarray,
    *,
    radius: Size,
    footprint: Literal["disk", "imagej"] = "disk",
    threads: int = 1,
) -> np.ndarray:
    """Median over a disc of ``radius`` pixels. Keeps the dtype."""
    from localbg.filters import footprint as round_footprint
    from localbg.filters import median_filter as kernel

    return kernel.median(image, round_footprint.half_widths(radius, footprint), threads=threads)
