"""Time of the filters against their radius, as a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

PANELS = {"median": "Median", "tophat": "Top-hat", "gaussian": "Gaussian"}
COLOURS = {
    "localbg": "#d62728",
    "scikit-image": "#1f77b4",
    "scikit-image rank": "#17becf",
    "scipy": "#2ca02c",
    "OpenCV": "#9467bd",
    "SimpleITK": "#8c564b",
    "ImageJ": "#7f7f7f",
}
# Where a tool does something else, its label says so.
OTHERWISE = {
    ("median", "OpenCV"): "OpenCV, square, 8 bits",
    ("median", "SimpleITK"): "SimpleITK, square",
    ("gaussian", "SimpleITK"): "SimpleITK, recursive",
}
SIZE = (5.2, 4.8)  # of a panel, inches
FONT = 9


def lines(rows: list[dict], operation: str) -> dict[str, dict[int, float]]:
    """Collect milliseconds per megapixel by tool and radius, on scenes of one type.

    The largest image counts that the tool was measured on with that radius, up to 2048². The type
    is uint16, or uint8 for a tool that does not take uint16.
    """
    found = {}
    for dtype in ("uint8", "uint16"):
        chosen = [
            row
            for row in rows
            if (row["operation"], row.get("dtype"), row.get("content"))
            == (operation, dtype, "scene")
            and "ms" in row
            and row["size"] <= 2048
            and row["tool"] not in ("copy", "localbg 2 threads")
        ]
        by_tool = {}
        for row in sorted(chosen, key=lambda row: row["size"]):
            by_tool.setdefault(row["tool"], {})[row["radius"]] = row["ms_per_megapixel"]
        found |= by_tool
    return found


def draw(rows: list[dict], path: Path) -> None:
    """Draw a panel for each operation, a line for each tool, and write a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullLocator

    panels = {name: lines(rows, name) for name in PANELS}
    panels = {name: tools for name, tools in panels.items() if tools}
    if not panels:
        raise ValueError("none of the operations of the figure was measured")
    figure = Figure(figsize=(SIZE[0] * len(panels), SIZE[1]), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (operation, tools) in zip(axes, panels.items(), strict=True):
        radii = sorted({radius for times in tools.values() for radius in times})
        for name, times in tools.items():
            style = {"color": COLOURS.get(name), "marker": "o", "markersize": 4}
            style["linewidth"] = 2.5 if name == "localbg" else 1.3
            axis.plot(*zip(*sorted(times.items()), strict=True), **style)
        axis.set(xscale="log", yscale="log", xlim=(radii[0] * 0.9, radii[-1] * 4))
        axis.set_title(PANELS[operation])
        axis.set_xlabel("sigma, px" if operation == "gaussian" else "radius, px")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticks(radii, [str(radius) for radius in radii])
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.grid(color="0.9", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(top=1.5 * axes[0].get_ylim()[1])  # room for the topmost label
    for axis, (operation, tools) in zip(axes, panels.items(), strict=True):
        _label(axis, operation, tools)
    axes[0].set_ylabel("time, ms per megapixel")
    figure.savefig(path, dpi=150)


def _label(axis, operation, tools):
    # Labels stand right of their line's end, one above the other where lines meet.
    ends = {name: max(times.items()) for name, times in tools.items()}
    names = sorted(ends, key=lambda name: ends[name][1])
    low, high = np.log(axis.get_ylim())
    gap = 1.3 * FONT / 72 / (0.8 * SIZE[1]) * (high - low)
    places = np.log([ends[name][1] for name in names])
    for _ in range(200):
        for i in np.flatnonzero(np.diff(places) < gap):
            push = (gap - (places[i + 1] - places[i])) / 2
            places[i : i + 2] += (-push, push)
    for name, place in zip(names, np.exp(places), strict=True):
        axis.text(
            ends[name][0] * 1.12,
            place,
            OTHERWISE.get((operation, name), name),
            va="center",
            fontsize=FONT,
            color=COLOURS.get(name),
            fontweight="bold" if name == "localbg" else None,
        )
