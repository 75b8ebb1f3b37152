"""Accuracy over all images with truth: pooled scores, how sure they are, and which differ.

Scores are made of sums over images, so that an image counts by its spots. On a blank image (one
whose truth has no spots) every spot found is false: it lowers the pooled precision and F1, and
where none is found the image changes nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from localbg.accuracy.scoring import match_spots
from localbg.core import bootstrap

# What is added up of an image (or a spot) and a method; distances are squared pixels.
SUMS = ("n_truth", "n_spots", "matched", "squared_distance")
SCORES = ("precision", "recall", "f1", "count_error", "localisation_error")


def of_image(row: Mapping) -> list[float]:
    """`SUMS` of a row of `localbg.accuracy.scoring.score_spots`."""
    squared = row["matched"] * row["localisation_error"] ** 2 if row["matched"] else 0.0
    return [row["n_truth"], row["n_spots"], row["matched"], squared]


def of_spots(truth: np.ndarray, found: Mapping[str, np.ndarray], tolerance: float) -> np.ndarray:
    """`SUMS` of each place in one image where there is a true spot or where a method found one.

    Parameters
    ----------
    truth : array_like, shape (n, 2)
        Positions y, x in pixels.
    found : mapping of str to array_like
        Positions of each method's spots.
    tolerance : float
        Largest distance of a pair, in pixels.

    Returns
    -------
    ndarray, shape (places, methods, len(SUMS))

    Notes
    -----
    A false positive that several methods found is one place, so that what misleads them all does
    not tell them apart.
    """
    truth = np.reshape(np.asarray(truth, float), (-1, 2))
    false_places = np.empty((0, 2))
    per_method = []
    for spots in found.values():
        spots = np.reshape(np.asarray(spots, float), (-1, 2))
        pairs, distances = match_spots(truth, spots, tolerance)
        others = np.delete(spots, pairs[:, 1], axis=0)
        shared, _ = match_spots(false_places, others, tolerance)
        new = np.delete(others, shared[:, 1], axis=0)
        taken = [*shared[:, 0], *range(len(false_places), len(false_places) + len(new))]
        false_places = np.concatenate([false_places, new])
        per_method.append((pairs[:, 0], distances, taken))
    sums = np.zeros((len(truth) + len(false_places), len(per_method), len(SUMS)))
    sums[: len(truth), :, 0] = 1
    for k, (hit, distances, taken) in enumerate(per_method):
        sums[hit, k, 1:3] = 1
        sums[hit, k, 3] = distances**2
        sums[len(truth) + np.asarray(taken, int), k, 1] = 1
    return sums


def scores(sums: np.ndarray, n_images: float | np.ndarray = 1) -> dict[str, np.ndarray]:
    """Scores of sums.

    Parameters
    ----------
    sums : ndarray, shape (..., len(SUMS))
    n_images : number or ndarray
        Number of images that were added up.

    Returns
    -------
    dict of str to ndarray
        By the names of `SCORES`; NaN where a ratio has no denominator, but the F1 is 1 where there
        is nothing to find and nothing was found. ``count_error`` is found minus true per image,
        ``localisation_error`` in pixels.
    """
    n_truth, n_spots, matched, squared = np.moveaxis(np.asarray(sums, float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": matched / n_spots,
            "recall": matched / n_truth,
            "f1": np.where(n_truth + n_spots > 0, 2 * matched / (n_truth + n_spots), 1.0),
            "count_error": (n_spots - n_truth) / n_images,
            "localisation_error": np.sqrt(squared / matched),
        }


def summary(
    methods: Sequence[str], images: np.ndarray, spots: np.ndarray | None, *, seed: int
) -> tuple[list[dict], list[dict]]:
    """Pooled accuracy of each method, and the difference in F1 of each pair.

    Parameters
    ----------
    methods : sequence of str
    images : ndarray, shape (n, methods, len(SUMS))
        `of_image` of each image and method.
    spots : ndarray or None
        `of_spots` of the image where there is only one: then spots are resampled, and the intervals
        speak of that image alone.
    seed : int

    Returns
    -------
    pooled, differences : list of dict
        Rows of accuracy_pooled.csv and accuracy_differences.csv.
    """
    if not len(images):
        return [], []
    resampled = "images" if spots is None else "spots"
    rows = images if spots is None else spots
    value = scores(images.sum(axis=0), len(images))
    if len(rows) > 1:
        # A resample is one row short: see `bootstrap.sums`.
        drawn = bootstrap.sums(rows, seed=seed) * len(rows) / (len(rows) - 1)
        chance = scores(drawn, len(images))
    else:
        chance = {name: np.full((1, len(methods)), np.nan) for name in SCORES}
    known = {"n_images": len(images), "resampled": resampled}
    pooled, differences = [], []
    for k, method in enumerate(methods):
        row = {"method": method} | known
        row |= dict(zip(SUMS[:3], map(int, images[:, k, :3].sum(axis=0)), strict=True))
        for name in SCORES:
            low, high = bootstrap.interval(chance[name][:, k])
            row |= {name: float(value[name][k]), f"{name}_low": low, f"{name}_high": high}
        pooled.append(row)
    for a, b in itertools.combinations(range(len(methods)), 2):
        low, high = bootstrap.interval(chance["f1"][:, a] - chance["f1"][:, b])
        differences.append(
            {"method_a": methods[a], "method_b": methods[b]}
            | {"difference": float(value["f1"][a] - value["f1"][b])}
            | {"difference_low": low, "difference_high": high}
            | known
        )
    return pooled, differences
