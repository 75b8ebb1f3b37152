"""Numbers out of all bounds are refused before any job, and whole ones may be written as 2.0."""

import math

import numpy as np
import pytest
import yaml

from localbg.core import failures
from localbg.core.parameters import Parameter, find_problem, radius_in_pixels, split_unit, to_pixels
from localbg.io import images
from localbg.pipeline import chain
from localbg.workflow import config as keys
from localbg.workflow import sheet
from localbg.workflow.plan import PlanError, make_plan

HUGE = int("9" * 400)


def attack(case, outcome):
    return pytest.mark.attack(kind="numbers", case=case, outcome=outcome)


def planned(**config):
    return make_plan({"images": {"a": "a.tif"}} | config)


def refused(**config):
    with pytest.raises(PlanError) as error:
        planned(**config)
    return str(error.value)


def one(**steps):
    """Config of one method."""
    return {"methods": {"m": {"background": {"filter": "median", "radius": 3}} | steps}} | {
        "compare": ["m"]
    }


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"assessment": {"contrasts": {"steps": 10**9}}},
            "assessment, contrasts, steps: is 1000000000; expected 200 at most",
            marks=attack("a billion steps of contrasts", "refused; planning never hangs"),
        ),
        (
            {"assessment": {"injected": 10**6}},
            "assessment, injected: is 1000000; expected 10000 at most",
        ),
        (
            {"assessment": {"images": 10**9}},
            "assessment, images: is 1000000000; expected 1000000 at",
        ),
        (
            {"assessment": {"contrasts": {"highest": 1e300}}},
            "contrasts, highest: is 1e+300; expected 1000000 at most",
        ),
        ({"assessment": {"gain": math.nan}}, "assessment, gain: is nan; expected a number"),
        pytest.param(
            {"seed": 2**32},
            "seed: is 4294967296; expected 4294967295 at most",
            marks=attack("a seed beyond 32 bits", "refused"),
        ),
        ({"seed": True}, "seed: is True; expected a whole number"),
        ({"seed": math.inf}, "seed: is inf; expected a whole number"),
        ({"max_failed": 1e300}, "max_failed: is 1e+300; expected 1000000000 at most"),
        pytest.param(
            {"max_failed": HUGE},
            f"max_failed: is {'9' * 59}…; expected 1000000000 at most",
            marks=attack("a whole number of 400 digits", "refused, and cut in the message"),
        ),
        pytest.param(
            {"max_failed": 1 << 20_000},
            "max_failed: is a whole number of some 6020 digits; expected fewer",
            marks=attack("a whole number that Python cannot write", "refused, with its length"),
        ),
        ({"spot_radius": HUGE}, f"spot_radius is {'9' * 59}…; expected 10000 pixels at most"),
        (
            {"run": {"mode": "batch", "images_per_job": 10**9}},
            "run, images_per_job: is 1000000000; expected auto or a whole number, 1 to 1000000",
        ),
        pytest.param(
            {"spot_radius": 1e300},
            "spot_radius is 1e+300; expected 10000 pixels at most",
            marks=attack("a radius of 1e300 pixels", "refused, naming the limit"),
        ),
        ({"spot_radius": math.nan}, "spot_radius: is nan; expected a number or text"),
        ({"spot_radius": "1e400um"}, "spot_radius is '1e400um'; expected 100000um at most"),
        pytest.param(
            {"spot_radius": " 0,3um"},
            "spot_radius is ' 0,3um'; expected a length such as 4 (pixels), 2x (spot radii) or 0.5",
            marks=attack("`0,3um` in the config", "refused once, not once for each image"),
        ),
        (one(background={"filter": "median", "radius": 1e5}), "radius is 100000.0; expected 10000"),
        (
            one(background={"filter": "median", "radius": "1e4x"}),
            "radius is '1e4x'; expected 1000x",
        ),
        (one(background={"filter": "median", "radius": HUGE}), "expected 10000 pixels at most"),
        (
            one(background={"filter": "median", "radius": [3, HUGE]}),
            "expected 10000 pixels at most",
        ),
        pytest.param(
            one(background={"filter": "median", "radius": "3." + "0" * 30 + "x"}),
            "expected 20 characters at most",
            marks=attack("a size of 30 digits", "refused; no folder has such a name"),
        ),
        (
            one(background={"filter": "median", "radius": 3, "shrink": HUGE}),
            "expected 1000 at most",
        ),
        (one(spots={"max_area": "1e9um2", "min_area": 1e12}), "min_area is 1000000000000.0; exp"),
        (one(spots={"prominence": 1e9}), "prominence is 1000000000.0; expected 1000000 at most"),
        (one(threshold={"rule": "noise", "k": 1e30}), "k is 1e+30; expected 1000000 at most"),
        (
            one(threshold={"rule": "noise", "k": True}),
            "k is True; expected a number greater than 0",
        ),
        (one(threshold={"rule": "value", "value": 1e300}), "value is 1e+300; expected 1e+15 at mo"),
        (one(threshold={"rule": "value", "value": -1e300}), "value is -1e+300; expected 1e+15 at"),
        (one(subtract={"clip": 0}), "clip is 0; expected one of False, zero"),
        pytest.param(
            {"threshold": {"rule": "noise", "k": list(range(1, 102)), "min_snr": list(range(101))}},
            "methods: the lists of values make 30603 methods; expected 10000 at most",
            marks=attack("lists that make 30,000 methods", "refused before they are made"),
        ),
    ],
)
def test_a_number_out_of_bounds_names_key_value_and_limit(config, expected):
    text = refused(**config)
    assert expected in text
    assert "Traceback" not in text


def test_a_wrong_radius_of_the_config_is_one_problem():
    images = {f"i{n}": f"{n}.tif" for n in range(30)}
    assert refused(images=images, spot_radius="0,3um").count("spot_radius") == 1


def test_a_sweep_of_billions_is_counted_and_not_made():
    many = list(range(1, 1001))
    sizes = {"close": many, "min_area": many, "min_distance": many, "prominence": many}
    assert "make 1000000000000 methods" in refused(**one(spots=sizes))


@attack("`2.0` for a whole number", "is 2, in sheets, configs and sweeps")
def test_a_whole_number_may_have_a_point():
    plan = planned(
        seed=7.0,
        max_failed=2.0,
        run={"mode": "batch", "images_per_job": 3.0},
        assessment={"images": 5.0, "injected": 4.0, "contrasts": {"steps": 3.0}},
        **one(background={"filter": "median", "radius": 6, "shrink": [2.0, 4]}),
    )
    numbers = [plan.seed, plan.max_failed, plan.assessment["injected"], plan.assessment["images"]]
    assert numbers == [7, 2, 4, 5]
    assert [type(number) for number in numbers] == [int] * 4
    assert len(plan.assessment["contrasts"]) == 3
    assert list(plan.methods) == ["m_shrink-2", "m_shrink-4"]
    shrink = plan.methods["m_shrink-2"].recipe["background"]["shrink"]
    assert (shrink, type(shrink)) == (2, int)
    with_rows = planned(images={"a": {"path": "a.tif", "channel": 1.0, "z": 2.0, "t": 3.0}})
    image = with_rows.images["a"]
    assert [image.channel, image.z, image.t] == [1, 2, 3]


@attack("`-0` in a list of values", "is 0, in names of methods and folders")
def test_minus_nothing_is_nothing():
    plan = planned(**one(threshold={"rule": "value", "value": [-0.0, 1]}))
    assert list(plan.methods) == ["m_value-0", "m_value-1"]
    assert math.copysign(1, plan.methods["m_value-0"].recipe["threshold"]["value"]) == 1


@attack("numbers that are text, as from `--config`", "read, or refused in words")
def test_text_of_the_command_line_becomes_numbers_only():
    given = {"a": "4", "b": "2x", "c": "true", "d": "", "e": "@x", "f": "2024-01-01", "g": "a: b"}
    given |= {"h": "{", "i": "9" * 5000, "j": ["3", "1.5"]}
    found = keys.typed(given)
    assert [found[key] for key in "abcd"] == [4, "2x", True, None]
    assert [found[key] for key in "efgh"] == ["@x", "2024-01-01", "a: b", "{"]
    assert found["i"] == "9" * 5000
    assert found["j"] == [3, 1.5]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("spot_radius", "1e300", "spot_radius is 1e+300; expected 10000 pixels at most"),
        ("spot_radius", "1_0", "spot_radius is '1_0'; expected a length"),
        ("pixel_size_um", "1e-300", "pixel_size_um is 1e-300; expected µm per pixel, greater than"),
        ("pixel_size_um", "1e7", "(1e-06 to 1e+06)"),
        pytest.param(
            "channel",
            "9" * 400,
            "expected an index counted from 0 (1000000 at most)",
            marks=attack("an index of 400 digits in a sheet", "refused, and cut in the message"),
        ),
        ("t", "1e9", "t is '1e9'; expected an index counted from 0 (1000000 at most)"),
        ("z", "1_0", "z is '1_0'; expected an index counted from 0, max or mean"),
        ("z", "٣", "z is '٣'; expected an index counted from 0, max or mean"),
        ("channel", "True", "channel is 'True'; expected an index counted from 0"),
    ],
)
def test_a_number_in_a_sheet_is_bounded(tmp_path, monkeypatch, column, value, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "i.csv").write_text(f"image,path,{column}\na,a.tif,{value}\n", encoding="utf-8")
    _, (found,), _ = sheet.read_sheet("i.csv", base=None, spot_radius=3, results="results")
    assert expected in found
    assert len(found) < 200


@pytest.mark.parametrize("value", ["3", "3px", "3 px", 3, 3.0, " 3"])
def test_ways_to_write_three_pixels(value):
    assert planned(spot_radius=value).images["a"].spot_radius == value
    assert split_unit(value) == (3.0, "")
    assert find_problem(value, Parameter("Size")) is None


@pytest.mark.parametrize(
    ("size", "pixel", "expected"),
    [
        pytest.param(
            "0.3um",
            85.0,
            "the size 0.3um is 0.00353 pixels at 85 µm per pixel; expected 0.5 to 10000. Mend the "
            "size, or pixel_size_um in the sheet",
            marks=pytest.mark.attack(
                kind="pixel size",
                case="a spot radius in µm that comes to a hundredth of a pixel",
                outcome="that image fails, naming radius and pixel size",
            ),
        ),
        ("0.3um", 0.7, "is 0.429 pixels at 0.7 µm per pixel; expected 0.5 to 10000"),
        ("300um", 0.001, "is 3e+05 pixels at 0.001 µm per pixel; expected 0.5 to 10000"),
    ],
)
def test_a_radius_in_micrometres_must_come_to_pixels(size, pixel, expected):
    with pytest.raises(ValueError, match="pixels at") as error:
        radius_in_pixels(size, pixel)
    assert expected in str(error.value)


def test_a_filter_may_be_narrower_than_a_pixel_but_not_by_much():
    assert to_pixels("0.04um", 0.1) == 0.4
    with pytest.raises(ValueError, match=r"is 0.004 pixels at 10 µm per pixel; expected 0.05 to"):
        to_pixels("0.04um", 10)


# The config itself


def config_kind(case, outcome):
    return pytest.mark.attack(kind="inputs", case=case, outcome=outcome)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"images": ["a.tif", "b.tif"]},
            "images: is ['a.tif', 'b.tif']; expected text or a mapping (key: value) of ids to "
            "paths (a: a.tif), a sheet, a folder or a glob ('raw/*.tif')",
            marks=config_kind("a list of files as `images`", "refused, with how to write it"),
        ),
        ({"images": 3}, "images: is 3; expected text or a mapping"),
        (
            {"denoise": None},
            "denoise: is empty; expected a mapping (key: value). Leave the key out for its default",
        ),
        pytest.param(
            {"methods": yaml.safe_load("on: {background: {filter: median, radius: 3}}")},
            "methods: the key True is not text (YAML takes it for true or false); put it in quota",
            marks=config_kind("a method named `on`, which YAML takes for true", "refused"),
        ),
        (
            {"images": yaml.safe_load("2024-01-01: a.tif")},
            "images: the key datetime.date(2024, 1, 1) is not text (YAML takes it for date)",
        ),
        ({"images": yaml.safe_load("1.10: a.tif")}, "images: the key 1.1 is not text (YAML takes"),
        pytest.param(
            {"results": "out{x}"},
            "results: is 'out{x}'; expected a folder whose name has none of { } < > and no control",
            marks=pytest.mark.attack(
                kind="names",
                case="braces in the name of the results folder",
                outcome="refused: Snakemake would take them for a wildcard",
            ),
        ),
        ({"results": "out<logs>"}, "results: is 'out<logs>'; expected a folder whose name has"),
    ],
)
def test_an_odd_config_is_refused_in_words(config, expected):
    assert expected in refused(**config)


def test_ids_of_a_mapping_may_be_whole_numbers():
    assert list(planned(images={1: "a.tif", 2: "b.tif"}).images) == ["1", "2"]


@config_kind("a key that is there twice", "refused with both lines; YAML takes the last")
def test_keys_that_are_there_twice_are_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("images: a\nmethods:\n  m: {}\n  n: {x: 1, x: 2}\n  m: {}\nimages: b\n")
    assert keys.file_problems([str(path)]) == [
        f"{path}, line 4: the key 'x' is there already (line 4); expected each key once",
        f"{path}, line 5: the key 'm' is there already (line 3); expected each key once",
        f"{path}, line 6: the key 'images' is there already (line 1); expected each key once",
    ]


@config_kind("a config in Latin-1", "refused, with how to save it")
def test_a_config_that_is_no_utf_8_is_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes("images: caf\xe9\n".encode("latin-1"))
    assert keys.file_problems([str(path)]) == [
        f"{path}: is not a text file in UTF-8 (byte 12: invalid continuation byte); save it as "
        "UTF-8"
    ]
    path.write_text("images: a.csv\n", encoding="utf-8-sig")
    assert keys.file_problems([str(path)]) == []


@pytest.mark.attack(
    kind="memory",
    case="a `close` or a threshold's radius larger than the image",
    outcome="that image fails in words; no job hangs or runs out of memory",
)
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"spots": {"close": 9000}}, "spots: close of 9000 px is larger than the image of 40 x 50"),
        ({"spots": {"min_distance": 51}}, "spots: min_distance of 51 px is larger than the image"),
        (
            {"threshold": {"rule": "matched_filter", "radius": 9000}},
            "threshold: radius of 9000 px is larger than the image of 40 x 50 pixels; give a small",
        ),
    ],
)
def test_no_length_is_larger_than_the_image(step, expected):
    work = planned(**one(**step), assessment={"images": 1}).gathering("a")
    pixels = np.random.default_rng(0).normal(100, 5, (40, 50)).astype(np.float32)
    plane = images.Plane(pixels, "YX", (40, 50), "float32", None)
    methods = chain.make_methods(work["methods"], work["steps"])
    ((_, failed),) = chain.run_methods(plane, 3, methods)
    assert isinstance(failed, failures.Failure)
    assert expected in str(failed)


@attack("areas that no spot can have (min_area above max_area)", "refused before any job")
def test_areas_that_no_spot_can_have_are_refused():
    said = refused(**one(spots={"min_area": "0.2x", "max_area": "0.1x"}))
    assert "min_area is '0.2x' and max_area '0.1x', so that no spot is left" in said
    assert "min_area is 5 and max_area 4" in refused(**one(spots={"min_area": 5, "max_area": 4}))
    planned(**one(spots={"min_area": 5, "max_area": "0.4x"}))


@attack("a spot radius far below a pixel (1e-300)", "refused before any job")
def test_a_radius_below_half_a_pixel_is_refused():
    assert "spot_radius is 0.4; expected 0.5 pixels or more" in refused(spot_radius=0.4)
    assert "spot_radius is 1e-300; expected 0.5 pixels or more" in refused(spot_radius=1e-300)
    assert planned(spot_radius=0.5).images["a"].spot_radius == 0.5


def test_an_exponent_makes_a_number_with_or_without_a_point():
    plan = planned(**one(threshold={"rule": "value", "value": "1e3"}))
    (step,) = plan.steps["mask"].values()
    assert step.parameters["value"] == 1000
    assert keys.typed({"a": "2.5E-1", "b": "1e", "c": "e3"}) == {"a": 0.25, "b": "1e", "c": "e3"}


@pytest.mark.parametrize("share", [0, 1, 2])
def test_a_share_is_between_none_and_all(share):
    threshold = {"rule": "matched_filter", "radius": "1x", "fdr": share}
    assert f"fdr is {share}; expected a number between 0 and 1" in refused(
        **one(threshold=threshold)
    )


@attack("a config whose aliases contain themselves or one another", "read or refused at once")
def test_aliases_that_repeat_are_looked_at_once(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("images: &a [*a]\n", encoding="utf-8")
    assert keys.file_problems([str(path)]) == []
    levels = [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 10)}]" for n in range(1, 25)]
    path.write_text("k0: &k0 [1]\n" + "\n".join(levels), encoding="utf-8")
    assert keys.file_problems([str(path)]) == []
    path.write_text("[" * 5000 + "]" * 5000, encoding="utf-8")
    (problem,) = keys.file_problems([str(path)])
    assert "nested too deeply" in problem
