"""What the figures share: style, words and numbers, and the figure of a failed image.

Figures are made without pyplot, which would load a window system and keep every figure in memory.
"""

from __future__ import annotations

import functools
import os
import textwrap
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from localbg.core import files
from localbg.core.text import format_number

STYLE = {"font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9, "legend.fontsize": 9}

WIDTH = 12.0  # inches; about 1,200 pixels in the report
DPI = 130
MAX_METHODS = 8  # that a figure of one image shows


@dataclass(frozen=True)
class Result:
    """What one method made of an image.

    Attributes
    ----------
    method, text : str
        Name of the method, and its parameters as people read them.
    background, foreground : ndarray, 2-D
    threshold : float
        Grey levels of the foreground.
    spots : ndarray, shape (n, 2)
        Positions y, x in pixels.
    heights : ndarray, shape (n,)
        Highest foreground of each spot, grey levels.
    """

    method: str
    text: str
    background: np.ndarray
    foreground: np.ndarray
    threshold: float
    spots: np.ndarray
    heights: np.ndarray


def styled(draw):
    """Draw with the fonts of all our figures, and leave the caller's settings alone."""

    @functools.wraps(draw)
    def styled_draw(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled_draw


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Write a figure as PNG, whole or not at all; the same bytes for the same figure."""
    with files.whole(path) as beside:
        figure.savefig(beside, dpi=DPI, format="png", metadata={"Software": None})


def image_title(name: str, image: np.ndarray, pixel_size_um: float | None) -> str:
    """What every figure of an image is headed with."""
    height, width = image.shape
    title = f"{name}: {height} × {width} px"
    return f"{title}, {format_number(pixel_size_um)} µm per px" if pixel_size_um else title


def plain(text: str) -> str:
    """Text as matplotlib shows it letter by letter: dollars are no formulas."""
    return text.replace("$", r"\$")


@styled
def draw_failure(name: str, reason: str) -> Figure:
    """Say in words that an image failed, and why."""
    lines = textwrap.wrap(plain(reason), 100)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.22 * len(lines)))
    figure.text(
        0.03, 0.92, f"{name}: failed", fontsize=14, weight="bold", color="#B03A00", va="top"
    )
    figure.text(0.03, 1 - 0.65 / figure.get_figheight(), "\n".join(lines), fontsize=11, va="top")
    return figure
