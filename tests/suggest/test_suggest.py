"""What is proposed fits the spots that are there, and says so where it is a guess."""

import math

import numpy as np
import pytest
import tifffile
import yaml

from conftest import ROOT, snakemake
from localbg.figures import panels, proposal_chart
from localbg.suggest import proposal
from localbg.workflow.plan import make_plan
from simulate import gaussian_spots
from small_study import read_text as read

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
    found = proposal.detect_blobs(image)
    assert found.radius == pytest.approx(math.sqrt(2) * sigma, rel=0.12)
    assert len(found.radii) == len(places)
    nearest = [np.hypot(*(found.places - place).T).min() for place in places]
    assert max(nearest) < 1.6


@pytest.mark.parametrize("noise", [2.0, 10.0])
def test_the_height_of_spots_is_told_in_units_of_the_noise(noise):
    image, _ = spotted(2.0, noise)
    assert proposal.detect_blobs(image).snr == pytest.approx(60 / noise, rel=0.2)


def test_noise_alone_and_flat_ground_have_no_blobs():
    noise = np.random.default_rng(0).normal(100, 5, SHAPE)
    slope = np.indices(SHAPE).sum(axis=0) // 3
    flat = np.full(SHAPE, 7.3, np.float32)
    for image, step in ((noise, 0), (np.full(SHAPE, 7), 1), (flat, 0), (slope, 1)):
        found = proposal.detect_blobs(image, step)
        assert len(found.radii) == 0
        assert math.isnan(found.radius)


def test_a_radius_is_called_sure_only_where_blobs_are_many_and_alike():
    def of(*radii):
        return proposal.Blobs(np.zeros((len(radii), 2)), np.array(radii, float), 9.0)

    alike = of(*[3.0] * 15)
    assert proposal.propose_radius([alike, alike]).sureness == "sure"
    assert proposal.propose_radius([alike]).sureness == "a guess"  # too few
    assert (
        proposal.propose_radius([of(*[1.0, 2.0, 3.0, 4.0] * 10)]).sureness == "a guess"
    )  # too unlike
    mixed = proposal.propose_radius([alike, of(*[6.0] * 15), of()])
    assert (mixed.sureness, mixed.differs, mixed.pixels) == ("a guess", True, 4.5)
    assert "in 2 of 3 images" in mixed.why
    nothing = proposal.propose_radius([of(), of()])
    assert (nothing.sureness, math.isnan(nothing.pixels)) == ("unknown", True)


def trial(image, found, filter, multiple):
    return proposal.try_background(image, found, filter=filter, multiple=multiple, sigma=0.4)


def test_spots_are_left_by_a_filter_that_is_too_small_and_gone_after_a_big_one():
    image, _ = spotted(2.0, 0.5)
    found = proposal.detect_blobs(image)
    for filter in ("opening", "median"):
        small, big = (trial(image, found, filter, m).spots_left for m in (0.5, 4))
        assert small > 0.6
        assert abs(big) < 0.05


def test_structure_is_lost_at_an_edge_by_the_gaussian_and_kept_by_the_median():
    image, _ = spotted(2.0, 0.5)
    image[:, 65:] += 150  # an edge higher than the spots
    found = proposal.detect_blobs(image)
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
    chosen = proposal.choose_size(
        rows((1, 0.5, 0, 9), (2, 0.1, 0.04, 0.4), (3, 0.04, 0.06, 0.5), (4, 0, 0.3, 0.5))
    )
    assert (chosen["multiple"], chosen["suits"]) == (2, True)
    chosen = proposal.choose_size(rows((1, 0.1, 0.1, 0.41), (2, 0.2, 0.5, 0.7)))
    assert (chosen["multiple"], chosen["suits"]) == (1, False)


def test_noisy_spots_get_more_denoising():
    clean, noisy = (proposal.detect_blobs(spotted(2.0, noise)[0]) for noise in (2, 14))
    assert (proposal.choose_sigma([clean]), proposal.choose_sigma([noisy])) == (0.4, 0.7)
    assert proposal.choose_sigma([proposal.detect_blobs(np.zeros(SHAPE))]) == 0.4


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
    assert "# Left out: torn: raw/torn.tif cannot be read as a TIFF image" in text
    found = make_plan(proposed | {"images": str(tmp_path / "raw")})
    assert found.methods["median"].recipe["background"]["filter"] == "median"
    by_image = {row["image"]: row for row in read(folder / "images.csv")}
    assert set(by_image) == {"a", "b", "blank"}
    assert (by_image["blank"]["n_blobs"], by_image["blank"]["radius"]) == ("0", "")
    assert len(read(folder / "backgrounds.csv")) == 15
    figure = tmp_path / "results" / "figures" / "suggest.png"
    assert figure.stat().st_size > 50_000
    assert not (tmp_path / "results" / "tables").exists()


def test_images_of_unlike_spots_are_told_apart():
    names = ["cell", "disc_clean"]
    images = [tifffile.imread(ROOT / "data" / f"{name}.tif") for name in names]
    found = [proposal.detect_blobs(image, 1) for image in images]
    assert [one.radius for one in found] == pytest.approx([2, 4.25], rel=0.1)
    trials = proposal.try_backgrounds(images, found, sigma=0.4)
    text = proposal.write_snippet(names, found, proposal.propose_radius(found), trials)
    assert "#   cell: 2.0" in text
    assert "Does not suit these images." in text.splitlines()[-2]  # the Gaussian, at the disc


def test_without_blobs_the_user_is_asked():
    nothing = [proposal.detect_blobs(np.zeros(SHAPE))]
    text = proposal.write_snippet(["a"], nothing, proposal.propose_radius(nothing), [])
    assert yaml.safe_load(text) is None
    assert "Give spot_radius" in text


# The figure


def test_the_profile_around_spots_is_that_of_their_shape():
    image, _ = spotted(2.0, 0.5)
    found = proposal.detect_blobs(image)
    distances, (lower, middle, upper) = proposal_chart.profile(image, found)
    assert distances.tolist() == list(range(math.ceil(3 * found.radius) + 1))
    assert (lower <= middle).all()
    assert (middle <= upper).all()
    assert (middle[0], middle[-1]) == (1, pytest.approx(0, abs=0.05))
    expected = np.exp(-0.5 * (distances / 2) ** 2)
    np.testing.assert_allclose(middle[:6], expected[:6], atol=0.1)


def test_the_image_that_is_shown_has_the_proposed_radius_and_the_most_blobs():
    def of(radius, n):
        return proposal.Blobs(np.zeros((n, 2)), np.full(n, float(radius)), 9.0)

    found = [of(2, 9), of(1, 0), of(3, 5), of(3, 7), of(4, 9)]
    assert proposal_chart.typical(found, proposal.propose_radius(found)) == 3


@pytest.fixture(scope="module")
def suggestion():
    """Three images with their blobs, what is proposed for them, and the figure."""
    images = [spotted(sigma, 0.5, seed=i)[0] for i, sigma in enumerate((2.0, 2.1))]
    images.append(np.full(SHAPE, 9, np.float32))
    found = [proposal.detect_blobs(image) for image in images]
    judged = proposal.propose_radius(found)
    trials = proposal.try_backgrounds(images, found, sigma=0.4)
    chosen = proposal.propose_backgrounds(trials)
    figure = proposal_chart.draw_proposal("abc", images, found, judged, chosen, sigma=0.4)
    return images, found, judged, chosen, figure


def test_rings_have_the_radius_of_the_table_and_lie_on_the_spots(suggestion):
    images, found, judged, _, figure = suggestion
    shown = proposal_chart.typical(found, judged)
    (drawn,) = figure.axes[0].collections
    assert drawn.get_widths() == pytest.approx(
        np.full(len(found[shown].radii), 2 * found[shown].radius)
    )
    np.testing.assert_allclose(drawn.get_offsets(), found[shown].places[:, ::-1])
    (raw,) = figure.axes[0].images
    np.testing.assert_array_equal(raw.get_array(), images[shown])
    words = f"{'abc'[shown]}: {len(found[shown].radii)} blobs, radius {found[shown].radius:.3g} px"
    assert figure.axes[0].get_title(loc="left") == words


def test_the_radius_is_marked_with_its_quartiles_and_that_of_each_image_beside_it(suggestion):
    _, found, judged, _, figure = suggestion
    shown = found[proposal_chart.typical(found, judged)]
    marks, curve = figure.axes[1].lines
    assert marks.get_xdata() == pytest.approx([shown.radius] * 2)
    (band,) = figure.axes[1].patches
    ends = band.get_x(), band.get_x() + band.get_width()
    assert ends == pytest.approx(shown.quartiles)
    assert curve.get_ydata()[0] == 1
    lines = figure.axes[2].lines
    for one, bar, dot in zip(found[:2], lines[:-1:2], lines[1:-1:2], strict=True):
        assert bar.get_xdata() == pytest.approx(one.quartiles)
        assert dot.get_xdata() == pytest.approx([one.radius])
    assert lines[-1].get_xdata() == pytest.approx([judged.pixels] * 2)
    assert [words.get_text() for words in figure.axes[2].texts] == ["a", "b"]  # c has no blobs


def test_panels_show_what_the_proposed_filters_make_of_it_on_one_scale_of_grey(suggestion):
    images, found, judged, chosen, figure = suggestion
    shown = proposal_chart.typical(found, judged)
    levels = panels.grey_range(images[shown])
    assert figure.axes[0].images[0].get_clim() == levels
    rows = [figure.axes[3 * k : 3 * k + 3] for k in range(1, 4)]
    limits = set()
    for (method, row), (quiet, below, above) in zip(chosen.items(), rows, strict=True):
        assert quiet.get_title(loc="left").startswith(f"{method}: {row['filter']}, ")
        assert f" {row['multiple']:g}x = " in quiet.get_title(loc="left")
        assert quiet.images[0].get_clim() == below.images[0].get_clim() == levels
        limits.add(above.images[0].get_clim())
        pixels = [panel.images[0].get_array() for panel in (quiet, below, above)]
        np.testing.assert_allclose(pixels[0] - pixels[1], pixels[2], atol=1e-4)
        # The spots are in the foreground and, but for the least, not in the background.
        middles = tuple(np.rint(found[shown].places).astype(int).T)
        assert np.median(np.asarray(pixels[2])[middles]) > 35
        assert np.ptp(np.asarray(pixels[1])[middles]) < 35
    ((low, high),) = limits
    assert low == -high


def test_without_blobs_the_figure_says_so():
    nothing = [proposal.detect_blobs(np.zeros(SHAPE))]
    judged = proposal.propose_radius(nothing)
    figure = proposal_chart.draw_proposal("a", [np.zeros(SHAPE)], nothing, judged, {}, sigma=0.4)
    assert not figure.axes
    assert figure.texts[0].get_text() == "Spot radius unknown: no blob exceeds the noise"


def test_of_a_large_image_the_part_with_the_most_blobs_is_shown_and_long_names_are_cut():
    image, _ = spotted(2.0, 0.5, shape=(120, 700))
    image[:, :350] = 100
    found = [proposal.detect_blobs(image)]
    trials = proposal.propose_backgrounds(proposal.try_backgrounds([image], found, sigma=0.4))
    name = "a" * 30 + "b" * 30
    figure = proposal_chart.draw_proposal(
        [name], [image], found, proposal.propose_radius(found), trials, sigma=0.4
    )
    left, right = figure.axes[0].get_xlim()
    assert right - left < 300 < left
    assert figure.axes[2].texts[0].get_text() == "a" * 11 + "…" + "b" * 12
