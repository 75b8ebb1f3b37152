"""Decoys: images with the noise or the background of another and none of its spots.

What is found in them is false: in the inverted image what noise and texture pass for spots, in
its background alone what edges do.
"""

from __future__ import annotations

import numpy as np

from localbg.assessment.background_map import BackgroundMap


def invert_image(image: np.ndarray, bkg: BackgroundMap, rng: np.random.Generator) -> np.ndarray:
    """Turn an image over, bright for dark, once its spots are taken out.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    bkg : localbg.assessment.background_map.BackgroundMap
    rng : numpy.random.Generator

    Returns
    -------
    ndarray
        Same dtype and range. Where there were spots it has the local level, with normal noise of
        the local standard deviation: inverted, a spot would be a hole that filters can see.

    Notes
    -----
    Where noise swings both ways alike and the background is level or slopes evenly, nothing tells
    the decoy from the image but the spots. What a chain finds in it estimates what it finds falsely
    in the image. It is an estimate only:

    - too high where the image has dark spots, dark grain or narrow dark gaps between cells: turned
      over, they are significant;
    - too low where noise has a longer tail on the bright side (few photons, hot pixels);
    - off along the edges of cells, whose outside becomes the bright side (see `smooth_image`);
    - blind to what is like a spot and not wanted: dirt, or another kind of object.
    """
    bare = image.astype(np.float64)
    drawn = rng.standard_normal(np.count_nonzero(bkg.spotted))
    bare[bkg.spotted] = bkg.level[bkg.spotted] + bkg.noise[bkg.spotted] * drawn
    bare = bare.clip(image.min(), image.max())
    over = bare.min() + bare.max() - bare
    return (np.rint(over) if image.dtype.kind in "ui" else over).astype(image.dtype)


def smooth_image(image: np.ndarray, bkg: BackgroundMap) -> np.ndarray:
    """The background of an image: its local level, without spots and without noise.

    Edges have their bright side where it is. Whatever is found in it is made of structure, by a
    background that rounds edges off or smears them; but edges are softer than they are in the
    image. Same dtype as the image.
    """
    if image.dtype.kind not in "ui":
        return bkg.level.astype(image.dtype)
    span = np.iinfo(image.dtype)
    return np.rint(bkg.level).clip(span.min, span.max).astype(image.dtype)
