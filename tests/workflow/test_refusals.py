"""What is wrong with a config is said once: the key, the value, what is expected, what to do."""

import pytest
from test_plan import planned, problems

from localbg.workflow import recipes

# min_snr, and the rules that it bounds


@pytest.mark.parametrize(
    ("config", "method", "rule"),
    [
        ({"threshold": {"min_snr": 4}}, "median", "matched_filter"),
        ({"threshold": {"rule": "noise", "k": 4, "min_snr": 4}}, "median", "noise"),
        (
            {"methods": {"median": {"threshold": {"rule": "value", "value": 9, "min_snr": 4}}}},
            "median",
            "value",
        ),
        ({"threshold": {"rule": "noise", "k": 4, "min_snr": [4]}}, "median_min_snr-4", "noise"),
        (
            {"threshold": {"rule": ["matched_filter"], "min_snr": 4}},
            "median_rule-matched_filter",
            "matched_filter",
        ),
    ],
)
def test_a_bound_beside_a_rule_that_it_does_not_bound_is_refused(config, method, rule):
    assert problems(**config, compare=["median"]) == [
        f"- methods, {method}: threshold, min_snr is 4, which does not bound the rule {rule}; "
        "expected only beside percentile, otsu, triangle, li, yen, isodata. Leave it out, or take "
        "such a rule"
    ]


def test_a_bound_is_no_setting_of_a_rule_that_it_does_not_bound():
    found = planned(threshold={"rule": ["noise", "otsu"], "k": 4}, compare=["median"])
    settings = {
        method.recipe["threshold"]["rule"]: recipes.list_settings(method.recipe, 3, None)
        for method in found.methods.values()
    }
    assert settings["otsu"]["threshold_min_snr"] == 5
    assert "threshold_min_snr" not in settings["noise"]


# Values out of lists


SIZE = "expected a length such as 4 (pixels), 2x (spot radii) or 0.5um"
LISTED = "It is one of a list: mend it there, or take it out"


@pytest.mark.parametrize(
    ("config", "method", "text"),
    [
        (
            {"methods": {"median": {"background": {"radius": ["2x", "2y"]}}}},
            "median_radius-2y",
            f"background, radius is '2y'; {SIZE}. {LISTED}",
        ),
        (
            {"threshold": {"scope": ["all", "al"]}},
            "median_scope-al",
            "threshold, scope is 'al'; expected one of image, group, all. Did you mean 'all'? "
            + LISTED,
        ),
        (
            {"methods": {"median": {"background": {"filter": ["median", "mdian"], "radius": 5}}}},
            "median_filter-mdian",
            "background: unknown filter 'mdian'; expected one of gaussian, median, opening, "
            f"rolling_ball. Did you mean 'median'? {LISTED}",
        ),
        # Beside a list of another key a single value is as it stands alone.
        (
            {"spots": {"split": [True, False]}, "denoise": {"sigma": "2y"}},
            "median_split-true and 1 more",
            f"denoise, sigma is '2y'; {SIZE}",
        ),
    ],
)
def test_an_unfit_value_of_a_list_is_named_with_its_method_and_what_to_do(config, method, text):
    assert problems(**config, compare=["median"]) == [f"- methods, {method}: {text}"]


# Said once


def test_what_is_wrong_for_all_methods_is_said_once():
    bounded = problems(threshold={"rule": "otsu", "minsnr": 3}, spots={"split": "maybe"})
    assert bounded == [
        "- methods, tophat and 2 more: threshold: otsu takes no 'minsnr'; it takes min_snr, scope, "
        "from. Did you mean 'min_snr'?",
        "- methods, tophat and 2 more: spots, split is 'maybe'; expected true or false",
    ]


def test_a_misspelt_key_is_not_said_to_be_missing_too():
    (problem,) = problems({"a": {"pth": "a.tif"}})
    assert problem.startswith("- images, a: unknown key 'pth'. Did you mean 'path'?")
    missing, unknown = problems({"a": {"colour": 3}})
    assert missing == "- images, a: the key 'path' is missing"
    assert unknown.startswith("- images, a: unknown key 'colour'. Keys here: path,")


def test_a_misspelt_rule_or_filter_key_has_its_nearest_name():
    (problem,) = problems(threshold={"rul": "otsu"})
    assert problem.endswith(" Did you mean 'rule'?")
