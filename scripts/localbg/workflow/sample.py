"""A few of many images, spread over their groups: an assessment costs many runs of all methods."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping


def spread(groups: Mapping[str, str], most: int, seed: int) -> list[str]:
    """Choose images, as many of each group as can be.

    Parameters
    ----------
    groups : mapping of str to str
        Group of each image, by id.
    most : int
        How many images to choose; all where there are no more.
    seed : int

    Returns
    -------
    list of str
        Sorted ids.

    Notes
    -----
    Within a group the order is that of a hash of seed and id. So an image more or less changes the
    choice of hardly any other, and assessments that are there stay good.
    """
    by_group: dict[str, list[str]] = {}
    for image, group in groups.items():
        by_group.setdefault(group, []).append(image)
    orders = [
        sorted(members, key=lambda image: _hash(seed, image))
        for _, members in sorted(by_group.items())
    ]
    turns = itertools.chain.from_iterable(itertools.zip_longest(*orders))
    return sorted(itertools.islice((image for image in turns if image is not None), most))


def _hash(seed, image):
    return hashlib.blake2b(f"{seed} {image}".encode(), digest_size=8).digest()
