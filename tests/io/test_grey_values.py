"""Stored numbers become grey values without a silent loss, or are refused in words."""

import numpy as np
import pytest

from handmade import grey, refusal, saved, tiff
from localbg.io import images

RNG = np.random.default_rng(5)
NOISE = RNG.normal(0, 5, (64, 60))


# What float32 can hold


@pytest.mark.parametrize(
    ("dtype", "offset"),
    [
        ("uint32", 2**31),
        ("int32", -(2**30)),
        ("float64", 1e9),
        ("float64", -1e12),
        ("int64", 2**60),
        ("uint64", 2**63),
    ],
)
@pytest.mark.attack(
    kind="grey values",
    case="32 and 64 bits with an offset that leaves float32 no room for the spots",
    outcome="refused, with the range and the spacing of float32 there",
)
def test_offsets_that_swallow_the_differences_are_refused(tmp_path, dtype, offset):
    whole = np.round(NOISE * 4 + 100).astype(np.int64)
    pixels = (whole.astype(dtype) + np.array(offset, dtype)).astype(dtype)
    message = refusal(saved(tmp_path / "a.tif", pixels))
    assert f"pixels of type {dtype} from {pixels.min():.10g} to {pixels.max():.10g}" in message
    assert f"{float(np.spacing(np.float32(abs(offset)))):.3g} apart" in message
    assert "Subtract the offset" in message


def test_one_bright_pixel_does_not_hide_the_loss(tmp_path):
    pixels = NOISE + 1e9
    pixels[3, 4] = 0
    pixels[:, 0] = 2e9
    assert "differences would be lost" in refusal(saved(tmp_path / "a.tif", pixels))


@pytest.mark.attack(
    kind="grey values",
    case="numbers beyond the largest of float32, or so small that it drops them",
    outcome="refused, not turned into infinity or zero",
)
def test_numbers_out_of_range_are_refused(tmp_path):
    for scale in (1e39, 1e-46):
        message = refusal(saved(tmp_path / "a.tif", np.abs(NOISE) * scale))
        assert "differences would be lost" in message


def spots():
    """A scene without noise: spots on an even ground, as simulations have them."""
    y, x = np.mgrid[:64, :60]
    return sum(80 * np.exp(-((y - c) ** 2 + (x - c) ** 2) / 8) for c in (15, 40))


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(NOISE + 100, id="noise"),
        pytest.param(NOISE * 1e-3 + 1, id="small numbers"),
        pytest.param(NOISE * 1e30, id="large numbers"),
        pytest.param(spots() + 100, id="no noise"),
        pytest.param(spots() + 60_000.1, id="no noise on a high ground"),
        pytest.param(np.full((8, 9), 1e9 + 1), id="constant"),
        pytest.param(np.full((8, 9), 2**31 + 1, np.uint32), id="constant integers"),
        pytest.param(np.arange(2**24 - 72, 2**24, dtype=np.int32).reshape(8, 9), id="int32"),
        pytest.param(np.arange(72, dtype=np.uint64).reshape(8, 9), id="uint64"),
        pytest.param(np.array([[1e9, 0.0]]), id="one row"),
    ],
)
def test_numbers_that_fit_are_read(tmp_path, pixels):
    read = images.read(saved(tmp_path / "a.tif", pixels)).pixels
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, pixels, rtol=1e-7)


# What they mean


@pytest.mark.parametrize(
    ("photometric", "words"),
    [
        (4, "a transparency mask of another image"),
        (5, "an image in inks (CMYK)"),
        (6, "a colour image (YCbCr)"),
        (8, "a colour image (CIELab)"),
        (32803, "raw data of a colour camera"),
        (32845, "a colour image (LogLuv)"),
    ],
)
@pytest.mark.attack(
    kind="formats",
    case="colours in other spaces than RGB, masks and mosaics",
    outcome="refused, and named",
)
def test_what_is_not_grey_is_named(tmp_path, photometric, words):
    path = tiff(tmp_path / "a.tif", [grey() | {262: ("H", [photometric])}])
    assert f"this is {words}" in (message := refusal(path))
    assert "expected one grey value per pixel. Convert it to grey" in message


INDICES = np.arange(256, dtype=np.uint8).reshape(16, 16)


def palette(path, *ramps):
    colours = np.array(ramps if len(ramps) == 3 else ramps * 3, np.uint16)
    return saved(path, INDICES, photometric="palette", colormap=colours)


@pytest.mark.attack(
    kind="formats",
    case="a palette of several colours, or of grey values that fall",
    outcome="refused; rising grey values, or one colour from black, read as these",
)
def test_palettes_are_grey_ramps_or_refused(tmp_path):
    path, ramp = tmp_path / "a.tif", np.arange(256)
    for even in (ramp * 257, ramp * 256):
        plane = images.read(palette(path, even))
        np.testing.assert_array_equal(plane.pixels, INDICES)
        assert (plane.photometric, plane.pixels.dtype) == ("palette", np.uint8)
    curved = (ramp.astype(float) ** 2).astype(int)
    np.testing.assert_array_equal(images.read(palette(path, curved)).pixels, curved[INDICES])
    assert "grey values that do not rise" in refusal(palette(path, ramp[::-1] * 257))
    # ImageJ's look-up tables of one colour show grey values as they are.
    green = images.read(palette(path, ramp * 0, ramp * 257, ramp * 0))
    np.testing.assert_array_equal(green.pixels, INDICES)
    message = refusal(palette(path, ramp * 257, ramp[::-1] * 257, ramp * 0))
    assert "a palette of several colours" in message
    assert "Image > Lookup Tables > Grays" in message


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("uint16", 65_535), ("bool", True)])
def test_white_as_zero_is_turned_round(tmp_path, dtype, most):
    pixels = RNG.integers(0, 2, (8, 9)).astype(dtype)
    plane = images.read(saved(tmp_path / "a.tif", pixels, photometric="miniswhite"))
    np.testing.assert_array_equal(plane.pixels, np.uint16(most) - pixels)
    assert plane.photometric == "miniswhite"


def test_white_as_zero_needs_a_largest_number(tmp_path):
    path = saved(tmp_path / "a.tif", np.float32(NOISE), photometric="miniswhite")
    assert "white is stored as 0 (MINISWHITE) in pixels of type float32" in refusal(path)


def test_a_file_that_does_not_say_has_black_as_zero(tmp_path):
    tags = grey()
    del tags[262]
    plane = images.read(tiff(tmp_path / "a.tif", [tags]))
    assert plane.photometric == ""
    np.testing.assert_array_equal(plane.pixels.ravel(), np.frombuffer(tags["strips"][0], np.uint8))
