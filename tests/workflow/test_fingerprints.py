"""A fingerprint changes with all that a result comes from, and with nothing else."""

import os

import pytest

from localbg.pipeline.signatures import KINDS
from localbg.workflow import dependencies
from localbg.workflow.fingerprints import Fingerprints, hash_parts
from localbg.workflow.plan import make_plan
from small_study import spotted

CONFIG = {
    "images": "sheet.csv",
    "compare": ["median", "tophat"],
    "threshold": {"rule": "noise", "k": 4},
}
SHEET = "image,path,spot_radius,group\na,raw/a.tif,3,one\nb,raw/b.tif,3,one\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate("abc"):
        spotted(tmp_path / "raw" / f"{name}.tif", seed=k)
    (tmp_path / "sheet.csv").write_text(SHEET, encoding="utf-8")
    return tmp_path


def of_steps(**config):
    """Fingerprints of the median's steps, by image and kind."""
    plan = make_plan(CONFIG | config)
    prints = Fingerprints(plan)
    method = plan.methods["median"]
    return {
        (image, kind): prints.step(kind, getattr(method, kind), image)
        for image in plan.images
        for kind in KINDS
    } | {(image, "image"): prints.image(image) for image in plan.images}


def of_pieces(**config):
    """Fingerprints of all pieces of batch mode, by path."""
    plan = make_plan(CONFIG | {"run": {"mode": "batch", "images_per_job": 1}} | config)
    return {path: own() for path, own in Fingerprints(plan).expected()}


def changed(before, after):
    return {key for key in before if before[key] != after.get(key)}


def test_equal_questions_have_equal_fingerprints():
    assert of_steps() == of_steps()
    assert of_pieces() == of_pieces()
    assert (
        hash_parts({"a": 1, "b": 2}) == hash_parts({"b": 2, "a": 1}) != hash_parts({"a": 1, "b": 3})
    )


def test_parameters_change_the_step_and_what_builds_on_it():
    before = of_steps()
    later = {(image, kind) for image in "ab" for kind in ("mask", "labels")}
    assert changed(before, of_steps(threshold={"rule": "noise", "k": 5})) == later
    everything = {(image, kind) for image in "ab" for kind in KINDS}
    assert changed(before, of_steps(denoise={"filter": "gaussian", "sigma": 2})) == everything


def test_another_method_changes_nothing(here):
    assert changed(of_steps(), of_steps(compare=["median", "gaussian"])) == set()


def test_the_radius_of_one_image_changes_that_image_only(here):
    before = of_steps()
    (here / "sheet.csv").write_text(SHEET.replace("b.tif,3", "b.tif,4"), encoding="utf-8")
    assert changed(before, of_steps()) == {("b", kind) for kind in KINDS}


def test_another_file_changes_all_of_its_image(here):
    before, pieces = of_steps(), of_pieces()
    later = os.stat(here / "raw" / "b.tif").st_mtime_ns + 1
    os.utime(here / "raw" / "b.tif", ns=(later, later))
    assert changed(before, of_steps()) == {("b", kind) for kind in (*KINDS, "image")}
    assert {path.split("/")[2].split(".")[0] for path in changed(pieces, of_pieces())} == {"000002"}


@pytest.mark.parametrize("columns", ["group", "z", "pixel_size_um"])
def test_what_the_sheet_says_of_an_image_changes_its_pieces(here, columns):
    before = of_pieces()
    rows = SHEET.replace("group\n", f"group,{columns}\n") if columns != "group" else SHEET
    rows = rows.replace("one\n", "one,\n", 1).replace("one\n", "one,1\n", 1)
    rows = SHEET.replace("b.tif,3,one", "b.tif,3,two") if columns == "group" else rows
    (here / "sheet.csv").write_text(rows, encoding="utf-8")
    names = {path for path in changed(before, of_pieces())}
    assert names
    assert all("000002" in path for path in names)


def test_a_shared_threshold_depends_on_every_image_that_has_a_say(here):
    shared = {"rule": "otsu", "scope": "all"}
    before = of_steps(threshold=shared)
    (here / "sheet.csv").write_text(SHEET + "c,raw/c.tif,3,one\n", encoding="utf-8")
    later = {(image, kind) for image in "ab" for kind in ("mask", "labels")}
    assert changed(before, of_steps(threshold=shared)) == later
    assert any("shared_threshold" in path for path in of_pieces(threshold=shared))


def test_an_image_less_in_a_batch_changes_its_piece(here):
    run = {"run": {"mode": "batch", "images_per_job": 2}}
    before = of_pieces(**run)
    (here / "sheet.csv").write_text(SHEET.splitlines()[0] + "\na,raw/a.tif,3,one\n")
    assert changed(before, of_pieces(**run)) == set(before)


def test_the_code_of_a_step_is_part_of_what_its_result_answers(monkeypatch):
    steps, pieces = of_steps(), of_pieces()
    real = dependencies.digest

    def digest(*paths):
        used = set(paths).union(*map(dependencies.modules, paths))
        return "other" if "localbg/backgrounds/median.py" in used else real(*paths)

    monkeypatch.setattr(dependencies, "digest", digest)
    later = ("background", "foreground", "mask", "labels")
    assert changed(steps, of_steps()) == {(image, kind) for image in "ab" for kind in later}
    names = changed(pieces, of_pieces())
    assert names == {path for path in pieces if "median" in path or "assessment" in path}
