"""What the captions of the report ask for: numbers of the finished run, in words and tables.

A caption is a template that sees the config and is filled in when the report is made. The
Snakefile puts `Found` into the config for that; no file is read before a caption asks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from statistics import mean

from localbg.core import files
from localbg.core.text import describe_parameters, format_count, format_number
from localbg.io import tables
from localbg.io.columns import COLUMNS

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


class Found(dict):
    """The results of a run, read when a caption asks.

    As a dictionary it is empty, so that Snakemake takes it for plain data in the config.

    Parameters
    ----------
    folder : str
        Of the results.
    recipes : mapping of str to mapping
        Each method's parameters, step by step.
    """

    def __init__(self, folder: str = "", recipes: Mapping[str, Mapping] | None = None):
        super().__init__()
        self.folder = Path(folder)
        self.recipes = recipes or {}
        self._tables: dict[str, list[dict]] = {}

    def table(self, name: str, **wanted: str) -> list[dict]:
        """Rows of a table that have the wanted values; none where there is no such table."""
        path = self.folder / "tables" / f"{name}.csv"
        if name not in self._tables:
            self._tables[name] = tables.read(path) if path.exists() else []
        return [row for row in self._tables[name] if wanted.items() <= row.items()]

    def trust(self) -> list[dict]:
        """Rows of the table trust, those first on which some method is not to be trusted."""
        return sorted(self.table("trust"), key=lambda row: not row["not_trusted"])

    def record(self, path: str | os.PathLike) -> dict:
        """What lies beside a figure: the numbers that it shows."""
        return files.read_json(path)

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

    def words(self, text: str) -> str:
        """Text as captions can hold it: none of its signs is markup, whatever ids end in."""
        return re.sub(r"([\\*`|_<>])", r"\\\1", text)

    def html(self, rows: Iterable[Mapping], columns: Iterable[str] = (), limit: int = 30) -> str:
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
            f"<p>… and {format_count(len(rows) - limit, 'more row')}.</p>"
            if len(rows) > limit
            else ""
        )
        return "\n   ".join(
            [f"<table><thead>{head}</thead><tbody>", *body, f"</tbody></table>{rest}"]
        )

    def columns(self, name: str) -> str:
        """What the columns of a table mean, as an HTML list in one line."""
        items = "".join(
            f"<li><strong>{escape(column)}</strong>: {escape(meaning)}</li>"
            for column, meaning in COLUMNS[name].items()
        )
        return f"<ul>{items}</ul>"


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
