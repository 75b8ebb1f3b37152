"""Figure of a proposal: the spots that were sized, and what each filter would make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from localbg.core.colours import COLOURS
from localbg.core.text import format_count, format_number
from localbg.figures.panels import TRUE, foreground_limit, grey_range, rings, show, window
from localbg.figures.style import WIDTH, Result, styled
from localbg.suggest import proposal
from localbg.suggest.proposal import Blobs, Radius

MOST_PROFILED = 500  # blobs of the image
REACH = 3  # radii to which a profile goes
MOST_IMAGES = 16  # whose radii are drawn
LONGEST_NAME = 24  # characters that are shown
QUARTILES = (25, 50, 75)
# Inches.
LEFT, RIGHT, GAP, TOP, ABOVE, ROOM, BELOW = 0.4, 0.3, 0.85, 0.75, 0.55, 0.35, 1.0


def typical(found: Sequence[Blobs], judged: Radius) -> int:
    """Which image to show: that whose radius is nearest to the proposed one; of equals the one with
    the most blobs."""
    known = [i for i, one in enumerate(found) if len(one.radii)]
    return min(known, key=lambda i: (abs(found[i].radius - judged.pixels), -len(found[i].radii)))


def profile(image: np.ndarray, found: Blobs) -> tuple[np.ndarray, np.ndarray]:
    """How grey levels fall off around blobs.

    Parameters
    ----------
    image : ndarray, 2-D
        Spots are bright.
    found : Blobs
        Its blobs; at least one.

    Returns
    -------
    distances : ndarray of float, shape (n,)
        Pixels from the middle, a pixel apart.
    amplitudes : ndarray of float, shape (3, n)
        Lower quartile, median and upper quartile over the blobs of the mean around each, as a
        share of its amplitude in the middle; 0 is the lowest within three radii.
    """
    reach = math.ceil(REACH * found.radius)
    around = np.arange(-reach, reach + 1)
    ring = np.rint(np.hypot(around[:, None], around)).astype(int)
    inside = ring <= reach
    number_in = np.bincount(ring[inside])
    padded = np.pad(np.asarray(image, float), reach, mode="edge")
    shares = []
    for y, x in np.rint(found.places[:MOST_PROFILED]).astype(int):
        part = padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
        means = np.bincount(ring[inside], part[inside]) / number_in
        if means[0] > means.min():
            shares.append((means - means.min()) / (means[0] - means.min()))
    shares = np.reshape(shares, (-1, reach + 1))
    heights = np.percentile(shares, QUARTILES, axis=0) if len(shares) else np.full((3, 0), np.nan)
    return np.arange(heights.shape[1], dtype=float), heights


def try_out(
    image: np.ndarray, found: Blobs, proposed: Mapping[str, Mapping], *, sigma: float
) -> tuple[np.ndarray, list[Result]]:
    """What the proposed filters make of an image.

    Parameters
    ----------
    image : ndarray, 2-D
        Spots are bright.
    found : Blobs
        Its blobs; at least one.
    proposed : mapping of str to mapping
        By method, what `localbg.suggest.proposal.choose_size` gives.
    sigma : float
        Of the denoising filter, in spot radii.

    Returns
    -------
    denoised : ndarray of float32
    results : list of Result
        One for each method, without a threshold.
    """
    radius = found.radius
    quiet = proposal.denoised(image, radius, sigma)
    results = []
    for method, row in proposed.items():
        name, size = row["filter"], row["multiple"] * radius
        below = proposal.background(quiet, radius, name, row["multiple"])
        words = (
            f"{name}, {proposal.SIZES[name]} {row['multiple']:g}x = {format_number(size)} px;  "
            f"on all images {row['spots_left']:.0%} of the spots' amplitude in the background, "
            f"{row['structure_lost']:.0%} of it missed beside them"
            + ("" if row["suits"] else ";  does not suit these images")
        )
        places, nothing = found.places, np.zeros(len(found.places))
        results.append(Result(method, words, below, quiet - below, 0.0, places, nothing))
    return quiet, results


@styled
def draw_proposal(
    names: Sequence[str],
    images: Sequence[np.ndarray],
    found: Sequence[Blobs],
    judged: Radius,
    proposed: Mapping[str, Mapping],
    *,
    sigma: float,
) -> Figure:
    """Show the typical image with its blobs, their size, and what the proposed filters make of it.

    Parameters
    ----------
    names : sequence of str
        Ids of the images.
    images : sequence of ndarray
        Spots are bright.
    found : sequence of Blobs
        Of each image.
    judged : Radius
    proposed : mapping of str to mapping
        By method, what `localbg.suggest.proposal.choose_size` gives; empty where there are no
        blobs.
    sigma : float
        Of the denoising filter, in spot radii.

    Returns
    -------
    Figure
        Image and backgrounds share one range of grey levels, all foregrounds another, symmetric
        around 0. Rings have the radius of the image that is shown. Of a large image the part with
        the most blobs is shown.
    """
    if not proposed:
        figure = Figure(figsize=(WIDTH, 1.4))
        figure.text(0.02, 0.8, f"Spot radius unknown: {judged.why}", fontsize=12, weight="bold")
        figure.text(0.02, 0.4, "Give spot_radius from what you know of the spots.")
        return figure
    chosen = typical(found, judged)
    image, blobs = images[chosen], found[chosen]
    quiet, results = try_out(image, blobs, proposed, sigma=sigma)
    view = window(image.shape, results, blobs.radius)
    low, high = grey_range(image)
    limit = foreground_limit(results)
    grey = {"cmap": "gray", "vmin": low, "vmax": high}
    signed = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    aspect = min(max((view[0].stop - view[0].start) / (view[1].stop - view[1].start), 0.4), 1.5)
    figure, axes, bars = _panels(len(results) + 1, aspect)
    size = f"{format_count(len(blobs.radii), 'blob')}, radius {format_number(blobs.radius)} px"
    title = f"Proposed spot radius: {format_number(judged.pixels)} px ({judged.sureness})"
    top = 1 - 0.12 / figure.get_figheight()
    figure.suptitle(title, x=LEFT / WIDTH, y=top, ha="left", va="top", weight="bold")
    show(axes[0][0], image, view, **grey)
    rings(axes[0][0], blobs.places, blobs.radius, TRUE)
    axes[0][0].set_title(f"{_short(names[chosen])}: {size}", loc="left")
    _fall_off(axes[0][1], image, blobs)
    _radii(axes[0][2], names, found, judged)
    for row, result in zip(axes[1:], results, strict=True):
        drawn = show(row[0], quiet, view, **grey)
        show(row[1], result.background, view, **grey)
        coloured = show(row[2], result.foreground, view, **signed)
        row[0].set_title(f"{result.method}: {result.text}", loc="left")
        row[0].set_xlabel("denoised image")
        row[1].set_xlabel("its background: should have no spots, all structure")
        row[2].set_xlabel("the foreground: should have spots, no structure")
    for panel in [axes[0][0], *(panel for row in axes[1:] for panel in row)]:
        panel.set_xticks([])
        panel.set_yticks([])
    bar = figure.colorbar(drawn, cax=bars[0], orientation="horizontal", extend="both")
    bar.set_label(
        f"image and backgrounds, grey levels: {format_number(low)} to {format_number(high)}"
    )
    bar = figure.colorbar(coloured, cax=bars[1], orientation="horizontal", extend="both")
    bar.set_label(f"foreground, grey levels: ±{format_number(limit)}")
    return figure


def _panels(n_rows, aspect):
    """Axes in inches: rows of three panels with a title above each, two bars below."""
    side = (WIDTH - LEFT - RIGHT - 2 * GAP) / 3
    steps = [TOP + row * (side * aspect + ABOVE) + (ROOM if row else 0) for row in range(n_rows)]
    height = steps[-1] + side * aspect + BELOW
    figure = Figure(figsize=(WIDTH, height))

    def axes(column, down, tall, columns=1):
        x, wide = LEFT + column * (side + GAP), columns * side + (columns - 1) * GAP
        return figure.add_axes(
            (x / WIDTH, (height - down - tall) / height, wide / WIDTH, tall / height)
        )

    rows = [[axes(column, step, side * aspect) for column in range(3)] for step in steps]
    bars = [axes(0, height - 0.65, 0.12, columns=2), axes(2, height - 0.65, 0.12)]
    return figure, rows, bars


def _short(name):
    # Ends tell names apart as often as beginnings do.
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def _fall_off(axes, image, blobs):
    """The profile of the image's blobs, with their radius and its quartiles."""
    distances, (lower, middle, upper) = profile(image, blobs)
    axes.axvspan(*blobs.quartiles, color=TRUE, alpha=0.25, lw=0)
    axes.axvline(blobs.radius, color=TRUE, lw=2)
    axes.fill_between(distances, lower, upper, color="0.8", lw=0)
    axes.plot(distances, middle, "o-", color="0.2", ms=4)
    axes.set_title("how spots fall off; blue: the radius", loc="left")
    axes.set_xlabel("distance from the middle (px)")
    axes.set_ylabel("share of the amplitude")
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)


def _radii(axes, names, found, judged):
    """The radius of each image with its quartiles, and the one proposed."""
    known = [(name, one) for name, one in zip(names, found, strict=True) if len(one.radii)]
    left_out = len(known) - MOST_IMAGES
    known = known[:MOST_IMAGES]
    for place, (name, one) in enumerate(known):
        low, high = one.quartiles
        where = {"transform": axes.get_yaxis_transform(), "va": "bottom", "fontsize": 8}
        axes.text(0.01, 0.1 - place, _short(name), **where)
        axes.plot([low, high], [-place, -place], color=COLOURS[0], lw=2.5, solid_capstyle="butt")
        axes.plot([one.radius], [-place], "o", color=COLOURS[0], ms=6)
    axes.axvline(judged.pixels, color="0.3", ls="--", lw=1)
    axes.set_yticks([])
    axes.set_ylim(-len(known) + 0.5, 0.9)
    axes.set_xlim(left=0)
    more = f"; {left_out} more" if left_out > 0 else ""
    axes.set_title(f"radius of each image; dashed: proposed{more}", loc="left")
    axes.set_xlabel("radius (px); bars: the middle half of the blobs")
    axes.spines[["top", "right"]].set_visible(False)
