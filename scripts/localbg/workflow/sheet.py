"""The images of a study: from a sheet, a glob, a folder or a mapping to checked rows."""

from __future__ import annotations

import difflib
import glob
import os
import re
import unicodedata
from dataclasses import dataclass, field, fields
from pathlib import Path

from localbg.core import files, names
from localbg.core.names import show
from localbg.core.parameters import (
    LEAST_RADIUS,
    Parameter,
    find_problem,
    split_unit,
    suggest_nearest,
)
from localbg.io import delimited, image_files, truth
from localbg.io.addresses import (
    OTHER_ADDRESS,
    is_address,
    joined,
    lacks_secrets,
    redacted,
    redacted_text,
)

ROLES = ("", "blank")
SIZE = Parameter("Size", required=True)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf|nan", re.I)
PIXEL_SIZES = (1e-6, 1e6)  # µm
MOST_INDEX = 1_000_000
# Columns of others that are looked at.
MOST_COLUMNS = 50
MOST_SHOWN = 5
# A million rows with long paths.
MOST_BYTES = 2**30


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
# Columns with numbers, in which a comma may stand for the point.
NUMBERS = ("spot_radius", "pixel_size_um", "channel", "z", "t")
# What people call these columns, without signs and capitals.
OTHER_NAMES = {
    **dict.fromkeys(("ch", "chan", "channels", "channelindex"), "channel"),
    **dict.fromkeys(("slice", "zslice", "zindex", "zplane"), "z"),
    **dict.fromkeys(("timepoint", "timepoints", "frame", "tindex"), "t"),
    **dict.fromkeys(("pixelsize", "pixelsizeµm", "pixelsizemicron", "umperpixel"), "pixel_size_um"),
    **dict.fromkeys(("radius", "spotsize", "radiuspx", "spotradiuspx"), "spot_radius"),
    **dict.fromkeys(("groundtruth", "truths"), "truth"),
}


def read_sheet(
    source, *, base: str | None, spot_radius, results: str
) -> tuple[dict[str, Image], list[str], list[str]]:
    """Resolve the config's ``images``.

    Parameters
    ----------
    source : str or dict
        Path of a sheet (csv or tsv), a folder, an image or a glob, or a mapping of ids to rows.
        What is there by that very name is no glob.
    base : str or None
        Folder or http(s) address that relative paths start from. By default the sheet's folder,
        or the working directory where there is no sheet.
    spot_radius : number or str
        For rows that give none.
    results : str
        Folder of the results, in which no images of the study are looked for.

    Returns
    -------
    images : dict of str to Image
        By id, sorted.
    problems : list of str
        What is wrong, each naming place, value and remedy; rows with problems are left out.
    notes : list of str
        What was left out, a line each.

    Notes
    -----
    A row costs some ten microseconds.
    """
    problems = [f"spot_radius {text}"] if (text := _radius_problem(spot_radius)) else []
    try:
        rows, folder, wrong, notes = _rows(source, results)
    except ValueError as error:
        return {}, [*problems, str(error)], []
    problems += wrong
    found: dict[str, Image] = {}
    places: dict[str, str] = {}
    for place, row in rows:
        image, wrong = _image(row, base or folder, spot_radius)
        first = places.setdefault(image.image.casefold(), place)
        if first is not place:
            wrong.append(
                f"image '{show(image.image)}' is there already ({first}); ids must be unique, and "
                "differ in more than upper and lower case"
            )
        problems += [f"{place}: {text}" for text in wrong]
        if not wrong:
            found[image.image] = image
    return dict(sorted(found.items())), problems, notes + _twice(found)


def _twice(found):
    """Images that are the same plane of the same file, which is counted for each of them."""
    first, twice = {}, []
    for image in found.values():
        plane = (image.path, image.address, image.axes, image.channel, image.z, image.t)
        other = first.setdefault(plane, image.image)
        if other != image.image:
            twice.append(f"{other} and {image.image}")
    shown = ", ".join(twice[:MOST_SHOWN]) + (" …" if len(twice) > MOST_SHOWN else "")
    return [f"the same plane of the same file is counted twice: {shown}"] if twice else []


def _rows(source, results):
    """Rows as dictionaries with the place each comes from, their folder, problems and notes.

    Raises
    ------
    ValueError
        In words, if ``source`` is none of what it may be.
    """
    if isinstance(source, dict):
        if not source:
            raise ValueError("images: the mapping is empty; expected id: {path: …}")
        rows = (
            (f"images, {show(name)}", {"image": str(name)} | _text(row))
            for name, row in source.items()
        )
        return rows, "", [], []
    if is_address(source):
        raise ValueError(
            f"images: '{show(source)}' is an address; expected a sheet, folder or glob here. Give "
            "a sheet or a mapping of paths, and the address as base"
        )
    if os.path.lexists(source) and not os.path.isdir(source):
        if source.lower().endswith(image_files.SUFFIXES):
            return _from_paths([source]), "", [], []
        return _from_sheet(source)
    if os.path.isdir(source) or glob.has_magic(source):
        paths, notes, wrong = image_files.find(source, results=results)
        return _from_paths(paths), "", [f"images: {wrong}"] if wrong else [], notes
    raise ValueError(f"images: there is no sheet or folder '{source}' (looked from {Path.cwd()})")


def _from_paths(paths):
    return [
        (f"images, '{show(path, 300)}'", {"image": _stem(path), "path": path}) for path in paths
    ]


def _stem(path):
    name = Path(path).name
    suffix = next(s for s in image_files.SUFFIXES if name.lower().endswith(s))
    return names.clean(name[: len(name) - len(suffix)])


def _from_sheet(path):
    try:
        table = delimited.read(path, COLUMNS, MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    header = table.header
    problems, unknown = _column_problems(path, header)
    if problems:
        return [], "", problems, []
    rows = []
    for number, cells in table.lines:
        place = f"{path}, line {number}"
        try:
            rows.append((place, _with_points(table, table.record(cells))))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if not rows and not problems:
        problems.append(f"{path}: has no rows; expected one per image")
    notes = [f"{path}: columns that are not used: {', '.join(unknown)}"] if unknown else []
    return rows, os.path.dirname(path) or ".", problems, notes


def _with_points(table, row):
    """A row of a sheet with numbers as they are written in English."""
    return row | {key: table.number(row[key]) for key in NUMBERS if key in row}


def _column_problems(path, header):
    """What is wrong with the columns of a sheet, and those that nobody asks for."""
    problems = [
        f"{path}: column '{name}' is missing; found {show(', '.join(header), 300)}."
        f"{_hint(name, set(header) - set(COLUMNS))}"
        if header
        else f"{path}: column '{name}' is missing; found an empty file."
        for name in ("image", "path")
        if name not in header
    ]
    unknown = [name for name in header if name and name not in COLUMNS][:MOST_COLUMNS]
    if not problems:
        problems += [
            f"{path}: unknown column '{show(name)}'. Did you mean '{meant}'?"
            for name in unknown
            if (meant := _meant(name, header))
        ]
    problems += [
        f"{path}: column '{name}' is there twice" for name in COLUMNS if header.count(name) > 1
    ]
    return problems, list(map(show, unknown))


def _hint(name, header):
    """Which column of a sheet may be meant by one of ours."""
    if capitals := [other for other in header if other.casefold() == name]:
        return f" Write '{capitals[0]}' in small letters"
    return suggest_nearest(name, header)


def _meant(name, header):
    """The column of ours that a name stands for; none that the sheet has besides."""
    plain = re.sub(r"[^a-z0-9µ]", "", name.casefold().replace("μ", "µ"))
    columns = {column.replace("_", ""): column for column in COLUMNS}
    if plain in columns:
        return columns[plain]
    free = {key: column for key, column in columns.items() if column not in header}
    if (meant := OTHER_NAMES.get(plain)) in free.values():
        return meant
    near = difflib.get_close_matches(plain, list(free), n=1, cutoff=0.75)
    return free[near[0]] if near else None


def _text(row):
    row = {"path": row} if isinstance(row, str) else row
    return {key: "" if value is None else str(value) for key, value in row.items()}


def _image(row, folder, spot_radius):
    """Turn one row of text into an Image; a list of problems comes with it."""
    row = {key: value.strip() for key, value in row.items()}
    name, path = row.get("image", ""), row.get("path", "")
    wrong = []
    if text := names.find_problem(name):
        wrong.append(f"image id '{show(name)}' {text}")
    if not path:
        wrong.append("path is empty; expected the image's file")
    located = _located(path, folder)
    if OTHER_ADDRESS.match(path) and not is_address(path):
        wrong.append(
            f"path is {redacted_text(path)}; expected a file, or an address with http(s)://"
        )
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
    for key in ("path", "group", "axes", "truth"):
        if values[key] and names.CONTROL.search(values[key]):
            wrong.append(
                f"{key} is '{show(values[key])}'; expected text without line breaks, control "
                "characters and what is not valid text. Rename it"
            )
    if values["role"] not in ROLES:
        hint = suggest_nearest(values["role"], ROLES[1:])
        wrong.append(f"role is '{show(values['role'])}'; expected blank, or nothing.{hint}")
    for key in ("channel", "z", "t"):
        values[key] = _index(key, row.get(key), wrong)
    values["pixel_size_um"] = size = _number(row.get("pixel_size_um"))
    low, high = PIXEL_SIZES
    if size is not None and not (isinstance(size, float) and low <= size <= high):
        given = show(repr(size))
        wrong.append(
            f"pixel_size_um is {given}; expected µm per pixel, greater than 0 ({low:g} to {high:g})"
        )
    if row.get("spot_radius") and (text := _radius_problem(values["spot_radius"])):
        wrong.append(f"spot_radius {text}")
    return Image(**values), wrong


def _radius_problem(radius):
    """What is wrong with the radius of spots, in pixels or µm."""
    if text := find_problem(radius, SIZE):
        return text
    number, unit = split_unit(radius)
    if unit == "x":
        return f"is {radius!r}; expected pixels or µm (0.3um)"
    if not unit and number < LEAST_RADIUS:
        return f"is {radius!r}; expected {LEAST_RADIUS} pixels or more"
    return None


def _located(path, folder):
    """A path from the folder it is relative to; the folder may be an address."""
    if is_address(path):
        return path
    if is_address(folder):
        return joined(folder, path)
    path = os.path.expanduser(path)
    return os.path.normpath(os.path.join(folder, path)) if folder else path


def _number(text):
    """A number; the text itself where it is none, None where there is nothing."""
    if not text:
        return None
    return float(text) if NUMBER.fullmatch(text) else text


def _index(key, text, wrong):
    if not text or (key == "z" and text in ("max", "mean")):
        return text or None
    number = _number(text)
    if isinstance(number, float) and 0 <= number <= MOST_INDEX and number.is_integer():
        return int(number)
    also = ", max or mean" if key == "z" else ""
    most = f" ({MOST_INDEX} at most)" if isinstance(number, float) and number > MOST_INDEX else ""
    wrong.append(f"{key} is '{show(text)}'; expected an index counted from 0{also}{most}")
    return None


def missing_files(images: dict[str, Image]) -> list[str]:
    """Problems with the local files that the rows name: no file, or a truth that can't be one.

    Notes
    -----
    Costs a look at each file's entry; of truth, small files of points are read as well.
    """
    problems = []
    for image in images.values():
        if not image.is_remote and not os.path.isfile(image.path):
            problems.append(f"image '{image.image}': {_not_a_file(image.path)}")
        if image.truth:
            try:
                truth.check_truth(image.truth)
            except (OSError, ValueError) as error:
                words = error.strerror if isinstance(error, OSError) else str(error)
                problems.append(f"image '{image.image}': truth {image.truth}: {words}")
    return problems


def _not_a_file(path):
    """Say what is there instead of a file."""
    try:
        files.require_regular(path)
    except ValueError as error:
        return f"{path} {error}"
    except OSError:
        pass
    missing = f"there is no file {path}"
    if os.path.isfile(path.replace("\\", "/")):
        return f"{missing}; write / in place of \\"
    for form in ("NFC", "NFD"):
        if os.path.isfile(unicodedata.normalize(form, path)):
            return (
                f"{missing}, but one whose letters with signs are composed in another way (Unicode "
                f"{form}); copy the name from the folder"
            )
    return missing
