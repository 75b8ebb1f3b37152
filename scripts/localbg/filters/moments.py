"""Widths of spots from moments of the image under Gaussian weights that adapt to them."""

from __future__ import annotations

import numpy as np
from numba import njit

from localbg.filters.compiled import compiled

REACH = 3.5  # standard deviations of the weight
# Pixels: a narrower weight is hardly sampled, and of one so narrow noise decides how it adapts.
FINEST, STEADY = 0.7, 1.0
WIDEST = 4.0  # times the width that is expected
# Of a wide weight not every pixel counts, but one to so much of its standard deviation: where the
# width is looked for, and where it is measured.
COARSE, FINE = 1.5, 3.0
# A Laplacian counts that is so many times as high as its noise, which of white noise of sd 1 is
# WHITE / weight, and as much of the highest: else bumps of the noise on a spot were spots.
CLEAR, SHARE = 5.0, 0.3
WHITE = (2 * np.pi) ** -0.5
TURNS, ENOUGH = 12, 0.005  # of adapting the weight, until it changes by no more than this share
DRIFT = 1.5  # weights that the centre may move, and a pixel


def widths(image: np.ndarray, places: np.ndarray, typical: float, noise: float) -> np.ndarray:
    """Standard deviations of bright Gaussian spots near places.

    Parameters
    ----------
    image : ndarray, 2-D
        Raw grey levels, as float32; edges are repeated.
    places : array of float, shape (n, 2)
        Positions y, x in pixels, inside the image.
    typical : float
        Standard deviation that is expected, in pixels.
    noise : float
        Standard deviation of the noise of single pixels, in grey levels.

    Returns
    -------
    ndarray of float64, shape (n,)
        Pixels; 0 where all is in one pixel, NaN where nothing rises above what surrounds it.

    Notes
    -----
    Weights are tried from the finest that pixels sample to four times the expected width, a factor
    of the square root of 2 apart. Where the Laplacian of the Gaussian, normalised by its variance,
    is highest, the weight is as wide as the spot [1]_; of several such maxima the finest counts
    that is more than noise.

    From there the weight adapts to the spot [2]_. Of a Gaussian of variance s² under a weight of
    variance w² the second moment is u = s² w² / (s² + w²), which gives s² back. A constant
    background drops out of m₂ - c₂ m₀ and m₄ - c₄ m₀, where c are the moments of the weight alone;
    their ratio is 4 (u + w²). A slope drops out of the first moments in the same way, by the third,
    and what is left of them moves the centre. So neither a plane nor a wrong start biases the
    width.

    References
    ----------
    .. [1] Lindeberg, Feature detection with automatic scale selection, International Journal of
       Computer Vision 30, 1998, doi 10.1023/A:1008045108935.
    .. [2] Bernstein and Jarvis, Shapes and shears, stars and smears, The Astronomical Journal 123,
       2002, doi 10.1086/338085.
    """
    places = np.ascontiguousarray(places, float).reshape(-1, 2)
    finer = max(0, int(2 * np.log2(WIDEST * typical / FINEST)))
    weights = WIDEST * typical / 2 ** (np.arange(finer, -1, -1) / 2)
    sigmas = np.full(len(places), np.nan)
    image = np.ascontiguousarray(image, np.float32)
    _widths(image, places, np.maximum(weights, FINEST), float(noise), sigmas)
    return sigmas


@compiled("(float32[:, ::1], float64[:, ::1], float64[::1], float64, float64[::1])")
def _widths(image, places, weights, noise, sigmas):
    n = weights.size
    responses, clears = np.empty(n + 2), np.empty(n + 2)
    for i in range(places.shape[0]):
        y, x = places[i, 0], places[i, 1]
        # Nothing beyond the finest and the widest.
        responses[:] = 0.0
        for k in range(n):
            stride = max(1, int(weights[k] / COARSE))
            total, _, _, second, _, _, _ = _moments(image, y, x, weights[k], stride)
            # Half the height of a spot where the weight fits it.
            responses[k + 1] = -second / (weights[k] ** 2 * total)
            clears[k + 1] = CLEAR * noise * WHITE * stride / weights[k]
        best = np.argmax(responses)
        if responses[best] <= 0:
            continue
        for k in range(1, n + 1):
            here = responses[k]
            is_peak = here > responses[k - 1] and here >= responses[k + 1]
            if is_peak and here > max(clears[k], SHARE * responses[best]):
                best = k
                break
        sigmas[i] = _adapted(image, y, x, weights[best - 1])


@njit
def _adapted(image, y, x, weight):
    """Width of the spot near (y, x) that about fits a weight."""
    weight = max(weight, STEADY)
    narrowest = weight / 2 if weight > 3 * STEADY else STEADY
    widest = 2 * weight
    from_y, from_x = y, x
    for _turn in range(TURNS):
        stride = max(1, int(weight / FINE))
        _, c2, c4, second, fourth, first_y, first_x = _moments(image, y, x, weight, stride)
        if second >= 0:
            return np.nan
        # Of 8 u² - 2 ratio u + ratio c2 - c4 = 0, exact for the pixels that count.
        ratio = fourth / second
        both = (ratio - np.sqrt(max(ratio * ratio - 8 * (ratio * c2 - c4), 0.0))) / 8
        both = max(both, 0.0)
        left = 1 - both / weight**2
        sigma = min(np.sqrt(both / left), widest) if left > 0 else widest
        shift = 0.5 * (1 + (sigma / weight) ** 2) / second
        step_y = min(max(shift * first_y, -weight), weight)
        step_x = min(max(shift * first_x, -weight), weight)
        y, x = y + step_y, x + step_x
        if (y - from_y) ** 2 + (x - from_x) ** 2 > (DRIFT * weight + 1) ** 2:
            y, x = from_y, from_x
        y = min(max(y, 0.0), image.shape[0] - 1.0)
        x = min(max(x, 0.0), image.shape[1] - 1.0)
        adapted = max(sigma, narrowest)
        # Off the middle, a width may agree with the weight and be wrong.
        if max(abs(adapted - weight), abs(step_y) / 4, abs(step_x) / 4) < ENOUGH * weight:
            break
        weight = adapted
    # Far narrower than what the weight was chosen for: it is no such spot.
    return np.nan if sigma < narrowest / 2 and narrowest > STEADY else sigma


@njit
def _moments(image, y, x, weight, stride):
    """Weighted moments about (y, x), in grey levels above that of the pixel there.

    The sum of weights; moments c2 and c4 of the weight; second and fourth moment of the image
    without those of a constant; first moments without those of a slope.
    """
    last_y, last_x = image.shape[0] - 1, image.shape[1] - 1
    middle_y, middle_x = int(np.rint(y)), int(np.rint(x))
    centre = np.float64(image[middle_y, middle_x])
    reach = int(np.ceil(REACH * weight / stride))
    n = 2 * reach + 1
    columns, dx, gx = np.empty(n, np.int64), np.empty(n), np.empty(n)
    x0, x2, x4 = 0.0, 0.0, 0.0
    for j in range(n):
        column = middle_x + (j - reach) * stride
        columns[j] = min(max(column, 0), last_x)
        dx[j] = column - x
        square = dx[j] ** 2
        gx[j] = np.exp(-0.5 * square / weight**2)
        x0 += gx[j]
        x2 += gx[j] * square
        x4 += gx[j] * square**2
    y0, y2, y4 = 0.0, 0.0, 0.0
    m0, m2, m4, my, mx, my3, mx3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        row = middle_y + (i - reach) * stride
        dy = row - y
        square = dy**2
        gy = np.exp(-0.5 * square / weight**2)
        row = min(max(row, 0), last_y)
        r0, r1, r2, r3, r4 = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(n):
            value = gx[j] * (np.float64(image[row, columns[j]]) - centre)
            r0 += value
            value *= dx[j]
            r1 += value
            value *= dx[j]
            r2 += value
            value *= dx[j]
            r3 += value
            r4 += value * dx[j]
        y0 += gy
        y2 += gy * square
        y4 += gy * square**2
        m0 += gy * r0
        m2 += gy * (r2 + square * r0)
        m4 += gy * (r4 + square * (2 * r2 + square * r0))
        my += gy * dy * r0
        mx += gy * r1
        my3 += gy * dy * (r2 + square * r0)
        mx3 += gy * (r3 + square * r1)
    c2 = y2 / y0 + x2 / x0
    c4 = y4 / y0 + x4 / x0 + 2 * y2 / y0 * x2 / x0
    slope_y, slope_x = y4 / y2 + x2 / x0, x4 / x2 + y2 / y0
    first_y, first_x = my3 - slope_y * my, mx3 - slope_x * mx
    return x0 * y0, c2, c4, m2 - c2 * m0, m4 - c4 * m0, first_y, first_x
