"""Checks that every function on images shares."""

from __future__ import annotations

import numpy as np


def require_plane(image: np.ndarray) -> None:
    """Raise ValueError unless ``image`` is a 2-D array of finite numbers with a pixel or more."""
    if image.ndim != 2:
        raise ValueError(f"expected an image of rows and columns, found shape {image.shape}")
    if image.size == 0:
        raise ValueError(f"the image is empty (shape {image.shape})")
    # A sum is finite if all of it is, and quicker to have than each pixel's answer.
    if image.dtype.kind == "f" and not np.isfinite(image.sum(dtype=np.float64)):
        bad = image.size - np.count_nonzero(np.isfinite(image))
        raise ValueError(f"{bad} of {image.size} pixels are NaN or infinite")


def require_fit(image: np.ndarray, parameters: dict) -> None:
    """Raise ValueError if a filter's ``radius`` or ``sigma`` is too large for an image.

    The filters have an answer then too (edges are repeated), but it is no local background, and
    a size that large is a mistake in the config or the sheet.
    """
    for name in ("radius", "sigma"):
        size = parameters.get(name, 0)
        if 2 * size + 1 > min(image.shape):
            shape = " x ".join(map(str, image.shape))
            raise ValueError(
                f"the filter's {name} of {size:g} px does not fit the image of {shape} pixels; "
                f"expected 2 {name} + 1 <= {min(image.shape)}. Give a smaller {name} or spot_radius"
            )


def require_within(image: np.ndarray, parameters: dict) -> None:
    """Raise ValueError if a length of the threshold or of the spots is larger than the image.

    It could not be meant, and its footprint would not fit into memory.
    """
    for name in ("radius", "close", "min_distance"):
        size = parameters.get(name, 0)
        if size > max(image.shape):
            shape = " x ".join(map(str, image.shape))
            raise ValueError(
                f"{name} of {size:g} px is larger than the image of {shape} pixels; give a smaller "
                f"{name} or spot_radius, or mend pixel_size_um in the sheet"
            )
