"""Objects are divided between their maxima as the definition and scikit-image say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.spatial.distance import cdist
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from localbg.filters.watershed import divide

EIGHT = np.ones((3, 3), bool)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@st.composite
def scenes(draw, ties):
    """Objects, and heights that are all different or have many ties."""
    shape = draw(SHAPES)
    objects = draw(hnp.arrays(bool, shape, elements=st.sampled_from([True, True, True, False])))
    if ties:
        heights = draw(hnp.arrays(np.float32, shape, elements=st.integers(0, 4).map(float)))
    else:
        order = draw(st.permutations(range(objects.size)))
        heights = np.array(order, np.float32).reshape(shape)
    return objects, heights


def maxima_by_definition(objects, heights, rise, distance):
    """First pixels of the maxima that count: by connecting all that is above each level."""
    whole, _ = ndimage.label(objects, EIGHT)
    inside = np.where(objects, heights, -np.inf)
    framed = np.pad(inside, 1, constant_values=-np.inf)
    plateaus, count = ndimage.label(local_maxima(framed, connectivity=2)[1:-1, 1:-1], EIGHT)
    tops = []
    for plateau in range(1, count + 1):
        pixels = np.argwhere(plateaus == plateau)
        if objects[tuple(pixels[0])]:
            tops.append((pixels, inside[tuple(pixels[0])]))
    # From the highest down, of equal ones in reading order.
    tops.sort(key=lambda top: (-top[1], tuple(top[0][0])))
    counting = []
    for k, (pixels, height) in enumerate(tops):
        level = -np.inf  # of the highest pass to a maximum before this one
        for other, _ in tops[:k]:
            for value in np.unique(inside[objects])[::-1]:
                above, _ = ndimage.label(inside >= value, EIGHT)
                if above[tuple(pixels[0])] == above[tuple(other[0])] > 0:
                    level = max(level, value)
                    break
        if height - level > rise:
            counting.append((pixels, height))
    kept = []
    groups = list(range(len(counting)))
    lower = set()
    for i, (pixels, height) in enumerate(counting):
        for j, (other, other_height) in enumerate(counting):
            same = whole[tuple(pixels[0])] == whole[tuple(other[0])]
            if i == j or not same or cdist(pixels, other).min() > distance:
                continue
            if other_height > height:
                lower.add(i)
            elif other_height == height:
                old, new = groups[i], groups[j]
                groups = [new if group == old else group for group in groups]
    for i, (pixels, _) in enumerate(counting):
        if i not in lower and groups[i] not in [group for group, _ in kept]:
            kept.append((groups[i], tuple(pixels[0])))
    return {place for _, place in kept}


@pytest.mark.parametrize("ties", [True, False])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_there_is_a_basin_for_each_maximum_that_counts_and_no_other(ties, data):
    objects, heights = data.draw(scenes(ties))
    rise = data.draw(st.sampled_from([0, 1, 2.5, 30]))
    distance = data.draw(st.sampled_from([0, 1, 1.5, 2, 4]))
    labels = divide(objects, heights, prominence=rise, distance=distance)
    expected = maxima_by_definition(objects, heights, rise, distance)
    assert labels.max(initial=0) == len(expected)
    assert {labels[place] for place in expected} == set(range(1, len(expected) + 1))


@settings(max_examples=150, deadline=None)
@given(scene=scenes(ties=False))
def test_basins_of_all_maxima_are_those_of_scikit_image(scene):
    objects, heights = scene
    labels = divide(objects, heights)
    inside = np.where(objects, heights, -np.inf)
    tops = local_maxima(np.pad(inside, 1, constant_values=-np.inf), connectivity=2)[1:-1, 1:-1]
    markers = np.where(tops & objects, labels, 0)
    expected = watershed(-inside, markers, mask=objects, connectivity=2)
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("ties", [True, False])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_labels_cover_the_objects_in_reading_order_in_one_piece_each(ties, data):
    objects, heights = data.draw(scenes(ties))
    labels = divide(objects, heights, prominence=1, distance=2)
    np.testing.assert_array_equal(labels > 0, objects)
    first = [np.flatnonzero(labels == k)[0] for k in range(1, labels.max(initial=0) + 1)]
    assert first == sorted(first)
    for k in range(1, labels.max(initial=0) + 1):
        assert ndimage.label(labels == k, EIGHT)[1] == 1


@settings(max_examples=60, deadline=None)
@given(scene=scenes(ties=True), factor=st.sampled_from([0.5, 4]), offset=st.sampled_from([-3, 64]))
def test_offset_and_scale_change_nothing(scene, factor, offset):
    objects, heights = scene
    expected = divide(objects, heights, prominence=1, distance=2)
    changed = (factor * heights + offset).astype(np.float32)
    np.testing.assert_array_equal(divide(objects, changed, prominence=factor, distance=2), expected)


def test_a_maximum_has_to_rise_more_than_asked():
    heights = np.array([[5, 2, 4, 1, 9]], np.float32)
    objects = np.ones_like(heights, bool)
    for rise, count in [(1.9, 3), (2, 2), (3.9, 2), (4, 1)]:
        assert divide(objects, heights, prominence=rise).max() == count


def test_no_object_gives_no_label():
    assert divide(np.zeros((3, 4), bool), np.ones((3, 4), np.float32)).sum() == 0
