"""Rolling ball, as ImageJ's Subtract Background defines it."""

import math
from typing import Literal

import numpy as np

from localbg.core.parameters import Size
from localbg.filters.ball import roll

# Rows that are enlarged together: little memory, and few calls.
ROWS = 256


def rolling_ball(
    image: np.ndarray,
    *,
    radius: Size,
    polarity: Literal["bright", "dark"] = "bright",
    threads: int = 1,
) -> np.ndarray:
    """Highest surface that a ball touches, rolling under the image's grey levels.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    radius : float
        Radius of the ball in pixels and in grey levels alike. On images of more than 8 bits the
        ball is therefore nearly flat.
    polarity : {"bright", "dark"}
        ``dark`` is ImageJ's light background.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray
        Same shape and dtype (integers rounded half up).

    Notes
    -----
    ImageJ's shortcuts are part of its definition and are kept: above radius 10 the image is
    shrunk by 2, 4 or 8, taking minima; the ball's rim is trimmed; the background is enlarged
    linearly. ImageJ's presmoothing is not done: the workflow has its own denoising step. This
    differs from `skimage.restoration.rolling_ball`, which does neither. Costs O(radius²) per
    pixel of the shrunken image.

    References
    ----------
    Sternberg, Biomedical image processing, Computer 16, 1983, doi 10.1109/MC.1983.1654163.
    ImageJ 1.53t, ij.plugin.filter.BackgroundSubtracter.
    """
    shrink, ball = _ball(radius)
    sign = np.float32(1 if polarity == "bright" else -1)
    rolled = roll(_block_minima(image, shrink, sign), ball, threads=threads)
    result = np.empty_like(image)
    for top in range(0, len(image), ROWS):
        part = result[top : top + ROWS]
        background = sign * _enlarged(rolled, shrink, image.shape, top, len(part))
        if np.issubdtype(image.dtype, np.integer):
            limits = np.iinfo(image.dtype)
            background = np.clip(np.floor(background + np.float32(0.5)), limits.min, limits.max)
        part[:] = background
    return result


def _ball(radius):
    shrink, trim_percent = next(
        (shrink, trim)
        for limit, shrink, trim in ((10, 1, 24), (30, 2, 24), (100, 4, 32), (math.inf, 8, 40))
        if radius <= limit
    )
    small_radius = max(radius / shrink, 1.0)
    trim = int(trim_percent * small_radius / 100)
    half = math.floor(small_radius - trim + 0.5)
    offsets = np.arange(-half, half + 1)
    square = small_radius**2 - offsets[:, None] ** 2 - offsets[None, :] ** 2
    return shrink, np.sqrt(np.maximum(square, 0)).astype(np.float32)


def _block_minima(image, size, sign):
    # The lowest of the turned image are the highest of the image.
    extreme = np.minimum if sign > 0 else np.maximum
    for axis in (0, 1):
        starts = np.arange(0, image.shape[axis], size)
        image = extreme.reduceat(image, starts, axis=axis) if size > 1 else image
    minima = image.astype(np.float32)
    minima *= sign
    return minima


def _enlarged(small, shrink, shape, top, rows):
    if shrink == 1:
        return small[top : top + rows]
    y, wy = _interpolation(np.arange(top, top + rows), small.shape[0], shrink)
    x, wx = _interpolation(np.arange(shape[1]), small.shape[1], shrink)
    one = np.float32(1)
    first, last = y[0], min(y[-1] + 2, small.shape[0])
    near = small[first:last]
    columns = near[:, x] * wx + near[:, np.minimum(x + 1, small.shape[1] - 1)] * (one - wx)
    wy = wy[:, None]
    below = np.minimum(y + 1, small.shape[0] - 1) - first
    return columns[y - first] * wy + columns[below] * (one - wy)


def _interpolation(places, small_length, shrink):
    index = np.clip((places - shrink // 2) // shrink, 0, max(small_length - 2, 0))
    distance = (places.astype(np.float32) + np.float32(0.5)) / np.float32(shrink) - (
        index.astype(np.float32) + np.float32(0.5)
    )
    return index, np.float32(1) - distance
