"""True positions of spots, from the files that annotation tools write."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

# Columns of a csv that hold row and column: ours, and those of napari's points.
POSITIONS = (("y", "x"), ("axis-0", "axis-1"))


def points(path: str | os.PathLike) -> list[tuple[float, float]]:
    """Positions of true spots.

    Parameters
    ----------
    path : path
        By its suffix: ``.roi`` or ``.zip``, points of ImageJ's ROI manager; ``.tif`` or
        ``.tiff``, a label image, whose spots are at the centres of its labels; anything else, a
        csv with columns ``y`` and ``x``, or napari's ``axis-0`` and ``axis-1``.

    Returns
    -------
    list of (float, float)
        Row and column in pixels, pixel centres at whole numbers. ImageJ counts points the same
        way. None at all means that the image is known to be blank.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is something else; says what was found, and what was expected.

    Notes
    -----
    A csv or ROI file costs a millisecond; a label image is read in full.
    """
    read = READERS.get(Path(path).suffix.lower(), _from_csv)
    try:
        return read(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror) from error


def _from_csv(path):
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            names = next((pair for pair in POSITIONS if {*pair} <= {*header}), None)
            if names is None or "vertex-index" in header:
                found = ", ".join(header) or "an empty file"
                raise ValueError(
                    f"expected a csv with columns y and x (or axis-0, axis-1), found {found}"
                )
            if names[0] == "axis-0" and "axis-2" in header:
                raise ValueError("expected points in two dimensions, found axis-2")
            return [_point(row, names, reader.line_num) for row in reader]
    except UnicodeDecodeError as error:
        raise ValueError("is not a text file in UTF-8") from error


def _point(row, names, line):
    try:
        place = tuple(float(row[name]) for name in names)
    except (TypeError, ValueError):
        place = (math.nan,)
    if not all(map(math.isfinite, place)):
        cells = ", ".join(f"{name}={row[name]!r}" for name in names)
        raise ValueError(f"line {line}: {cells} are not numbers")
    return place


def _from_rois(path):
    import zipfile

    from roifile import ROI_TYPE, roiread

    try:
        rois = roiread(path)
    except (ValueError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise ValueError(f"expected ImageJ's points (.roi, or .zip of them): {error}") from error
    rois = rois if isinstance(rois, list) else [rois]
    if not rois:
        raise ValueError("expected ImageJ's points, found a zip without any ROI")
    planes = set()
    for roi in rois:
        if roi.roitype != ROI_TYPE.POINT:
            kind = roi.roitype.name.lower()
            raise ValueError(f"expected points, found a ROI of type {kind} ('{roi.name}')")
        planes |= _planes(roi)
    if len(planes - {0}) > 1:
        found = ", ".join(map(str, sorted(planes - {0})))
        raise ValueError(f"expected the points of one plane, found those of planes {found}")
    return [(float(y), float(x)) for roi in rois for x, y in roi.coordinates()]


def _planes(roi):
    # A point's counter (its kind) is in the low byte, the plane that it was set on above it.
    if roi.counters is not None and roi.counter_positions is not None:
        return {int(position) for position in roi.counter_positions}
    return {int(roi.position)}


def _from_labels(path):
    import numpy as np
    import tifffile
    from scipy import ndimage

    try:
        labels = np.squeeze(tifffile.imread(path))
    except (ValueError, IndexError) as error:  # tifffile's own errors are of these kinds
        raise ValueError(f"expected a label image: {error}") from error
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        size = " x ".join(map(str, labels.shape))
        raise ValueError(
            f"expected a label image of two dimensions with whole numbers, found {size}, "
            f"{labels.dtype}"
        )
    labels = labels.astype(np.uint8) if labels.dtype == bool else labels
    numbers = np.unique(labels[labels != 0])
    if numbers.size == 1 and (pieces := ndimage.label(labels, np.ones((3, 3)))[1]) > 1:
        raise ValueError(
            f"expected a label of its own for each spot, found a mask: {pieces} pieces of "
            f"label {numbers[0]}"
        )
    centres = ndimage.center_of_mass(labels != 0, labels, numbers) if numbers.size else []
    return [(float(y), float(x)) for y, x in centres]


READERS = {
    ".roi": _from_rois,
    ".zip": _from_rois,
    ".tif": _from_labels,
    ".tiff": _from_labels,
}
