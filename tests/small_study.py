"""A study of small images, and what a run of it said and left."""

import csv
import re
from collections import Counter

import numpy as np
import tifffile
import yaml

from localbg.io.cells import PARSERS, format_cell
from localbg.io.columns import TYPES
from simulate import gaussian_spots

TABLES = (
    *("columns", "images", "methods", "spots", "counts", "parameters", "comparison", "agreement"),
    "failures",
)


ASSESSMENT = ("recovery", "completeness", "false_positives", "residuals")


RANKING = ("groups", "look_first", "recommendation", "reliability")


PLACES = ((14.0, 15.0), (20.0, 44.0), (45.0, 22.0))


CONFIG = {
    "images": "raw",
    "compare": ["median", "tophat"],
    "threshold": {"rule": "noise", "k": 4},
    "spots": {"min_area": "0.4x"},
}


def read_text(path):
    """Rows of a table as its text has them, by another reader than the library's."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_read(rows):
    """Rows as they come back from a table."""

    def value(key, given):
        return PARSERS[TYPES.get(key, "text")](format_cell(key, given))

    return [{key: value(key, given) for key, given in row.items()} for row in rows]


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
    return read_text(folder / "results" / "tables" / f"{name}.csv")


def ran(said):
    """How many jobs of each rule finished."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", said))


def ran_for(said, rule):
    """First output of each job of a rule."""
    return set(re.findall(rf"rule {rule}:\n(?: +.*\n)*? +output: ([^,\n]+)", said))


def rows_of(folder, name, **wanted):
    return [row for row in table(folder, name) if wanted.items() <= row.items()]
