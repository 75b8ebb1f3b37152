"""From a mask to spots: clean it, split touching spots, measure each."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from localbg.kernels.extremes import dilate, erode
from localbg.kernels.footprint import half_widths
from localbg.parameters import Area, NonNegative, Size

EIGHT = np.ones((3, 3), bool)


def label(
    mask: np.ndarray,
    foreground: np.ndarray,
    noise: float = 0.0,
    *,
    close: Size = 0,
    fill_holes: bool = True,
    min_area: Area = 0,
    max_area: Area | None = None,
    split: bool = True,
    min_distance: Size = 1,
    prominence: NonNegative = 1.0,
    exclude_border: bool = False,
) -> np.ndarray:
    """Clean a mask and give each spot in it a label.

    Parameters
    ----------
    mask : ndarray of bool
        Pixels above the threshold.
    foreground : ndarray of float32, same shape
        Spots are positive.
    noise : float
        Robust standard deviation of the foreground, in grey levels.
    close : float
        Radius in pixels of a morphological closing that bridges small gaps; 0 for none.
    fill_holes : bool
        Whether holes inside an object become part of it.
    min_area, max_area : float
        Objects with fewer or more pixels than this are removed. An object is what hangs
        together, edges and corners counted, before it is split.
    split : bool
        Whether touching spots are split: each local maximum of the foreground becomes a spot,
        and a watershed divides the object between them. Otherwise each object is one spot.
    min_distance : float
        Pixels. Of two local maxima no farther apart than this, only the higher one counts.
    prominence : float
        How many noise standard deviations a local maximum must rise above the pass that leads to
        a higher one.
    exclude_border : bool
        Whether spots that touch the image's border are removed.

    Returns
    -------
    ndarray of int32
        0 outside spots, 1 to n inside, numbered by first pixel in reading order.
    """
    mask = _cleaned(mask, close, fill_holes)
    labels, count = ndimage.label(mask, EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    keep = areas >= min_area
    if max_area is not None:
        keep &= areas <= max_area
    keep[0] = False
    labels = np.where(keep[labels], labels, 0)
    if split and keep.any():
        labels = _split(labels, foreground, min_distance, prominence * noise)
    if exclude_border:
        labels[np.isin(labels, _border_labels(labels))] = 0
    return _numbered(labels)


def _cleaned(mask, close, fill_holes):
    if close:
        # The surroundings count as background, or closing would glue objects to the border.
        widths = half_widths(close)
        reach = len(widths) // 2
        padded = np.pad(mask, 2 * reach).view(np.uint8)
        closed = erode(dilate(padded, widths), widths).view(bool)
        inner = tuple(slice(2 * reach, 2 * reach + n) for n in mask.shape)
        mask = closed[inner]
    return ndimage.binary_fill_holes(mask) if fill_holes else mask


def _split(labels, foreground, min_distance, rise):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree
    from skimage.segmentation import watershed

    # Every object has to have its own summit, so none may lead over to the next.
    inside = np.where(labels > 0, foreground, -np.inf).astype(np.float32)
    summits = _summits(inside, rise)
    plateaus, count = ndimage.label(summits, EIGHT)
    plateau, whole, height = (values[summits] for values in (plateaus, labels, inside))
    near = cKDTree(np.argwhere(summits)).query_pairs(min_distance, output_type="ndarray")
    i, j = near.T
    together = whole[i] == whole[j]
    i, j = i[together], j[together]
    keep = np.ones(count + 1, bool)
    keep[0] = False
    keep[plateau[i[height[i] < height[j]]]] = False
    keep[plateau[j[height[j] < height[i]]]] = False
    # Of maxima of the same height, the first in reading order stands for all.
    tied = height[i] == height[j]
    graph = coo_array(
        (np.ones(tied.sum()), (plateau[i[tied]], plateau[j[tied]])), shape=(count + 1, count + 1)
    )
    group = connected_components(graph, directed=False)[1]
    first = np.zeros(count + 1, bool)
    kept = np.flatnonzero(keep)
    first[kept[np.unique(group[kept], return_index=True)[1]]] = True
    markers = np.where(first[plateaus], plateaus, 0)
    return watershed(-inside, markers, mask=labels > 0, connectivity=labels.ndim).astype(np.int32)


def _summits(inside, rise):
    """Pixels of the local maxima that rise more than ``rise`` above the pass to a higher one."""
    from skimage.morphology import local_maxima, reconstruction

    if rise == 0:
        hills = inside
    else:
        lowest = inside[np.isfinite(inside)].min() - 2 * rise
        hills = np.maximum(inside, lowest)
        hills = reconstruction(np.maximum(hills - np.float32(rise), lowest), hills)
        hills[np.isneginf(inside)] = -np.inf
    # A frame, so that maxima at the border count; an object that is one plateau has its own.
    framed = np.pad(hills, 1, constant_values=-np.inf)
    inner = tuple(slice(1, -1) for _ in inside.shape)
    tops = local_maxima(framed, connectivity=inside.ndim)[inner] & np.isfinite(inside)
    regions, count = ndimage.label(tops, EIGHT)
    highest = np.append(-np.inf, ndimage.maximum(inside, regions, np.arange(1, count + 1)))
    return tops & (inside == highest[regions])


def _border_labels(labels):
    edges = [np.take(labels, end, axis) for axis in range(labels.ndim) for end in (0, -1)]
    found = np.unique(np.concatenate(edges))
    return found[found > 0]


def _numbered(labels):
    found, first = np.unique(labels, return_index=True)
    found, first = found[found > 0], first[found > 0]
    lookup = np.zeros(labels.max(initial=0) + 1, np.int32)
    lookup[found[np.argsort(first)]] = np.arange(1, found.size + 1)
    return lookup[labels]


def measure(
    labels: np.ndarray,
    image: np.ndarray,
    foreground: np.ndarray,
    background: np.ndarray,
    *,
    level: float = 0.0,
    noise: float = 0.0,
) -> dict[str, np.ndarray]:
    """Measure every spot.

    Parameters
    ----------
    labels : ndarray of int, 2-D
        From `label`.
    image, foreground, background : ndarray, same shape
        The raw image, the foreground (spots positive) and the background.
    level, noise : float
        Centre and robust standard deviation of the foreground where there are no spots, in grey
        levels.

    Returns
    -------
    dict of str to ndarray
        One entry per spot in each column: ``spot`` (label), ``y`` and ``x`` (centroid in pixels,
        weighted by the foreground), ``area`` (pixels), ``max`` and ``mean`` (raw grey levels),
        ``foreground_max`` and ``foreground_sum``, ``background_mean``, ``snr`` (foreground's
        maximum above ``level``, in units of ``noise``; NaN where the noise is 0) and
        ``touches_border``.

    Notes
    -----
    Every sum is one `numpy.bincount` over the pixels inside spots.
    """
    rows, columns = np.nonzero(labels)
    index = labels[rows, columns]
    spots, index = np.unique(index, return_inverse=True)
    n = spots.size

    def total(weights):
        return np.bincount(index, weights, minlength=n)

    def highest(values):
        result = np.full(n, -np.inf)
        np.maximum.at(result, index, values)
        return result

    raw = image[rows, columns].astype(np.float64)
    above = foreground[rows, columns].astype(np.float64)
    area = np.bincount(index, minlength=n)
    weight = np.maximum(above, 0)
    # A spot with no positive foreground (a low fixed threshold) keeps its geometric centre.
    weight = np.where((total(weight) > 0)[index], weight, 1.0)
    peak = highest(above)
    return {
        "spot": spots,
        "y": total(weight * rows) / total(weight),
        "x": total(weight * columns) / total(weight),
        "area": area,
        "max": highest(raw),
        "mean": total(raw) / area,
        "foreground_max": peak,
        "foreground_sum": total(above),
        "background_mean": total(background[rows, columns].astype(np.float64)) / area,
        "snr": (peak - level) / noise if noise > 0 else np.full(n, np.nan),
        "touches_border": np.isin(spots, _border_labels(labels)),
    }
