"""A study of small images, and what a run of it said and left."""

import re
from collections import Counter

import numpy as np
import tifffile
import yaml

from localbg.io import tables
from simulate import gaussian_spots

TABLES = (
    *("images", "methods", "spots", "counts", "parameters", "comparison", "agreement", "failures"),
)


EVIDENCE = ("recovery", "completeness", "false_spots", "residuals")


VERDICT = ("groups", "look_first", "recommendation", "trust")


PLACES = ((14.0, 15.0), (20.0, 44.0), (45.0, 22.0))


CONFIG = {
    "images": "raw",
    "compare": ["median", "tophat"],
    "threshold": {"rule": "noise", "k": 4},
    "spots": {"min_area": "0.4x"},
}


# All results but the figures, which take longer than all else on small images.
NO_FIGURES = ("results/complete", "results/tables/comparison.csv")


def spotted(path, places=PLACES, seed=0):
    """A small TIFF of bright spots at these places on a slope with noise."""
    shape = (64, 60)
    pixels = 50 + np.random.default_rng(seed).normal(np.indices(shape)[0], 2)
    pixels += gaussian_spots(shape, [(y, x, 120, 1.5) for y, x in places])
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels.round().astype(np.uint16))
    return path


def configure(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def table(folder, name):
    return tables.read(folder / "results" / "tables" / f"{name}.csv")


def ran(said):
    """How many jobs of each rule finished."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", said))


def ran_for(said, rule):
    """First output of each job of a rule."""
    return set(re.findall(rf"rule {rule}:\n(?: +.*\n)*? +output: ([^,\n]+)", said))


def rows_of(folder, name, **wanted):
    return [row for row in table(folder, name) if wanted.items() <= row.items()]
