"""Denoised minus background: the foreground."""

from __future__ import annotations

from typing import Literal

import numpy as np


def subtract(
    denoised: np.ndarray,
    background: np.ndarray,
    *,
    polarity: Literal["bright", "dark"] = "bright",
    clip: Literal[False, "zero"] = False,
) -> tuple[np.ndarray, dict]:
    """Subtract the background, so that spots of either polarity become positive.

    Parameters
    ----------
    denoised, background : ndarray, same shape, any real dtype
    polarity : {"bright", "dark"}
        For dark spots the background minus the denoised image is returned.
    clip : {False, "zero"}
        Whether negative values are set to 0. The fraction that this changes is reported.

    Returns
    -------
    foreground : ndarray of float32
        Grey levels above (for dark spots: below) the background; signed unless clipped.
    record : dict
        ``foreground_min`` (grey levels), ``negative_fraction`` and ``clipped_fraction``, the
        first two before clipping.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if denoised.shape != background.shape:
        raise ValueError(
            f"denoised image {denoised.shape} and background {background.shape} differ in shape"
        )
    bright, dim = (denoised, background) if polarity == "bright" else (background, denoised)
    foreground = bright.astype(np.float32) - dim.astype(np.float32)
    negative = np.count_nonzero(foreground < 0) / foreground.size
    record = {
        "foreground_min": float(foreground.min()),
        "negative_fraction": negative,
        "clipped_fraction": negative if clip else 0.0,
    }
    if clip:
        np.maximum(foreground, 0, out=foreground)
    return foreground, record
