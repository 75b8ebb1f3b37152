"""What holds for every background filter, and what each one is.

The contract tests run on every module of `localbg.backgrounds`; a new one needs no edit here.
"""

import importlib
import inspect
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.morphology import disk

from conftest import ROOT, shared
from localbg.backgrounds import estimate, estimate_with_error
from localbg.core.parameters import read_functions
from localbg.pipeline import signatures
from localbg.workflow import plan

DTYPES = (np.uint8, np.uint16, np.float32)
EXAMPLES = {"Size": 3, "Area": 9, "Positive": 2, "NonNegative": 1, "Percent": 50, "bool": False}


def variants(name):
    """Parameters to call a filter with: its defaults, then each further choice of a keyword."""
    signature = read_functions(signatures.LIBRARY / "backgrounds" / f"{name}.py")[name]
    base = {
        key: p.choices[0] if p.choices else EXAMPLES.get(p.kind, 1)
        for key, p in signature.items()
        if p.required
    }
    others = [
        base | {key: choice}
        for key, p in signature.items()
        for choice in p.choices or ((True, False) if p.kind == "bool" else ())
        if choice != base.get(key, p.default)
    ]
    return [base, *others]


CASES = [
    pytest.param({"filter": name} | parameters, id="-".join(map(str, [name, *parameters.values()])))
    for name in signatures.backgrounds()
    for parameters in variants(name)
]
every_filter = pytest.mark.parametrize("call", CASES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
both_polarities = pytest.mark.parametrize("polarity", ["bright", "dark"])


def scene(dtype, shape=(31, 43)):
    """A slope with noise and spots of either sign, on whole grey levels from 60 to 180."""
    rng = np.random.default_rng(5)
    rows, columns = np.indices(shape)
    image = 100 + 0.4 * rows + 0.5 * columns + rng.normal(0, 6, shape)
    image += 40.0 * ((rows - 10) ** 2 + (columns - 30) ** 2 < 8)
    image -= 35.0 * ((rows - 20) ** 2 + (columns - 12) ** 2 < 8)
    return np.rint(image).clip(60, 180).astype(dtype)


def assert_same(result, expected):
    """Exact for whole numbers; a thousandth of a grey level for floats."""
    assert result.shape == expected.shape
    tolerance = 0 if np.issubdtype(result.dtype, np.integer) else 1e-3
    difference = result.astype(np.float64) - expected.astype(np.float64)
    assert np.abs(difference).max() <= tolerance


def test_the_shipped_filters_are_found():
    assert {"gaussian", "median", "opening", "rolling_ball"} <= set(signatures.backgrounds())


@every_filter
@every_dtype
@both_polarities
@pytest.mark.parametrize("grey", [0, 1, 200, 255])
@pytest.mark.attack(
    kind="grey values",
    case="an image of one grey level",
    outcome="its own background, to the bit",
)
def test_constant_image_is_its_own_background(call, dtype, polarity, grey):
    image = np.full((17, 23), grey, dtype)
    assert_same(estimate(image, polarity=polarity, **call), image)


@every_filter
@every_dtype
@both_polarities
def test_brightest_grey_level_is_kept(call, dtype, polarity):
    top = 1e6 if dtype == np.float32 else np.iinfo(dtype).max
    image = np.full((17, 23), top, dtype)
    np.testing.assert_array_equal(estimate(image, polarity=polarity, **call), image)


@every_filter
@every_dtype
@both_polarities
def test_shape_is_kept_and_type_is_the_image_s_or_float32(call, dtype, polarity):
    result = estimate(scene(dtype), polarity=polarity, **call)
    assert result.shape == (31, 43)
    assert result.dtype in (np.dtype(dtype), np.dtype(np.float32))


@every_filter
@every_dtype
@both_polarities
def test_background_of_a_brighter_image_is_brighter_by_as_much(call, dtype, polarity):
    image = scene(dtype)
    raised = estimate(image + dtype(57), polarity=polarity, **call)
    assert_same(raised, estimate(image, polarity=polarity, **call).astype(np.float64) + 57)


@every_filter
@every_dtype
@both_polarities
@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.transpose], ids=lambda f: f.__name__)
def test_turning_the_image_turns_its_background(call, dtype, polarity, turn):
    image = scene(dtype)
    expected = turn(estimate(image, polarity=polarity, **call))
    assert_same(estimate(turn(image), polarity=polarity, **call), expected)


@every_filter
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_dark_background_is_that_of_the_negative(call, dtype):
    image = scene(dtype)
    top = np.iinfo(dtype).max
    negative = estimate((top - image.astype(np.int64)).astype(dtype), **call)
    expected = top - negative.astype(np.float64)
    # A float32 near 65,535 is good to 0.004.
    slack = 0 if np.issubdtype(negative.dtype, np.integer) else top * 2**-23
    difference = estimate(image, polarity="dark", **call) - expected
    assert np.abs(difference).max() <= slack


@every_filter
def test_dark_background_of_whole_numbers_is_that_of_the_same_numbers_as_floats(call):
    image = scene(np.uint8)
    whole = estimate(image, polarity="dark", **call)
    broken = estimate(image.astype(np.float32), polarity="dark", **call)
    assert np.abs(whole.astype(np.float64) - broken).max() <= 0.501


@every_filter
@both_polarities
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.attack(
    kind="grey values",
    case="NaN or infinity in an image",
    outcome="refused, with their number",
)
def test_pixels_that_are_no_numbers_are_counted_and_refused(call, polarity, bad):
    image = scene(np.float32)
    image[3, 4:9] = bad
    with pytest.raises(ValueError, match="5 of 1333 pixels are NaN or infinite"):
        estimate(image, polarity=polarity, **call)


@every_filter
@pytest.mark.parametrize("shape", [(0, 7), (7, 0), (0, 0)])
def test_empty_image_is_refused(call, shape):
    with pytest.raises(ValueError, match="empty"):
        estimate(np.zeros(shape, np.uint8), **call)


@every_filter
@pytest.mark.parametrize("shape", [(7,), (2, 7, 7), (7, 7, 3)])
def test_only_rows_and_columns_are_accepted(call, shape):
    with pytest.raises(ValueError, match="rows and columns"):
        estimate(np.zeros(shape, np.uint8), **call)


@every_filter
@every_dtype
@both_polarities
def test_image_is_left_alone(call, dtype, polarity):
    image = scene(dtype)
    before = image.copy()
    result = estimate(image, polarity=polarity, **call)
    result[:] = 0
    np.testing.assert_array_equal(image, before)


@every_filter
@both_polarities
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (4, 5)])
@pytest.mark.attack(
    kind="grey values",
    case="an image smaller than the filter",
    outcome="a background within the image's range",
)
def test_background_of_an_image_smaller_than_the_filter_is_within_its_range(call, polarity, shape):
    image = np.random.default_rng(6).integers(20, 200, shape).astype(np.uint8)
    call = call | {size: 9 for size in ("radius", "sigma") if size in call}
    result = estimate(image, polarity=polarity, **call)
    assert result.shape == shape
    assert image.min() - 1e-3 <= result.min()
    assert result.max() <= image.max() + 1e-3


def test_opening_with_a_disk_larger_than_the_image_is_its_minimum():
    image = scene(np.uint8, (6, 8))
    assert (estimate(image, filter="opening", radius=20) == image.min()).all()


@pytest.mark.parametrize("radius", [1, 3, 7])
@every_dtype
def test_opening_is_that_of_scipy(dtype, radius):
    image = scene(dtype)
    expected = ndimage.grey_opening(image, footprint=disk(radius), mode="nearest")
    np.testing.assert_array_equal(estimate(image, filter="opening", radius=radius), expected)


@pytest.mark.parametrize("radius", [1, 3, 7])
@every_dtype
def test_opening_for_dark_spots_is_the_closing_of_scipy(dtype, radius):
    image = scene(dtype)
    expected = ndimage.grey_closing(image, footprint=disk(radius), mode="nearest")
    result = estimate(image, filter="opening", radius=radius, polarity="dark")
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", ["opening", "rolling_ball"])
@pytest.mark.parametrize("radius", [1, 2.5, 6, 9])
@every_dtype
def test_background_that_a_shape_is_pushed_under_is_never_above_the_image(name, radius, dtype):
    image = scene(dtype)
    background = estimate(image, filter=name, radius=radius)
    assert (background <= image + 1e-4).all()
    assert (background < image).any()


@pytest.mark.parametrize("name", ["opening", "rolling_ball"])
@pytest.mark.parametrize("radius", [1, 2.5, 6, 9])
def test_background_that_a_shape_is_pushed_under_is_its_own_background(name, radius):
    background = estimate(scene(np.float32), filter=name, radius=radius)
    again = estimate(background, filter=name, radius=radius)
    np.testing.assert_allclose(again, background, rtol=0, atol=1e-4)


@pytest.mark.parametrize("radius", [1, 2.5, 6, 9])
@every_dtype
def test_opening_of_an_opening_is_exactly_the_same(radius, dtype):
    background = estimate(scene(dtype), filter="opening", radius=radius)
    again = estimate(background, filter="opening", radius=radius)
    np.testing.assert_array_equal(again, background)


def test_opening_removes_what_its_disk_does_not_fit_under_and_keeps_the_rest():
    image = np.full((40, 60), 10, np.uint8)
    image[10:31, 10:31][disk(10, dtype=bool)] = 50
    image[18:23, 43:48][disk(2, dtype=bool)] = 90
    background = image.copy()
    background[18:23, 43:48] = 10
    np.testing.assert_array_equal(estimate(image, filter="opening", radius=3), background)


@pytest.mark.parametrize("radius", [1, 3, 7])
@both_polarities
@every_dtype
def test_median_is_that_of_scipy_for_either_polarity(dtype, radius, polarity):
    image = scene(dtype)
    expected = ndimage.median_filter(image, footprint=disk(radius), mode="nearest")
    result = estimate(image, filter="median", radius=radius, polarity=polarity)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("slope", [(0.0, 1.0), (2.0, -0.5)])
def test_gaussian_keeps_a_slope_away_from_the_edges(slope):
    rows, columns = np.indices((60, 70), np.float32)
    image = 300 + slope[0] * rows + slope[1] * columns
    inside = np.s_[24:-24, 24:-24]
    result = estimate(image, filter="gaussian", sigma=3)
    np.testing.assert_allclose(result[inside], image[inside], atol=1e-3)
    assert np.abs(result - image).max() > 0.5


@every_dtype
def test_gaussian_is_the_same_for_either_polarity(dtype):
    image = scene(dtype)
    dark = estimate(image, filter="gaussian", sigma=3, polarity="dark")
    np.testing.assert_allclose(dark, estimate(image, filter="gaussian", sigma=3), atol=0.02)


@pytest.mark.parametrize("shrink", [2, 3])
@pytest.mark.parametrize(
    "call", [{"filter": "median", "radius": 6}, {"filter": "gaussian", "sigma": 5}]
)
@every_dtype
def test_a_shrunken_filter_is_near_the_exact_one_and_its_error_is_told(dtype, call, shrink):
    image = scene(dtype, (61, 83))
    exact = estimate(image, **call).astype(float)
    near = estimate(image, shrink=shrink, threads=2, **call)
    assert near.dtype == (np.float32 if call["filter"] == "gaussian" else dtype)
    again, error = estimate_with_error(image, shrink=shrink, shrink_error=True, **call)
    np.testing.assert_array_equal(again, near)
    difference = near - exact
    assert error["shrink_error_rms"] == pytest.approx((difference**2).mean() ** 0.5)
    assert error["shrink_error_max"] == pytest.approx(abs(difference).max())
    # The image's own standard deviation is 13, that of its noise 6.
    assert 0 < error["shrink_error_rms"] < 1.5
    assert estimate_with_error(image, shrink_error=True, **call)[1]["shrink_error_max"] == 0
    assert estimate_with_error(image, shrink=shrink, **call)[1] == {}


def test_a_disc_is_not_shrunken_to_less_than_a_pixel():
    with pytest.raises(ValueError, match="radius 3 px is too small to be shrunken by 4"):
        estimate(scene(np.uint8), filter="median", radius=3, shrink=4)


@every_filter
@every_dtype
@both_polarities
def test_background_is_the_same_for_any_number_of_threads(call, dtype, polarity):
    image = scene(dtype)
    alone = estimate(image, polarity=polarity, **call)
    np.testing.assert_array_equal(estimate(image, polarity=polarity, threads=3, **call), alone)


def rolled_by_definition(image, radius):
    """Background under a ball whose rim is trimmed, one pixel and one place at a time."""
    trimmed = int(radius - int(0.24 * radius) + 0.5)
    offsets = range(-trimmed, trimmed + 1)
    ball = {(dy, dx): max(radius**2 - dy**2 - dx**2, 0) ** 0.5 for dy in offsets for dx in offsets}
    height, width = image.shape
    result = np.full(image.shape, -np.inf)
    for y in range(-trimmed, height + trimmed):
        for x in range(-trimmed, width + trimmed):
            under = [
                (y + dy, x + dx, rise)
                for (dy, dx), rise in ball.items()
                if 0 <= y + dy < height and 0 <= x + dx < width
            ]
            lift = min(image[i, j] - rise for i, j, rise in under)
            for i, j, rise in under:
                result[i, j] = max(result[i, j], lift + rise)
    return result


@pytest.mark.parametrize("radius", [1, 3, 4.5])
def test_rolling_ball_follows_its_definition(radius):
    image = scene(np.float32, (13, 11))
    expected = rolled_by_definition(image.astype(float), radius)
    result = estimate(image, filter="rolling_ball", radius=radius)
    np.testing.assert_allclose(result, expected, atol=1e-4)


OPERATIONS = {
    "median": ("median", "radius"),
    "opening": ("opening", "radius"),
    "rollingball": ("rolling_ball", "radius"),
    "gaussian": ("gaussian", "sigma"),
}
IMAGES = {
    "xy_8bit__spots_local_background": (15, 30),
    "xy_8bit__spots_local_background_with_noise": (5, 15, 30),
    "xy_16bit__autophagosomes": (2, 5, 15),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("name", "size"), [(n, s) for n, sizes in IMAGES.items() for s in sizes])
def test_background_is_that_of_imagej(name, size, operation):
    image = tifffile.imread(shared("neubias") / f"{name}.tif")
    suffix = f"s{size}_float" if operation == "gaussian" else f"r{size}"
    expected = tifffile.imread(shared("imagej") / f"{name}__{operation}_{suffix}.tif")
    filter, keyword = OPERATIONS[operation]
    parameters = {"filter": filter, keyword: size}
    if operation in ("median", "opening"):
        parameters["footprint"] = "imagej"
    result = estimate(image, **parameters)
    if operation == "gaussian":
        assert np.abs(result - expected).max() <= 0.02
    else:
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected)


MINIMUM = '''
import numpy as np

from localbg.core.parameters import Size


def minimum(image: np.ndarray, *, radius: Size) -> np.ndarray:
    """Minimum over a square."""
    from scipy import ndimage

    return ndimage.minimum_filter(image, 2 * int(radius) + 1, mode="nearest")
'''


def check_minimum():
    """Runs in a process of its own, on a copy of the library with one module more."""
    image = np.random.default_rng(1).integers(0, 255, (12, 15)).astype(np.uint8)
    tifffile.imwrite("one.tif", image)

    def study(**background):
        method = {"background": {"filter": "minimum", **background}}
        config = {
            "images": {"one": {"path": "one.tif", "spot_radius": 2}},
            "methods": {"low": method},
            "compare": ["low"],
        }
        return plan.make_plan(config)

    accepted = study(radius="1.5x")
    parameters = accepted.parameters("background", accepted.methods["low"].background, "one")
    assert parameters == {"filter": "minimum", "radius": 3.0, "polarity": "bright"}
    expected = np.pad(image, 3, mode="edge")
    expected = np.lib.stride_tricks.sliding_window_view(expected, (7, 7)).min(axis=(2, 3))
    np.testing.assert_array_equal(estimate(image, **parameters), expected)
    for background, words in [
        ({"radios": 3}, ("minimum takes no 'radios'", "Did you mean 'radius'?")),
        ({}, ("minimum needs 'radius'",)),
        ({"radius": -2}, ("radius is -2",)),
    ]:
        with pytest.raises(plan.PlanError) as refused:
            study(**background)
        assert all(word in str(refused.value) for word in words)
    assert [case.id for case in CASES if case.values[0]["filter"] == "minimum"] == ["minimum-3"]
    print("checked", signatures.LIBRARY)


def test_a_new_filter_is_one_new_file(tmp_path):
    shutil.copytree(ROOT / "scripts" / "localbg", tmp_path / "scripts" / "localbg")
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "backgrounds/test_backgrounds.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    (tmp_path / "scripts" / "localbg" / "backgrounds" / "minimum.py").write_text(MINIMUM)
    code = f"import test_backgrounds; test_backgrounds.{check_minimum.__name__}()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path / 'tests'}:{tmp_path / 'scripts'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert f"checked {tmp_path / 'scripts' / 'localbg'}" in done.stdout


def test_every_filter_has_one_image_and_keywords_only():
    for name in signatures.backgrounds():
        module = importlib.import_module(f"localbg.backgrounds.{name}")
        first, *others = inspect.signature(getattr(module, name)).parameters.values()
        assert first.name == "image"
        assert {p.kind for p in others} == {inspect.Parameter.KEYWORD_ONLY}, name
