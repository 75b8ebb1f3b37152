"""The step that subtracts the background."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localbg.detection.subtract import subtract


def subtract_background(
    denoised: np.ndarray, background: np.ndarray, parameters: Mapping
) -> tuple[np.ndarray, dict]:
    """Subtract a background; see `localbg.detection.subtract.subtract`.

    Returns
    -------
    foreground : ndarray of float32
    record : dict
        How much of it is negative, and how much clipping set to 0.
    """
    return subtract(denoised, background, **parameters)
