"""The step that estimates the background."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localbg import backgrounds
from localbg.core.checks import require_fit
from localbg.core.parameters import resolve


def estimate_background(
    image: np.ndarray, parameters: Mapping, *, pixel_size_um: float | None, threads: int = 1
) -> tuple[np.ndarray, dict]:
    """Estimate the background of an image; see `localbg.backgrounds.estimate`.

    Parameters
    ----------
    image : ndarray, 2-D
        Raw or denoised pixels.
    parameters : mapping
        Of the filter; sizes in pixels, or in µm as text.
    pixel_size_um : float or None
    threads : int
        The result is the same for any number.

    Returns
    -------
    background : ndarray
        Same shape; the image's dtype or float32.
    record : dict
        What is known of it.

    Raises
    ------
    ValueError
        If a size is in µm and the pixel size unknown, or a filter does not fit into the image.
    """
    parameters = resolve(parameters, pixel_size_um)
    require_fit(image, parameters)
    return backgrounds.estimate_with_error(image, threads=threads, **parameters)
