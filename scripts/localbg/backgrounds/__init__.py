"""The big-radius filters: estimate the background under the spots.

One module per filter, holding one function of the same name: an image of bright spots in, its
background out. A new module here is a new filter; nothing else has to know of it.
"""

from __future__ import annotations

import importlib
from typing import Literal

import numpy as np

from localbg.arrays import require_plane


def estimate(
    image: np.ndarray,
    *,
    filter: str,
    polarity: Literal["bright", "dark"] = "bright",
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
        turned over, filtered and turned back, which makes of an opening a closing.
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
    if polarity == "bright":
        return function(image, **parameters)
    return _turned_over(function(_turned_over(image), **parameters))


def _turned_over(image: np.ndarray) -> np.ndarray:
    # The complement of an unsigned integer is exact and cannot wrap around.
    return ~image if np.issubdtype(image.dtype, np.unsignedinteger) else -image
