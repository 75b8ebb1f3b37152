"""What the captions of the report ask for: numbers of the finished run, in words and tables.

A caption is a Jinja template that Snakemake fills in when the report is made. Of the workflow it
sees little more than the config, so the Snakefile leaves there the arguments of `Run`: plain data,
as Snakemake pickles the config for every job. Functions come another way; see `offer`. No table is
read before a caption asks.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from statistics import mean
from tempfile import NamedTemporaryFile

from localbg.core import files
from localbg.core.text import describe_parameters, format_count, format_number
from localbg.io import tables
from localbg.io.cells import format_cell
from localbg.io.columns import COLUMNS
from localbg.io.table_summaries import SUMMARIES

# What the captions of tables show: some columns, of other tables all, of the spots none.
SHOWN = {
    "images": "image status shape axes dtype pixel_size_um spot_radius flags",
    "spots": "",
    "counts": "image method status n_spots threshold spot_radius measured_radius narrow wide "
    "saturated",
    "agreement": "image method_a method_b matched only_a only_b jaccard",
    "recommendation": "rank method recommendation estimate low high difference difference_low "
    "difference_high",
    "reliability": "image criterion advice",
    "groups": "group method n_images count_mean count_low count_high density_mean",
    "stability": "sweep parameter fixed value method count_mean slope plateau_from plateau_to",
    "parameters": "image method denoise_filter background_filter threshold_rule threshold",
    "accuracy": "image method status reason matched precision recall f1",
    "completeness": "image group method where injected contrast50 contrast50_low contrast50_high "
    "contrast90 note",
    "recovery": "image method where contrast injected recovered position_error intensity_bias",
    "false_positives": "image method kind n_false density n_spots inverted smoothed",
    "residuals": "image method self_subtraction excess_under_spots trend count_correlation "
    "edge_excess negative_fraction",
    "failures": "image step reason",
}


def offer() -> None:
    """Have all Jinja templates of this process know this module, as ``captions``.

    Jinja's defaults are the way: Snakemake makes the environment of captions, and adds nothing.
    """
    from jinja2.defaults import DEFAULT_NAMESPACE

    DEFAULT_NAMESPACE["captions"] = sys.modules[__name__]


def template_of(table: str, template: str | os.PathLike, folder: str | os.PathLike) -> str:
    """Write a copy of a template that begins with the name of a table, and return its path.

    Snakemake does not tell a caption which of a job's outputs it is the caption of.
    """
    text = Path(template).read_text(encoding="utf-8")
    beside = {"dir": folder, "prefix": f"{table}-", "suffix": ".rst", "delete": False}
    with NamedTemporaryFile("w", encoding="utf-8", **beside) as file:
        file.write(f'{{% set name = "{table}" %}}\n{text}')
    return file.name


class Run:
    """The results of a finished run, read when a caption asks.

    Parameters
    ----------
    results : path
        Their folder.
    recipes : mapping of str to mapping
        Each method's parameters, step by step.
    """

    def __init__(self, results: str | os.PathLike, recipes: Mapping[str, Mapping]):
        self.folder = Path(results)
        self.recipes = recipes
        self._tables: dict[str, list[dict]] = {}

    def table(self, name: str, **wanted: str) -> list[dict]:
        """Rows of a table that have the wanted values; none where there is no such table."""
        path = self._path(name)
        if name not in self._tables:
            # Its columns are the methods, whose counts are whole numbers.
            others = "int" if name == "comparison" else "text"
            self._tables[name] = tables.read(path, others) if path.exists() else []
        return [row for row in self._tables[name] if wanted.items() <= row.items()]

    def count(self, name: str) -> int:
        """Number of rows of a table, which may be too long to be held in memory."""
        with self._path(name).open(newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    def images(self, name: str) -> int:
        """Number of images that a table names."""
        return len({row["image"] for row in self.table(name)})

    def reliability(self) -> list[dict]:
        """Rows of the table reliability, those first on which some method is unreliable."""
        return sorted(self.table("reliability"), key=lambda row: not row["unreliable"])

    def shown(self, name: str) -> str:
        """The first rows of a table as HTML, of the columns that say most; empty of the spots."""
        if SHOWN.get(name) == "":
            return ""
        rows = self.reliability() if name == "reliability" else self.table(name)
        return html(rows, SHOWN.get(name, "").split())

    def summary(self) -> list[dict]:
        """One row per method: its steps, all spots, and where truth is known the mean F1."""
        rows = []
        for method, recipe in self.recipes.items():
            counted = [row["n_spots"] for row in self.table("counts", method=method, status="ok")]
            scored = tables.scored(self.table("accuracy", method=method))
            f1 = [row["f1"] for row in scored]
            origin = "denoised" if recipe["background"]["of"] == "denoised" else "raw"
            background = {k: v for k, v in recipe["background"].items() if k != "of"}
            rows.append(
                {
                    "method": method,
                    "denoise": describe_parameters(recipe["denoise"]),
                    "background": f"{describe_parameters(background)}, of the {origin} image",
                    "threshold rule": describe_parameters(recipe["threshold"]),
                    "spots in all": sum(counted),
                }
                | ({"mean F1": mean(f1)} if f1 else {})
            )
        return rows

    def _path(self, name):
        return self.folder / "tables" / f"{name}.csv"


def record(path: str | os.PathLike) -> dict:
    """What lies beside a figure: the numbers that it shows."""
    return files.read_json(path)


def words(text: str) -> str:
    """Text as captions can hold it: none of its signs is markup, whatever ids end in."""
    return re.sub(r"([\\*`|_<>])", r"\\\1", text)


def html(rows: Iterable[Mapping], columns: Iterable[str] = (), limit: int = 30) -> str:
    """Rows as an HTML table, which captions can hold whatever the cells say.

    Parameters
    ----------
    rows : iterable of mappings
    columns : iterable of str
        All columns of the first row where none are given.
    limit : int
        Rows beyond are counted only.

    Notes
    -----
    Each row has a line, since captions may not have lines of 10,000 characters. The lines are
    indented as the captions' raw blocks are.
    """
    rows = list(rows)
    if not rows:
        return "<p>No rows.</p>"
    columns = list(columns) or list(rows[0])
    values = ([row.get(name) for name in columns] for row in rows[:limit])
    is_number = {name: any(_is_number(row.get(name)) for row in rows) for name in columns}
    head = _line(_cell("th", name.replace("_", " "), is_number[name]) for name in columns)
    body = (_line(_cell("td", value, _is_number(value)) for value in row) for row in values)
    rest = (
        f"<p>… and {format_count(len(rows) - limit, 'more row')}.</p>" if len(rows) > limit else ""
    )
    return "\n   ".join([f"<table><thead>{head}</thead><tbody>", *body, f"</tbody></table>{rest}"])


def description(name: str) -> str:
    """What a row of a table is, and what the table is for, as captions can hold it."""
    return words(SUMMARIES[name])


def columns(table: str) -> str:
    """What the columns of a table mean, as an HTML list in one line; empty where none is known."""
    items = "".join(
        f"<li><strong>{escape(name)}</strong>: {escape(column.meaning)}"
        f"{escape(f', {column.unit}') if column.unit else ''}</li>"
        for name, column in COLUMNS.get(table, {}).items()
    )
    return f"<ul>{items}</ul>" if items else ""


def _line(cells):
    return f"<tr>{''.join(cells)}</tr>"


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(tag, value, is_number):
    side = "right" if is_number else "left"
    if not isinstance(value, str):
        value = format_number(value) if isinstance(value, float) else format_cell("", value)
    text = escape(value).replace("\n", " ")
    return f'<{tag} style="text-align: {side}">{text}</{tag}>'
