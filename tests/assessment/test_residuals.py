"""What a method left in the wrong place, on foregrounds and backgrounds made to be wrong."""

import math

import numpy as np
import pytest

from localbg.assessment import residuals
from simulate import gaussian_spots

SHAPE = (160, 160)
PLACES = np.array([(y, x) for y in range(20, 150, 30) for x in range(20, 150, 30)], float)
ROWS, COLUMNS = np.indices(SHAPE)


def spots(amplitude, sigma=2.0):
    return gaussian_spots(SHAPE, [(y, x, amplitude, sigma) for y, x in PLACES])


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_self_subtraction_is_the_share_that_the_background_took_up(share):
    plain, rise = np.full(25, 100.0), np.linspace(10, 200, 25)
    found = residuals.measure_self_subtraction(plain + share * rise, plain, plain + rise, plain)
    assert found == pytest.approx(share)


def test_self_subtraction_of_dark_spots_is_the_same():
    plain = np.full(5, 100.0)
    assert residuals.measure_self_subtraction(plain - 5, plain, plain - 20, plain) == pytest.approx(
        0.25
    )


def test_self_subtraction_without_injected_spots_is_unknown():
    nothing = np.empty(0)
    assert math.isnan(residuals.measure_self_subtraction(nothing, nothing, nothing, nothing))
    same = np.full(3, 7.0)
    assert math.isnan(residuals.measure_self_subtraction(same, same, same, same))


def test_a_background_that_holds_a_third_of_its_spots_rises_by_a_third_under_them():
    background = 100 + spots(30, sigma=1.0)
    shares = residuals.measure_excess(background, PLACES, np.full(25, 60.0), 3)
    # Within 1.5 px there are the middle, four pixels at 1 and four at the square root of 2.
    mean = 30 * (1 + 4 * np.exp(-0.5) + 4 * np.exp(-1)) / 9
    assert shares == pytest.approx(mean / (mean + 60), rel=1e-3)


def test_a_sloped_background_does_not_excess_under_spots():
    background = 100 + 3.0 * ROWS - 2.0 * COLUMNS
    shares = residuals.measure_excess(background, PLACES, np.full(25, 60.0), 3)
    assert shares == pytest.approx(0, abs=1e-6)


def test_spots_by_the_border_say_nothing():
    assert math.isnan(residuals.measure_excess(np.ones(SHAPE), [(2.0, 80.0)], [5.0], 3))


def test_the_trend_is_how_much_of_the_background_is_left():
    level = 100 + 0.5 * COLUMNS
    mask = spots(1) > 0.1
    foreground = 0.3 * (level - level.mean()) + spots(500)
    assert residuals.measure_trend(foreground, level, mask, 1) == pytest.approx(0.3, abs=0.02)
    assert residuals.measure_trend(spots(500) + 5, level, mask, 1) == pytest.approx(0, abs=0.02)
    assert math.isnan(residuals.measure_trend(foreground, level, mask, 60))
    assert math.isnan(residuals.measure_trend(foreground, np.full(SHAPE, 100.0), mask, 0))


def test_counts_that_follow_the_background_correlate_with_it():
    level = 100.0 + COLUMNS
    rng = np.random.default_rng(0)
    anywhere = rng.uniform(0, 159, (2000, 2))
    rising = anywhere[rng.random(2000) < anywhere[:, 1] / 159]
    assert residuals.correlate_counts(rising, level, 2, 1) > 0.8
    assert abs(residuals.correlate_counts(anywhere, level, 2, 1)) < 0.45
    assert residuals.correlate_counts(rising, -level, 2, 1) < -0.8


@pytest.mark.parametrize("places", [np.empty((0, 2)), PLACES])
def test_counts_do_not_correlate_without_spots_or_on_level_ground(places):
    assert math.isnan(residuals.correlate_counts(places, np.full(SHAPE, 7.0), 2, 0))


def test_spots_on_edges_only_are_ten_times_as_many_and_spots_anywhere_as_many():
    edges = (COLUMNS >= 72) & (COLUMNS < 88)
    on_edge = np.column_stack([np.arange(20, 140, 4), np.full(30, 80)])
    everywhere = np.random.default_rng(0).uniform(0, 159, (4000, 2))
    assert residuals.measure_edge_excess(on_edge, edges) == pytest.approx(10)
    assert residuals.measure_edge_excess(everywhere, edges) == pytest.approx(1, abs=0.15)
    assert residuals.measure_edge_excess([(5.0, 5.0)], edges) == 0
    assert math.isnan(residuals.measure_edge_excess(np.empty((0, 2)), edges))
    assert math.isnan(residuals.measure_edge_excess(on_edge, np.zeros(SHAPE, bool)))


def test_edges_are_where_the_background_is_steepest_and_even_slopes_have_none():
    rng = np.random.default_rng(0)
    noise = np.full(SHAPE, 5.0)
    rim = np.where(np.abs(COLUMNS - 80) < 5, 60.0, 0.0) + rng.uniform(0, 2, SHAPE)
    np.testing.assert_array_equal(residuals.find_edges(rim, noise), np.abs(COLUMNS - 80) < 5)
    assert not residuals.find_edges(20 + rng.uniform(0, 5, SHAPE), noise).any()
    assert not residuals.find_edges(rng.uniform(0, 5, SHAPE) ** 4 / 125, noise).any()
