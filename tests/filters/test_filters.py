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
from localbg.filters.footprint import half_widths, mask
from localbg.filters.gaussian_filter import gaussian
from localbg.filters.median_filter import median
from localbg.filters.min_max import dilate, erode
from localbg.filters.shrunken import shrunken

FOOTPRINTS = ("disk", "imagej")
RADII = st.sampled_from([0.5, 0.9, 1, 1.5, 1.8, 2, 2.5, 2.9, 3, 3.9, 4.5, 6])
FILTERS = {
    "erode": (erode, np.min),
    "dilate": (dilate, np.max),
    "median": (median, np.median),
}


@st.composite
def planes(draw):
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    values = {
        np.uint8: st.integers(0, 255),
        np.uint16: st.sampled_from([0, 1, 255, 256, 40_000, 65_534, 65_535]) | st.integers(0, 300),
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
    footprint = mask(half_widths(radius, "disk"))
    np.testing.assert_array_equal(footprint, disk(radius, dtype=bool))


@pytest.mark.parametrize(
    ("radius", "count"), [(0.5, 1), (1, 5), (1.4, 5), (1.5, 9), (2.3, 21), (5**0.5, 21), (2.9, 25)]
)
def test_disk_of_a_broken_radius_holds_the_pixels_within_it(radius, count):
    assert mask(half_widths(radius, "disk")).sum() == count


@pytest.mark.parametrize(
    ("radius", "count"), [(1, 9), (2, 21), (3, 37), (4, 57), (5, 89), (10, 325), (15, 717)]
)
def test_imagej_footprint_of_a_whole_radius_has_the_count_of_imagej(radius, count):
    footprint = mask(half_widths(radius, "imagej"))
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
    assert mask(half_widths(radius, "imagej")).sum() == count


@pytest.mark.parametrize("footprint", FOOTPRINTS)
def test_footprint_of_any_radius_is_as_wide_as_high(footprint):
    uneven = []
    for radius in np.arange(0.5, 12, 0.1).round(1):
        widths = half_widths(radius, footprint)
        covered = mask(widths)
        if widths.max() != len(widths) // 2 or (covered != covered.T).any():
            uneven.append(radius)
    assert uneven == []


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("footprint", FOOTPRINTS)
@settings(max_examples=60, deadline=None)
@given(image=planes(), radius=RADII, threads=st.integers(1, 4))
@example(image=np.arange(7, dtype=np.uint8)[None], radius=6, threads=1)
@example(image=np.arange(7, dtype=np.uint16)[:, None], radius=6, threads=1)
@example(image=np.full((1, 1), 7, np.float32), radius=6, threads=1)
def test_rank_filter_is_the_rank_of_the_pixels_under_the_footprint(
    name, footprint, image, radius, threads
):
    widths = half_widths(radius, footprint)
    function, rank = FILTERS[name]
    expected = rank(neighbours(image, mask(widths)), axis=0)
    result = function(image, widths, threads=threads)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("footprint", FOOTPRINTS)
@pytest.mark.parametrize("radius", [1, 2, 5, 8])
def test_rank_filters_equal_scipy_on_a_cell(cell, radius, footprint):
    widths = half_widths(radius, footprint)
    options = {"footprint": mask(widths), "mode": "nearest"}
    for function, reference in [
        (erode, ndimage.minimum_filter),
        (dilate, ndimage.maximum_filter),
        (median, ndimage.median_filter),
    ]:
        np.testing.assert_array_equal(function(cell, widths), reference(cell, **options))


def hard_planes():
    """Images that take every way through the filters, wider and higher than their tiles."""
    rng = np.random.default_rng(4)
    shape = (141, 1100)
    narrow = rng.integers(30_000, 34_000, shape).astype(np.uint16)
    wide = rng.integers(0, 65_536, shape).astype(np.uint16)
    spike = narrow.copy()
    spike[70, 300] = 65_535
    broken = rng.normal(0, 1, shape).astype(np.float32)
    uneven = broken.copy()
    uneven[10, ::7] *= np.float32(1e30)
    uneven[90:95] = -0.0
    ties = (wide // 20_000 * 20_000).astype(np.uint16)
    return {
        "uint8": rng.integers(0, 256, shape).astype(np.uint8),
        "narrow": narrow,
        "wide": wide,
        "spike": spike,
        "broken": broken,
        "uneven": uneven,
        "ties": ties,
    }


@pytest.mark.parametrize("radius", [1, 4.5, 12])
@pytest.mark.parametrize("kind", hard_planes())
def test_rank_filters_equal_scipy_across_tiles_and_ranges(kind, radius):
    image = hard_planes()[kind]
    widths = half_widths(radius)
    options = {"footprint": mask(widths), "mode": "nearest"}
    for function, reference in [
        (erode, ndimage.minimum_filter),
        (dilate, ndimage.maximum_filter),
        (median, ndimage.median_filter),
    ]:
        # A part that lies across the cuts between tiles.
        part = np.s_[40:141, 900:1100]
        expected = reference(image[20:, 880:], **options)[20:, 20:]
        np.testing.assert_array_equal(function(image, widths)[part], expected)


@pytest.mark.parametrize("kind", hard_planes())
@pytest.mark.parametrize("function", [erode, dilate, median])
def test_rank_filters_are_the_same_for_any_number_of_threads(kind, function):
    image = hard_planes()[kind]
    widths = half_widths(6)
    alone = function(image, widths)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(function(image, widths, threads=threads), alone)


@pytest.mark.parametrize("high", [900, 65_536])
def test_median_of_more_pixels_than_sixteen_bits_count(high):
    image = np.random.default_rng(2).integers(0, high, (23, 31)).astype(np.uint16)
    widths = half_widths(145)
    assert mask(widths).sum() > 65_536
    rows, columns = np.indices(image.shape)
    expected = []
    for y, x in [(0, 0), (11, 20), (22, 30)]:
        offsets = np.argwhere(mask(widths)) - 145
        pixels = image[
            np.clip(y + offsets[:, 0], 0, rows.max()), np.clip(x + offsets[:, 1], 0, columns.max())
        ]
        expected.append(np.median(pixels))
    result = median(image, widths)
    assert [result[0, 0], result[11, 20], result[22, 30]] == expected


@pytest.mark.parametrize("function", [erode, dilate, median])
def test_rank_filters_refuse_what_they_cannot_do(function):
    image = np.zeros((9, 9), np.float32)
    image[2, 3] = np.nan
    with pytest.raises(ValueError, match="1 of 81 pixels are NaN or infinite"):
        function(image, half_widths(2))
    with pytest.raises(TypeError, match="expected uint8, uint16 or float32, found int32"):
        function(np.zeros((9, 9), np.int32), half_widths(2))


@pytest.mark.parametrize("function", [erode, dilate, median])
@pytest.mark.parametrize("turn", [np.transpose, np.flipud, lambda a: a[::2, ::3]])
def test_memory_order_does_not_matter(function, turn, cell):
    widths = half_widths(3)
    view = turn(cell)
    np.testing.assert_array_equal(function(view, widths), function(view.copy(order="C"), widths))


SIGMAS = (0.3, 0.5, 1, 1.7, 3.5, 3.7, 5, 15, 60)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("shape", [(70, 90), (1, 50), (50, 1), (7, 600)])
def test_gaussian_is_within_a_hundredth_grey_level_of_double_precision(sigma, dtype, shape):
    high = 256 if dtype == np.uint8 else 65_536
    image = np.random.default_rng(3).integers(0, high, shape).astype(dtype)
    image[:, ::2] //= 2  # the finest wave there is, which sampling could mistake for others
    exact = ndimage.gaussian_filter(image.astype(np.float64), sigma, mode="nearest", truncate=8)
    result = gaussian(image, sigma)
    assert result.dtype == np.float32
    assert np.abs(result - exact).max() <= 0.01


@pytest.mark.parametrize("period", [2, 3, 4, 6, 8, 16])
@pytest.mark.parametrize("sigma", [3.6, 5.4, 7.2, 14.4])
def test_gaussian_weakens_a_wave_as_its_transform_says(sigma, period):
    # Waves as fine as the samples between its two parts are where those could go wrong.
    x = np.arange(600)
    wave = 32_767.5 * (1 + np.cos(2 * np.pi * x / period))
    image = np.broadcast_to(wave.astype(np.float32), (5, 600)).copy()
    inside = np.s_[:, 100:-100]
    height = np.exp(-2 * (np.pi * sigma / period) ** 2)
    expected = 32_767.5 * (1 + height * np.cos(2 * np.pi * x / period))
    difference = gaussian(image, sigma) - expected[None]
    assert np.abs(difference[inside]).max() <= 0.01


def test_gaussian_is_the_same_for_any_number_of_threads(cell):
    for sigma in SIGMAS:
        alone = gaussian(cell, sigma)
        for threads in (2, 5):
            np.testing.assert_array_equal(gaussian(cell, sigma, threads=threads), alone)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_gaussian_of_a_point_is_a_gaussian(sigma):
    image = np.zeros((61, 61), np.uint16)
    image[30, 30] = 60_000
    square = ((np.indices(image.shape) - 30) ** 2).sum(axis=0)
    bell = np.exp(-square / (2 * sigma**2))
    np.testing.assert_allclose(
        gaussian(image, sigma), 60_000 * bell / bell.sum(), rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_wraps_around_at_the_ends_of_the_grey_scale(dtype):
    top = np.iinfo(dtype).max
    edge = np.zeros((12, 12), dtype)
    edge[:, 6:] = top
    widths = half_widths(2)
    np.testing.assert_array_equal(erode(edge, widths)[5], [0] * 8 + [top] * 4)
    np.testing.assert_array_equal(dilate(edge, widths)[5], [0] * 4 + [top] * 8)
    np.testing.assert_array_equal(median(edge, widths), edge)
    smooth = gaussian(edge, 1.0)
    assert (np.diff(smooth, axis=1) >= 0).all()
    assert smooth[5, 0] == pytest.approx(0, abs=1e-3)
    assert smooth[5, -1] == pytest.approx(top, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(image=planes(), sigma=st.sampled_from([0.3, 1.0, 4.0]))
def test_gaussian_stays_within_the_range_of_the_image(image, sigma):
    assume(image.size > 1)
    result = gaussian(image, sigma)
    slack = 1e-6 * np.abs(image.astype(float)).max()
    assert result.min() >= float(image.min()) - slack
    assert result.max() <= float(image.max()) + slack


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shrink", [2, 3, 4])
def test_shrinking_takes_the_mean_of_blocks_and_enlarges_between_their_centres(dtype, shrink):
    rows, columns = np.indices((25, 38))
    image = (3 * rows + 2 * columns).astype(dtype)
    seen = []
    result = shrunken(image, shrink, lambda small: seen.append(small) or small, threads=3)
    blocks = image[: 24 // shrink * shrink, : 36 // shrink * shrink].astype(float)
    blocks = blocks.reshape(24 // shrink, shrink, 36 // shrink, shrink).mean(axis=(1, 3))
    np.testing.assert_allclose(seen[0][: blocks.shape[0], : blocks.shape[1]], blocks, rtol=1e-6)
    assert seen[0].shape == (-(-25 // shrink), -(-38 // shrink))
    # A plane stays what it is, up to where blocks are cut off.
    inside = np.s_[shrink : 24 - shrink, shrink : 36 - shrink]
    np.testing.assert_allclose(result[inside], image[inside], atol=1e-3)
    assert result[0, 0] == pytest.approx(blocks[0, 0])


def test_shrinking_counts_only_the_pixels_that_a_cut_block_has():
    image = np.zeros((5, 5), np.uint8)
    image[4, 4] = 90
    small = []
    shrunken(image, 2, lambda s: small.append(s) or s)
    np.testing.assert_array_equal(small[0], [[0, 0, 0], [0, 0, 0], [0, 0, 90]])
