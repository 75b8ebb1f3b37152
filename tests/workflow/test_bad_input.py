"""A wrong config stops before any job; a wrong image stops none of the others."""

import shutil
from collections import Counter

import numpy as np
import pytest
import tifffile

from conftest import obey_permissions, snakemake
from localbg.core import failures
from localbg.workflow import batches
from localbg.workflow.plan import PlanError, make_plan
from small_study import NO_FIGURES, PLACES, configure, ran, rows_of, spotted, table

pytestmark = pytest.mark.long

CONFIG = {
    "images": "images.csv",
    "spot_radius": 3,
    "denoise": {"filter": "gaussian", "sigma": "0.5x"},
    "methods": {"median": {"background": {"filter": "median", "radius": "2x"}}},
    "compare": ["median"],
}


def sheet(folder, *lines):
    (folder / "images.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


# A wrong config


def method(**background):
    """Config whose only method has this background."""
    return {"methods": {"m": {"background": background}}, "compare": ["m"]}


# What is wrong: changes to the config, lines of the sheet, and words that must be said.
GOOD_SHEET = ("image,path", "a,a.tif")
WRONG = {
    "keys and words": (
        {"tresholds": {"k": 4}, "polarity": "drak"},
        GOOD_SHEET,
        [
            "unknown key 'tresholds'. Did you mean 'threshold'?",
            "polarity: is 'drak'; expected bright, dark. Did you mean 'dark'?",
        ],
    ),
    "methods and parameters": (
        method(filter="median", raduis=4) | {"compare": ["m", "topaht"]},
        GOOD_SHEET,
        [
            "compare: unknown method 'topaht'; defined are tophat, median, gaussian, m. Did you "
            "mean 'tophat'?",
            "methods, m: background: median takes no 'raduis'; it takes radius, footprint, shrink, "
            "shrink_error, of. Did you mean 'radius'?",
            "methods, m: background: median needs 'radius'",
        ],
    ),
    "sizes": (
        method(filter="median", radius=0) | {"spots": {"min_area": -4}},
        GOOD_SHEET,
        [
            "background, radius is 0; expected a length such as 4 (pixels), 2x (spot radii) or "
            "0.5um, greater than 0",
            "spots, min_area is -4; expected an area such as 4 (pixels)",
        ],
    ),
    "ids": (
        {},
        ("image,path", "a,a.tif", "b/c,a.tif", "a,a.tif"),
        [
            "images.csv, line 3: image id 'b/c' has characters that don't fit a file name ('/')",
            "images.csv, line 4: image 'a' is there already (images.csv, line 2)",
        ],
    ),
    "columns": (
        {},
        ("name,file", "a,a.tif"),
        [
            "images.csv: column 'image' is missing; found name, file.",
            "images.csv: column 'path' is missing; found name, file.",
        ],
    ),
    "files": (
        {},
        ("image,path,truth", "a,a.tif,a.csv", "b,gone.tif,"),
        [
            "image 'a': truth a.csv: expected a csv with columns y and x (or axis-0, axis-1), "
            "found row, col",
            "image 'b': there is no file gone.tif",
        ],
    ),
}


@pytest.fixture
def prepared(tmp_path):
    """A folder with a sound image and a truth without y and x."""
    spotted(tmp_path / "a.tif")
    (tmp_path / "a.csv").write_text("row,col\n1,2\n")
    return tmp_path


@pytest.mark.parametrize(("changes", "lines", "expected"), WRONG.values(), ids=WRONG)
@pytest.mark.attack(
    kind="inputs",
    case="misspelt keys and methods, impossible sizes, ids, columns, files",
    outcome="each is named with what was expected; no job starts",
)
def test_a_wrong_config_stops_before_any_job(prepared, changes, lines, expected):
    sheet(prepared, *lines)
    configure(prepared, CONFIG | changes)
    said = snakemake(prepared, fails=True)
    assert f"The configuration has {len(expected)} problems:" in said
    for words in expected:
        assert f"- {words}" in said or f": {words}" in said
    assert "The config was read from config.yaml." in said
    assert ran(said) == Counter()
    assert "Traceback" not in said
    assert not (prepared / "results").exists()


@pytest.mark.attack(
    kind="belonging",
    case="an image vanishes after it was done",
    outcome="the next run names it; its old result does not stand for it",
)
def test_a_result_that_is_there_hides_no_missing_image(prepared):
    sheet(prepared, *GOOD_SHEET)
    configure(prepared, CONFIG)
    snakemake(prepared, *NO_FIGURES)
    (prepared / "a.tif").unlink()
    assert "- image 'a': there is no file a.tif" in snakemake(prepared, fails=True)


def test_problems_of_files_are_found_without_snakemake_too(prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    sheet(prepared, *WRONG["files"][1])
    assert len(make_plan(CONFIG).missing_files()) == 2
    sheet(prepared, *WRONG["ids"][1])
    with pytest.raises(PlanError, match="2 problems"):
        make_plan(CONFIG)


# Wrong images


def notes(path):
    path.write_text("these are my notes, not an image")


def half(path):
    spotted(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def colour(path):
    tifffile.imwrite(path, np.zeros((64, 60, 3), np.uint8), photometric="rgb")


def stack(path):
    pixels = np.zeros((3, 64, 60), np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYX"})


def channels(path):
    pixels = np.zeros((2, 64, 60), np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "CYX"})


def bomb(path):
    spotted(path)
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages[0].tags["ImageWidth"].overwrite(2**16)
        tif.pages[0].tags["ImageLength"].overwrite(2**15)


def denied(path):
    spotted(path)
    path.chmod(0)


def holes(path):
    pixels = np.ones((64, 60), np.float32)
    pixels[3, 4:6] = np.nan
    tifffile.imwrite(path, pixels)


def void(path):
    tifffile.imwrite(path, np.full((64, 60), np.nan, np.float32))


# Image: how it is made, its spot_radius and channel, the step that refuses it and what that says.
BAD = {
    "bomb": (bomb, "", "", "read", "promises Y=32768, X=65536 of uint16, 4.29 GB, in a file of"),
    "channels": (channels, "", "2", "read", "channel 2 does not exist; expected 0 to 1"),
    "colour": (colour, "", "", "read", "this is an RGB image; expected one grey value per pixel"),
    "denied": (denied, "", "", "read", "denied.tif may not be read (permission denied)"),
    "empty": ((lambda path: path.touch()), "", "", "read", "is empty (0 bytes)"),
    "half": (half, "", "", "read", "truncated or damaged"),
    "holes": (holes, "", "", "read", "2 of 3840 pixels are NaN or infinite"),
    "large": (spotted, "20", "", "background", "does not fit the image of 64 x 60 pixels"),
    "notes": (notes, "", "", "read", "is not a TIFF image"),
    "scale": (spotted, "0.3um", "", "denoise", "in µm, but the pixel size is unknown"),
    "stack": (stack, "", "", "read", "pick z (an index, max or mean) in the sheet; its axes are Z"),
    "void": (void, "", "", "read", "all pixels are NaN or infinite"),
}


# Batches of four: some hold bad images only, the good one shares its own with three.
MODES = {
    "steps": {"run": {"mode": "steps"}},
    "batch": {"run": {"mode": "batch", "images_per_job": 4}},
}


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    """How the work is cut into jobs."""
    return request.param


@pytest.mark.attack(
    kind="memory",
    case="a file of 8 kB that promises 4 GB of pixels",
    outcome="no memory is asked for it",
)
def test_a_header_that_promises_too_much_claims_no_memory(tmp_path):
    bomb(tmp_path / "bomb.tif")
    spotted(tmp_path / "a.tif")
    paths = [str(tmp_path / name) for name in ("bomb.tif", "a.tif")]
    assert batches.memory_mb(paths[1:], 1) <= batches.memory_mb(paths, 1) < 1000
    assert batches.images_per_job(paths) >= 1


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, mode):
    """A run over one good image and every bad one, and what it said."""
    folder = tmp_path_factory.mktemp("mixed")
    spotted(folder / "good.tif")
    truth = "\n".join(["y,x", *(f"{y},{x}" for y, x in PLACES)])
    (folder / "good.csv").write_text(truth)
    lines = ["image,path,group,spot_radius,channel,truth", "good,good.tif,one,,,good.csv"]
    for name, (make, radius, channel, _, _) in BAD.items():
        make(folder / f"{name}.tif")
        lines.append(f"{name},{name}.tif,two,{radius},{channel},good.csv")
    sheet(folder, *lines)
    configure(folder, CONFIG | MODES[mode])
    targets = (*NO_FIGURES, "results/tables/accuracy.csv")
    return folder, snakemake(folder, *targets, fails=True, before=obey_permissions)


@pytest.mark.attack(
    kind="inputs",
    case="twelve bad images beside a good one",
    outcome="the good one has all its rows, right to the pixel",
)
def test_bad_images_do_not_keep_a_good_one_from_its_tables(mixed):
    folder, _ = mixed
    (image,) = rows_of(folder, "images", image="good")
    assert (image["status"], image["reason"], image["shape"]) == ("ok", "", "64x60")
    (count,) = rows_of(folder, "counts", image="good")
    assert (count["status"], count["n_spots"], count["group"]) == ("ok", "3", "one")
    positions = [(float(r["y"]), float(r["x"])) for r in rows_of(folder, "spots", image="good")]
    np.testing.assert_allclose(positions, PLACES, atol=0.5)
    (row,) = rows_of(folder, "comparison", image="good")
    assert (row["median"], row["count_median"]) == ("3", "3")
    (row,) = rows_of(folder, "accuracy", image="good")
    assert (row["n_truth"], row["f1"]) == ("3", "1")


@pytest.mark.attack(
    kind="damaged image",
    case="empty, cut off, no TIFF, NaN, no permission, a header that lies",
    outcome="each is a row of failures.csv with the step and the reason",
)
def test_bad_images_are_failures_with_step_and_reason(mixed):
    folder, _ = mixed
    rows = table(folder, "failures")
    assert [row["image"] for row in rows] == sorted(BAD)
    for row in rows:
        *_, step, words = BAD[row["image"]]
        assert row["path"] == f"{row['image']}.tif"
        assert row["step"] == step
        assert words in row["reason"]


@pytest.mark.attack(
    kind="inputs",
    case="an image fails",
    outcome="it stays a row of every table by image, without numbers",
)
def test_bad_images_are_rows_of_every_table_by_image(mixed):
    folder, _ = mixed
    everything = sorted([*BAD, "good"])
    for name in ("images", "counts", "comparison"):
        assert [row["image"] for row in table(folder, name)] == everything
    for row in table(folder, "failures"):
        (image,) = rows_of(folder, "images", image=row["image"])
        assert image["status"] == "failed"
        assert image["reason"] == f"{row['step']}: {row['reason']}"
        (count,) = rows_of(folder, "counts", image=row["image"])
        assert (count["status"], count["n_spots"], count["group"]) == ("failed", "", "two")
        (compared,) = rows_of(folder, "comparison", image=row["image"])
        assert (compared["median"], compared["count_median"]) == ("", "")
    assert {row["image"] for row in table(folder, "spots")} == {"good"}
    assert {row["image"] for row in table(folder, "accuracy")} == {"good"}


@pytest.mark.attack(
    kind="inputs",
    case="a run in which images fail",
    outcome="it exits with an error, and its last lines name them",
)
def test_the_closing_lines_name_what_failed_and_why(mixed):
    folder, said = mixed
    done, failures = f"1 of {len(BAD) + 1} images done", "results/tables/failures.csv"
    assert f"{done}; tables are in results/tables, failures in {failures}:" in said
    rows = table(folder, "failures")
    for row in rows[:10]:
        assert f"- {row['image']}, {row['step']}: {row['reason']}" in said
    assert f"- … and {len(rows) - 10} more" in said
    assert "Mend them and run again: only what is missing is done." in said
    assert "Traceback" not in said


def test_the_log_of_a_failed_job_tells_more(mixed, mode):
    folder, _ = mixed
    logs = folder / "results" / "logs"
    if mode == "steps":
        log = (logs / "read" / "notes.log").read_text(encoding="utf-8")
    else:
        log = "".join(path.read_text(encoding="utf-8") for path in logs.glob("batch/**/*.log"))
        assert "notes: read failed" in log
    assert "read failed" in log
    assert "Traceback" in log
    assert "ImageError" in log


@pytest.mark.attack(
    kind="belonging",
    case="files that a failed step left",
    outcome="none is left at the end of the run",
)
def test_no_failed_result_is_left_to_be_mistaken_for_a_good_one(mixed):
    folder, _ = mixed
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if path.suffix == ".jsonl"] == []
    assert [path for path in files if failures.read_failure(path)] == []
    assert list(folder.rglob("*.part")) == []


# Mending


@pytest.fixture(scope="module")
def one_bad(tmp_path_factory, mode):
    """A study in which one of two images failed, each in a batch of its own."""
    folder = tmp_path_factory.mktemp("one_bad")
    spotted(folder / "good.tif")
    notes(folder / "torn.tif")
    sheet(folder, "image,path", "good,good.tif", "torn,torn.tif")
    run = {"mode": mode, "images_per_job": 1}
    configure(folder, CONFIG | {"run": run})
    # With the figures, which must do without the bad image too.
    assert "1 of 2 images done" in snakemake(folder, fails=True)
    return folder


@pytest.fixture
def to_mend(one_bad, tmp_path):
    # As deep in the tree: paths from here to the library are inputs, so that they have to agree.
    shutil.copytree(one_bad, tmp_path, dirs_exist_ok=True)
    return tmp_path


STEPS = dict.fromkeys(("read", "denoise", "background", "subtract", "threshold", "spots"), 1)
JUST_ONE_IMAGE = {
    "steps": Counter(STEPS, collect=1, compare=1),
    "batch": Counter(batch=1, collect=1, compare=1),
}


@pytest.mark.attack(
    kind="belonging",
    case="a failed image is mended",
    outcome="only what belongs to it is done again",
)
def test_a_mended_image_is_all_that_is_done(to_mend, mode):
    before = rows_of(to_mend, "spots", image="good")
    spotted(to_mend / "torn.tif", PLACES[1:], seed=1)
    said = snakemake(to_mend, *NO_FIGURES)
    assert ran(said) == JUST_ONE_IMAGE[mode]
    assert "2 of 2 images done" in said
    assert table(to_mend, "failures") == []
    assert {row["status"] for row in table(to_mend, "images")} == {"ok"}
    assert [row["n_spots"] for row in table(to_mend, "counts")] == ["3", "2"]
    positions = [(float(r["y"]), float(r["x"])) for r in rows_of(to_mend, "spots", image="torn")]
    np.testing.assert_allclose(positions, PLACES[1:], atol=0.5)
    assert rows_of(to_mend, "spots", image="good") == before


def test_a_failed_image_is_tried_again_and_may_be_tolerated(to_mend, mode):
    said = snakemake(to_mend, *NO_FIGURES, "--config", "max_failed=1")
    assert ran(said) == JUST_ONE_IMAGE[mode]
    assert "1 of 2 images done" in said
    assert "- torn, read: torn.tif is not a TIFF image" in said
    assert [row["image"] for row in table(to_mend, "failures")] == ["torn"]


@pytest.mark.attack(
    kind="interruption",
    case="a run is stopped between the tables and its last words",
    outcome="the next run says what failed",
)
def test_a_run_that_was_stopped_before_its_last_word_has_it_in_the_next(to_mend):
    # What a run leaves that is killed after its tables.
    assert "1 of 2" not in snakemake(to_mend, *NO_FIGURES, "--no-hooks")
    assert (to_mend / "results" / "complete").exists()
    said = snakemake(to_mend, *NO_FIGURES, fails=True)
    assert ran(said) == Counter(collect=1, compare=1)
    assert "1 of 2 images done" in said
    assert not (to_mend / "results" / "complete").exists()


@pytest.mark.attack(
    kind="belonging",
    case="an image is taken out of the sheet",
    outcome="it is in no table any more",
)
def test_an_image_taken_out_of_the_sheet_is_out_of_the_tables(to_mend):
    sheet(to_mend, "image,path", "good,good.tif")
    said = snakemake(to_mend, *NO_FIGURES)
    assert ran(said) == Counter(collect=1, compare=1)
    assert [row["image"] for row in table(to_mend, "counts")] == ["good"]
    assert table(to_mend, "failures") == []


@pytest.mark.attack(
    kind="pixel size",
    case="a spot radius in µm, and no pixel size",
    outcome="that image fails and says so",
)
def test_a_spot_radius_that_cannot_be_known_is_a_failure_and_no_crash(tmp_path):
    spotted(tmp_path / "a.tif")
    sheet(tmp_path, "image,path,spot_radius", "a,a.tif,0.3um")
    sizes = {"denoise": {"sigma": 1}, "spots": {"min_area": 4, "min_distance": 2}}
    configure(tmp_path, CONFIG | sizes | method(filter="median", radius=6))
    said = snakemake(tmp_path, *NO_FIGURES, fails=True)
    assert "0 of 1 images done" in said
    (row,) = table(tmp_path, "failures")
    assert "in µm, but the pixel size is unknown" in row["reason"]
