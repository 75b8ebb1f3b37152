"""How high a spot must stand to be found: a curve through the share of planted spots recovered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

SAMPLES = 200  # of the bootstrap
INTERVAL = (2.5, 97.5)  # percent
# What curves are tried: steps of the middle in log contrast, widths of the rise, highest shares.
MIDDLE_STEP = 0.02
WIDTHS = np.geomspace(0.03, 1.2, 10)
CEILINGS = (1.0, 0.97, 0.93, 0.88, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class Point:
    """The contrast at which a share of spots is found, with an interval of 95 %.

    What lies beyond the contrasts that were planted is None; ``note`` then says so in words.
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
    half: Point
    nearly_all: Point

    def share(self, contrasts: np.ndarray) -> np.ndarray:
        """Share of spots found at some contrasts."""
        return self.ceiling / (1 + (np.asarray(contrasts) / self.middle) ** (-1 / self.width))


def ratio(contrasts: list[float]) -> float:
    """What each contrast of a ladder is times the one before."""
    return (contrasts[-1] / contrasts[0]) ** (1 / (len(contrasts) - 1))


def fit(
    contrasts: list[float], planted: np.ndarray, recovered: np.ndarray, *, seed: int = 0
) -> Curve:
    """Fit a logistic curve in log contrast to the number of spots recovered.

    Parameters
    ----------
    contrasts : list of float
        Evenly spaced in their logarithm; those planted are spread evenly within half a step.
    planted, recovered : array_like of int, shape (images, contrasts)
        Numbers of spots; not all 0.
    seed : int

    Returns
    -------
    Curve
        Of greatest binomial likelihood, with the contrasts at which half and nine tenths of all
        spots are found.

    Notes
    -----
    The interval is that of a bootstrap over images, since spots of an image share its lot; over
    spots where there is one image. Curves are tried on a grid rather than sought by an optimiser:
    nothing can diverge, where spots of one contrast are all lost and those of the next all found
    either, and all samples of the bootstrap are fitted by one product of matrices.

    References
    ----------
    Fleming, Harris, Pritchet, Hanes, CCD photometry of the globular clusters M3 and NGC 5053,
    Astronomical Journal 109, 1995, doi 10.1086/117340 (a curve for completeness). Efron,
    Bootstrap methods, Annals of Statistics 7, 1979, doi 10.1214/aos/1176344552.
    """
    planted = np.atleast_2d(planted).astype(np.int64)
    recovered = np.atleast_2d(recovered).astype(np.int64)
    rng = np.random.default_rng(seed)
    if len(planted) > 1:
        weights = rng.multinomial(len(planted), np.full(len(planted), 1 / len(planted)), SAMPLES)
        n, k = weights @ planted, weights @ recovered
    else:
        n = np.broadcast_to(planted, (SAMPLES, planted.shape[1]))
        k = rng.binomial(n, recovered / np.maximum(planted, 1))
    n = np.vstack([planted.sum(0), n])
    k = np.vstack([recovered.sum(0), k])
    curves, found, missed = _grid(tuple(contrasts))
    likelihood = k.astype(np.float32) @ found + (n - k).astype(np.float32) @ missed
    middle, width, ceiling = curves[:, likelihood.argmax(1)]
    tried = np.flatnonzero(planted.sum(0))
    reach = ratio(contrasts) ** 0.5
    ends = contrasts[tried[0]] / reach, contrasts[tried[-1]] * reach
    half, nearly_all = (
        _point(middle, width, ceiling, share, ends, words)
        for share, words in ((0.5, "half"), (0.9, "90 %"))
    )
    return Curve(float(middle[0]), float(width[0]), float(ceiling[0]), half, nearly_all)


@cache
def _grid(contrasts):
    """All curves tried, and the logarithms of their shares found and missed at each contrast."""
    contrasts = np.log(contrasts)
    step = np.log(ratio(np.exp(contrasts)))
    middles = np.arange(contrasts[0] - 0.7, contrasts[-1] + 0.7, MIDDLE_STEP)
    grid = np.meshgrid(middles, WIDTHS, CEILINGS, indexing="ij")
    middle, width, ceiling = (values.ravel() for values in grid)
    share = np.zeros((len(contrasts), middle.size))
    within = (np.arange(5) - 2) / 5 * step
    for shift in within:
        rise = (contrasts[:, None] + shift - middle) / width
        share += ceiling / (1 + np.exp(-np.clip(rise, -60, 60))) / within.size
    share = np.clip(share, 1e-6, 1 - 1e-6)
    curves = np.stack([np.exp(middle), width, ceiling])
    return curves, np.log(share).astype(np.float32), np.log1p(-share).astype(np.float32)


def _point(middle, width, ceiling, share, ends, words):
    """Where curves reach a share; the first of them is the fit, the others are its samples."""
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.where(
            ceiling > share, middle * (ceiling / share - 1) ** np.negative(width), math.inf
        )
    contrast[contrast > ends[1]] = math.inf
    contrast[contrast < ends[0]] = 0
    # No interpolation: there is nothing between a number and infinity.
    low, high = np.percentile(contrast[1:], INTERVAL, method="nearest")
    lowest, highest = (f"{end:.3g}" for end in ends)
    note = ""
    if contrast[0] == math.inf:
        note = f"fewer than {words} found up to {highest}"
    elif contrast[0] == 0:
        note = f"more than {words} found from {lowest} on"
    elif low == 0 or high == math.inf:
        end = f"below {lowest}" if low == 0 else f"above {highest}"
        note = f"interval of {words} ends {end}"
    best, low, high = (float(c) if 0 < c < math.inf else None for c in (contrast[0], low, high))
    return Point(best, low, high, note)
