"""Real runs in both modes: shared thresholds, truth of every kind, and what follows from it."""

import csv
import statistics

import numpy as np
import pytest
import tifffile
import yaml
from roifile import ROI_TYPE, ImagejRoi

from conftest import snakemake
from localbg.core import bootstrap
from localbg.io.cells import format_cell
from simulate import gaussian_spots
from small_study import read_text

SHAPE = (64, 60)
PLACES = [(14, 15), (20, 44), (45, 22), (47, 48)]
METHODS = {
    "median": {
        "background": {"filter": "median", "radius": "2x"},
        "threshold": {"rule": "noise", "k": 5, "scope": ["image", "group", "all"]},
    },
    "opening": {
        "background": {"filter": "opening", "radius": "2x"},
        "threshold": {"rule": "noise", "k": 5, "scope": "group", "from": "blank"},
    },
}
TARGETS = ["groups", "look_first", "recommendation", "reliability", "comparison"]
# Of the image that fails in both modes.
TORN = "a9"


def write_truth(path, places):
    """The same places in the form that the suffix asks for."""
    if path.suffix == ".roi":
        roi = ImagejRoi.frompoints([(x, y) for y, x in places])
        roi.roitype = ROI_TYPE.POINT
        roi.tofile(path)
    elif path.suffix == ".tif":
        labels = np.zeros(SHAPE, np.uint8)
        for number, (y, x) in enumerate(places, 1):
            labels[y - 1 : y + 2, x - 1 : x + 2] = number
        tifffile.imwrite(path, labels)
    else:
        header = "index,axis-0,axis-1" if path.stem.endswith("napari") else "index,y,x"
        rows = [f"{k},{y},{x}" for k, (y, x) in enumerate(places)]
        path.write_text("\n".join([header, *rows]) + "\n")


def make_study(folder, **run):
    """Two groups of unlike noise, each with three images of spots and a blank one."""
    (folder / "raw").mkdir()
    rng = np.random.default_rng(0)
    rows = [["image", "path", "group", "role", "truth"]]
    kinds = ["plain.csv", "napari.csv", "imagej.roi", "labels.tif"]
    for group, noise in (("a", 2), ("b", 5)):
        for k, kind in enumerate(kinds):
            places = PLACES[: k + 1] if k else []
            name = f"{group}{k}"
            pixels = 60 + np.indices(SHAPE)[0] + rng.normal(0, noise, SHAPE)
            if places:
                pixels += gaussian_spots(SHAPE, [(y, x, 130, 1.5) for y, x in places])
            tifffile.imwrite(folder / "raw" / f"{name}.tif", pixels.round().astype(np.uint16))
            truth = folder / f"{name}_{kind}"
            write_truth(truth, places)
            role = "" if places else "blank"
            rows.append([name, f"raw/{name}.tif", group, role, truth.name])
    (folder / "raw" / f"{TORN}.tif").write_bytes(b"II*\0torn")
    rows.append([TORN, f"raw/{TORN}.tif", "a", "", ""])
    with (folder / "images.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    config = {"images": "images.csv", "methods": METHODS, "compare": list(METHODS)}
    config |= {"spots": {"min_area": "0.2x"}, "max_failed": 1, "run": run, "seed": 3}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    wanted = [f"results/tables/{name}.csv" for name in TARGETS]
    snakemake(folder, *wanted, "results/figures/sweeps/median.png", "results/complete")
    return folder


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("steps"), mode="steps")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("batch"), mode="batch", images_per_job=4)


def table(folder, name):
    return read_text(folder / "results" / "tables" / f"{name}.csv")


def thresholds(folder, method):
    return {
        row["image"]: float(row["threshold"])
        for row in table(folder, "counts")
        if row["method"] == method and row["status"] == "ok"
    }


@pytest.mark.attack(
    kind="belonging",
    case="one study in both modes",
    outcome="the same tables, to the byte",
)
def test_tables_of_both_modes_are_the_same_bytes(steps, batch):
    files = {path.name for path in (steps / "results" / "tables").iterdir()}
    assert files == {path.name for path in (batch / "results" / "tables").iterdir()}
    assert {f"{name}.csv" for name in ("stability", "accuracy_pooled", "crossvalidation")} <= files
    for name in files:
        both = [(folder / "results" / "tables" / name).read_bytes() for folder in (steps, batch)]
        assert both[0] == both[1], name


def test_images_of_a_group_share_the_median_of_their_own_thresholds(batch):
    own = thresholds(batch, "median_scope-image")
    shared = thresholds(batch, "median_scope-group")
    assert len(own) == 8
    for group in "ab":
        members = [image for image in own if image[0] == group]
        expected = statistics.median(own[image] for image in members)
        assert [shared[image] for image in members] == pytest.approx([expected] * 4, rel=1e-5)
    everywhere = thresholds(batch, "median_scope-all")
    expected = statistics.median(own.values())
    assert list(everywhere.values()) == pytest.approx([expected] * 8, rel=1e-5)


def test_blank_images_alone_decide_where_they_are_asked(steps):
    found = thresholds(steps, "opening")
    for group in "ab":
        assert len({value for image, value in found.items() if image[0] == group}) == 1
    (record,) = steps.glob("results/own_threshold/*/opening*/*/a0.json")
    own = format_cell("threshold", yaml.safe_load(record.read_text())["threshold"])
    assert found["a1"] == float(own)
    # Only the controls were asked.
    assert {path.stem for path in record.parent.iterdir()} == {"a0", "b0"}
    decided = {row["decided_by"] for row in table(steps, "counts") if row["method"] == "opening"}
    assert decided == {"scope", ""}


@pytest.mark.attack(
    kind="inputs",
    case="a failed image in a group that shares a threshold",
    outcome="it has no say; the others get theirs",
)
def test_a_failed_image_has_no_say_and_does_not_stop_the_others(steps):
    (failure,) = table(steps, "failures")
    assert (failure["image"], failure["step"]) == (TORN, "read")
    (first,) = (row for row in table(steps, "look_first") if row["order"] == "1")
    assert first["image"] == TORN
    assert first["reasons"].startswith("failed: read: ")


def test_truth_of_every_kind_of_file_is_scored(steps):
    rows = [row for row in table(steps, "accuracy") if row["method"] == "median_scope-image"]
    assert [(row["image"], row["n_truth"], row["f1"]) for row in rows] == [
        (f"{group}{k}", str(n), "1") for group in "ab" for k, n in enumerate((0, 2, 3, 4))
    ]


def test_pooled_accuracy_adds_up_the_images(steps):
    each = table(steps, "accuracy")
    for row in table(steps, "accuracy_pooled"):
        of_method = [one for one in each if one["method"] == row["method"]]
        for name in ("n_truth", "n_spots", "matched"):
            assert int(row[name]) == sum(int(one[name]) for one in of_method)
        assert (row["n_images"], row["resampled"]) == ("8", "images")


def test_groups_have_the_mean_count_with_the_interval_of_the_configs_seed(steps):
    (row,) = (
        row
        for row in table(steps, "groups")
        if (row["group"], row["method"]) == ("a", "median_scope-image")
    )
    assert (row["n_images"], row["n_failed"], row["n_spots"]) == ("4", "1", "9")
    mean, low, high = bootstrap.mean([0, 2, 3, 4], seed=3)
    found = [float(row[f"count_{name}"]) for name in ("mean", "low", "high")]
    assert found == pytest.approx([mean, low, high], rel=1e-5)
    assert float(row["density_mean"]) == pytest.approx(1e4 * mean / (64 * 60), rel=1e-5)


def test_equally_good_methods_are_a_tie(steps):
    rows = table(steps, "recommendation")
    assert {row["rank"] for row in rows} == {"1"}
    assert rows[0]["recommendation"] == "recommended, no real difference"
    assert {row["criterion"] for row in rows} == {"truth"}
    assert rows[0]["would_settle"].startswith("Hardly any number of images")


def test_methods_are_listed_with_what_tells_them_apart(steps):
    rows = table(steps, "methods")
    assert [(row["method"], row["parameter"], row["value"]) for row in rows] == [
        ("median_scope-all", "scope", "all"),
        ("median_scope-group", "scope", "group"),
        ("median_scope-image", "scope", "image"),
        ("opening", "", ""),
    ]
    assert {row["sweep"] for row in rows} == {"median", "opening"}


def test_nothing_is_done_twice(batch):
    wanted = [f"results/tables/{name}.csv" for name in TARGETS]
    assert "Nothing to be done" in snakemake(batch, *wanted)
