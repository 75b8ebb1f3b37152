"""Choose the shipped defaults by measurement, on images whose spots are known.

Half of the images tune the parameters: for each strength of denoising, on which all else depends,
the others one at a time, in rounds. The other half is held out and tells what the choice is
worth. A score is the F1 of the spots found, a mean over families of images so that large families
do not dominate. A setting that finds spots on blank images is not chosen. In the end each
parameter moves to its roundest value, as long as these moves together cost a method less than
`ROUNDING_LOSS`.

All lengths are in spot radii: the same defaults must serve spots of any size.
"""

import argparse
import functools
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from localbg import backgrounds, denoise, scoring, spots, subtract, threshold  # noqa: E402
from simulate import cell_scene, disc_scene  # noqa: E402

SHIPPED = ("opening", "median", "gaussian")
METHODS = (*SHIPPED, "rolling_ball")
# The parameters that methods share are tuned on these. A gaussian fails at every sharp edge,
# whatever the parameters, and would pull them away from what suits the rest.
SHARED_BY = ("opening", "median")
SIZE = {"gaussian": "sigma"}  # The others have a radius.
RULES = ("noise", "yen", "triangle", "li", "isodata")

# The values tried for each parameter, roundest first. The search starts from the first.
SHARED_AXES = {
    "denoise.sigma": (0.5, 0.4, 0.3),
    "threshold.min_snr": (5, 4, 6, 7),
    "spots.min_area": (0.2, 0, 0.5, 0.1, 0.3),
    "spots.min_distance": (1, 0.5, 1.5, 0.75),
}
SIZES = (2, 3, 1.5, 2.5, 4)
METHOD_AXES = {
    "opening.size": SIZES,
    "median.size": SIZES,
    "median.of": ("denoised", "image"),
    "gaussian.size": SIZES,
    "gaussian.of": ("denoised", "image"),
    "rolling_ball.size": (2, 3, 4, 6, 10),
}
AXES = SHARED_AXES | METHOD_AXES
ROUNDS = 2
ROUNDING_LOSS = 0.005
FALSE_SPOTS_PER_BLANK = 1 / 20

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


def simulated_cases(split, seeds):
    """Draw discs with clean and with noisy spots, and cells with few and many, of many sizes."""
    cases = []
    for seed in seeds:
        streams = np.random.default_rng(seed).spawn(4)
        families = ("disc_clean", "disc_noisy", "cell", "dense")
        for family, rng in zip(families, streams, strict=True):
            if family in ("cell", "dense"):
                dense = family == "dense"
                sigma = rng.uniform(1.2, 1.6 if dense else 2.2)
                n = 200 if dense else int(rng.integers(20, 70))
                scene = cell_scene(
                    rng, sigma=sigma, n_spots=n, n_pairs=n // 10, read_noise=rng.uniform(2, 8)
                )
            else:
                sigma = rng.uniform(1.5, 3)
                counts = dict(zip(("n_on", "n_off"), map(int, rng.integers(1, 5, 2)), strict=True))
                noise = rng.uniform(0, 3) if family == "disc_clean" else rng.uniform(10, 25)
                ground = 10 if family == "disc_clean" else 30
                scene = disc_scene(rng, sigma=sigma, noise=noise, ground=ground, **counts)
            truth, radius = scene.spots[:, :2], np.sqrt(2) * sigma
            cases.append(Case(split, family, f"{family}_{seed}", scene.image, truth, radius))
    return cases


def blank_cases(split, seed, n):
    """Draw images without spots: constant, with read noise (8 bit), with shot noise (16 bit)."""
    rng = np.random.default_rng(seed)
    cases = []
    for i in range(n):
        level, radius = rng.uniform(30, 150), rng.uniform(1.5, 4)
        if i == 0:
            image = np.full((256, 256), level).astype(np.uint8)
        elif i % 2:
            image = level + rng.uniform(0.3, 20) * rng.standard_normal((256, 256))
            image = np.rint(image).clip(0, 255).astype(np.uint8)
        else:
            image = (100 + rng.poisson(level * rng.choice([0.02, 1, 30]), (256, 256))).astype("u2")
        cases.append(Case(split, "blank", f"blank_{seed}_{i}", image, np.empty((0, 2)), radius))
    return cases


def annotated_cases(folder):
    """Read the annotated images; those named density_* tune, the rest are held out."""
    cases = []
    for row in pd.read_csv(folder / "images.csv").itertuples():
        family = row.image.split("_")[0]
        split = "tuned" if family == "density" else "held_out"
        image = tifffile.imread(folder / row.path)
        truth = pd.read_csv(folder / row.truth)[["y", "x"]].to_numpy()
        cases.append(Case(split, "annotated", row.image, image, truth, ANNOTATED_RADIUS))
    return cases


@functools.lru_cache(maxsize=400)
def denoised_image(case, sigma):
    """Suppress the noise of a case's image; sigma in spot radii."""
    return denoise.denoise(case.image, filter="gaussian", sigma=sigma * case.radius)


@functools.lru_cache(maxsize=3000)
def background_image(case, method, size, sigma):
    """Estimate the background; sizes in spot radii, sigma None draws it from the raw image."""
    origin = case.image if sigma is None else denoised_image(case, sigma)
    parameters = {SIZE.get(method, "radius"): size * case.radius}
    return backgrounds.estimate(origin, filter=method, **parameters)


@functools.cache
def accuracy(case, method, sigma, min_snr, min_area, min_distance, size, of, rule="otsu"):
    """Run the chain on one case and compare the spots with the truth.

    Parameters
    ----------
    case : Case
    method : str
        Name of the background filter.
    sigma, min_area, min_distance, size : float
        In spot radii; the area in areas of the spot's disc.
    min_snr : float
        Of rules that look at the histogram; the ``k`` of the rule ``noise``.
    of : {"image", "denoised"}
        What the background is drawn from.
    rule : str, optional

    Returns
    -------
    dict
        As `localbg.scoring.accuracy`.
    """
    background = background_image(case, method, size, sigma if of == "denoised" else None)
    foreground, _ = subtract.subtract(denoised_image(case, sigma), background)
    parameters = {"k" if rule == "noise" else "min_snr": min_snr}
    mask, record = threshold.threshold(foreground, 1.0, rule=rule, **parameters)
    labels = spots.label(
        mask,
        foreground,
        record["noise"],
        min_area=min_area * np.pi * case.radius**2,
        min_distance=min_distance * case.radius,
    )
    found = spots.measure(
        labels, case.image, foreground, background, level=record["level"], noise=record["noise"]
    )
    points = np.column_stack([found["y"], found["x"]])
    return scoring.accuracy(case.truth, points, tolerance=case.radius)


def measure(cases, settings, methods, **rule):
    """Measure methods on cases; one row per case and method, blank cases included."""
    shared = [settings[axis] for axis in SHARED_AXES]
    rows = []
    for method in methods:
        # A top-hat needs the same image on both sides.
        of = settings.get(f"{method}.of", "denoised")
        size = settings[f"{method}.size"]

        def fit(case, method=method, size=size, of=of):
            key = {"split": case.split, "family": case.family, "image": case.name}
            found = accuracy(case, method, *shared, size, of, **rule)
            return key | {"method": method} | found

        with ThreadPoolExecutor() as pool:  # The filters, which take the time, run side by side.
            rows.extend(pool.map(fit, cases))
    return pd.DataFrame(rows)


def summarise(rows, by):
    """Mean F1 over families of equal weight, least F1 of an image, false spots on blank images."""
    blank = rows["family"] == "blank"
    by_family = rows[~blank].groupby([*by, "family"])["f1"].mean()
    return pd.DataFrame(
        {
            "f1": by_family.groupby(by).mean(),
            "f1_min": rows[~blank].groupby(by)["f1"].min(),
            "false_spots": rows[blank].groupby(by)["n_spots"].sum(),
        }
    ).reset_index()


def score(cases, settings, methods):
    """Mean F1 of methods; minus infinity where blank images show more spots than allowed."""
    rows = measure(cases, settings, methods)
    allowed = FALSE_SPOTS_PER_BLANK * (rows["image"][rows["family"] == "blank"].nunique())
    summary = summarise(rows, ["method"])
    return -np.inf if summary["false_spots"].sum() > allowed else summary["f1"].mean()


def methods_of(axis):
    """Name the methods that a parameter concerns."""
    first = axis.split(".")[0]
    return (first,) if first in METHODS else SHARED_BY


def search(cases, sigma):
    """Search one parameter at a time for the best score, denoising given; `ROUNDS` rounds.

    Returns
    -------
    settings : dict
        A value for every axis of `AXES`.
    """
    settings = {axis: values[0] for axis, values in AXES.items()} | {"denoise.sigma": sigma}
    for _ in range(ROUNDS):
        for axis, values in AXES.items():
            if axis != "denoise.sigma":
                # On a tie the value that is listed first stays.
                trials = [settings | {axis: value} for value in values]
                settings = max(trials, key=lambda trial: score(cases, trial, methods_of(axis)))
    logger.info("score %.4f of %s", score(cases, settings, SHARED_BY), settings)
    return settings


def rounded(cases, settings):
    """Move each parameter to its roundest value that costs less than `ROUNDING_LOSS` in all."""
    best = {}
    for axis, values in AXES.items():
        methods = methods_of(axis)
        best.setdefault(methods, score(cases, settings, methods))
        for value in values:
            trial = settings | {axis: value}
            clean = np.isfinite(score(cases, trial, SHIPPED))
            if clean and score(cases, trial, methods) > best[methods] - ROUNDING_LOSS:
                settings = trial
                break
    return settings


def sensitivity(cases, settings):
    """Measure the values next to the chosen one, the others as chosen."""
    tables = []
    for axis, values in AXES.items():
        values = sorted(values)
        chosen = values.index(settings[axis])
        values = values[max(chosen - 1, 0) : chosen + 2]
        for value in values:
            methods = (axis.split(".")[0],) if axis in METHOD_AXES else SHIPPED
            rows = measure(cases, settings | {axis: value}, methods)
            table = summarise(rows, ["split", "method"])
            table.insert(0, "axis", axis)
            table.insert(1, "value", value)
            table.insert(2, "chosen", value == settings[axis])
            tables.append(table)
    return pd.concat(tables)


def compare_rules(cases, settings):
    """Measure the other rules, with the lower bound that was chosen and without."""
    tables = []
    for rule in RULES:
        for bound in {settings["threshold.min_snr"], 0 if rule != "noise" else 4}:
            rows = measure(cases, settings | {"threshold.min_snr": bound}, SHIPPED, rule=rule)
            table = summarise(rows, ["split", "method"])
            table.insert(0, "rule", rule)
            table.insert(1, "min_snr or k", bound)
            tables.append(table)
    return pd.concat(tables)


def main(argv=None):
    """Choose the defaults, write the evidence as tables and print the choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotated", type=Path, help="folder of annotated images, images.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument("--scenes", type=int, default=6, help="of each kind, to tune and to test")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    n = options.scenes
    cases = simulated_cases("tuned", range(n)) + simulated_cases("held_out", range(n, 2 * n))
    cases += blank_cases("tuned", 1, 20) + blank_cases("held_out", 2, 20)
    if options.annotated:
        cases += annotated_cases(options.annotated)
    else:
        logger.warning("no --annotated folder: the choice rests on simulations alone")

    tuning = [case for case in cases if case.split == "tuned"]
    found = [search(tuning, sigma) for sigma in AXES["denoise.sigma"]]
    settings = rounded(tuning, max(found, key=lambda s: score(tuning, s, SHARED_BY)))
    logger.info("rounded to %s", settings)
    rows = measure(cases, settings, METHODS)
    tables = {
        "defaults": pd.DataFrame(settings.items(), columns=["axis", "value"]),
        "accuracy": rows,
        "summary": summarise(rows, ["split", "method"]),
        "sensitivity": sensitivity(cases, settings),
        "rules": compare_rules(cases, settings),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        path = options.out / f"choose_defaults_{name}.csv"
        table.to_csv(path, index=False, float_format="%.4f")
        logger.info("wrote %s", path)
    print(tables["defaults"].to_string(index=False))
    print(tables["summary"].to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
