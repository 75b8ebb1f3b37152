"""The decoy: no spots, the same noise, the same range; dark spots are where it errs."""

import numpy as np
import pytest

from localbg.assessment import background_map, decoy
from simulate import gaussian_spots

SHAPE = (160, 150)
SPOTS = [(y, x, 150, 2.0) for y in range(20, 150, 30) for x in range(20, 140, 30)]


def turned(pixels, seed=0):
    step = 1.0 if pixels.dtype.kind in "ui" else 0.0
    found = background_map.map_background(pixels, 2.8, grey_step=step)
    return decoy.invert_image(pixels, found, np.random.default_rng(seed))


def scene(spots=SPOTS, slope=0.5, dtype=np.uint16):
    below = 300 + slope * np.indices(SHAPE)[1]
    noise = np.random.default_rng(1).normal(0, 5, SHAPE)
    return np.rint(below + noise + gaussian_spots(SHAPE, spots)).astype(dtype)


def test_an_image_without_spots_is_turned_over_exactly():
    pixels = scene(spots=[])
    both = turned(pixels).astype(int) + pixels
    assert both.min() == both.max() == int(pixels.min()) + int(pixels.max())


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_spots_leave_neither_a_peak_nor_a_hole(dtype):
    over = turned(scene(dtype=dtype))
    assert over.dtype == dtype
    slope = over + 0.5 * np.indices(SHAPE)[1]
    inside = np.s_[10:-10, 10:-10]
    rest = slope[inside] - np.median(slope[inside])
    assert np.std(rest) == pytest.approx(5, rel=0.1)
    assert np.abs(rest).max() < 6 * 5


def test_a_dark_spot_turns_into_a_bright_one():
    dark = scene(spots=[(80, 75, -150, 2.0)])
    over = turned(dark).astype(float) + 0.5 * np.indices(SHAPE)[1]
    assert over[80, 75] - np.median(over) > 100


def test_a_constant_image_stays_what_it_is():
    np.testing.assert_array_equal(turned(np.full((30, 30), 9, np.uint8)), 9)


def test_the_seed_decides_on_what_is_drawn_in_place_of_spots():
    np.testing.assert_array_equal(turned(scene()), turned(scene()))
    assert not np.array_equal(turned(scene()), turned(scene(), seed=1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_smooth_one_has_the_edges_and_neither_spots_nor_noise(dtype):
    edge = np.where(np.indices(SHAPE)[1] < 75, 30.0, 180.0)
    spots = [(y, 30, 60, 2.0) for y in range(20, 150, 20)]
    noise = np.random.default_rng(2).normal(0, 4, SHAPE)
    pixels = np.rint(edge + noise + gaussian_spots(SHAPE, spots)).astype(dtype)
    step = 1.0 if pixels.dtype.kind in "ui" else 0.0
    smooth = decoy.smooth_image(pixels, background_map.map_background(pixels, 2.8, grey_step=step))
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth.astype(float), edge, atol=8)
