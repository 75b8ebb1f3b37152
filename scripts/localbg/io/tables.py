"""The tables: how they are written and read back."""

from __future__ import annotations

import csv
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from localbg.core import files
from localbg.io.cells import PARSERS, format_cell
from localbg.io.columns import TYPES


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
        with ExitStack() as stack:
            beside = stack.enter_context(files.whole(self._path))
            file = stack.enter_context(open(beside, "w", encoding="utf-8", newline=""))
            self._leave = stack.pop_all()
        self._csv = csv.writer(file, lineterminator="\n")
        self._csv.writerow(self._columns)
        return self

    def __exit__(self, kind, error, trace):
        self._leave.__exit__(kind, error, trace)

    def row(self, row: dict) -> None:
        """Add a row of Python numbers, text, booleans, None; what it lacks is left empty."""
        self._csv.writerow([format_cell(name, row.get(name)) for name in self._columns])

    def texts(self, rows: Iterable[list[str]]) -> None:
        """Add rows whose cells are text already."""
        self._csv.writerows(rows)


def write(path: str | os.PathLike, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a CSV table of rows; see `Writer`."""
    with Writer(path, columns) as writer:
        for row in rows:
            writer.row(row)


def read_cells(path: str | os.PathLike) -> list[list[str]]:
    """Cells of a CSV table below its header, as they are written."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def _rows(path, others="text"):
    with open(path, encoding="utf-8", newline="") as file:
        cells = csv.reader(file)
        columns = [(name, PARSERS[TYPES.get(name, others)]) for name in next(cells, [])]
        for row in cells:
            yield {name: parse(cell) for (name, parse), cell in zip(columns, row, strict=True)}


def read(path: str | os.PathLike, others: str = "text") -> list[dict]:
    """Read a CSV table as rows of values, of the types that `localbg.io.columns` declares.

    Parameters
    ----------
    path : path
    others : str
        Type of columns that are not declared, such as those that are named after methods.

    Returns
    -------
    list of dict
        Values by column: text, whole numbers, decimal numbers or booleans. What is unknown is None,
        or of text the empty one.

    Raises
    ------
    ValueError
        If a cell is not of its column's type, or a row has more or fewer cells than the header.
    """
    return list(_rows(path, others))


def read_grouped(path: str | os.PathLike) -> Iterator[tuple[str, list[dict]]]:
    """Read a CSV table that is sorted by image, as `read` does, the rows of one image at a time."""
    for image, group in itertools.groupby(_rows(path), key=lambda row: row["image"]):
        yield image, list(group)


class Following:
    """The rows of one image after the other, of a table that may lack some of the images."""

    def __init__(self, path: str | os.PathLike):
        self._groups = read_grouped(path)
        self._next = next(self._groups, None)

    def rows(self, image: str) -> list[dict]:
        """Rows of an image; images have to be asked for in the order of the table."""
        while self._next and self._next[0] < image:
            self._next = next(self._groups, None)
        return self._next[1] if self._next and self._next[0] == image else []


def fit_methods(path: str | os.PathLike) -> list[str]:
    """Methods that failed on no more than half of the images on which any did not.

    An unfit value, such as of a sweep, fails on most, and has no say in what the others are worth.

    Parameters
    ----------
    path : path
        Of counts.csv or accuracy.csv, with a row for each image and method.
    """
    methods, n_images, failed = [], 0, Counter()
    for _, rows in read_grouped(path):
        methods = [row["method"] for row in rows]
        bad = [row["method"] for row in rows if row["status"] != "ok"]
        if len(bad) < len(rows):
            n_images += 1
            failed.update(bad)
    return [method for method in methods if 2 * failed[method] <= n_images]


def without_failures(
    path: str | os.PathLike, methods: list[str]
) -> Iterator[tuple[str, list[dict]]]:
    """Images on which none of some methods failed, with the rows of these; path as there."""
    for image, rows in read_grouped(path):
        chosen = [row for row in rows if row["method"] in methods]
        if all(row["status"] == "ok" for row in chosen):
            yield image, chosen


def read_counts(path: str | os.PathLike) -> tuple[list[str], list[list[int]]]:
    """Names of the `fit_methods`, and their numbers of spots in images on which none failed.

    Parameters
    ----------
    path : path
        Of counts.csv.
    """
    methods = fit_methods(path)
    images = without_failures(path, methods)
    return methods, [[row["n_spots"] for row in rows] for _, rows in images]


def scored(accuracy: Iterable[dict]) -> list[dict]:
    """Rows of accuracy.csv that have numbers: those of images whose truth could be used."""
    return [row for row in accuracy if row["status"] == "ok"]


def unscored(accuracy: str | os.PathLike) -> list[tuple[str, str]]:
    """Images whose truth could not be used, with the reason in words; from accuracy.csv.

    None where there is no such table.
    """
    if not Path(accuracy).is_file():
        return []
    return [(name, rows[0]["reason"]) for name, rows in read_grouped(accuracy) if not scored(rows)]
