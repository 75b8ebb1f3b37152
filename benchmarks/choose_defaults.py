"""Choose the shipped defaults by measurement, on images whose spots are known.

Whole families of images are held out: what they look like had no say in the choice. A score is the
F1 of the spots found, a mean over families so that large families do not dominate, the least of
the families beside it. A setting that finds more than one spot on twenty blank images is not
chosen. Lengths are in spot radii: the same defaults must serve spots of any size. The rule was made
with all families of `families` in view; those of `unseen_families` came after it.

Without --annotated the choice rests on simulations alone. The table `rules` has what other rules
reach with the sizes chosen, and `accuracy` each image.
"""

from __future__ import annotations

import argparse
import functools
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import families
import numpy as np
import pandas as pd
import tifffile
import unseen_families

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from localbg import backgrounds, denoise, scoring, spots, subtract, threshold  # noqa: E402

SIZE = {"gaussian": "sigma"}  # The other backgrounds have a radius.
# What is tried for the size of each background and for what all share. Of what is as good within
# TIE the first is taken: sizes are roundest first, of the others what is shipped is.
SIZES = {
    "opening": (2, 1.5, 2.5, 3),
    "median": (2, 2.5, 3, 1.5),
    "gaussian": (2, 1.5, 2.5, 3),
}
SHIPPED = ("opening", "median", "gaussian")
SIGMAS = (0.4, 0.5, 0.6)
SHARED = {
    "false_share": (0.02, 0.05, 0.1),
    "min_area": (0, 0.05, 0.1),
    "min_distance": (1, 0.7, 1.4),
    "prominence": (1, 2),
}
TIE = 0.002
FALSE_SPOTS_PER_BLANK = 1 / 20
# Rules to compare with, and what the config says beside them.
RULES = {
    "otsu, min_snr 5": ({"rule": "otsu"}, {"min_area": 0.2}),
    "yen, min_snr 5": ({"rule": "yen"}, {"min_area": 0.2}),
    "noise, k 5": ({"rule": "noise", "k": 5}, {"min_area": 0.2}),
    "noise, k 8": ({"rule": "noise", "k": 8}, {"min_area": 0.2}),
}

ANNOTATED_RADIUS = 2.5  # sqrt(2) times the spots' sigma of 1.75 px

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Case:
    """An image and its true spots (y, x); radius of a spot in pixels."""

    split: str
    family: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    radius: float


def simulated_cases(n, n_blank):
    """Draw n images of each family, and blank ones for both splits."""
    drawn = [("tuned", draw, n) for draw in families.TUNED]
    drawn += [("held_out", draw, n) for draw in families.HELD_OUT]
    drawn += [("unseen", draw, n) for draw in unseen_families.UNSEEN]
    drawn += [("tuned", families.blank, n_blank), ("held_out", families.blank, n_blank)]
    cases = []
    for split, draw, count in drawn:
        for i in range(count):
            # Blank images of the two splits differ too.
            seed = [i, *f"{split} {draw.__name__}".encode()]
            image, truth, radius = draw(np.random.default_rng(seed))
            name = f"{draw.__name__}_{i}"
            cases.append(Case(split, draw.__name__, name, image, truth, radius))
    return cases


def annotated_cases(folder):
    """Read the annotated images; those named density_* tune, the rest are held out."""
    cases = []
    for row in pd.read_csv(folder / "images.csv").itertuples():
        kind = row.image.split("_")[0]
        split = "tuned" if kind == "density" else "held_out"
        image = tifffile.imread(folder / row.path)
        truth = pd.read_csv(folder / row.truth)[["y", "x"]].to_numpy()
        cases.append(Case(split, f"annotated_{kind}", row.image, image, truth, ANNOTATED_RADIUS))
    return cases


@functools.lru_cache(maxsize=1000)
def denoised_image(case, sigma):
    """Suppress the noise of a case's image; sigma in spot radii."""
    return denoise.denoise(case.image, filter="gaussian", sigma=sigma * case.radius)


@functools.lru_cache(maxsize=1000)
def background_image(case, sigma, method, size):
    """Estimate the background from the denoised image; sizes in spot radii."""
    parameters = {SIZE.get(method, "radius"): size * case.radius}
    return backgrounds.estimate(denoised_image(case, sigma), filter=method, **parameters)


def accuracy(case, method, setting, rule=None):
    """Run the chain on one case and compare the spots with the truth.

    Parameters
    ----------
    case : Case
    method : str
        Name of the background filter.
    setting : dict
        ``sigma``, ``size``, and a value for each key of `SHARED`.
    rule : dict, optional
        Of another rule than the plateau, with its parameters.
    """
    denoised = denoised_image(case, setting["sigma"])
    background = background_image(case, setting["sigma"], method, setting["size"])
    foreground, _ = subtract.subtract(denoised, background)
    if rule is None:
        rule = {"rule": "plateau", "radius": case.radius, "false_share": setting["false_share"]}
    mask, record = threshold.threshold(foreground, 1.0, denoised, case.image, **rule)
    labels = spots.label(
        mask,
        foreground,
        record["noise"],
        min_area=setting["min_area"] * np.pi * case.radius**2,
        min_distance=setting["min_distance"] * case.radius,
        prominence=setting["prominence"],
    )
    found = spots.measure(labels, case.image, foreground, background)
    points = np.column_stack([found["y"], found["x"]])
    return scoring.accuracy(case.truth, points, tolerance=case.radius)


def measure(cases, method, setting, rule=None):
    """Measure a method on cases; one row per case, blank cases included."""

    def fit(case):
        key = {"split": case.split, "family": case.family, "image": case.name, "method": method}
        return key | accuracy(case, method, setting, rule)

    with ThreadPoolExecutor(2) as pool:  # The filters, which take the time, run side by side.
        return pd.DataFrame(pool.map(fit, cases))


def summarise(rows):
    """Mean F1 over families of equal weight, least family, and false spots per blank image."""
    blank = rows["family"] == "blank"
    by_family = rows[~blank].groupby(["method", "split", "family"])["f1"].mean()
    by = by_family.groupby(["method", "split"])
    return pd.DataFrame(
        {
            "f1": by.mean(),
            "least_family": by.min(),
            "false_spots_per_blank": rows[blank].groupby(["method", "split"])["n_spots"].mean(),
        }
    ).reset_index()


def score(cases, method, setting):
    """Mean F1 of a method; minus infinity where blank images show more spots than allowed."""
    summary = summarise(measure(cases, method, setting)).iloc[0]
    allowed = summary["false_spots_per_blank"] <= FALSE_SPOTS_PER_BLANK
    return float(summary["f1"]) if allowed else -np.inf


def best(scores):
    """First key, of those whose score is within `TIE` of the highest."""
    highest = max(scores.values())
    return next(key for key, value in scores.items() if value >= highest - TIE)


def search(cases):
    """Choose denoising and sizes together, then what else the methods share.

    Returns
    -------
    settings : dict of str to dict
        A setting for each method; they differ in ``size`` alone.
    trials : DataFrame
        Score of each value that was tried.
    """
    shared = {name: values[0] for name, values in SHARED.items()}
    rows, chosen = [], {}
    for sigma in SIGMAS:
        sizes, total = {}, {}
        for method in SHIPPED:
            scores = {}
            for size in SIZES[method]:
                setting = shared | {"sigma": sigma, "size": size}
                scores[size] = score(cases, method, setting)
                rows.append(("sigma, size", f"{sigma}, {size}", method, scores[size]))
                logger.info("%s sigma %g size %g: %.4f", method, sigma, size, scores[size])
            sizes[method] = best(scores)
            total[method] = max(scores.values())
        chosen[sigma] = sizes, float(np.mean(list(total.values())))
    sigma = best({sigma: total for sigma, (_, total) in chosen.items()})
    settings = {
        method: shared | {"sigma": sigma, "size": size} for method, size in chosen[sigma][0].items()
    }
    for name, values in SHARED.items():
        scores = {}
        for value in values:
            each = [score(cases, m, settings[m] | {name: value}) for m in SHIPPED]
            scores[value] = float(np.mean(each))
            rows += [(name, value, m, s) for m, s in zip(SHIPPED, each, strict=True)]
        chosen_value = best(scores) if np.isfinite(max(scores.values())) else values[0]
        logger.info("%s: %s, taken %s", name, scores, chosen_value)
        settings = {m: setting | {name: chosen_value} for m, setting in settings.items()}
    return settings, pd.DataFrame(rows, columns=["parameter", "value", "method", "f1"])


def compare_rules(cases, settings):
    """Measure other rules with the same sizes, each with the area that suits it."""
    tables = []
    for name, (rule, spots_like) in RULES.items():
        for method, setting in settings.items():
            rows = measure(cases, method, setting | spots_like, rule)
            tables.append(rows.assign(rule=name))
    return pd.concat(tables)


def main(argv=None):
    """Choose the defaults, write the evidence as tables and print the choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotated", type=Path, help="folder of annotated images, images.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument("--images", type=int, default=5, help="of each family")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    cases = simulated_cases(options.images, 20)
    if options.annotated:
        cases += annotated_cases(options.annotated)
    else:
        logger.warning("no --annotated folder: the choice rests on simulations alone")
    settings, trials = search([case for case in cases if case.split == "tuned"])
    logger.info("chosen: %s", settings)
    rows = pd.concat(measure(cases, method, setting) for method, setting in settings.items())
    rules = pd.concat([rows.assign(rule="plateau"), compare_rules(cases, settings)])
    by = ["rule", "method", "split", "family"]
    tables = {
        "defaults": pd.DataFrame(settings).T.rename_axis("method").reset_index(),
        "trials": trials,
        "accuracy": rows,
        "summary": summarise(rows),
        "families": rules[rules["family"] != "blank"].groupby(by)["f1"].mean().reset_index(),
        "rules": pd.concat(
            summarise(part).assign(rule=rule) for rule, part in rules.groupby("rule")
        ),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        path = options.out / f"choose_defaults_{name}.csv"
        table.to_csv(path, index=False, float_format="%.4f")
        logger.info("wrote %s", path)
    for name in ("defaults", "rules"):
        print(tables[name].to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
