"""The step that suppresses noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localbg.core.checks import require_fit
from localbg.core.parameters import resolve
from localbg.detection.denoise import denoise


def denoise_image(
    image: np.ndarray, parameters: Mapping, *, pixel_size_um: float | None, threads: int = 1
) -> tuple[np.ndarray, dict]:
    """Denoise an image; see `localbg.detection.denoise.denoise`.

    Parameters
    ----------
    image : ndarray, 2-D
        Raw pixels.
    parameters : mapping
        Of the filter; sizes in pixels, or in µm as text.
    pixel_size_um : float or None
    threads : int
        The result is the same for any number.

    Returns
    -------
    denoised : ndarray
        Same shape and dtype.
    record : dict
        ``parameters``, sizes in pixels.

    Raises
    ------
    ValueError
        If a size is in µm and the pixel size unknown, or a filter does not fit into the image.
    """
    parameters = resolve(parameters, pixel_size_um)
    require_fit(image, parameters)
    return denoise(image, threads=threads, **parameters), {"parameters": parameters}
