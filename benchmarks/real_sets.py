"""Real images with annotated spots, in sets, and how well spots fit them.

A folder of such images has ``images.csv`` with the columns ``image`` (name), ``path`` and ``truth``
(csv of y, x), and optionally ``set``, ``spot_radius`` (pixels) and ``ignore`` (csv of y, x: objects
on which annotators disagreed). Without a set it is the name up to the first ``_``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import tifffile
from known_images import Case, no_points

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from localbg.accuracy import scoring

TOLERANCE = 3.0  # pixels between a spot and its true place, as annotators click
RADIUS = 2.5  # of spots where the folder tells none: sqrt(2) times a sigma of 1.75 px


class Tally(NamedTuple):
    """How many spots were matched with true ones, how many are false, how many are missed."""

    matched: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there is nothing and nothing was found."""
        all_told = 2 * self.matched + self.false + self.missed
        return 2 * self.matched / all_told if all_told else 1.0

    @property
    def precision(self) -> float:
        """Matched per spot found; NaN where none was."""
        found = self.matched + self.false
        return self.matched / found if found else np.nan

    @property
    def recall(self) -> float:
        """Matched per true spot; NaN where there is none."""
        true = self.matched + self.missed
        return self.matched / true if true else np.nan


def read_sets(folders: Iterable[Path]) -> list[Case]:
    """Read the annotated images of some folders.

    Raises
    ------
    SystemExit
        If a folder has no ``images.csv``, or a file that it names is missing.
    """
    found = []
    for folder in map(Path, folders):
        sheet = folder / "images.csv"
        if not sheet.is_file():
            raise SystemExit(f"No annotated images in {folder}: there is no {sheet}.")
        for row in pd.read_csv(sheet).to_dict("records"):
            try:
                found.append(_read(folder, row))
            except FileNotFoundError as error:
                raise SystemExit(
                    f"{sheet} names a file that is missing: {error.filename}"
                ) from None
    return found


def _read(folder, row):
    ignore = row.get("ignore")
    return Case(
        split="real",
        family=row.get("set") or row["image"].split("_")[0],
        name=row["image"],
        image=tifffile.imread(folder / row["path"]),
        truth=_points(folder / row["truth"]),
        radius=float(row.get("spot_radius") or RADIUS),
        ignore=_points(folder / ignore) if isinstance(ignore, str) else no_points(),
        path=folder / row["path"],
    )


def _points(path):
    return pd.read_csv(path)[["y", "x"]].to_numpy(float)


def outcome(case: Case, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell which spots are hits, which are false, and which true ones are missed.

    Parameters
    ----------
    case : Case
    points : array_like, shape (n, 2)
        Positions y, x of the spots found, in pixels.

    Returns
    -------
    hits, false : ndarray of bool, shape (n,)
        Neither is true of a spot as near to an object to be ignored, unless it is a hit.
    missed : ndarray of bool, one for each true spot

    Notes
    -----
    A hit lies within `TOLERANCE` of the true place, in a simulated image within a spot radius.
    """
    tolerance = TOLERANCE if case.split == "real" else case.radius
    points = np.asarray(points, float).reshape(-1, 2)
    pairs, _ = scoring.match_spots(case.truth, points, tolerance)
    hits, missed = np.zeros(len(points), bool), np.ones(len(case.truth), bool)
    missed[pairs[:, 0]], hits[pairs[:, 1]] = False, True
    away = np.linalg.norm(points[:, None] - case.ignore[None], axis=2)
    return hits, ~hits & ~(away <= tolerance).any(axis=1), missed


def tally(case: Case, points: np.ndarray) -> Tally:
    """Count what `outcome` tells."""
    return Tally(*(int(kind.sum()) for kind in outcome(case, points)))


def pooled(tallies: Iterable[Tally]) -> Tally:
    """Sums over the images of a set."""
    return Tally(*np.sum([(0, 0, 0), *tallies], axis=0).tolist())
