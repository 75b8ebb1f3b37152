"""The images of the course on local background: known spots are found, ImageJ is equalled."""

import numpy as np
import pytest
import tifffile

from conftest import shared, snakemake
from localbg.accuracy.scoring import match_spots
from localbg.io import images
from small_study import NO_FIGURES, configure, rows_of

pytestmark = pytest.mark.long

NAMES = {
    "clean": "xy_8bit__spots_local_background",
    "noisy": "xy_8bit__spots_local_background_with_noise",
    "cell": "xy_16bit__autophagosomes",
}
# Rows and columns of the spots, as seen by eye.
SPOTS = {"clean": [(178, 158), (107, 260)], "noisy": [(137, 120), (67, 225)]}
DARK_SPOT = (235, 172)
BLURRED_EDGE = (260, 178)  # where the disc's rim is less round than the filter

METHODS = {
    "tophat": {"background": {"filter": "opening", "radius": "1.5x"}},
    "median": {"background": {"filter": "median", "radius": "1.5x"}},
    "gaussian": {"background": {"filter": "gaussian", "sigma": "1.5x"}},
    "otsu": {"background": {"filter": "gaussian", "sigma": "1.5x"}, "threshold": {"rule": "otsu"}},
    "dark": {"background": {"filter": "median", "radius": "1.5x"}, "polarity": "dark"},
}


def rows(**spot_radius):
    """Rows of the named images."""
    folder = shared("neubias")
    return {
        name: {"path": str(folder / f"{NAMES[name]}.tif"), "spot_radius": radius}
        for name, radius in spot_radius.items()
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of the methods over the three images."""
    folder = tmp_path_factory.mktemp("neubias")
    configure(
        folder,
        {
            "images": rows(clean=10, noisy=10, cell=2),
            "denoise": {"filter": "gaussian", "sigma": "0.3x"},
            "methods": METHODS,
        },
    )
    snakemake(folder, *NO_FIGURES, "results/tables/reliability.csv")
    return folder


def positions(run, image, method):
    found = rows_of(run, "spots", image=image, method=method)
    return np.array([(float(row["y"]), float(row["x"])) for row in found]).reshape(-1, 2)


@pytest.mark.parametrize("method", ["median", "gaussian"])
@pytest.mark.parametrize("image", SPOTS)
def test_the_two_bright_spots_are_found_and_nothing_else(run, image, method):
    found = positions(run, image, method)
    assert len(found) == 2
    assert len(match_spots(SPOTS[image], found, 5)[0]) == 2


def test_the_tophat_finds_just_the_two_bright_spots_in_noise(run):
    found = positions(run, "noisy", "tophat")
    assert len(found) == 2
    assert len(match_spots(SPOTS["noisy"], found, 5)[0]) == 2


def test_the_tophat_adds_at_most_the_edge_of_the_disc(run):
    found = positions(run, "clean", "tophat")
    pairs, _ = match_spots(SPOTS["clean"], found, 5)
    assert len(pairs) == 2
    others = np.delete(found, pairs[:, 1], axis=0)
    assert len(others) <= 1
    assert len(match_spots([BLURRED_EDGE], others, 15)[0]) == len(others)


def test_dark_spots_are_found_where_bright_ones_are_not(run):
    found = positions(run, "clean", "dark")
    assert len(match_spots([DARK_SPOT], found, 5)[0]) == 1
    assert len(match_spots(SPOTS["clean"], found, 10)[0]) == 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reports_on_the_cell(run, method):
    (row,) = rows_of(run, "counts", image="cell", method=method)
    assert row["status"] == "ok"
    found = positions(run, "cell", method)
    assert int(row["n_spots"]) == len(found)
    # Dozens of bright autophagosomes lie in the cell.
    assert method == "dark" or len(found) > 10


def test_on_the_noisy_disc_the_page_says_whom_to_trust(run):
    """Two spots there; what a threshold on the histogram finds besides is the rim of the disc."""
    (row,) = rows_of(run, "reliability", image="noisy")
    assert row["unreliable"] == "otsu"
    assert {"gaussian", "median", "tophat"} <= set(row["reliable"].split())
    assert row["advice"].startswith("Nothing speaks against")
    assert "median (2 spots) and tophat (2 spots). Do not trust otsu, where" in row["advice"]
    (found,) = rows_of(run, "counts", image="noisy", method="otsu")
    assert f"of its {found['n_spots']} spots" in row["advice"]
    (best, *others) = rows_of(run, "recommendation")
    assert best["method"] in ("gaussian", "median", "tophat")
    (otsu,) = (row for row in others if row["method"] == "otsu")
    assert "not on every image" in otsu["recommendation"] or otsu["recommendation"] == "worse"
    assert "noisy" in otsu["not_on"]


EXACT = {
    "opening": {"filter": "opening", "radius": 15, "footprint": "imagej"},
    "median": {"filter": "median", "radius": 15, "footprint": "imagej"},
    "gaussian": {"filter": "gaussian", "sigma": 15},
}


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """Backgrounds of the raw images with ImageJ's footprints."""
    folder = tmp_path_factory.mktemp("imagej")
    configure(
        folder,
        {
            "images": rows(clean=10, noisy=10, cell=2),
            "denoise": {"filter": "none"},
            "background": {"of": "image"},
            "methods": {name: {"background": step} for name, step in EXACT.items()},
            "compare": list(EXACT),
        },
    )
    snakemake(folder, "--until", "background")
    return folder


@pytest.mark.parametrize("image", NAMES)
@pytest.mark.parametrize(
    ("method", "suffix", "tolerance"),
    [
        ("opening", "opening_r15", 0),
        ("median", "median_r15", 0),
        ("gaussian", "gaussian_s15_float", 0.02),
    ],
)
def test_backgrounds_are_those_of_imagej(exact, image, method, suffix, tolerance):
    (path,) = exact.glob(f"results/background/{method}*/{image}.tif")
    expected = tifffile.imread(shared("imagej") / f"{NAMES[image]}__{suffix}.tif")
    found = images.read(path).pixels
    assert found.dtype == expected.dtype.newbyteorder("=")
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    assert difference.max() <= tolerance
