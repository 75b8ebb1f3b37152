"""Curves of completeness: known curves come back, and what has no number is said in words."""

import numpy as np
import pytest

from localbg.assessment.completeness import Curve, fit_completeness, ratio, together

CONTRASTS = list(np.geomspace(0.5, 256, 19))
STEP = ratio(CONTRASTS)


def drawn(curve, each=48, seed=0):
    """Spots found of those injected evenly within each step of contrast."""
    spread = STEP ** ((np.arange(each) + 0.5) / each - 0.5)
    share = curve.share(np.multiply.outer(CONTRASTS, spread))
    return (np.random.default_rng(seed).random(share.shape) < share).sum(1)


def test_a_ladder_has_one_ratio():
    assert ratio([1, 2, 4, 8]) == pytest.approx(2)


def test_half_and_nine_tenths_of_a_curve_are_where_they_should_be():
    curve = Curve(6.0, 0.25, 1.0)
    assert curve.share([6.0]) == pytest.approx(0.5)
    assert curve.share([6 * 9**0.25]) == pytest.approx(0.9)
    assert curve.share([1e-6, 1e6]) == pytest.approx([0, 1])


@pytest.mark.parametrize(("middle", "width"), [(6.0, 0.25), (40.0, 0.1), (2.0, 0.5)])
def test_a_known_curve_comes_back_within_a_tenth_and_the_interval_is_no_wider(middle, width):
    halves, nearly_all = [], []
    for seed in range(8):
        _, points = fit_completeness(
            CONTRASTS, [48] * 19, drawn(Curve(middle, width, 1.0), seed=seed)
        )
        halves.append(points["half"])
        nearly_all.append(points["90 %"].contrast)
    assert np.mean([p.contrast for p in halves]) == pytest.approx(middle, rel=0.05)
    assert sum(p.low <= middle <= p.high for p in halves) >= 6
    assert np.mean(nearly_all) == pytest.approx(middle * 9**width, rel=0.15)
    if width <= 0.25:
        assert all(p.high / p.low < 1.25 for p in halves)


def test_a_ceiling_below_one_does_not_move_the_middle():
    curve, points = fit_completeness(CONTRASTS, [200] * 19, drawn(Curve(8.0, 0.1, 0.75), each=200))
    assert curve.ceiling == pytest.approx(0.75, abs=0.05)
    assert curve.middle == pytest.approx(8, rel=0.05)
    assert points["half"].contrast == pytest.approx(8 * 0.5**-0.1, rel=0.05)
    assert points["90 %"].contrast is None
    assert points["90 %"].note == "fewer than 90 % found up to 304"


def test_a_sharp_rise_between_two_contrasts_has_an_interval_that_spans_the_gap():
    _, points = fit_completeness(CONTRASTS, [3] * 19, [0] * 9 + [3] * 10)
    half = points["half"]
    gap = CONTRASTS[8], CONTRASTS[9]
    assert gap[0] < half.contrast < gap[1]
    assert half.low < half.contrast < half.high
    assert half.high / half.low > 1.2


@pytest.mark.parametrize(
    ("found", "note"),
    [(0, "fewer than half found up to 304"), (48, "more than half found from 0.42 on")],
)
def test_never_and_always_are_words_and_no_numbers(found, note):
    _, points = fit_completeness(CONTRASTS, [48] * 19, [found] * 19)
    half = points["half"]
    assert (half.contrast, half.low, half.note) == (None, None, note)


def test_nothing_is_told_beyond_what_was_injected():
    injected = [48] * 9 + [0] * 10
    _, points = fit_completeness(CONTRASTS, injected, [0] * 19)
    assert points["half"].note == f"fewer than half found up to {CONTRASTS[8] * STEP**0.5:.3g}"


def test_the_same_seed_gives_the_same_interval():
    found = drawn(Curve(6.0, 0.25, 1.0))
    assert fit_completeness(CONTRASTS, [48] * 19, found) == fit_completeness(
        CONTRASTS, [48] * 19, found
    )


def test_the_mean_curve_of_images_lies_between_them_and_its_interval_holds_them():
    curves = [Curve(middle, 0.05, 1.0) for middle in (4.0, 5.0, 6.0, 7.0, 8.0)]
    half = together(CONTRASTS, curves, [1] * 5)["half"]
    assert half.contrast == pytest.approx(6, rel=0.03)
    assert 4 < half.low < 6 < half.high < 8
    alike = together(CONTRASTS, curves[2:3] * 5, [1] * 5)["half"]
    assert (alike.low, alike.high) == (alike.contrast, alike.contrast)


def test_an_image_counts_as_much_as_its_weight():
    curves = [Curve(4.0, 0.05, 1.0), Curve(64.0, 0.05, 1.0)]
    assert together(CONTRASTS, curves, [3, 1])["half"].contrast == pytest.approx(4, rel=0.1)
    assert together(CONTRASTS, curves, [1, 3])["half"].contrast == pytest.approx(64, rel=0.1)


def test_images_of_which_some_never_find_half_are_told_so():
    points = together(CONTRASTS, [Curve(6.0, 0.1, 1.0)] + [Curve(1000.0, 0.1, 0.1)] * 3, [1] * 4)
    assert points["half"].note == "fewer than half found up to 304"
