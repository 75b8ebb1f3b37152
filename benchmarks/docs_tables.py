"""Tables in Markdown, and the part of a page between two markers that a command writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown: text to the left, numbers to the right with two digits."""
    numbers = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    rows = [list(map(str, table.columns)), ["---:" if number else "---" for number in numbers]]
    rows += [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cell(value) -> str:
    """A value as a cell: decimals with two digits, nothing where a number is not known."""
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.2f}"
    return str(value)


def fill(pages: Iterable[Path], parts: Mapping[str, str]) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` on pages that have it.

    Parameters
    ----------
    pages : iterable of Path
    parts : mapping of str to str
        Markdown by name.

    Raises
    ------
    SystemExit
        If a page has none of the parts.
    """
    for page in pages:
        content = page.read_text(encoding="utf-8")
        names = [name for name in parts if f"<!-- {name} -->" in content]
        for name in names:
            begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
            start, _, rest = content.partition(begin)
            _, closed, after = rest.partition(end)
            if not closed:
                raise SystemExit(f"{page}: {begin} has no {end}.")
            content = f"{start}{begin}\n\n{parts[name].strip()}\n\n{end}{after}"
        if not names:
            raise SystemExit(f"{page} has none of the parts {', '.join(parts)} between markers.")
        page.write_text(content, encoding="utf-8")
