"""Tables of text as people and spreadsheets write them: which separator, which encoding."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from localbg.core import files

SEPARATORS = ",;\t|"
# Excel's first line, where it says what separates the cells.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
DECIMAL_COMMA = re.compile(r"(\s*[+-]?\d*),(\d+\s*[a-zA-Zµμ]*2?\s*)")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
MOST_LINE = 2**16
ADVICE = "save it as 'CSV UTF-8'"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    header : list of str
        Names of the columns; without empty ones at the end.
    separator : str
        What stands between cells.
    lines : list of (int, list of str)
        Number of each line that is not blank, counted from 1, and its cells without the blanks
        around them.
    """

    header: list[str]
    separator: str
    lines: list[tuple[int, list[str]]]

    def record(self, cells: list[str]) -> dict[str, str]:
        """The cells of a line by column.

        Raises
        ------
        ValueError
            If there are more or fewer of them than columns.
        """
        if len(cells) < len(self.header) or any(cells[len(self.header) :]):
            how = "fewer" if len(cells) < len(self.header) else "more"
            raise ValueError(f"has {how} cells than columns")
        return dict(zip(self.header, cells, strict=False))

    def number(self, text: str) -> str:
        """A number with a point: where no comma separates cells, it may be that of decimals."""
        if self.separator != "," and (parts := DECIMAL_COMMA.fullmatch(text)):
            return f"{parts[1]}.{parts[2]}"
        return text


def read(path: str | os.PathLike, known: Iterable[str], most_bytes: int) -> Table:
    """Read a table whose first line names the columns.

    Parameters
    ----------
    path : path
        Text in UTF-8, or in UTF-16 with its byte order mark.
    known : iterable of str
        Names that tell the separator: comma, semicolon, tab or ``|``, whichever the header has the
        most of these names with. A line ``sep=;`` before the header says it outright.
    most_bytes : int
        Size of file that is refused beyond.

    Returns
    -------
    Table

    Raises
    ------
    OSError
        As the system says.
    ValueError
        If it is no such file; says what was found, and what to do.
    """
    files.require_regular(path, most_bytes)
    try:
        with open(path, newline="", encoding=_encoding(path)) as file:
            return _parsed(file, set(known), os.fspath(path).lower())
    except UnicodeDecodeError as error:
        raise ValueError(f"is not a text file in UTF-8 ({error.reason}); {ADVICE}") from error


def _encoding(path):
    with open(path, "rb") as file:
        head = file.read(4096)
    if head.startswith(UTF_16) and not head.startswith(UTF_32):
        return "utf-16"
    if head.startswith(b"PK\x03\x04") or b"\0" in head:
        what = "a spreadsheet's own format" if head.startswith(b"PK") else "bytes that no text has"
        raise ValueError(f"is not a text file in UTF-8, but {what}; {ADVICE}")
    return "utf-8-sig"


def _parsed(file, known, path):
    before, separator, first = 0, None, ""
    while first := file.readline(MOST_LINE):
        said = SEPARATOR_LINE.fullmatch(first.strip("\r\n"))
        if said and said[1] in SEPARATORS:
            separator = said[1]
        elif first.strip():
            break
        before += 1
    if separator is None:
        separator = _separator(first, known, "\t" if path.endswith((".tsv", ".tab")) else ",")
    reader = csv.reader(itertools.chain([first] if first else [], file), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader, [])]
        while header and not header[-1]:
            header.pop()
        lines = [
            (before + reader.line_num, cells)
            for row in reader
            if any(cells := [cell.strip() for cell in row])
        ]
    except csv.Error as error:
        line = before + reader.line_num
        raise ValueError(f"line {line}: {error}; is a quotation mark missing?") from error
    return Table(header, separator, lines)


def _separator(header, known, usual):
    """The separator that the header has the most known names with; the usual one if none has."""

    def fit(separator):
        cells = next(csv.reader([header], delimiter=separator), [])
        return len({cell.strip().casefold() for cell in cells} & known), separator == usual

    return max(SEPARATORS, key=fit)
