"""The width of a spot, its flags, and the radius that the spots of an image come to."""

import numpy as np
import pytest
import tifffile
from scipy.stats import binom

from conftest import shared
from localbg.accuracy import scoring
from localbg.detection import measured_radius, spots
from localbg.detection.noise import estimate_pixel_noise
from localbg.detection.shapes import FWHM_PER_RADIUS, measure_shapes
from localbg.filters.moments import widths
from localbg.io.image_flags import image_flags, saturated_at
from pictures import OTSU, bells, camera, counted, dirt, found, hot_pixels, scattered
from small_study import read_text

FWHM_PER_SIGMA = 2 * (2 * np.log(2)) ** 0.5


# The width


@pytest.mark.parametrize("wrong_by", [1 / 3, 0.6, 1, 1.7, 3])
@pytest.mark.parametrize("sigma", [1, 1.5, 2.5, 4, 8])
def test_the_width_is_unbiased_though_the_expected_one_is_wrong(sigma, wrong_by):
    light, places = scattered(sigma, n=8 if sigma < 4 else 5)
    image = light + np.random.default_rng(3).normal(0, 5, light.shape)
    off = places + np.random.default_rng(4).normal(0, 0.4, places.shape)
    sigmas = widths(image, off, sigma * wrong_by, 5.0)
    assert np.median(sigmas) == pytest.approx(sigma, rel=0.02)
    # A pixel is as wide as the narrowest of them: noise tells more there.
    assert sigmas == pytest.approx(sigma, rel=0.3 if sigma == 1 else 0.13)


@pytest.mark.parametrize("sigma", [1, 2, 5])
def test_without_noise_the_width_is_exact_on_any_slope_and_offset(sigma):
    light, places = scattered(sigma, n=2)
    y, x = np.indices(light.shape)
    for image in (light, light + 3 * y - 7 * x, 200 * light + 30_000):
        assert widths(image, places, sigma, 0.0) == pytest.approx(sigma, rel=0.012)


def test_a_place_on_the_flank_finds_the_middle():
    light, places = scattered(5, n=3)
    for shift in ((4, 0), (0, -5), (3, 3)):
        sigmas = widths(light, np.rint(places) + shift, 2.0, 1.0)
        assert sigmas == pytest.approx(5, rel=0.02)


def test_one_pixel_has_no_width_and_nothing_none_to_measure():
    image = np.full((40, 40), 100, np.float32)
    assert np.isnan(widths(image, [(20, 20)], 2.0, 0.0)).all()
    image[20, 20] = 900
    assert widths(image, [(20, 20)], 2.0, 0.0) == pytest.approx(0, abs=1e-6)
    assert np.isnan(widths(-image, [(20, 20)], 2.0, 0.0)).all()
    assert widths(image, np.empty((0, 2)), 2.0, 0.0).shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (3, 3), (12, 200)])
@pytest.mark.parametrize("typical", [0.36, 2.0, 25.0])
def test_small_images_and_large_spots_have_an_answer(shape, typical):
    image = np.random.default_rng(0).normal(100, 10, shape)
    places = np.argwhere(image > 100)
    sigmas = widths(image, places, typical, estimate_pixel_noise(image))
    assert sigmas.shape == (len(places),)
    assert not np.isinf(sigmas).any()


def test_the_noise_of_pixels_is_that_which_was_drawn():
    y, x = np.indices((300, 300))
    for noise in (0.5, 4.0):
        drawn = np.random.default_rng(0).normal(3 * y + x, noise)
        assert estimate_pixel_noise(drawn) == pytest.approx(noise, rel=0.03)
    assert estimate_pixel_noise(np.full((50, 50), 7)) == 0
    assert estimate_pixel_noise(np.random.default_rng(0).normal(size=(2, 99))) == 0


# Flags


def flagged(image, places, radius, **known):
    """Shapes of spots of one label each, three pixels wide."""
    labels = np.zeros(image.shape, np.int32)
    for number, (y, x) in enumerate(places, 1):
        labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = number
    columns = spots.measure_spots(labels, image, image.astype(np.float32), image)
    known = {"pixel_size_um": 0.5, "saturated_at": saturated_at(image_flags(image))} | known
    return measure_shapes(
        *(columns, labels, image, image.astype(np.float32)), spot_radius=radius, **known
    )


def test_each_flag_is_raised_where_it_applies_and_not_elsewhere():
    radius, light = 3.0, np.full((200, 200), 100.0)
    right, crowded, wide = [(30, 30)], [(30, 90), (30, 96)], [(100, 100)]
    light += bells(light.shape, [*right, *crowded, (0, 150)], radius / 2**0.5)
    light += bells(light.shape, wide, 3 * radius / 2**0.5)
    light[170, 30] += 300
    saturated = bells(light.shape, [(170, 170)], radius / 2**0.5, 900)
    image = np.rint(np.minimum(light + saturated, 500)).astype(np.uint16)
    places = [(0, 150), (30, 30), (30, 90), (30, 96), (100, 100), (170, 30), (170, 170)]
    expected = ["border", "", "crowded", "crowded", "wide", "narrow", "saturated"]
    columns = flagged(image, places, radius)
    assert columns["flags"].tolist() == expected
    assert columns["fwhm"][1] == pytest.approx(FWHM_PER_RADIUS * radius, rel=0.02)
    assert columns["fwhm"][4] == pytest.approx(3 * FWHM_PER_RADIUS * radius, rel=0.02)
    assert columns["fwhm_um"] == pytest.approx(columns["fwhm"] / 2)
    assert columns["likeness"][1] > 0.999 > 0.95 > columns["likeness"][4]
    assert np.isnan(flagged(image, places, radius, pixel_size_um=None)["fwhm_um"]).all()
    # Without a limit the highest grey level is one as any other.
    assert "saturated" not in flagged(image, places, radius, saturated_at=np.inf)["flags"]


def test_spots_of_a_dark_chain_are_measured_upside_down():
    image = (1000 - bells((60, 60), [(30, 30)], 2.0)).astype(np.float32)
    labels = np.zeros((60, 60), np.int32)
    labels[29:32, 29:32] = 1
    columns = spots.measure_spots(labels, image, 1000 - image, image)
    dark = measure_shapes(
        *(columns, labels, image, 1000 - image), spot_radius=2.83, polarity="dark"
    )
    assert dark["fwhm"] == pytest.approx(FWHM_PER_SIGMA * 2, rel=0.01)
    assert dark["likeness"] == pytest.approx(1, abs=1e-3)


def test_no_spots_have_empty_columns():
    nothing = np.zeros((9, 9), np.int32)
    columns = flagged(nothing.astype(np.uint8), [], 2.0)
    assert list(columns) == ["fwhm", "fwhm_um", "likeness", "flags"]
    assert {column.shape for column in columns.values()} == {(0,)}


@pytest.mark.parametrize("config", [{}, OTSU], ids=["matched_filter", "otsu"])
@pytest.mark.parametrize("method", ["tophat", "median", "gaussian"])
def test_nearly_all_hot_pixels_are_narrow_and_dirt_is_wide(method, config):
    hot = counted(found(hot_pixels(), 3, method, **config), 3)
    if config:
        assert int(hot["n_spots"]) > 40
        assert float(hot["narrow"]) > 0.95
    else:  # It asks for likeness to a spot, which one pixel does not have.
        assert int(hot["n_spots"]) <= 1
    of_dirt = counted(found(dirt(), 3, method, **config), 3)
    assert float(of_dirt["wide"]) > 0.9
    light, _ = scattered(3 / 2**0.5, n=7)
    right = counted(found(camera(light), 3, method, **config), 3)
    assert (right["n_spots"], right["narrow"], right["wide"]) == (49, 0, 0)


@pytest.mark.parametrize("config", [{}, OTSU], ids=["matched_filter", "otsu"])
def test_two_in_a_hundred_true_spots_at_most_are_narrow_or_wide(config):
    folder = shared("annotated")
    n = odd = 0
    for row in read_text(folder / "images.csv"):
        truth = [(float(p["y"]), float(p["x"])) for p in read_text(folder / row["truth"])]
        rows = found(tifffile.imread(folder / row["path"]), 2.5, **config)
        pairs, _ = scoring.match_spots(np.array(truth), np.array([(s.y, s.x) for s in rows]), 3)
        flags = [rows[k].flags for k in pairs[:, 1]]
        n += len(flags)
        odd += sum("narrow" in words or "wide" in words for words in flags)
        assert measured_radius.factor(counted(rows, 2.5)) == 1
    assert n > 800
    assert odd / n < 0.02


# The radius that the spots have


@pytest.mark.parametrize(
    "rule", [{}, {"rule": "otsu", "min_snr": 5}], ids=["matched_filter", "otsu"]
)
@pytest.mark.parametrize(("true", "given"), [(8, 3), (2, 5), (3, 3), (5, 4), (4, 5)])
def test_a_wrong_radius_is_noticed_and_a_right_one_is_not(true, given, rule):
    light, _ = scattered(true / 2**0.5, n=5)
    config = {"threshold": rule} if rule else {}
    row = counted(found(camera(light), given, **config), given)
    assert float(row["measured_radius"]) == pytest.approx(true, rel=0.05)
    is_wrong = max(true, given) / min(true, given) >= 1.6
    assert (measured_radius.factor(row) != 1) == is_wrong
    remark = measured_radius.remark([row])
    if is_wrong:
        assert f"measure {true} px in radius" in remark
        assert f"spot_radius is {given} px" in remark
        assert f"set spot_radius: {true}" in remark
    else:
        assert remark == ""


def test_the_radius_agrees_with_that_which_is_suggested():
    from localbg.suggest.proposal import detect_blobs

    light, _ = scattered(4.5 / 2**0.5, n=5)
    image = camera(light)
    row = counted(found(image, 3), 3)
    assert float(row["measured_radius"]) == pytest.approx(detect_blobs(image, 1.0).radius, rel=0.05)


def spot(fwhm, height=100, flags=""):
    return {"fwhm": f"{fwhm}", "foreground_max": f"{height}", "flags": flags}


def test_the_interval_of_the_median_is_that_of_its_order_statistics():
    for n in (5, 6, 12, 25):
        radii = np.arange(1, n + 1.0)
        rows = [spot(FWHM_PER_RADIUS * radius) for radius in radii]
        # So few that all count.
        row = measured_radius.summarise_shapes(rows + [spot(1, 0.1)] * n)
        below = max(int(binom.ppf(0.025, n, 0.5)) - 1, 0)
        assert row["measured_radius"] == pytest.approx(np.median(radii))
        assert row["measured_radius_low"] == pytest.approx(radii[below], abs=1)
        low, high = row["measured_radius_low"], row["measured_radius_high"]
        assert low + high == pytest.approx(n + 1)
        outside = binom.cdf(round(low) - 1, n, 0.5) + 1 - binom.cdf(round(high) - 1, n, 0.5)
        assert outside <= 0.0626 if n < 6 else outside <= 0.05


def test_the_strongest_spots_that_touch_no_border_tell_the_radius():
    strong = [spot(10, 100)] * 5 + [spot(99, 500, "border"), spot("", 500)]
    row = measured_radius.summarise_shapes(strong + [spot(2, 1)] * 5)
    assert row["measured_radius"] == pytest.approx(10 / FWHM_PER_RADIUS)
    row = measured_radius.summarise_shapes(strong[:4])
    assert row["measured_radius"] is None
    row = measured_radius.summarise_shapes([])
    assert set(row.values()) == {None}


def test_shares_are_those_of_the_flags():
    rows = [spot(5)] * 6 + [spot(1, 1, "narrow; border"), spot(9, 1, "wide; crowded")]
    row = measured_radius.summarise_shapes(rows)
    names = ("narrow", "wide", "saturated", "crowded")
    assert [row[name] for name in names] == [0.125, 0.125, 0, 0.125]


def count(method="m", n=20, given=3, measured=None, narrow=0, wide=0):
    row = {"method": method, "n_spots": n, "spot_radius": given}
    ends = dict.fromkeys(("measured_radius", "measured_radius_low", "measured_radius_high"))
    return row | dict.fromkeys(ends, measured) | {"narrow": narrow, "wide": wide}


def test_a_quarter_of_narrow_or_wide_spots_speaks_against_them():
    assert measured_radius.find_fault(count(narrow=0.24, wide=0.24)) == ""
    assert measured_radius.find_fault(count(narrow=0.25)) == (
        "25% of its 20 spots are narrower than optics allow, as hot pixels are"
    )
    assert measured_radius.find_fault(count(wide=0.5)).startswith(
        "50% of its 20 spots are over twice"
    )
    # Two of four are few.
    assert measured_radius.find_fault(count(n=4, narrow=0.5)) == ""
    assert measured_radius.find_fault(count(n=4, narrow=0.75))
    assert (
        measured_radius.find_fault({"method": "m", "n_spots": 0, "narrow": None, "wide": None})
        == ""
    )


def test_one_method_that_is_off_says_nothing_of_the_radius():
    right, off, hot = count(measured=3), count(measured=8), count(measured=0.1, narrow=1)
    assert measured_radius.remark([right, right, off]) == ""
    assert measured_radius.remark([right, off, off])
    assert measured_radius.remark([hot]) == ""
    assert measured_radius.remark([count()]) == ""


def test_the_run_is_told_what_to_set_or_which_images_differ():
    def run(*radii):
        rows = [(f"i{k}", [count(measured=radius)]) for k, radius in enumerate(radii)]
        return measured_radius.warning(rows)

    assert run(3, 3, 3) == run() == run(None, None) == ""
    assert run(8, 8.2, 7.9, None) == (
        "The spots measure 7.9 to 8.2 px in radius, where spot_radius is 3 px, on 3 of 3 images "
        "that tell: set spot_radius: 8 and run again, or run the target suggest for a proposal."
    )
    # No one radius would do.
    assert "set spot_radius" not in run(8, 1.1)
    assert run(3, 8, 3, 3).endswith(
        "on 1 of 4 images that tell (i1): they are out of focus, or need a spot_radius of their "
        "own in the sheet."
    )


def test_simulated_families_at_their_own_radius_raise_no_alarm():
    import families

    for draw in (*families.TUNED, *families.HELD_OUT):
        image, _, radius = draw(np.random.default_rng([0, *draw.__name__.encode()]))
        row = counted(found(image, radius), radius)
        assert measured_radius.remark([row]) == "", draw.__name__
        assert measured_radius.find_fault(row) == "", draw.__name__
