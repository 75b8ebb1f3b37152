"""How large the spots are that were found, and what follows where that is not the spot radius."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from localbg.core.text import join_words
from localbg.detection.shapes import FWHM_PER_RADIUS

# Spots that tell a radius: the stronger half, no fewer than the one and no more than the other.
# Found at far too small a radius, most spots are noise, and the strongest are not.
FEWEST, MOST = 5, 25
# The radius is wrong where it differs by the first factor, and all of the interval by the second.
# At a radius 1.25, 1.4, 1.5 and 1.6 times too large the default rule loses 5, 13, 19 and 22 % of
# the spots that it finds at the right one on simulated images, and 4, 6, 10 and 14 % on annotated
# ones; as many times too small, 6, 18, 28 and 43 %, and 3, 17, 17 and 40 %. At the right radius
# none of 191 simulated images that tell is that far off, and of 32 annotated ones one: beads,
# by 1.6.
WRONG, SURE = 1.4, 1.25
# An image has this share of its spots narrow or wide, and no fewer, for them to speak against it.
MANY, FEWEST_ODD = 0.25, 3
SHARES = ("narrow", "wide", "saturated", "crowded")


def summarise_shapes(spots: Sequence[Mapping[str, str]]) -> dict:
    """What the shapes of the spots of an image and method come to.

    Parameters
    ----------
    spots : sequence of mappings
        ``fwhm``, ``foreground_max`` and ``flags`` of each, as text.

    Returns
    -------
    dict
        ``measured_radius``: median over the strongest spots that do not touch the border, in
        pixels; ``measured_radius_low`` and ``_high``: its 95 % interval, from the order of the
        spots; None of fewer than five. And of the flags narrow, wide, saturated and crowded the
        share of spots that have it; None without spots.
    """
    flags = [spot["flags"].split("; ") for spot in spots]
    known = sorted(
        (-float(spot["foreground_max"]), float(spot["fwhm"]) / FWHM_PER_RADIUS)
        for spot, words in zip(spots, flags, strict=True)
        if spot["fwhm"] and "border" not in words
    )
    most = min(max(len(spots) // 2, FEWEST), MOST)
    radii = sorted(radius for _, radius in known[:most])
    low = middle = high = None
    if len(radii) >= FEWEST:
        low, middle, high = _median(radii)
    return {
        "measured_radius": middle,
        "measured_radius_low": low,
        "measured_radius_high": high,
    } | {
        name: sum(name in words for words in flags) / len(spots) if spots else None
        for name in SHARES
    }


def _median(ordered):
    """Median of ordered numbers within its 95 % interval (that of five numbers has 94 %)."""
    n = len(ordered)
    tail, k = 0.5**n, 0
    while tail + math.comb(n, k + 1) * 0.5**n <= 0.025:
        k += 1
        tail += math.comb(n, k) * 0.5**n
    return ordered[k], float(np.median(ordered)), ordered[n - 1 - k]


def factor(row: Mapping) -> float:
    """How many times the spot radius the measured one is; 1 where it is not clearly wrong.

    Parameters
    ----------
    row : mapping
        Of counts.csv.
    """
    if row.get("measured_radius") is None:
        return 1.0
    radius = row["spot_radius"]
    low, middle, high = (row[f"measured_radius{end}"] / radius for end in ("_low", "", "_high"))
    is_wrong = (middle >= WRONG and low >= SURE) or (middle <= 1 / WRONG and high <= 1 / SURE)
    return max(middle, 1e-3) if is_wrong else 1.0


def is_hot(row: Mapping) -> bool:
    """Whether many spots of an image and method are as narrow as hot pixels; row as of `factor`."""
    return _share(row, "narrow") >= MANY


def is_wide(row: Mapping) -> bool:
    """Whether many spots of an image and method are far too wide; row as of `factor`."""
    return _share(row, "wide") >= MANY


def _share(row, name):
    share = row.get(name) or 0.0
    return share if share * (row.get("n_spots") or 0) > FEWEST_ODD - 0.5 else 0.0


def find_fault(row: Mapping) -> str:
    """Why not to trust the spots of a method on an image, going on with "where"; or nothing."""
    n_spots, radius = row.get("n_spots"), row.get("spot_radius")
    if is_hot(row):
        return (
            f"{_percent(row, 'narrow')} of its {n_spots} spots are narrower than optics allow, as "
            "hot pixels are"
        )
    if is_wide(row):
        return (
            f"{_percent(row, 'wide')} of its {n_spots} spots are over twice as wide as spot_radius "
            f"{_px(radius)} says (out of focus, dirt, or the radius is wrong)"
        )
    return ""


def _percent(row, name):
    return f"{row[name]:.0%}"


def _px(radius):
    return f"{radius:.2g} px"


def remark(rows: Iterable[Mapping]) -> str:
    """Say of an image that its spots are of another size than the spot radius; or nothing.

    Parameters
    ----------
    rows : iterable of mappings
        Of counts.csv: one for each method.

    Returns
    -------
    str
        By the method that is the farthest off. Hot pixels tell no radius.
    """
    off = _farthest(rows)
    if not off:
        return ""
    if_right = "in focus and no dirt" if factor(off) > 1 else "no hot pixels and no noise"
    return (
        f"Its spots measure {_px(off['measured_radius'])} in radius ({off['method']}), where "
        f"spot_radius is {_px(off['spot_radius'])}: if they are {if_right}, set "
        f"spot_radius: {off['measured_radius']:.2g}, or see what the target suggest says."
    )


def find_reasons(rows: Iterable[Mapping]) -> list[tuple[float, str]]:
    """How odd it is, from 0 to 1, and what the shapes of an image's spots say; rows as of `remark`.

    Of several methods the one with the most narrow or wide spots has the word.
    """
    rows = list(rows)
    odd = [(max(_share(row, "narrow"), _share(row, "wide")), find_fault(row), row) for row in rows]
    share, words, row = max(odd, key=lambda one: one[0], default=(0, "", {}))
    found = [(0.5 + share / 2, f"{words} ({row['method']})")] if words else []
    if text := remark(rows):
        found.append((0.7, f"{text[0].lower()}{text[1:].removesuffix('.')}"))
    return found


def _farthest(rows):
    """The row that is the farthest off; None where none is, or where others are right."""
    told = [row for row in rows if row.get("measured_radius") is not None and not is_hot(row)]
    off = [row for row in told if factor(row) != 1]
    # A method that makes spots of something else says nothing of the radius.
    if 2 * len(off) <= len(told):
        return None
    return max(off, key=lambda row: abs(math.log(factor(row))))


def warning(images: Iterable[tuple[str, Sequence[Mapping]]]) -> str:
    """Say of a whole run that the spot radius is wrong, on all images or on some; or nothing.

    Parameters
    ----------
    images : iterable of (str, sequence of mappings)
        Image, and its rows of counts.csv; see `localbg.io.tables.read_grouped`.
    """
    told, off = 0, []
    for image, rows in images:
        told += any(row.get("measured_radius") is not None and not is_hot(row) for row in rows)
        if row := _farthest(rows):
            off.append((image, row["measured_radius"], row["spot_radius"]))
    if not off:
        return ""
    measured = [radius for _, radius, _ in off]
    text = (
        f"The spots measure {_range(measured)} in radius, where spot_radius is "
        f"{_range([radius for _, _, radius in off])}, on {len(off)} of {told} images that tell"
    )
    if 2 * len(off) > told and max(measured) < WRONG * min(measured):
        return (
            f"{text}: set spot_radius: {float(np.median(measured)):.2g} and run again, or run the "
            "target suggest for a proposal."
        )
    names = join_words([image for image, _, _ in off])
    # Nothing is smaller for being out of focus.
    is_larger = any(radius > given for _, radius, given in off)
    why = "they are out of focus, or need" if is_larger else "they need"
    return f"{text} ({names}): {why} a spot_radius of their own in the sheet."


def _range(radii):
    low, high = f"{min(radii):.2g}", f"{max(radii):.2g}"
    return f"{low} px" if low == high else f"{low} to {high} px"
