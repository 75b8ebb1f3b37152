"""Objects are cleaned, split and measured as stated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import regionprops_table
from skimage.morphology import disk

from localbg.detection.measures import MEASURES
from localbg.detection.spots import label, measure_spots
from localbg.io.columns import COLUMNS

EIGHT = np.ones((3, 3), bool)


def bells(shape, *spots, sigma=2.0):
    """Gaussians (y, x, height) on zero."""
    rows, columns = np.indices(shape)
    return sum(
        height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
        for y, x, height in spots
    ).astype(np.float32)


def drawing(*lines):
    """Mask from lines of text in which # is True."""
    return np.array([[c == "#" for c in line] for line in lines])


def plain(mask, **options):
    """Label with every cleaning step off that is not asked for."""
    options = {"fill_holes": False, "split": False} | options
    return label(mask, mask.astype(np.float32), **options)


@st.composite
def scenes(draw, *, ties):
    """A mask of a few objects, and its foreground with or without equal grey levels."""
    shape = draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))
    mask = draw(hnp.arrays(bool, shape))
    if ties:
        return mask, draw(hnp.arrays(np.float32, shape, elements=st.integers(-1, 3)))
    order = np.random.default_rng(draw(st.integers(0, 10**6))).permutation(mask.size)
    return mask, order.reshape(shape).astype(np.float32)


@pytest.mark.parametrize("second", [100, 90, 70])
@pytest.mark.parametrize("gap", [5, 6, 7, 8])
def test_touching_spots_are_split_if_farther_apart_than_min_distance(gap, second):
    foreground = bells((31, 41), (15, 14, 100), (15, 14 + gap, second), sigma=gap / 3)
    mask = foreground > 20
    assert ndimage.label(mask)[1] == 1
    found = {
        distance: label(mask, foreground, min_distance=distance).max()
        for distance in (1, gap - 1, gap - 0.1, gap, gap + 1)
    }
    assert found == {1: 2, gap - 1: 2, gap - 0.1: 2, gap: 1, gap + 1: 1}


def test_touching_spots_are_divided_along_the_valley():
    foreground = bells((31, 41), (15, 14, 100), (15, 22, 100))
    labels = label(foreground > 10, foreground, min_distance=3)
    assert labels.max() == 2
    assert set(labels[:, :18].ravel()) == {0, 1}
    assert set(labels[:, 19:].ravel()) == {0, 2}
    np.testing.assert_array_equal(labels > 0, foreground > 10)


@pytest.mark.parametrize("min_distance", [1, 3])
@pytest.mark.parametrize("plateau", [(1, 2), (2, 2), (3, 5), (1, 9), (7, 7)])
def test_plateau_is_one_spot(plateau, min_distance):
    foreground = np.zeros((15, 17), np.float32)
    foreground[2 : 6 + plateau[0], 2 : 6 + plateau[1]] = 5
    foreground[4 : 4 + plateau[0], 4 : 4 + plateau[1]] = 9
    assert label(foreground > 0, foreground, min_distance=min_distance).max() == 1


def test_every_pixel_of_a_split_object_belongs_to_the_maximum_it_climbs_to():
    foreground = np.array([[1, 4, 9, 5, 2, 3, 8, 4, 1]], np.float32)
    labels = label(foreground > 0, foreground, min_distance=1)
    np.testing.assert_array_equal(labels[0, [0, 1, 2, 3]], 1)
    np.testing.assert_array_equal(labels[0, [5, 6, 7, 8]], 2)


@settings(max_examples=60, deadline=None)
@given(mask=hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_without_split_spots_are_what_hangs_together_by_edges_or_corners(mask):
    expected, count = ndimage.label(mask, EIGHT)
    labels = plain(mask)
    assert labels.dtype == np.int32
    assert labels.max() == count
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("ties", [False, True])
@settings(max_examples=150, deadline=None)
@given(data=st.data(), min_distance=st.sampled_from([1, 2, 3.5]))
def test_split_only_divides_objects(ties, data, min_distance):
    mask, foreground = data.draw(scenes(ties=ties))
    objects, count = ndimage.label(mask, EIGHT)
    labels = label(mask, foreground, fill_holes=False, min_distance=min_distance)
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels.max() >= count
    for spot in range(1, labels.max() + 1):
        assert np.unique(objects[labels == spot]).size == 1, "a spot spans two objects"
        assert ndimage.label(labels == spot, EIGHT)[1] == 1, "a spot is in pieces"


@pytest.mark.parametrize("ties", [False, True])
@settings(max_examples=100, deadline=None)
@given(data=st.data(), min_distance=st.sampled_from([1, 2, 3.5]))
def test_number_of_spots_does_not_depend_on_how_the_image_lies(ties, data, min_distance):
    mask, foreground = data.draw(scenes(ties=ties))
    counts = {
        label(turn(mask), turn(foreground), min_distance=min_distance).max()
        for turn in (np.array, np.flipud, np.fliplr, np.transpose, np.rot90)
    }
    assert len(counts) == 1


@settings(max_examples=60, deadline=None)
@given(scene=scenes(ties=False), border=st.booleans())
def test_spots_are_numbered_in_reading_order_without_gaps(scene, border):
    labels = label(*scene, exclude_border=border)
    spots, first = np.unique(labels[labels > 0], return_index=True)
    np.testing.assert_array_equal(spots, np.arange(1, labels.max() + 1))
    assert (np.diff(first) > 0).all()


def test_dim_object_beside_a_bright_one_is_still_a_spot():
    foreground = np.zeros((11, 20), np.float32)
    foreground[3:8, 3:8] = 100
    foreground[5, 5] = 200
    foreground[4:7, 9:11] = 10
    labels = label(foreground > 0, foreground, min_distance=6)
    assert labels.max() == 2
    assert (labels[4:7, 9:11] == 2).all()


@pytest.mark.parametrize("height", [150, 200])
def test_objects_as_bright_as_each_other_are_spots_of_their_own(height):
    foreground = np.zeros((9, 12), np.float32)
    foreground[4, 3:5] = 200, 100
    foreground[4, 6:8] = 100, height
    labels = label(foreground > 0, foreground, min_distance=4)
    assert labels[4].tolist() == [0, 0, 0, 1, 1, 0, 2, 2, 0, 0, 0, 0]


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_close_bridges_a_gap_as_wide_as_its_disk_less_one(radius):
    def bars(gap):
        mask = np.zeros((40, 40), bool)
        mask[5:35, 8:14] = mask[5:35, 14 + gap : 20 + gap] = True
        return mask

    assert plain(bars(2 * radius), close=0).max() == 2
    assert plain(bars(2 * radius), close=radius).max() == 1
    assert plain(bars(2 * radius + 1), close=radius).max() == 2


@pytest.mark.parametrize("corner", [(0, 0), (1, 1), (2, 5), (14, 20)])
def test_close_leaves_a_disk_as_it_is_also_beside_the_border(corner):
    mask = np.zeros((23, 29), bool)
    mask[corner[0] : corner[0] + 9, corner[1] : corner[1] + 9] = disk(4, dtype=bool)
    np.testing.assert_array_equal(plain(mask, close=4) > 0, mask)


def test_holes_are_filled_if_asked_for():
    ring = drawing("......", ".####.", ".#..#.", ".#..#.", ".####.", "......")
    assert (plain(ring) > 0).sum() == 12
    assert (plain(ring, fill_holes=True) > 0).sum() == 16
    diamond = drawing(".....", "..#..", ".#.#.", "..#..", ".....")
    assert (plain(diamond, fill_holes=True) > 0).sum() == 5
    bay = drawing("#####", "#...#", "#...#", "#...#")
    np.testing.assert_array_equal(plain(bay, fill_holes=True) > 0, bay)


@pytest.mark.parametrize(
    ("limits", "areas"),
    [
        ({}, [3, 4, 5, 9]),
        ({"min_area": 4}, [4, 5, 9]),
        ({"min_area": 4.01}, [5, 9]),
        ({"max_area": 4}, [3, 4]),
        ({"max_area": 3.99}, [3]),
        ({"min_area": 4, "max_area": 5}, [4, 5]),
        ({"min_area": 10}, []),
        ({"max_area": 2}, []),
        ({"max_area": None}, [3, 4, 5, 9]),
    ],
)
def test_area_limits_are_inclusive(limits, areas):
    mask = drawing(
        "###..##..##..###",
        ".....##..##..###",
        "..........#..###",
        "................",
    )
    labels = plain(mask, **limits)
    assert sorted(np.bincount(labels.ravel())[1:]) == areas


def test_area_is_that_of_the_object_before_it_is_split_and_after_its_holes_are_filled():
    foreground = np.array([[0, 5, 2, 5, 0]], np.float32)
    assert label(foreground > 0, foreground, min_area=3).max() == 2
    assert label(foreground > 0, foreground, max_area=2).max() == 0
    ring = drawing("###", "#.#", "###")
    assert plain(ring, fill_holes=True, min_area=9).max() == 1
    assert plain(ring, min_area=9).max() == 0


def test_spots_that_touch_the_border_are_left_out_if_asked_for():
    mask = drawing("#....#", "...#..", "....##", ".#....", "...#..", "..#...")
    labels = plain(mask, exclude_border=True)
    np.testing.assert_array_equal(labels, 1 * drawing(*["......"] * 3, ".#....", *["......"] * 2))
    assert plain(mask, exclude_border=False).max() == 5


def test_only_the_part_of_an_object_that_touches_the_border_is_left_out():
    foreground = np.zeros((5, 9), np.float32)
    foreground[2] = [9, 5, 2, 1, 3, 8, 4, 0, 0]
    kept = label(foreground > 0, foreground, exclude_border=True)
    assert kept.max() == 1
    assert kept[2, 5] == 1
    assert kept[2, 0] == kept[2, 1] == 0


@pytest.mark.parametrize("options", [{}, {"close": 2}, {"exclude_border": True}, {"split": False}])
def test_empty_mask_has_no_spots(options):
    labels = label(np.zeros((6, 8), bool), np.zeros((6, 8), np.float32), **options)
    assert labels.dtype == np.int32
    assert labels.shape == (6, 8)
    assert labels.max() == 0


def test_label_leaves_its_inputs_alone():
    foreground = bells((20, 20), (0, 4, 50), (10, 10, 80))
    mask = foreground > 10
    label(mask, foreground, close=2, exclude_border=True, min_area=3)
    np.testing.assert_array_equal(mask, foreground > 10)
    np.testing.assert_array_equal(foreground, bells((20, 20), (0, 4, 50), (10, 10, 80)))


@pytest.fixture(scope="module")
def random_spots():
    """Labels with gaps in their numbers and spots in pieces; planes of each type."""
    rng = np.random.default_rng(8)
    labels = rng.choice([0, 0, 1, 2, 4, 9, 30], (25, 33)).astype(np.int32)
    image = rng.integers(0, 65536, labels.shape).astype(np.uint16)
    foreground = rng.uniform(1, 500, labels.shape).astype(np.float32)
    background = rng.integers(0, 256, labels.shape).astype(np.uint8)
    return labels, image, foreground, background


def test_measures_are_those_of_scikit_image(random_spots):
    labels, image, foreground, background = random_spots
    found = measure_spots(*random_spots)
    raw = regionprops_table(
        labels, image, properties=("label", "area", "intensity_max", "intensity_mean")
    )
    np.testing.assert_array_equal(found["spot"], raw["label"])
    np.testing.assert_array_equal(found["core_area"], raw["area"])
    np.testing.assert_array_equal(found["max"], raw["intensity_max"])
    np.testing.assert_allclose(found["mean"], raw["intensity_mean"])
    above = regionprops_table(
        labels,
        foreground,
        properties=("centroid_weighted", "intensity_max", "intensity_mean"),
    )
    np.testing.assert_allclose(found["y"], above["centroid_weighted-0"], atol=1e-4)
    np.testing.assert_allclose(found["x"], above["centroid_weighted-1"], atol=1e-4)
    np.testing.assert_array_equal(found["foreground_max"], above["intensity_max"])
    np.testing.assert_allclose(found["foreground_sum"], above["intensity_mean"] * raw["area"], 1e-5)
    under = regionprops_table(labels, background, properties=("intensity_mean",))
    np.testing.assert_allclose(found["background_mean"], under["intensity_mean"])


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (0.5, -0.5), (0.25, 0.4), (-0.37, 0.11)])
def test_centroid_finds_a_spot_between_pixels(dy, dx):
    foreground = bells((41, 43), (20 + dy, 22 + dx, 150)) + np.float32(0.5)
    labels = label(foreground > 8, foreground)
    found = measure_spots(labels, foreground, foreground, foreground)
    assert found["y"].tolist() == pytest.approx([20 + dy], abs=0.05)
    assert found["x"].tolist() == pytest.approx([22 + dx], abs=0.05)


def test_pixels_below_the_background_do_not_pull_the_centroid():
    labels = np.ones((1, 5), np.int32)
    foreground = np.array([[-100, 0, 3, 1, -7]], np.float32)
    found = measure_spots(labels, foreground, foreground, foreground)
    assert found["x"][0] == pytest.approx(2.25)
    assert found["foreground_sum"][0] == -103
    found = measure_spots(labels, foreground, -np.abs(foreground), foreground)
    assert found["x"][0] == 2


def test_snr_counts_noise_deviations_above_the_level():
    labels = np.array([[1, 1, 0, 2]], np.int32)
    foreground = np.array([[20, 40, 90, 15]], np.float32)
    raw = (foreground + 1000).astype(np.uint16)
    found = measure_spots(labels, raw, foreground, raw, level=10, noise=4)
    assert found["snr"].tolist() == [7.5, 1.25]
    assert found["max"].tolist() == [1040, 1015]
    assert np.isnan(measure_spots(labels, raw, foreground, raw, level=10, noise=0)["snr"]).all()


def test_no_spots_give_empty_columns(random_spots):
    labels, *planes = random_spots
    found = measure_spots(np.zeros_like(labels), *planes, level=1, noise=2)
    assert list(found) == list(measure_spots(*random_spots))
    assert {column.shape for column in found.values()} == {(0,)}
    assert measure_spots(np.zeros_like(labels), *planes)["snr"].shape == (0,)


def test_touching_the_border_is_told_for_each_side():
    labels = np.array(
        [
            [0, 1, 0, 0, 0],
            [2, 0, 5, 0, 3],
            [0, 0, 5, 0, 0],
            [0, 6, 0, 0, 0],
            [0, 0, 0, 4, 0],
        ]
    )
    found = measure_spots(labels, labels, labels, labels)
    assert found["spot"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found["touches_border"].tolist() == [True, True, True, True, False, False]


def test_the_table_of_spots_has_what_is_measured_in_its_order():
    """Cells go from one to the other by their places."""
    assert tuple(COLUMNS["spots"]) == ("image", "method", *MEASURES)
