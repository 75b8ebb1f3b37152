"""A choice is scored on images that it did not see, so that tuning too closely shows."""

import numpy as np
import pytest

from localbg.accuracy.cross_validation import ALL, choices, leave_one_out


def sums(*images):
    """Of each image (10 true spots) and method the true spots found; nothing false."""
    return np.array([[[10, hit, hit, 0.0] for hit in image] for image in images])


def f1(hit, of=10):
    return 2 * hit / (hit + of)


def test_a_method_that_suits_one_group_only_is_seen_to_be_over_tuned():
    # Each method is perfect on its own group and poor elsewhere; the last is fair everywhere.
    images = sums([10, 1, 1, 6], [1, 10, 1, 6], [1, 1, 10, 6])
    rows = leave_one_out(images[:, :3], ["a", "b", "c"], {"m": [0, 1, 2]})
    assert [row["left_out"] for row in rows] == ["a", "b", "c", ""]
    for row in rows[:3]:
        assert row["f1_chosen_on"] == pytest.approx(f1(11, 20))
        assert row["f1_left_out"] == pytest.approx(f1(1))
        assert row["f1_best"] == 1
        assert row["optimism"] == pytest.approx(f1(11, 20) - f1(1))
    assert rows[-1]["f1_chosen_on"] == pytest.approx(f1(12, 30))
    assert rows[-1]["f1_left_out"] == pytest.approx(f1(3, 30))
    assert rows[-1]["n_images"] == 3

    rows = leave_one_out(images, ["a", "b", "c"], {"m": [0, 1, 2, 3]})
    assert [row["chosen"] for row in rows] == [3, 3, 3, 3]
    assert [row["optimism"] for row in rows] == pytest.approx([0, 0, 0, 0])
    assert [row["best"] for row in rows] == [0, 1, 2, 3]


def test_a_group_is_left_out_as_a_whole():
    images = sums([10, 5], [10, 5], [2, 6], [3, 6])
    rows = leave_one_out(images, ["x", "x", "y", "y"], {"m": [0, 1]})
    x, y, all_of_them = rows
    assert (x["left_out"], x["n_images"], x["chosen"]) == ("x", 2, 1)
    assert x["f1_chosen_on"] == pytest.approx(f1(12, 20))
    assert x["f1_left_out"] == pytest.approx(f1(10, 20))
    assert (y["left_out"], y["chosen"], y["best"]) == ("y", 0, 1)
    assert y["f1_left_out"] == pytest.approx(f1(5, 20))
    assert (all_of_them["chosen"], all_of_them["f1_left_out"]) == (0, pytest.approx(f1(15, 40)))


def test_each_sweep_chooses_among_its_own():
    images = sums([10, 5, 1], [10, 5, 2])
    rows = leave_one_out(images, ["a", "b"], {"m": [1, 2], ALL: [0, 1, 2]})
    assert [(row["sweep"], row["chosen"]) for row in rows] == [("m", 1)] * 3 + [(ALL, 0)] * 3


def test_of_equals_the_first_is_chosen():
    rows = leave_one_out(sums([7, 7], [7, 7]), ["a", "b"], {"m": [0, 1]})
    assert {row["chosen"] for row in rows} == {0}


@pytest.mark.parametrize("groups", [[], ["a"], ["a", "a"]])
def test_one_group_cannot_be_left_out(groups):
    images = sums(*[[3, 4]] * len(groups)) if groups else np.empty((0, 2, 4))
    assert leave_one_out(images, groups, {"m": [0, 1]}) == []


def test_there_is_no_choice_among_one():
    def rows(*pairs):
        return [{"method": method, "sweep": sweep} for method, sweep in pairs]

    swept = ("m_k-4", "m"), ("m_k-4", "m"), ("m_k-5", "m")
    assert choices(rows(("m", "m"))) == {}
    assert choices(rows(*swept)) == {"m": ["m_k-4", "m_k-5"]}
    assert choices(rows(*swept, ("t", "t"))) == {
        "m": ["m_k-4", "m_k-5"],
        ALL: ["m_k-4", "m_k-5", "t"],
    }
