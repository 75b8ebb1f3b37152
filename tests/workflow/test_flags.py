"""Images of nothing: they are flagged with numbers, counted all the same, and stop no run."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile

from conftest import shared, snakemake
from localbg.assessment import assess
from localbg.core.failures import Failure
from localbg.io import images
from localbg.io.image_flags import explained, image_flags
from localbg.pipeline import chain
from localbg.workflow.plan import make_plan
from small_study import as_read, configure, spotted, table

SHAPE = (64, 60)
RNG = np.random.default_rng(0)
ORDINARY = RNG.normal(200, 5, SHAPE).round().astype(np.uint16)


def with_share(value, share, dtype=np.uint16):
    """An ordinary image, of whose pixels this share has another grey level."""
    pixels = ORDINARY.astype(dtype)
    pixels.flat[RNG.permutation(pixels.size)[: round(share * pixels.size)]] = value
    return pixels


class Odd(NamedTuple):
    """An image, its flags with the two fractions, and what is said of it."""

    case: str
    pixels: np.ndarray
    flags: str
    saturated: float
    commonest: float
    reasons: tuple[str, ...]


# Two of every three pixels have 10, the others 20.
TWO = np.where(np.arange(3840).reshape(SHAPE) % 3, 10, 20).astype(np.uint16)
PLATEAU = np.linspace(100, 200, 3840, dtype=np.float32).reshape(SHAPE).clip(None, 175)
ODD = {
    "zeros": Odd(
        *("an image of zeros", np.zeros(SHAPE, np.uint16), "constant;zero", 0, 1),
        ("all its pixels are 0",),
    ),
    "full": Odd(
        *("an image of 65,535 only", np.full(SHAPE, 65535, np.uint16), "constant;saturated", 1, 1),
        ("all its pixels are 65535 (saturated)",),
    ),
    "flat": Odd(
        *("floats of one grey level", np.full(SHAPE, 7.25, np.float32), "constant", 0, 1),
        ("all its pixels are 7.25",),
    ),
    "glare": Odd(
        *("nine tenths of the pixels saturated", with_share(65535, 0.9), "saturated", 0.9, 0.9),
        ("90 % of its pixels are saturated (65535)",),
    ),
    "glare_12_bit": Odd(
        *("saturated at 12 bits in a 16-bit file", with_share(4095, 0.4), "saturated", 0.4, 0.4),
        ("40 % of its pixels are saturated (4095)",),
    ),
    "plateau": Odd(
        *("floats cut off at some grey level", PLATEAU, "saturated", 0.25, 0.25),
        ("25 % of its pixels are saturated (175)",),
    ),
    "half": Odd(
        *("half of the pixels masked with 0", with_share(0, 0.5), "one_value", 0, 0.5),
        ("50 % of its pixels are exactly 0",),
    ),
    "two": Odd(
        *("a mask in place of an image", TWO, "few_levels;one_value", 0, 2 / 3),
        ("it has 2 grey levels only", "66.7 % of its pixels are exactly 10"),
    ),
}
# Of these the workflow is tried too.
TRIED = ("zeros", "full", "flat", "glare", "half", "two")


def attacks(outcome, names=tuple(ODD)):
    """The odd images as parameters, marked with what happens to each."""
    return [
        pytest.param(
            *(name, ODD[name]),
            marks=pytest.mark.attack(
                kind="flags",
                case=ODD[name].case,
                outcome=outcome.format(ODD[name].flags.replace(";", ", ")),
            ),
            id=name,
        )
        for name in names
    ]


@pytest.mark.parametrize(("name", "odd"), attacks("flagged ({}), with numbers and in words"))
def test_odd_grey_levels_are_flagged_with_their_numbers(name, odd):
    found = image_flags(odd.pixels)
    assert found["flags"] == odd.flags
    assert found["saturated_fraction"] == odd.saturated
    assert found["commonest_fraction"] == odd.commonest
    assert json.loads(json.dumps(found)) == found
    # As images.csv has them, the numbers are text.
    (row,) = as_read([found])
    assert tuple(text for _, text in explained(row)) == odd.reasons


BELOW = {
    "noise": ORDINARY,
    "noise, float": RNG.normal(0, 1, SHAPE).astype(np.float32),
    "photons": RNG.poisson(2, SHAPE).astype(np.uint8),
    "five grey levels": (np.arange(3840) % 5 + 100).astype(np.uint8).reshape(SHAPE),
    "hardly half": with_share(0, 1919 / 3840),
    "hardly saturated": with_share(65535, 0.0009),
    "hardly saturated, 8 bits": with_share(255, 0.0009).astype(np.uint8),
    "nine of a plateau": with_share(4000, 9 / 3840),
    "bright blob without noise": np.hypot(*np.indices(SHAPE)).clip(20, None).astype(np.float32),
}


@pytest.mark.attack(kind="flags", case="an ordinary image, or just not odd", outcome="no flag")
@pytest.mark.parametrize("pixels", BELOW.values(), ids=BELOW)
def test_what_is_just_not_odd_raises_no_flag(pixels):
    assert image_flags(pixels)["flags"] == ""


@pytest.mark.parametrize("name", ODD)
def test_flags_do_not_depend_on_where_the_pixels_are_nor_on_scale_and_offset(name):
    pixels = ODD[name].pixels
    found = image_flags(pixels)
    assert image_flags(pixels[::-1, ::-1].T) == found
    kept = ("flags", "saturated_fraction", "commonest_fraction")
    if pixels.dtype == np.float32:
        for other in (4 * pixels, pixels + 64, -8 + pixels / 2):
            assert {key: image_flags(other)[key] for key in kept} == {k: found[k] for k in kept}


def test_what_the_highest_grey_level_of_whole_numbers_means():
    of_8_bits = image_flags(with_share(255, 0.01).astype(np.uint8))
    assert of_8_bits["flags"] == "saturated"
    assert of_8_bits["saturated_fraction"] == 38 / 3840
    # One pixel at the type's limit is a fact, and no flag.
    assert image_flags(with_share(65535, 1 / 3840))["saturated_fraction"] == 1 / 3840
    # 4,000 is no camera's limit, but 200 pixels there with none near it are not by chance.
    piled = image_flags(with_share(4000, 200 / 3840))
    assert (piled["flags"], piled["saturated_fraction"]) == ("saturated", 200 / 3840)
    # -0.0 is 0.
    zeros = np.where(np.arange(3840) % 2, -0.0, 0.0).astype(np.float32)
    assert image_flags(zeros)["flags"] == "constant;zero"


def test_real_images_are_flagged_where_their_noise_is_not_in_the_file():
    raised = {
        path.stem: found
        for folder in ("annotated", "annotated_more")
        for path in sorted(Path(shared(folder)).rglob("images/*.tif"))
        if (found := image_flags(images.read(path).pixels)["flags"])
    }
    # Five masked around their nuclei, one whose lower half was cut off at 0.
    masked = dict.fromkeys([f"nuclei_0{k}" for k in range(5)], "one_value")
    assert raised == masked | {"ISS_rnd0_ch3_z0": "one_value"}


# The chain and the assessment, in memory


@pytest.fixture(scope="module")
def plan():
    """The shipped methods, and one whose rule splits any histogram in two."""
    config = {
        "images": {name: {"path": f"{name}.tif"} for name in ODD},
        "assessment": {"injected": 2},
        "methods": {
            "otsu": {
                "background": {"filter": "gaussian", "sigma": "2x"},
                "threshold": {"rule": "otsu"},
            }
        },
        "compare": ["tophat", "median", "gaussian", "otsu"],
    }
    return make_plan(config)


def plane_of(pixels):
    return images.Plane(pixels, "YX", pixels.shape, str(pixels.dtype), None)


@pytest.mark.parametrize(
    ("name", "odd"), attacks("every method gives a count; of one grey level 0")
)
def test_every_method_counts_in_odd_images(plan, name, odd):
    work = plan.gathering(name)
    plane = plane_of(odd.pixels)
    methods = chain.make_methods(work["methods"], work["steps"])
    found = {method.name: made for method, made in chain.run_methods(plane, 3, methods)}
    assert [method for method, made in found.items() if isinstance(made, Failure)] == []
    assert sorted(found) == ["gaussian", "median", "otsu", "tophat"]
    if odd.flags.startswith("constant"):
        assert {len(made.spots) for made in found.values()} == {0}
        assert {made.record["decided_by"] for made in found.values()} == {"constant"}


@pytest.mark.parametrize(
    ("name", "odd"), attacks("assessment goes on; none is injected where there is no noise")
)
def test_assessment_of_odd_images_has_a_row_for_each_method(plan, name, odd):
    work = plan.gathering(name)
    methods = chain.make_methods(work["methods"], work["steps"])
    found = assess.assess_image(plane_of(odd.pixels), name, 3, methods, work["settings"])
    methods = ["gaussian", "median", "otsu", "tophat"]
    for rows in (found["false_positives"], found["residuals"]):
        assert [row["method"] for row in rows] == methods
    if odd.flags.startswith("constant"):
        assert found["recovery"] == []
        assert {row["n_false"] for row in found["false_positives"]} == {0}


# The workflow

WANTED = [f"results/tables/{name}.csv" for name in ("look_first", "reliability")]
# Jobs of single steps take long to start, so that mode has a few of the images only.
MODES = {
    "batch": ({"mode": "batch", "images_per_job": 4}, TRIED, 8, WANTED),
    "steps": ({"mode": "steps"}, ("full", "glare", "half"), 1, ["results/complete"]),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Run a study of odd images and ordinary ones, once in each mode."""
    folders = {}

    def run(mode):
        if mode not in folders:
            folder = folders[mode] = tmp_path_factory.mktemp(mode)
            how, names, ordinary, wanted = MODES[mode]
            (folder / "raw").mkdir()
            for name in names:
                tifffile.imwrite(folder / "raw" / f"{name}.tif", ODD[name].pixels)
            places = [(y, x) for y in range(8, 60, 14) for x in range(8, 58, 14)]
            for k in range(ordinary):
                spotted(folder / "raw" / f"a{k}.tif", places, seed=k)
            config = {
                "images": "raw",
                # That of the ordinary images' spots, which nothing speaks against.
                "spot_radius": 2,
                "compare": ["median"],
                "assessment": {"injected": 4},
            }
            configure(folder, config | {"run": how})
            snakemake(folder, *wanted)
        return folders[mode]

    return run


@pytest.mark.parametrize(
    ("name", "odd"), attacks("status ok and a count, with flags beside", TRIED)
)
def test_flagged_images_are_counted_and_say_so(study, name, odd):
    folder = study("batch")
    (image,) = (row for row in table(folder, "images") if row["image"] == name)
    assert (image["status"], image["flags"]) == ("ok", odd.flags)
    assert float(image["saturated_fraction"]) == pytest.approx(odd.saturated, abs=1e-6)
    assert float(image["commonest_fraction"]) == pytest.approx(odd.commonest, abs=1e-6)
    (count,) = (row for row in table(folder, "counts") if row["image"] == name)
    assert (count["status"], count["n_spots"]) == ("ok", "0")


def test_flagged_images_are_listed_by_how_odd_they_are(study):
    rows = table(study("batch"), "look_first")
    assert [row["image"] for row in rows] == ["flat", "full", "zeros", "glare", "two", "half"]
    empty = (
        "no method finds a spot in it, where the middle one of the other images has 16 (median): "
        "it is empty, or out of focus"
    )
    for row in rows:
        reasons = row["reasons"].split("; ")
        assert empty in reasons
        assert set(ODD[row["image"]].reasons) <= set(reasons)


@pytest.mark.attack(
    kind="flags",
    case="odd images in both modes",
    outcome="the same rows to the byte",
)
def test_both_modes_give_odd_images_the_same_rows(study):
    for name in ("images", "counts", "spots"):
        by_mode = [
            {
                line
                for line in (study(mode) / f"results/tables/{name}.csv").read_text().splitlines()
                if line.split(",")[0] in ("full", "glare", "half", "a0")
            }
            for mode in MODES
        ]
        assert by_mode[0] == by_mode[1]
        assert by_mode[0]
