"""Footprints, and the filters over them, against brute force and scipy."""

import numpy as np
import pytest
import tifffile
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import disk

from conftest import ROOT
from localbg import kernels

FOOTPRINTS = ("disk", "imagej")
RADII = st.sampled_from([0.5, 0.9, 1, 1.5, 1.8, 2, 2.5, 2.9, 3, 3.9, 4.5, 6])
FILTERS = {
    "erode": (kernels.erode, np.min),
    "dilate": (kernels.dilate, np.max),
    "median": (kernels.median, np.median),
}


@st.composite
def planes(draw):
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    values = {
        np.uint8: st.integers(0, 255),
        np.uint16: st.sampled_from([0, 1, 255, 256, 40_000, 65_534, 65_535]),
        np.float32: st.floats(-1000, 1000, width=32),
    }
    return draw(hnp.arrays(dtype, shape, elements=values[dtype]))


def neighbours(image, footprint):
    """Stack the pixels under a footprint, one layer per offset, the nearest where outside."""
    rows, columns = np.indices(image.shape)
    reach = len(footprint) // 2
    return np.stack(
        [
            image[
                np.clip(rows + dy - reach, 0, image.shape[0] - 1),
                np.clip(columns + dx - reach, 0, image.shape[1] - 1),
            ]
            for dy, dx in np.argwhere(footprint)
        ]
    )


@pytest.fixture(scope="module")
def cell():
    return tifffile.imread(ROOT / "data" / "cell.tif")[60:140, 70:180]


@pytest.mark.parametrize("radius", range(1, 13))
def test_disk_is_that_of_scikit_image(radius):
    footprint = kernels.mask(kernels.half_widths(radius, "disk"))
    np.testing.assert_array_equal(footprint, disk(radius, dtype=bool))


@pytest.mark.parametrize(
    ("radius", "count"), [(0.5, 1), (1, 5), (1.4, 5), (1.5, 9), (2.3, 21), (5**0.5, 21), (2.9, 25)]
)
def test_disk_of_a_broken_radius_holds_the_pixels_within_it(radius, count):
    assert kernels.mask(kernels.half_widths(radius, "disk")).sum() == count


@pytest.mark.parametrize(
    ("radius", "count"), [(1, 9), (2, 21), (3, 37), (4, 57), (5, 89), (10, 325), (15, 717)]
)
def test_imagej_footprint_of_a_whole_radius_has_the_count_of_imagej(radius, count):
    footprint = kernels.mask(kernels.half_widths(radius, "imagej"))
    dy, dx = np.indices(footprint.shape) - radius
    np.testing.assert_array_equal(footprint, dy**2 + dx**2 <= radius**2 + 1)
    assert footprint.shape == (2 * radius + 1, 2 * radius + 1)
    assert footprint.sum() == count


@pytest.mark.parametrize(
    ("radius", "count"),
    [(0.5, 5), (1.5, 13), (1.8, 13), (2.5, 29), (2.9, 29), (3.5, 45), (4.5, 69)],
)
def test_imagej_footprint_of_a_broken_radius_has_the_count_of_imagej(radius, count):
    # As its makeLineRadii counts, which makes 1.5 to 1.75 and 2.5 to 2.85 a little larger.
    assert kernels.mask(kernels.half_widths(radius, "imagej")).sum() == count


@pytest.mark.parametrize("footprint", FOOTPRINTS)
def test_footprint_of_any_radius_is_as_wide_as_high(footprint):
    uneven = []
    for radius in np.arange(0.5, 12, 0.1).round(1):
        widths = kernels.half_widths(radius, footprint)
        covered = kernels.mask(widths)
        if widths.max() != len(widths) // 2 or (covered != covered.T).any():
            uneven.append(radius)
    assert uneven == []


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("footprint", FOOTPRINTS)
@settings(max_examples=60, deadline=None)
@given(image=planes(), radius=RADII)
@example(image=np.arange(7, dtype=np.uint8)[None], radius=6)
@example(image=np.arange(7, dtype=np.uint16)[:, None], radius=6)
@example(image=np.full((1, 1), 7, np.float32), radius=6)
def test_rank_filter_is_the_rank_of_the_pixels_under_the_footprint(name, footprint, image, radius):
    widths = kernels.half_widths(radius, footprint)
    function, rank = FILTERS[name]
    expected = rank(neighbours(image, kernels.mask(widths)), axis=0)
    result = function(image, widths)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("footprint", FOOTPRINTS)
@pytest.mark.parametrize("radius", [1, 2, 5, 8])
def test_rank_filters_equal_scipy_on_a_cell(cell, radius, footprint):
    widths = kernels.half_widths(radius, footprint)
    options = {"footprint": kernels.mask(widths), "mode": "nearest"}
    for function, reference in [
        (kernels.erode, ndimage.minimum_filter),
        (kernels.dilate, ndimage.maximum_filter),
        (kernels.median, ndimage.median_filter),
    ]:
        np.testing.assert_array_equal(function(cell, widths), reference(cell, **options))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("sigma", [0.5, 1.7, 5])
def test_gaussian_equals_scipy_in_double_precision(cell, sigma, dtype):
    image = (cell / cell.max() * 255).astype(dtype)
    exact = ndimage.gaussian_filter(image.astype(np.float64), sigma, mode="nearest", truncate=8)
    result = kernels.gaussian(image, sigma)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, exact, rtol=3e-7)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_gaussian_of_a_point_is_a_gaussian(sigma):
    image = np.zeros((61, 61), np.uint16)
    image[30, 30] = 60_000
    square = ((np.indices(image.shape) - 30) ** 2).sum(axis=0)
    bell = np.exp(-square / (2 * sigma**2))
    np.testing.assert_allclose(
        kernels.gaussian(image, sigma), 60_000 * bell / bell.sum(), rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_wraps_around_at_the_ends_of_the_grey_scale(dtype):
    top = np.iinfo(dtype).max
    edge = np.zeros((12, 12), dtype)
    edge[:, 6:] = top
    widths = kernels.half_widths(2)
    np.testing.assert_array_equal(kernels.erode(edge, widths)[5], [0] * 8 + [top] * 4)
    np.testing.assert_array_equal(kernels.dilate(edge, widths)[5], [0] * 4 + [top] * 8)
    np.testing.assert_array_equal(kernels.median(edge, widths), edge)
    smooth = kernels.gaussian(edge, 1.0)
    assert (np.diff(smooth, axis=1) >= 0).all()
    assert smooth[5, 0] == pytest.approx(0, abs=1e-3)
    assert smooth[5, -1] == pytest.approx(top, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(image=planes(), sigma=st.sampled_from([0.3, 1.0, 4.0]))
def test_gaussian_stays_within_the_range_of_the_image(image, sigma):
    assume(image.size > 1)
    result = kernels.gaussian(image, sigma)
    slack = 1e-6 * np.abs(image.astype(float)).max()
    assert result.min() >= float(image.min()) - slack
    assert result.max() <= float(image.max()) + slack
