"""What is said of spots of another size than the spot radius fits the way in which they differ."""

import pytest

from localbg.detection import measured_radius
from pictures import camera, counted, found, scattered


def count(measured, given=3.0, method="m", low=None, high=None):
    """A row of counts.csv."""
    ends = {"_low": low or measured, "": measured, "_high": high or measured}
    row = {"method": method, "n_spots": 20, "spot_radius": given, "narrow": None, "wide": None}
    return row | {f"measured_radius{end}": radius for end, radius in ends.items()}


def warning(*radii):
    return measured_radius.warning((f"i{k}", [count(radius)]) for k, radius in enumerate(radii))


# Words that fit the direction


def test_only_spots_that_are_larger_may_be_out_of_focus():
    larger, smaller = (measured_radius.remark([count(radius)]) for radius in (8, 1))
    assert "8 px in radius (m), where spot_radius is 3 px: if they are in focus and no " in larger
    assert (
        "1 px in radius (m), where spot_radius is 3 px: if they are no hot pixels and " in smaller
    )
    assert "set spot_radius: 1, or see" in smaller


@pytest.mark.parametrize(
    ("radii", "words"),
    [
        ((3, 3, 3, 8), "(i3): they are out of focus, or need a spot_radius of their own"),
        ((3, 3, 3, 1), "(i3): they need a spot_radius of their own"),
    ],
)
def test_a_run_in_which_some_images_differ_says_what_they_may_be(radii, words):
    assert warning(*radii).endswith(f" images that tell {words} in the sheet.")


# How far off is wrong


@pytest.mark.parametrize(
    ("measured", "low", "high", "expected"),
    [
        (4.2, 3.8, 5, 1.4),
        (4.1, 3.8, 5, 1),
        # So few spots that it may be nearly right.
        (4.2, 3.7, 5, 1),
        (2.1, 2, 2.3, 0.7),
        (2.1, 2, 2.5, 1),
        (2.2, 2, 2.3, 1),
    ],
)
def test_a_radius_is_wrong_from_a_factor_of_1_4_on_where_that_is_sure(
    measured, low, high, expected
):
    row = count(measured, low=low, high=high)
    assert measured_radius.factor(row) == pytest.approx(expected)


@pytest.mark.parametrize("off", [1.5, 1 / 1.5])
def test_a_radius_that_is_half_as_large_again_is_noticed(off):
    light, _ = scattered(4 / 2**0.5, n=5)
    row = counted(found(camera(light), 4 * off), 4 * off)
    assert measured_radius.factor(row) == pytest.approx(1 / off, rel=0.05)
    assert "set spot_radius: 4, or" in measured_radius.remark([row])
