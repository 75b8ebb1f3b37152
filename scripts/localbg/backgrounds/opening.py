"""Grey opening; the image minus its opening is the white top-hat."""

from typing import Literal

import numpy as np

from localbg.core.parameters import Size
from localbg.filters.footprint import half_widths
from localbg.filters.min_max import dilate, erode


def opening(
    image: np.ndarray,
    *,
    radius: Size,
    footprint: Literal["disk", "imagej"] = "disk",
    threads: int = 1,
) -> np.ndarray:
    """Minimum, then maximum, over a disc: removes whatever the disc does not fit under.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    radius : float
        Radius of the disc in pixels; larger than a spot, smaller than the background's features.
    footprint : {"disk", "imagej"}
        See `localbg.filters.footprint.half_widths`.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray
        Same shape and dtype; never above the image.

    Notes
    -----
    On a noisy image an opening follows the minima of the noise, two to three standard deviations
    below the true background: draw it from the denoised image. Costs O(radius) per pixel.

    References
    ----------
    Serra, Image Analysis and Mathematical Morphology, 1982; Meyer, 1979 (top-hat).
    """
    widths = half_widths(radius, footprint)
    return dilate(erode(image, widths, threads=threads), widths, threads=threads)
