"""From a mask to spots: clean it, split touching spots, measure each."""

from __future__ import annotations

from itertools import starmap

import numpy as np
from scipy import ndimage

from localbg.core.parameters import Area, NonNegative, Size
from localbg.detection.measures import MEASURES, Spot
from localbg.detection.shapes import measure_shapes

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
        How many noise standard deviations a local maximum must rise above the saddle that leads to
        a higher one.
    exclude_border : bool
        Whether spots that touch the image's border are removed.

    Returns
    -------
    ndarray of int32
        0 outside spots, 1 to n inside, numbered by first pixel in reading order.
    """
    mask = _cleaned(mask, close, fill_holes)
    if min_area > 0 or max_area is not None or not split:
        labels, count = ndimage.label(mask, EIGHT)
        areas = np.bincount(labels[mask], minlength=count + 1)
        keep = areas >= min_area
        if max_area is not None:
            keep &= areas <= max_area
        labels = _kept(labels, keep)
        mask = labels > 0
    if split:
        from localbg.filters.watershed import divide

        labels = divide(mask, foreground, prominence=prominence * noise, distance=min_distance)
    if exclude_border:
        keep = np.ones(labels.max() + 1, bool)
        keep[_border_labels(labels)] = False
        labels = _kept(labels, keep)
    return labels


def _kept(labels, keep):
    """Labels without those that are not kept; they stay in order."""
    keep[0] = False
    if keep[1:].all():
        return labels
    return np.where(keep, np.cumsum(keep, dtype=np.int32), np.int32(0))[labels]


def _cleaned(mask, close, fill_holes):
    if close:
        from localbg.filters.footprint import half_widths
        from localbg.filters.min_max import dilate, erode

        # The surroundings count as background, or closing would glue objects to the border.
        widths = half_widths(close)
        reach = len(widths) // 2
        padded = np.pad(mask, 2 * reach).view(np.uint8)
        closed = erode(dilate(padded, widths), widths).view(bool)
        mask = closed[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    return _filled(mask) if fill_holes else mask


def _filled(mask):
    # A hole is background that reaches no edge of the image, corners not counted as ways.
    labels, count = ndimage.label(~mask)
    outside = np.zeros(count + 1, bool)
    outside[_border_labels(labels)] = True
    if outside[1:].all():
        return mask
    outside[0] = False
    return mask | ~outside[labels]


def _border_labels(labels):
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.unique(edges[edges > 0])


def measure_spots(
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
        weighted by the foreground), ``core_area`` (pixels of the label: the core above the
        threshold, not the size of the spot), ``max`` and ``mean`` (raw grey levels),
        ``foreground_max`` and ``foreground_sum``, ``background_mean``, ``snr`` (foreground's
        maximum above ``level``, in units of ``noise``; NaN where the noise is 0) and
        ``touches_border``.

    Notes
    -----
    Every sum is one `numpy.bincount` over the pixels inside spots.
    """
    places = np.flatnonzero(labels)
    rows, columns = np.divmod(places, labels.shape[1])
    pixels = np.bincount(labels.ravel()[places], minlength=1)
    spots = np.flatnonzero(pixels)
    # Numbers from 0 on, whatever the labels.
    index = (np.cumsum(pixels > 0) - 1)[labels.ravel()[places]]
    n = spots.size

    def total(weights):
        return np.bincount(index, weights, minlength=n)

    def highest(values):
        result = np.full(n, -np.inf)
        np.maximum.at(result, index, values)
        return result

    raw = image.ravel()[places].astype(np.float64)
    above = foreground.ravel()[places].astype(np.float64)
    area = pixels[spots]
    weight = np.maximum(above, 0)
    # A spot with no positive foreground (a low fixed threshold) keeps its geometric centre.
    weight = np.where((total(weight) > 0)[index], weight, 1.0)
    peak = highest(above)
    return {
        "spot": spots,
        "y": total(weight * rows) / total(weight),
        "x": total(weight * columns) / total(weight),
        "core_area": area,
        "max": highest(raw),
        "mean": total(raw) / area,
        "foreground_max": peak,
        "foreground_sum": total(above),
        "background_mean": total(background.ravel()[places].astype(np.float64)) / area,
        "snr": (peak - level) / noise if noise > 0 else np.full(n, np.nan),
        "touches_border": np.isin(spots, _border_labels(labels)),
    }


def tabulate_spots(
    labels: np.ndarray,
    image: np.ndarray,
    foreground: np.ndarray,
    background: np.ndarray,
    *,
    level: float,
    noise: float,
    spot_radius: float,
    polarity: str,
    saturated_at: float,
    pixel_size_um: float | None,
) -> list[Spot]:
    """`measure_spots` and `localbg.detection.shapes.measure_shapes` of each spot.

    Parameters
    ----------
    labels, image, foreground, background, level, noise
        See `measure_spots`.
    spot_radius, polarity, saturated_at, pixel_size_um
        See `localbg.detection.shapes.measure_shapes`.
    """
    columns = measure_spots(labels, image, foreground, background, level=level, noise=noise)
    columns |= measure_shapes(
        *(columns, labels, image, foreground),
        spot_radius=spot_radius,
        polarity=polarity,
        saturated_at=saturated_at,
        pixel_size_um=pixel_size_um,
    )
    values = (columns[name].tolist() for name in MEASURES)
    return list(starmap(Spot, zip(*values, strict=True)))
