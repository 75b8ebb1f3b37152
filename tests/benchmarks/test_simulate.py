"""The synthetic images hold what their truth says."""

import csv

import numpy as np
import pytest
import tifffile
from scipy.ndimage import label

import simulate

NAMES = ("disc_clean", "disc_noisy", "cell")


def read_spots(path):
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def away_from(spots, shape, *, sigmas=5):
    """Mask the pixels that no spot reaches."""
    return np.all([simulate.distance(shape, s[:2]) > sigmas * s[3] for s in spots], axis=0)


@pytest.fixture(scope="module")
def scenes():
    return simulate.example_scenes(3)


def test_the_committed_files_regenerate_byte_for_byte(tmp_path):
    simulate.main(["--out", str(tmp_path)])
    written = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    assert len(written) == 9
    for path in written:
        committed = simulate.DATA / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes(), path.name
    assert sum(path.stat().st_size for path in written) < 400_000


def test_the_data_folder_stays_under_a_megabyte():
    assert sum(path.stat().st_size for path in simulate.DATA.rglob("*")) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_files_hold_the_scene(scenes, name):
    scene = scenes[name]
    np.testing.assert_array_equal(tifffile.imread(simulate.DATA / f"{name}.tif"), scene.image)
    truth = simulate.DATA / "truth"
    np.testing.assert_allclose(read_spots(truth / f"{name}.csv"), scene.spots, atol=1e-9)
    if name != "cell":
        dark = read_spots(truth / f"{name}_dark.csv")
        np.testing.assert_allclose(dark, scene.dark_spots, atol=1e-9)


def test_images_carry_type_and_pixel_size():
    for name, dtype, pixels_per_um in zip(NAMES, ["u1", "u1", "u2"], [5, 5, 10], strict=True):
        with tifffile.TiffFile(simulate.DATA / f"{name}.tif") as tif:
            page = tif.pages[0]
            assert tif.is_imagej
            assert tif.imagej_metadata["unit"] == "um"
            assert page.tags["XResolution"].value == (pixels_per_um, 1)
            assert page.tags["YResolution"].value == (pixels_per_um, 1)
            assert page.compression == 1
            assert page.dtype == np.dtype(dtype)
            assert page.shape == (256, 256)


def test_sheet_names_files_that_exist():
    with (simulate.DATA / "images.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == list(NAMES)
    assert [row["spot_radius"] for row in rows] == ["4", "4", "2"]
    assert [row["group"] for row in rows] == ["disc", "disc", "cell"]
    for row in rows:
        assert (simulate.DATA / row["path"]).is_file()
        assert (simulate.DATA / row["truth"]).is_file()


def test_a_spot_on_a_pixel_centre_peaks_at_its_amplitude():
    image = simulate.gaussian_spots((41, 51), [(20, 30, 70, 3)])
    assert image[20, 30] == 70
    assert image.argmax() == 20 * 51 + 30
    assert image[20, 33] == pytest.approx(70 * np.exp(-0.5))
    assert image[23, 30] == image[20, 33]


def test_spots_add_up_and_none_are_allowed():
    two = [(20.2, 30.4, 70, 3), (22.9, 28.1, -40, 2)]
    parts = [simulate.gaussian_spots((41, 51), [spot]) for spot in two]
    np.testing.assert_allclose(simulate.gaussian_spots((41, 51), two), sum(parts), atol=1e-9)
    assert not simulate.gaussian_spots((41, 51), np.empty((0, 4))).any()


def test_spots_of_the_clean_disc_are_where_and_as_bright_as_stated(scenes):
    scene = scenes["disc_clean"]
    excess = scene.image - scene.background
    rows, cols = np.indices(excess.shape)
    for y, x, amplitude, sigma in np.vstack([scene.spots, scene.dark_spots]):
        near = simulate.distance(excess.shape, (y, x)) < 3.5 * sigma
        total = excess[near].sum()
        assert (rows[near] * excess[near]).sum() / total == pytest.approx(y, abs=0.05)
        assert (cols[near] * excess[near]).sum() / total == pytest.approx(x, abs=0.05)
        # The volume of a Gaussian tells its height though no pixel lies on the very peak.
        assert total / (2 * np.pi * sigma**2) == pytest.approx(amplitude, rel=0.02)
        peak = excess[round(y), round(x)]
        assert abs(peak) == pytest.approx(abs(amplitude), rel=0.04)
        assert np.sign(peak) == np.sign(amplitude)


def test_the_clean_disc_is_flat_without_its_spots(scenes):
    scene = scenes["disc_clean"]
    clear = away_from(np.vstack([scene.spots, scene.dark_spots]), scene.image.shape)
    on, off = clear & (scene.background > 149.9), clear & (scene.background < 10.1)
    assert on.sum() > 3000
    assert set(scene.image[on]) == {150}
    assert set(scene.image[off]) == {10}


def test_no_global_threshold_finds_the_spots_of_the_clean_disc(scenes):
    scene = scenes["disc_clean"]
    y, x = np.rint(scene.spots[:, :2]).astype(int).T
    on_disc = scene.background[y, x] > 100
    assert 2 <= on_disc.sum() <= len(on_disc) - 2
    assert scene.image[y, x][~on_disc].max() < 150 < scene.image[y, x][on_disc].min()
    for threshold in range(256):
        objects, n = label(scene.image > threshold)
        found = set(objects[y, x]) - {0}
        assert not len(found) == n == len(scene.spots), threshold


def test_dark_spots_lie_on_the_disc(scenes):
    for name in ("disc_clean", "disc_noisy"):
        scene = scenes[name]
        assert (scene.dark_spots[:, 2] < 0).all()
        y, x = np.rint(scene.dark_spots[:, :2]).astype(int).T
        assert (scene.background[y, x] > 149).all()


@pytest.mark.parametrize("noise", [10.0, 22.0])
def test_read_noise_of_the_disc_has_the_stated_deviation(noise):
    scene = simulate.disc_scene(np.random.default_rng(11), noise=noise)
    clear = away_from(np.vstack([scene.spots, scene.dark_spots]), scene.image.shape)
    flat = scene.image[clear & (scene.background > 149.99)].astype(float)
    error = noise / np.sqrt(2 * flat.size)
    assert flat.std(ddof=1) == pytest.approx(noise, abs=4 * error)
    assert flat.mean() == pytest.approx(150, abs=4 * noise / np.sqrt(flat.size))


@pytest.mark.parametrize(("gain", "read_noise"), [(1.5, 4.0), (4.0, 10.0), (0.5, 2.0)])
def test_noise_of_the_cell_grows_with_the_light(gain, read_noise):
    rng = np.random.default_rng(12)
    scene = simulate.cell_scene(rng, gain=gain, read_noise=read_noise, offset=100)
    expected = scene.background + simulate.gaussian_spots(scene.image.shape, scene.spots)
    light, residual = expected - 100, scene.image - expected
    assert residual.mean() == pytest.approx(0, abs=4 * residual.std() / np.sqrt(residual.size))
    stated = gain * light + read_noise**2 + 1 / 12  # the last from rounding to integers
    for low, high in [(0, 20), (20, 100), (100, 250), (250, 400), (400, np.inf)]:
        band = (light >= low) & (light < high)
        assert band.sum() > 1000
        ratio = (residual[band] ** 2 / stated[band]).mean()
        # Low counts are skewed, so the sampling error of a variance is above that of a Gaussian.
        assert ratio == pytest.approx(1, abs=5 * np.sqrt(3 / band.sum()))


def test_cell_has_spots_dim_and_bright_single_and_touching(scenes):
    spots = scenes["cell"].spots
    assert len(spots) == 55
    gaps = np.hypot(*(spots[:, None, :2] - spots[None, :, :2]).T)
    nearest = np.sort(gaps, axis=1)[:, 1]
    assert (nearest < 4.1).sum() == 12
    assert nearest.min() >= 2.5
    assert not ((nearest > 4.1) & (nearest < 5)).any()
    assert spots[:, 2].max() > 3 * spots[:, 2].min()
    assert np.unique(spots[:, :2] % 1).size > 100


def test_another_seed_is_another_scene_and_the_same_seed_the_same():
    one, again, other = (simulate.example_scenes(seed) for seed in (1, 1, 2))
    for name in NAMES:
        np.testing.assert_array_equal(one[name].image, again[name].image)
        assert (one[name].image != other[name].image).any()
        assert (one[name].background != other[name].background).any()
        assert not np.isin(one[name].spots[:, 0], other[name].spots[:, 0]).any()


def test_scenes_follow_their_parameters():
    disc = simulate.disc_scene(
        np.random.default_rng(5), shape=(200, 300), n_on=1, n_off=5, n_dark=0, sigma=2.0
    )
    assert disc.image.shape == disc.background.shape == (200, 300)
    assert disc.spots.shape == (6, 4)
    assert disc.dark_spots.shape == (0, 4)
    assert (disc.spots[:, 3] == 2).all()
    cell = simulate.cell_scene(np.random.default_rng(5), shape=(300, 200), n_spots=7, n_pairs=0)
    assert cell.image.shape == (300, 200)
    assert cell.spots.shape == (7, 4)


@pytest.mark.parametrize("seed", range(20))
def test_positions_keep_their_distance_and_stay_inside(seed):
    mask = np.zeros((60, 80), bool)
    mask[10:50, 20:70] = True
    taken = [(30.0, 40.0)]
    found = simulate.scatter(np.random.default_rng(seed), mask, 8, spacing=6, taken=taken)
    assert mask[tuple(np.rint(found).astype(int).T)].all()
    every = np.vstack([taken, found])
    gaps = np.hypot(*(every[:, None] - every[None]).T)
    assert gaps[~np.eye(len(every), dtype=bool)].min() >= 6


def test_too_many_spots_are_refused():
    with pytest.raises(ValueError, match="no room for 9 spots"):
        simulate.scatter(np.random.default_rng(0), np.ones((10, 10)), 9, spacing=8)
