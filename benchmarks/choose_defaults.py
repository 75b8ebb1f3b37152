"""Choose the shipped defaults by measurement on sets of real images, each set left out in turn.

    python benchmarks/choose_defaults.py --annotated DIR [DIR ...] [--docs docs/accuracy.md]

A default has to serve images that nobody had when it was chosen. So for each set all is chosen on
the others, and scored on it: denoising, sizes of the backgrounds, parameters of threshold and
spots, and constants of the rule. The mean of these scores is what a user may expect; what is
shipped is chosen on all sets. A score is the F1 pooled over a set's images, mean of sets of equal
weight and of the three backgrounds. Lengths are in spot radii.

Simulated families guard the choice and have no say in it otherwise: what loses more than `GUARD`
there, on those held out or those drawn up later, or finds more than `FALSE_ON_BLANKS` spots on 40
blank images, is not eligible. Nor is what leads by `TIE` or less over what is shipped.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

import known_images
import numpy as np
import pandas as pd
import real_sets
from constants import changed, known
from docs_tables import fill, markdown

from detection import ROOT, by_family, shipped

TIE = 0.003
GUARD, SPLITS = 0.005, ("held_out", "later")
FALSE_ON_BLANKS = 2  # with any background
# What is tried beside what is shipped.
SIGMAS = (0.4, 0.5, 0.6)
SIZES = {"opening": (1.5, 2, 2.5, 3), "median": (1.5, 2, 2.5, 3), "gaussian": (1.5, 2, 2.5, 3)}
SPOTS = {"min_distance": (0.7, 1, 1.4), "prominence": (0.5, 1, 2)}
RULE = {
    "fdr": (0.02, 0.04, 0.08),
    "matched_filter.LIKE_A_SPOT": (0.4, 0.5, 0.6),
    "level_noise.CLEAR": (3, 4),
    "fdr.BULK": (0.3, 0.5),
    "level_noise.STEP": (0.5, 0.7, 1.0),
    "level_noise.MOST_CORRELATED": (8, 12, 20),
}
METHODS = shipped()

logger = logging.getLogger(__name__)


def start() -> dict[str, float]:
    """What is shipped, as a flat choice: ``sigma``, ``size <method>``, `SPOTS` and `RULE`."""
    first = next(iter(METHODS.values()))
    choice = {"sigma": first["sigma"]}
    choice |= {f"size {method}": setting["size"] for method, setting in METHODS.items()}
    return choice | {name: first["spots"][name] for name in SPOTS} | known(RULE)


class Measurements:
    """F1 of choices on real and simulated images; what was measured once is remembered.

    Parameters
    ----------
    real : list of Case
    guards : list of Case
        Simulated images of `SPLITS`, and blank ones.
    """

    def __init__(self, real, guards):
        self._images = {"real": real, "guard": guards}
        self._known = {}

    def sets(self, method: str, choice: dict) -> pd.Series:
        """F1 of each real set."""
        return self._measured("real", method, choice).set_index("family")["f1"]

    def score(self, choice: dict, sets: Iterable[str], methods=tuple(METHODS)) -> float:
        """Mean F1 of some sets and methods."""
        return float(np.mean([self.sets(method, choice)[list(sets)].mean() for method in methods]))

    def guards(self, choice: dict) -> dict[str, float]:
        """Mean F1 of each of `SPLITS`, and most false positives on blank images."""
        tables = [self._measured("guard", method, choice) for method in METHODS]
        rows = pd.concat(tables)
        of_families = rows[rows["family"] != "blank"].groupby("split")["f1"].mean().to_dict()
        blank = [int(one.loc[one["family"] == "blank", "false"].sum()) for one in tables]
        return of_families | {"false_on_blanks": max(blank)}

    def is_eligible(self, choice: dict) -> bool:
        """Whether simulated images have nothing against it."""
        seen, before = self.guards(choice), self.guards(start())
        kept = all(seen[split] >= before[split] - GUARD for split in SPLITS)
        if not (kept and seen["false_on_blanks"] <= FALSE_ON_BLANKS):
            logger.info("not eligible: %s", seen)
            return False
        return True

    def _measured(self, kind, method, choice):
        own = f"size {method}"
        key = kind, method, *((k, v) for k, v in choice.items() if "size" not in k or k == own)
        if key not in self._known:
            with changed({name: choice[name] for name in RULE}):
                self._known[key] = by_family(self._images[kind], _setting(method, choice))
        return self._known[key]


def _setting(method, choice):
    shipped_one = METHODS[method]
    spots = shipped_one["spots"] | {name: choice[name] for name in SPOTS}
    size = {"sigma": choice["sigma"], "size": choice[f"size {method}"]}
    return shipped_one | size | {"spots": spots}


def search(measurements: Measurements, sets: list[str]) -> dict:
    """Choose on some sets: denoising and sizes together, then all else, one after the other.

    Parameters
    ----------
    measurements : Measurements
    sets : list of str

    Returns
    -------
    dict
        A choice as `start` gives it.
    """
    choice = start()
    by_sigma = []
    for sigma in dict.fromkeys((choice["sigma"], *SIGMAS)):
        trial = choice | {"sigma": sigma}
        for method, setting in METHODS.items():
            name = f"size {method}"
            sizes = [{name: size} for size in (choice[name], *SIZES[setting["filter"]])]
            trial |= best(measurements, trial, sizes, sets, (method,))
        by_sigma.append(trial)
    choice = eligible(measurements, choice, by_sigma, sets)
    for name, values in (SPOTS | RULE).items():
        changes = [choice | {name: value} for value in values]
        choice = eligible(measurements, choice, changes, sets)
    return choice


def best(measurements, choice, changes, sets, methods) -> dict:
    """The first of some changes whose score is within `TIE` of the highest."""
    scores = [measurements.score(choice | change, sets, methods) for change in changes]
    return next(c for c, s in zip(changes, scores, strict=True) if s >= max(scores) - TIE)


def eligible(measurements, choice, others, sets) -> dict:
    """The best of others that leads by more than `TIE` and is eligible; or what there is."""
    least = measurements.score(choice, sets) + TIE
    scores = [measurements.score(other, sets) for other in others]
    for i in np.argsort(scores, kind="stable")[::-1]:
        if scores[i] <= least:
            break
        if measurements.is_eligible(others[i]):
            logger.info("%.4f: %s", scores[i], differences(others[i]))
            return others[i]
    return choice


def differences(choice: dict) -> dict[str, float]:
    """How a choice differs from what is shipped."""
    shipped_one = start()
    return {name: value for name, value in choice.items() if value != shipped_one[name]}


def leave_one_out(measurements: Measurements, sets: list[str]) -> pd.DataFrame:
    """Choose without each set, and on all of them.

    Returns
    -------
    DataFrame
        A row for each set left out: F1 where it was ``chosen``, on the set ``left_out``, there with
        each background, what is ``shipped`` there, and what was chosen ``instead``. The last row
        is chosen on all sets, so what it says is no estimate.
    """
    shipped_one, rows = start(), []
    for out in [*sets, ""]:
        others = [one for one in sets if one != out]
        choice = search(measurements, others)
        scored = [out] if out else sets
        row = {"left_out": out or "(none)", "f1_chosen_on": measurements.score(choice, others)}
        row["f1_left_out"] = measurements.score(choice, scored) if out else np.nan
        row |= {m: measurements.score(choice, scored, (m,)) for m in METHODS}
        row["shipped"] = measurements.score(shipped_one, scored)
        row["instead"] = " ".join(f"{k}={v:g}" for k, v in differences(choice).items())
        logger.info("%s", row)
        rows.append(row | measurements.guards(choice))
    return pd.DataFrame(rows)


def in_words(table: pd.DataFrame) -> str:
    """What may be expected of defaults on a set that had no say: mean, lowest, by background."""
    left_out = table[table["f1_left_out"].notna()].set_index("left_out")
    words = []
    for heading, name in {"all backgrounds": "f1_left_out", **{m: m for m in METHODS}}.items():
        scores = left_out[name]
        lowest = f"lowest {scores.min():.3f} (`{scores.idxmin()}`)"
        words.append(f"{heading} {scores.mean():.3f}, {lowest}")
    return f"Mean F1 on the sets left out: {'; '.join(words)}."


def page_part(table: pd.DataFrame) -> str:
    """What a page says: the sentence, and the table with three digits."""
    numbers = table.select_dtypes("float").columns
    cells = table[numbers].map(lambda f1: "" if np.isnan(f1) else f"{f1:.3f}")
    names = {name: name.replace("_", " ") for name in table}
    shown = table.assign(**cells, instead=table["instead"].replace("", "(as shipped)"))
    return f"{in_words(table)}\n\n{markdown(shown.rename(columns=names))}"


def main(argv=None):
    """Choose the defaults, print what was chosen and what may be expected of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotated", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument("--images", type=int, default=2, help="of each simulated family")
    parser.add_argument(
        "--docs", type=Path, nargs="+", default=[], help="pages whose tables are to be replaced"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    real = real_sets.read_sets(options.annotated)
    guards = known_images.simulated(options.images, SPLITS) + known_images.blanks()
    sets = list(dict.fromkeys(case.family for case in real))
    table = leave_one_out(Measurements(real, guards), sets)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "choose_defaults.csv"
    table.to_csv(path, index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format="%.3f"))
    print(in_words(table))
    if options.docs:
        fill(options.docs, {"left out": page_part(table)})


if __name__ == "__main__":
    main()
