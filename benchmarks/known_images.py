"""Images with known spots, real or simulated, each with what a user would tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import families
import hard_families
import numpy as np
import unseen_families

# What a simulated family was to the default rule: its sizes were first chosen on `tuned`; the rule
# was made with `held_out` in view; `later` and `hard` were drawn up after it.
SPLITS = {
    "tuned": families.TUNED,
    "held_out": families.HELD_OUT,
    "later": unseen_families.UNSEEN,
    "hard": hard_families.HARD,
}


def no_points():
    """An empty list of positions."""
    return np.empty((0, 2))


@dataclass(frozen=True, eq=False)
class Case:
    """An image and its true spots.

    Attributes
    ----------
    split : str
        ``real``, or a key of `SPLITS`.
    family : str
        Set of real images, or family of simulated ones.
    name : str
    image : ndarray, 2-D
    truth : ndarray of float, shape (n, 2)
        Positions y, x in pixels.
    radius : float
        Of a spot, in pixels.
    ignore : ndarray of float, shape (m, 2)
        Objects of which nobody can tell: neither a hit nor a false positive.
    path : Path, optional
        File of the image, where there is one.
    """

    split: str
    family: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    radius: float
    ignore: np.ndarray = field(default_factory=no_points)
    path: Path | None = None


def simulated(images: int, splits=tuple(SPLITS)) -> list[Case]:
    """Draw so many images of each family of some splits."""
    return [
        _drawn(split, draw, i) for split in splits for draw in SPLITS[split] for i in range(images)
    ]


def blanks(images: int = 20) -> list[Case]:
    """Draw images without spots, so many of each of two kinds of seeds."""
    return [
        _drawn(split, families.blank, i) for split in ("tuned", "held_out") for i in range(images)
    ]


def _drawn(split, draw, i):
    # Blank images of the two splits differ too.
    seed = [i, *f"{'unseen' if split == 'later' else split} {draw.__name__}".encode()]
    image, truth, radius = draw(np.random.default_rng(seed))
    return Case(split, draw.__name__, f"{draw.__name__}_{i}", image, truth, radius)
