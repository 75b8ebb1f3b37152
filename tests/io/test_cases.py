"""Small files that went wrong once, each read with the picks of its study."""

import time

import numpy as np
import pytest
import yaml

from conftest import ROOT
from handmade import refusal
from localbg.io import images
from localbg.io.images import ImageError
from localbg.pipeline import chain
from localbg.workflow.plan import make_plan

CASES = ROOT / "tests" / "cases"
# The scene that all of them show.
SPOTS = 20


def case(folder, name):
    return CASES / folder / name


@pytest.fixture(scope="module")
def scene():
    """The pixels of the scene, as a plain file has them."""
    return images.read(case("c24_hang", "good.tif")).pixels


def count(plane):
    """Spots that the median method with its defaults finds."""
    plan = make_plan({"images": {"a": "a.tif"}, "spot_radius": 2, "compare": ["median"]})
    plan.batches = {"1": ["a"]}
    work = plan.batch("1", plan.methods["median"].background)
    methods = chain.make_methods(work["methods"], work["steps"])
    ((_, result),) = chain.run_methods(plane, 2, methods)
    return len(result.spots)


@pytest.mark.attack(
    kind="belonging",
    case="the picked channel lies in a file of the OME-TIFF that is missing",
    outcome="the image fails and the missing file is named",
)
def test_a_plane_in_a_missing_file_is_refused():
    path = case("c01_ome_missing_file", "set_C1.ome.tif")
    message = refusal(path, channel=0)
    assert "plane channel 0 cannot be read: it lies in the file set_C0.ome.tif" in message
    assert "which is not there" in message


def test_a_plane_that_is_there_reads_without_the_missing_file(scene):
    plane = images.read(case("c01_ome_missing_file", "set_C1.ome.tif"), channel=1)
    assert (plane.axes, plane.shape) == ("CYX", (2, 160, 160))
    assert abs(plane.pixels.astype(int) - scene).mean() < 20  # the scene, with other noise
    assert (plane.pixel_size_um, plane.companions) == (0.1, [])


@pytest.mark.attack(
    kind="belonging",
    case="an acquisition stopped early: OME declares planes that were never written",
    outcome="a plane that is there reads, another is refused with both numbers",
)
def test_a_plane_that_was_never_written_is_refused(scene):
    path = case("c02_ome_interrupted", "interrupted_T10.ome.tif")
    message = refusal(path, t=3)
    assert "plane t 3 cannot be read: the metadata promise 10 planes, the file holds 1" in message
    np.testing.assert_array_equal(images.read(path, t=0).pixels, scene)
    assert "t 10 does not exist; expected 0 to 9" in refusal(path, t=10)


@pytest.mark.attack(
    kind="grey values",
    case="64-bit floats with an offset of 1e9, in which 32-bit floats are 64 apart",
    outcome="refused with the range, the spacing and the way out",
)
def test_differences_that_float32_would_lose_are_refused():
    message = refusal(case("c04_big_offset", "f64_off.tif"))
    assert "pixels of type float64 from 1000000176 to 1000000349" in message
    assert "32-bit floats there are 64 apart" in message
    assert "Subtract the offset" in message


@pytest.mark.attack(
    kind="pixel size",
    case="300 dpi of a print, stored per centimetre",
    outcome="no pixel size is known, and the resolution is named",
)
def test_a_print_resolution_is_no_pixel_size(scene):
    plane = images.read(case("c05_cm_resolution", "cm300dpi.tif"))
    assert plane.pixel_size_um is None
    assert "300 dots per inch, is that of a print" in plane.pixel_size_note
    np.testing.assert_array_equal(plane.pixels, scene)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "miniswhite8.tif",
            marks=pytest.mark.attack(
                kind="formats",
                case="white is stored as 0 (MINISWHITE)",
                outcome="values are inverted: bright spots are bright",
            ),
        ),
        pytest.param(
            "miniswhite8_ij.tif",
            marks=pytest.mark.attack(
                kind="formats",
                case="MINISWHITE as ImageJ writes it for an inverting look-up table",
                outcome="values are ImageJ's own, not inverted",
            ),
        ),
    ],
)
def test_spots_are_bright_whichever_way_they_are_stored(name):
    plane = images.read(case("c06_miniswhite", name))
    assert (plane.photometric, plane.dtype) == ("miniswhite", "uint8")
    assert (plane.pixels.min(), plane.pixels.max()) == (88, 175)
    assert count(plane) == SPOTS


@pytest.mark.attack(
    kind="formats",
    case="pages that were appended one by one, with axes and z in the sheet",
    outcome="equal pages are stacked along the sheet's axes",
)
def test_pages_appended_one_by_one_are_a_stack(scene):
    path = case("c11_appended", "appended.tif")
    planes = [images.read(path, axes="ZYX", z=z) for z in range(3)]
    assert planes[0].shape == (3, 160, 160)
    assert any((plane.pixels == scene).all() for plane in planes)
    projection = images.read(path, axes="ZYX", z="max").pixels
    np.testing.assert_array_equal(projection, np.max([p.pixels for p in planes], axis=0))
    message = refusal(path)
    assert "name the axes in the sheet's column 'axes' (such as ZYX or TCYX)" in message
    assert "I=3, Y=160, X=160" in message


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("zero", "pixel size is 0 µm, which cannot be"),
        ("nan", "pixel size is 'NaN', which is no number"),
        ("inf", "pixel size is 'INF', which is no number"),
        ("comma", "pixel size is '0,1', which is no number"),
    ],
)
@pytest.mark.attack(
    kind="pixel size",
    case="an OME pixel size of 0, NaN, INF or with a decimal comma",
    outcome="the image reads, no pixel size is known, and why",
)
def test_a_pixel_size_that_is_none_leaves_the_image_readable(scene, name, note):
    plane = images.read(case("c15_ome_px", f"px_{name}.ome.tif"))
    assert plane.pixel_size_um is None
    assert note in plane.pixel_size_note
    np.testing.assert_array_equal(plane.pixels, scene)


def test_a_pixel_size_that_is_one_has_no_note():
    plane = images.read(case("c15_ome_px", "px_good.ome.tif"))
    assert (plane.pixel_size_um, plane.pixel_size_note) == (0.1, "")


@pytest.mark.parametrize("name", ["thumb.tif", "thumb_first.tif"])
@pytest.mark.attack(
    kind="formats",
    case="a page flagged as a thumbnail, behind the image or before it",
    outcome="the full-size page is read",
)
def test_a_thumbnail_is_not_the_image(scene, name):
    plane = images.read(case("c20_thumb", name))
    np.testing.assert_array_equal(plane.pixels, scene)
    assert images.promised(case("c20_thumb", name)) == (160 * 160, 160 * 160 * 2)


@pytest.mark.attack(
    kind="damaged image",
    case="336 bytes with a circular page chain",
    outcome="refused at once, by the run's planning too",
)
def test_a_circular_page_chain_is_refused_at_once():
    path = case("c24_hang", "a.tif")
    start = time.perf_counter()
    assert "truncated or damaged" in refusal(path)
    with pytest.raises(ImageError, match="truncated or damaged"):
        images.promised(path)
    assert time.perf_counter() - start < 1


def planned(folder, monkeypatch):
    """The plan of a case, made in its folder as a run makes it."""
    monkeypatch.chdir(CASES / folder)
    return make_plan(yaml.safe_load((CASES / folder / "config.yaml").read_text(encoding="utf-8")))


@pytest.mark.attack(
    kind="sheet",
    case="a sheet with semicolons; a sheet in a folder named exp[1]",
    outcome="read, and all spots are found",
)
@pytest.mark.parametrize("folder", ["c14_semicolon", "c17_brackets"])
def test_sheets_as_people_have_them_are_read(folder, monkeypatch):
    plan = planned(folder, monkeypatch)
    assert plan.missing_files() == []
    (image,) = plan.images.values()
    assert count(images.read(image.path, **plan.picks(image.image))) == SPOTS


@pytest.mark.attack(
    kind="truth",
    case="truth of a stack, with a z column, for a plane",
    outcome="refused before any job, naming the column",
)
def test_truth_of_a_stack_is_no_truth_of_a_plane(monkeypatch):
    (problem,) = planned("c09_truth_3d", monkeypatch).missing_files()
    assert problem.startswith("image 'a': truth t_3d.csv: expected points in two dimensions")
    assert "found z" in problem
