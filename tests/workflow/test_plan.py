"""A config resolves to the methods and steps that it says, or every problem is named at once."""

import csv
import itertools
import math
import os
import subprocess
import sys

import pytest
import yaml

from conftest import ROOT
from localbg.core.parameters import resolve, scale, to_pixels
from localbg.workflow import config as keys
from localbg.workflow.plan import PlanError, make_plan

IMAGES = {"a": "a.tif", "b": "b.tif"}
SHIPPED = ("tophat", "median", "gaussian")
KINDS = ("denoised", "background", "foreground", "mask", "labels")


def planned(images=IMAGES, **config):
    return make_plan({"images": images} | config)


def problems(images=IMAGES, **config):
    """Every problem of a config, which must have some."""
    with pytest.raises(PlanError) as error:
        planned(images, **config)
    return str(error.value).splitlines()[1:]


def one(filter, **parameters):
    """Config of a single method, called `m`."""
    return {"methods": {"m": {"background": {"filter": filter} | parameters}}, "compare": ["m"]}


def parameters(found, kind, method="m", image="a"):
    """What a step of a method is called with."""
    label = getattr(found.methods[method], kind)
    return found.parameters(kind, label, image)


def n_steps(found):
    return {kind: len(found.steps[kind]) for kind in KINDS}


# Defaults


def test_a_config_that_names_its_images_only_has_every_default():
    explicit = planned(**keys.defaults())
    assert planned() == explicit
    assert set(explicit.methods) == set(SHIPPED)
    assert explicit.results == "results"
    assert explicit.max_failed == 0


def test_the_shipped_config_says_what_the_defaults_are(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert make_plan(config) == make_plan({"images": config["images"]})
    assert {key: config[key] for key in keys.defaults()} == keys.defaults()


def test_every_key_of_the_schema_is_described_and_has_a_default():
    schema = yaml.safe_load(keys.SCHEMA.read_text(encoding="utf-8"))
    assert set(keys.defaults()) == set(schema["properties"]) - {"images"}
    assert [key for key, spec in schema["properties"].items() if not spec.get("description")] == []


def test_the_config_itself_is_left_alone():
    config = {"images": dict(IMAGES)} | one("median", radius=[3, 4])
    before = yaml.safe_dump(config)
    make_plan(config)
    assert yaml.safe_dump(config) == before


# Methods


def test_a_method_overrides_single_parameters_and_inherits_the_rest():
    found = planned(
        denoise={"filter": "gaussian", "sigma": 1},
        threshold={"rule": "noise", "k": 4},
        methods={"median": {"background": {"radius": 9}, "threshold": {"k": 6}}},
    )
    recipe = found.methods["median"].recipe
    assert recipe["background"] == {"filter": "median", "radius": 9, "of": "denoised"}
    assert recipe["threshold"] == {"rule": "noise", "k": 6}
    assert recipe["denoise"] == {"filter": "gaussian", "sigma": 1}
    assert found.methods["tophat"].recipe["threshold"] == {"rule": "noise", "k": 4}


def test_a_new_filter_drops_the_old_ones_parameters():
    found = planned(
        methods={"median": {"background": {"filter": "gaussian", "sigma": 7}}},
        threshold={"rule": "otsu"},
        denoise={"filter": "median", "radius": 1},
    )
    recipe = found.methods["median"].recipe
    assert recipe["background"] == {"filter": "gaussian", "sigma": 7, "of": "denoised"}
    assert recipe["threshold"] == {"rule": "otsu"}
    assert recipe["denoise"] == {"filter": "median", "radius": 1}


def test_a_new_rule_keeps_what_every_rule_takes():
    found = planned(
        threshold={"rule": "otsu", "min_snr": 2, "scope": "all"},
        methods={
            "median": {"threshold": {"rule": "li"}},
            "tophat": {"threshold": {"rule": "noise", "k": 4}},
        },
    )
    assert {name: method.recipe["threshold"] for name, method in found.methods.items()} == {
        "gaussian": {"rule": "otsu", "min_snr": 2, "scope": "all"},
        "median": {"rule": "li", "min_snr": 2, "scope": "all"},
        # Which min_snr does not bound.
        "tophat": {"rule": "noise", "k": 4, "scope": "all"},
    }


def test_naming_the_same_filter_again_keeps_its_parameters():
    found = planned(methods={"median": {"background": {"filter": "median", "footprint": "imagej"}}})
    shipped = keys.defaults()["methods"]["median"]["background"]["radius"]
    assert found.methods["median"].recipe["background"]["radius"] == shipped


def test_all_methods_run_unless_some_are_chosen():
    own = {"mine": {"background": {"filter": "median", "radius": 5}}}
    assert list(planned(methods=own).methods) == ["gaussian", "median", "mine", "tophat"]
    assert list(planned(methods=own, compare=["tophat", "mine"]).methods) == ["mine", "tophat"]


# Sweeps


def test_a_list_of_values_makes_a_method_of_each():
    found = planned(**one("median", radius=[5, "2x", 7.5]))
    assert list(found.methods) == ["m_radius-2x", "m_radius-5", "m_radius-7.5"]
    assert found.methods["m_radius-7.5"].recipe["background"]["radius"] == 7.5


def test_lists_are_combined():
    found = planned(
        **one("median", radius=[5, 6], footprint=["disk", "imagej"]),
        threshold={"rule": "noise", "k": [3, 4]},
    )
    expected = [
        f"m_radius-{radius}_footprint-{footprint}_k-{k}"
        for radius, footprint, k in itertools.product((5, 6), ("disk", "imagej"), (3, 4))
    ]
    assert sorted(found.methods) == sorted(expected)


def test_a_list_at_the_top_sweeps_every_method():
    found = planned(threshold={"rule": "noise", "k": [3, 5]}, compare=["median", "tophat"])
    assert list(found.methods) == ["median_k-3", "median_k-5", "tophat_k-3", "tophat_k-5"]


def test_a_parameter_that_two_steps_sweep_is_named_with_its_step():
    found = planned(
        **one("median", radius=[3, 4]), denoise={"filter": "median", "radius": [1, "0.5x"]}
    )
    assert list(found.methods) == [
        "m_denoise-radius-0.5x_background-radius-3",
        "m_denoise-radius-0.5x_background-radius-4",
        "m_denoise-radius-1_background-radius-3",
        "m_denoise-radius-1_background-radius-4",
    ]


def test_a_list_of_one_is_a_sweep_too():
    assert list(planned(**one("median", radius=[5])).methods) == ["m_radius-5"]


def test_rules_are_swept_each_with_the_parameters_that_it_heeds():
    found = planned(
        threshold={"rule": ["matched_filter", "noise", "otsu"], "k": [4, 5], "min_snr": 3},
        compare=["median"],
    )
    assert {name: method.recipe["threshold"] for name, method in found.methods.items()} == {
        "median_rule-noise_k-4": {"rule": "noise", "k": 4},
        "median_rule-noise_k-5": {"rule": "noise", "k": 5},
        "median_rule-otsu": {"rule": "otsu", "min_snr": 3},
        "median_rule-matched_filter": {"rule": "matched_filter", "radius": "1x"},
    }
    assert n_steps(found) == {"denoised": 1, "background": 1, "foreground": 1} | {
        "mask": 4,
        "labels": 4,
    }


@pytest.mark.parametrize("above", [{"rule": "noise", "k": 4}, {"rule": "otsu", "min_snr": 3}])
def test_a_listed_rule_is_taken_as_if_it_stood_alone(above):
    """It keeps what its own parameters are further up, and nothing of another rule's."""
    k = {} if "k" in above else {"k": 4}
    own = {"rule": ["noise", "otsu"]} | k
    for rule in own["rule"]:
        single = {"rule": rule} | (k if rule == "noise" else {})
        alone = planned(threshold=above, methods={"median": {"threshold": single}})
        swept = planned(threshold=above, methods={"median": {"threshold": own}})
        expected = alone.methods["median"].recipe["threshold"]
        assert swept.methods[f"median_rule-{rule}"].recipe["threshold"] == expected


def test_a_parameter_beside_listed_rules_is_refused_if_none_of_them_takes_it():
    assert [text.split(";")[0] for text in problems(
        threshold={"rule": ["matched_filter", "otsu"], "k": 4}, compare=["median"]
    )] == [
        "- methods, median_rule-matched_filter: threshold: matched_filter takes no 'k'",
        "- methods, median_rule-otsu: threshold: otsu takes no 'k'",
    ]  # fmt: skip


def test_filters_of_one_method_are_swept_with_sizes_of_their_own():
    own = {"filter": ["median", "gaussian"], "radius": [5, 6], "sigma": 4}
    found = planned(methods={"m": {"background": own}}, compare=["m"])
    assert {name: method.recipe["background"] for name, method in found.methods.items()} == {
        "m_filter-gaussian": {"of": "denoised", "filter": "gaussian", "sigma": 4},
        "m_filter-median_radius-5": {"of": "denoised", "filter": "median", "radius": 5},
        "m_filter-median_radius-6": {"of": "denoised", "filter": "median", "radius": 6},
    }


@pytest.mark.attack(
    kind="names",
    case="two methods that come out under one name",
    outcome="refused",
)
def test_two_methods_that_come_out_under_one_name_are_refused():
    config = one("median", radius=[3, 4])
    config["methods"]["m_radius-3"] = {"background": {"filter": "opening", "radius": 3}}
    config["compare"].append("m_radius-3")
    assert problems(**config) == [
        "- methods: two methods come out as 'm_radius-3'; rename one of them"
    ]


# Steps


def test_methods_share_the_steps_they_have_in_common():
    assert n_steps(planned()) == {
        "denoised": 1,
        "background": 3,
        "foreground": 3,
        "mask": 3,
        "labels": 3,
    }


def test_a_sweep_of_the_threshold_repeats_nothing_before_it():
    found = planned(threshold={"rule": "noise", "k": [3, 4, 5]}, compare=["median"])
    assert n_steps(found) == {
        "denoised": 1,
        "background": 1,
        "foreground": 1,
        "mask": 3,
        "labels": 3,
    }


def test_a_background_of_the_raw_image_is_shared_by_all_ways_to_denoise():
    found = planned(
        **one("median", radius=5), background={"of": "image"}, denoise={"sigma": [1, 2, 3]}
    )
    assert n_steps(found) == {
        "denoised": 3,
        "background": 1,
        "foreground": 3,
        "mask": 3,
        "labels": 3,
    }


def test_without_denoising_the_raw_and_the_denoised_image_give_one_background():
    found = planned(
        denoise={"filter": "none"},
        methods={
            name: {"background": {"filter": "median", "radius": 5, "of": of}}
            for name, of in (("raw", "image"), ("same", "denoised"))
        },
        compare=["raw", "same"],
    )
    assert n_steps(found) == dict.fromkeys(KINDS, 1)
    (step,) = found.steps["background"].values()
    assert step.denoised is None


def test_each_step_knows_what_it_builds_on():
    found = planned(
        **one("opening", radius=5), denoise={"filter": "median", "radius": 1}, polarity="dark"
    )
    method = found.methods["m"]
    background = found.steps["background"][method.background]
    assert background.denoised == method.denoised
    assert background.parameters == {"filter": "opening", "radius": 5, "polarity": "dark"}
    foreground = found.steps["foreground"][method.foreground]
    assert (foreground.denoised, foreground.background) == (method.denoised, method.background)
    assert foreground.parameters["polarity"] == "dark"
    assert found.steps["mask"][method.mask].foreground == method.foreground
    spots = found.steps["labels"][method.labels]
    assert (spots.mask, spots.foreground) == (method.mask, method.foreground)
    assert spots.background == method.background


# Each is one change to the config of `one("median", radius=5)`.
CHANGES = {
    "polarity": {"polarity": "dark"},
    "denoise sigma": {"denoise": {"sigma": 2}},
    "denoise filter": {"denoise": {"filter": "median", "radius": 2}},
    "no denoising": {"denoise": {"filter": "none"}},
    "of": {"background": {"of": "image"}},
    "clip": {"subtract": {"clip": "zero"}},
    "fdr": {"threshold": {"fdr": 0.1}},
    "scope": {"threshold": {"scope": "all"}},
    "rule": {"threshold": {"rule": "li"}},
    "close": {"spots": {"close": 1}},
    "fill_holes": {"spots": {"fill_holes": False}},
    "min_area": {"spots": {"min_area": 9}},
    "max_area": {"spots": {"max_area": 90}},
    "split": {"spots": {"split": False}},
    "min_distance": {"spots": {"min_distance": 9}},
    "exclude_border": {"spots": {"exclude_border": True}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_parameter_is_another_label(change):
    config = one("median", radius=5)
    before = planned(**config).methods["m"].labels
    assert planned(**config | change).methods["m"].labels != before


def test_another_bound_is_another_label():
    otsu = {"threshold": {"rule": "otsu"}}
    labels = [
        planned(**one("median", radius=5), threshold=otsu["threshold"] | bound).methods["m"].labels
        for bound in ({}, {"min_snr": 1}, {"min_snr": 7})
    ]
    assert len(set(labels)) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [(5, 6), (5, "5x"), (5, "5um"), (0.5, 0.51), (1000.001, 1000.002), (1e-7, 2e-7)],
)
@pytest.mark.attack(
    kind="names",
    case="sizes that look alike in a label",
    outcome="a folder of its own each",
)
def test_sizes_that_differ_never_share_a_folder(first, second):
    labels = [planned(**one("median", radius=r)).methods["m"].background for r in (first, second)]
    assert labels[0] != labels[1]


@pytest.mark.attack(kind="names", case="values that differ in a late digit", outcome="two methods")
def test_values_that_differ_late_are_two_methods():
    found = planned(threshold={"rule": "value", "value": [1000.001, 1000.002]}, compare=["median"])
    assert len(found.methods) == 2
    assert len(found.steps["mask"]) == 2


def test_labels_can_be_read():
    found = planned(**one("median", radius="2x"), denoise={"filter": "gaussian", "sigma": 1.5})
    assert found.methods["m"].denoised == "gaussian_sigma-1.5"
    assert found.methods["m"].background == "gaussian_sigma-1.5/median_radius-2x"


def test_dark_spots_get_a_background_of_their_own():
    config = one("opening", radius=5)
    config["methods"]["d"] = config["methods"]["m"] | {"polarity": "dark"}
    config["compare"].append("d")
    found = planned(**config)
    bright, dark = found.methods["m"], found.methods["d"]
    assert bright.denoised == dark.denoised
    assert dark.background == f"{bright.background}_dark"
    assert parameters(found, "background", "d")["polarity"] == "dark"
    assert parameters(found, "background", "m")["polarity"] == "bright"


# Numbers


def test_sizes_in_spot_radii_become_pixels_image_by_image():
    images = {"a": {"path": "a.tif", "spot_radius": 4}, "b": "b.tif"}
    found = planned(
        images,
        **one("median", radius="2x"),
        spot_radius=3,
        denoise={"sigma": "0.5x"},
        spots={"min_area": "0.5x", "max_area": 200, "min_distance": "1.5x"},
    )
    assert parameters(found, "background", image="a")["radius"] == 8
    assert parameters(found, "background", image="b")["radius"] == 6
    assert parameters(found, "denoised", image="b")["sigma"] == 1.5
    spots = parameters(found, "labels", image="a")
    assert spots["min_area"] == pytest.approx(0.5 * math.pi * 16)
    assert spots["max_area"] == 200
    assert spots["min_distance"] == 6


def test_sizes_in_micrometres_become_pixels_by_the_pixel_size():
    found = planned(
        **one("median", radius="2x"),
        spot_radius="0.3um",
        spots={"min_area": "0.5x", "min_distance": "0.25 µm", "close": 1},
    )
    background = parameters(found, "background")
    spots = parameters(found, "labels")
    assert resolve(background, 0.1)["radius"] == 6
    assert resolve(background, 0.2)["radius"] == 3
    assert resolve(spots, 0.1)["min_area"] == pytest.approx(0.5 * math.pi * 9, rel=1e-5)
    assert resolve(spots, 0.1)["min_distance"] == 2.5
    assert resolve(spots, 0.1)["close"] == 1
    assert background["filter"] == resolve(background, 0.1)["filter"] == "median"


@pytest.mark.parametrize(
    ("value", "kind", "radius", "pixels"),
    [
        (4, "Size", 3, 4.0),
        ("4", "Size", 3, 4.0),
        ("4px", "Size", 3, 4.0),
        ("2x", "Size", 3, 6.0),
        ("1.5x", "Size", "0.4um", 3.0),
        ("0.5um", "Size", 3, 2.5),
        (".5 µm", "Size", 3, 2.5),
        ("1e-1um", "Size", 3, 0.5),
        (12, "Area", 3, 12.0),
        ("1x", "Area", 2, math.pi * 4),
        ("0.2um2", "Area", 3, 5.0),
        ("0.2μm2", "Area", 3, 5.0),
        (0, "Area", 3, 0.0),
        (None, "Area", 3, None),
    ],
)
def test_a_size_is_so_many_pixels_of_a_fifth_of_a_micrometre(value, kind, radius, pixels):
    assert to_pixels(scale(value, kind, radius), 0.2) == pytest.approx(pixels)


@pytest.mark.attack(
    kind="pixel size",
    case="a size in µm, and no pixel size",
    outcome="refused in words",
)
def test_micrometres_without_a_pixel_size_are_refused():
    with pytest.raises(ValueError, match="in µm, but the pixel size is unknown; give pixel_si"):
        to_pixels("0.5um", None)


# Problems


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"tresholds": {}}, "unknown key 'tresholds'. Did you mean 'threshold'? Keys here: "),
        ({"methods": {"m": {"backgrond": {}}}}, "methods, m: unknown key 'backgrond'. Did "),
        ({"run": {"mode": "step"}}, "run, mode: is 'step'; expected steps"),
        ({"polarity": "drak"}, "polarity: is 'drak'; expected bright, dark. Did you mean 'dark'?"),
        ({"compare": ["topaht"]}, "compare: unknown method 'topaht'; defined are tophat, median, "),
        ({"compare": ["topaht"]}, "Did you mean 'tophat'?"),
        ({"compare": "tophat"}, "compare: is 'tophat'; expected a list ([a, b])"),
        ({"threshold": 5}, "threshold: is 5; expected a mapping (key: value)"),
        ({"max_failed": "all"}, "max_failed: is 'all'; expected a whole number"),
        ({"methods": {"m": None}}, "methods, m: is empty; expected a mapping (key: value)"),
        (
            {"methods": {"count_median": {"background": {"filter": "median", "radius": 3}}}},
            "methods: 'count_median' is a column of comparison.csv; choose another name",
        ),
    ],
)
@pytest.mark.attack(
    kind="inputs",
    case="a wrong key or value",
    outcome="named with what is expected",
)
def test_a_wrong_key_or_value_is_named_with_what_is_expected(config, expected):
    (problem,) = problems(**config)
    assert expected in problem


def test_a_config_without_images_is_refused():
    with pytest.raises(PlanError, match="- the key 'images' is missing"):
        make_plan({})


@pytest.mark.parametrize(
    ("background", "expected"),
    [
        ({"filter": "medain"}, "background: unknown filter 'medain'; expected one of gaussian, me"),
        ({"radius": 3}, "background: unknown filter 'None'; expected one of gaussian, median,"),
        ({"filter": "median"}, "background: median needs 'radius'"),
        (
            {"filter": "median", "radius": 3, "raduis": 4},
            "background: median takes no 'raduis'; it takes radius, footprint, shrink,"
            " shrink_error, of. Did you mean 'radius'?",
        ),
        ({"filter": "gaussian", "sigma": 3, "radius": 3}, "background: gaussian takes no 'radius'"),
        ({"filter": "median", "radius": 0}, "background, radius is 0; expected a length such as 4"),
        ({"filter": "median", "radius": "0x"}, "background, radius is '0x'; expected a length"),
        ({"filter": "median", "radius": -2}, "background, radius is -2; expected a length such as"),
        ({"filter": "median", "radius": "-2x"}, "background, radius is '-2x'; expected a length"),
        ({"filter": "median", "radius": "2y"}, "background, radius is '2y'; expected a length"),
        ({"filter": "median", "radius": "2um2"}, "background, radius is '2um2'; expected a length"),
        ({"filter": "median", "radius": True}, "background, radius is True; expected a length"),
        ({"filter": "median", "radius": None}, "background, radius is empty; expected a value"),
        ({"filter": "median", "radius": math.inf}, "background, radius is inf; expected a length"),
        (
            {"filter": "median", "radius": 3, "footprint": "imagj"},
            "background, footprint is 'imagj'; expected one of disk, imagej. Did you mean 'imagej'",
        ),
        (
            {"filter": "median", "radius": 3, "of": "raw"},
            "background, of is 'raw'; expected one of image, denoised.",
        ),
        (
            {"filter": "median", "radius": []},
            "background, radius is an empty list; give a value, or a list of values to sweep over",
        ),
        ({"filter": "median", "radius": [3, -1]}, "background, radius is -1; expected a length"),
        ({"filter": "median", "radius": [[3, 4]]}, "background, radius is [3, 4]; expected a leng"),
        ({"filter": [], "radius": 3}, "background: unknown filter '[]'; expected one of gaussian"),
        ({"filter": {"name": "median"}}, "background: unknown filter '{'name': 'median'}'; expect"),
    ],
)
def test_a_wrong_background_is_named_with_what_is_expected(background, expected):
    found = problems(methods={"m": {"background": background}}, compare=["m"])
    assert len(found) == 1
    assert f": {expected}" in found[0]
    assert found[0].startswith("- methods, m")


@pytest.mark.parametrize(
    ("step", "value", "expected"),
    [
        (
            "threshold",
            {"rule": "ostu"},
            "unknown rule 'ostu'; expected one of matched_filter, noise, value",
        ),
        (
            "threshold",
            {"rule": "otsu", "k": 3},
            "otsu takes no 'k'; it takes min_snr, scope, from.",
        ),
        ("threshold", {"rule": "noise", "k": 0}, "k is 0; expected a number greater than 0"),
        (
            "threshold",
            {"rule": "noise", "k": "five"},
            "k is 'five'; expected a number greater than 0",
        ),
        (
            "threshold",
            {"rule": "otsu", "min_snr": -1},
            "min_snr is -1; expected a number, 0 or greater",
        ),
        ("threshold", {"rule": "value"}, "value needs 'value'"),
        (
            "threshold",
            {"rule": "percentile", "percent": 101},
            "percent is 101; expected a number from 0 to 100",
        ),
        ("denoise", {"filter": "wavelet"}, "unknown filter 'wavelet'; expected one of none, gauss"),
        ("denoise", {"filter": "none", "sigma": 1}, "none takes no 'sigma'"),
        ("denoise", {"filter": "median"}, "median needs 'radius'"),
        ("subtract", {"clip": True}, "clip is True; expected one of False, zero"),
        ("spots", {"min_are": 3}, "spots takes no 'min_are'; it takes close, fill_holes, min_area"),
        ("spots", {"min_area": -1}, "min_area is -1; expected an area such as 4 (pixels), 0.5x"),
        ("spots", {"min_area": "3um"}, "min_area is '3um'; expected an area such as 4 (pixels)"),
        ("spots", {"split": "maybe"}, "split is 'maybe'; expected true or false"),
        ("spots", {"min_distance": 0}, "min_distance is 0; expected a length"),
    ],
)
def test_a_wrong_step_is_named_with_what_is_expected(step, value, expected):
    (problem,) = problems(**{step: value}, compare=["median"])
    assert problem.startswith(f"- methods, median: {step}")
    assert expected in problem


def test_zero_switches_off_what_it_may():
    found = planned(**one("median", radius=3), spots={"min_area": 0, "close": 0, "max_area": None})
    assert parameters(found, "labels")["min_area"] == 0
    assert parameters(found, "labels")["max_area"] is None


def test_an_unknown_filter_or_rule_comes_with_the_nearest_word():
    (problem,) = problems(**one("medain", radius=3))
    assert problem.endswith(" Did you mean 'median'?")
    (problem,) = problems(**one("median", radius=3), threshold={"rule": "ostu"})
    assert problem.endswith(" Did you mean 'otsu'?")


def test_a_method_that_is_not_compared_may_be_unfinished():
    methods = {"later": {"background": {"filter": "median"}}}
    assert list(planned(methods=methods, compare=["median"]).methods) == ["median"]


def test_all_problems_are_reported_at_once():
    text = "\n".join(
        problems(
            {"a b": "a.tif", "d": {"path": "d.tif", "z": "top"}},
            methods={"m": {"background": {"filter": "median", "radius": -1, "footprint": "disc"}}},
            compare=["m", "n"],
        )
    )
    for expected in ("image id 'a b'", "z is 'top'", "radius is -1", "footprint is 'disc'"):
        assert expected in text
    assert "unknown method 'n'" in text


def test_an_unknown_key_hides_no_other_problem():
    text = "\n".join(problems({"a b": "a.tif"}, tresholds={}, denoise={"filter": "wavelet"}))
    for expected in ("unknown key 'tresholds'", "image id 'a b'", "unknown filter 'wavelet'"):
        assert expected in text


def test_problems_beyond_the_twentieth_are_counted():
    found = problems({f"bad id {n}": "a.tif" for n in range(30)})
    assert len(found) == 21
    assert found[-1] == "- … and 10 more problems"


@pytest.mark.parametrize(
    ("wrong", "first"),
    [
        (["n"], "The configuration has one problem:"),
        (["n", "o"], "The configuration has 2 problems:"),
    ],
)
def test_the_message_says_how_many_problems_there_are(wrong, first):
    with pytest.raises(PlanError) as error:
        planned(compare=wrong)
    assert str(error.value).splitlines()[0] == first


# Files


@pytest.fixture
def _two_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in IMAGES.values():
        (tmp_path / name).touch()


def test_settings_say_which_listed_values_made_a_method():
    config = {
        "m": {"background": {"filter": "median", "radius": [7.5, "2x"]}, "spots": {"min_area": 3}},
        "n": {"threshold": {"rule": "noise", "k": [4, 5]}, "background": {"filter": "opening"}},
    }
    config["n"]["background"]["radius"] = [3, 4]
    rows = planned(methods=config, compare=["m", "n", "tophat"]).settings()
    assert [tuple(row.values()) for row in rows] == [
        ("m_radius-2x", "m", "background", "radius", "2x"),
        ("m_radius-7.5", "m", "background", "radius", 7.5),
        ("n_radius-3_k-4", "n", "background", "radius", 3),
        ("n_radius-3_k-4", "n", "threshold", "k", 4),
        ("n_radius-3_k-5", "n", "background", "radius", 3),
        ("n_radius-3_k-5", "n", "threshold", "k", 5),
        ("n_radius-4_k-4", "n", "background", "radius", 4),
        ("n_radius-4_k-4", "n", "threshold", "k", 4),
        ("n_radius-4_k-5", "n", "background", "radius", 4),
        ("n_radius-4_k-5", "n", "threshold", "k", 5),
        ("tophat", "tophat", "", "", ""),
    ]


@pytest.mark.usefixtures("_two_images")
def test_images_and_truth_that_are_there_are_no_problem(tmp_path):
    (tmp_path / "a.csv").write_text("y,x\n1,2\n")
    images = IMAGES | {"a": {"path": "a.tif", "truth": "a.csv"}}
    assert planned(images).missing_files() == []
    assert planned(images).with_truth == {"a": "a.csv"}


@pytest.mark.usefixtures("_two_images")
def test_missing_images_and_unreadable_truth_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("row,col\n1,2\n")
    images = {"a": {"path": "a.tif", "truth": "a.csv"}, "b": "b.tif", "c": "c.tif"}
    assert planned(images).missing_files() == [
        "image 'a': truth a.csv: expected a csv with columns y and x (or axis-0, axis-1), "
        "found row, col",
        "image 'c': there is no file c.tif",
    ]


@pytest.mark.usefixtures("_two_images")
@pytest.mark.attack(
    kind="inputs",
    case="results that would lie in a file",
    outcome="refused before any job",
)
def test_results_that_would_lie_in_a_file_are_refused(tmp_path):
    (problem,) = planned(results="a.tif/results").missing_files()
    assert problem == (
        f"results: the folder {tmp_path}/a.tif/results can't be written to (see {tmp_path}/a.tif)"
    )


@pytest.mark.usefixtures("_two_images")
@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_results_that_may_not_be_written_are_refused(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    (problem,) = planned(results="locked/results").missing_files()
    assert "can't be written to" in problem


TEN_THOUSAND = """
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.perf_counter()
from localbg.workflow.plan import make_plan
plan = make_plan({"images": sys.argv[2]})
steps = sum(len(steps) for steps in plan.steps.values())
print(len(plan.images), len(plan.methods), steps)
print(f"planned in {time.perf_counter() - start:.2f} s")
heavy = {"numpy", "scipy", "skimage", "tifffile", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.attack(
    kind="memory",
    case="10,000 images",
    outcome="planned without a numerical library",
)
def test_ten_thousand_images_are_planned_without_numpy(tmp_path):
    path = tmp_path / "images.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "path", "spot_radius"))
        rows.writerows((f"image{n:05}", f"raw/{n}.tif", 2 + n % 3) for n in range(10_000))
    done = subprocess.run(
        [sys.executable, "-c", TEN_THOUSAND, ROOT / "scripts", path],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    counts, time = done.stdout.splitlines()
    print(time)
    assert counts == "10000 3 13"
