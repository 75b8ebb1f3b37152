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
from localbg.io.columns import COLUMNS, TABLES

# What the captions of tables show: some columns, of other tables all, of the spots none.
SHOWN = {
    "images": "image status shape axes dtype pixel_size_um spot_radius flags",
    "spots": "",
    "counts": "image method status n_spots threshold spot_radius measured_radius narrow wide "
    "saturated",
    "agreement": "image method_a method_b matched only_a only_b jaccard",
    "recommendation": "rank method verdict estimate low high difference difference_low "
    "difference_high",
    "trust": "image evidence advice",
    "groups": "group method n_images count_mean count_low count_high density_mean",
    "stability": "sweep parameter fixed value method count_mean slope plateau_from plateau_to",
    "parameters": "image method denoise_filter background_filter threshold_rule threshold",
    "accuracy": "image method status reason matched precision recall f1",
    "completeness": "image group method where planted contrast50 contrast50_low contrast50_high "
    "contrast90 note",
    "recovery": "image method where contrast planted recovered position_error intensity_bias",
    "false_spots": "image method kind n density n_spots turned smooth",
    "residuals": "image method leakage rise_under_spots trend count_correlation edge_excess "
    "negative_fraction",
    "failures": "image step reason",
}
# Columns of text. All others are numbers; an id may look like one and must stay as it is.
WORDS = (
    *("image", "group", "method", "method_a", "method_b", "path", "status", "reason", "step"),
    *("shape", "axes", "dtype", "photometric", "axes_note", "pixel_size_note", "flags"),
    *("companions",),
    *("denoise", "background", "threshold rule", "resampled"),
    *("verdict", "evidence", "measure", "would_settle", "reasons", "fixed"),
    *("plateau_from", "plateau_to", "sweep", "parameter", "value", "left_out", "chosen", "best"),
    *("where", "kind", "note", "advice", "trusted", "not_trusted", "not_on"),
)


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
            self._tables[name] = tables.read(path) if path.exists() else []
        return [row for row in self._tables[name] if wanted.items() <= row.items()]

    def count(self, name: str) -> int:
        """Number of rows of a table, which may be too long to be held in memory."""
        with self._path(name).open(newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    def images(self, name: str) -> int:
        """Number of images that a table names."""
        return len({row["image"] for row in self.table(name)})

    def trust(self) -> list[dict]:
        """Rows of the table trust, those first on which some method is not to be trusted."""
        return sorted(self.table("trust"), key=lambda row: not row["not_trusted"])

    def shown(self, name: str) -> str:
        """The first rows of a table as HTML, of the columns that say most; empty of the spots."""
        if SHOWN.get(name) == "":
            return ""
        rows = self.trust() if name == "trust" else self.table(name)
        return html(rows, SHOWN.get(name, "").split())

    def summary(self) -> list[dict]:
        """One row per method: its steps, all spots, and where truth is known the mean F1."""
        rows = []
        for method, recipe in self.recipes.items():
            counted = [row["n_spots"] for row in self.table("counts", method=method, status="ok")]
            scored = tables.scored(self.table("accuracy", method=method))
            f1 = [float(row["f1"]) for row in scored]
            origin = "denoised" if recipe["background"]["of"] == "denoised" else "raw"
            background = {k: v for k, v in recipe["background"].items() if k != "of"}
            rows.append(
                {
                    "method": method,
                    "denoise": describe_parameters(recipe["denoise"]),
                    "background": f"{describe_parameters(background)}, of the {origin} image",
                    "threshold rule": describe_parameters(recipe["threshold"]),
                    "spots in all": sum(map(int, counted)),
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
    head = _line(_cell("th", name, name.replace("_", " ")) for name in columns)
    body = (_line(_cell("td", name, row.get(name)) for name in columns) for row in rows[:limit])
    rest = (
        f"<p>… and {format_count(len(rows) - limit, 'more row')}.</p>" if len(rows) > limit else ""
    )
    return "\n   ".join([f"<table><thead>{head}</thead><tbody>", *body, f"</tbody></table>{rest}"])


def description(name: str) -> str:
    """What a row of a table is, and what the table is for, as captions can hold it."""
    return words(TABLES[name])


def columns(name: str) -> str:
    """What the columns of a table mean, as an HTML list in one line; empty where none is known."""
    items = "".join(
        f"<li><strong>{escape(column)}</strong>: {escape(meaning)}</li>"
        for column, meaning in COLUMNS.get(name, {}).items()
    )
    return f"<ul>{items}</ul>" if items else ""


def _line(cells):
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag, column, value):
    side = "left" if column in WORDS else "right"
    if value is None:
        value = ""
    elif tag == "td" and column not in WORDS and "." in str(value):
        value = format_number(float(value))
    text = escape(str(value)).replace("\n", " ")
    return f'<{tag} style="text-align: {side}">{text}</{tag}>'
