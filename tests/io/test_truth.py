"""True positions are read alike from every kind of file, and another kind is named."""

import csv

import numpy as np
import pytest
import tifffile
from roifile import ROI_POINT_TYPE, ROI_TYPE, ImagejRoi, roiwrite

from localbg.io import truth

# Rows and columns; ImageJ's files have x first.
PLACES = [(3.0, 14.0), (20.0, 7.0), (31.0, 40.0)]


SHAPE = (50, 60)


def points(path, shape=SHAPE):
    return truth.read_points(path, shape)


def written(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    return path


def roi(places, kind=ROI_TYPE.POINT, **known):
    made = ImagejRoi.frompoints(np.array(places)[:, ::-1], name="spots")
    made.roitype = kind
    for key, value in known.items():
        setattr(made, key, value)
    return made


def labels(places=PLACES, dtype=np.uint16, shape=SHAPE):
    """Plus-shaped labels, numbered with gaps, centred on the places."""
    image = np.zeros(shape, dtype)
    for number, (y, x) in enumerate(places, 2):
        y, x = int(y), int(x)
        image[y - 1 : y + 2, x] = image[y, x - 1 : x + 2] = 3 * number
    return image


def test_rows_and_columns_are_found_by_name_whatever_their_order(tmp_path):
    path = written(tmp_path / "truth.csv", " x ,y,comment\n2,1.5,\n-0.5,4e1,bright\n", "utf-8-sig")
    assert points(path) == [(1.5, 2.0), (40.0, -0.5)]


@pytest.mark.attack(
    kind="truth",
    case="a truth file without rows",
    outcome="a blank image: what is found there is false",
)
def test_truth_may_say_that_there_are_no_spots(tmp_path):
    assert points(written(tmp_path / "truth.csv", "y,x\n")) == []
    tifffile.imwrite(tmp_path / "blank.tif", np.zeros((9, 8), np.uint8))
    assert points(tmp_path / "blank.tif", (9, 8)) == []


def test_napari_s_points_have_their_rows_in_axis_0(tmp_path):
    path = tmp_path / "points.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["index", "axis-0", "axis-1"])
        rows.writerows([float(i), y, x] for i, (y, x) in enumerate(PLACES))
    assert points(path) == PLACES


def test_an_imagej_multipoint_has_its_centres_at_whole_numbers(tmp_path):
    roi([(int(y), int(x)) for y, x in PLACES]).tofile(tmp_path / "whole.roi")
    roi([(y + 0.25, x - 0.5) for y, x in PLACES]).tofile(tmp_path / "between.roi")
    assert points(tmp_path / "whole.roi") == PLACES
    assert points(tmp_path / "between.roi") == [(y + 0.25, x - 0.5) for y, x in PLACES]


def test_a_zip_of_the_roi_manager_gives_the_points_of_all_its_rois(tmp_path):
    rois = [roi(PLACES[:2], point_type=ROI_POINT_TYPE.DOT), roi(PLACES[2:])]
    rois[1].name = "one more"
    roiwrite(tmp_path / "RoiSet.ZIP", rois)
    assert sorted(points(tmp_path / "RoiSet.ZIP")) == PLACES


def test_kinds_of_points_are_no_planes(tmp_path):
    kinds = roi(PLACES, counters=np.array([0, 1, 2], np.uint8))
    kinds.counter_positions = np.array([4, 4, 4], np.uint32)
    kinds.tofile(tmp_path / "kinds.roi")
    assert points(tmp_path / "kinds.roi") == PLACES


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_labels_have_their_spots_at_their_centres(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "labels.tiff", labels(dtype=dtype)[None])
    assert points(tmp_path / "labels.tiff") == PLACES


@pytest.mark.attack(kind="truth", case="a label image of one spot", outcome="one spot")
def test_a_label_of_one_spot_is_not_taken_for_a_mask(tmp_path):
    tifffile.imwrite(tmp_path / "one.tif", labels(PLACES[1:2]))
    assert points(tmp_path / "one.tif") == PLACES[1:2]


NOT_TRUTH = {
    "planes.roi": "the points of one plane, found those of planes 1, 7",
    "outline.roi": r"expected points, found a ROI of type polygon \('spots'\)",
    "text.roi": "expected ImageJ's points",
    "text.zip": "expected ImageJ's points",
    "text.tif": "expected a label image: ",
    "mask.tif": "a label of its own for each spot, found a mask: 3 pieces of label 255",
    "raw.tif": "whole numbers, 50 x 60 as the image has, found 5 x 6, float32",
    "stack.tif": "whole numbers, 50 x 60 as the image has, found 4 x 5 x 6, uint8",
    "stack.csv": "expected points in two dimensions, found axis-2",
    "shapes.csv": "found index, shape-type, vertex-index, axis-0, axis-1",
    "odd.csv": "line 3: axis-0='3', axis-1='' are not numbers",
}


@pytest.fixture(scope="module")
def not_truth(tmp_path_factory):
    """A folder of files that hold something else than the true spots of one plane."""
    folder = tmp_path_factory.mktemp("not_truth")
    two_planes = roi(PLACES, counters=np.zeros(3, np.uint8))
    two_planes.counter_positions = np.array([1, 1, 7], np.uint32)
    two_planes.tofile(folder / "planes.roi")
    roi(PLACES, ROI_TYPE.POLYGON).tofile(folder / "outline.roi")
    for name in ("text.roi", "text.zip", "text.tif"):
        written(folder / name, "y,x\n1,2\n")
    tifffile.imwrite(folder / "mask.tif", (labels() > 0).astype(np.uint8) * 255)
    tifffile.imwrite(folder / "raw.tif", np.ones((5, 6), np.float32))
    tifffile.imwrite(folder / "stack.tif", np.ones((4, 5, 6), np.uint8), photometric="minisblack")
    written(folder / "stack.csv", "index,axis-0,axis-1,axis-2\n0,1,2,3\n")
    written(folder / "shapes.csv", "index,shape-type,vertex-index,axis-0,axis-1\n0,line,0,1,2\n")
    written(folder / "odd.csv", "axis-0,axis-1\n1,2\n3,\n")
    return folder


@pytest.mark.parametrize("name", NOT_TRUTH)
@pytest.mark.attack(
    kind="truth",
    case="a file that is no truth",
    outcome="refused with what was found",
)
def test_another_file_is_refused_with_what_was_found(not_truth, name):
    with pytest.raises(ValueError, match=NOT_TRUTH[name]):
        points(not_truth / name)


@pytest.mark.parametrize("suffix", ["csv", "roi", "zip", "tif"])
def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match="No such file"):
        points(tmp_path / f"gone.{suffix}")
