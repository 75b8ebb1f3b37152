"""How sure a number is: the same number from resampled images.

Methods are compared on the same resamples, so that the interval of their difference is that of a
paired comparison: what an image does to all methods alike cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

DRAWS = 2000
LEVEL = 0.95
# Weights that are held in memory at a time, in numbers.
CHUNK = 2_000_000


def sums(rows: np.ndarray, *, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Sum rows over resamples of them.

    Parameters
    ----------
    rows : array_like, shape (n, ...)
        One per image (or per spot); at least one.
    seed : int
    draws : int
        Number of resamples.

    Returns
    -------
    ndarray of float64, shape (draws, ...)

    Notes
    -----
    A resample holds n - 1 of the n rows, drawn with replacement. With n of n the spread of the sums
    would be too small by the factor (n - 1) / n, which matters for the few images that people
    annotate. A single row has no spread: every sum is that row. Costs ``draws * n`` random numbers
    and a matrix product.

    References
    ----------
    Efron and Tibshirani, An introduction to the bootstrap, 1993, doi 10.1201/9780429246593.
    """
    rows = np.asarray(rows, float)
    flat = rows.reshape(len(rows), -1)
    parts = [weights @ flat for weights in resamples(len(rows), seed=seed, draws=draws)]
    return np.concatenate(parts).reshape(draws, *rows.shape[1:])


def resamples(n: int, *, seed: int, draws: int = DRAWS) -> Iterator[np.ndarray]:
    """How often each of n rows is in each resample: see `sums`, whose resamples these are.

    Yields
    ------
    ndarray of int, shape (some, n)
        Of as many resamples as are held in memory at a time.
    """
    size = max(n - 1, 1)
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK // n)
    for start in range(0, draws, chunk):
        some = min(chunk, draws - start)
        drawn = rng.integers(n, size=(some, size)) + n * np.arange(some)[:, None]
        yield np.bincount(drawn.ravel(), minlength=some * n).reshape(some, n)


def interval(values: np.ndarray, *, level: float = LEVEL) -> tuple[float, float]:
    """The middle part of resampled values.

    Parameters
    ----------
    values : array_like
        From the resamples of one number; NaN where a resample does not give it, infinite where it
        is beyond what is known.
    level : float
        Probability that lies within.

    Returns
    -------
    low, high : float
        NaN if fewer than half of the resamples give the number. Values of resamples where one of
        them is infinite, else linear in between.
    """
    values = np.asarray(values, float)
    known = values[~np.isnan(values)]
    if 2 * known.size < max(values.size, 1):
        return np.nan, np.nan
    method = "linear" if np.isfinite(known).all() else "nearest"
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2], method=method)
    return float(low), float(high)


def mean(values: np.ndarray, *, seed: int) -> tuple[float, float, float]:
    """Mean of one value per image with its interval; the interval of a single image is NaN."""
    ((estimate, low, high),) = means(np.reshape(np.asarray(values, float), (-1, 1)), seed=seed)
    return estimate, low, high


def means(values: np.ndarray, *, seed: int) -> list[tuple[float, float, float]]:
    """`mean` of each column, on the same resamples.

    Parameters
    ----------
    values : array_like, shape (n, k)
        One row per image.
    seed : int
    """
    values = np.asarray(values, float)
    n, k = values.shape
    if n < 2:
        return [(float(column.mean()) if n else np.nan, np.nan, np.nan) for column in values.T]
    # A resample holds one image less: see `sums`.
    drawn = sums(values, seed=seed) / (n - 1)
    return [(float(values[:, i].mean()), *interval(drawn[:, i])) for i in range(k)]
