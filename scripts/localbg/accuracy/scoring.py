"""Compare sets of points: which belong together, and how well a set fits the truth."""

from __future__ import annotations

import math

import numpy as np


def match_spots(a: np.ndarray, b: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Pair points of two sets one to one, as many as possible, then as closely as possible.

    Parameters
    ----------
    a, b : array_like, shape (n, 2) and (m, 2)
        Positions y, x in pixels.
    tolerance : float
        Largest distance of a pair, in pixels, inclusive.

    Returns
    -------
    pairs : ndarray of int, shape (k, 2)
        Indices into ``a`` and ``b``, sorted by the first.
    distances : ndarray of float, shape (k,)

    Notes
    -----
    Candidate pairs come from a k-d tree. They fall into small groups of points, and each group
    is assigned optimally by the Hungarian method, so that cost grows with the number of points
    and not with its square.

    References
    ----------
    Kuhn, The Hungarian method for the assignment problem, 1955, doi 10.1002/nav.3800020109.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    a = np.asarray(a, float).reshape(-1, 2)
    b = np.asarray(b, float).reshape(-1, 2)
    nothing = np.empty((0, 2), int), np.empty(0)
    if not len(a) or not len(b):
        return nothing
    near = cKDTree(a).sparse_distance_matrix(cKDTree(b), tolerance, output_type="ndarray")
    if not near.size:
        return nothing
    i, j, distance = near["i"], near["j"], near["v"]
    # Two points that are near none but each other are a pair; the others compete.
    alone = (np.bincount(i)[i] == 1) & (np.bincount(j)[j] == 1)
    pairs, distances = [(i[alone], j[alone])], [distance[alone]]
    i, j, distance = i[~alone], j[~alone], distance[~alone]
    size = len(a) + len(b)
    graph = coo_array((np.ones(i.size), (i, j + len(a))), shape=(size, size))
    group = connected_components(graph, directed=False)[1][i]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for edges in np.split(order, starts[1:]):
        rows, row = np.unique(i[edges], return_inverse=True)
        columns, column = np.unique(j[edges], return_inverse=True)
        # One pair too few must cost more than all distances together.
        far = (tolerance + 1.0) * (min(rows.size, columns.size) + 1)
        cost = np.full((rows.size, columns.size), far)
        cost[row, column] = distance[edges]
        r, c = linear_sum_assignment(cost)
        near_enough = cost[r, c] < far
        pairs.append((rows[r[near_enough]], columns[c[near_enough]]))
        distances.append(cost[r, c][near_enough])
    pairs = np.concatenate(pairs, axis=1).T
    order = np.argsort(pairs[:, 0])
    return pairs[order], np.concatenate(distances)[order]


def compare_spots(a: np.ndarray, b: np.ndarray, tolerance: float) -> dict:
    """How far two methods found the same spots.

    Returns
    -------
    dict
        ``matched``, ``only_a``, ``only_b`` and ``jaccard``: matched over all; 1 where neither
        found any.
    """
    matched = len(match_spots(a, b, tolerance)[0])
    union = len(a) + len(b) - matched
    return {
        "matched": matched,
        "only_a": len(a) - matched,
        "only_b": len(b) - matched,
        "jaccard": matched / union if union else 1.0,
    }


def score_spots(truth: np.ndarray, spots: np.ndarray, tolerance: float) -> dict:
    """How well spots fit the truth.

    Parameters
    ----------
    truth, spots : array_like, shape (n, 2) and (m, 2)
        Positions y, x in pixels.
    tolerance : float
        Largest distance between a spot and its true place, in pixels.

    Returns
    -------
    dict
        ``n_truth``, ``n_spots``, ``matched``, ``precision`` (matched per spot found), ``recall``
        (matched per true spot), ``f1`` (their harmonic mean), ``count_error`` (found minus true),
        ``localisation_error`` (root mean square distance of the matched pairs in pixels) and
        ``tolerance``. A ratio without a denominator is NaN; ``f1`` is 1 where there is nothing to
        find and nothing was found.
    """
    distances = match_spots(truth, spots, tolerance)[1]
    n_truth, n_spots, matched = len(truth), len(spots), len(distances)
    return {
        "n_truth": n_truth,
        "n_spots": n_spots,
        "matched": matched,
        "precision": matched / n_spots if n_spots else math.nan,
        "recall": matched / n_truth if n_truth else math.nan,
        "f1": 2 * matched / (n_truth + n_spots) if n_truth + n_spots else 1.0,
        "count_error": n_spots - n_truth,
        "localisation_error": math.sqrt(np.mean(distances**2)) if matched else math.nan,
        "tolerance": float(tolerance),
    }
