"""How high a spot must stand to be found: curves through the share of injected spots recovered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

SHARES = {"half": 0.5, "90 %": 0.9}  # whose contrasts are told
SAMPLES = 200  # of a bootstrap
INTERVAL = (2.5, 97.5)  # percent; taken of samples without interpolation, as some are infinite
AS_LIKELY = 1.92
# What curves are tried: steps of the middle in log contrast, widths of the rise, highest shares.
STEP = 0.02
WIDTHS = np.geomspace(0.03, 1.2, 8)
CEILINGS = (1.0, 0.97, 0.92, 0.85, 0.75, 0.6, 0.45, 0.3, 0.1)


@dataclass(frozen=True)
class Point:
    """The contrast at which a share of spots is found, with an interval of 95 %.

    What lies beyond the contrasts that were injected is None; ``note`` then says so in words.
    """

    contrast: float | None
    low: float | None
    high: float | None
    note: str


@dataclass(frozen=True)
class Curve:
    """The share found at a contrast c: ``ceiling / (1 + (c / middle) ** (-1 / width))``.

    ``ceiling`` is below 1 where even bright spots are missed, as in crowded places.
    """

    middle: float
    width: float
    ceiling: float

    def share(self, contrasts: np.ndarray) -> np.ndarray:
        """Share of spots found at some contrasts."""
        rise = np.log(np.asarray(contrasts) / self.middle) / self.width
        return self.ceiling / (1 + np.exp(-np.clip(rise, -60, 60)))


def ratio(contrasts: Sequence[float]) -> float:
    """What each contrast of a ladder is times the one before."""
    return (contrasts[-1] / contrasts[0]) ** (1 / (len(contrasts) - 1))


def fit_completeness(
    contrasts: Sequence[float], injected: np.ndarray, recovered: np.ndarray, *, seed: int = 0
) -> tuple[Curve, dict[str, Point]]:
    """Fit a logistic curve in log contrast to the spots that were recovered in one image.

    Parameters
    ----------
    contrasts : sequence of float
        Evenly spaced in their logarithm; those injected are spread evenly within half a step.
    injected, recovered : array_like of int, shape (contrasts,)
        Numbers of spots; not all 0.
    seed : int

    Returns
    -------
    Curve
        The one of greatest binomial likelihood.
    dict of str to Point
        Where it reaches each of `SHARES`, with the interval of a bootstrap over the spots, widened
        to what is as likely.

    Notes
    -----
    A bootstrap alone knows no uncertainty where all spots up to some amplitude are lost and all
    others found. So the interval holds those of all curves that the likelihood does not tell from
    the best (less than 1.92 below, 95 % of a chi-square) as well.

    Curves are tried on a grid rather than sought by an optimiser: nothing can diverge, where all
    spots of one contrast are lost and all of the next are found either, and the samples of the
    bootstrap are fitted by one product of matrices.

    References
    ----------
    Fleming, Harris, Pritchet, Hanes, CCD photometry of the globular clusters M3 and NGC 5053,
    Astronomical Journal 109, 1995, doi 10.1086/117340 (a curve for completeness). Efron,
    Bootstrap methods, Annals of Statistics 7, 1979, doi 10.1214/aos/1176344552.
    """
    n, k = np.asarray(injected, np.int64), np.asarray(recovered, np.int64)
    rng = np.random.default_rng(seed)
    k = np.vstack([k, rng.binomial(n, k / np.maximum(n, 1), (SAMPLES, n.size))])
    curves, found, missed = _grid(tuple(contrasts))
    likelihood = k.astype(np.float32) @ found + (n - k).astype(np.float32) @ missed
    best = likelihood.argmax(1)
    as_likely = np.flatnonzero(likelihood[0] >= likelihood[0].max() - AS_LIKELY)
    tried = np.flatnonzero(n)
    ends = _ends(contrasts, tried[0], tried[-1])
    points = {}
    for words, share in SHARES.items():
        samples, likely = (
            _within(_reached(curves[:, some], share), ends) for some in (best, as_likely)
        )
        low, high = np.percentile(samples[1:], INTERVAL, method="nearest")
        low, high = min(low, likely.min()), max(high, likely.max())
        points[words] = _point(samples[0], low, high, ends, words)
    return Curve(*curves[:, best[0]].tolist()), points


def together(
    contrasts: Sequence[float], curves: Sequence[Curve], weights: Sequence[float], *, seed: int = 0
) -> dict[str, Point]:
    """Where the mean curve of several images reaches each of `SHARES`.

    Parameters
    ----------
    contrasts : sequence of float
        Evenly spaced in their logarithm.
    curves : sequence of Curve
        One for each image.
    weights : sequence of float
        How much each counts: images alike, but for the share of them that is meant.
    seed : int

    Returns
    -------
    dict of str to Point
        The interval is that of a bootstrap over images: spots of an image share its lot, and other
        images of the same kind might have been taken.
    """
    ends = _ends(contrasts, 0, -1)
    fine = np.exp(np.arange(math.log(ends[0]), math.log(ends[1]), STEP / 2))
    shares = np.array([curve.share(fine) for curve in curves], np.float32)
    n = len(curves)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), SAMPLES)
    weights = np.vstack([np.ones(n), drawn]) * np.asarray(weights, float)
    mean = weights.astype(np.float32) @ shares / weights.sum(1, keepdims=True)
    points = {}
    for words, share in SHARES.items():
        first = np.argmax(mean >= share, axis=1)
        reached = np.where(first > 0, fine[first], 0)
        reached = np.where(mean[:, -1] >= share, reached, math.inf)
        low, high = np.percentile(reached[1:], INTERVAL, method="nearest")
        points[words] = _point(reached[0], low, high, ends, words)
    return points


def _reached(curves, share):
    middle, width, ceiling = curves
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ceiling > share, middle * (ceiling / share - 1) ** -width, math.inf)


def _within(reached, ends):
    """Contrasts beyond the ends as infinity and 0: nothing is known of them."""
    return np.where(reached > ends[1], math.inf, np.where(reached < ends[0], 0, reached))


def _ends(contrasts, first, last):
    """Lowest and highest contrast of any spot injected."""
    reach = ratio(contrasts) ** 0.5
    return contrasts[first] / reach, contrasts[last] * reach


@cache
def _grid(contrasts):
    """All curves tried, and the logarithms of their shares found and missed at each contrast."""
    steps = np.log(contrasts)
    middles = np.arange(steps[0] - 0.7, steps[-1] + 0.7, STEP)
    grid = np.meshgrid(middles, WIDTHS, CEILINGS, indexing="ij")
    middle, width, ceiling = (values.ravel() for values in grid)
    share = np.zeros((steps.size, middle.size))
    within = (np.arange(5) - 2) / 5 * math.log(ratio(contrasts))
    for shift in within:
        rise = (steps[:, None] + shift - middle) / width
        share += ceiling / (1 + np.exp(-np.clip(rise, -60, 60))) / within.size
    share = np.clip(share, 1e-6, 1 - 1e-6)
    curves = np.stack([np.exp(middle), width, ceiling])
    return curves, np.log(share).astype(np.float32), np.log1p(-share).astype(np.float32)


def _point(best, low, high, ends, words):
    """A contrast and its interval in numbers or words; 0 and infinity are beyond the ends."""
    lowest, highest = (f"{end:.3g}" for end in ends)
    note = ""
    if best == math.inf:
        note = f"fewer than {words} found up to {highest}"
    elif best == 0:
        note = f"more than {words} found from {lowest} on"
    elif low == 0 or high == math.inf:
        end = f"below {lowest}" if low == 0 else f"above {highest}"
        note = f"interval of {words} ends {end}"
    return Point(*(float(c) if 0 < c < math.inf else None for c in (best, low, high)), note)
