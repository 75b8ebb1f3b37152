"""Cells of tables: values as text, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

PLACES = {"y": 3, "x": 3}  # thousandths of a pixel
# Text that a spreadsheet would take for a formula is written with an apostrophe in front, and text
# that looks like that with one more, so that reading gives it back.
FORMULA = re.compile(r"'*[=+\-@\t]")


def format_cell(name: str, value) -> str:
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


def format_fields(row: object, names: Iterable[str]) -> list[str]:
    """The cells of a row whose values are the fields of an object."""
    return [format_cell(name, getattr(row, name)) for name in names]


def _is_number(value):
    try:
        float(value)
    except ValueError:
        return False
    return True


def _text(cell):
    """Text without the apostrophe that `format_cell` put there."""
    return cell[1:] if cell[:1] == "'" and FORMULA.match(cell) else cell


def _int(cell):
    return int(cell) if cell else None


def _float(cell):
    return float(cell) if cell else None


def _number(cell):
    value = _float(cell)
    return int(value) if value is not None and value.is_integer() else value


def _bool(cell):
    return {"true": True, "false": False, "": None}[cell]


PARSERS = {"text": _text, "int": _int, "float": _float, "number": _number, "bool": _bool}
