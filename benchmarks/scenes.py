"""Images to measure on: like a camera's, and the worst case."""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

BRIGHTEST = 4095  # of a camera of 12 bits
TILE = 2048


@functools.lru_cache(maxsize=4)
def image(content: str, dtype: str, size: int) -> np.ndarray:
    """Draw a square image.

    Parameters
    ----------
    content : {"scene", "random"}
        Spots on an uneven background with a camera's noise, 12 bits (8 for uint8, with decimals
        for float32); or random grey levels over the whole range of the type.
    dtype : {"uint8", "uint16", "float32"}
    size : int
        Pixels of a side. Large images are mirrored tiles.

    Returns
    -------
    ndarray
    """
    rng = np.random.default_rng(1)
    if content == "random":
        return rng.integers(0, np.iinfo(dtype).max, (size, size), dtype, endpoint=True)
    side = min(size, TILE)
    grey = _scene(rng, side) * (255 / BRIGHTEST if dtype == "uint8" else 1)
    if dtype != "float32":
        grey = np.rint(grey)
    tile = grey.astype(dtype)
    return np.pad(tile, (0, size - side), mode="symmetric") if size > side else tile


def _scene(rng, side):
    coarse = ndimage.zoom(rng.uniform(200, 1200, (side // 64 + 2,) * 2), 64, order=1)
    background = ndimage.gaussian_filter(coarse[:side, :side], 16)
    spots = np.zeros((side, side))
    places = rng.integers(0, side, (2, side * side // 1000))
    spots[tuple(places)] = rng.uniform(2_000, 20_000, places.shape[1])
    light = background + ndimage.gaussian_filter(spots, 1.5)
    noise = np.sqrt(1.5 * light) * rng.standard_normal(light.shape)
    return (100 + light + noise + rng.normal(0, 4, light.shape)).clip(0, BRIGHTEST)
