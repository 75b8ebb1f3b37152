"""Injected spots rank methods as truth does, on annotated images where truth tells them apart."""

import itertools

import numpy as np
import pytest

from conftest import shared
from localbg.accuracy import pooled, scoring
from localbg.assessment import assess
from localbg.io import images
from localbg.io.truth import read_points
from localbg.pipeline import chain
from localbg.ranking.criteria import judge_by_injection, judge_by_truth
from localbg.workflow.plan import make_plan
from small_study import as_read

pytestmark = pytest.mark.long

NAMES = [
    f"{kind}_snr_{snr}_0_density_0.00{density}"
    for kind in ("density", "circles")
    for snr in (5, 10)
    for density in (2, 4, 8)
]
RADIUS = 2.5
MEDIAN = {"filter": "median", "radius": "3x"}
# The shipped three, and what is worse: too many spots, too few, spots that the background takes up.
METHODS = {
    "greedy": {"background": MEDIAN, "threshold": {"rule": "noise", "k": 3}},
    "shy": {"background": MEDIAN, "threshold": {"rule": "noise", "k": 10}},
    "shyer": {"background": MEDIAN, "threshold": {"rule": "noise", "k": 14}},
    "narrow": {"background": {"filter": "median", "radius": "1x"}},
    "undenoised": {"background": MEDIAN, "denoise": {"filter": "none"}},
    "blurred": {"background": MEDIAN, "denoise": {"filter": "gaussian", "sigma": "1x"}},
}
CLEAR = 0.03  # of F1, besides that the interval of the difference leaves out 0


@pytest.fixture(scope="module")
def judged():
    """Criterion of truth and of injected spots, on the same images."""
    folder = shared("annotated")
    config = {"images": {"a": {"path": "a.tif", "spot_radius": RADIUS}}, "methods": METHODS}
    told = make_plan(config | {"compare": [], "assessment": {"injected": 16}}).gathering("a")
    told = {
        "methods": chain.make_methods(told["methods"], told["steps"]),
        "settings": told["settings"],
    }
    accuracy, recovery, false = [], [], []
    for name in NAMES:
        plane = images.read(folder / "images" / f"{name}.tif")
        true = read_points(folder / "truth" / f"{name}.csv", plane.pixels.shape)
        for method, made in chain.run_methods(plane, RADIUS, told["methods"]):
            found = [(spot.y, spot.x) for spot in made.spots]
            row = scoring.score_spots(true, found, RADIUS)
            accuracy.append({"image": name, "method": method.name} | row)
        gathered = assess.assess_image(plane, name, RADIUS, **told)
        recovery += [{"image": name} | row for row in gathered["recovery"]]
        false += [{"image": name} | row for row in gathered["false_positives"]]
    methods = sorted({row["method"] for row in accuracy})
    sums = [
        [pooled.of_image(row) for m in methods for row in accuracy if key(row) == (name, m)]
        for name in NAMES
    ]
    summary = pooled.summary(methods, np.array(sums), None, seed=0)
    truth = judge_by_truth(*map(as_read, (*summary, accuracy)))
    return truth, judge_by_injection(*map(as_read, (recovery, false)), seed=0)


def key(row):
    return row["image"], row["method"]


def clear_pairs(truth):
    """Pairs of methods that truth tells apart, the better one first."""
    for a, b in itertools.permutations(truth.scores, 2):
        if truth.is_better(a, b) and truth.difference(a, b)[0] > CLEAR:
            yield a, b


def test_injected_spots_put_methods_in_the_order_of_truth_where_that_is_clear(judged):
    truth, injected = judged
    pairs = list(clear_pairs(truth))
    assert len(pairs) >= 20
    assert {b for _, b in pairs} == set(METHODS)
    wrong = [(a, b) for a, b in pairs if injected.scores[a][0] <= injected.scores[b][0]]
    assert wrong == []


def test_most_of_these_differences_are_called_real_by_injected_spots_alone(judged):
    truth, injected = judged
    pairs = list(clear_pairs(truth))
    assert sum(injected.is_better(a, b) for a, b in pairs) > 0.8 * len(pairs)


def test_what_injected_spots_recommend_is_no_worse_than_the_best_by_truth(judged):
    truth, injected = judged
    (first, *_), (best, *_) = (one.by_score(truth.scores) for one in (injected, truth))
    assert truth.scores[best][0] - truth.scores[first][0] < 0.02
