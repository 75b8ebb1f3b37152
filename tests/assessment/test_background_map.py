"""The ground of an image without its spots: level, noise, slopes, and how wide its spots are."""

import numpy as np
import pytest

from localbg.assessment import background_map
from simulate import example_scenes, gaussian_spots

SHAPE = (160, 150)
PLACES = [(y, x) for y in range(20, 150, 30) for x in range(20, 140, 30)]


def spotted(sigma=2.0, height=80.0, noise=3.0, slope=0.0, seed=0):
    rng = np.random.default_rng(seed)
    spots = [(y, x, height, sigma) for y, x in PLACES]
    below = 100 + slope * np.indices(SHAPE)[1]
    pixels = below + rng.normal(0, noise, SHAPE) + gaussian_spots(SHAPE, spots)
    return pixels.astype(np.float32)


@pytest.mark.parametrize("sigma", [1.4, 2.0, 3.0])
def test_the_width_of_spots_is_found_though_the_spot_radius_is_off(sigma):
    assert background_map.map_background(spotted(sigma), 2.8).sigma == pytest.approx(
        sigma, rel=0.05
    )


def test_a_slope_does_not_widen_spots():
    assert background_map.map_background(spotted(slope=2.0), 2.8).sigma == pytest.approx(
        2, rel=0.05
    )


def test_without_spots_the_width_is_that_of_the_spot_radius():
    plain = np.random.default_rng(0).normal(100, 3, SHAPE).astype(np.float32)
    found = background_map.map_background(plain, 3)
    assert len(found.spots) == 0
    assert found.sigma == pytest.approx(3 / 2**0.5)


def test_spots_are_found_where_they_are_and_dark_ones_where_asked():
    bright = background_map.map_background(spotted(), 2.8)
    assert bright.spots.tolist() == [[y, x] for y, x in PLACES]
    dark = background_map.map_background(200 - spotted(), 2.8, polarity="dark")
    assert dark.spots.tolist() == bright.spots.tolist()
    assert len(background_map.map_background(spotted(), 2.8, polarity="dark").spots) == 0


@pytest.mark.parametrize("sigma", [1.5, 2.0, 2.7])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_the_height_of_spots_is_told_in_standard_deviations_of_the_noise(sigma, slope):
    for height, noise in ((24.0, 4.0), (80.0, 2.0)):
        found = background_map.map_background(spotted(sigma, height, noise, slope), 2.8).contrasts
        assert len(found) == len(PLACES)
        assert np.median(found) == pytest.approx(height / noise, rel=0.12)


def test_without_noise_heights_have_no_end():
    plain = spotted(noise=0)
    found = background_map.map_background(
        np.where(plain > 100.5, plain, 100).astype(np.float32), 2.8
    )
    assert len(found.contrasts) == len(PLACES)
    assert np.isinf(found.contrasts).all()


def test_the_edge_of_a_disc_is_no_spot():
    scene = example_scenes(3)["disc_clean"]
    found = background_map.map_background(scene.image, 4, grey_step=1)
    places = scene.spots[np.lexsort(scene.spots[:, 1::-1].T)][:, :2]
    order = np.lexsort(found.spots[:, ::-1].T)
    np.testing.assert_allclose(found.spots[order], places, atol=1)


def test_level_and_noise_are_those_of_the_ground_and_not_of_the_spots():
    found = background_map.map_background(spotted(noise=3), 2.8)
    inside = np.s_[15:-15, 15:-15]
    np.testing.assert_allclose(found.level[inside], 100, atol=1.5)
    assert np.median(found.noise[inside]) == pytest.approx(3, rel=0.05)


def test_noise_follows_the_place():
    rng = np.random.default_rng(0)
    sd = np.where(np.indices((200, 200))[1] < 100, 2, 8)
    found = background_map.estimate_local_noise((100 + rng.normal(0, sd)).astype(np.float32), 12)
    assert np.median(found[:, :85]) == pytest.approx(2, rel=0.05)
    assert np.median(found[:, 115:]) == pytest.approx(8, rel=0.05)


def test_the_noise_of_whole_grey_levels_is_that_of_rounding():
    assert background_map.estimate_local_noise(
        np.full((40, 40), 7, np.uint8), 8, grey_step=1
    ).max() == (pytest.approx(12**-0.5))
    assert background_map.estimate_local_noise(np.full((40, 40), 7, np.float32), 8).max() == 0


def test_places_are_flat_on_a_slope_or_bright():
    columns = np.indices((200, 200))[1]
    steps = np.clip(4.0 * (columns - 75), 0, 200)  # rises from column 75 to 125
    pixels = 100 + steps + np.random.default_rng(0).normal(0, 5, (200, 200))
    where = background_map.map_background(pixels.astype(np.float32), 3).where
    assert (where[:, :60] == 0).mean() > 0.99
    assert (where[:, 85:115] == 1).mean() > 0.99
    assert (where[:, 140:] == 2).mean() > 0.99


def test_level_ground_has_no_bright_places():
    pixels = np.random.default_rng(0).normal(100, 5, (150, 150)).astype(np.float32)
    assert (background_map.map_background(pixels, 3).where == 0).mean() > 0.99


def test_a_constant_more_and_another_unit_change_nothing_but_the_unit():
    one = background_map.map_background(spotted(), 2.8)
    other = background_map.map_background(4 * spotted() + 32, 2.8)
    np.testing.assert_allclose(other.level, 4 * one.level + 32, rtol=1e-4)
    np.testing.assert_allclose(other.noise, 4 * one.noise, rtol=1e-3)
    np.testing.assert_array_equal(other.spots, one.spots)
    assert other.sigma == pytest.approx(one.sigma, rel=1e-3)
    assert (other.where == one.where).mean() > 0.999


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (5, 5)])
def test_images_smaller_than_the_windows_have_a_ground(shape):
    found = background_map.map_background(np.full(shape, 7, np.uint8), 3, grey_step=1)
    np.testing.assert_array_equal(found.level, 7)
    assert len(found.spots) == 0
