"""Batch mode: the tables of the steps mode, byte for byte, however the work is cut."""

import gc
import json
import random
import re
import shutil
import weakref

import numpy as np
import pytest
import tifffile

from conftest import ROOT, shared, snakemake
from localbg.core import failures
from localbg.io import images
from localbg.pipeline import chain
from localbg.pipeline.signatures import KINDS
from localbg.workflow import batches
from localbg.workflow.plan import make_plan
from small_study import configure, ran, spotted, table

TABLES = ("images", "spots", "counts", "failures", "comparison", "agreement")
TARGETS = ("results/complete", "results/tables/comparison.csv")


def tables_of(folder):
    """Every table of a run, as bytes."""
    found = {path.name: path.read_bytes() for path in (folder / "results/tables").glob("*.csv")}
    assert {f"{name}.csv" for name in TABLES} <= set(found)
    return found


def both_modes(folder, config, *options):
    """Tables of a config in the steps mode and in batch mode."""
    made = []
    for mode in ("steps", "batch"):
        study = folder / mode
        study.mkdir(parents=True)
        configure(study, config | {"run": {"mode": mode}})
        snakemake(study, *TARGETS, "--configfile", study / "config.yaml", *options)
        made.append(tables_of(study))
    return made


@pytest.mark.long
def test_shipped_images_give_the_tables_of_the_steps_mode(default_run, tmp_path):
    snakemake(
        tmp_path,
        "--configfile",
        ROOT / "config.yaml",
        "--config",
        f"images={ROOT / 'data' / 'images.csv'}",
        "run={mode: batch, images_per_job: 2}",
    )
    assert tables_of(tmp_path) == tables_of(default_run)
    assert len(list((tmp_path / "results" / "batches").glob("*/"))) == 2


RECIPES = {
    "dark": {"polarity": "dark", "background": {"filter": "rolling_ball", "radius": "4x"}},
    "raw": {
        "background": {"filter": "median", "radius": "3x", "of": "image", "shrink": 2},
        "subtract": {"clip": "zero"},
    },
    "swept": {
        "denoise": {"filter": "none"},
        "background": {"filter": "opening", "radius": "2x"},
        "threshold": {"rule": "noise", "k": [4, 6]},
        "spots": {"close": 1, "exclude_border": True, "min_area": 3},
    },
}
METHODS = {"methods": RECIPES, "compare": list(RECIPES)}


@pytest.mark.long
def test_real_images_give_the_tables_of_the_steps_mode(tmp_path):
    folder = shared("neubias")
    config = {"images": str(folder), "spot_radius": 2} | METHODS
    steps, batch = both_modes(tmp_path, config)
    assert batch == steps
    assert steps["spots.csv"].count(b"\n") > 100


def random_study(folder, seed):
    """Scenes of all types and sizes, blank and constant ones too, some that cannot be read."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(6):
        shape = tuple(rng.integers(30, 90, 2))
        spots = [(*rng.uniform(0, shape), rng.uniform(0, 200), 1.5) for _ in range(8)]
        pixels = rng.normal(60, rng.uniform(0.5, 6), shape)
        for y, x, height, sigma in spots:
            distance = (np.indices(shape).T - (y, x)).T
            pixels += height * np.exp(-(distance**2).sum(0) / (2 * sigma**2))
        dtype = ("uint8", "uint16", "float32")[k % 3]
        pixels = pixels.clip(0, 255).astype(dtype)
        if k == 3:
            pixels[:] = 9
        elif k == 2:
            pixels[3, 5] = np.nan
        path = folder / f"{k}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = {"resolution": (4, 4), "metadata": {"unit": "um"}} if k % 2 else {}
        tifffile.imwrite(path, pixels, imagej=True, **size)
        rows.append((f"i{k}", path, rng.choice([2, 3.5]), ("a", "b")[k % 2]))
    path = folder / "4.tif"
    path.write_bytes(path.read_bytes()[:3000])
    return rows


def write_sheet(path, rows):
    lines = ["image,path,spot_radius,group", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def random_runs(tmp_path_factory):
    """Tables of random scenes in the steps mode, and what batch runs of them need."""
    folder = tmp_path_factory.mktemp("random")
    rows = random_study(folder / "raw", 3)
    write_sheet(folder / "sheet.csv", rows)
    config = {"images": str(folder / "sheet.csv"), "max_failed": 2} | METHODS
    configure(folder, config)
    snakemake(folder, *TARGETS, "--configfile", folder / "config.yaml")
    return config, rows, tables_of(folder)


@pytest.mark.long
@pytest.mark.parametrize(("size", "cores"), [(1, "1"), (4, "2"), ("auto", "3")])
@pytest.mark.attack(
    kind="belonging",
    case="other batches, threads and order of the sheet",
    outcome="the same tables, to the byte",
)
def test_any_cut_any_threads_and_any_order_give_the_same_tables(random_runs, tmp_path, size, cores):
    config, rows, expected = random_runs
    random.Random(str(size)).shuffle(rows)
    write_sheet(tmp_path / "sheet.csv", rows)
    configure(
        tmp_path,
        config | {"images": "sheet.csv", "run": {"mode": "batch", "images_per_job": size}},
    )
    threads = ("--set-threads", f"batch={cores}")
    snakemake(
        tmp_path, *TARGETS, "--configfile", tmp_path / "config.yaml", *threads, "--cores", cores
    )
    found = tables_of(tmp_path)
    assert found == expected
    assert found["failures.csv"].count(b"\n") == 3


# What runs again


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study of five images in batches of two that ran to its end."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    for k in range(5):
        spotted(folder / "raw" / f"{k}.tif", seed=k)
    configure(folder, config_of())
    said = run(folder)
    assert ran(said)["batch"] == 6
    return folder


@pytest.fixture
def study(finished, request):
    """A copy of it for one test to change, as far from the project, whose paths are relative."""
    folder = finished.parent / re.sub(r"\W", "_", request.node.name)
    shutil.copytree(finished, folder)
    return folder


def run(study):
    return snakemake(study, *TARGETS)


def config_of(**changes):
    run = {"mode": "batch", "images_per_job": 2}
    return {"images": "raw", "compare": ["median", "tophat"], "run": run} | changes


def jobs(said):
    """Batch and background of the jobs that ran."""
    found = re.findall(r"output: results/batches/(\d+)/gaussian_sigma-0.4x/(\w+)_", said)
    return sorted(found)


def test_a_finished_study_does_nothing(study):
    assert "Nothing to be done" in run(study)


def test_a_new_method_runs_its_own_jobs_only(study):
    configure(study, config_of(compare=["gaussian", "median", "tophat"]))
    said = run(study)
    assert jobs(said) == [(f"00000{k}", "gaussian") for k in (1, 2, 3)]
    assert {row["method"] for row in table(study, "counts")} == {"gaussian", "median", "tophat"}


def test_new_images_are_batches_of_their_own(study):
    before = json.loads(batches.record_of(study / "results").read_text())
    # In the order of names it would come first and move all others.
    spotted(study / "raw" / "0new.tif", seed=9)
    said = run(study)
    assert jobs(said) == [("000004", "median"), ("000004", "opening")]
    after = json.loads(batches.record_of(study / "results").read_text())
    assert after == before | {"000004": ["0new"]}
    assert len(table(study, "images")) == 6


def test_another_size_of_batches_repeats_nothing(study):
    configure(study, config_of(run={"mode": "batch", "images_per_job": 5}))
    assert "Nothing to be done" in run(study)


@pytest.mark.attack(
    kind="belonging",
    case="an image of a batch is taken out of the study",
    outcome="its rows go, the others stay",
)
def test_an_image_that_goes_takes_its_rows_along(study):
    (study / "raw" / "3.tif").unlink()
    said = run(study)
    assert jobs(said) == [("000002", "median"), ("000002", "opening")]
    assert [row["image"] for row in table(study, "images")] == ["0", "1", "2", "4"]


def test_a_threshold_repeats_the_methods_that_use_it(study):
    methods = {"median": {"threshold": {"rule": "noise", "k": 9}}}
    configure(study, config_of(methods=methods))
    assert jobs(run(study)) == [(f"00000{k}", "median") for k in (1, 2, 3)]


@pytest.mark.long
def test_the_images_that_are_kept_are_those_of_the_steps_mode(study):
    keep = list(KINDS)
    configure(study, config_of(run={"mode": "batch", "keep": keep}))
    run(study)
    other = study.parent / "in_steps"
    shutil.copytree(study / "raw", other / "raw")
    configure(other, config_of(run={"mode": "steps"}))
    run(other)
    names = sorted(
        str(path.relative_to(study / "results"))
        for kind in keep
        for path in (study / "results" / kind).rglob("*.tif")
    )
    assert len(names) == 5 * (1 + 2 * 4)
    for name in names:
        np.testing.assert_array_equal(
            tifffile.imread(study / "results" / name), tifffile.imread(other / "results" / name)
        )


def test_a_job_says_how_far_it_is_and_what_it_took(study):
    (log,) = (study / "results/logs/batch/000001").rglob("median_*.log")
    said = log.read_text()
    assert re.search(r"2 images, 0 failed, 1 methods: [\d.]+ s, .* MB at most", said), said


# How work is cut, and what it is expected to need


def test_batches_are_cut_by_name_and_kept():
    first = batches.compose(["c", "a", "b"], {}, 2)
    assert first == {"000001": ["a", "b"], "000002": ["c"]}
    later = batches.compose(["b", "c", "d", "aa", "e"], first, 2)
    assert later == {
        "000001": ["b"],
        "000002": ["c"],
        "000003": ["aa", "d"],
        "000004": ["e"],
    }


def write_images(folder, sides):
    folder.mkdir(exist_ok=True)
    paths = []
    for k, side in enumerate(sides):
        paths.append(str(folder / f"{k}.tif"))
        tifffile.imwrite(paths[-1], np.zeros((side, side), np.uint16))
    return paths


def test_a_job_is_cut_to_about_a_minute_by_the_headers(tmp_path):
    small = batches.images_per_job(write_images(tmp_path, [64] * 3) * 10_000)
    large = batches.images_per_job(write_images(tmp_path, [2048] * 3) * 10_000)
    assert batches.MOST_IMAGES >= small > 10 * large > 100
    # An image that cannot be read is taken for a large one.
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    assert batches.images_per_job([str(tmp_path / "bad.tif")] * 30_000) == large


def test_a_small_study_is_cut_evenly_into_few_jobs(tmp_path):
    paths = write_images(tmp_path, [256])
    # 2, 9, 20, 43 and 87 seconds of work.
    sizes = {n: batches.images_per_job(paths * n) for n in (200, 999, 2000, 4500, 9000)}
    assert sizes == {200: 200, 999: 500, 2000: 1000, 4500: 1125, 9000: 1800}


def test_memory_is_that_of_the_largest_image_and_time_that_of_all(tmp_path):
    paths = write_images(tmp_path, [64, 1024, 64])
    assert batches.memory_mb(paths * 9, 2) == batches.memory_mb(paths[1:2], 2)
    (larger,) = write_images(tmp_path / "other", [2048])
    more = batches.memory_mb([larger], 1) - batches.memory_mb(paths, 1)
    per_pixel = batches.BYTES_PER_PIXEL + 2  # uint16, as it lies in the file
    assert more == pytest.approx(per_pixel * (2048**2 - 1024**2) / 1e6, abs=2)
    assert batches.minutes(paths * 500, 2) > batches.minutes(paths * 50, 2)


def test_a_chain_makes_what_methods_share_once(monkeypatch, tmp_path):
    path = spotted(tmp_path / "raw" / "a.tif")
    sweep = {"background": {"filter": "median", "radius": "2x"}}
    sweep |= {"threshold": {"rule": "noise", "k": [3, 4, 5, 6]}}
    monkeypatch.chdir(tmp_path)
    plan = make_plan({"images": "raw", "methods": {"m": sweep}, "compare": ["m"]})
    (background,) = plan.steps["background"]
    plan.batches = {"000001": ["a"]}
    work = plan.batch("000001", background)
    made = []
    original = chain.MAKE["background"]
    monkeypatch.setitem(chain.MAKE, "background", lambda *given: made.append(1) or original(*given))
    methods = chain.make_methods(work["methods"], work["steps"])
    counts = [len(found.spots) for _, found in chain.run_methods(images.read(path), 2, methods)]
    assert len(counts) == 4
    assert len(made) == 1


@pytest.mark.parametrize("radius", [3, 500])  # The second is too large for the image, and fails.
@pytest.mark.attack(
    kind="memory",
    case="many images in one job",
    outcome="no array outlives its image",
)
def test_nothing_of_an_image_outlives_it(monkeypatch, tmp_path, radius):
    """Or a job would need more memory the more images it takes: cycles go when Python likes."""
    monkeypatch.setattr(failures.log, "disabled", True)  # pytest keeps what is logged.
    median = {"background": {"filter": "median", "radius": radius}}
    plan = make_plan(
        {"images": {"a": "a.tif"}, "spot_radius": 2, "compare": ["m"], "methods": {"m": median}}
    )
    plan.batches = {"1": ["a"]}
    part = plan.batch("1", plan.methods["m"].background)
    methods = chain.make_methods(part["methods"], part["steps"])
    path = spotted(tmp_path / "a.tif")
    gc.disable()
    try:
        plane = images.read(path)
        ((_, found),) = chain.run_methods(plane, 2, methods)
        assert isinstance(found, failures.Failure) == (radius == 500)
        pixels = weakref.ref(plane.pixels)
        made = [weakref.ref(getattr(found, key)) for key in KINDS] if radius == 3 else []
        del plane, found
        assert not [reference for reference in (pixels, *made) if reference() is not None]
    finally:
        gc.enable()


@pytest.mark.attack(
    kind="memory",
    case="a small file that promises gigabytes, in a batch on a cluster",
    outcome="its job asks for what the others need, and the image fails in it",
)
def test_a_file_that_promises_too_much_does_not_size_its_job(tmp_path):
    plain, doubtful = tmp_path / "plain.tif", tmp_path / "doubtful.tif"
    tifffile.imwrite(plain, np.zeros((64, 64), np.uint16))
    zeros = np.zeros((8192, 8192), np.uint8)
    tifffile.imwrite(doubtful, zeros, compression="zlib", tile=(1024, 1024))
    assert doubtful.stat().st_size > plain.stat().st_size
    most = (batches.BYTES_TO_START + 49 * batches.MOST_DOUBTFUL) / 1e6
    assert batches.memory_mb([str(plain), str(doubtful)], 1) <= most + 1
    grey = np.random.default_rng(0).integers(0, 9, (512, 512), np.uint16)
    tifffile.imwrite(plain, grey, compression="zlib")
    assert batches._pixels(str(plain)) == (512 * 512, 2 * 512 * 512)
