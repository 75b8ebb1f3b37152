"""The big-radius filters: estimate the background under the spots.

One module per filter, holding one function of the same name: an image of bright spots in, its
background out. A new module here is a new filter; nothing else has to know of it.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Literal

import numpy as np

from localbg.core.checks import require_plane


def estimate(
    image: np.ndarray,
    *,
    filter: str,
    polarity: Literal["bright", "dark"] = "bright",
    threads: int = 1,
    **parameters,
) -> np.ndarray:
    """Estimate the local background of an image.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    filter : str
        Name of a module of this package, such as ``"opening"`` or ``"median"``.
    polarity : {"bright", "dark"}
        Whether spots are brighter or darker than their background. For dark spots the image is
        turned over, filtered and turned back, which makes of an opening a closing. A filter that
        takes ``polarity`` does so itself.
    threads : int
        For filters that take it; the result is the same for any number.
    **parameters
        Of that filter; sizes in pixels.

    Returns
    -------
    ndarray
        Background, same shape; the image's dtype or float32.

    Raises
    ------
    ValueError
        If the image is not 2-D, is empty, or has values that are not finite.
    ModuleNotFoundError
        If there is no such filter.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((9, 9), 10, np.uint8)
    >>> image[4, 4] = 90
    >>> int(estimate(image, filter="opening", radius=2)[4, 4])
    10
    """
    require_plane(image)
    function = getattr(importlib.import_module(f"{__name__}.{filter}"), filter)
    takes = inspect.signature(function).parameters
    if "threads" in takes:
        parameters["threads"] = threads
    if "polarity" in takes:
        return function(image, polarity=polarity, **parameters)
    if polarity == "bright":
        return function(image, **parameters)
    if image.dtype.kind == "f":
        return -function(-image, **parameters)
    # Turned over within its own range, an unsigned image stays unsigned, exact and small.
    low, high = int(image.min()), int(image.max())
    turned = function((high - image) + image.dtype.type(low), **parameters)
    if turned.dtype.kind == "f":
        return np.float32(low + high) - turned
    return np.clip(low + high - turned.astype(np.int64), 0, None).astype(image.dtype)


def estimate_with_error(
    image: np.ndarray, *, shrink_error: bool = False, **parameters
) -> tuple[np.ndarray, dict[str, float]]:
    """Estimate the background and, where asked, how far that of a shrunken image is off.

    Parameters
    ----------
    image : ndarray
    shrink_error : bool
        Costs the exact filter, which shrinking was to avoid.
    **parameters
        As for `estimate`.

    Returns
    -------
    background : ndarray
    errors : dict
        ``shrink_error_rms`` and ``shrink_error_max`` in grey levels, or empty.
    """
    background = estimate(image, **parameters)
    if not shrink_error:
        return background, {}
    difference = background.astype(np.float64) - estimate(image, **parameters | {"shrink": 1})
    return background, {
        "shrink_error_rms": float(np.sqrt(np.mean(difference**2))),
        "shrink_error_max": float(np.abs(difference).max()),
    }
