"""The tables: how they are written and read back."""

from __future__ import annotations

import csv
import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from localbg.core import files

PLACES = {"y": 3, "x": 3}  # thousandths of a pixel
# Text that a spreadsheet would take for a formula is written with an apostrophe in front, and text
# that looks like that with one more, so that reading gives it back.
FORMULA = re.compile(r"'*[=+\-@\t]")


def text(name: str, value) -> str:
    """One cell: six significant digits, thousandths for positions, nothing for what is unknown.

    Text that begins with = + - @ or a tab gets an apostrophe in front, but not a number. A carriage
    return is a blank: it would end the row.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.{PLACES[name]}f}" if name in PLACES else f"{value:.6g}"
    value = str(value).replace("\r", " ")
    return f"'{value}" if FORMULA.match(value) and not _is_number(value) else value


def _is_number(value):
    try:
        float(value)
    except ValueError:
        return False
    return True


def _plain(row):
    """A row of text without the apostrophes that `text` put there."""
    if not any(value[:1] == "'" for value in row.values()):
        return row
    return {
        key: value.removeprefix("'") if FORMULA.match(value) else value
        for key, value in row.items()
    }


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
        self._csv.writerow([text(name, row.get(name)) for name in self._columns])

    def texts(self, rows: Iterable[list[str]]) -> None:
        """Add rows whose cells are text already."""
        self._csv.writerows(rows)


def write(path: str | os.PathLike, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a CSV table of rows; see `Writer`."""
    with Writer(path, columns) as writer:
        for row in rows:
            writer.row(row)


def read_grouped(path: str | os.PathLike) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Read a CSV table that is sorted by image, the rows of one image at a time."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        for image, group in itertools.groupby(rows, key=lambda row: row["image"]):
            yield image, list(map(_plain, group))


class Following:
    """The rows of one image after the other, of a table that may lack some of the images."""

    def __init__(self, path: str | os.PathLike):
        self._groups = read_grouped(path)
        self._next = next(self._groups, None)

    def rows(self, image: str) -> list[dict[str, str]]:
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
) -> Iterator[tuple[str, list[dict[str, str]]]]:
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
    return methods, [[int(row["n_spots"]) for row in rows] for _, rows in images]


def read(path: str | os.PathLike) -> list[dict[str, str]]:
    """Read a CSV table as rows of text."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(map(_plain, csv.DictReader(file)))


def scored(accuracy: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of accuracy.csv that have numbers: those of images whose truth could be used."""
    return [row for row in accuracy if row["status"] == "ok"]


def unscored(accuracy: str | os.PathLike) -> list[tuple[str, str]]:
    """Images whose truth could not be used, with the reason in words; from accuracy.csv.

    None where there is no such table.
    """
    if not Path(accuracy).is_file():
        return []
    return [(name, rows[0]["reason"]) for name, rows in read_grouped(accuracy) if not scored(rows)]
