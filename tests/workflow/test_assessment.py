"""Real runs: assessment in both modes, with a blank image and one that cannot be read."""

import numpy as np
import pytest
import tifffile
import yaml

from conftest import snakemake
from localbg.figures import assessment_charts
from localbg.io.columns import COLUMNS
from simulate import gaussian_spots
from small_study import read_text

pytestmark = pytest.mark.long

TABLES = ("recovery", "completeness", "false_positives", "residuals")
TARGETS = (
    *(f"results/tables/{name}.csv" for name in (*TABLES, "counts")),
    *("results/figures/completeness.png", "results/figures/false_positives.png"),
)
CONFIG = {
    "images": "sheet.csv",
    "compare": ["median", "tophat"],
    "threshold": {"rule": "noise", "k": 3},
    "spots": {"min_area": "0.2x"},
    "assessment": {"injected": 3, "contrasts": {"lowest": 0.25, "highest": 64, "steps": 13}},
    "max_failed": 1,
}
PLACES = [(20, 20), (60, 70), (95, 30)]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Two images of spots, a blank one and one that is cut short, with their sheet."""
    folder = tmp_path_factory.mktemp("raw")
    rng = np.random.default_rng(0)
    for name, places in (("a", PLACES), ("b", PLACES[:2]), ("control", [])):
        pixels = 100 + rng.normal(0, 4, (120, 110))
        pixels += gaussian_spots(pixels.shape, [(y, x, 90, 1.5) for y, x in places])
        tifffile.imwrite(folder / f"{name}.tif", pixels.round().astype(np.uint16))
    (folder / "broken.tif").write_bytes((folder / "a.tif").read_bytes()[:300])
    rows = ["a,a.tif,x,", "b,b.tif,y,", "broken,broken.tif,y,", "control,control.tif,,blank"]
    text = "\n".join(["image,path,group,role", *rows])
    (folder / "sheet.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def finished(folder, raw, **config):
    sheet = str(raw / "sheet.csv")
    text = yaml.safe_dump(CONFIG | {"images": sheet} | config)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    said = snakemake(folder, *TARGETS, "--configfile", folder / "config.yaml")
    assert "3 of 4 images done" in said
    return folder / "results"


@pytest.fixture(scope="module")
def steps(raw, tmp_path_factory):
    return finished(tmp_path_factory.mktemp("steps"), raw)


def rows(results, name, **wanted):
    found = read_text(results / "tables" / f"{name}.csv")
    return [row for row in found if wanted.items() <= row.items()]


def test_both_modes_give_the_same_assessment(steps, raw, tmp_path):
    batches = finished(tmp_path, raw, run={"mode": "batch", "images_per_job": 3})
    for name in TABLES:
        one, other = ((r / "tables" / f"{name}.csv").read_bytes() for r in (steps, batches))
        assert one == other
        assert one.decode().splitlines()[0].split(",") == list(COLUMNS[name])


def test_an_image_that_cannot_be_read_is_a_row_with_the_reason_and_costs_the_others_nothing(steps):
    for row in rows(steps, "completeness", image="broken"):
        assert row["note"].startswith("read failed: ")
        assert "truncated or damaged" in row["note"]
        assert row["contrast50"] == ""
    for image in ("a", "b"):
        for row in rows(steps, "completeness", image=image, where="all"):
            assert 0.4 < float(row["contrast50_low"]) < float(row["contrast50_high"]) < 4
    assert {row["image"] for row in rows(steps, "residuals")} == {"a", "b"}


def test_what_failed_is_gathered_again_by_the_next_run_and_nothing_else(steps):
    assert {path.stem for path in (steps / "assessment").iterdir()} == {"a", "b"}


def test_blank_images_are_counted_as_false_and_not_injected_in(steps):
    assert {row["image"] for row in rows(steps, "recovery")} == {"a", "b"}
    false = rows(steps, "false_positives", kind="blank")
    counts = rows(steps, "counts", image="control")
    assert [(r["image"], r["method"], r["n_false"], r["density"]) for r in false] == [
        (r["image"], r["method"], r["n_spots"], r["density"]) for r in counts
    ]
    assert len(rows(steps, "false_positives", kind="decoy")) == 4


def test_tables_are_sorted_and_every_contrast_has_its_spots(steps):
    for name in ("false_positives", "residuals"):
        keys = [(row["image"], row["method"]) for row in rows(steps, name)]
        assert keys == sorted(keys)
    everywhere = rows(steps, "recovery", image="a", method="median", where="all")
    assert [row["injected"] for row in everywhere] == ["3"] * 13
    contrasts = [float(row["contrast"]) for row in everywhere]
    np.testing.assert_allclose(contrasts, np.geomspace(0.25, 64, 13), rtol=1e-5)


def test_without_images_for_it_there_is_no_assessment(raw, tmp_path):
    config = CONFIG | {"images": str(raw / "sheet.csv"), "assessment": {"images": 0}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    said = snakemake(tmp_path, "--dry-run", "--configfile", tmp_path / "config.yaml")
    assert "rule collect:" in said
    assert "rule assess:" not in said
    assert "rule collect_assessment:" not in said


def test_figures_show_every_method_and_are_drawn_without_any_assessment_too():
    empty = assessment_charts.draw_completeness([], [])
    assert empty.get_suptitle() == "No spots were injected"
    recovery = [
        {"image": "a", "method": m, "where": "all", "contrast": c, "injected": 9, "recovered": k}
        for m in ("median", "tophat")
        for c, k in ((1.0, 0), (4.0, 3), (16.0, 9))
    ]
    known = {
        "where": "all",
        "injected": 27,
        "middle": 5.0,
        "width": 0.2,
        "ceiling": 1.0,
        "note": "",
    }
    known |= {f"contrast50{end}": 5.0 for end in ("", "_low", "_high")}
    known |= {f"contrast90{end}": None for end in ("", "_low", "_high")}
    curves = [
        {"image": image, "group": "", "method": m} | known
        for m in ("median", "tophat")
        for image in ("", "a")
    ]
    figure = assessment_charts.draw_completeness(recovery, curves)
    shares = [
        line for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert [list(line.get_ydata()) for line in shares] == [[0, pytest.approx(3 / 9), 1]] * 2
    assert [text.get_text() for text in figure.legends[0].texts] == ["median", "tophat"]
    assert figure.get_suptitle() == "27 spots injected in 1 image"
    faults = assessment_charts.draw_false_positives([], [])
    assert len(faults.axes) == 8
