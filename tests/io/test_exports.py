"""What other programs are given is what spots.csv says, in their own terms."""

import json
import subprocess
import sys
import types
import zipfile
from typing import ClassVar

import imagej_process
import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi

from localbg.core.colours import COLOURS
from localbg.io import exports, napari_viewer
from localbg.io.truth import read_points

SPOTS = {
    "median": [
        {"spot": 1, "y": 3.25, "x": 7.5, "snr": 9.0, "flags": "wide"},
        {"spot": 2, "y": 10.0, "x": 0.0, "snr": None, "flags": ""},
    ],
    "none": [],
    "tophat": [{"spot": 1, "y": 3.0, "x": 7.0, "snr": 4.5, "flags": ""}],
}
PLACES = [(3.25, 7.5), (10.0, 0.0)]


@pytest.fixture
def rois(tmp_path):
    plane = {"channel": 1, "z": "max", "t": None}
    exports.write_fiji(tmp_path / "image.zip", SPOTS, plane)
    with zipfile.ZipFile(tmp_path / "image.zip") as archive:
        return {name: ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()}


def test_fiji_gets_one_selection_of_points_for_each_method_with_spots(rois):
    assert list(rois) == ["median.roi", "tophat.roi"]
    roi = rois["median.roi"]
    assert roi.roitype == ROI_TYPE.POINT
    assert roi.name == "median (2 spots)"
    np.testing.assert_array_equal(roi.coordinates(), [(x, y) for y, x in PLACES])


def test_selections_lie_on_the_plane_that_was_picked_and_have_the_methods_colours(rois):
    # ImageJ counts from 1, and 0 is any: a projection has no plane.
    assert {(roi.c_position, roi.z_position, roi.t_position) for roi in rois.values()} == {
        (2, 0, 0)
    }
    colour = bytes((255, *bytes.fromhex(COLOURS[2].removeprefix("#"))))
    assert rois["tophat.roi"].stroke_color == colour


def test_imagej_itself_reads_names_planes_colours_and_places(tmp_path):
    if missing := imagej_process.what_is_missing():
        pytest.skip(f"ImageJ does not read what is written for it: {missing}")
    exports.write_fiji(tmp_path / "image.zip", SPOTS, {"channel": 1, "z": 4, "t": 0})
    program = ["java", "-Djava.awt.headless=true", "-cp", imagej_process.find_jar()]
    done = subprocess.run(
        [*program, imagej_process.SOURCE.with_name("Rois.java"), tmp_path / "image.zip"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["median (2 spots)", "Point", "2 5 1", "ff0072b2", "7.5 3.25", "0.0 10.0"],
        ["tophat (1 spot)", "Point", "2 5 1", "ff009e73", "7.0 3.0"],
    ]


def test_what_fiji_and_napari_are_given_is_read_back_as_truth(tmp_path):
    one = {"median": SPOTS["median"]}
    exports.write_fiji(tmp_path / "image.zip", one, {})
    assert read_points(tmp_path / "image.zip", (20, 20)) == PLACES
    exports.write_napari(tmp_path, one)
    assert read_points(tmp_path / "median.csv", (20, 20)) == PLACES


def test_qupath_counts_from_the_corner_of_a_pixel(tmp_path):
    exports.write_qupath(tmp_path / "image.geojson", SPOTS)
    collection = json.loads((tmp_path / "image.geojson").read_text(encoding="utf-8"))
    assert collection["type"] == "FeatureCollection"
    median, tophat = collection["features"]
    assert median["geometry"] == {"type": "MultiPoint", "coordinates": [[8.0, 3.75], [0.5, 10.5]]}
    assert median["properties"]["objectType"] == "annotation"
    assert median["properties"]["classification"] == {"name": "median", "color": [0, 114, 178]}
    assert tophat["properties"]["name"] == "tophat (1 spot)"


class Viewer:
    """What the script asks of napari's viewer, noted."""

    opened: ClassVar[list] = []

    def __init__(self, title):
        self.title, self.layers, self.points = title, {}, {}
        self.scale_bar = types.SimpleNamespace(visible=False, unit=None)
        self.opened.append(self)

    def add_image(self, pixels, name, **options):
        self.layers[name] = pixels.shape, options["scale"], options["visible"]

    def add_points(self, places, name, **options):
        self.points[name] = places, options


def test_the_viewer_shows_points_in_the_scale_of_the_image_with_their_features(
    tmp_path, monkeypatch
):
    import tifffile

    folder = tmp_path / "napari"
    (folder / "a").mkdir(parents=True)
    for name in ("raw", "below"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((4, 6), np.uint8))
    exports.write_napari(folder / "a", SPOTS)
    layers = {"raw": "../raw.tif", "background: median": "../below.tif", "gone": "../gone.tif"}
    known = {"layers": layers, "pixel_size_um": 0.5, "methods": list(SPOTS)}
    exports.write_viewer(folder, {"a": known})
    napari = types.SimpleNamespace(Viewer=Viewer, run=lambda: None)
    monkeypatch.setitem(sys.modules, "napari", napari)
    monkeypatch.setattr(napari_viewer, "HERE", folder)
    monkeypatch.setattr(sys, "argv", ["view.py", "a"])
    napari_viewer.main()
    viewer = Viewer.opened.pop()
    assert viewer.layers == {
        "raw": ((4, 6), (0.5, 0.5), True),
        "background: median": ((4, 6), (0.5, 0.5), False),
    }
    assert list(viewer.points) == ["median", "tophat"]
    places, options = viewer.points["median"]
    assert places == PLACES
    assert options["scale"] == (0.5, 0.5)
    assert options["border_color"] == COLOURS[0]
    assert options["features"]["flags"] == ["wide", ""]
    assert (folder / "view.py").read_bytes() == exports.VIEWER.read_bytes()


def test_the_viewer_names_the_images_that_there_are(tmp_path, monkeypatch, capsys):
    exports.write_viewer(tmp_path, {"a": {}, "b": {}})
    monkeypatch.setattr(napari_viewer, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["view.py", "c"])
    with pytest.raises(SystemExit):
        napari_viewer.main()
    assert capsys.readouterr().out.split() == ["Images:", "a", "b"]
