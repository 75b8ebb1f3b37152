"""Intervals hold the true value as often as they say, also with few images."""

import numpy as np
import pytest

from localbg.core import bootstrap


def test_the_same_seed_gives_the_same_resamples_and_another_seed_others():
    rows = np.random.default_rng(1).normal(size=(20, 3, 2))
    first, again, other = (bootstrap.sums(rows, seed=seed, draws=50) for seed in (4, 4, 5))
    assert first.shape == (50, 3, 2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_chunks_do_not_change_the_resamples(monkeypatch):
    rows = np.arange(12.0).reshape(6, 2)
    expected = bootstrap.sums(rows, seed=3, draws=25)
    monkeypatch.setattr(bootstrap, "CHUNK", 20)
    np.testing.assert_array_equal(bootstrap.sums(rows, seed=3, draws=25), expected)


def test_a_resample_holds_one_row_less_and_whole_rows_only():
    rows = np.column_stack([np.ones(5), [1, 10, 100, 1000, 10000], [2, 20, 200, 2000, 20000]])
    drawn = bootstrap.sums(rows, seed=0, draws=400)
    assert set(drawn[:, 0]) == {4}
    np.testing.assert_array_equal(drawn[:, 2], 2 * drawn[:, 1])
    assert {sum(map(int, f"{total:.0f}")) for total in drawn[:, 1]} == {4}  # no row in parts
    assert drawn[:, 1].mean() == pytest.approx(4 * 11111 / 5, rel=0.1)


def test_a_single_row_has_no_spread():
    np.testing.assert_array_equal(bootstrap.sums([[3.0, 4.0]], seed=0, draws=2), [[3, 4]] * 2)


def test_an_interval_cuts_off_the_tails():
    low, high = bootstrap.interval(np.arange(101.0), level=0.9)
    assert (low, high) == pytest.approx((5, 95))


def test_an_interval_is_unknown_where_most_resamples_do_not_give_the_number():
    some = [np.nan] * 6 + [1.0, 2.0, 3.0, 4.0]
    assert np.isnan(bootstrap.interval(some)).all()
    assert not np.isnan(bootstrap.interval([*some, 1.0, 2.0])).any()
    assert np.isnan(bootstrap.interval([])).all()


@pytest.mark.parametrize(("n", "at_least"), [(8, 0.88), (30, 0.92)])
def test_intervals_of_means_hold_the_true_mean_as_often_as_they_say(n, at_least):
    rng = np.random.default_rng(2)
    trials = 300
    hits = 0
    for seed in range(trials):
        _, low, high = bootstrap.mean(rng.gamma(4, 5, n), seed=seed)
        hits += low <= 20 <= high
    assert at_least < hits / trials < 0.985


def test_the_spread_of_means_of_few_values_is_that_of_their_standard_error():
    values = np.array([3.0, 9.0, 12.0])
    sums = bootstrap.sums(np.column_stack([values, np.ones(3)]), seed=0, draws=20000)
    expected = values.std(ddof=1) / 3**0.5
    assert (sums[:, 0] / sums[:, 1]).std() == pytest.approx(expected, rel=0.03)


def test_the_interval_of_one_value_is_unknown():
    mean, low, high = bootstrap.mean([7.0], seed=0)
    assert mean == 7
    assert np.isnan([low, high]).all()
    assert np.isnan(bootstrap.mean([], seed=0)).all()


def test_an_interval_ends_where_nothing_is_known_if_resamples_do():
    values = np.r_[np.arange(100.0), [np.inf] * 4]
    low, high = bootstrap.interval(values)
    assert (low, high) == (3.0, np.inf)
    assert bootstrap.interval(np.r_[-np.inf, np.arange(100.0)])[0] == 2.0


def test_resamples_hold_one_row_less_than_there_are():
    weights = np.concatenate(list(bootstrap.resamples(7, seed=0, draws=50)))
    assert weights.shape == (50, 7)
    assert set(weights.sum(1)) == {6}
    rows = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_allclose(bootstrap.sums(rows, seed=0, draws=50), weights @ rows)
