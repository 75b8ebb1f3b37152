"""The default rule: contrasts, fits, the noise and the bulk they stand out from, what it finds."""

import families
import hard_families
import numpy as np
import pytest
from scipy import ndimage
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from localbg import api, backgrounds
from localbg.accuracy import scoring
from localbg.core.parameters import resolve
from localbg.detection import spots
from localbg.detection.denoise import denoise
from localbg.detection.fdr import beyond_bulk, significant
from localbg.detection.likeness import fit_spots
from localbg.detection.subtract import subtract
from localbg.detection.threshold import threshold
from localbg.filters.contrast import DIRECTIONS, contrasts, step_across
from localbg.workflow import plan

RADIUS = 2.5
METHODS = ("tophat", "median", "gaussian")


def bells(shape, points, heights, *, sigma=RADIUS / 2**0.5):
    rows, columns = np.indices(shape)
    image = np.zeros(shape)
    for (y, x), height in zip(points, np.broadcast_to(heights, len(points)), strict=True):
        image += height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
    return image


def grid(shape, pitch):
    return [
        (y, x) for y in range(pitch, shape[0] - 9, pitch) for x in range(pitch, shape[1] - 9, pitch)
    ]


def found_by_default(image, radius, method, **rule):
    """Positions that the shipped config finds, given the spot radius alone."""
    config = {"images": {"one": {"path": "one.tif", "spot_radius": float(radius)}}}
    if rule:
        config["threshold"] = rule
    study = plan.make_plan(config | {"compare": [method]})
    steps = study.methods[method]

    def parameters(kind):
        return resolve(study.parameters(kind, getattr(steps, kind), "one"), None)

    quiet = denoise(image, **parameters("denoised"))
    background = backgrounds.estimate(quiet, **parameters("background"))
    foreground, _ = subtract(quiet, background, **parameters("foreground"))
    grey_step = 1.0 if image.dtype.kind == "u" else 0.0
    mask, decision = threshold(foreground, grey_step, quiet, image, **parameters("mask"))
    labels = spots.label(mask, foreground, decision.noise, **parameters("labels"))
    found = spots.measure_spots(labels, image, foreground, background)
    return np.column_stack([found["y"], found["x"]])


def camera(light, *, noise, seed=0, kind=np.uint16):
    grey = light + np.random.default_rng(seed).normal(0, noise, light.shape)
    return np.rint(grey).clip(0, np.iinfo(kind).max).astype(kind)


# Contrasts


@pytest.mark.parametrize("distance", [1, 2.6, 4, 7.5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 20), (40, 31)])
def test_contrasts_are_those_of_a_plain_loop(shape, distance):
    image = np.random.default_rng(1).normal(0, 10, shape).astype(np.float32)
    offsets = set()
    for k in range(DIRECTIONS):
        angle = np.pi * k / DIRECTIONS
        dy, dx = round(distance * np.sin(angle)), round(distance * np.cos(angle))
        offsets.add(max((dy, dx), (-dy, -dx)))
    reach = 8
    padded = np.pad(image.astype(float), reach, mode="edge")
    pairs = []
    for dy, dx in offsets:
        rows, columns = np.indices(shape) + reach
        pairs.append((padded[rows + dy, columns + dx] + padded[rows - dy, columns - dx]) / 2)
    mean, least = contrasts(image, distance)
    assert mean.dtype == least.dtype == np.float32
    np.testing.assert_allclose(mean, image - np.mean(pairs, axis=0), atol=1e-4)
    np.testing.assert_allclose(least, image - np.max(pairs, axis=0), atol=1e-4)


def test_a_slope_has_no_contrast_a_ridge_a_mean_one_and_a_spot_both():
    rows, columns = np.indices((41, 41))
    inside = (slice(8, -8), slice(8, -8))
    for each in contrasts((3 * rows - 5 * columns + 7).astype(np.float32), 4):
        np.testing.assert_allclose(each[inside], 0, atol=1e-4)
    ridge = 100 * np.exp(-((columns - 20) ** 2) / 8)
    mean, least = contrasts(ridge.astype(np.float32), 4)
    assert mean[20, 20] > 50
    np.testing.assert_allclose(least[inside][:, 12], 0, atol=1e-4)
    spot = bells((41, 41), [(20, 20)], 100)
    mean, least = contrasts(spot.astype(np.float32), 8)
    assert mean[20, 20] == pytest.approx(100, abs=0.1)
    assert least[20, 20] == pytest.approx(100, abs=0.1)


def test_the_step_across_is_the_greatest_difference_of_opposite_pixels():
    rows, columns = np.indices((31, 31))
    slope = (3.0 * rows + 4.0 * columns).astype(np.float32)
    here = np.array([15, 16]), np.array([15, 14])
    # Of all steps of about 5 pixels the one of 4 rows and 4 columns goes up the most.
    np.testing.assert_array_equal(step_across(slope, 5, here), [56, 56])
    # Edges are repeated.
    corner = np.array([0]), np.array([0])
    np.testing.assert_array_equal(step_across(slope, 5, corner), [28])
    flat = np.full((9, 9), 7, np.float32)
    assert step_across(flat, 2, np.nonzero(flat)).max() == 0
    assert step_across(flat, 2, (here[0][:0], here[1][:0])).size == 0


# Significance, and what is beyond the bulk


def expected_in_noise(height, area):
    return area / 2 * (2 * np.pi) ** -1.5 * height * np.exp(-(height**2) / 2)


def test_significant_is_the_bound_of_benjamini_and_hochberg():
    # Of 12 heights the expected noise above the n-th must be at most the share of n.
    heights = np.array([9, 8, 7, 6, 5, 4.6, 4.2, 3.9, 3.5, 3.2, 2.5, 1.0])
    for share in (0.004, 0.08, 0.8):
        fits = [
            u
            for n, u in enumerate(heights[:-1], start=1)
            if expected_in_noise(u, 4000) <= share * n
        ]
        limit = significant(np.random.default_rng(0).permutation(heights), 4000, share)
        assert np.array_equal(heights[heights >= limit], fits)
    # One at a quarter of the share is needed for there to be any.
    one = np.array([4.5])
    expected = expected_in_noise(4.5, 4000)
    assert significant(one, 4000, 4.1 * expected) <= 4.5
    assert significant(one, 4000, 3.9 * expected) > 4.5
    assert significant(heights[-3:], 4000, 0.02) > 3.5


def test_the_least_height_is_what_one_more_spot_would_need():
    heights = np.array([9, 8, 7, 6, 5, 4.6, 3.2])
    for share, found in ((0.004, 6), (1e-6, 3)):
        limit = significant(heights, 4000, share)
        assert expected_in_noise(limit, 4000) == pytest.approx(share * (found + 1), rel=1e-6)
        assert significant(np.r_[heights, 1.0001 * limit], 4000, share) < 1.0001 * limit
        assert significant(np.r_[heights, 0.9999 * limit], 4000, share) > 0.9999 * limit
    # Where there is none, the first one would have to be at a quarter of the share.
    for none in (np.empty(0), heights[-1:]):
        limit = significant(none, 4000, 0.02)
        assert expected_in_noise(limit, 4000) == pytest.approx(0.005, rel=1e-6)


def test_many_dim_spots_are_significant_where_one_is_not():
    assert significant(np.array([3.7]), 10_000, 0.02) > 3.7
    assert significant(np.r_[3.7, np.full(300, 5.5)], 10_000, 0.02) <= 3.7


@pytest.mark.parametrize("factor", [1e-6, 1, 3000])
@pytest.mark.parametrize("spots", [3, 40, 200, 400])
def test_what_exceeds_an_exponential_bulk_is_found_whatever_its_scale(spots, factor):
    # Quantiles of an exponential distribution; spots from 14 to 90 times its scale.
    bulk = -np.log(1 - (np.arange(2000) + 0.5) / 2000)
    bright = np.geomspace(14, 90, spots)
    limit = beyond_bulk(factor * np.r_[bright, bulk], 0.02) / factor
    assert limit <= 14
    # Of the bulk's own tail the formula expects one more than there are at times.
    assert np.count_nonzero(bulk >= limit) <= 1 + 0.02 * spots


def test_the_bulk_makes_up_no_more_than_the_share():
    rng = np.random.default_rng(6)
    false = total = 0
    for _ in range(200):
        bulk, bright = rng.exponential(2, 3000), rng.exponential(20, 100)
        limit = beyond_bulk(np.r_[bulk, bright], 0.05)
        false += np.count_nonzero(bulk >= limit)
        total += np.count_nonzero(bulk >= limit) + np.count_nonzero(bright >= limit)
    assert 0.02 < false / total < 0.05
    assert total / 200 > 50


def test_a_bulk_alone_has_nothing_beyond_it():
    rng = np.random.default_rng(6)
    alone = [rng.exponential(2, 3000) for _ in range(100)]
    assert sum((values >= beyond_bulk(values, 0.02)).any() for values in alone) <= 5
    # A thinner tail has less, not more.
    values = np.abs(rng.normal(size=3000))
    assert beyond_bulk(values, 0.02) > values.max()


def test_the_least_value_beyond_the_bulk_is_what_one_more_would_need():
    # Quantiles of an exponential distribution: twice the value, twice the halvings.
    bulk = -np.log(1 - (np.arange(3000) + 0.5) / 3000)
    for bright in (np.empty(0), np.array([30.0, 40, 50])):
        limit = beyond_bulk(np.r_[bulk, bright], 0.02)
        # Of 3000 so many exceed it, and so many may.
        assert 3000 * np.exp(-limit) == pytest.approx(0.02 * (bright.size + 1), rel=0.03)


def test_of_few_values_nothing_can_be_said():
    assert beyond_bulk(np.arange(1.0, 8), 0.02) == 0
    assert beyond_bulk(np.r_[np.arange(1.0, 8), -np.ones(50)], 0.02) == 0
    assert beyond_bulk(np.empty(0), 0.02) == 0


# Fits


def test_a_fit_has_the_amplitude_of_a_spot_on_a_slope_and_the_noise_that_is_said():
    rows, columns = np.indices((61, 61))
    spot = bells((61, 61), [(30, 28)], 40) + 2 * rows - 3 * columns + 900
    fits = fit_spots(spot.astype(np.float32), [(30, 28)], RADIUS)
    assert fits.amplitude == pytest.approx([40], rel=1e-4)
    assert fits.misfit == pytest.approx([0], abs=1e-3)
    dark = fit_spots((2000 - spot).astype(np.float32), [(30, 28)], RADIUS, "dark")
    assert dark.amplitude == pytest.approx([40], rel=1e-4)
    noise = np.random.default_rng(0).normal(0, 7, (400, 400)).astype(np.float32)
    places = np.argwhere(np.ones((380, 380), bool))[::7] + 10
    fits = fit_spots(noise, places, RADIUS)
    assert fits.amplitude.std() == pytest.approx(7 / fits.gain, rel=0.02)
    assert np.mean(fits.misfit) == pytest.approx(7**2 * fits.freedom, rel=0.02)


# The rule


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("height", [15, 100, 20_000])
def test_spots_are_found_where_they_are_dim_or_bright_and_nothing_else(method, height):
    points = grid((200, 200), 24)
    image = camera(500 + bells((200, 200), points, height), noise=2.5)
    found = found_by_default(image, RADIUS, method)
    accuracy = scoring.score_spots(points, found, RADIUS)
    assert accuracy["f1"] == 1
    assert accuracy["localisation_error"] < (0.5 if height == 15 else 0.1)


@pytest.mark.parametrize("method", METHODS)
def test_positions_are_the_spots_though_they_touch(method):
    points = [(40, 40), (40, 46), (80, 40), (86, 43), (80, 80)]
    image = camera(200 + bells((120, 120), points, 300), noise=3)
    found = found_by_default(image, RADIUS, method)
    assert scoring.score_spots(points, found, 1.2)["f1"] == 1


@pytest.mark.parametrize("radius", [2, 3, 5])
@pytest.mark.parametrize("sigma", [0.5, 0.8, 1, 1.5, 2, 3])
def test_smoothed_noise_has_no_spots_though_each_of_its_waves_looks_like_one(sigma, radius):
    """Spatially correlated over any distance, as after a filter, resampling or JPEG."""
    rng = np.random.default_rng(3)
    for method in ("tophat", "median", "gaussian"):
        waves = ndimage.gaussian_filter(rng.normal(size=(256, 256)), sigma)
        blank = np.rint(500 + 20 * waves / waves.std()).astype(np.uint16)
        assert len(found_by_default(blank, radius, method)) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lawn_of_spots_is_no_smoothed_noise(sign):
    """Though single pixels differ less than with a step of a spot's size between them."""
    points = grid((200, 200), 7)
    light = 2000 + sign * bells((200, 200), points, 100, sigma=1.4)
    image = np.random.default_rng(0).normal(light, 3).round().astype(np.uint16)
    polarity = "bright" if sign > 0 else "dark"
    found = api.detect_spots(image, 2.0, "gaussian", polarity=polarity)
    assert len(found.spots) == len(points)


def test_a_threshold_that_an_image_shares_with_none_but_itself_changes_nothing():
    """What the image's own noise asks for, which decides on texture, holds beside it."""
    image, _, radius = families.tissue(np.random.default_rng(0))
    quiet = denoise(image, filter="gaussian", sigma=0.8)
    above, _ = subtract(quiet, backgrounds.estimate(quiet, filter="median", radius=8), clip=False)
    rule = {"rule": "matched_filter", "radius": radius, "fdr": 0.04, "polarity": "bright"}
    given = above, 1.0, quiet, image
    own, decision = threshold(*given, **rule)
    shared, again = threshold(*given, decision.threshold, **rule)
    assert decision.distinct > decision.significant
    np.testing.assert_array_equal(shared, own)
    assert (again.decided_by, again.threshold) == ("scope", decision.threshold)


@pytest.mark.parametrize("method", METHODS)
def test_of_twenty_blank_images_one_has_a_spot_at_most(method):
    blank = np.random.default_rng(7).normal(120, 11, (60, 256, 256))
    counts = []
    for image, radius in zip(blank, np.linspace(1.5, 4, 60), strict=True):
        kind = (np.uint8, np.uint16, np.float32)[len(counts) % 3]
        image = image if kind == np.float32 else np.rint(image)
        counts.append(len(found_by_default(image.astype(kind), radius, method)))
    assert np.count_nonzero(counts) <= 3


@pytest.mark.parametrize("method", METHODS)
def test_noise_that_hangs_together_is_no_spot(method):
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(256, 256)), 1)
    image = np.rint(1000 + 30 * noise / noise.std()).astype(np.uint16)
    assert len(found_by_default(image, RADIUS, method)) <= 1


@pytest.mark.parametrize("method", METHODS)
def test_noise_that_differs_from_place_to_place_is_no_spot(method):
    rows = np.indices((300, 300))[0]
    sd = 2 + 18 / (1 + np.exp((150 - rows) / 20))
    points = [(y, x) for y, x in grid((300, 300), 30) if y < 90]
    light = 400 + bells((300, 300), points, 25)
    image = np.rint(light + sd * np.random.default_rng(1).normal(size=light.shape))
    found = found_by_default(image.astype(np.uint16), RADIUS, method)
    # Half way, where tiles see both kinds of noise, a few waves pass.
    assert scoring.score_spots(points, found, RADIUS)["f1"] > 0.9


@pytest.mark.parametrize("method", ["median", "gaussian"])
def test_the_edge_of_a_bright_disc_is_no_spot(method):
    rows, columns = np.indices((200, 200))
    disc = gaussian_filter(140.0 * (np.hypot(rows - 100, columns - 100) < 60), 3)
    points = [(100, 100), (80, 120), (30, 30), (170, 160)]
    image = camera(100 + disc + bells((200, 200), points, 70), noise=3)
    found = found_by_default(image, RADIUS, method)
    assert scoring.score_spots(points, found, RADIUS)["f1"] == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("blur", [1.5, 2])
def test_sharp_edges_far_higher_than_the_spots_are_no_spots(method, blur):
    rows, columns = np.indices((240, 240))
    from_edge = np.hypot(rows % 120 - 60, columns % 120 - 60) - 28
    points = [point for point in grid((240, 240), 16) if abs(from_edge[point]) > 8]
    discs = gaussian_filter((from_edge < 0).astype(float), blur)
    light = 600 * discs + bells((240, 240), points, 120)
    found = found_by_default(camera(100 + light, noise=3), RADIUS, method)
    assert scoring.score_spots(points, found, RADIUS)["f1"] > 0.8


@pytest.mark.parametrize("method", ["median", "gaussian"])
@pytest.mark.parametrize("noise", [0, 3])
def test_the_rim_of_a_soft_disc_is_no_spot_where_there_are_but_two(method, noise):
    """The threshold has little to go by then; more noise adds bumps to the rim."""
    rows, columns = np.indices((300, 300))
    disc = gaussian_filter((np.hypot(rows - 150, columns - 150) < 77).astype(float), 6)
    points = [(150, 120), (40, 250)]
    light = 60 + 150 * disc + bells((300, 300), points, 60, sigma=7)
    found = found_by_default(camera(light, noise=noise, kind=np.uint8), 10, method)
    assert scoring.score_spots(points, found, 10)["f1"] == 1


@pytest.mark.parametrize("method", METHODS)
def test_bumps_of_a_texture_are_no_spots(method):
    rng = np.random.default_rng(2)
    bumps = gaussian_filter(rng.normal(size=(256, 256)), 2 * RADIUS)
    points = grid((256, 256), 40)
    light = 500 + 40 * bumps / bumps.std() + bells((256, 256), points, 250)
    found = found_by_default(camera(light, noise=1), RADIUS, method)
    assert scoring.score_spots(points, found, RADIUS)["f1"] > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_a_hot_pixel_hides_no_spots(method):
    points = grid((200, 200), 24)
    image = camera(500 + bells((200, 200), points, 100), noise=3)
    image[101, 77] = 65535
    assert (
        scoring.score_spots(points, found_by_default(image, RADIUS, method), RADIUS)["recall"] == 1
    )


def textured():
    """A foreground of spots in noise; whole grey levels, so that sums are exact."""
    foreground = bells((120, 130), grid((120, 130), 20), 60)
    return np.rint(foreground + np.random.default_rng(0).normal(0, 3, (120, 130))).astype("f4")


@pytest.mark.parametrize(("factor", "offset"), [(1, 4096), (1, -700), (8, 0), (0.25, 0), (64, 512)])
def test_offset_and_factor_change_nothing(factor, offset):
    plain, decision = threshold(textured(), rule="matched_filter", radius=RADIUS)
    changed = textured() * np.float32(factor) + np.float32(offset)
    mask, found = threshold(changed, rule="matched_filter", radius=RADIUS)
    assert found.threshold == pytest.approx(factor * decision.threshold, rel=1e-4)
    np.testing.assert_array_equal(mask, plain)
    assert mask.any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bright", [0, 1, 3])
def test_where_spots_are_the_bulk_a_few_brighter_ones_do_not_stand_for_all(method, bright):
    """Nuclei side by side on black: hardly any other local maximum to compare them with."""
    points = grid((300, 300), 30)
    heights = np.random.default_rng(4).uniform(60, 100, len(points))
    heights[:bright] = 220
    light = bells((300, 300), points, heights, sigma=6)
    found = found_by_default(camera(light + 5, noise=1.5, kind=np.uint8), 8.5, method)
    assert scoring.score_spots(points, found, 3)["f1"] > 0.97


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [5, 17, 22])
def test_puncta_on_texture_are_found_though_they_are_a_third_of_all_maxima(method, seed):
    """The bulk is of texture and dim puncta, and nearly nothing is beyond it.

    On 5 of 24 such images something is, and then most puncta are lost.
    """
    image, points, radius = hard_families.crowded_texture(np.random.default_rng(seed))
    assert scoring.score_spots(points, found_by_default(image, radius, method), 3)["f1"] > 0.6


def scene(seed=3):
    """Whole grey levels: spots of many amplitudes on cells with shot noise, some of it black."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((160, 203))
    cell = 1 / (1 + np.exp((np.hypot(rows - 80, columns - 90) - 60) / 3))
    points = [p for p in grid((160, 203), 18) if cell[p] > 0.9]
    light = 200 * cell + bells(cell.shape, points, rng.uniform(60, 400, len(points))) + 20
    image = rng.poisson(light).astype(np.float32)
    image[:, 160:] = 0
    return image, points


def positions(image, method="median"):
    found = found_by_default(image, RADIUS, method)
    return found[np.lexsort(found.T)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("factor", "offset"), [(2**-16, 0), (2**-8, 2**-3), (1, 1000), (16, 0)])
def test_the_unit_of_grey_levels_and_their_zero_change_nothing(method, factor, offset):
    image, _ = scene()
    plain = positions(image, method)
    assert len(plain) > 20
    changed = positions(image * np.float32(factor) + np.float32(offset), method)
    np.testing.assert_allclose(changed, plain, atol=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_a_mirrored_image_has_mirrored_spots(method):
    image, _ = scene()
    plain = positions(image, method)
    for axis in (0, 1):
        found = positions(np.ascontiguousarray(np.flip(image, axis)), method)
        found[:, axis] = image.shape[axis] - 1 - found[:, axis]
        found = found[np.lexsort(found.T)]
        assert scoring.score_spots(plain, found, 0.5)["f1"] == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_spots_are_the_same_on_a_crop_and_beside_a_mask(method, scale):
    image, points = scene()
    image *= np.float32(scale)
    inside = image[20:140, 25:155]
    cut = found_by_default(np.ascontiguousarray(inside), RADIUS, method) + np.array([20, 25])
    rows, columns = np.indices(image.shape)
    masked = np.where(np.hypot(rows - 80, columns - 90) < 66, image, np.float32(0))
    beside = found_by_default(masked, RADIUS, method)
    whole = found_by_default(image, RADIUS, method)
    assert scoring.score_spots(points, whole, RADIUS)["f1"] > 0.97
    assert scoring.score_spots(points, beside, RADIUS)["f1"] > 0.97
    there = [p for p in points if 20 <= p[0] < 140 and 25 <= p[1] < 155]
    assert scoring.score_spots(there, cut, RADIUS)["f1"] > 0.97


@pytest.mark.parametrize("method", METHODS)
def test_foci_in_textured_nuclei_on_black_are_found_and_the_texture_is_not(method):
    rng = np.random.default_rng(8)
    rows, columns = np.indices((300, 300))
    image, points = np.zeros((300, 300)), []
    for y, x in grid((300, 300), 75):
        nucleus = np.hypot(rows - y, columns - x) < 25
        grain = gaussian_filter(rng.normal(size=image.shape), 1.2)
        light = 60 + 12 * grain / grain.std()
        focus = (y + 5, x - 7)
        light += bells(image.shape, [focus], 120)
        points.append(focus)
        image = np.where(nucleus, rng.poisson(light.clip(0)), image)
    found = found_by_default(image.astype(np.uint8), RADIUS, method)
    assert scoring.score_spots(points, found, RADIUS)["f1"] > 0.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["resampled", "blocks", "few levels", "saturated"])
def test_noise_as_files_have_it_is_no_spot_and_hides_none(method, kind):
    rng = np.random.default_rng(12)
    points = grid((240, 240), 24)
    light = 100 + bells((240, 240), points, 60)
    image = rng.poisson(light).astype(float)
    if kind == "resampled":
        coarse = rng.poisson(ndimage.zoom(light, 0.6, order=1))
        zoom = 240 / np.array(coarse.shape)
        image = ndimage.zoom(coarse.astype(float), zoom, order=3, mode="nearest")
    elif kind == "blocks":  # as of JPEG: fine detail of each block is gone
        blocks = dctn(image.reshape(30, 8, 30, 8), axes=(1, 3), norm="ortho")
        image = idctn(np.rint(blocks / 16) * 16, axes=(1, 3), norm="ortho").reshape(240, 240)
    elif kind == "few levels":
        image = image // 16
    else:
        image = np.minimum(image, 125)
    image = np.rint(image).clip(0, 255).astype(np.uint8)
    found = found_by_default(image, RADIUS, method)
    assert scoring.score_spots(points, found, RADIUS)["f1"] > 0.97


def test_the_mask_is_the_core_of_what_reaches_the_limits_of_the_record():
    image = textured()
    mask, decision = threshold(image, rule="matched_filter", radius=RADIUS)
    assert (decision.decided_by, decision.chosen) == ("rule", decision.threshold)
    assert ndimage.label(mask)[1] == len(grid((120, 130), 20))
    contrast = contrasts(image, 1.5 * RADIUS)[0]
    for y, x in grid((120, 130), 20):
        near = tuple(slice(c - 2, c + 3) for c in (y, x))
        core = contrast[near][mask[near]]
        assert core.min() >= 0.6 * core.max() * (1 - 1e-6)
        fits = fit_spots(image, [(y, x)], RADIUS)
        assert fits.amplitude * fits.likeness > decision.threshold


@pytest.mark.parametrize("share", [1e-6, 0.02, 0.5])
def test_a_larger_fdr_finds_more(share):
    rng = np.random.default_rng(5)
    dim = np.float32(bells((256, 256), grid((256, 256), 16), 7))
    foreground = np.float32(
        denoise(dim + rng.normal(0, 4, dim.shape).astype("f4"), filter="gaussian", sigma=1.25)
    )
    counts = [
        threshold(foreground, rule="matched_filter", radius=RADIUS, fdr=s)[0].sum()
        for s in (share, 2 * share)
    ]
    assert counts[0] <= counts[1]
    assert counts[1] > 0 or share < 0.01


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (7, 200)])
@pytest.mark.parametrize("radius", [0.4, 2.5, 30])
def test_small_images_and_large_spots_have_an_answer(shape, radius):
    foreground = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    mask, decision = threshold(foreground, rule="matched_filter", radius=radius)
    assert mask.shape == shape
    assert np.isfinite(decision.threshold)


def test_noise_is_measured_on_the_denoised_image():
    # A background that follows the noise leaves a foreground that is 0 but for a few waves.
    noise = denoise(
        np.random.default_rng(3).normal(0, 5, (256, 256)).astype("f4"), filter="gaussian", sigma=1.2
    )
    rest = np.maximum(noise - np.float32(norm.ppf(0.97) * noise.std()), 0)
    misled, _ = threshold(rest, rule="matched_filter", radius=RADIUS)
    told, _ = threshold(rest, 0.0, noise, rule="matched_filter", radius=RADIUS)
    assert misled.any()
    assert not told.any()


# Least mean F1 of two images. What otsu, the rule that was the default before, reaches in the mean
# of all families is below what is asked for of the plateau in the mean.
LEAST = {"receptors": 0.6, "saturated": 0.7, "bacteria": 0.7}


def mean_f1(method, **rule):
    result = {}
    for draw in (*families.TUNED, *families.HELD_OUT):
        f1 = []
        for i in range(2):
            image, truth, radius = draw(np.random.default_rng([i, *draw.__name__.encode()]))
            found = found_by_default(image, radius, method, **rule)
            f1.append(scoring.score_spots(truth, found, radius)["f1"])
        result[draw.__name__] = np.mean(f1)
    return result


@pytest.mark.parametrize("method", METHODS)
def test_families_of_images_that_nobody_tuned_for(method):
    found = mean_f1(method)
    low = {name: f1 for name, f1 in found.items() if f1 < LEAST.get(name, 0.8)}
    assert not low
    assert np.mean(list(found.values())) > 0.88
    assert np.mean(list(mean_f1(method, rule="otsu").values())) < 0.88
