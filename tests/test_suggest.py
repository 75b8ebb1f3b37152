"""What is proposed fits the spots that are there, and says so where it is a guess."""

import math

import numpy as np
import pytest
import tifffile
import yaml

from conftest import ROOT, snakemake
from localbg import suggest
from localbg.plan import make_plan
from localbg.tables import read
from simulate import gaussian_spots

SHAPE = (120, 130)


def spotted(sigma, noise=2.0, height=60, seed=0, shape=SHAPE):
    """A grid of spots on a slope."""
    rng = np.random.default_rng(seed)
    step = 9 * sigma
    grid = np.mgrid[step : shape[0] - step / 2 : step, step : shape[1] - step / 2 : step]
    places = grid.reshape(2, -1).T + rng.uniform(-1, 1, (grid[0].size, 2))
    image = 100 + 0.2 * np.indices(shape)[0]
    image = image + gaussian_spots(shape, [(y, x, height, sigma) for y, x in places])
    return (image + rng.normal(0, noise, shape)).astype(np.float32), places


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
@pytest.mark.parametrize("noise", [0.5, 5.0])
def test_the_radius_of_gaussian_spots_is_found(sigma, noise):
    image, places = spotted(sigma, noise)
    found = suggest.blobs(image)
    assert found.radius == pytest.approx(math.sqrt(2) * sigma, rel=0.12)
    assert len(found.radii) == len(places)
    nearest = [np.hypot(*(found.places - place).T).min() for place in places]
    assert max(nearest) < 1.6


@pytest.mark.parametrize("noise", [2.0, 10.0])
def test_the_height_of_spots_is_told_in_units_of_the_noise(noise):
    image, _ = spotted(2.0, noise)
    assert suggest.blobs(image).snr == pytest.approx(60 / noise, rel=0.2)


def test_noise_alone_and_flat_ground_have_no_blobs():
    noise = np.random.default_rng(0).normal(100, 5, SHAPE)
    slope = np.indices(SHAPE).sum(axis=0) // 3
    for image, step in ((noise, 0), (np.full(SHAPE, 7), 1), (slope, 1)):
        found = suggest.blobs(image, step)
        assert len(found.radii) == 0
        assert math.isnan(found.radius)


def test_a_radius_is_called_sure_only_where_blobs_are_many_and_alike():
    def of(*radii):
        return suggest.Blobs(np.zeros((len(radii), 2)), np.array(radii, float), 9.0)

    alike = of(*[3.0] * 15)
    assert suggest.radius([alike, alike]).sureness == "sure"
    assert suggest.radius([alike]).sureness == "a guess"  # too few
    assert suggest.radius([of(*[1.0, 2.0, 3.0, 4.0] * 10)]).sureness == "a guess"  # too unlike
    mixed = suggest.radius([alike, of(*[6.0] * 15), of()])
    assert (mixed.sureness, mixed.differs, mixed.pixels) == ("a guess", True, 4.5)
    assert "in 2 of 3 images" in mixed.why
    nothing = suggest.radius([of(), of()])
    assert (nothing.sureness, math.isnan(nothing.pixels)) == ("unknown", True)


def trial(image, found, filter, multiple):
    return suggest.trial(image, found, filter=filter, multiple=multiple, sigma=0.4)


def test_spots_are_left_by_a_filter_that_is_too_small_and_gone_after_a_big_one():
    image, _ = spotted(2.0, 0.5)
    found = suggest.blobs(image)
    for filter in ("opening", "median"):
        small, big = (trial(image, found, filter, m).spots_left for m in (0.5, 4))
        assert small > 0.6
        assert abs(big) < 0.05


def test_structure_is_lost_at_an_edge_by_the_gaussian_and_kept_by_the_median():
    image, _ = spotted(2.0, 0.5)
    image[:, 65:] += 150  # an edge higher than the spots
    found = suggest.blobs(image)
    # A big Gaussian misses the edge on both sides of it; the median keeps it where it is.
    assert trial(image, found, "gaussian", 3).structure_lost > 0.25
    assert trial(image, found, "median", 3).structure_lost < 0.05


def rows(*errors):
    return [
        {"filter": "median", "multiple": m, "spots_left": left, "structure_lost": lost}
        | {"worst_error": worst}
        for m, left, lost, worst in errors
    ]


def test_the_smallest_of_the_good_sizes_is_proposed():
    chosen = suggest.size(
        rows((1, 0.5, 0, 9), (2, 0.1, 0.04, 0.4), (3, 0.04, 0.06, 0.5), (4, 0, 0.3, 0.5))
    )
    assert (chosen["multiple"], chosen["suits"]) == (2, True)
    chosen = suggest.size(rows((1, 0.1, 0.1, 0.41), (2, 0.2, 0.5, 0.7)))
    assert (chosen["multiple"], chosen["suits"]) == (1, False)


def test_noisy_spots_get_more_denoising():
    clean, noisy = (suggest.blobs(spotted(2.0, noise)[0]) for noise in (2, 14))
    assert (suggest.sigma([clean]), suggest.sigma([noisy])) == (0.4, 0.7)
    assert suggest.sigma([suggest.blobs(np.zeros(SHAPE))]) == 0.4


def test_the_proposal_is_a_config_that_can_be_pasted(tmp_path):
    image, _ = spotted(2.0)
    image[image > 500] = 500
    (tmp_path / "raw").mkdir()
    for name, pixels in (("a", image), ("b", image), ("blank", np.full(SHAPE, 9))):
        tifffile.imwrite(tmp_path / "raw" / f"{name}.tif", pixels.round().astype(np.uint16))
    (tmp_path / "raw" / "torn.tif").write_bytes(b"II*\0torn")  # is left out
    (tmp_path / "config.yaml").write_text("images: raw\n")
    snakemake(tmp_path, "suggest")
    folder = tmp_path / "results" / "suggest"
    text = (folder / "config.yaml").read_text()
    proposed = yaml.safe_load(text)
    assert proposed["spot_radius"] == pytest.approx(2.8, abs=0.3)
    assert proposed["denoise"] == {"filter": "gaussian", "sigma": "0.4x"}
    assert set(proposed["methods"]) == {"tophat", "median", "gaussian"}
    assert "Spot radius: sure" in text
    found = make_plan(proposed | {"images": str(tmp_path / "raw")})
    assert found.methods["median"].recipe["background"]["filter"] == "median"
    by_image = {row["image"]: row for row in read(folder / "images.csv")}
    assert set(by_image) == {"a", "b", "blank"}
    assert (by_image["blank"]["n_blobs"], by_image["blank"]["radius"]) == ("0", "")
    assert len(read(folder / "backgrounds.csv")) == 15
    assert not (tmp_path / "results" / "tables").exists()


def test_images_of_unlike_spots_are_told_apart():
    names = ["cell", "disc_clean"]
    images = [tifffile.imread(ROOT / "data" / f"{name}.tif") for name in names]
    found = [suggest.blobs(image, 1) for image in images]
    assert [one.radius for one in found] == pytest.approx([2, 4.25], rel=0.1)
    trials = suggest.tried(images, found, sigma=0.4)
    text = suggest.snippet(names, found, suggest.radius(found), trials)
    assert "#   cell: 2.0" in text
    assert "Does not suit these images." in text.splitlines()[-2]  # the Gaussian, at the disc


def test_without_blobs_the_user_is_asked():
    nothing = [suggest.blobs(np.zeros(SHAPE))]
    text = suggest.snippet(["a"], nothing, suggest.radius(nothing), [])
    assert yaml.safe_load(text) is None
    assert "Give spot_radius" in text
