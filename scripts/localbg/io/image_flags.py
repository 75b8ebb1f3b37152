"""What is odd about an image's grey levels, whatever is counted in it: flags, with their numbers.

An image of nothing (all zero, saturated, lost in a conversion) can be read and gives a count. The
count stays; the flag says that it is not to be believed as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

# A spot covers some ten pixels of tens of thousands: from this share of saturated pixels on, the
# tops of many spots are cut off, and with them intensities and what tells spots that touch.
SATURATED = 1e-3
# Of half of the pixels on, the median absolute deviation is 0: the noise is not in the file.
ONE_VALUE = 0.5
# Grey levels of 2 bits: a mask, or an image that a conversion took its grey levels from.
FEW_LEVELS = 4
# Highest grey levels of cameras and file types of 8, 10, 12, 14 and 16 bits.
FULL_SCALE = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
# A plateau, in case of any other maximum: so many pixels at least, and more of them than in this
# share of the range beneath. Spots get rarer towards the maximum, they do not pile up there.
PLATEAU_PIXELS = 10
PLATEAU_RANGE = 0.1


def image_flags(pixels: np.ndarray) -> dict:
    """Describe how the grey levels of an image are used, and flag what no ordinary image has.

    Parameters
    ----------
    pixels : ndarray, 2-D, uint8, uint16 or float32
        Finite, not empty.

    Returns
    -------
    dict
        Plain numbers and text, fit for JSON:

        - ``flags``: codes in the order of this list, joined by ``;``; empty where there are none.
          ``constant``: all pixels are equal; ``zero``: and they are 0; ``saturated``: a thousandth
          of the pixels or more are saturated; ``few_levels``: 2 to 4 grey levels; ``one_value``:
          half of the pixels or more share a grey level, other than the saturated one.
        - ``saturated_fraction``: share of pixels at the highest grey level of the image, if that
          is the largest number of 8, 10, 12, 14 or 16 bits (of whole numbers), or a plateau: at
          least 10 pixels, and more than in the tenth of the image's range beneath it and in the
          four grey levels beneath it. Else 0.
        - ``commonest_fraction``: share of the commonest grey level; of equally common ones the
          lowest. Floats are compared exactly.
        - ``highest_grey``, ``commonest_grey``: these grey levels; ``n_grey_levels``: how many.

    Notes
    -----
    Flips, rotations and the order of pixels change nothing. Adding to the grey levels of floats,
    or a factor, changes grey levels but no flag and no fraction, as long as nothing is lost in
    rounding and pixels do not become 0; of whole numbers so do those that keep away from the
    largest number of their bits. A camera whose pixels saturate at different levels is not seen.

    One pass and no sorting for whole numbers (7 ms for 2048 x 2048). Floats are sorted, as equal
    ones can't be counted otherwise (30 ms, and 20 bytes a pixel for the time).
    """
    levels, counts = _histogram(pixels)
    size, top, commonest = pixels.size, levels[-1], counts.argmax()
    at_top = int(counts[-1])
    full = pixels.dtype.kind == "u" and int(top) in FULL_SCALE
    saturated = at_top / size if full or _is_plateau(levels, counts) else 0.0
    common = int(counts[commonest]) / size
    constant = levels.size == 1
    found = {
        "constant": constant,
        "zero": constant and top == 0,
        "saturated": saturated >= SATURATED,
        "few_levels": not constant and levels.size <= FEW_LEVELS,
        "one_value": not constant
        and common >= ONE_VALUE
        and not (saturated and levels[commonest] == top),
    }
    return {
        "flags": ";".join(flag for flag, raised in found.items() if raised),
        "saturated_fraction": saturated,
        "commonest_fraction": common,
        "highest_grey": top.item(),
        "commonest_grey": levels[commonest].item(),
        "n_grey_levels": int(levels.size),
    }


def saturated_at(facts: Mapping) -> float:
    """The grey level of saturated pixels; infinite where none are.

    Parameters
    ----------
    facts : mapping
        With the keys of `image_flags`.
    """
    return facts["highest_grey"] if facts["saturated_fraction"] > 0 else math.inf


def _histogram(pixels):
    """Grey levels that occur, in order, and the number of pixels of each."""
    if pixels.dtype.kind == "u":
        counts = np.bincount(pixels.ravel())
        levels = np.flatnonzero(counts)
        return levels, counts[levels]
    ordered = np.sort(pixels, axis=None)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(starts, append=ordered.size)


def _is_plateau(levels, counts):
    """Whether more pixels have the highest grey level than its neighbours beneath explain."""
    if levels.size <= FEW_LEVELS or counts[-1] < PLATEAU_PIXELS:
        return False
    low, top = float(levels[0]), float(levels[-1])
    beneath = np.searchsorted(levels, top - PLATEAU_RANGE * (top - low))
    # Where grey levels are coarse there is hardly one in that range.
    beneath = min(int(beneath), levels.size - 1 - FEW_LEVELS)
    return bool(counts[-1] > counts[beneath:-1].sum())


def explained(row: Mapping) -> list[tuple[float, str]]:
    """What the flags of an image say, in words.

    Parameters
    ----------
    row : mapping
        With the keys of `image_flags`, such as a row of images.csv.

    Returns
    -------
    list of (float, str)
        How odd, from 0 to 1, and the reason with its number.
    """
    raised = row["flags"].split(";")
    if "constant" in raised:
        saturated = " (saturated)" if "saturated" in raised else ""
        return [(1.0, f"all its pixels are {row['highest_grey']}{saturated}")]
    reasons = []
    if "saturated" in raised:
        share = row["saturated_fraction"]
        text = f"{_percent(share)} of its pixels are saturated ({row['highest_grey']})"
        reasons.append((0.5 + share / 2, text))
    if "few_levels" in raised:
        reasons.append((0.95, f"it has {row['n_grey_levels']} grey levels only"))
    if "one_value" in raised:
        share = row["commonest_fraction"]
        text = f"{_percent(share)} of its pixels are exactly {row['commonest_grey']}"
        # Mild: nuclei on black are like that, and can be counted.
        reasons.append((0.1 * share, text))
    return reasons


def _percent(share):
    """Three significant digits; what is not the whole is not called 100 %."""
    return f"{min(100 * share, 99.9):.3g} %"
