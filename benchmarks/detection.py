"""The chain on single images for measurements: images that settings share are made once."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from known_images import Case
from real_sets import Tally, pooled, tally

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from localbg import backgrounds  # noqa: E402
from localbg.detection import denoise, spots, subtract, threshold  # noqa: E402

SIZE = {"gaussian": "sigma"}  # The other backgrounds have a radius.
THREADS = 2


def shipped() -> dict[str, dict]:
    """What config.yaml says, for each of its methods.

    Returns
    -------
    dict of str to dict
        ``filter`` of the background and its ``size``, ``sigma`` of denoising (in spot radii);
        ``threshold`` and ``spots``: parameters of these steps as `found` takes them.
    """
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    rule = {key: value for key, value in config["threshold"].items() if key != "radius"}
    common = {
        "sigma": _multiple(config["denoise"]["sigma"]),
        "threshold": rule,
        "spots": {
            key: _multiple(config["spots"][key])
            for key in ("min_area", "min_distance", "prominence")
        },
    }
    settings = {}
    for name, recipe in config["methods"].items():
        kind = recipe["background"]["filter"]
        size = _multiple(recipe["background"][SIZE.get(kind, "radius")])
        settings[name] = common | {"filter": kind, "size": size}
    return settings


def _multiple(value):
    return float(str(value).removesuffix("x"))


@functools.lru_cache(maxsize=600)
def _denoised(case, sigma):
    return denoise.denoise(case.image, filter="gaussian", sigma=sigma * case.radius)


@functools.lru_cache(maxsize=900)
def _background(case, sigma, kind, size):
    parameters = {SIZE.get(kind, "radius"): size * case.radius}
    return backgrounds.estimate(_denoised(case, sigma), filter=kind, **parameters)


def found(case: Case, setting: dict) -> np.ndarray:
    """Take one image through the chain.

    Parameters
    ----------
    case : Case
    setting : dict
        As `shipped` gives it. ``threshold`` has the ``rule`` and its parameters without a
        ``radius``; of ``spots``, ``min_area`` is in areas of a spot and ``min_distance`` in radii.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Positions y, x of the spots.
    """
    radius = case.radius
    denoised = _denoised(case, setting["sigma"])
    background = _background(case, setting["sigma"], setting["filter"], setting["size"])
    foreground, _ = subtract.subtract(denoised, background)
    rule = dict(setting["threshold"])
    if rule["rule"] == "matched_filter":
        rule["radius"] = radius
    step = 1.0 if np.issubdtype(case.image.dtype, np.integer) else 0.0
    mask, decision = threshold.threshold(foreground, step, denoised, case.image, **rule)
    kept = setting["spots"]
    labels = spots.label(
        mask,
        foreground,
        decision.noise,
        min_area=kept["min_area"] * np.pi * radius**2,
        min_distance=kept["min_distance"] * radius,
        prominence=kept["prominence"],
    )
    measured = spots.measure_spots(labels, case.image, foreground, background)
    return np.column_stack([measured["y"], measured["x"]])


def tallies(cases: Iterable[Case], setting: dict) -> list[Tally]:
    """Tally of each image."""
    with ThreadPoolExecutor(THREADS) as pool:  # The filters, which take the time, run side by side.
        return list(pool.map(lambda case: tally(case, found(case, setting)), cases))


def by_family(cases: list[Case], setting: dict) -> pd.DataFrame:
    """Measure a setting on images.

    Returns
    -------
    DataFrame
        A row for each split and set or family, in the order of the cases: ``images``, ``true``,
        ``found``, ``matched``, ``false``, ``missed``, and ``f1``: of a real set pooled over its
        images, of a simulated family the mean of its images, since these differ in what they show.
    """
    parts: dict[tuple, list] = {}
    for case, one in zip(cases, tallies(cases, setting), strict=True):
        parts.setdefault((case.split, case.family), []).append(one)
    rows = []
    for (split, family), each in parts.items():
        total = pooled(each)
        f1 = total.f1 if split == "real" else float(np.mean([one.f1 for one in each]))
        key = {"split": split, "family": family, "images": len(each)}
        sums = {"true": total.matched + total.missed, "found": total.matched + total.false}
        rows.append(key | sums | total._asdict() | {"f1": f1})
    return pd.DataFrame(rows)
