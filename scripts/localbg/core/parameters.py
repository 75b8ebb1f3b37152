"""What a step's function takes, read from its source, and how sizes are written.

The plan checks a config without importing numpy: the functions of a step are found by
parsing its module, and their keyword-only parameters are checked by their annotations.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path

from localbg.core.names import show

Size = float
"""Annotation of a length: pixels, multiples of the spot radius (``2x``), or ``0.5um``."""

Area = float
"""Annotation of an area: pixels, multiples of a spot's disc (``0.5x``), or ``2um2``."""

Positive = float
"""Annotation of a number greater than 0."""

NonNegative = float
"""Annotation of a number that is 0 or greater."""

Percent = float
"""Annotation of a number from 0 to 100."""

Share = float
"""Annotation of a number between 0 and 1."""

Whole = int
"""Annotation of a whole number, 1 or greater."""

RANGES = {
    "Whole": (lambda v: v >= 1 and v == int(v), "a whole number, 1 or greater"),
    "Positive": (lambda v: v > 0, "a number greater than 0"),
    "NonNegative": (lambda v: v >= 0, "a number, 0 or greater"),
    "Share": (lambda v: 0 < v < 1, "a number between 0 and 1"),
    "Percent": (lambda v: 0 <= v <= 100, "a number from 0 to 100"),
    "float": (lambda v: True, "a number"),
}
# What is larger is a slip, and would hang a job or break it with an error of a library.
MOST = {
    "Whole": 1000,
    "Positive": 1e6,
    "NonNegative": 1e6,
    "Share": 1,
    "Percent": 100,
    "float": 1e15,
}
MOST_OF_UNIT = {
    "Size": {"": 1e4, "x": 1e3, "um": 1e5},
    "Area": {"": 1e8, "x": 1e6, "um2": 1e10},
}
HUGE = 1e300
# Longer text gives names of folders that no file system takes.
MOST_DIGITS = 20
# Pixels that a length in µm comes to. Filters of dim small spots are narrower than a pixel, so only
# of a spot's radius a half is asked for.
LEAST_PIXELS = 0.05
LEAST_RADIUS = 0.5
UNITS = {"Size": {"x", "um"}, "Area": {"x", "um2"}}
EXPONENT = {"Size": 1, "Area": 2}
NUMBER = re.compile(r"^\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(x|um2?|µm2?|μm2?|px)?\s*$")


@dataclass(frozen=True)
class Parameter:
    """One keyword-only parameter of a step's function."""

    kind: str
    default: object = None
    required: bool = False
    optional: bool = False
    choices: tuple = ()

    @property
    def is_scaled(self) -> bool:
        """Whether the value is a size or an area, and so may carry a unit."""
        return self.kind in UNITS


def suggest_nearest(word, words) -> str:
    """Hint at the valid word that resembles ``word`` most; empty where none does."""
    match = difflib.get_close_matches(str(word), [str(w) for w in words], n=1, cutoff=0.5)
    return f" Did you mean '{match[0]}'?" if match else ""


def read_functions(path: Path) -> dict[str, dict[str, Parameter]]:
    """Keyword-only parameters of a module's public functions.

    Parameters
    ----------
    path : Path
        A Python module. It is parsed, not imported.

    Returns
    -------
    dict
        Function name to its parameters by name.
    """
    return {
        node.name: _parameters(node)
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def read_constant(path: Path, name: str):
    """Value of a module's literal constant; the module is parsed, not imported.

    Parameters
    ----------
    path : Path
        A Python module.
    name : str
        Of the constant, which is there.
    """
    for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"{path} has no constant {name}")


def _parameters(function: ast.FunctionDef) -> dict[str, Parameter]:
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    # The workflow has one polarity for all steps of a method, and a job its number of threads.
    return {
        arg.arg: _parameter(arg.annotation, default)
        for arg, default in pairs
        if arg.arg not in ("threads", "polarity")
    }


def _parameter(annotation, default) -> Parameter:
    optional = isinstance(annotation, ast.BinOp)
    node = annotation.left if optional else annotation
    choices = ()
    if isinstance(node, ast.Subscript):
        choices = tuple(ast.literal_eval(node.slice))
        node = node.value
    return Parameter(
        kind=ast.unparse(node),
        default=None if default is None else ast.literal_eval(default),
        required=default is None,
        optional=optional,
        choices=choices,
    )


def find_problem(value, parameter: Parameter) -> str | None:
    """Say what is wrong with a parameter's value, or None where it is right."""
    if value == []:
        return "is an empty list; give a value, or a list of values to sweep over"
    if value is None:
        return None if parameter.optional else "is empty; expected a value"
    if parameter.choices:
        # 0 equals False, and is no choice where that is one.
        if any(value == choice and type(value) is type(choice) for choice in parameter.choices):
            return None
        expected = ", ".join(map(str, parameter.choices))
        hint = suggest_nearest(value, parameter.choices)
        return f"is {given(value)}; expected one of {expected}.{hint}"
    if parameter.kind == "bool":
        return None if isinstance(value, bool) else f"is {given(value)}; expected true or false"
    if parameter.is_scaled:
        return _size_problem(value, parameter)
    fits, expected = RANGES[parameter.kind]
    most = MOST[parameter.kind]
    if not is_number(value) or not fits(value):
        return f"is {given(value)}; expected {expected}"
    return f"is {given(value)}; expected {most:.12g} at most" if abs(value) > most else None


def is_number(value) -> bool:
    """Whether a value is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def given(value) -> str:
    """A value as messages show it: as it is written in Python, cut where it is long."""
    try:
        return show(repr(value))
    except ValueError:  # Python does not write numbers of thousands of digits
        return "a number of thousands of digits"


def normalise(value, parameter: Parameter):
    """A value without a problem as functions take it: 2.0 for a whole number is 2, -0 is 0."""
    if parameter.kind == "Whole" and is_number(value):
        return int(value)
    return value + 0.0 if isinstance(value, float) else value


def _size_problem(value, parameter: Parameter) -> str | None:
    units = sorted(UNITS[parameter.kind])
    what = "length" if parameter.kind == "Size" else "area"
    expected = f"expected a {what} such as 4 (pixels), 2x (spot radii) or 0.5um"
    if parameter.kind == "Area":
        expected = f"expected an {what} such as 4 (pixels), 0.5x (spot areas) or 0.2um2"
    try:
        number, unit = split_unit(value)
    except ValueError:
        return f"is {given(value)}; {expected}"
    if unit and unit not in units:
        return f"is {given(value)}; {expected}"
    # A default of 0 is how a function says that 0 switches the operation off.
    if number <= 0 and not (number == 0 and parameter.default == 0):
        return f"is {given(value)}; {expected}, greater than 0"
    most = MOST_OF_UNIT[parameter.kind][unit]
    if number > most:
        return f"is {given(value)}; expected {most:.12g}{unit or ' pixels'} at most"
    if isinstance(value, str) and len(value) > MOST_DIGITS:
        return f"is {given(value)}; expected {MOST_DIGITS} characters at most"
    return None


def split_unit(value) -> tuple[float, str]:
    """Number and unit of a size: ``"2x"`` is (2.0, "x"), ``3`` is (3.0, "").

    Raises
    ------
    ValueError
        If ``value`` is neither a finite number nor a number with a known unit.
    """
    if is_number(value):
        # The limits of sizes refuse what is too large for a float, in words.
        return float(max(-HUGE, min(value, HUGE))), ""
    match = NUMBER.match(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{given(value)} is not a size")
    number, unit = match.groups()
    unit = (unit or "").replace("µ", "u").replace("μ", "u")
    return min(float(number), HUGE), "" if unit == "px" else unit


def scale(value, kind: str, spot_radius):
    """Turn multiples of the spot radius into pixels or µm.

    Parameters
    ----------
    value : number or str or None
        A size or area as in the config.
    kind : {"Size", "Area"}
    spot_radius : number or str
        Spot radius in pixels, or in µm (``"0.3um"``).

    Returns
    -------
    float or str or None
        Pixels as a number, µm as a string with its unit; other values unchanged.
    """
    if value is None:
        return None
    number, unit = split_unit(value)
    if unit != "x":
        return _join(number, unit)
    radius, radius_unit = split_unit(spot_radius)
    factor = radius if kind == "Size" else math.pi * radius**2
    power = "2" if kind == "Area" and radius_unit else ""
    return _join(number * factor, radius_unit + power)


def to_pixels(value, pixel_size_um: float | None, *, least: float = LEAST_PIXELS) -> float | None:
    """Turn a scaled size or area into pixels.

    Parameters
    ----------
    value : number or str or None
        What `scale` returned.
    pixel_size_um : float or None
        Pixel size in µm, where known.
    least : float
        Pixels that a length in µm must come to.

    Raises
    ------
    ValueError
        If the value is in µm and the pixel size is unknown, or such that the value can't be meant.
    """
    if value is None:
        return None
    number, unit = split_unit(value)
    if not unit:
        return number
    if not pixel_size_um:
        raise ValueError(
            f"the size {value} is in µm, but the pixel size is unknown; "
            "give pixel_size_um in the sheet, or give the size in pixels"
        )
    kind = "Area" if unit == "um2" else "Size"
    pixels = round(number / pixel_size_um ** EXPONENT[kind], 9)
    # 0 switches something off, and areas may be as small as one likes.
    least = least if kind == "Size" and number else 0
    most = MOST_OF_UNIT[kind][""]
    if not least <= pixels <= most:
        raise ValueError(
            f"the size {value} is {pixels:.3g} pixels at {pixel_size_um:g} µm per pixel; expected "
            f"{least:g} to {most:g}. Mend the size, or pixel_size_um in the sheet"
        )
    return pixels


def radius_in_pixels(spot_radius, pixel_size_um: float | None) -> float:
    """A spot's radius in pixels; what is given in µm must come to half a pixel or more.

    Raises
    ------
    ValueError
        As `to_pixels`, and where the radius is smaller.
    """
    return to_pixels(spot_radius, pixel_size_um, least=LEAST_RADIUS)


def resolve(parameters: dict, pixel_size_um: float | None) -> dict:
    """A step's parameters as its function takes them: every size in pixels.

    Raises
    ------
    ValueError
        As `to_pixels`.
    """
    return {
        name: to_pixels(value, pixel_size_um)
        if isinstance(value, str) and NUMBER.match(value)
        else value
        for name, value in parameters.items()
    }


def _join(number: float, unit: str):
    number = round(number, 9)
    return f"{number:.12g}{unit}" if unit else number
