"""Figure of the recommendation: what each criterion says of each method, with intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from localbg.core.colours import COLOURS
from localbg.core.text import format_count
from localbg.figures.style import WIDTH, styled
from localbg.ranking.criteria import KINDS, Criterion

MAX_ROWS = 30  # methods that are shown
CHARACTERS = 150  # that fit side by side under the panels
DOUBTED = COLOURS[5]
MAX_DOUBTS = 3  # that are told below the panels


@styled
def draw_recommendation(rows: Sequence[dict], criteria: Sequence[Criterion]) -> Figure:
    """Show each method's scores in the order of the recommendation.

    Parameters
    ----------
    rows : sequence of dict
        As `localbg.ranking.recommendation.recommend` gives them.
    criteria : sequence of localbg.ranking.criteria.Criterion
        What they come from.

    Returns
    -------
    Figure
        A panel for each criterion, the strongest first: dots are scores, bars their 95 %
        intervals. Methods without a real difference from the best are blue, or orange where they
        are not to be trusted on every image, which is said below; the others are grey.
    """
    criteria = sorted((c for c in criteria if c.scores), key=lambda c: KINDS.index(c.kind))
    shown = rows[:MAX_ROWS]
    faults = _faults(rows)
    height = 2.4 + 0.36 * len(shown) + 0.2 * len(faults)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    if not criteria:
        figure.text(0.02, 0.9, "Nothing but counts is known", fontsize=12, weight="bold", va="top")
        figure.text(0.02, 0.7, rows[0]["would_settle"] if rows else "No methods", va="top")
        return figure
    panels = figure.subplots(1, len(criteria), sharey=True, squeeze=False)[0]
    places = -np.arange(len(shown))
    for panel, one in zip(panels, criteria, strict=True):
        for place, row in zip(places, shown, strict=True):
            estimate, low, high = one.scores.get(row["method"], (np.nan,) * 3)
            colour = DOUBTED if row.get("not_on") else COLOURS[0]
            colour = colour if row["rank"] == 1 else "0.55"
            panel.plot([low, high], [place, place], color=colour, lw=2.5, solid_capstyle="butt")
            panel.plot([estimate], [place], "o", color=colour, ms=7)
        better = "higher" if one.higher_is_better else "lower"
        where = format_count(one.n_images, "image") if one.n_images else ""
        panel.set_title(f"{one.kind}{f': {where}' if where else ''}", loc="left", weight="bold")
        label = f"{one.measure}; {better} is better"
        panel.set_xlabel(textwrap.fill(label, CHARACTERS // len(criteria)))
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.grid(axis="x", color="0.9")
        panel.set_axisbelow(True)
        panel.tick_params(axis="y", length=0)
    panels[0].set_yticks(places, [f"{row['rank']}  {row['method']}" for row in shown])
    panels[0].set_ylim(places[-1] - 0.6, 0.6)
    for label, row in zip(panels[0].get_yticklabels(), shown, strict=True):
        label.set_weight("bold" if row["recommendation"].startswith("recommended") else "normal")
    left_out = len(rows) - len(shown)
    more = f"; {left_out} more are in the table" if left_out else ""
    figure.suptitle(_title(shown) + more, x=0.02, ha="left", fontsize=12, weight="bold")
    if faults:
        words = {"x": 0.02, "ha": "left", "color": DOUBTED, "fontsize": 10}
        figure.supxlabel("\n".join(faults), **words)
    return figure


def _faults(rows):
    """Where not to trust methods that are as good as the best over all images, a line for each."""
    lines = [
        f"Do not trust {row['method']} on {row['not_on']}"
        for row in rows
        if row["rank"] == 1 and row.get("not_on")
    ]
    left_out = len(lines) - MAX_DOUBTS
    more = [f"… nor {format_count(left_out, 'more method')}: see the table"] if left_out > 0 else []
    return [textwrap.shorten(line, CHARACTERS - 20, placeholder=" …") for line in lines][
        :MAX_DOUBTS
    ] + more


def _title(rows):
    first = rows[0]
    equal = [row for row in rows[1:] if row["rank"] == 1]
    ties = sum(not row.get("not_on") for row in equal)
    if not first["recommendation"].startswith("recommended"):
        return "No method can be recommended"
    found = f"Recommended: {first['method']}"
    if ties:
        return f"{found}, with no real difference from {format_count(ties, 'other method')}"
    if equal:
        return f"{found}, of equals the one with the fewest images on which not to trust it"
    return f"{found}, better than all others"
