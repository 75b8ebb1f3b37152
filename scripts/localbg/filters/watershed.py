"""Divide objects between their maxima."""

from __future__ import annotations

import numpy as np
from numba import njit

from localbg.filters.compiled import compiled


def divide(
    objects: np.ndarray, heights: np.ndarray, *, prominence: float = 0.0, distance: float = 0.0
) -> np.ndarray:
    """Label the catchment basin of each maximum, flooding objects from the top down.

    Parameters
    ----------
    objects : ndarray of bool, 2-D
        Pixels to divide; what touches, corners counted, is an object.
    heights : ndarray of float32, same shape
    prominence : float
        A maximum must stand more than this above the saddle that leads to a higher one: its
        dynamics [1]_, also called its persistence.
    distance : float
        Pixels. Of two maxima of an object no farther apart than this, the higher one stays.

    Returns
    -------
    ndarray of int32
        0 outside objects, 1 to n inside, numbered by first pixel in reading order. Every object has
        a maximum.

    Notes
    -----
    Pixels are taken from the highest to the lowest, equal ones in reading order. A pixel without a
    neighbour taken before it is a maximum; any other joins the basin of the neighbour that was
    taken first [2]_. Where two parts of an object meet for the first time is the saddle between
    them. The basin of a maximum that does not count is joined to the one across its saddle, the
    highest saddles first. A plateau is one maximum, near to what any of its pixels is near to. Of
    equal maxima the first in reading order is the higher.

    Costs a sort of the objects' pixels, and 8 bytes for each pixel of the image.

    References
    ----------
    .. [1] Grimaud, New measure of contrast: the dynamics, Proc. SPIE 1769, 1992,
       doi 10.1117/12.60650.
    .. [2] Meyer, Topographic distance and watershed lines, Signal Processing 38, 1994,
       doi 10.1016/0165-1684(94)90060-4.
    """
    height, width = objects.shape
    # A frame, so that every pixel has eight neighbours.
    places = np.flatnonzero(np.pad(objects, 1))
    tops = heights[objects].astype(np.float32)
    order = np.argsort(-tops, kind="stable")
    ranks = np.full((height + 2) * (width + 2), -1, np.int32)
    basins = np.empty(len(places), np.int32)
    _flood(places[order], tops[order], np.int64(width + 2), prominence, distance, ranks, basins)
    labels = np.zeros(len(ranks), np.int32)
    _number(places, ranks, basins, labels)
    return np.ascontiguousarray(labels.reshape(height + 2, width + 2)[1:-1, 1:-1])


@njit
def _root(parents, k):
    while parents[k] != k:
        parents[k] = parents[parents[k]]
        k = parents[k]
    return k


@compiled("(int64[::1], float32[::1], int64, float64, float64, int32[::1], int32[::1])")
def _flood(places, heights, width, prominence, distance, ranks, basins):
    """Number of its basin, in the order of the maxima, for each pixel in falling order."""
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    size = places.size
    maxima = np.empty(size, np.int64)  # rank of the maximum of each basin
    counts = np.empty(size, np.bool_)
    whole = np.empty(size, np.int32)  # parents of basins that are connected; roots are the highest
    flat = np.empty(size, np.int32)  # the same, of basins that begin on one plateau
    one = np.empty(size, np.int32)  # the two basins at each saddle
    other = np.empty(size, np.int32)
    found = saddles = 0
    for rank in range(size):
        first = size
        for step in around:
            near = ranks[places[rank] + step]
            if 0 <= near < first:
                first = near
        ranks[places[rank]] = rank
        if first == size:
            maxima[found] = rank
            counts[found] = True
            whole[found] = flat[found] = found
            basins[rank] = found
            found += 1
            continue
        basins[rank] = basins[first]
        for step in around:
            near = ranks[places[rank] + step]
            if near < 0 or near == rank:
                continue
            a, b = _root(whole, basins[rank]), _root(whole, basins[near])
            if a == b:
                continue
            one[saddles], other[saddles] = basins[rank], basins[near]
            saddles += 1
            # Basins are numbered from the highest maximum down.
            high, low = min(a, b), max(a, b)
            whole[low] = high
            if heights[maxima[low]] - heights[rank] <= prominence:
                counts[low] = False
            if heights[maxima[high]] == heights[rank]:
                flat[low] = high
    if distance >= 1:
        tops = heights[maxima[:found]]
        _thin(places, heights, ranks, width, distance, tops, basins, whole, flat, counts)
    joined = np.arange(found, dtype=np.int32)
    for k in range(saddles):
        a, b = _root(joined, one[k]), _root(joined, other[k])
        if a != b and not (counts[a] and counts[b]):
            joined[b] = a
            counts[a] = counts[a] or counts[b]
    for rank in range(size):
        basins[rank] = _root(joined, basins[rank])


@njit
def _thin(places, heights, ranks, width, distance, tops, basins, whole, flat, counts):
    """Discount maxima that are near a higher one of the same object that counts."""
    reach = np.int64(distance)
    height = ranks.size // width
    candidates = counts[: tops.size].copy()
    equal = np.arange(tops.size)
    for rank in range(places.size):
        # Every pixel of a plateau is its maximum.
        maximum = _root(flat, basins[rank])
        if heights[rank] != tops[maximum] or not candidates[maximum]:
            continue
        y, x = places[rank] // width, places[rank] % width
        for row in range(max(y - reach, 0), min(y + reach + 1, height)):
            for column in range(max(x - reach, 0), min(x + reach + 1, width)):
                near = ranks[row * width + column]
                if near < 0 or heights[near] < heights[rank]:
                    continue
                rival = _root(flat, basins[near])
                if (
                    rival != maximum
                    and heights[near] == tops[rival]
                    and candidates[rival]
                    and (row - y) ** 2 + (column - x) ** 2 <= distance**2
                    and _root(whole, rival) == _root(whole, maximum)
                ):
                    if tops[rival] > tops[maximum]:
                        counts[maximum] = False
                    else:
                        equal[_root(equal, maximum)] = _root(equal, rival)
    # Of equal ones near each other, the first stands for all.
    taken = np.zeros(tops.size, np.bool_)
    for maximum in range(tops.size):
        group = _root(equal, maximum)
        if counts[maximum] and taken[group]:
            counts[maximum] = False
        taken[group] = taken[group] or counts[maximum]


@compiled("(int64[::1], int32[::1], int32[::1], int32[::1])")
def _number(places, ranks, basins, labels):
    """Number basins by their first pixel in reading order."""
    numbers = np.zeros(basins.size + 1, np.int32)
    last = 0
    for place in places:
        basin = basins[ranks[place]]
        if numbers[basin] == 0:
            last += 1
            numbers[basin] = last
        labels[place] = numbers[basin]
