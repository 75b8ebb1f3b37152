"""Scores over all images: worked out by hand, and only real differences are called so."""

import math

import numpy as np
import pytest

from localbg.accuracy.pooled import of_image, of_spots, scores, summary
from localbg.accuracy.scoring import score_spots


def image(n_truth, *methods):
    """Sums of an image: for each method the spots found and the true ones among them."""
    return [[n_truth, n_spots, matched, 4.0 * matched] for n_spots, matched in methods]


def only(rows, **wanted):
    (row,) = (row for row in rows if wanted.items() <= row.items())
    return row


def test_pooled_scores_are_those_of_the_sums():
    images = np.array([image(10, (8, 6)), image(2, (4, 2)), image(0, (3, 0))])
    (row,), differences = summary(["one"], images, None, seed=0)
    assert [row[key] for key in ("n_images", "n_truth", "n_spots", "matched")] == [3, 12, 15, 8]
    assert row["precision"] == pytest.approx(8 / 15)
    assert row["recall"] == pytest.approx(8 / 12)
    assert row["f1"] == pytest.approx(16 / 27)
    assert row["count_error"] == pytest.approx(1)
    assert row["localisation_error"] == 2
    assert row["resampled"] == "images"
    assert differences == []


def test_sums_of_an_image_give_its_scores_back():
    row = score_spots([(0, 0), (9, 9), (20, 20)], [(0, 1), (9, 12), (50, 50)], 3)
    found = scores(np.array(of_image(row)))
    for name in ("precision", "recall", "f1", "count_error", "localisation_error"):
        assert found[name] == pytest.approx(row[name])


def test_a_blank_image_counts_by_its_false_positives_only():
    known = [image(5, (5, 4), (5, 4))]
    blank = image(0, (0, 0), (5, 0))
    rows, _ = summary(["quiet", "noisy"], np.array([*known, blank]), None, seed=0)
    assert only(rows, method="quiet")["f1"] == only(rows, method="quiet")["precision"] == 0.8
    assert only(rows, method="noisy")["precision"] == 0.4
    assert only(rows, method="noisy")["f1"] == pytest.approx(8 / 15)
    assert only(rows, method="noisy")["count_error"] == 2.5


def test_nothing_found_where_nothing_is_has_f1_1_and_no_interval():
    truth, spots = [], {"one": [], "two": []}
    units = of_spots(truth, spots, 3)
    assert units.shape == (0, 2, 4)
    images = np.array([image(0, (0, 0), (0, 0))])
    rows, (difference,) = summary(["one", "two"], images, units, seed=0)
    assert rows[0]["f1"] == 1
    assert math.isnan(rows[0]["f1_low"])
    assert math.isnan(rows[0]["recall"])
    assert difference["difference"] == 0
    assert math.isnan(difference["difference_low"])


def test_no_images_give_no_rows():
    assert summary([], np.empty((0, 0, 4)), None, seed=0) == ([], [])


def test_spots_of_an_image_are_its_true_ones_and_the_false_ones_of_all_methods():
    truth = [(10, 10), (30, 30)]
    a = [(10, 11), (50, 50), (70, 70)]  # one true, two false
    b = [(51, 50), (30, 30), (10, 10)]  # both true, and the same false one as a
    units = of_spots(truth, {"a": a, "b": b}, 2)
    assert units.tolist() == [
        [[1, 1, 1, 1], [1, 1, 1, 0]],
        [[1, 0, 0, 0], [1, 1, 1, 0]],
        [[0, 1, 0, 0], [0, 1, 0, 0]],
        [[0, 1, 0, 0], [0, 0, 0, 0]],
    ]
    for k, spots in enumerate((a, b)):
        assert units[:, k].sum(axis=0).tolist() == of_image(score_spots(truth, spots, 2))


def test_one_image_has_intervals_from_its_spots():
    truth = [(0, 10 * k) for k in range(40)]
    spots = {"all": truth, "half": truth[::2]}
    units = of_spots(truth, spots, 1)
    sums = units.sum(axis=0)[None]
    rows, (difference,) = summary(["all", "half"], sums, units, seed=0)
    half = only(rows, method="half")
    assert {row["resampled"] for row in rows} == {"spots"}
    # A binomial share of 40 spots: 0.5 plus or minus about twice 0.08.
    assert 0.30 < half["recall_low"] < 0.38
    assert 0.62 < half["recall_high"] < 0.70
    assert half["precision_low"] == half["precision_high"] == 1
    assert difference["difference_low"] > 0


def test_methods_that_an_image_affects_alike_are_told_apart_by_a_small_difference():
    rng = np.random.default_rng(0)
    hits = rng.integers(10, 91, 12)  # images differ far more than the methods
    images = np.array([image(100, (hit, hit), (hit - 3, hit - 3)) for hit in hits])
    rows, (difference,) = summary(["a", "b"], images, None, seed=1)
    assert only(rows, method="a")["f1_low"] < only(rows, method="b")["f1_high"]
    assert 0 < difference["difference_low"] < difference["difference_high"] < 0.1
    assert difference["difference"] == pytest.approx(rows[0]["f1"] - rows[1]["f1"])


def test_equally_good_methods_are_called_different_as_rarely_as_promised():
    rng = np.random.default_rng(5)
    trials, wrong = 200, 0
    for seed in range(trials):
        hits = rng.binomial(20, 0.8, (15, 2))
        images = np.array([image(20, (a, a), (b, b)) for a, b in hits])
        _, (row,) = summary(["a", "b"], images, None, seed=seed)
        wrong += row["difference_low"] > 0 or row["difference_high"] < 0
    assert wrong / trials < 0.1
