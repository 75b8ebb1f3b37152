"""Checks that every function on images shares."""

from __future__ import annotations

import numpy as np


def require_plane(image: np.ndarray) -> None:
    """Raise ValueError unless ``image`` is a 2-D array of finite numbers with a pixel or more."""
    if image.ndim != 2:
        raise ValueError(f"expected an image of rows and columns, found shape {image.shape}")
    if image.size == 0:
        raise ValueError(f"the image is empty (shape {image.shape})")
    if np.issubdtype(image.dtype, np.floating):
        bad = image.size - np.count_nonzero(np.isfinite(image))
        if bad:
            raise ValueError(f"{bad} of {image.size} pixels are NaN or infinite")
