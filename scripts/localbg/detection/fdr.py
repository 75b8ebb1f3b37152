"""Which of many values are more than chance: bounds on the share of false discoveries."""

from __future__ import annotations

import numpy as np

# The formula for the number of local maxima in noise holds for high ones, in standard deviations.
LOWEST, HIGHEST = 2.0, 38.0
# Whether there is anything at all is asked at a share of the rate at which it is told what: one
# false positive in an image of noise alone is worse than one among many.
AT_ALL = 0.25
# The bulk is measured from this quantile on, in so many turns, each without what the one before
# told from it. So many values must there be to tell.
BULK = 0.3
TURNS = 4
FEWEST = 8
ROUNDING = 1e-12  # of a value: steps of the bulk are more


def significant(heights: np.ndarray, area: float, fdr: float) -> float:
    """Least height such that noise makes up no more than a share of the maxima from there on.

    Parameters
    ----------
    heights : ndarray
        Of local maxima, in noise standard deviations.
    area : float
        Of the image, in squares of the standard deviation of the Gaussian that smoothed the noise.
    fdr : float
        That share.

    Returns
    -------
    float
        What one more spot would need to be told from noise. Where there is no height above which
        noise makes up no more than a quarter of that share there is nothing but noise; then it is
        more than all heights.

    Notes
    -----
    A field of smoothed white noise has about ``area / 2 * (2 π) ** -1.5 * u * exp(-u² / 2)``
    local maxima above a high ``u`` [1]_; the bound is that of Benjamini and Hochberg [2]_. In an
    image of noise alone it lets one through about once in ``4 / fdr`` images.

    References
    ----------
    .. [1] Adler, The Geometry of Random Fields, 1981, doi 10.1137/1.9780898718980.
    .. [2] Benjamini and Hochberg, Controlling the false discovery rate, Journal of the Royal
       Statistical Society B 57, 1995, doi 10.1111/j.2517-6161.1995.tb02031.x.
    """
    falling = np.sort(heights)[::-1]
    falling = falling[falling > LOWEST]
    noise = _maxima_of_noise(falling, area)
    share = noise / np.arange(1, falling.size + 1)
    if not (share <= AT_ALL * fdr).any():
        found, fdr = 0, AT_ALL * fdr
    else:
        found = int(np.flatnonzero(share <= fdr)[-1]) + 1
    # Between the last one that was found and the next, so that it is the same for all that may be.
    highest = falling[found - 1] if found else np.inf
    return float(min(_height_of(fdr * (found + 1), area), highest))


def _maxima_of_noise(heights, area):
    return area / 2 * (2 * np.pi) ** -1.5 * heights * np.exp(-(heights**2) / 2)


def _height_of(maxima, area):
    """Height above which noise has so many local maxima."""
    low, high = LOWEST, HIGHEST
    for _ in range(60):
        middle = (low + high) / 2
        if _maxima_of_noise(middle, area) > maxima:
            low = middle
        else:
            high = middle
    return high


def beyond_bulk(values: np.ndarray, fdr: float, bulk: float = BULK) -> float:
    """Least value such that the bulk makes up no more than a share of the values from there on.

    Parameters
    ----------
    values : ndarray
        Of local maxima, most of which are noise and texture; what is not above 0 does not count.
    fdr : float
        That share.
    bulk : float
        Share of the values, the least ones, that do not count for the bulk's tail.

    Returns
    -------
    float
        What one more value would need; more than all values where none is beyond, 0 where there
        are too few to tell.

    Notes
    -----
    What exceeds a high threshold is exponential for all but heavy tails [1]_, and the bulk tells
    how fast its tail falls [2]_: by half from the 30 % quantile (``bulk``) to the 65 % quantile,
    and so on with each such step. Noise and texture of any strength are told from spots so,
    without a model of either, as long as a third of the values or less are spots. The quantiles
    are taken in turns, each without what was found before.

    References
    ----------
    .. [1] Pickands, Statistical inference using extreme order statistics, Annals of Statistics 3,
       1975, doi 10.1214/aos/1176343003.
    .. [2] Efron, Large-scale simultaneous hypothesis testing: the choice of a null hypothesis,
       Journal of the American Statistical Association 99, 2004, doi 10.1198/016214504000000089.
    """
    rising = np.sort(values[values > 0])
    left = np.arange(rising.size, 0, -1)
    if rising.size < FEWEST:
        return 0.0
    limit = np.inf
    for _ in range(TURNS):
        others = rising[rising < limit]
        if others.size < FEWEST:
            break
        low, high = np.quantile(others, (bulk, (1 + bulk) / 2))
        step, above = max(high - low, ROUNDING * high), (1 - bulk) * others.size
        expected = above * np.exp2(np.minimum(low - rising, 0) / step)
        beyond = (rising > low) & (expected <= fdr * left)
        found = int(left[np.argmax(beyond)]) if beyond.any() else 0
        # Between the last one of the bulk and the next, as for `significant`.
        limit = low + step * np.log2(above / (fdr * (found + 1)))
        highest_of_bulk = max(low, rising[-found - 1]) if found < rising.size else low
        limit = max(limit, np.nextafter(highest_of_bulk, np.inf))
        if found:
            limit = min(limit, rising[-found])
    return float(limit)
