"""The likeness of a place to a spot is a cosine with the plane removed."""

import numpy as np
import pytest

from localbg.detection.likeness import likeness


def gaussian(shape, place, radius):
    y, x = np.indices(shape)
    return np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / radius**2)


def slow(image, place, radius):
    """The same by least squares, one place at a time."""
    reach = int(2 * radius)
    padded = np.pad(image.astype(float), reach, mode="edge")
    y, x = np.indices((2 * reach + 1,) * 2) - reach
    inside = y**2 + x**2 <= 4 * radius**2
    window = padded[place[0] : place[0] + 2 * reach + 1, place[1] : place[1] + 2 * reach + 1]
    plane = np.column_stack([np.ones(inside.sum()), y[inside], x[inside]])

    def without_plane(values):
        return values - plane @ np.linalg.lstsq(plane, values, rcond=None)[0]

    raw = without_plane(window[inside])
    spot = without_plane(np.exp(-(y**2 + x**2) / radius**2)[inside])
    return raw @ spot / np.sqrt((raw @ raw) * (spot @ spot))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("radius", [1.0, 2.5, 4.0])
def test_it_is_the_least_squares_cosine_borders_included(kind, radius):
    image = (np.random.default_rng(1).random((30, 41)) * 255).astype(kind)
    places = np.array([(0, 0), (29, 40), (15, 20), (1, 33), (28, 3)])
    expected = [slow(image.astype(np.float32), place, radius) for place in places]
    assert likeness(image, places, radius) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("radius", [1.0, 3.0, 8.0])
def test_a_gaussian_on_a_plane_is_a_spot_whatever_its_grey_levels(radius):
    y, x = np.indices((60, 60))
    spot = gaussian((60, 60), (30, 28), radius)
    ground = 3 * y - 2 * x + 1000
    for image, rounding in ((spot, 1e-9), (ground + 40 * spot, 1e-9), (50_000 + spot, 1e-4)):
        found = likeness(image, [(30, 28)], radius)
        assert found == pytest.approx(1, abs=rounding)
    assert likeness(ground - 40 * spot, [(30, 28)], radius) == pytest.approx(-1, abs=1e-6)
    dark = likeness(ground - 40 * spot, [(30, 28)], radius, "dark")
    assert dark == pytest.approx(1, abs=1e-6)


def test_scale_and_offset_do_not_count():
    image = np.random.default_rng(2).integers(0, 1000, (50, 50)).astype(np.float32)
    places = np.argwhere(image > 900)
    scaled = likeness(image * 16 + 40_000, places, 3)
    assert scaled == pytest.approx(likeness(image, places, 3), abs=1e-9)


def test_nothing_but_a_plane_is_like_nothing():
    y, x = np.indices((40, 40))
    for image in (np.full((40, 40), 7, np.uint16), (5 * y + 3 * x).astype(np.uint16)):
        assert (likeness(image, [(20, 20), (12, 30)], 3) == 0).all()
    assert likeness(np.zeros((9, 9), np.uint8), np.empty((0, 2)), 3).shape == (0,)


def test_what_is_no_spot_is_less_like_one():
    """An edge, a line, a hot pixel, a blob of three times the radius."""
    y, x = np.indices((80, 80))
    others = {
        "edge": x > 40,
        "line": np.exp(-((x - 40) ** 2) / 9),
        "hot pixel": (y == 40) & (x == 40),
        "wide": gaussian((80, 80), (40, 40), 9),
    }
    found = {
        name: likeness(np.asarray(image, np.float32), [(40, 40)], 3)[0]
        for name, image in others.items()
    }
    assert found["edge"] < 0.35
    assert found["line"] < 0.8
    assert found["hot pixel"] < 0.5
    assert found["wide"] < 0.95
