"""Figures over all images: how many spots each method found, and how far methods agree."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from localbg.core.colours import COLOURS
from localbg.core.text import format_count
from localbg.figures.style import WIDTH, styled

HATCHES = ("", "//", "..", "xx")  # tell methods apart that share a colour
MAX_IMAGES = 40  # with a bar for each; more are shown as distributions


@styled
def draw_counts(rows: Sequence[Mapping], truth: Mapping[str, int]) -> Figure:
    """Show the number of spots of each image and method.

    Parameters
    ----------
    rows : sequence of mappings
        ``image``, ``method`` and ``n_spots``: a number, or None where the image failed.
    truth : mapping of str to int
        Number of true spots of images, where known.

    Returns
    -------
    Figure
        A bar each for up to `MAX_IMAGES` images; a distribution per method for more.
    """
    found: dict[str, dict[str, int | None]] = {}
    for row in rows:
        found.setdefault(row["image"], {})[row["method"]] = row["n_spots"]
    methods = sorted({row["method"] for row in rows})
    draw = _bars if len(found) <= MAX_IMAGES else _distributions
    figure = draw(found, methods, truth)
    axes = figure.axes[0]
    axes.set_ylabel("number of spots")
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    failures = sum(None in of_image.values() for of_image in found.values())
    by = format_count(len(methods), "method")
    title = f"Spots found in {format_count(len(found), 'image')} by {by}"
    axes.set_title(f"{title}; {failures} failed" if failures else title, loc="left", pad=22)
    return figure


def _look(i):
    hatch = HATCHES[i // len(COLOURS) % len(HATCHES)]
    return {"facecolor": COLOURS[i % len(COLOURS)], "hatch": hatch, "edgecolor": "white"}


def _bars(found, methods, truth):
    size = min(4 + 0.4 * len(found) * (len(methods) + 1), WIDTH)
    figure = Figure(figsize=(size, 5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(methods)
    digits = len(str(max(n or 0 for of_image in found.values() for n in of_image.values())))
    there_is_room = size / (len(found) * len(methods)) > 0.13 * digits
    for i, method in enumerate(methods):
        heights = [of_image.get(method) or 0 for of_image in found.values()]
        places = np.arange(len(found)) + (i - (len(methods) - 1) / 2) * width
        bars = axes.bar(places, heights, width, **_look(i))
        if there_is_room:
            known = [of_image.get(method) is not None for of_image in found.values()]
            labels = [str(n) if k else "" for n, k in zip(heights, known, strict=True)]
            axes.bar_label(bars, labels, padding=2)
    for place, (image, of_image) in enumerate(found.items()):
        if image in truth:
            axes.hlines(truth[image], place - 0.42, place + 0.42, color="black", lw=2)
        if None in of_image.values():
            axes.text(place, 0, " failed", rotation=90, ha="center", va="bottom", color="#B03A00")
    slanted = len("".join(found)) > 120
    axes.set_xticks(
        range(len(found)),
        list(found),
        rotation=45 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axes.set_xlim(-0.6, len(found) - 0.4)
    axes.tick_params(axis="x", length=0)
    handles = [Patch(**_look(i), label=method) for i, method in enumerate(methods)]
    if any(image in truth for image in found):
        handles.append(axes.plot([], [], color="black", lw=2, label="true number")[0])
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    return figure


def _distributions(found, methods, truth):
    groups = {
        method: [n for of_image in found.values() if (n := of_image.get(method)) is not None]
        for method in methods
    }
    known = [truth[image] for image in found if image in truth]
    if known:
        groups["true number"] = known
    figure = Figure(figsize=(WIDTH, 5), layout="constrained")
    axes = figure.subplots()
    places = range(len(groups))
    boxes = axes.boxplot(
        list(groups.values()),
        positions=places,
        widths=0.5,
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "black", "lw": 2},
    )
    rng = np.random.default_rng(0)
    for place, box, values in zip(places, boxes["boxes"], groups.values(), strict=True):
        colour = COLOURS[place % len(COLOURS)] if place < len(methods) else "0.3"
        box.set(facecolor=colour, alpha=0.4)
        x = place + rng.uniform(-0.2, 0.2, len(values))
        axes.plot(x, values, ".", ms=3, color=colour, alpha=0.6)
    labels = [
        f"{name}\nmedian {statistics.median(values):g}" if values else name
        for name, values in groups.items()
    ]
    slanted = len("".join(groups)) > 110
    axes.set_xticks(
        places, labels, rotation=45 if slanted else 0, ha="right" if slanted else "center"
    )
    return figure


@styled
def draw_agreement(rows: Sequence[Mapping], methods: Sequence[str]) -> Figure:
    """Show the mean Jaccard index of each pair of methods.

    Parameters
    ----------
    rows : sequence of mappings
        ``image``, ``method_a``, ``method_b`` and ``jaccard``.
    methods : sequence of str

    Returns
    -------
    Figure
        A symmetric matrix; its diagonal is 1. A pair without images stays empty.
    """
    n = len(methods)
    mean = mean_agreement(rows, methods)
    side = max(3.0, 0.75 * n)
    figure = Figure(figsize=(side + 3, side + 2), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(mean, cmap="Blues", vmin=0, vmax=1)
    for i, j in itertools.product(range(n), range(n)):
        if np.isfinite(mean[i, j]):
            dark = mean[i, j] > 0.6
            text = f"{mean[i, j]:.2f}"
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(n), methods, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), methods)
    axes.tick_params(length=0)
    images = format_count(len({row["image"] for row in rows}), "image")
    title = f"Agreement of methods, mean over {images}" if rows else "No methods to compare"
    axes.set_title(title, pad=10)
    bar = figure.colorbar(shown, ax=axes, shrink=0.8)
    bar.set_label("Jaccard index: spots that both found over all")
    return figure


def mean_agreement(rows: Sequence[Mapping], methods: Sequence[str]) -> np.ndarray:
    """Mean Jaccard index of each pair of methods; NaN where no image has any."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        values.setdefault((row["method_a"], row["method_b"]), []).append(row["jaccard"])
    mean = np.full((len(methods), len(methods)), np.nan)
    np.fill_diagonal(mean, 1)
    for (a, b), jaccards in values.items():
        i, j = methods.index(a), methods.index(b)
        mean[i, j] = mean[j, i] = statistics.mean(jaccards)
    return mean
