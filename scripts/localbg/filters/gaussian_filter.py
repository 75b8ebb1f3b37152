"""Gaussian filter."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from localbg.core.checks import require_plane
from localbg.filters.compiled import compiled, in_bands

# How far a kernel reaches, in standard deviations: 2e-9 of it lies beyond.
REACH = 6
# Columns that are worked on together.
BREADTH = 512
# Standard deviations per step between samples, at least.
COARSEST = 1.8


def gaussian(image: np.ndarray, sigma: float, *, threads: int = 1) -> np.ndarray:
    """Gaussian filter, within 0.01 grey levels of its value in double precision.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    sigma : float
        Standard deviation in pixels, above 0.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray of float32
        Same shape.

    Raises
    ------
    ValueError
        If the image is not 2-D, is empty, or has values that are not finite.

    Notes
    -----
    The kernel is the Gaussian at whole pixels, normalised, as in `scipy.ndimage.gaussian_filter`
    with ``truncate`` 6 or more. Sums are in float64.

    A Gaussian of sigma is a Gaussian of sigma / √2 applied twice. What comes between the two is so
    smooth that every k-th row and column of it is enough [1]_. By the Gaussian's transform, waves
    that k samples mistake for others keep no more than exp(-π² sigma² / (2 k²)) of their height,
    1.2e-7 with the k that is taken, the largest whole number up to sigma / 1.8. So a pixel costs
    about 40 multiplications whatever sigma is. Working memory is 8 / k bytes a pixel.

    References
    ----------
    .. [1] Burt, Fast filter transforms for image processing, Computer Graphics and Image
       Processing 16, 1981, doi 10.1016/0146-664X(81)90092-7.
    """
    require_plane(image)
    image = np.ascontiguousarray(image)
    # The step between the rows, and columns, that are kept of the once filtered image.
    step = max(1, int(sigma / COARSEST))
    if step == 1:
        result = np.empty(image.shape, np.float32)
        kernel = _kernel(sigma)
        in_bands(lambda *rows: _reduce(image, kernel, 1, 0, result, *rows), len(image), threads)
        return result
    kernel = _kernel(sigma / math.sqrt(2))
    # So many kept rows lie above the image that no kernel reaches beyond the first one.
    margin = -(-(len(kernel) // 2) // step) + 1
    small = np.empty([2 * margin + (n - 1) // step + 1 for n in image.shape])
    in_bands(lambda *rows: _reduce(image, kernel, step, margin, small, *rows), len(small), threads)
    phases = _phases(kernel, step)
    wide = np.empty((len(small), image.shape[1]))
    in_bands(lambda *rows: _widen(small, phases, margin, wide, *rows), len(wide), threads)
    result = np.empty(image.shape, np.float32)
    in_bands(lambda *rows: _heighten(wide, phases, margin, result, *rows), len(image), threads)
    return result


def _kernel(sigma):
    reach = math.ceil(REACH * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


def _phases(kernel, step):
    """Weights that the kept samples have in a pixel 0, 1, ... step - 1 behind one of them.

    Row p holds those of samples -n to n around that one.
    """
    reach = len(kernel) // 2
    samples = reach // step + 1
    distance = step * np.arange(-samples, samples + 1) - np.arange(step)[:, None]
    inside = np.abs(distance) <= reach
    weights = np.where(inside, kernel[np.clip(distance + reach, 0, 2 * reach)], 0)
    return weights / weights.sum(axis=1, keepdims=True)


@njit
def _mix(rows, first, weights, left, mixed):
    """Weighted sum of rows from ``first`` on, the first and last repeated, four at a time."""
    last = rows.shape[0] - 1
    right = left + mixed.size
    mixed[:] = 0
    t = 0
    while t + 4 <= weights.size:
        a = rows[min(max(first + t, 0), last), left:right]
        b = rows[min(max(first + t + 1, 0), last), left:right]
        c = rows[min(max(first + t + 2, 0), last), left:right]
        d = rows[min(max(first + t + 3, 0), last), left:right]
        p, q, r, s = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        for x in range(mixed.size):
            mixed[x] += (p * a[x] + q * b[x]) + (r * c[x] + s * d[x])
        t += 4
    while t < weights.size:
        a = rows[min(max(first + t, 0), last), left:right]
        p = weights[t]
        for x in range(mixed.size):
            mixed[x] += p * a[x]
        t += 1


@njit
def _mix_shifted(line, weights, mixed):
    """Add the weighted sum of a line and itself moved by 1, 2, ..., four at a time."""
    t = 0
    while t + 4 <= weights.size:
        p, q, r, s = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        a, b, c, d = line[t:], line[t + 1 :], line[t + 2 :], line[t + 3 :]
        for x in range(mixed.size):
            mixed[x] += (p * a[x] + q * b[x]) + (r * c[x] + s * d[x])
        t += 4
    while t < weights.size:
        p, a = weights[t], line[t:]
        for x in range(mixed.size):
            mixed[x] += p * a[x]
        t += 1


@compiled(
    *(
        f"({pixel}[:, ::1], float64[::1], int64, int64, {result}[:, ::1], int64, int64)"
        for pixel in ("uint8", "uint16", "float32")
        for result in ("float32", "float64")
    )
)
def _reduce(image, kernel, step, margin, result, start, stop):
    """Filter, and keep every step-th row and column, ``margin`` of them before the image."""
    width = image.shape[1]
    reach = kernel.size // 2
    ahead = step * margin + reach
    line = np.empty(step * (result.shape[1] + 2 * (reach // step + 1)))
    # comb[p, i] is line[i * step + p]: what is added up lies side by side.
    comb = np.empty((step, line.size // step))
    total = np.empty(result.shape[1])
    for row in range(start, stop):
        inner = line[ahead : ahead + width]
        for left in range(0, width, BREADTH):
            block = inner[left : min(left + BREADTH, width)]
            _mix(image, step * (row - margin) - reach, kernel, left, block)
        line[:ahead] = inner[0]
        line[ahead + width :] = inner[width - 1]
        for phase in range(step):
            tooth, source = comb[phase], line[phase:]
            for x in range(tooth.size):
                tooth[x] = source[x * step]
        total[:] = 0
        for phase in range(step):
            _mix_shifted(comb[phase], kernel[phase::step], total)
        target = result[row]
        for x in range(total.size):
            target[x] = total[x]


@compiled("(float64[:, ::1], float64[:, ::1], int64, float64[:, ::1], int64, int64)")
def _widen(small, phases, margin, wide, start, stop):
    """Enlarge rows back to all columns."""
    step, taps = phases.shape
    total = np.empty(-(-wide.shape[1] // step))
    for row in range(start, stop):
        for phase in range(step):
            total[:] = 0
            _mix_shifted(small[row, margin - taps // 2 :], phases[phase], total)
            target = wide[row, phase:]
            for x in range(-(-target.size // step)):
                target[x * step] = total[x]


@compiled("(float64[:, ::1], float64[:, ::1], int64, float32[:, ::1], int64, int64)")
def _heighten(wide, phases, margin, result, start, stop):
    """Enlarge columns back to all rows."""
    step, taps = phases.shape
    width = wide.shape[1]
    line = np.empty(BREADTH)
    for row in range(start, stop):
        first = row // step + margin - taps // 2
        for left in range(0, width, BREADTH):
            block = line[: min(BREADTH, width - left)]
            _mix(wide, first, phases[row % step], left, block)
            target = result[row, left : left + block.size]
            for x in range(block.size):
                target[x] = block[x]
