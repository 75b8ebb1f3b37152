"""True positions of spots, from the files that annotation tools write."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from localbg.core import files
from localbg.core.names import show
from localbg.io import delimited

# Columns of a csv that hold row and column: ours, and those of napari's points.
POSITIONS = (("y", "x"), ("axis-0", "axis-1"))
# Columns that say that points lie in more than one plane.
DEPTHS = ("z", "axis-2", "axis-3")
LABELS = (".tif", ".tiff")
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Of a file of points; of one that is read before any job starts; of what a zip unpacks to.
MOST_BYTES = 200_000_000
MOST_BYTES_AT_ONCE = 2_000_000
MOST_UNPACKED = 200_000_000
MOST_ROIS = 100_000
# Positions beyond the field by more than this are of another image, or in another unit.
MARGIN = 0.5
# Share of the field beyond which a label is no spot's.
MOST_COVERED = 0.5
# Of a label's pixels, the share that has to lie in one piece.
LEAST_IN_ONE = 0.9


def check_truth(path: str | os.PathLike) -> None:
    """Raise what can be told of a file of truth before any job starts.

    Parameters
    ----------
    path : path
        As `read_points` takes it.

    Raises
    ------
    OSError, ValueError
        As `read_points`.

    Notes
    -----
    Points are read where their file is small, which costs a millisecond; of a label image only the
    first four bytes are looked at.
    """
    try:
        _require_readable(path)
        if Path(path).suffix.lower() in LABELS:
            with open(path, "rb") as file:
                if file.read(4) not in TIFF_STARTS:
                    raise ValueError("expected a label image, found a file that is no TIFF")
        elif os.path.getsize(path) <= MOST_BYTES_AT_ONCE:
            _unchecked(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror) from error


def read_points(path: str | os.PathLike, shape: Sequence[int]) -> list[tuple[float, float]]:
    """Positions of true spots in an image.

    Parameters
    ----------
    path : path
        By its suffix: ``.roi`` or ``.zip``, points of ImageJ's ROI manager; ``.tif`` or
        ``.tiff``, a label image, whose spots are at the centres of its labels; anything else, a
        csv with columns ``y`` and ``x``, or napari's ``axis-0`` and ``axis-1``.
    shape : (int, int)
        Rows and columns of the image that they are of.

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
        If it is something else, or cannot be of this image; says what was found, and what was
        expected.

    Notes
    -----
    A csv or ROI file costs a millisecond. A label image is decoded in full, but only once its
    header promises no more than one label for each pixel of the image.
    """
    try:
        _require_readable(path)
        if Path(path).suffix.lower() in LABELS:
            return _from_labels(path, shape)
        places = _unchecked(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror) from error
    _require_within(places, shape)
    return places


def _require_readable(path):
    if str(path).startswith(("http://", "https://")):
        raise ValueError("is an address; expected a file on this machine")
    files.require_regular(path, None if Path(path).suffix.lower() in LABELS else MOST_BYTES)


def _unchecked(path):
    """Points of a csv or of ROIs, wherever they lie."""
    read = _from_rois if Path(path).suffix.lower() in (".roi", ".zip") else _from_csv
    places = read(path)
    if len(set(places)) < len(places):
        seen: set = set()
        y, x = next(p for p in places if p in seen or seen.add(p))
        raise ValueError(f"the point y {y:g}, x {x:g} is there twice; expected each spot once")
    return places


def _require_within(places, shape):
    """Refuse points that are not of an image of this shape."""

    def outside(points):
        low, (rows, columns) = -0.5 - MARGIN, (n - 0.5 + MARGIN for n in shape)
        return [p for p in points if not (low <= p[0] <= rows and low <= p[1] <= columns)]

    size = " x ".join(map(str, shape))
    if wrong := outside(places):
        y, x = wrong[0]
        turned = not outside([(x, y) for y, x in places])
        hint = "With y and x exchanged all would fit" if turned else "Are they in pixels?"
        raise ValueError(
            f"{len(wrong)} of {len(places)} points lie outside of the image of {size} pixels, such "
            f"as y {y:g}, x {x:g}; expected rows y and columns x of this image. {hint}"
        )
    if len(places) > math.prod(shape):
        raise ValueError(f"has {len(places)} points, more than the image of {size} has pixels")


def _from_csv(path):
    columns = [name for pair in POSITIONS for name in pair]
    table = delimited.read(path, columns, MOST_BYTES)
    names = next((pair for pair in POSITIONS if {*pair} <= {*table.header}), None)
    if names is None or "vertex-index" in table.header:
        found = show(", ".join(table.header), 200) or "an empty file"
        raise ValueError(f"expected a csv with columns y and x (or axis-0, axis-1), found {found}")
    if twice := [name for name in names if table.header.count(name) > 1]:
        raise ValueError(f"column '{twice[0]}' is there twice; expected each column once")
    for depth in DEPTHS:
        if depth in map(str.casefold, table.header):
            raise ValueError(
                f"expected points in two dimensions, found {depth}. Keep those of the plane that "
                "is read, and leave the column out"
            )
    return [_point(table, cells, names, line) for line, cells in table.lines]


def _point(table, cells, names, line):
    row = dict(zip(table.header, cells, strict=False))
    if any(map(str.strip, cells[len(table.header) :])):
        raise ValueError(
            f"line {line}: has more cells than columns ({', '.join(map(show, cells))}); are there "
            "decimal commas?"
        )
    try:
        place = tuple(float(table.number(row[name])) for name in names)
    except (KeyError, ValueError):
        place = (math.nan,)
    if not all(map(math.isfinite, place)):
        given = ", ".join(f"{name}={show(repr(row.get(name)))}" for name in names)
        raise ValueError(f"line {line}: {given} are not numbers")
    return place


def _from_rois(path):
    from roifile import ROI_TYPE, ImagejRoi

    try:
        rois = [ImagejRoi.frombytes(content) for content in _roi_files(path)]
        kinds = [(roi, roi.roitype == ROI_TYPE.POINT) for roi in rois]
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a stranger's file makes the parser raise many kinds
        raise ValueError(f"expected ImageJ's points (.roi, or .zip of them): {error}") from error
    planes = set()
    for roi, is_point in kinds:
        if not is_point:
            kind = roi.roitype.name.lower()
            raise ValueError(f"expected points, found a ROI of type {kind} ('{show(roi.name)}')")
        planes |= _planes(roi)
    if len(planes - {0}) > 1:
        found = show(", ".join(map(str, sorted(planes - {0}))))
        raise ValueError(f"expected the points of one plane, found those of planes {found}")
    return [(float(y), float(x)) for roi in rois for x, y in roi.coordinates()]


def _roi_files(path):
    """Contents of a file of one ROI, or of those in a zip, as far as they fit into memory."""
    import zipfile

    if Path(path).suffix.lower() != ".zip":
        return [Path(path).read_bytes()]
    with zipfile.ZipFile(path) as archive:
        # macOS adds files of its own: __MACOSX/._name.roi.
        entries = [
            entry
            for entry in archive.infolist()
            if entry.filename.lower().endswith(".roi")
            and not entry.filename.rsplit("/", 1)[-1].startswith("._")
        ]
        if not entries:
            raise ValueError("found a zip without any ROI")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MOST_UNPACKED or len(entries) > MOST_ROIS:
            raise ValueError(
                f"found {len(entries)} ROIs of {unpacked / 1e6:.0f} MB in all; expected "
                f"{MOST_ROIS} of {MOST_UNPACKED / 1e6:.0f} MB at most"
            )
        return [archive.read(entry) for entry in entries]


def _planes(roi):
    # A point's counter (its kind) is in the low byte, the plane that it was set on above it.
    if roi.counters is not None and roi.counter_positions is not None:
        return {int(position) for position in roi.counter_positions}
    return {int(roi.position)}


def _from_labels(path, shape):
    import numpy as np
    from scipy import ndimage
    from skimage.measure import label

    labels = _label_image(path, tuple(shape))
    numbers, sizes = np.unique(labels[labels != 0], return_counts=True)
    if numbers.size and (share := sizes.max() / labels.size) > MOST_COVERED:
        raise ValueError(
            f"label {numbers[sizes.argmax()]} covers {share:.0%} of the image; expected 0 for the "
            "background, and a label of its own for each spot"
        )
    if not numbers.size:
        return []
    # A centre between pieces is where no spot is. A pixel that a tool left behind does no harm.
    pieces = label(labels, background=0, connectivity=2)
    of_piece = np.bincount(pieces.ravel())[1:]
    number = labels.ravel()[np.unique(pieces, return_index=True)[1]][-len(of_piece) :]
    largest = np.zeros(numbers.size, int)
    np.maximum.at(largest, np.searchsorted(numbers, number), of_piece)
    if (torn := numbers[largest < LEAST_IN_ONE * sizes]).size:
        what = "a mask" if numbers.size == 1 else f"{torn.size} of {numbers.size} labels in pieces"
        raise ValueError(
            f"expected a label of its own for each spot, found {what}: "
            f"{np.count_nonzero(number == torn[0])} pieces of label {torn[0]}. Label them (in "
            "ImageJ: Analyze Particles, Count Masks)"
        )
    centres = ndimage.center_of_mass(labels != 0, labels, numbers)
    return [(float(y), float(x)) for y, x in centres]


def _label_image(path, shape):
    """Whole numbers of a TIFF of a given shape, which its header has to promise first."""
    import numpy as np
    import tifffile

    from localbg.io import images

    try:
        images.promised(path)
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0]
            # More labels than 16 bits can count are often written as floats.
            found, dtype = tuple(n for n in series.shape if n != 1), series.dtype
            fits = found == tuple(n for n in shape if n != 1)
            labels = series.asarray() if fits and dtype.kind in "iubf" else None
            if labels is not None and dtype.kind == "f":
                whole = labels.astype(np.int64)
                labels, dtype = (whole, whole.dtype) if (whole == labels).all() else (None, dtype)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged files make tifffile raise many kinds
        raise ValueError(f"expected a label image: {error}") from error
    if labels is None:
        size, wanted = (" x ".join(map(str, n)) or "1" for n in (found, shape))
        raise ValueError(
            f"expected a label image of two dimensions with whole numbers, {wanted} as the image "
            f"has, found {size}, {dtype}"
        )
    return labels.reshape(shape).astype(np.uint8 if dtype.kind == "b" else dtype, copy=False)
