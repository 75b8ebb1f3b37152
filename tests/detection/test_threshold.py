"""Level, noise and threshold of foregrounds whose noise is known."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm
from skimage import filters

from localbg.detection import noise
from localbg.detection.threshold import threshold
from localbg.pipeline import signatures

HISTOGRAM_RULES = {
    "otsu": filters.threshold_otsu,
    "triangle": filters.threshold_triangle,
    "li": filters.threshold_li,
    "yen": filters.threshold_yen,
    "isodata": filters.threshold_isodata,
}
BOUNDED_RULES = {rule: {} for rule in HISTOGRAM_RULES} | {"percentile": {"percent": 99}}
EVERY_RULE = BOUNDED_RULES | {
    "noise": {"k": 5},
    "value": {"value": 8},
    "matched_filter": {"radius": 2.5},
}


def gaussian_noise(sd, *, shape=(300, 300), seed=0):
    return np.random.default_rng(seed).normal(0, sd, shape).astype(np.float32)


@pytest.fixture(scope="module")
def bimodal():
    """Noise of sd 4 around 0, and a tenth of the pixels around 80."""
    image = gaussian_noise(4, shape=(120, 100))
    image[30:50, 20:80] += 80
    return image


def test_every_rule_is_tested():
    assert set(signatures.choices("threshold")) == set(EVERY_RULE)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("mean", "sd"), [(0, 1), (7, 20), (-300, 0.01), (20_000, 150)])
def test_noise_and_scatter_of_gaussian_noise_are_its_deviation(mean, sd, seed):
    found = noise.estimate_noise(np.float32(mean) + gaussian_noise(sd, seed=seed))
    assert found.level == pytest.approx(mean, abs=0.02 * sd + 1e-6 * abs(mean))
    assert found.noise == pytest.approx(sd, rel=0.03)
    assert found.scatter == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 0.9, 0.95])
@pytest.mark.attack(
    kind="grey values",
    case="half of the pixels or more are equal",
    outcome="the noise is that of the others, not 0",
)
def test_noise_is_that_of_the_pixels_that_scatter_where_the_others_are_equal(share):
    foreground = gaussian_noise(6, shape=(700, 700))
    still = np.random.default_rng(1).random(foreground.shape) < share
    foreground[still] = 0
    found = noise.estimate_noise(foreground)
    assert found.level == pytest.approx(0, abs=0.1)
    assert found.noise == found.scatter == pytest.approx(6, rel=0.03)


@pytest.mark.parametrize("value", [-3, 0, 250])
def test_noise_of_a_patch_in_an_even_image_is_the_patch_s(value):
    foreground = np.full((600, 600), value, np.float32)
    foreground[:90, :200] += gaussian_noise(6, shape=(90, 200))
    found = noise.estimate_noise(foreground)
    assert found.level == value
    assert found.noise == found.scatter == pytest.approx(6, rel=0.03)


def test_noise_survives_clipping_at_zero():
    foreground = np.maximum(gaussian_noise(9), 0)
    assert np.median(np.abs(foreground - np.median(foreground))) < 0.1
    found = noise.estimate_noise(foreground)
    assert found.level == pytest.approx(0, abs=0.1)
    assert found.noise == pytest.approx(9, rel=0.03)


@pytest.mark.parametrize("share", [0.01, 0.04, 0.1, 0.2])
def test_spots_raise_level_and_noise_by_what_the_share_they_cover_tells(share):
    foreground = gaussian_noise(5, shape=(500, 500))
    spots = np.random.default_rng(1).random(foreground.shape) < share
    foreground[spots] = 1000
    # The spots shift the level too; from there, half of all deviations are below this one.
    level = norm.ppf(0.5 / (1 - share))
    median = brentq(lambda q: (1 - share) * (norm.cdf(level + q) - norm.cdf(level - q)) - 0.5, 0, 5)
    found = noise.estimate_noise(foreground)
    assert found.level == pytest.approx(5 * level, abs=0.05)
    assert found.noise == pytest.approx(5 * median / norm.ppf(0.75), rel=0.02)


@pytest.mark.parametrize("sd", [2, 3, 4])
def test_scatter_is_that_of_texture_on_a_tenth_of_the_image(sd):
    foreground = gaussian_noise(1, shape=(500, 500))
    foreground[:50] *= sd
    # Below this deviation lie 95 % of a mixture of nine parts noise and one part texture.
    tail = brentq(lambda q: 0.9 * norm.sf(q) + 0.1 * norm.sf(q / sd) - 0.025, 0, 10 * sd)
    expected = tail / norm.ppf(0.975)
    found = noise.estimate_noise(foreground)
    assert found.scatter == pytest.approx(expected, rel=0.02)
    assert found.noise < found.scatter


def with_spots(foreground, share):
    """The foreground with bright pixels on a share of it."""
    foreground[np.random.default_rng(1).random(foreground.shape) < share] = 1000
    return foreground


def test_scatter_does_not_rise_with_the_number_of_spots():
    found = noise.estimate_noise(with_spots(gaussian_noise(5, shape=(500, 500)), 0.1))
    assert found.scatter == pytest.approx(5, rel=0.2)


def test_scatter_without_a_lower_side_is_at_most_six_times_the_noise():
    one_sided = np.maximum(gaussian_noise(5, shape=(500, 500)), 0)
    found = noise.estimate_noise(with_spots(one_sided.copy(), 0.1))
    assert found.scatter == pytest.approx(6 * found.noise)
    assert noise.estimate_noise(with_spots(one_sided.copy(), 0.03)).scatter < 5 * 1.3


@pytest.mark.parametrize("grey_step", [0, 1, 16])
def test_noise_is_never_below_that_of_rounding(grey_step):
    even = noise.estimate_noise(np.full((20, 30), 3, np.float32), grey_step=grey_step)
    assert even.level == 3
    assert even.noise == even.scatter == pytest.approx(grey_step / 12**0.5)
    loud = gaussian_noise(25)
    assert noise.estimate_noise(loud, grey_step=grey_step) == noise.estimate_noise(loud)


@pytest.mark.parametrize("rule", HISTOGRAM_RULES)
def test_histogram_rule_is_that_of_scikit_image(bimodal, rule):
    mask, decision = threshold(bimodal, rule=rule, min_snr=0)
    # In 32 bits li's search can swing between two numbers for ever.
    image = bimodal.astype(float) if rule == "li" else bimodal
    expected = float(HISTOGRAM_RULES[rule](image))
    assert decision.threshold == decision.chosen == expected
    assert decision.decided_by == "rule"
    np.testing.assert_array_equal(mask, bimodal > expected)


@pytest.mark.parametrize("rule", ["otsu", "isodata", "noise"])
def test_spots_on_a_thirtieth_of_the_image_are_told_from_noise(rule):
    foreground = gaussian_noise(4, shape=(120, 100))
    truth = np.zeros(foreground.shape, bool)
    truth[30:50, 20:40] = True
    mask, _ = threshold(foreground + np.float32(80) * truth, rule=rule, **EVERY_RULE[rule])
    np.testing.assert_array_equal(mask, truth)


@pytest.mark.parametrize(("rule", "snr"), [("otsu", 20), ("isodata", 20), ("noise", 30)])
@pytest.mark.parametrize("share", [0.06, 0.1])
def test_bright_spots_are_found_also_where_they_are_dense(rule, snr, share):
    foreground = gaussian_noise(4, shape=(200, 200))
    truth = np.random.default_rng(1).random(foreground.shape) < share
    spots = np.float32(4 * snr) * truth
    mask, _ = threshold(foreground + spots, rule=rule, **EVERY_RULE[rule])
    assert mask[truth].mean() > 0.99
    assert mask[~truth].mean() < 0.001


@pytest.mark.parametrize("value", [8, 7.5, -2])
def test_value_is_taken_at_its_word_and_excluded(value):
    foreground = np.arange(-10, 20, 0.5, np.float32).reshape(6, 10)
    mask, decision = threshold(foreground, 1.0, rule="value", value=value)
    np.testing.assert_array_equal(mask.ravel(), np.arange(-10, 20, 0.5) > value)
    assert decision.threshold == decision.chosen == value
    assert decision.decided_by == "rule"


@pytest.mark.parametrize(
    ("percent", "expected", "above"), [(90, 90, 10), (97.5, 97.5, 3), (0, 0, 100)]
)
def test_percentile_is_exact(percent, expected, above):
    foreground = np.random.default_rng(3).permutation(101).astype(np.float32)[None]
    mask, decision = threshold(foreground, rule="percentile", percent=percent, min_snr=0)
    assert decision.threshold == pytest.approx(expected)
    assert mask.sum() == above


@pytest.mark.parametrize("k", [0.5, 3, 5])
def test_noise_rule_is_k_deviations_above_the_level(k):
    foreground = np.float32(11) + gaussian_noise(3)
    mask, decision = threshold(foreground, rule="noise", k=k)
    assert decision.threshold == decision.level + k * decision.scatter
    assert decision.threshold == pytest.approx(11 + 3 * k, rel=0.03)
    assert mask.mean() == pytest.approx(norm.sf(k), abs=0.005)


@pytest.mark.parametrize("rule", BOUNDED_RULES)
@pytest.mark.parametrize("sd", [0.5, 5, 300])
@pytest.mark.attack(
    kind="grey values",
    case="noise and nothing else",
    outcome="0 spots, whatever the rule",
)
def test_blank_image_has_no_spots(rule, sd):
    # Of 90,000 pixels of Gaussian noise, 0.03 lie more than five deviations above the mean.
    blank = np.rint(100 + gaussian_noise(sd)) - 100
    mask, decision = threshold(blank, 1.0, rule=rule, **BOUNDED_RULES[rule])
    assert not mask.any()
    assert decision.decided_by == "min_snr"
    unbounded, free = threshold(blank, 1.0, rule=rule, min_snr=0, **BOUNDED_RULES[rule])
    assert unbounded.any()
    assert free.decided_by == "rule"
    assert free.threshold == decision.chosen


@pytest.mark.parametrize("rule", BOUNDED_RULES)
@pytest.mark.parametrize("min_snr", [4, 6.5])
def test_bound_is_min_snr_deviations_above_the_level(rule, min_snr):
    blank = np.float32(40) + gaussian_noise(2)
    mask, decision = threshold(blank, rule=rule, min_snr=min_snr, **BOUNDED_RULES[rule])
    assert decision.threshold == decision.level + min_snr * decision.noise
    assert decision.threshold == pytest.approx(40 + 2 * min_snr, rel=0.02)
    np.testing.assert_array_equal(mask, blank > decision.threshold)


@pytest.mark.parametrize(("rule", "parameters"), [("noise", {"k": 1}), ("value", {"value": 0.5})])
def test_bound_does_not_overrule_what_the_user_asked_for(rule, parameters):
    mask, decision = threshold(gaussian_noise(2), rule=rule, **parameters)
    assert mask.any()
    assert decision.decided_by == "rule"
    assert decision.threshold < 5 * decision.noise


@pytest.mark.parametrize(
    ("rule", "parameters"), [*EVERY_RULE.items(), ("value", {"value": -4}), ("value", {"value": 3})]
)
@pytest.mark.parametrize("grey", [-3, 0, 3, 200])
@pytest.mark.parametrize("grey_step", [0.0, 1.0])
@pytest.mark.attack(
    kind="grey values",
    case="a constant image",
    outcome="0 spots, whatever the rule and its parameters",
)
def test_constant_image_has_no_spots(rule, parameters, grey, grey_step):
    mask, decision = threshold(
        np.full((12, 15), grey, np.float32), grey_step, rule=rule, min_snr=0, **parameters
    )
    assert mask.dtype == bool
    assert mask.shape == (12, 15)
    assert not mask.any()
    assert decision.decided_by == "constant"
    assert decision.level == grey


def test_record_tells_rule_parameters_level_and_noise(bimodal):
    _, decision = threshold(bimodal, rule="noise", k=4)
    assert decision.rule == "noise"
    assert decision.parameters == {"k": 4}
    assert noise.Noise(decision.level, decision.noise, decision.scatter) == noise.estimate_noise(
        bimodal
    )
    _, decision = threshold(bimodal, 60.0, rule="noise", k=4)
    assert decision.noise == pytest.approx(60 / 12**0.5)


@pytest.mark.parametrize("factor", [0.01, 3.7, 64])
def test_threshold_of_the_noise_rule_grows_with_the_contrast(bimodal, factor):
    mask, decision = threshold(bimodal, rule="noise", k=5)
    scaled, found = threshold(bimodal * np.float32(factor), rule="noise", k=5)
    for key in ("threshold", "level", "noise", "scatter"):
        assert getattr(found, key) == pytest.approx(
            factor * getattr(decision, key), rel=1e-5, abs=1e-6
        )
    np.testing.assert_array_equal(scaled, mask)


# What `value` says does not move along, nor does a score; of that, see test_matched_filter.
@pytest.mark.parametrize("rule", sorted(set(EVERY_RULE) - {"value", "li", "matched_filter"}))
@pytest.mark.parametrize("offset", [-512, 16, 4096])
@pytest.mark.attack(
    kind="grey values",
    case="an offset on all grey levels",
    outcome="the same spots",
)
def test_mask_does_not_depend_on_an_offset(bimodal, rule, offset):
    # Whole and quarter grey levels, so that adding the offset is exact.
    foreground = np.rint(bimodal * 4) / 4
    mask, decision = threshold(foreground, rule=rule, **EVERY_RULE[rule])
    raised, found = threshold(foreground + np.float32(offset), rule=rule, **EVERY_RULE[rule])
    assert found.threshold - offset == pytest.approx(decision.threshold, abs=0.01)
    np.testing.assert_array_equal(raised, mask)


@pytest.mark.parametrize(
    ("foreground", "words"),
    [
        (np.zeros((0, 5), np.float32), "empty"),
        (np.zeros((2, 5, 5), np.float32), "rows and columns"),
        (np.array([[1, np.nan, np.inf]], np.float32), "2 of 3 pixels"),
    ],
)
@pytest.mark.attack(
    kind="grey values",
    case="a foreground that is empty, no plane or not finite",
    outcome="refused in words",
)
def test_what_is_no_image_is_refused(foreground, words):
    with pytest.raises(ValueError, match=words):
        threshold(foreground, rule="otsu")
