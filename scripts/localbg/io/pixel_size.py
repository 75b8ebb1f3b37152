"""The size of a pixel, as a file tells it or fails to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from localbg.io.tiff_structure import Page, Structure

# Symbols as OME writes them; upper and lower case differ (mm, Mm).
SYMBOLS = {"m": 1e6, "dm": 1e5, "cm": 1e4, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4}
WORDS = {
    re.compile(r"micro(n|met(er|re))s?|mikrometer"): 1.0,
    re.compile(r"nanomet(er|re)s?"): 1e-3,
    re.compile(r"picomet(er|re)s?"): 1e-6,
    re.compile(r"millimet(er|re)s?"): 1e3,
    re.compile(r"centimet(er|re)s?"): 1e4,
    re.compile(r"met(er|re)s?"): 1e6,
    re.compile(r"[åa]ngstr[öo]ms?"): 1e-4,
}
# Plain decimal numbers; Python alone would take 1_0, and a comma is not for us to interpret.
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
LEAST_UM, MOST_UM = 1e-6, 1e5
# Of plain resolution tags, which say how to print at least as often as what was seen.
MOST_UM_OF_TAGS = 1000
PRINT_DPI = (72, 75, 90, 96, 100, 110, 120, 144, 150, 180, 200, 220, 240, 266, 300, 350, 360, 400)
PRINT_DPI += (450, 480, 600, 720, 800, 1200, 1440, 2400, 4800)
CM_PER_INCH = 2.54
CENTIMETRE, INCH = 3, 2  # of TIFF's ResolutionUnit; inch is its default
NO_SIZE = "the file gives no pixel size"


def of_sheet(size_um: float) -> float:
    """The size that the sheet gives, with six digits, as it comes back from a TIFF."""
    return float(f"{size_um:.6g}")


def of_ome(pixels: Mapping[str, str]) -> tuple[float | None, str]:
    """Pixel size from the attributes of OME's element Pixels.

    Returns
    -------
    size_um : float or None
    note : str
        Why there is none; empty where there is one.
    """
    sizes = []
    for axis in "YX":
        text = pixels.get(f"PhysicalSize{axis}")
        if text is None:
            return None, NO_SIZE
        unit = pixels.get(f"PhysicalSize{axis}Unit", "um")
        factor = micrometres(unit)
        if factor is None:
            return None, f"the file gives pixel sizes in '{unit}', which is no unit of length"
        if not NUMBER.fullmatch(text):
            return None, f"the file's pixel size is '{text}', which is no number"
        sizes.append(float(text) * factor)
    return _checked(*sizes)


def of_tags(
    structure: Structure, page: Page, imagej_unit: str | None = None
) -> tuple[float | None, str]:
    """Pixel size from the resolution tags of a page.

    Parameters
    ----------
    structure, page
    imagej_unit : str, optional
        The unit that ImageJ's description names, empty where it names none; None where the file
        is not ImageJ's.

    Returns
    -------
    size_um : float or None
    note : str
        Why there is none; empty where there is one.
    """
    per_unit = [structure.ratio(page, code) for code in (283, 282)]
    if None in per_unit or min(per_unit) <= 0:
        return None, NO_SIZE
    if imagej_unit is not None:
        factor = micrometres(imagej_unit)
        if factor is None:
            unit = f" (its unit is '{imagej_unit}')" if imagej_unit else ""
            return None, f"{NO_SIZE}{unit}"
    else:
        unit = (*structure.integers(page, 296, 1), INCH)[0]
        if unit == INCH:
            return None, f"{NO_SIZE}: a resolution per inch is that of a print or screen"
        factor = SYMBOLS["cm"]
        if unit != CENTIMETRE or factor / max(per_unit) > MOST_UM_OF_TAGS:
            return None, NO_SIZE
    if factor >= SYMBOLS["mm"] and (dpi := print_dpi(SYMBOLS["cm"] * per_unit[1] / factor)):
        return None, f"{NO_SIZE}: its resolution, {dpi} dots per inch, is that of a print or screen"
    return _checked(*(factor / number for number in per_unit))


def print_dpi(per_cm: float) -> int | None:
    """The usual resolution of prints and screens that a number per centimetre is, if any."""
    per_inch = per_cm * CM_PER_INCH
    slack = CM_PER_INCH / 2  # some programs keep whole numbers per centimetre
    return next((n for n in PRINT_DPI if abs(per_inch - n) <= max(0.005 * n, slack)), None)


def micrometres(unit: str) -> float | None:
    """Micrometres in a unit of length; None where it is none, such as pixel or inch."""
    unit = re.sub(r"\\u00b5", "u", unit.strip().strip("\0"), flags=re.IGNORECASE)
    unit = unit.replace("µ", "u").replace("μ", "u")
    if unit in SYMBOLS:
        return SYMBOLS[unit]
    lower = unit.lower()
    if lower in ("um", "nm"):
        return SYMBOLS[lower]
    return next((factor for word, factor in WORDS.items() if word.fullmatch(lower)), None)


def _checked(y, x):
    """One size of square pixels, if these are any."""
    for size in (y, x):
        if not (math.isfinite(size) and LEAST_UM <= size <= MOST_UM):
            return None, f"the file's pixel size is {size:g} µm, which cannot be"
    if abs(y - x) > 0.01 * max(x, y):
        return None, (
            f"pixels are not square ({y:g} µm high, {x:g} µm wide), so a radius has no one size in "
            "pixels. Resample the image, or give pixel_size_um in the sheet"
        )
    # Six digits are what comes back from a TIFF, so there are no more to begin with.
    return float(f"{x:.6g}"), ""
