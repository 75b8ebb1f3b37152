"""Sweeps: how the count depends on a parameter, and where it hardly does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localbg.core import bootstrap
from localbg.core.parameters import split_unit

# By how much the count may change along a plateau, highest over lowest.
TOLERANCE = 1.1


@dataclass(frozen=True)
class Line:
    """Methods of a sweep along one parameter, all others alike.

    Attributes
    ----------
    sweep, parameter : str
    fixed : str
        The other swept parameters with their values, in words.
    methods : list of str
        By increasing value.
    values : list of float
        Without their unit.
    texts : list of str
        As they stand in the config.
    """

    sweep: str
    parameter: str
    fixed: str
    methods: list[str]
    values: list[float]
    texts: list[str]


def axes(settings: Iterable[Mapping]) -> dict[str, dict[str, dict[str, str]]]:
    """Values of the swept parameters: by sweep, by method, by parameter; sweeps of several methods.

    Parameters
    ----------
    settings : iterable of mappings
        Rows of methods.csv. A parameter that two steps have is named with its step.

    Returns
    -------
    dict
        Methods are ordered by their values, the last parameter changing fastest. A parameter that
        a method does not take, such as that of another rule, is empty.
    """
    rows = [row for row in settings if row["parameter"]]
    steps: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        steps.setdefault((row["sweep"], row["parameter"]), set()).add(row["step"])
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        name = row["parameter"]
        if len(steps[row["sweep"], name]) > 1:
            name = f"{row['step']} {name}"
        of_method = found.setdefault(row["sweep"], {}).setdefault(row["method"], {})
        of_method[name] = str(row["value"])
    return {sweep: _ordered(methods) for sweep, methods in found.items() if len(methods) > 1}


def _ordered(methods):
    parameters = dict.fromkeys(itertools.chain(*methods.values()))
    methods = {name: {key: of.get(key, "") for key in parameters} for name, of in methods.items()}
    order = {key: in_order(values[key] for values in methods.values()) for key in parameters}

    def place(method):
        return [order[key].index(methods[method][key]) for key in parameters]

    return {method: methods[method] for method in sorted(methods, key=place)}


def in_order(texts: Iterable[str]) -> list[str]:
    """Values of a parameter without repeats: numbers by size, words as they come, none first."""
    texts = sorted(dict.fromkeys(texts), key=bool)
    try:
        return sorted(texts, key=lambda text: split_unit(_as_number(text))[0] if text else -np.inf)
    except ValueError:
        return texts


def find_lines(settings: Iterable[Mapping]) -> list[Line]:
    """All lines of two methods or more along a parameter whose values are positive numbers."""
    found = []
    for sweep, methods in axes(settings).items():
        for parameter in dict.fromkeys(itertools.chain(*methods.values())):
            alike: dict[str, list[tuple[float, str, str]]] = {}
            units = set()
            for method, values in methods.items():
                try:
                    number, unit = split_unit(_as_number(values[parameter]))
                except ValueError:
                    continue
                units.add(unit)
                others = (f"{key} {v}" for key, v in values.items() if v and key != parameter)
                if number > 0:  # 0 switches something off: no point on a scale of ratios
                    point = (number, method, values[parameter])
                    alike.setdefault(", ".join(others), []).append(point)
            if len(units) > 1:
                continue
            for fixed, points in alike.items():
                if len(points) > 1:
                    values, names, texts = map(list, zip(*sorted(points), strict=True))
                    found.append(Line(sweep, parameter, fixed, names, values, texts))
    return found


def _as_number(text):
    try:
        return float(text)
    except ValueError:
        return text


def measure_slopes(values: Sequence[float], counts: np.ndarray) -> np.ndarray:
    """How strongly a count depends on a parameter.

    Parameters
    ----------
    values : sequence of float
        Of the parameter, increasing, greater than 0.
    counts : ndarray, shape (..., len(values))

    Returns
    -------
    ndarray, same shape
        Change of the count's logarithm per change of the parameter's, without sign, between a
        value's neighbours: 1 means that 1 % more of the parameter changes the count by 1 %. NaN
        where no spot is found: nothing is stable at 0.
    """
    # Half a spot is added, so that 0 has a logarithm.
    x, counts = np.log(np.asarray(values, float)), np.asarray(counts, float)
    last = len(x) - 1
    below, above = np.maximum(np.arange(last + 1) - 1, 0), np.minimum(np.arange(last + 1) + 1, last)
    logarithm = np.log(counts + 0.5)
    change = np.abs(logarithm[..., above] - logarithm[..., below]) / (x[above] - x[below])
    return np.where(counts > 0, change, np.nan)


def find_plateau(values: Sequence[float], counts: Sequence[float]) -> tuple[int, int] | None:
    """The widest range of a parameter in which the count hardly changes.

    Parameters
    ----------
    values : sequence of float
        Increasing, greater than 0.
    counts : sequence of float

    Returns
    -------
    (int, int) or None
        First and last index. The highest count is at most `TOLERANCE` times the lowest, which is
        not 0, and the ratio of the last to the first value is the largest there is. None where no
        two neighbours qualify.
    """
    best, widest = None, 1.0
    for first, last in itertools.combinations(range(len(values)), 2):
        inside = counts[first : last + 1]
        width = values[last] / values[first]
        if width > widest and 0 < max(inside) <= TOLERANCE * min(inside):
            best, widest = (first, last), width
    return best


def measure_stability(
    settings: Iterable[Mapping], methods: Sequence[str], counts: np.ndarray, *, seed: int
) -> list[dict]:
    """Count and its slope along every line of the sweeps.

    Parameters
    ----------
    settings : iterable of mappings
        Rows of methods.csv.
    methods : sequence of str
    counts : ndarray, shape (images, methods)
        Spots of each image that did not fail.
    seed : int
        Of the resampling of images.

    Returns
    -------
    list of dict
        Rows of stability.csv.
    """
    rows = []
    if not len(counts):
        return rows
    settings = [row for row in settings if row["method"] in methods]
    # A resample is one image short: see `bootstrap.sums`.
    drawn = bootstrap.sums(counts, seed=seed) * len(counts) / max(len(counts) - 1, 1)
    means = bootstrap.means(counts, seed=seed)
    column = {method: k for k, method in enumerate(methods)}
    for line in find_lines(settings):
        chosen = [column[method] for method in line.methods]
        total = counts[:, chosen].sum(axis=0)
        slope, chance = (
            measure_slopes(line.values, total),
            measure_slopes(line.values, drawn[:, chosen]),
        )
        level = find_plateau(line.values, total)
        for k, method in enumerate(line.methods):
            ends = ["", ""] if level is None else [line.texts[i] for i in level]
            wide = 1.0 if level is None else line.values[level[1]] / line.values[level[0]]
            _, low, high = means[chosen[k]]
            known = len(counts) > 1
            ends_of_slope = bootstrap.interval(chance[:, k]) if known else (np.nan, np.nan)
            rows.append(
                {"sweep": line.sweep, "parameter": line.parameter, "fixed": line.fixed}
                | {"value": line.texts[k], "method": method}
                | {"count_mean": float(total[k] / len(counts)), "count_low": low}
                | {"count_high": high, "slope": float(slope[k])}
                | dict(zip(("slope_low", "slope_high"), ends_of_slope, strict=True))
                | {"on_plateau": level is not None and level[0] <= k <= level[1]}
                | {"plateau_from": ends[0], "plateau_to": ends[1], "plateau_width": wide}
            )
    return rows
