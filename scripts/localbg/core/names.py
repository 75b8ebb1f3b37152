"""Names that become names of files, folders and columns: ids of images, names of methods."""

from __future__ import annotations

import hashlib
import re

MOST_CHARACTERS = 100
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*")
ODD = re.compile(r"[^A-Za-z0-9_.+=-]")
# What no cell of a table and no line of a log can hold; halves of pairs come from file names that
# are not UTF-8, and could not be written into any table.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Windows opens a device instead of a file of this name, whatever its suffix.
DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)
}
# Snakemake takes a wildcard that ends in the same letters 20 times for an endless recursion.
REPEATED = re.compile(r"(.+?)\1{19}$")
EXPECTED = "expected letters, digits and _ . + = - and no . + = - in front"


def show(value, most: int = 60) -> str:
    """A value as messages show it: control characters escaped, long ones cut."""
    text = CONTROL.sub(lambda match: ascii(match[0])[1:-1], str(value))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_of(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{show(names[0], MOST_CHARACTERS)}{more}"


def find_problem(name: str) -> str | None:
    """Say why a name can't be that of a file on every system, or None where it can.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        Such as ``has characters that don't fit a file name (' '); expected letters, …``.
    """
    if not NAME.fullmatch(name):
        odd = "".join(sorted(set(ODD.findall(name)))) or name[:1]
        return f"has characters that don't fit a file name ('{show(odd)}'); {EXPECTED}"
    if len(name) > MOST_CHARACTERS:
        return f"has {len(name)} characters; expected {MOST_CHARACTERS} at most"
    if name.endswith("."):
        return "ends in a dot, which Windows drops from names of files; expected another ending"
    if name.split(".")[0].casefold() in DEVICES:
        return "is the name of a device on Windows; expected another name"
    if again := REPEATED.search(name):
        return (
            f"ends in '{show(again[1], 20)}' 20 times over, which Snakemake refuses; expected "
            "another ending"
        )
    return None


def clean(stem: str) -> str:
    """A name made of that of a file, which always fits.

    Parameters
    ----------
    stem : str
        The file's name without its suffix.

    Returns
    -------
    str
        Characters that don't fit are underscores. What still does not fit is cut, and eight digits
        of the stem's hash are added, so that the same file always has the same name.
    """
    name = ODD.sub("_", stem).lstrip(".+=-").rstrip(".")
    if find_problem(name) is None:
        return name
    digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: MOST_CHARACTERS - 9].replace('.', '_') or 'image'}_{digest}"
