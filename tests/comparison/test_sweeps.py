"""Sweeps: slopes and plateaus worked out by hand, and what their figures show."""

import math

import numpy as np
import pytest

from localbg.comparison.sweeps import (
    axes,
    find_lines,
    find_plateau,
    measure_slopes,
    measure_stability,
)
from localbg.figures import sweep_charts
from localbg.workflow.plan import make_plan


def settings(**sweeps):
    """Rows of methods.csv, as text, for sweeps given as methods of the config."""
    config = {"images": {"a": "a.tif"}, "methods": sweeps, "compare": list(sweeps)}
    rows = make_plan(config).settings()
    return [{key: str(value) for key, value in row.items()} for row in rows]


def median(radius, **more):
    return {"background": {"filter": "median", "radius": radius}} | more


def noise(k):
    return {"threshold": {"rule": "noise", "k": k}}


def test_a_line_runs_along_increasing_values_with_all_else_alike():
    found = find_lines(settings(m=median([10, 5, 7.5], **noise([4, 10]))))
    assert [(line.parameter, line.fixed, line.texts) for line in found] == [
        ("radius", "k 4", ["5", "7.5", "10"]),
        ("radius", "k 10", ["5", "7.5", "10"]),
        ("k", "radius 5", ["4", "10"]),
        ("k", "radius 7.5", ["4", "10"]),
        ("k", "radius 10", ["4", "10"]),
    ]
    assert found[0].methods == ["m_radius-5_k-4", "m_radius-7.5_k-4", "m_radius-10_k-4"]
    assert found[0].values == [5, 7.5, 10]


def test_there_is_no_line_along_words_mixed_units_or_a_single_value():
    rules = {"threshold": {"rule": ["otsu", "li"]}}
    assert find_lines(settings(m=median(5, **rules))) == []
    assert find_lines(settings(m=median(["2x", 9]))) == []
    assert find_lines(settings(m=median(["2x"]))) == []
    assert find_lines(settings(m=median("2x"))) == []
    # 0 switches closing off, and has no place on a scale of ratios.
    (line,) = find_lines(settings(m=median(5, spots={"close": [0, 1, 2]})))
    assert line.values == [1, 2]


def test_a_parameter_that_only_some_of_the_rules_take_has_a_line_of_its_own():
    rows = settings(m=median(5, threshold={"rule": ["matched_filter", "noise"], "k": [3, 6]}))
    (line,) = find_lines(rows)
    assert (line.parameter, line.fixed, line.values) == ("k", "rule noise", [3, 6])
    assert list(axes(rows)["m"].items()) == [
        ("m_rule-matched_filter", {"rule": "matched_filter", "k": ""}),
        ("m_rule-noise_k-3", {"rule": "noise", "k": "3"}),
        ("m_rule-noise_k-6", {"rule": "noise", "k": "6"}),
    ]
    scores = {method: (0.5, 0.4, 0.6) for method in axes(rows)["m"]}
    measure = sweep_charts.Measure("F1", scores)
    figure = sweep_charts.draw_sweep("m", axes(rows)["m"], [measure], [line], {})
    panel = figure.axes[0]
    shown = np.ma.filled(panel.images[0].get_array().astype(float), np.nan)
    assert [text.get_text() for text in panel.get_xticklabels()] == ["without", "3", "6"]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["matched_filter", "noise"]
    assert np.isfinite(shown).tolist() == [[True, False, False], [False, True, True]]


def test_parameters_of_one_name_are_told_apart_by_their_step():
    denoise = {"denoise": {"filter": "median", "radius": [1, 2]}}
    found = axes(settings(m=median([5, 6], **denoise)))["m"]
    assert found["m_denoise-radius-1_background-radius-5"] == {
        "denoise radius": "1",
        "background radius": "5",
    }


def test_a_slope_is_the_exponent_of_a_power_law():
    values = [1, 2, 4, 8, 16]
    counts = 1e6 * np.array(values, float) ** -1.5
    assert measure_slopes(values, counts) == pytest.approx([1.5] * 5, rel=1e-3)
    assert measure_slopes(values, [70] * 5).tolist() == [0] * 5


def test_a_slope_is_taken_between_a_values_neighbours():
    expected = math.log(80.5 / 20.5) / math.log(9)
    assert measure_slopes([1, 3, 9], [80, 33, 20])[1] == pytest.approx(expected)


def test_nothing_is_stable_where_no_spot_is_found():
    found = measure_slopes([1, 2, 4], [[8, 0, 0], [0, 0, 0]])
    assert np.isfinite(found).tolist() == [[True, False, False], [False] * 3]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([90, 50, 48, 50, 20], (1, 3)),
        ([50, 50, 20, 20, 20], (2, 4)),
        ([100, 110, 50, 40, 30], (0, 1)),  # 10 % exactly
        ([100, 111, 50, 40, 30], None),
        ([9, 8, 0, 0, 0], None),  # no plateau of nothing
        ([100, 105, 110, 115, 120], (0, 2)),  # slow drift is no plateau
    ],
)
def test_a_plateau_is_the_widest_range_of_hardly_any_change(counts, expected):
    assert find_plateau([1, 2, 4, 8, 16], counts) == expected


def test_width_is_a_ratio_of_values_not_their_number():
    assert find_plateau([1, 10, 11, 12, 13], [5, 5, 9, 9, 9]) == (0, 1)


def test_the_table_of_stability_worked_out_by_hand():
    rows = settings(m=median([5, 10, 20]), t=median(4))
    methods = ["m_radius-10", "m_radius-20", "m_radius-5", "t"]  # as names are sorted
    counts = np.array([[10, 11, 30, 7]] * 4)
    found = measure_stability(rows, methods, counts, seed=0)
    assert [row["method"] for row in found] == ["m_radius-5", "m_radius-10", "m_radius-20"]
    middle = found[1]
    assert (middle["count_mean"], middle["count_low"], middle["count_high"]) == (10, 10, 10)
    assert middle["slope"] == pytest.approx(math.log(120.5 / 44.5) / math.log(4))
    assert middle["slope_low"] <= middle["slope"] <= middle["slope_high"]
    assert [row["on_plateau"] for row in found] == [False, True, True]
    assert {(row["plateau_from"], row["plateau_to"]) for row in found} == {("10", "20")}
    assert {row["plateau_width"] for row in found} == {2}


def test_one_image_has_counts_but_no_intervals():
    rows = measure_stability(
        settings(m=median([5, 10])), ["m_radius-10", "m_radius-5"], np.array([[3, 9]]), seed=0
    )
    assert [row["count_mean"] for row in rows] == [9, 3]
    assert all(math.isnan(row["slope_low"]) and math.isnan(row["count_low"]) for row in rows)
    assert measure_stability(settings(m=median([5, 10])), [], np.empty((0, 2)), seed=0) == []


# Figures


def drawn(rows, values, limits=(0, None), plateaus=None):
    scores = {method: (value, value - 1, value + 1) for method, value in values.items()}
    measure = sweep_charts.Measure("spots per image", scores, limits)
    return sweep_charts.draw_sweep(
        "m", axes(rows)["m"], [measure], find_lines(rows), plateaus or {}
    )


def test_one_parameter_is_drawn_as_a_curve_with_its_plateau():
    rows = settings(m=median([10, 5, 20]))
    values = {"m_radius-5": 30, "m_radius-10": 10, "m_radius-20": 11}
    (panel,) = drawn(rows, values, plateaus={"radius": ("10", "20")}).axes
    assert panel.lines[0].get_xdata() == pytest.approx([5, 10, 20])
    assert panel.lines[0].get_ydata() == pytest.approx([30, 10, 11])
    assert panel.get_xscale() == "log"
    (shaded,) = panel.patches
    assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == pytest.approx((10, 20))


def test_two_parameters_are_drawn_as_a_map_with_numbers_in_place():
    rows = settings(m=median([10, 5], **noise([4, 3, 5])))
    values = {f"m_radius-{r}_k-{k}": 10 * r + k for r in (5, 10) for k in (3, 4, 5)}
    panel, _ = drawn(rows, values).axes
    expected = [[53, 54, 55], [103, 104, 105]]
    np.testing.assert_array_equal(panel.images[0].get_array(), expected)
    assert [label.get_text() for label in panel.get_xticklabels()] == ["3", "4", "5"]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["5", "10"]
    assert [words.get_text() for words in panel.texts] == ["53", "54", "55", "103", "104", "105"]


def test_each_combination_of_further_parameters_has_a_map_of_its_own():
    rows = settings(m=median([10, 5], **noise([4, 3]), spots={"min_area": [1, 2]}))
    maps = [axes for axes in drawn(rows, {}).axes if axes.images]
    assert [panel.get_title(loc="left") for panel in maps] == [
        "spots per image; min_area 1",
        "spots per image; min_area 2",
    ]


def test_words_are_drawn_in_the_order_of_the_methods():
    rows = settings(m=median(5, threshold={"rule": ["otsu", "li"]}))
    (panel,) = drawn(rows, {"m_rule-otsu": 3, "m_rule-li": 4}).axes
    assert [label.get_text() for label in panel.get_xticklabels()] == ["li", "otsu"]
    assert panel.lines[0].get_ydata().tolist() == [4, 3]
