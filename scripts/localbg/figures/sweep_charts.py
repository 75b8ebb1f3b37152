"""Figure of a sweep: count, and F1 or recovery where known, over the swept parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from localbg.comparison.sweeps import Line, in_order
from localbg.core.colours import COLOURS
from localbg.core.text import format_number
from localbg.figures.style import WIDTH, styled

# Beyond these, a figure is no longer read; the table has all rows.
MAX_ROWS = 6
MAX_CELLS_WITH_NUMBERS = 150


@dataclass(frozen=True)
class Measure:
    """What is shown over the swept parameters: a score and its interval for each method."""

    name: str
    scores: Mapping[str, tuple[float, float, float]]
    limits: tuple[float | None, float | None] = (0, None)


@styled
def draw_sweep(
    name: str,
    axes: Mapping[str, Mapping[str, str]],
    measures: Sequence[Measure],
    lines: Sequence[Line],
    plateaus: Mapping[str, tuple[str, str]],
) -> Figure:
    """Show measures over the swept parameters of one sweep.

    Parameters
    ----------
    name : str
        Of the sweep.
    axes : mapping
        By method, by parameter: the value as text.
    measures : sequence of Measure
    lines : sequence of localbg.comparison.sweeps.Line
        Of this sweep.
    plateaus : mapping of str to (str, str)
        First and last value, by parameter, where it is the only one.

    Returns
    -------
    Figure
        Curves over one parameter; heat maps over the first two, with a row for each combination of
        the others.
    """
    parameters = list(next(iter(axes.values())))
    if len(parameters) == 1:
        return _curves(name, parameters[0], axes, measures, lines, plateaus)
    return _maps(name, parameters, axes, measures)


def _curves(name, parameter, axes, measures, lines, plateaus):
    width = min(WIDTH, 1 + 4.5 * len(measures))
    figure = Figure(figsize=(width, 4), layout="constrained")
    figure.suptitle(f"{name} over {parameter}", x=0.02, ha="left")
    line = lines[0] if lines else None
    methods = line.methods if line else list(axes)
    places = line.values if line else list(range(len(methods)))
    for panel, measure in zip(_panels(figure, 1, len(measures))[0], measures, strict=True):
        scores = np.array([measure.scores.get(method, (np.nan,) * 3) for method in methods])
        panel.plot(places, scores[:, 0], "o-" if line else "o", color=COLOURS[0], ms=5)
        if line:
            panel.fill_between(places, *scores[:, 1:].T, color=COLOURS[0], alpha=0.2, lw=0)
        else:  # Nothing lies between words.
            panel.vlines(places, *scores[:, 1:].T, color=COLOURS[0], alpha=0.4, lw=3)
            panel.margins(x=0.2)
        if parameter in plateaus:
            texts = dict(zip(line.texts, line.values, strict=True))
            start, end = (texts[text] for text in plateaus[parameter])
            panel.axvspan(start, end, color=COLOURS[1], alpha=0.15, lw=0)
            label = "count changes by 10 % at most"
            panel.text(start, 1.01, label, transform=panel.get_xaxis_transform(), va="bottom")
        panel.set_ylim(*measure.limits)
        panel.set_ylabel(measure.name)
        panel.set_xlabel(parameter)
        if line:
            panel.set_xscale("log")
        panel.set_xticks(places, [axes[method][parameter] for method in methods])
        panel.minorticks_off()
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _maps(name, parameters, axes, measures):
    down, across, *others = parameters
    values = {key: in_order(of[key] for of in axes.values()) for key in parameters}
    texts = {key: [text or "without" for text in of_key] for key, of_key in values.items()}
    cells: dict[str, dict[tuple[int, int], str]] = {}
    for method, of in axes.items():
        fixed = ", ".join(f"{key} {of[key]}" for key in others if of[key])
        place = values[down].index(of[down]), values[across].index(of[across])
        cells.setdefault(fixed, {})[place] = method
    shown = dict(list(cells.items())[:MAX_ROWS])
    shape = len(values[down]), len(values[across])
    size = min(WIDTH, len(measures) * max(3.2, 1.6 + 0.62 * shape[1]))
    height = len(shown) * max(2.4, 1.2 + 0.42 * shape[0])
    figure = Figure(figsize=(size, height), layout="constrained")
    left_out = len(cells) - len(shown)
    more = f"; {left_out} more combinations are in the tables" if left_out else ""
    figure.suptitle(f"{name} over {down} and {across}{more}", x=0.02, ha="left")
    panels = _panels(figure, len(shown), len(measures))
    for row, (fixed, places) in enumerate(shown.items()):
        for panel, measure in zip(panels[row], measures, strict=True):
            image = np.full(shape, np.nan)
            for place, method in places.items():
                image[place] = measure.scores.get(method, (np.nan,))[0]
            everything = [score[0] for m, score in measure.scores.items() if m in axes]
            _heat_map(figure, panel, image, measure, everything)
            panel.set_xticks(range(shape[1]), texts[across], rotation=45 if shape[1] > 6 else 0)
            panel.set_yticks(range(shape[0]), texts[down])
            panel.set_xlabel(across)
            panel.set_ylabel(down)
            panel.set_title(f"{measure.name}{f'; {fixed}' if fixed else ''}", loc="left")
    return figure


def _heat_map(figure, panel, image, measure, everything):
    known = [value for value in everything if np.isfinite(value)] or [0, 1]
    low, high = measure.limits
    low, high = min(known) if low is None else low, max(known) if high is None else high
    shown = panel.imshow(image, cmap="viridis", vmin=low, vmax=max(high, low + 1e-9), aspect="auto")
    figure.colorbar(shown, ax=panel, shrink=0.9)
    panel.tick_params(length=0)
    if image.size <= MAX_CELLS_WITH_NUMBERS:
        for (i, j), value in np.ndenumerate(image):
            if np.isfinite(value):
                bright = value > (low + high) / 2
                colour = "black" if bright else "white"
                panel.text(j, i, format_number(value), ha="center", va="center", color=colour)


def _panels(figure, rows, columns):
    return figure.subplots(rows, columns, squeeze=False)
