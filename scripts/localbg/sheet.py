"""The images of a study: from a sheet, a glob, a folder or a mapping to checked rows."""

from __future__ import annotations

import csv
import glob
import math
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from localbg.addresses import is_address, joined, lacks_secrets, redacted
from localbg.parameters import Parameter, nearest, problem, split_unit
from localbg.truth import points

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*")
SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif")
ROLES = ("", "blank")
SIZE = Parameter("Size", required=True)


@dataclass(frozen=True)
class Image:
    """One row of the sheet: an image and what is known of it.

    The path of an image behind an http(s) address is that address without its secrets, as tables
    and logs may show it. Only who downloads the image asks for its ``address``.
    """

    image: str
    path: str
    spot_radius: float | str
    pixel_size_um: float | None = None
    group: str = ""
    axes: str | None = None
    channel: int | None = None
    z: int | str | None = None
    t: int | None = None
    truth: str | None = None
    role: str = ""
    address: str | None = field(default=None, repr=False)

    @property
    def is_remote(self) -> bool:
        """Whether the path is an http(s) address."""
        return is_address(self.path)


COLUMNS = tuple(column.name for column in fields(Image) if column.name != "address")


def images(source, *, base: str | None, spot_radius) -> tuple[dict[str, Image], list[str]]:
    """Resolve the config's ``images``.

    Parameters
    ----------
    source : str or dict
        Path of a sheet (csv or tsv), a glob, a folder, or a mapping of ids to rows.
    base : str or None
        Folder or http(s) address that relative paths start from. By default the sheet's folder,
        or the working directory where there is no sheet.
    spot_radius : number or str
        For rows that give none.

    Returns
    -------
    images : dict of str to Image
        By id, sorted.
    problems : list of str
        What is wrong, each naming place, value and remedy; rows with problems are left out.
    """
    rows, folder, problems = _rows(source)
    found: dict[str, Image] = {}
    places: dict[str, str] = {}
    for place, row in rows:
        image, wrong = _image(row, base or folder, spot_radius)
        first = places.setdefault(image.image.casefold(), place)
        if first is not place:
            wrong.append(
                f"image '{image.image}' is there already ({first}); ids must be unique, and differ "
                "in more than upper and lower case"
            )
        problems += [f"{place}: {text}" for text in wrong]
        if not wrong:
            found[image.image] = image
    return dict(sorted(found.items())), problems


def _rows(source):
    """Rows as dictionaries with the place each comes from, and their folder."""
    if isinstance(source, dict):
        rows = [
            (f"images, {name}", {"image": str(name)} | _text(row)) for name, row in source.items()
        ]
        return rows, "", [] if rows else ["images: the mapping is empty; expected id: {path: …}"]
    if is_address(source):
        text = f"images: {source} is an address; expected a sheet, a glob or a folder on this "
        return [], "", [f"{text}machine, or a mapping of ids to addresses"]
    if Path(source).is_dir():
        paths = [p for p in glob.glob(f"{glob.escape(source)}/*") if p.lower().endswith(SUFFIXES)]
        return _from_paths(paths, f"no TIFF file (.tif, .tiff) in the folder '{source}'")
    if glob.has_magic(source):
        paths = glob.glob(source, recursive=True)
        return _from_paths(paths, f"no file matches '{source}'")
    return _from_sheet(Path(source))


def _from_paths(paths, nothing):
    paths = sorted(map(os.path.normpath, paths))
    rows = [(f"images, '{path}'", {"image": _stem(path), "path": path}) for path in paths]
    return rows, "", [] if rows else [f"images: {nothing} (looked from {Path.cwd()})"]


def _stem(path):
    name = Path(path).name
    suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), Path(name).suffix)
    # Blanks and the like don't survive in file names and shells; the sheet's ids must fit as given.
    return re.sub(r"[^A-Za-z0-9_.+=-]", "_", name[: len(name) - len(suffix)]).lstrip(".+=-")


def _from_sheet(path):
    if not path.is_file():
        return [], "", [f"images: there is no sheet or folder '{path}' (looked from {Path.cwd()})"]
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
            reader = csv.DictReader(file, delimiter=separator)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            lines = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        return [], "", [f"{path}: is not a text file in UTF-8 ({error.reason})"]
    problems = [
        f"{path}: column '{name}' is missing; found {', '.join(header) or 'an empty file'}."
        f"{nearest(name, set(header) - set(COLUMNS))}"
        for name in ("image", "path")
        if name not in header
    ]
    problems += [
        f"{path}: unknown column '{name}'.{hint}"
        for name in header
        if name and name not in COLUMNS and (hint := nearest(name, COLUMNS)) and not problems
    ]
    problems += [
        f"{path}: column '{name}' is there twice" for name in COLUMNS if header.count(name) > 1
    ]
    if problems:
        return [], "", problems
    rows = []
    for number, row in lines:
        place = f"{path}, line {number}"
        if None in row or None in row.values():
            problems.append(f"{place}: has {'more' if None in row else 'fewer'} cells than columns")
        elif any(value.strip() for value in row.values()):
            rows.append((place, row))
    if not rows and not problems:
        problems.append(f"{path}: has no rows; expected one per image")
    return rows, str(path.parent), problems


def _text(row):
    row = {"path": row} if isinstance(row, str) else row
    return {key: "" if value is None else str(value) for key, value in row.items()}


def _image(row, folder, spot_radius):
    """Turn one row of text into an Image; a list of problems comes with it."""
    row = {key: value.strip() for key, value in row.items()}
    name, path = row.get("image", ""), row.get("path", "")
    wrong = []
    if not ID.fullmatch(name):
        odd = "".join(sorted(set(re.sub(r"[A-Za-z0-9_.+=-]", "", name)))) or name[:1]
        wrong.append(
            f"image id '{name}' has characters that don't fit a file name ('{odd}'); expected "
            "letters, digits and _ . + = - and no . + = - in front"
        )
    if not path:
        wrong.append("path is empty; expected the image's file")
    located = _located(path, folder)
    if is_address(located) and lacks_secrets(located):
        wrong.append(
            f"the address {redacted(located)} has its secrets left out, as in provenance.yaml; put "
            "back what stands for …"
        )
    values = {
        "image": name,
        "path": redacted(located),
        "address": located if is_address(located) else None,
        "spot_radius": _number(row["spot_radius"]) if row.get("spot_radius") else spot_radius,
        "group": row.get("group", ""),
        "axes": row.get("axes") or None,
        "role": row.get("role", ""),
        "truth": redacted(_located(row["truth"], folder)) if row.get("truth") else None,
    }
    if values["role"] not in ROLES:
        hint = nearest(values["role"], ROLES[1:])
        wrong.append(f"role is '{values['role']}'; expected blank, or nothing.{hint}")
    for key in ("channel", "z", "t"):
        values[key] = _index(key, row.get(key), wrong)
    size = _number(row.get("pixel_size_um"))
    if size is not None and not (isinstance(size, float) and 0 < size < math.inf):
        wrong.append(f"pixel_size_um is {size!r}; expected µm per pixel, greater than 0")
    values["pixel_size_um"] = size
    text = problem(values["spot_radius"], SIZE)
    if text or split_unit(values["spot_radius"])[1] == "x":
        text = text or f"is {values['spot_radius']!r}; expected pixels or µm (0.3um)"
        wrong.append(f"spot_radius {text}")
    return Image(**values), wrong


def _located(path, folder):
    """A path from the folder it is relative to; the folder may be an address."""
    if not folder or is_address(path) or os.path.isabs(path):
        return path
    if is_address(folder):
        return joined(folder, path)
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))


def _number(text):
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _index(key, text, wrong):
    if not text or (key == "z" and text in ("max", "mean")):
        return text or None
    number = _number(text)
    if isinstance(number, float) and number >= 0 and number.is_integer():
        return int(number)
    also = ", max or mean" if key == "z" else ""
    wrong.append(f"{key} is '{text}'; expected an index counted from 0{also}")
    return None


def missing_files(images: dict[str, Image]) -> list[str]:
    """Problems with the local files that the rows name: not there, or a truth without points."""
    problems = []
    for image in images.values():
        if not image.is_remote and not os.path.isfile(image.path):
            problems.append(f"image '{image.image}': there is no file {image.path}")
        if image.truth:
            try:
                points(image.truth)
            except (OSError, ValueError) as error:
                problems.append(f"image '{image.image}': truth {image.truth}: {error}")
    return problems
