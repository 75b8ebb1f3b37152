"""The published chain, from a config to spots, against the same in plain scipy."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

import simulate
from conftest import ROOT
from localbg import backgrounds
from localbg.core.parameters import resolve
from localbg.detection import spots
from localbg.detection.denoise import denoise
from localbg.detection.subtract import subtract
from localbg.detection.threshold import threshold
from localbg.workflow import plan

RADIUS, THRESHOLD = 15, 8
DENOISE = {"none": {"filter": "none"}, "gaussian": {"filter": "gaussian", "sigma": 1}}


def scene(name):
    """Example images, cut to what matters; every call gives the same."""
    if name == "disc_clean":
        return tifffile.imread(ROOT / "data" / "disc_clean.tif")[40:200, 30:210]
    if name == "cell":
        return tifffile.imread(ROOT / "data" / "cell.tif")[60:190, 60:190]
    return simulate.disc_scene(
        np.random.default_rng(9), shape=(140, 150), n_on=1, n_off=1, n_dark=0, noise=22.0
    ).image


def from_scratch(image, sigma):
    """Median over a disc of the raw image, subtract, threshold; nothing of the library."""
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    background = ndimage.median_filter(image, footprint=y**2 + x**2 <= RADIUS**2, mode="nearest")
    smooth = ndimage.gaussian_filter(image.astype(float), sigma, mode="nearest", truncate=8)
    mask = smooth - background > THRESHOLD
    return background, mask, ndimage.label(mask, np.ones((3, 3)))[1]


def published(smoothing):
    """The recipe as a user writes it."""
    return plan.make_plan(
        {
            "images": {"one": {"path": "one.tif"}},
            "methods": {
                "published": {
                    "denoise": DENOISE[smoothing],
                    "background": {"filter": "median", "radius": RADIUS, "of": "image"},
                    "threshold": {"rule": "value", "value": THRESHOLD},
                    "spots": {"split": False, "min_area": 0, "fill_holes": False},
                }
            },
            "compare": ["published"],
        }
    )


def run(study, image):
    """Carry out the plan's steps in memory."""
    method = study.methods["published"]

    def parameters(kind):
        return resolve(study.parameters(kind, getattr(method, kind), "one"), None)

    source = study.steps["background"][method.background].denoised
    smooth = denoise(image, **parameters("denoised"))
    background = backgrounds.estimate(smooth if source else image, **parameters("background"))
    foreground, _ = subtract(smooth, background, **parameters("foreground"))
    mask, decision = threshold(foreground, 1.0, **parameters("mask"))
    return background, mask, decision, spots.label(mask, foreground, **parameters("labels"))


@pytest.mark.parametrize("smoothing", DENOISE)
@pytest.mark.parametrize("name", ["disc_clean", "disc_noisy", "cell"])
def test_published_recipe_gives_the_mask_and_count_of_a_plain_script(name, smoothing):
    image = scene(name)
    background, mask, decision, labels = run(published(smoothing), image)
    sigma = DENOISE[smoothing].get("sigma", 0)
    expected_background, expected_mask, count = from_scratch(image, sigma)
    assert background.dtype == image.dtype
    np.testing.assert_array_equal(background, expected_background)
    np.testing.assert_array_equal(mask, expected_mask)
    np.testing.assert_array_equal(labels > 0, expected_mask)
    assert labels.max() == count
    assert (decision.threshold, decision.decided_by) == (THRESHOLD, "rule")


def test_published_recipe_counts_the_spots_of_a_clean_scene():
    scene = simulate.disc_scene(np.random.default_rng(3), shape=(200, 200), disc=40, sigma=2.5)
    labels = run(published("none"), scene.image)[-1]
    y, x = np.rint(scene.spots[:, :2]).astype(int).T
    assert sorted(labels[y, x]) == list(range(1, len(scene.spots) + 1)) == [1, 2, 3, 4, 5, 6]


def test_one_threshold_finds_hundreds_of_spots_in_the_noise_that_smoothing_removes():
    image = scene("disc_noisy")
    raw, smooth = (run(published(name), image)[-1].max() for name in ("none", "gaussian"))
    assert raw > 200
    assert smooth < raw / 2


def test_the_background_is_drawn_from_the_raw_image():
    study = published("gaussian")
    method = study.methods["published"]
    assert study.steps["background"][method.background].denoised is None
    image = scene("cell")
    raw_image_background = run(study, image)[0]
    smooth = denoise(image, **DENOISE["gaussian"])
    other = backgrounds.estimate(smooth, filter="median", radius=RADIUS)
    assert (raw_image_background != other).any()
