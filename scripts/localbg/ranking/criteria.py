"""What speaks for a method: of each criterion scores with intervals, and differences.

The kinds, strongest first: truth says what is right; injected spots say what would be found; false
spots, what is found where nothing is; residuals, what structure the background left behind;
stability, how little a count depends on a parameter. A number of spots is none: more is not better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from localbg.core import bootstrap

KINDS = ("truth", "injected spots", "false positives", "residuals", "stability")
# With fewer images, all of them favour one of two equal methods by chance more often than once in
# twenty: 2 / 2**5 is 0.06, 2 / 2**6 is 0.03.
FEWEST_IMAGES = 6


@dataclass(frozen=True)
class Criterion:
    """What one criterion says of the methods.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    measure : str
        What is measured, in words that continue a sentence.
    scores : dict of str to (float, float, float)
        Estimate, and both ends of its 95 % interval, by method. Infinite where a method fails
        altogether.
    differences : dict of (str, str) to (float, float, float)
        The same for the difference of two methods, first minus second, on the same images.
    n_images : int
        0 where that is not known.
    resampled : str
        What the intervals come from: images, or the spots of a single one.
    worst : dict of str to float
        Each method's score where it is poorest.
    worst_of : str
        In words, what that is the score of: ``any image``.
    higher_is_better : bool
    """

    kind: str
    measure: str
    scores: dict[str, tuple[float, float, float]]
    differences: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)
    n_images: int = 0
    resampled: str = "images"
    worst: dict[str, float] = field(default_factory=dict)
    worst_of: str = "any image"
    higher_is_better: bool = True

    @property
    def is_f1(self) -> bool:
        """Whether the score is an F1, true or expected."""
        return self.kind in ("truth", "injected spots")

    @property
    def is_thin(self) -> bool:
        """Whether there are too few images to call any difference real."""
        return self.resampled == "images" and 0 < self.n_images < FEWEST_IMAGES

    def difference(self, a: str, b: str) -> tuple[float, float, float]:
        """By how much a's score exceeds b's; all NaN where they were not compared."""
        if (a, b) in self.differences:
            return self.differences[a, b]
        value, low, high = self.differences.get((b, a), (math.nan,) * 3)
        return 0 - value, 0 - high, 0 - low

    def is_better(self, a: str, b: str) -> bool:
        """Whether a is really better than b.

        The interval of their paired difference must leave out 0. Without one, their own intervals
        must not touch, which asks for more.
        """
        if self.is_thin or not (a in self.scores and b in self.scores):
            return False
        _, low, high = self.difference(a, b)
        if math.isnan(low):
            low = self.scores[a][1] - self.scores[b][2]
            high = self.scores[a][2] - self.scores[b][1]
        return low > 0 if self.higher_is_better else high < 0

    def by_score(self, methods: Iterable[str]) -> list[str]:
        """Methods that have a score, the best first, equals by name."""
        sign = -1 if self.higher_is_better else 1
        known = [m for m in methods if m in self.scores and not math.isnan(self.scores[m][0])]
        return sorted(known, key=lambda method: (sign * self.scores[method][0], method))


def judge_by_truth(
    pooled: list[Mapping], differences: list[Mapping], images: list[Mapping]
) -> Criterion:
    """Criterion of truth.

    Parameters
    ----------
    pooled, differences, images : list of mappings
        Rows of accuracy_pooled.csv, accuracy_differences.csv and accuracy.csv.
    """
    worst: dict[str, float] = {}
    for row in images:
        worst[row["method"]] = min(row["f1"], worst.get(row["method"], math.inf))
    keys = ("difference", "difference_low", "difference_high")
    return Criterion(
        kind="truth",
        measure="F1",
        scores={row["method"]: _numbers(row, ("f1", "f1_low", "f1_high")) for row in pooled},
        differences={
            (row["method_a"], row["method_b"]): _numbers(row, keys) for row in differences
        },
        n_images=pooled[0]["n_images"] if pooled else 0,
        resampled=pooled[0]["resampled"] if pooled else "images",
        worst=worst,
    )


def judge_by_images(
    kind: str,
    measure: str,
    rows: Iterable[Mapping],
    column: str,
    *,
    seed: int,
    higher_is_better: bool,
    missing: float = math.nan,
) -> Criterion:
    """Criterion of a table with a row for each image and method.

    Parameters
    ----------
    kind, measure : str
        See `Criterion`.
    rows : iterable of mappings
        ``method``; ``image``, empty where all are taken together; the score in ``column``,
        and of all together its interval in ``<column>_low`` and ``<column>_high``. Without a row
        for all, the score is the mean of the images.
    column : str
    seed : int
        Of the resampling of images.
    higher_is_better : bool
    missing : float
        What an empty score means: NaN if nothing is known, infinite if the method failed.
    """
    scores: dict[str, tuple] = {}
    by_image: dict[str, dict[str, float]] = {}
    for row in rows:
        score = _number(row[column], missing)
        if not row["image"]:
            unknown = score if math.isinf(score) else math.nan
            low, high = (_number(row.get(f"{column}_{end}"), unknown) for end in ("low", "high"))
            scores[row["method"]] = (score, low, high)
        elif not math.isnan(score):
            by_image.setdefault(row["method"], {})[row["image"]] = score
    for method, values in by_image.items():
        if method not in scores:
            scores[method] = bootstrap.mean(list(values.values()), seed=seed)
    differences = {}
    for a, b in itertools.combinations(sorted(by_image), 2):
        shared = sorted(by_image[a].keys() & by_image[b].keys())
        values = np.array([by_image[a][image] - by_image[b][image] for image in shared])
        if len(shared) > 1 and np.isfinite(values).all():
            differences[a, b] = bootstrap.mean(values, seed=seed)
    poorest = min if higher_is_better else max
    return Criterion(
        kind=kind,
        measure=measure,
        scores=scores,
        differences=differences,
        n_images=max(map(len, by_image.values()), default=0),
        worst={method: poorest(values.values()) for method, values in by_image.items()},
        higher_is_better=higher_is_better,
    )


def judge_by_injection(
    recovery: Iterable[Mapping], false_positives: Iterable[Mapping], *, seed: int
) -> Criterion:
    """Criterion of injected spots and decoys: the F1 to expect by them.

    Parameters
    ----------
    recovery, false_positives : iterable of mappings
        Rows of recovery.csv and false_positives.csv.
    seed : int
        Of the resampling.

    Returns
    -------
    Criterion
        Of each image, the recall is the share found of injected spots as high as the image's own,
        or of all injected ones where it has none; the precision, what the decoy's spots leave of
        those found.

    Notes
    -----
    Recovery alone would favour a method the more, the more of anything it takes for spots. And
    injected spots of all amplitudes alike would favour whatever finds the dimmest, though the image
    may have none like these: so each amplitude counts by how many of the image's own spots are as
    high, as `localbg.assessment.background_map` measures them, whatever method looks at it. The
    number means something beside another method's, which was given the same spots. Of a single
    image, numbers are drawn again from binomial and Poisson distributions, of each method by
    itself, which makes the intervals of differences too wide rather than too narrow.
    """
    decoys = {
        (row["image"], row["method"]): (row["n_false"], row["n_spots"])
        for row in false_positives
        if row["kind"] == "decoy"
    }
    amplitudes = by_amplitude(recovery)
    known = {
        key: (*np.transpose(amplitudes[key]), *decoys[key])
        for key in sorted(amplitudes.keys() & decoys.keys())
    }
    rows = [
        {"image": image, "method": method, "f1": float(_expected_f1(*numbers))}
        for (image, method), numbers in known.items()
    ]
    measure = "expected F1 (from injected spots and decoys)"
    found = judge_by_images("injected spots", measure, rows, "f1", seed=seed, higher_is_better=True)
    if found.n_images != 1:
        return found
    drawn = {}
    for number, ((_, method), (injected, recovered, own, n, n_spots)) in enumerate(known.items()):
        rng = np.random.default_rng([seed, number])
        again = rng.binomial(injected, recovered / injected, (bootstrap.DRAWS, len(injected)))
        false = rng.poisson(n, bootstrap.DRAWS)
        drawn[method] = _expected_f1(injected, again, own, false, n_spots)
    single = {method: found.scores[method][0] for method in drawn}
    return replace(
        found,
        scores={m: (single[m], *bootstrap.interval(drawn[m])) for m in drawn},
        differences={
            (a, b): (single[a] - single[b], *bootstrap.interval(drawn[a] - drawn[b]))
            for a, b in itertools.combinations(drawn, 2)
        },
        resampled="spots",
    )


def by_amplitude(recovery: Iterable[Mapping]) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
    """Numbers of injected, of recovered and of the image's own spots, by image, method, amplitude.

    Parameters
    ----------
    recovery : iterable of mappings
        Rows of recovery.csv.
    """
    found: dict[tuple, list] = {}
    for row in recovery:
        if row["where"] == "all":
            numbers = tuple(row[name] for name in ("injected", "recovered", "own"))
            found.setdefault((row["image"], row["method"]), []).append(numbers)
    return found


def _expected_f1(injected, recovered, own, n_false, n_spots):
    recall = np.average(recovered / injected, axis=-1, weights=own if own.any() else injected)
    precision = 1 - np.minimum(n_false / max(n_spots, 1), 1)
    return 2 * recall * precision / np.maximum(recall + precision, 1e-9)


def judge_by_false_positives(rows: Iterable[Mapping], *, seed: int) -> Criterion:
    """Criterion of false positives: rows of false_positives.csv.

    Blank images are what they are, a decoy is made: it counts only where there are none.
    """
    rows = list(rows)
    kind = "blank" if any(row["kind"] == "blank" for row in rows) else "decoy"
    return judge_by_images(
        "false positives",
        f"false positives per 10,000 pixels of {kind} images",
        [row for row in rows if row["kind"] == kind],
        "density",
        seed=seed,
        higher_is_better=False,
    )


def judge_by_residuals(rows: Iterable[Mapping], *, seed: int) -> Criterion:
    """Criterion of residuals: rows of residuals.csv; the sign of the trend is left out."""
    return judge_by_images(
        "residuals",
        "trend of the foreground with the background",
        [row | {"trend": None if row["trend"] is None else abs(row["trend"])} for row in rows],
        "trend",
        seed=seed,
        higher_is_better=False,
    )


def judge_by_stability(rows: Iterable[Mapping], n_images: int) -> Criterion:
    """Criterion of stability: rows of stability.csv.

    A method that is on several axes of a sweep is as stable as on the axis where it is least so.
    """
    scores: dict[str, tuple] = {}
    for row in rows:
        slope = _numbers(row, ("slope", "slope_low", "slope_high"))
        if not math.isnan(slope[0]):
            scores[row["method"]] = max(slope, scores.get(row["method"], (-math.inf,)))
    return Criterion(
        kind="stability",
        measure="change of the count with the parameters",
        scores=scores,
        n_images=n_images,
        higher_is_better=False,
    )


def _numbers(row, keys):
    return tuple(_number(row[key], math.nan) for key in keys)


def _number(value, missing):
    return missing if value is None else value
