"""Points are matched one to one, as many and as close as possible, and scored accordingly."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localbg.accuracy.scoring import compare_spots, match_spots, score_spots

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=5)
TOLERANCES = st.sampled_from([0, 1, 1.5, 2, 5, 20])


def best_by_trying(a, b, tolerance):
    """Most pairs within the tolerance, and the least sum of their distances."""
    if len(a) > len(b):
        a, b = b, a
    best = (0, 0.0)
    for order in itertools.permutations(range(len(b)), len(a)):
        near = [d for p, j in zip(a, order, strict=True) if (d := math.dist(p, b[j])) <= tolerance]
        best = max(best, (len(near), -sum(near)))
    return best[0], -best[1]


@settings(max_examples=250, deadline=None)
@given(a=POINTS, b=POINTS, tolerance=TOLERANCES)
def test_match_is_one_to_one_and_the_best_there_is(a, b, tolerance):
    pairs, distances = match_spots(a, b, tolerance)
    assert pairs.shape == (len(distances), 2)
    for column in pairs.T:
        assert np.unique(column).size == column.size
    assert (np.diff(pairs[:, 0]) > 0).all()
    assert distances.tolist() == pytest.approx([math.dist(a[i], b[j]) for i, j in pairs])
    assert (distances <= tolerance).all()
    count, total = best_by_trying(a, b, tolerance)
    assert len(pairs) == count
    assert distances.sum() == pytest.approx(total)


@settings(max_examples=60, deadline=None)
@given(a=POINTS, b=POINTS, tolerance=TOLERANCES)
def test_match_does_not_depend_on_which_set_comes_first(a, b, tolerance):
    there, back = match_spots(a, b, tolerance)[1], match_spots(b, a, tolerance)[1]
    assert len(there) == len(back)
    assert there.sum() == pytest.approx(back.sum())


def test_nearest_neighbour_does_not_take_the_only_partner_of_another():
    # The first spot is nearest to the second place, the only one that the other spot reaches.
    truth, spots = [(0, 0), (0, 3)], [(0, 2), (0, 5.5)]
    pairs, distances = match_spots(truth, spots, 2.5)
    assert pairs.tolist() == [[0, 0], [1, 1]]
    assert distances.tolist() == [2, 2.5]


def test_more_pairs_come_before_closer_pairs():
    a, b = [(0, 0), (0, 10)], [(0, 10), (0, 19.5)]
    assert match_spots(a, b, 10)[0].tolist() == [[0, 0], [1, 1]]
    assert match_spots(a, b, 9.9)[0].tolist() == [[1, 0]]


@pytest.mark.parametrize("place", [(3, 4), (-3, -4), (0, 5), (5, 0)])
def test_tolerance_is_inclusive(place):
    assert match_spots([(0, 0)], [place], 5)[0].tolist() == [[0, 0]]
    assert match_spots([(0, 0)], [place], 4.999)[0].tolist() == []


def test_tolerance_of_nothing_matches_the_same_place():
    pairs, distances = match_spots([(1, 2), (3, 4)], [(3, 4), (1, 2.001)], 0)
    assert pairs.tolist() == [[1, 0]]
    assert distances.tolist() == [0]


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_nothing_matches_nothing(empty):
    for a, b in [(empty, [(1, 1)]), ([(1, 1)], empty), (empty, empty), ([(0, 0)], [(9, 9)])]:
        pairs, distances = match_spots(a, b, 3)
        assert pairs.shape == (0, 2)
        assert pairs.dtype.kind == "i"
        assert distances.shape == (0,)


def test_a_shifted_grid_is_matched_point_by_point():
    grid = np.array(list(itertools.product(range(0, 300, 6), repeat=2)), float)
    order = np.random.default_rng(4).permutation(len(grid))
    pairs, distances = match_spots(grid, (grid + np.array([0.3, -0.4]))[order], 2)
    np.testing.assert_array_equal(order[pairs[:, 1]], pairs[:, 0])
    np.testing.assert_allclose(distances, 0.5)
    assert len(pairs) == 2500


def test_agreement_counts_what_both_and_only_one_found():
    a = [(0, 0), (10, 10), (20, 20)]
    b = [(0, 1), (10, 12), (40, 40), (50, 50)]
    assert compare_spots(a, b, 2) == {"matched": 2, "only_a": 1, "only_b": 2, "jaccard": 0.4}
    assert compare_spots(b, a, 2) == {"matched": 2, "only_a": 2, "only_b": 1, "jaccard": 0.4}
    assert compare_spots(a, b, 1) == {"matched": 1, "only_a": 2, "only_b": 3, "jaccard": 1 / 6}
    assert compare_spots(a, a, 1)["jaccard"] == 1


def test_two_methods_without_spots_agree_and_one_of_them_without_does_not():
    nothing = {"matched": 0, "only_a": 0, "only_b": 0, "jaccard": 1}
    assert compare_spots([], [], 2) == nothing
    assert compare_spots([], [(1, 1)], 2) == nothing | {"only_b": 1, "jaccard": 0}
    assert compare_spots([(1, 1)], [], 2) == nothing | {"only_a": 1, "jaccard": 0}


def test_accuracy_worked_out_by_hand():
    truth = [(0, 0), (10, 10), (20, 20), (30, 30)]
    spots = [(0, 3), (10, 14), (12, 10), (90, 90), (90, 91)]
    found = score_spots(truth, spots, 4)
    assert found == {
        "n_truth": 4,
        "n_spots": 5,
        "matched": 2,
        "precision": 2 / 5,
        "recall": 2 / 4,
        "f1": pytest.approx(2 / (5 / 2 + 4 / 2)),
        "count_error": 1,
        "localisation_error": pytest.approx(((3**2 + 2**2) / 2) ** 0.5),
        "tolerance": 4,
    }


def test_localisation_error_is_the_root_of_the_mean_square():
    truth = [(0, 0), (50, 50), (90, 0)]
    spots = [(0, 1), (50, 57), (90, 0)]
    assert score_spots(truth, spots, 7)["localisation_error"] == pytest.approx((50 / 3) ** 0.5)


@pytest.mark.parametrize(
    ("truth", "spots", "expected"),
    [
        ([], [], {"precision": math.nan, "recall": math.nan, "f1": 1}),
        ([(1, 1)], [], {"precision": math.nan, "recall": 0, "f1": 0}),
        ([], [(1, 1)], {"precision": 0, "recall": math.nan, "f1": 0}),
        ([(1, 1)], [(9, 9)], {"precision": 0, "recall": 0, "f1": 0}),
    ],
)
def test_a_ratio_without_a_denominator_is_unknown(truth, spots, expected):
    found = score_spots(truth, spots, 2)
    assert {key: found[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    assert math.isnan(found["localisation_error"])
    assert found["matched"] == 0


def test_perfect_spots_have_perfect_scores_in_any_order():
    truth = np.random.default_rng(2).uniform(0, 200, (60, 2))
    found = score_spots(truth, truth[::-1], 1)
    assert (found["precision"], found["recall"], found["f1"]) == (1, 1, 1)
    assert found["localisation_error"] == 0
