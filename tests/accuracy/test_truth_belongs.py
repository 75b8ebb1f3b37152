"""A truth that cannot be of its image is refused for that image, and nothing heavy is planned."""

import os
import re
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
import roifile
import tifffile

from localbg.io import truth
from localbg.workflow import sheet

SHAPE = (40, 60)


def attack(case, outcome, kind="truth"):
    return pytest.mark.attack(kind=kind, case=case, outcome=outcome)


def csv_of(folder, text):
    path = folder / "truth.csv"
    path.write_text(text)
    return path


def labels_of(folder, labels, **options):
    path = folder / "truth.tif"
    tifffile.imwrite(path, labels, **options)
    return path


def some_labels(shape=SHAPE):
    image = np.zeros(shape, np.uint16)
    image[3:6, 3:6], image[20:23, 30:33] = 1, 2
    return image


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "y,x\n10,10\n39.9,10\n70.2,10\n",
            "1 of 3 points lie outside of the image of 40 x 60 pixels, such as y 70.2, x 10; "
            "expected rows y and columns x of this image. Are they in pixels?",
            marks=attack("points outside of the image", "its scores are empty, with the reason"),
        ),
        ("y,x\n-1.1,10\n", "1 of 1 points lie outside"),
        pytest.param(
            "y,x\n10,10\n55,30\n",
            "such as y 55, x 30; expected rows y and columns x of this image. With y and x exchan",
            marks=attack("x and y exchanged", "refused, and said so"),
        ),
        pytest.param(
            "y,x\n1,1\n1e300,1\n",
            "such as y 1e+300, x 1",
            marks=attack("positions of 1e300 or NaN", "refused; no other image loses its scores"),
        ),
        ("y,x\n1,nan\n", "line 2: y='1', x='nan' are not numbers"),
        ("y,x\n1,inf\n", "line 2: y='1', x='inf' are not numbers"),
        pytest.param(
            "y,x\n1,2\n3,4\n1.0,2.0\n",
            "the point y 1, x 2 is there twice; expected each spot once",
            marks=attack("the same point twice", "refused: recall would be too low"),
        ),
        *(
            pytest.param(
                f"{depth},y,x\n0,1,2\n1,3,4\n",
                f"expected points in two dimensions, found {depth.casefold()}. Keep those of the",
                marks=attack("points of a stack, with a column z", "refused, whichever plane"),
            )
            for depth in ("z", "Z")
        ),
        ("axis-0,axis-1,axis-2\n0,1,2\n", "expected points in two dimensions, found axis-2"),
        ('y,x\n1,"2\n3,4\n', "are not numbers"),
        ("y,x\n1,\x00\n", "is not a text file in UTF-8"),
    ],
)
def test_points_that_cannot_be_of_the_image_are_refused(tmp_path, text, expected):
    with pytest.raises(ValueError, match=re.escape(expected)):
        truth.read_points(csv_of(tmp_path, text), SHAPE)


def test_points_at_the_rim_and_just_beyond_it_belong(tmp_path):
    text = "y,x\n-0.5,-0.5\n39.5,59.5\n-1,-1\n40,60\n"
    assert len(truth.read_points(csv_of(tmp_path, text), SHAPE)) == 4


@attack("a truth csv with semicolons and decimal commas", "read", kind="sheet")
def test_a_truth_of_a_spreadsheet_is_read(tmp_path):
    path = csv_of(tmp_path, "sep=;\ny;x;comment\n1,5;2,25;a\n\n3;4;;\n")
    assert truth.read_points(path, SHAPE) == [(1.5, 2.25), (3.0, 4.0)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(
            some_labels((40, 61)),
            "40 x 60 as the image has, found 40 x 61, uint16",
            marks=attack("a label image of another shape", "refused, naming both shapes"),
        ),
        (some_labels((60, 40)), "40 x 60 as the image has, found 60 x 40"),
        pytest.param(
            1 - np.minimum(some_labels(), 1),
            "label 1 covers 99% of the image; expected 0 for the background",
            marks=attack("a mask turned round: the background has a label", "refused"),
        ),
        (some_labels() + 1, "label 1 covers 99% of the image"),
        pytest.param(
            np.minimum(some_labels(), 1).astype(np.uint8) * 255,
            "found a mask: 2 pieces of label 255. Label them (in ImageJ: Analyze Particles, Count",
            marks=attack("a mask in place of labels", "refused, with how to label it"),
        ),
        (
            (some_labels() + np.float32(0.5)).astype(np.float32),
            "40 x 60 as the image has, found 40 x 60, float32",
        ),
    ],
)
def test_labels_that_cannot_be_of_the_image_are_refused(tmp_path, labels, expected):
    with pytest.raises(ValueError, match=re.escape(expected)):
        truth.read_points(labels_of(tmp_path, labels), SHAPE)


def test_labels_of_the_image_are_spots(tmp_path):
    assert truth.read_points(labels_of(tmp_path, some_labels()), SHAPE) == [(4, 4), (21, 31)]
    assert truth.read_points(labels_of(tmp_path, some_labels() > 3), SHAPE) == []


def bomb(path, rows=60_000, columns=60_000):
    """A label image of 7.2 GB in some 20 kB: every strip is the same piece of the file."""
    strip = zlib.compress(bytes(columns * 2 * 100), 9)
    strips = rows // 100
    with tifffile.TiffWriter(path) as tif:
        tif.write(np.zeros((2, 2), np.uint16), compression="zlib", metadata=None)
    with open(path, "r+b") as file:
        file.seek(0, 2)
        at = file.tell()
        file.write(strip)
        offsets = file.tell()
        file.write(struct.pack(f"<{strips}I", *[at] * strips))
        counts = file.tell()
        file.write(struct.pack(f"<{strips}I", *[len(strip)] * strips))
    with tifffile.TiffFile(path) as tif:
        tags = {tag.code: tag for tag in tif.pages[0].tags}
        places = {code: tag.offset for code, tag in tags.items()}
    new = {256: (4, 1, columns), 257: (4, 1, rows), 278: (4, 1, 100)}
    new |= {273: (4, strips, offsets), 279: (4, strips, counts)}
    with open(path, "r+b") as file:
        for code, (kind, number, value) in new.items():
            file.seek(places[code])
            file.write(struct.pack("<HHII", code, kind, number, value))


@attack("a label image that unpacks to 7 GB", "not decoded: neither planned nor scored", "memory")
def test_a_label_image_that_unpacks_to_too_much_is_not_decoded(tmp_path):
    path = tmp_path / "bomb.tif"
    bomb(path)
    assert path.stat().st_size < 200_000
    start = time.perf_counter()
    truth.check_truth(path)
    with pytest.raises(ValueError, match=r"expected a label image.* (7.2 GB|60000 x 60000)"):
        truth.read_points(path, SHAPE)
    assert time.perf_counter() - start < 5


@attack("a zip of ROIs that unpacks to gigabytes", "refused before it is unpacked", "memory")
def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "rois.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.roi", "w") as entry,
    ):
        for _ in range(21):
            entry.write(bytes(10_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ValueError, match="found 1 ROIs of 210 MB in all; expected 100000 of 200"):
        truth.read_points(path, SHAPE)


@attack("a ROI file of noise", "refused as none of ImageJ's", "damaged image")
def test_a_roi_of_noise_is_refused_in_words(tmp_path):
    path = tmp_path / "noise.roi"
    for seed in range(30):
        path.write_bytes(b"Iout" + np.random.default_rng(seed).bytes(seed * 7))
        with pytest.raises(ValueError, match=r"expected ImageJ's|of type|lie out"):
            truth.read_points(path, SHAPE)


# Before any job


def problems(path):
    """What the plan says of a truth."""
    rows = {"a": {"path": __file__, "truth": str(path)}}
    images, wrong, _ = sheet.read_sheet(rows, base=None, spot_radius=3, results="results")
    assert wrong == []
    return sheet.missing_files(images)


@attack("a named pipe or a device as truth", "refused; nothing waits for it", "inputs")
def test_a_truth_that_is_no_file_is_refused(tmp_path):
    for suffix in ("csv", "roi", "zip", "tif"):
        path = tmp_path / f"pipe.{suffix}"
        os.mkfifo(path)
        assert problems(path) == [f"image 'a': truth {path}: is a named pipe; expected a file"]
    assert problems("/dev/zero") == ["image 'a': truth /dev/zero: is a device; expected a file"]
    assert problems(tmp_path) == [f"image 'a': truth {tmp_path}: is a folder; expected a file"]


def test_what_a_plan_says_of_a_truth(tmp_path):
    path = tmp_path / "t.tif"
    path.write_text("y,x\n1,2\n")
    assert problems(path) == [
        f"image 'a': truth {path}: expected a label image, found a file that is no TIFF"
    ]
    assert problems(tmp_path / "gone.csv")[0].endswith("gone.csv: No such file or directory")
    assert "is an address; expected a file on this machine" in problems("http://host/t.csv")[0]


@attack("a truth of 300 MB", "refused by its size; a plan reads small files only", "memory")
def test_only_small_files_are_read_before_jobs(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x\n" + "1,2\n" * 600_000)
    start = time.perf_counter()
    assert problems(path) == []
    assert time.perf_counter() - start < 0.2
    with open(path, "r+b") as file:
        file.truncate(300_000_000)
    assert problems(path) == [f"image 'a': truth {path}: has 300 MB; expected 200 MB at most"]


def test_label_images_are_not_decoded_before_jobs(tmp_path, monkeypatch):
    path = labels_of(tmp_path, some_labels((7, 7)))
    monkeypatch.setattr(tifffile, "TiffFile", None)
    assert problems(path) == []


def test_labels_may_be_whole_numbers_in_floats(tmp_path):
    paths = [tmp_path / "whole.tif", tmp_path / "float.tif"]
    for path, dtype in zip(paths, (np.uint16, np.float32), strict=True):
        tifffile.imwrite(path, some_labels().astype(dtype))
    one, other = (truth.read_points(path, (40, 60)) for path in paths)
    assert one == other
    assert len(one) > 1


@pytest.mark.attack(
    kind="truth",
    case="a label image that is none: the raw image, a mask with soft edges, labels in pieces",
    outcome="unusable for that image, naming a label",
)
@pytest.mark.parametrize("kind", ["raw", "soft", "pieces"])
def test_labels_in_pieces_are_no_spots(tmp_path, kind):
    labels = np.zeros((40, 60), np.uint16)
    labels[3:8, 3:8] = labels[20:25, 20:25] = 128
    labels[4:7, 4:7] = labels[21:24, 21:24] = 255
    if kind == "raw":
        labels = np.random.default_rng(0).poisson(100, labels.shape).astype(np.uint16)
    if kind == "pieces":
        labels[labels == 255], labels[30:33, 50:53] = 128, 1
    tifffile.imwrite(tmp_path / "a.tif", labels)
    with pytest.raises(ValueError, match=r"found \d+ of \d+ labels in pieces: \d+ pieces of label"):
        truth.read_points(tmp_path / "a.tif", labels.shape)


def test_a_stray_pixel_of_a_label_does_no_harm(tmp_path):
    labels = np.zeros((40, 60), np.uint16)
    labels[3:8, 3:8], labels[20:23, 30:33] = 1, 2
    labels[39, 59] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels)
    (first, second) = truth.read_points(tmp_path / "a.tif", labels.shape)
    assert second == (21.0, 31.0)
    assert first == pytest.approx((5 + 34 / 26, 5 + 54 / 26))


@pytest.mark.attack(
    kind="truth",
    case="decimal commas in a truth csv, or a column that is there twice",
    outcome="refused in words; no cell is dropped",
)
def test_no_cell_of_a_truth_is_dropped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("y,x\n10,5,20,5\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2: has more cells than columns \(10, 5, 20, 5\)"):
        truth.read_points(path, (40, 60))
    path.write_text("y,x,y\n10,5,20\n", encoding="utf-8")
    with pytest.raises(ValueError, match="column 'y' is there twice"):
        truth.read_points(path, (40, 60))
    path.write_text("y,x\n10,5,,\n", encoding="utf-8")
    assert truth.read_points(path, (40, 60)) == [(10.0, 5.0)]


def test_what_macos_adds_to_a_zip_is_no_roi(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        roi = roifile.ImagejRoi.frompoints([[5, 10]])
        roi.roitype = roifile.ROI_TYPE.POINT
        archive.writestr("a.roi", roi.tobytes())
        archive.writestr("__MACOSX/._a.roi", b"\0\5\x16\7")
    assert truth.read_points(tmp_path / "a.zip", (40, 60)) == [(10.0, 5.0)]
