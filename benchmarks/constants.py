"""Constants of the default rule, and what to set them to so that it does without a part."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import numpy as np

from localbg.detection import likeness, matched_filter, threshold

# Those that were chosen by looking at images, as "module.NAME"; without a module, a parameter.
CONSTANTS = (
    "fdr",
    *(f"matched_filter.{name}" for name in ("AROUND", "APART", "EDGE", "BESIDE", "SMOOTHED")),
    *(f"matched_filter.{name}" for name in ("LIKE_A_SPOT", "OF_SPOTS", "CORE")),
    *(f"matched_filter.{name}" for name in ("MANY", "CROWDED", "TOLD")),
    *(f"level_noise.{name}" for name in ("LEVELS", "PER_LEVEL", "ALIKE", "TURNS", "CLEAR")),
    *(f"level_noise.{name}" for name in ("REACH", "ENOUGH", "STEP", "MOST_CORRELATED")),
    *(f"level_noise.{name}" for name in ("TILE", "EVEN", "AT_EDGE")),
    *(f"fdr.{name}" for name in ("AT_ALL", "BULK", "TURNS", "FEWEST")),
    "likeness.REACH",
)
FACTORS = (0.7, 1.4)


def _with_likeness_one(*args):
    fits = likeness.fit_spots(*args)
    return fits._replace(likeness=np.ones(fits.likeness.size))


def _measuring(kept, replaced, measure=matched_filter._measure):
    """The rule's measurement of maxima, with one of the two kinds of scores in place of both."""

    def measured(*args):
        maxima = measure(*args)
        return maxima._replace(**{replaced: getattr(maxima, kept)})

    return measured


# Part of the rule: what switches it off.
ABLATIONS = {
    "noise by level": {"level_noise.LEVELS": 1},
    "a bound on the noise": {"level_noise.MOST_CORRELATED": 1e9},
    "noise of pixels that are apart": {"level_noise.STEP": 0.0},
    "turns of measuring noise": {"level_noise.TURNS": 0},
    "more noise at the image's edge": {"level_noise.AT_EDGE": 1.0},
    "a least likeness": {"matched_filter.LIKE_A_SPOT": 0.0},
    "likeness in the score": {"matched_filter.fit_spots": _with_likeness_one},
    "likeness at all": {
        "matched_filter.LIKE_A_SPOT": 0.0,
        "matched_filter.fit_spots": _with_likeness_one,
    },
    "edges left out": {"matched_filter.EDGE": 0.0},
    "the bulk": {"matched_filter.OF_SPOTS": 0.0},
    "what is many without the bulk": {"matched_filter.MANY": 2.0},
    "what is crowded": {"matched_filter.CROWDED": 2.0},
    "turns of measuring the bulk": {"fdr.TURNS": 1},
    "the bulk in noise standard deviations": {
        "matched_filter._measure": _measuring("scores", "standing")
    },
    "the bulk in grey levels": {"matched_filter._measure": _measuring("standing", "scores")},
}


def known(names: Iterable[str]) -> dict[str, float]:
    """Values that constants and parameters of the rule have."""
    return {name: _place(name)[0][_place(name)[1]] for name in names}


@contextlib.contextmanager
def changed(values: Mapping) -> Iterator[None]:
    """Set constants and parameters while a measurement runs; whole numbers stay whole.

    Raises
    ------
    KeyError
        If the rule has no such constant.
    """
    before = known(values)
    try:
        for name, value in values.items():
            namespace, key = _place(name)
            namespace[key] = round(value) if isinstance(before[name], int) else value
        yield
    finally:
        for name, value in before.items():
            namespace, key = _place(name)
            namespace[key] = value


def _place(name):
    """The mapping that has a constant or parameter, and its key there."""
    module, _, key = name.rpartition(".")
    if not module:
        return threshold.matched_filter.__kwdefaults__, key
    return vars(importlib.import_module(f"localbg.detection.{module}")), key
