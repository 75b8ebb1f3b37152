"""The foreground is the signed difference, whatever the types."""

import numpy as np
import pytest

from localbg.detection.subtract import subtract

TYPES = (np.uint8, np.uint16, np.float32)


def planes(dtype=np.uint8, other=np.uint8):
    denoised = np.array([[0, 10, 255], [7, 200, 0], [30, 30, 30]], dtype)
    background = np.array([[255, 12, 0], [7, 100, 1], [30, 29, 31]], other)
    return denoised, background


DIFFERENCE = [[-255, -2, 255], [0, 100, -1], [0, 1, -1]]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("other", TYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_foreground_is_signed(dtype, other, sign):
    polarity = "bright" if sign == 1 else "dark"
    foreground, record = subtract(*planes(dtype, other), polarity=polarity)
    assert foreground.dtype == np.float32
    np.testing.assert_array_equal(foreground, sign * np.array(DIFFERENCE))
    assert record["foreground_min"] == -255
    assert record["negative_fraction"] == (4 if sign == 1 else 3) / 9
    assert record["clipped_fraction"] == 0


@pytest.mark.attack(
    kind="grey values",
    case="the brightest background under the darkest pixel, of 16 bits",
    outcome="no wrap-around, to the grey level",
)
def test_the_whole_range_of_16_bits_is_kept():
    ends = np.array([[0, 65535]], np.uint16)
    foreground, record = subtract(ends, ends[:, ::-1])
    np.testing.assert_array_equal(foreground, [[-65535, 65535]])
    assert record["foreground_min"] == -65535


@pytest.mark.parametrize(("polarity", "sign", "negative"), [("bright", 1, 4), ("dark", -1, 3)])
def test_clipping_tells_how_much_it_cut(polarity, sign, negative):
    foreground, record = subtract(*planes(), polarity=polarity, clip="zero")
    np.testing.assert_array_equal(foreground, np.maximum(sign * np.array(DIFFERENCE), 0))
    assert record == {
        "foreground_min": -255,
        "negative_fraction": negative / 9,
        "clipped_fraction": negative / 9,
    }


def test_nothing_is_cut_where_nothing_is_negative():
    image = np.full((4, 5), 9, np.uint8)
    foreground, record = subtract(image, image - np.uint8(2), clip="zero")
    assert (foreground == 2).all()
    assert record == {"foreground_min": 2, "negative_fraction": 0, "clipped_fraction": 0}


@pytest.mark.parametrize("clip", [False, "zero"])
def test_inputs_are_left_alone(clip):
    denoised, background = planes(np.float32, np.float32)
    subtract(denoised, background, clip=clip)
    np.testing.assert_array_equal(denoised, planes()[0])
    np.testing.assert_array_equal(background, planes()[1])


@pytest.mark.parametrize("shape", [(3, 4), (1, 3), (3, 1), (1, 1)])
@pytest.mark.attack(
    kind="belonging",
    case="image and background of different shapes",
    outcome="refused, not stretched",
)
def test_different_shapes_are_refused_even_where_numpy_would_stretch_them(shape):
    denoised, _ = planes()
    with pytest.raises(ValueError, match="differ in shape"):
        subtract(denoised, np.zeros(shape, np.uint8))
