"""The figure of what each method made of an image: raw, background, foreground, spots."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.lib.stride_tricks import sliding_window_view

from localbg.accuracy import scoring
from localbg.core.text import format_count, format_number
from localbg.figures.style import WIDTH, Result, image_title, styled

# Pixels along an axis that are shown whole; in larger images a spot could not be seen.
WHOLE = 512
WINDOW = 256  # shown of larger ones; more where spots are big
TRUE, FALSE, MISSED = "#56B4E9", "#E66100", "#F748A5"
BESIDE = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}


def grey_range(image: np.ndarray) -> tuple[float, float]:
    """Grey levels shown as black and as white: 0.1 % and 99.9 % of the pixels lie below them."""
    low, high = map(float, np.percentile(image, (0.1, 99.9)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def foreground_limit(results: Sequence[Result]) -> float:
    """Grey level L such that foregrounds are shown from -L to L: 99.9 % of all lie between."""
    values = np.concatenate([np.abs(r.foreground, dtype=np.float32).ravel() for r in results])
    return float(np.percentile(values, 99.9)) or 0.5


def judged(spots: np.ndarray, truth: np.ndarray, tolerance: float) -> dict[str, np.ndarray]:
    """Split spots and truth as `localbg.accuracy.scoring.score_spots` counts them.

    Returns
    -------
    dict of str to ndarray, shape (n, 2)
        ``true`` and ``false`` spots; ``met`` and ``missed`` true positions.
    """
    spots, truth = (np.reshape(points, (-1, 2)) for points in (spots, truth))
    pairs, _ = scoring.match_spots(truth, spots, tolerance)
    met, hit = np.zeros(len(truth), bool), np.zeros(len(spots), bool)
    met[pairs[:, 0]], hit[pairs[:, 1]] = True, True
    return {"true": spots[hit], "false": spots[~hit], "met": truth[met], "missed": truth[~met]}


def window(
    shape: tuple[int, int], results: Sequence[Result], spot_radius: float
) -> tuple[slice, slice]:
    """Rows and columns that panels show: all, or in a large image those with the most spots."""
    if max(shape) <= WHOLE:
        return slice(0, shape[0]), slice(0, shape[1])
    step = math.ceil(max(WINDOW, 40 * spot_radius) / 4)
    spots = np.vstack([r.spots for r in results])
    edges = [np.arange(0, n + step, step) for n in shape]
    found = np.pad(np.histogram2d(spots[:, 0], spots[:, 1], bins=edges)[0], (0, 3))
    inside = sliding_window_view(found, (4, 4)).sum((2, 3))
    corner = np.unravel_index(inside.argmax(), inside.shape)
    starts = [max(0, min(int(i) * step, n - 4 * step)) for i, n in zip(corner, shape, strict=True)]
    return tuple(slice(i, min(i + 4 * step, n)) for i, n in zip(starts, shape, strict=True))


@styled
def draw_panels(
    name: str,
    image: np.ndarray,
    results: Sequence[Result],
    *,
    spot_radius: float,
    pixel_size_um: float | None = None,
    truth: np.ndarray | None = None,
    left_out: int = 0,
) -> Figure:
    """Show raw image, background, foreground and spots, one row per method.

    Parameters
    ----------
    name : str
        Id of the image.
    image : ndarray, 2-D
    results : sequence of Result
        At least one and at most `MAX_METHODS`.
    spot_radius : float
        Pixels: radius of the rings, and how far a spot may lie from its true place.
    pixel_size_um : float, optional
        Gives a scale bar.
    truth : ndarray, shape (n, 2), optional
        True positions y, x.
    left_out : int
        Number of methods that are not shown; the title tells.

    Returns
    -------
    Figure
        Raw image, background and spots share one range of grey levels, all foregrounds another,
        symmetric around 0. Of images larger than `WHOLE` the part with the most spots is shown,
        and the first column shows where it lies; counts are those of the whole image.
    """
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    view = window(image.shape, results, spot_radius)
    low, high = grey_range(image)
    limit = foreground_limit(results)
    grey = {"cmap": "gray", "vmin": low, "vmax": high}
    signed = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    notes = []
    if view != whole:
        notes.append(f"Shown: {_described(view)}, outlined at the left. Counts: the whole image.")
    if left_out:
        notes.append(f"{format_count(left_out, 'more method')} not shown.")
    title = image_title(name, image, pixel_size_um)
    figure, rows, bars = _panel_axes(title, " ".join(notes), len(results), _aspect(view))
    for axes, result in zip(rows, results, strict=True):
        raw, background, foreground, overlay = axes
        show(raw, image, whole, **grey)
        show(background, result.background, view, **grey)
        coloured = show(foreground, result.foreground, view, **signed)
        shades = show(overlay, image, view, **grey)
        if view != whole:
            raw.add_patch(_outline(view))
        _mark_spots(overlay, result.spots, truth, spot_radius)
        method = raw.annotate(result.method, (0, 1), (0, 6), weight="bold", **BESIDE)
        raw.annotate(result.text, (1, 0), (8, 0), **BESIDE | {"xycoords": method})
    for axes, what in zip(rows[0], ("raw", "background", "foreground", "spots"), strict=True):
        axes.set_title(what, pad=26)
    if pixel_size_um:
        for axes in (rows[0][0], rows[0][3]):
            _scale_bar(axes, pixel_size_um)
    bar = figure.colorbar(shades, cax=bars[0], orientation="horizontal", extend="both")
    bar.set_label(
        "grey levels of raw, background, spots: "
        f"{format_number(low)} to {format_number(high)} (0.1 to 99.9 % of raw)"
    )
    bar = figure.colorbar(coloured, cax=bars[1], orientation="horizontal", extend="both")
    bar.set_label(f"foreground, grey levels: ±{format_number(limit)} (99.9 % of all foregrounds)")
    return figure


def _described(view):
    rows, columns = view
    return f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"


def _aspect(view):
    height, width = (part.stop - part.start for part in view)
    return min(max(height / width, 0.3), 2.0)


def _panel_axes(title, note, n_rows, aspect):
    """Axes in inches: rows of four panels with a line of text above each, two bars below."""
    left, right, gap, header, above, below = 0.65, 1.6, 0.12, 0.42, 1.1, 1.2
    side = (WIDTH - left - right - 3 * gap) / 4
    step = side * aspect + header
    height = above + n_rows * step - header + below
    figure = Figure(figsize=(WIDTH, height))
    figure.text(left / WIDTH, 1 - 0.12 / height, title, fontsize=12, va="top")
    figure.text(left / WIDTH, 1 - 0.38 / height, note, va="top")

    def axes(column, y, width, tall):
        x = left + column * (side + gap)
        return figure.add_axes((x / WIDTH, y / height, width / WIDTH, tall / height))

    rows = []
    for row in range(n_rows):
        y = height - above - row * step - side * aspect
        rows.append([axes(column, y, side, side * aspect) for column in range(4)])
        for panel in rows[-1][1:]:
            panel.tick_params(labelleft=False)
        for panel in rows[-1]:
            panel.tick_params(labelbottom=row == n_rows - 1, length=2)
        rows[-1][0].set_ylabel("y (px)")
    for panel in rows[-1]:
        panel.set_xlabel("x (px)")
    bars = [axes(column, 0.5, 2 * side, 0.12) for column in (0, 2)]
    return figure, rows, bars


def show(axes: Axes, pixels: np.ndarray, view: tuple[slice, slice], **colours) -> AxesImage:
    """Draw a part of an image; what has more pixels than the panel is thinned out first."""
    rows, columns = view
    step = math.ceil(max(rows.stop - rows.start, columns.stop - columns.start) / (2 * WHOLE))
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    part = pixels[rows.start : rows.stop : step, columns.start : columns.stop : step]
    axes.set_anchor("NW")
    return axes.imshow(part, extent=extent, interpolation="nearest", **colours)


def _outline(view):
    rows, columns = view
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return Rectangle(corner, *size, fill=False, edgecolor=FALSE, linewidth=1.5)


def _mark_spots(axes, spots, truth, radius):
    """Ring each spot and cross each true place; the legend counts them."""
    if truth is None:
        rings(axes, spots, radius, TRUE)
        handles = [_key("o", TRUE, f"found: {len(spots)}")]
    else:
        found = judged(spots, truth, radius)
        rings(axes, found["true"], radius, TRUE)
        rings(axes, found["false"], radius, FALSE)
        # The cross of a spot that was found fits into its ring.
        _crosses(axes, found["met"], TRUE, size=min(1.2 * _in_points(radius, axes), 4))
        _crosses(axes, found["missed"], MISSED, size=5)
        handles = [
            _key("o", TRUE, f"true positives: {len(found['true'])}"),
            _key("o", FALSE, f"false positives: {len(found['false'])}"),
            _key("+", MISSED, f"missed: {len(found['missed'])}"),
            _key("", "none", f"true spots: {len(truth)}"),
        ]
    axes.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        handletextpad=0.3,
    )


def _key(marker, colour, label):
    return Line2D(
        [], [], marker=marker, color=colour, label=label, ls="", ms=8, mew=1.6, mfc="none"
    )


def rings(axes: Axes, points: np.ndarray, radius: float, colour: str) -> None:
    """Ring places y, x at a radius in pixels."""
    drawn = EllipseCollection(
        widths=np.full(len(points), 2 * radius),
        heights=np.full(len(points), 2 * radius),
        angles=np.zeros(len(points)),
        units="xy",
        offsets=points[:, ::-1],
        offset_transform=axes.transData,
        facecolors="none",
        edgecolors=colour,
        linewidths=min(max(0.4 * _in_points(radius, axes), 0.6), 1.2),
    )
    axes.add_collection(drawn, autolim=False)


def _crosses(axes, points, colour, size):
    marks = {"marker": "+", "ls": "", "color": colour, "ms": size, "mew": 0.2 * size}
    axes.plot(points[:, 1], points[:, 0], **marks, scalex=False, scaley=False)


def _in_points(pixels, axes):
    """Length on paper of a number of image pixels."""
    x0, x1 = axes.get_xlim()
    return pixels * axes.get_position().width * axes.figure.get_figwidth() * 72 / (x1 - x0)


def _scale_bar(axes, pixel_size_um):
    """A bar of a round length, about a quarter of the panel, in the lower right corner."""
    x0, x1 = axes.get_xlim()
    y1, y0 = axes.get_ylim()
    length = _round_down((x1 - x0) * pixel_size_um / 4)
    right, y = x1 - 0.05 * (x1 - x0), y1 - 0.06 * (y1 - y0)
    ends = right - length / pixel_size_um, right
    stroke = [withStroke(linewidth=4, foreground="black")]
    axes.plot(ends, (y, y), color="white", lw=2, path_effects=stroke, scalex=False, scaley=False)
    axes.annotate(
        f"{format_number(length)} µm",
        (sum(ends) / 2, y),
        (0, 4),
        textcoords="offset points",
        ha="center",
        color="white",
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )


def _round_down(length):
    scale = 10 ** math.floor(math.log10(length))
    return max(step for step in (1, 2, 5) if step * scale <= length) * scale
