"""Figures of the assessment without annotation: completeness, false positives, residuals."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from localbg.assessment.completeness import Curve
from localbg.core.colours import COLOURS
from localbg.core.text import format_count
from localbg.figures.style import WIDTH, plain, styled

DASHES = ("-", "--", "-.", ":")  # so that one curve shows under another
TITLES = {
    "all": "Everywhere",
    "flat": "On flat background",
    "slope": "On slopes",
    "bright": "On bright background",
}
MOST_LINES = 12  # images or groups that the panel of contrasts names
RESIDUALS = {
    "self_subtraction": ("of an injected spot's amplitude\nin the background", (0, None)),
    "excess_under_spots": ("of a spot's amplitude\nin the background", (0, None)),
    "trend": ("of the background's changes\nin the foreground", (0, 0)),
    "count_correlation": ("of local count and background\n(rank correlation)", (-1, 1)),
    "edge_excess": ("of spots on edges\n(1: as elsewhere)", (0, None)),
    "negative_fraction": ("of pixels\nbelow the background", (0, 1)),
}


@styled
def draw_completeness(recovery: Sequence[Mapping], curves: Sequence[Mapping]) -> Figure:
    """Show the share of injected spots that each method found, by contrast.

    Parameters
    ----------
    recovery, curves : sequence of mappings
        Rows of the tables ``recovery`` and ``completeness``, numbers as numbers.

    Returns
    -------
    Figure
        Above all spots together, with the contrasts at which half are found by image (or by group,
        where there are many images); below them by local background.
    """
    methods = sorted({row["method"] for row in curves})
    images = {row["image"] for row in recovery}
    figure = Figure(figsize=(WIDTH, 8), layout="constrained")
    grid = figure.add_gridspec(2, 6)
    panels = {"all": figure.add_subplot(grid[0, :4])}
    for i, where in enumerate(("flat", "slope", "bright")):
        panels[where] = figure.add_subplot(grid[1, 2 * i : 2 * i + 2], sharey=panels["all"])
    for where, axes in panels.items():
        _recovery(axes, where, methods, recovery, curves)
    panels["all"].set_ylabel("share of injected spots detected")
    panels["flat"].set_ylabel("share of injected spots detected")
    _halves(figure.add_subplot(grid[0, 4:]), methods, recovery, curves)
    handles = [
        panels["all"].plot([], [], marker="o", **_look(i), label=m)[0]
        for i, m in enumerate(methods)
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper right", frameon=False, ncols=6)
    all_of_one = (row for row in recovery if row["where"] == "all" and row["method"] == methods[0])
    injected = sum(row["injected"] for row in all_of_one)
    title = f"{format_count(injected, 'spot')} injected in {format_count(len(images), 'image')}"
    figure.suptitle(title if images else "No spots were injected", x=0.01, ha="left")
    return figure


def _look(i):
    return {"color": COLOURS[i % len(COLOURS)], "ls": DASHES[i % len(DASHES)]}


def _recovery(axes, where, methods, recovery, curves):
    here = [row for row in curves if row["where"] == where]
    injected = 0
    for i, method in enumerate(methods):
        whole = {
            row["image"]: row["injected"]
            for row in curves
            if row["method"] == method and row["where"] == "all" and row["image"]
        }
        shares, contrasts = _shares(recovery, method, where, whole)
        look = _look(i)
        axes.plot(contrasts, shares, "o", ms=3.5, color=look["color"], alpha=0.7)
        single = [row for row in here if row["method"] == method and row["image"]]
        fitted = [row for row in single if row["middle"] is not None]
        injected = sum(row["injected"] for row in single)
        if not fitted:
            continue
        fine = np.geomspace(*_span(recovery), 200)
        each = [Curve(row["middle"], row["width"], row["ceiling"]).share(fine) for row in fitted]
        mean = np.average(
            each, axis=0, weights=[row["injected"] / whole[row["image"]] for row in fitted]
        )
        axes.plot(fine, mean, lw=1.6, **look)
        pooled = [row for row in here if row["method"] == method and not row["image"]]
        row = next(row for row in pooled if not row["group"])
        for share in (50, 90):
            at = row[f"contrast{share}"]
            if at is not None:
                low = row[f"contrast{share}_low"] or fine[0]
                high = row[f"contrast{share}_high"] or fine[-1]
                axes.hlines(share / 100, low, high, lw=4, alpha=0.35, color=look["color"])
                axes.plot(at, share / 100, "D", ms=6, mfc="white", color=look["color"])
    for share in (0.5, 0.9):
        axes.axhline(share, lw=0.6, color="0.6", zorder=0)
    _by_contrast(axes, recovery)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("amplitude of the injected spot, noise standard deviations")
    axes.set_title(f"{TITLES[where]}: {format_count(injected, 'spot')}", loc="left")


def _span(recovery):
    contrasts = [row["contrast"] for row in recovery]
    return (min(contrasts), max(contrasts)) if contrasts else (1, 100)


def _by_contrast(axes, recovery):
    low, high = _span(recovery)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.3, high * 1.3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.spines[["top", "right"]].set_visible(False)


def _shares(recovery, method, where, whole):
    """Mean share found at contrasts injected in all images: of a part of them it says little."""
    found: dict[str, dict[float, Mapping]] = {}
    for row in recovery:
        if row["method"] == method and row["where"] == where:
            found.setdefault(row["image"], {})[row["contrast"]] = row
    if not found:
        return [], []
    contrasts = sorted(set.intersection(*map(set, found.values())))
    weights = [sum(r["injected"] for r in rows.values()) / whole[i] for i, rows in found.items()]
    each = [
        [rows[c]["recovered"] / rows[c]["injected"] for rows in found.values()] for c in contrasts
    ]
    return [float(np.average(shares, weights=weights)) for shares in each], contrasts


def _halves(axes, methods, recovery, curves):
    """Where half of the spots are found, image by image, or group by group."""
    by = "image"
    lines = sorted({row["image"] for row in curves if row["image"]})
    if len(lines) > MOST_LINES:
        by = "group"
        lines = sorted({row["group"] for row in curves if not row["image"] and row["group"]})
    lines = lines[:MOST_LINES]
    for i, method in enumerate(methods):
        for row in curves:
            if row["method"] != method or row["where"] != "all" or row[by] not in lines:
                continue
            if by == "group" and row["image"]:
                continue
            y = lines.index(row[by]) + 0.6 * ((i + 0.5) / len(methods) - 0.5)
            colour = _look(i)["color"]
            if row.get("contrast50") is None:
                axes.annotate(
                    textwrap.shorten(row["note"].split(";")[0], 45, placeholder=" …"),
                    (0.02, y),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize=7,
                    color=colour,
                )
                continue
            low, high = row["contrast50_low"], row["contrast50_high"]
            axes.hlines(
                y,
                low or row["contrast50"],
                high or row["contrast50"],
                lw=4,
                alpha=0.35,
                color=colour,
            )
            axes.plot(row["contrast50"], y, "D", ms=6, mfc="white", color=colour)
    _by_contrast(axes, recovery)
    axes.set_yticks(range(len(lines)), map(plain, lines))
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlabel("noise standard deviations")
    axes.set_title(f"Half found, by {by}", loc="left")


@styled
def draw_false_positives(
    false_positives: Sequence[Mapping], residuals: Sequence[Mapping]
) -> Figure:
    """Show how many false positives to expect of each method, and what it left in the wrong place.

    Parameters
    ----------
    false_positives, residuals : sequence of mappings
        Rows of the tables of these names, numbers as numbers.

    Returns
    -------
    Figure
        A point for each image and a bar at the median of each method.
    """
    methods = sorted({row["method"] for row in (*false_positives, *residuals)})
    figure = Figure(figsize=(WIDTH, 6.5), layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    for kind, where, title in (
        ("decoy", axes[0], "False positives in decoys (estimate)"),
        ("blank", axes[4], "False positives in blank images"),
    ):
        rows = [row for row in false_positives if row["kind"] == kind]
        values = {m: [row["density"] for row in rows if row["method"] == m] for m in methods}
        images = len({row["image"] for row in rows})
        _points(where, values, title)
        where.set_ylabel(f"per 10,000 px, {format_count(images, 'image')}")
        where.set_ylim(bottom=0)
    for where, (name, (text, limits)) in zip(
        axes[[1, 2, 3, 5, 6, 7]], RESIDUALS.items(), strict=True
    ):
        values = {m: [row[name] for row in residuals if row["method"] == m] for m in methods}
        known = {m: [v for v in found if v is not None] for m, found in values.items()}
        _points(where, known, name.replace("_", " ").capitalize())
        where.set_ylabel(text)
        low, high = where.get_ylim()
        where.set_ylim(
            min(low, limits[0]) if limits[0] is not None else low,
            max(high, limits[1]) if limits[1] is not None else high,
        )
        where.axhline(1 if name == "edge_excess" else 0, lw=0.8, color="0.5", zorder=0)
    return figure


def _points(axes, values, title):
    rng = np.random.default_rng(0)
    for i, found in enumerate(values.values()):
        colour = COLOURS[i % len(COLOURS)]
        x = i + rng.uniform(-0.2, 0.2, len(found))
        axes.plot(x, found, "o", ms=4, color=colour, alpha=0.7)
        if found:
            axes.hlines(np.median(found), i - 0.3, i + 0.3, lw=2, color=colour)
    axes.set_xticks(
        range(len(values)), list(values), rotation=30, ha="right", rotation_mode="anchor"
    )
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if not any(values.values()):
        axes.text(0.5, 0.5, "none to show", transform=axes.transAxes, ha="center", color="0.5")
        axes.set_yticks([])
