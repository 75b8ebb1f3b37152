"""Pictures of the images on which a method is worst, for a person to judge whose error it is."""

from __future__ import annotations

import logging
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from known_images import Case
from matplotlib import pyplot
from real_sets import outcome, tally

from detection import found, tallies

WORST = 2  # of each set
DPI, LEAST, ZOOM = 150, 9.0, 2  # inches of the longer side at least; pixels for one of the image

logger = logging.getLogger(__name__)


def draw_poorest(images: list[Case], settings: dict[str, dict], folder: Path) -> list[Path]:
    """Draw, of each set and method, the images with the lowest F1.

    Parameters
    ----------
    images : list of Case
    settings : dict of str to dict
        By method; see `detection.shipped`.
    folder : Path
        Where ``<method>_<set>_<image>.png`` goes.

    Returns
    -------
    list of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for method, setting in settings.items():
        scores = dict(zip(images, tallies(images, setting), strict=True))
        for family in dict.fromkeys(case.family for case in images):
            of_set = [case for case in images if case.family == family]
            for case in sorted(of_set, key=lambda case: scores[case].f1)[:WORST]:
                path = folder / f"{method}_{family}_{case.name}.png"
                draw(case, found(case, setting), path)
                drawn.append(path)
    logger.info("drew %d pictures into %s", len(drawn), folder)
    return drawn


def draw(case: Case, points: np.ndarray, path: Path) -> None:
    """Draw an image with its true spots (circles: blue where missed) and those found (crosses:
    green where they hit, red where they are false, grey where nobody can tell)."""
    hits, false, missed = outcome(case, points)
    # A power keeps dim spots visible beside bright ones; the extremes are cut off.
    low, high = np.percentile(case.image, (1, 99.8))
    shown = ((case.image - low) / max(high - low, 1e-12)).clip(0, 1) ** 0.5
    height, width = shown.shape
    inch = max(LEAST / max(shown.shape), ZOOM / DPI)
    figure, axes = pyplot.subplots(figsize=(inch * width, inch * height + 0.4))
    axes.imshow(shown, cmap="gray", interpolation="nearest")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ring = {"marker": "o", "facecolors": "none", "linewidths": 0.8, "s": 60}
    cross = {"marker": "x", "linewidths": 0.7, "s": 16}
    for positions, style in (
        (case.truth[~missed], ring | {"edgecolors": "white", "alpha": 0.5}),
        (case.truth[missed], ring | {"edgecolors": "deepskyblue"}),
        (case.ignore, ring | {"edgecolors": "gold", "linestyles": "dotted"}),
        (points[hits], cross | {"c": "limegreen"}),
        (points[false], cross | {"c": "red"}),
        (points[~hits & ~false], cross | {"c": "grey"}),
    ):
        axes.scatter(positions[:, 1], positions[:, 0], **style)
    axes.set_axis_off()
    one = tally(case, points)
    axes.set_title(
        f"{case.name}: F1 {one.f1:.2f}; {one.matched} hits (green), {one.false} false (red), "
        f"{one.missed} missed (blue)",
        fontsize=8,
    )
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)
