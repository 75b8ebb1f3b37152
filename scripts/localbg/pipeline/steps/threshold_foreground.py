"""The step that decides which pixels belong to spots."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localbg.core.checks import require_within
from localbg.core.parameters import resolve
from localbg.detection.decision import Decision
from localbg.detection.threshold import threshold


def threshold_foreground(
    foreground: np.ndarray,
    denoised: np.ndarray,
    image: np.ndarray,
    parameters: Mapping,
    *,
    grey_step: float,
    pixel_size_um: float | None,
    shared: float | None = None,
    earlier: Decision | None = None,
) -> tuple[np.ndarray, Decision]:
    """Threshold a foreground; see `localbg.detection.threshold.threshold`.

    Parameters
    ----------
    foreground, denoised, image : ndarray, 2-D
        The image is that of the raw pixels.
    parameters : mapping
        Of the rule; sizes in pixels, or in µm as text.
    grey_step : float
        Least difference of two grey levels of the raw image.
    pixel_size_um : float or None
    shared : float, optional
        The threshold that the image shares with others, in grey levels.
    earlier : Decision, optional
        That of an earlier call on the same image with other spots in it: it holds whatever is
        shared.

    Returns
    -------
    mask : ndarray of bool
    decision : localbg.detection.decision.Decision
        ``earlier``, where given.

    Raises
    ------
    ValueError
        If a size is in µm and the pixel size unknown, or far larger than the image.
    """
    parameters = resolve(parameters, pixel_size_um)
    require_within(image, parameters)
    if earlier is not None:
        mask, _ = threshold(foreground, grey_step, denoised, image, earlier=earlier, **parameters)
        return mask, earlier
    return threshold(foreground, grey_step, denoised, image, shared, **parameters)
