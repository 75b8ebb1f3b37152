"""The tables: their columns, what each means, and how numbers are written."""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = {
    "images": {
        "image": "id of the image",
        "path": "its file or address",
        "status": "ok or failed",
        "reason": "why it failed, in words",
        "shape": "size of each axis of the file",
        "axes": "names of those axes",
        "dtype": "type of the file's pixels",
        "group": "group in the sheet",
        "pixel_size_um": "µm per pixel, where known",
        "spot_radius": "radius of a spot in pixels",
    },
    "spots": {
        "image": "id of the image",
        "method": "name of the method",
        "spot": "number of the spot, as in the label image",
        "y": "row of the centroid in pixels, weighted by the foreground",
        "x": "column of the centroid in pixels, weighted by the foreground",
        "area": "pixels above the threshold; of the rule `plateau` the core of the spot",
        "max": "highest raw grey level",
        "mean": "mean raw grey level",
        "foreground_max": "highest foreground, grey levels",
        "foreground_sum": "sum of the foreground, grey levels",
        "background_mean": "mean of the background, grey levels",
        "snr": "highest foreground above the level, in noise standard deviations",
        "touches_border": "whether the spot touches the image's border",
    },
    "counts": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "status": "ok or failed",
        "n_spots": "number of spots",
        "density": "spots per 10,000 pixels",
        "density_um2": "spots per µm², where the pixel size is known",
        "threshold": "foreground grey level above which pixels belong to spots; of the rule "
        "`plateau` their least contrast, in grey levels",
        "decided_by": "what set the threshold: rule, min_snr or constant",
        "level": "median of the foreground, grey levels",
        "noise": "robust standard deviation of the foreground, grey levels",
        "scatter": "that of noise and texture together; the rule `noise` counts in it",
        "foreground_min": "lowest foreground before clipping, grey levels",
        "negative_fraction": "fraction of pixels with a negative foreground before clipping",
        "clipped_fraction": "fraction of pixels that clipping set to 0",
        "shrink_error_rms": "root mean square error of a shrunken background, where asked for",
        "shrink_error_max": "its largest error, grey levels",
    },
    "agreement": {
        "image": "id of the image",
        "method_a": "one method",
        "method_b": "another",
        "matched": "spots that both found, one to one within a spot radius",
        "only_a": "spots that only method_a found",
        "only_b": "spots that only method_b found",
        "jaccard": "matched over all; 1 where neither found any",
    },
    "accuracy": {
        "image": "id of the image",
        "method": "name of the method",
        "n_truth": "number of true spots",
        "n_spots": "number of spots found",
        "matched": "true spots found, one to one within the tolerance",
        "precision": "matched over found",
        "recall": "matched over true",
        "f1": "harmonic mean of precision and recall; 1 where there are none and none was found",
        "localisation_error": "root mean square distance of matched pairs, pixels",
        "tolerance": "largest distance of a pair, pixels: the spot radius",
    },
    "failures": {
        "image": "id of the image",
        "path": "its file or address",
        "step": "the step that failed",
        "reason": "why, in words",
    },
}
# What `localbg.spots.measure` gives of a spot.
MEASURES = [name for name in COLUMNS["spots"] if name not in ("image", "method")]
# comparison.csv has a column for each method between these; no method may be called like them.
COMPARISON = (("image", "group"), ("count_median", "count_spread"))
PLACES = {"y": 3, "x": 3}  # thousandths of a pixel


def text(name: str, value) -> str:
    """One cell: six significant digits, thousandths for positions, nothing for what is unknown."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.{PLACES[name]}f}" if name in PLACES else f"{value:.6g}"
    return str(value)


class Writer:
    """Write a CSV table row by row; the file appears whole, at the end, or not at all.

    Parameters
    ----------
    path : path
    columns : iterable of str
        Columns in order.
    """

    def __init__(self, path: str | os.PathLike, columns: Iterable[str]):
        self._path = path
        self._columns = list(columns)

    def __enter__(self):
        self._file = open(f"{self._path}.part", "w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(self._columns)
        return self

    def __exit__(self, kind, error, trace):
        self._file.close()
        if kind is None:
            os.replace(f"{self._path}.part", self._path)

    def row(self, row: dict) -> None:
        """Add a row of Python numbers, text, booleans, None; what it lacks is left empty."""
        self._csv.writerow([text(name, row.get(name)) for name in self._columns])

    def texts(self, rows: Iterable[list[str]]) -> None:
        """Add rows whose cells are text already."""
        self._csv.writerows(rows)


def write(path: str | os.PathLike, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a CSV table of rows; see `Writer`."""
    with Writer(path, columns) as writer:
        for row in rows:
            writer.row(row)


def grouped(path: str | os.PathLike) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Read a CSV table that is sorted by image, the rows of one image at a time."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        for image, group in itertools.groupby(rows, key=lambda row: row["image"]):
            yield image, list(group)


class Following:
    """The rows of one image after the other, of a table that may lack some of the images."""

    def __init__(self, path: str | os.PathLike):
        self._groups = grouped(path)
        self._next = next(self._groups, None)

    def rows(self, image: str) -> list[dict[str, str]]:
        """Rows of an image; images have to be asked for in the order of the table."""
        while self._next and self._next[0] < image:
            self._next = next(self._groups, None)
        return self._next[1] if self._next and self._next[0] == image else []


def read(path: str | os.PathLike) -> list[dict[str, str]]:
    """Read a CSV table as rows of text."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
