"""The figure of rows of pixels through the brightest spots: background and foreground."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from localbg.core.colours import COLOURS
from localbg.core.text import format_count, format_number
from localbg.figures.style import WIDTH, Result, image_title, styled

# One for each method, with its colour. None is plainly dashed: dashes are thresholds.
LINES = ("-", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 1)), (0, (4, 1, 1, 1)), "-")


def brightest(results: Sequence[Result], spot_radius: float, n: int = 3) -> list[tuple[int, int]]:
    """Row and column of the spots highest above their background, whichever method found them.

    Spots closer to each other than two spot radii count as one.
    """
    found = sorted(
        (-height, tuple(np.rint(spot).astype(int).tolist()))
        for result in results
        for spot, height in zip(result.spots, result.heights, strict=True)
    )
    chosen: list[tuple[int, int]] = []
    for _, spot in found:
        if all(math.dist(spot, other) > 2 * spot_radius for other in chosen):
            chosen.append(spot)
            if len(chosen) == n:
                break
    return chosen


@styled
def draw_profiles(
    name: str,
    image: np.ndarray,
    results: Sequence[Result],
    *,
    spot_radius: float,
    pixel_size_um: float | None = None,
    left_out: int = 0,
) -> Figure:
    """Show rows of pixels through the brightest spots: above grey levels, below foregrounds.

    Parameters
    ----------
    name, image, results, spot_radius, pixel_size_um, left_out
        As `localbg.figures.panels.draw_panels`.

    Returns
    -------
    Figure
        Up to three columns, see `brightest`; in an image without spots one column, through its
        highest foreground. Each shows 20 spot radii, and at least 64 pixels, on both sides.
    """
    found = brightest(results, spot_radius)
    what = "pixel rows through the brightest spots"
    if not found:
        what = "no spots detected: the pixel row through the highest foreground"
        highest = max((r.foreground for r in results), key=np.max)
        y, x = map(int, np.unravel_index(highest.argmax(), highest.shape))
    spots = found or [(y, x)]
    if left_out:
        what += f"; {format_count(left_out, 'more method')} not shown"
    figure = Figure(figsize=(WIDTH, 6.4))
    figure.suptitle(f"{image_title(name, image, pixel_size_um)}; {what}", x=0.055, ha="left")
    grid = figure.subplots(2, len(spots), sharex="col", sharey="row", squeeze=False)
    top = 0.82 if pixel_size_um else 0.88
    figure.subplots_adjust(0.065, 0.085, 0.79, top, wspace=0.06, hspace=0.07)
    for (upper, lower), (y, x) in zip(grid.T, spots, strict=True):
        _profile(upper, lower, image, results, (y, x), spot_radius)
        if pixel_size_um:
            _micrometres(upper, pixel_size_um)
        upper.set_title(f"row y = {y}, {'spot' if found else 'highest'} at x = {x} px")
        lower.set_xlabel("x (px)")
    grid[0, 0].set_ylabel("grey levels")
    grid[1, 0].set_ylabel("foreground, grey levels")
    figure.legend(
        handles=[
            *grid[0, 0].lines[1 : len(results) + 1],
            grid[0, 0].lines[0],
            Line2D([], [], color="0.3", ls="--", lw=0.9, label="thresholds"),
        ],
        loc="upper left",
        bbox_to_anchor=(0.795, top),
        frameon=False,
        handlelength=3,
        labelspacing=0.8,
    )
    return figure


def _profile(upper, lower, image, results, spot, radius):
    y, x = spot
    reach = max(64, math.ceil(20 * radius))
    columns = np.arange(max(0, x - reach), min(image.shape[1], x + reach + 1))
    upper.plot(columns, image[y, columns], color="0.6", lw=1, label="raw image")
    lower.axhline(0, color="0.8", lw=0.8, zorder=0)
    for colour, line, result in zip(COLOURS, LINES, results, strict=False):
        style = {"color": colour, "ls": line, "lw": 1.5}
        label = f"{_wrapped(result.method)}\nthreshold {format_number(result.threshold)}"
        upper.plot(columns, result.background[y, columns], label=label, **style)
        lower.plot(columns, result.foreground[y, columns], label=result.method, **style)
        lower.axhline(result.threshold, color=colour, ls="--", lw=0.9)
    for axes in (upper, lower):
        axes.axvspan(x - radius, x + radius, color="0.9", lw=0, zorder=0)
        axes.set_xlim(columns[0], columns[-1])
    if np.ptp(lower.get_ylim()) < 1e-6:  # a constant image
        lower.set_ylim(-1, 1)


def _micrometres(axes, pixel_size_um):
    scale = (lambda x: x * pixel_size_um, lambda x: x / pixel_size_um)
    axes.tick_params(labelbottom=False)
    axes.secondary_xaxis("top", functions=scale).set_xlabel("x (µm)")


def _wrapped(name):
    return "\n".join(textwrap.wrap(name, 24))
