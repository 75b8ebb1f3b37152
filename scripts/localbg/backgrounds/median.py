"""Median over a disc."""

from typing import Literal

import numpy as np

from localbg.core.parameters import Size, Whole
from localbg.filters.footprint import half_widths
from localbg.filters.median_filter import median as exact
from localbg.filters.shrunken import shrunken


def median(
    image: np.ndarray,
    *,
    radius: Size,
    footprint: Literal["disk", "imagej"] = "disk",
    shrink: Whole = 1,
    threads: int = 1,
) -> np.ndarray:
    """Median over a disc: ignores spots as long as they cover less than half of it.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    radius : float
        Radius of the disc in pixels.
    footprint : {"disk", "imagej"}
        See `localbg.filters.footprint.half_widths`.
    shrink : int
        Above 1, the image is shrunken by this factor first: approximate, see
        `localbg.filters.shrunken`.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    ValueError
        If a shrunken disc has a radius below one pixel.

    Notes
    -----
    Follows steps of the background without smearing them, but rounds off corners narrower than
    the disc, and rises between dense spots, where the foreground then goes negative.
    """
    if shrink == 1:
        return exact(image, half_widths(radius, footprint), threads=threads)
    if radius < shrink:
        raise ValueError(f"radius {radius:g} px is too small to be shrunken by {shrink}")
    widths = half_widths(radius / shrink, footprint)
    result = shrunken(
        image, shrink, lambda small: exact(small, widths, threads=threads), threads=threads
    )
    if np.issubdtype(image.dtype, np.integer):
        result = np.rint(result)
    return result.astype(image.dtype)
