"""Median over a disc."""

from typing import Literal

import numpy as np

from localbg import kernels
from localbg.parameters import Size


def median(
    image: np.ndarray, *, radius: Size, footprint: Literal["disk", "imagej"] = "disk"
) -> np.ndarray:
    """Median over a disc: ignores spots as long as they cover less than half of it.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    radius : float
        Radius of the disc in pixels.
    footprint : {"disk", "imagej"}
        See `localbg.kernels.half_widths`.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Notes
    -----
    Follows steps of the background without smearing them, but rounds off corners narrower than
    the disc, and rises between dense spots, where the foreground then goes negative.
    """
    return kernels.median(image, kernels.half_widths(radius, footprint))
