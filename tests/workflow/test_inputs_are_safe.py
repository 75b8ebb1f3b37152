"""Nothing that the workflow did not write is deleted, moved or overwritten."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from conftest import snakemake
from localbg.core import files
from localbg.workflow import ownership, plan
from small_study import NO_FIGURES, configure, spotted

pytestmark = pytest.mark.long

CONFIG = {"compare": ["median"], "assessment": {"images": 0}}


def study(folder, images, **config):
    """A study whose images lie in this folder of it; their bytes come back."""
    for k, name in enumerate("ab"):
        spotted(folder / images / f"{name}.tif", seed=k)
    rows = {name: {"path": f"{images}/{name}.tif"} for name in "ab"}
    configure(folder, CONFIG | {"images": rows} | config)
    return contents(folder / images)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def attack(case, outcome="refused in words, all files stay"):
    return pytest.mark.attack(kind="inputs", case=case, outcome=outcome)


def problems(folder, **config):
    """What is refused when a plan is made in a folder."""
    made = plan.make_plan(CONFIG | config)
    return ownership.problems(folder / made.results, folder, made.inputs())


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("images", "config"),
    [
        pytest.param(
            "image", {"results": "."}, marks=attack("results: . with raw images in ./image")
        ),
        pytest.param(
            "results/image",
            {},
            marks=attack("the default results with raw images in results/image"),
        ),
        pytest.param(
            "results/mask",
            {"run": {"mode": "batch", "keep": ["mask"]}},
            marks=attack("batch mode that keeps masks, with raw images where masks go"),
        ),
        pytest.param(
            "raw", {"results": "raw"}, marks=attack("results in the folder of raw images")
        ),
        pytest.param("raw", {"results": ".."}, marks=attack("results above the study's folder")),
    ],
)
def test_raw_images_where_results_go_are_refused_and_stay(tmp_path, images, config):
    folder = tmp_path / "study"
    before = study(folder, images, **config)
    said = snakemake(folder, *NO_FIGURES, fails=True)
    assert "holds files that are none of this workflow's results" in said
    assert contents(folder / images) == before
    assert not list(folder.rglob("*.csv"))


@attack("images: results/image, the images of an earlier run")
def test_images_of_an_earlier_run_are_no_images_of_the_next(tmp_path):
    study(tmp_path, "raw")
    snakemake(tmp_path, *NO_FIGURES)
    before = contents(tmp_path / "results" / "image")
    assert len(before) == 4
    rows = {name: {"path": f"results/image/{name}.tif"} for name in "ab"}
    configure(tmp_path, CONFIG | {"images": rows})
    said = snakemake(tmp_path, *NO_FIGURES, fails=True)
    assert said.count("lies in the folder of results") == 2
    configure(tmp_path, CONFIG | {"images": "results/image"})
    said = snakemake(tmp_path, *NO_FIGURES, fails=True)
    assert "2 lie under the results folder 'results', so are no images" in said
    assert contents(tmp_path / "results" / "image") == before


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("raw.tif", marks=attack("an image that is a link into the results")),
        pytest.param("into", marks=attack("an image behind a link to a folder of the results")),
        pytest.param(
            "a/../results/image", marks=attack("an image in the results, spelled with ..")
        ),
        pytest.param(
            "results/image/link.tif", marks=attack("a link in the results to an image elsewhere")
        ),
    ],
)
def test_an_image_in_the_results_is_found_by_its_real_path(here, link):
    ownership.claim("results", ".")
    inside = spotted(here / "results" / "image" / "x.tif")
    (here / "a").mkdir()
    path = here / link
    if link == "raw.tif":
        path.symlink_to(inside)
    elif link == "into":
        path.symlink_to(inside.parent, target_is_directory=True)
        path /= "x.tif"
    elif path.suffix:
        path.symlink_to(spotted(here / "elsewhere.tif"))
    else:
        path /= "x.tif"
    told = problems(here, images={"x": {"path": str(path)}})
    assert [text for text in told if text.startswith(f"image 'x': {path} lies in the folder of")]


@attack("results reached by another spelling of the same folder (a link to it)")
def test_results_behind_a_link_are_the_same_folder(here):
    (here / "disk").mkdir()
    (here / "results").symlink_to("disk", target_is_directory=True)
    ownership.claim("results", ".")
    path = spotted(here / "disk" / "image" / "x.tif")
    (told,) = problems(here, images={"x": {"path": str(path)}})
    assert told.startswith(f"image 'x': {path} lies in the folder of results, ")


@pytest.mark.parametrize(
    ("what", "columns"),
    [
        pytest.param("truth of 'x'", {"truth": "results/truth.csv"}, marks=attack("truth there")),
        pytest.param("sheet", None, marks=attack("the sheet in the folder of results")),
    ],
)
def test_nothing_that_is_read_lies_in_the_results(here, what, columns):
    ownership.claim("results", ".")
    spotted(here / "raw" / "x.tif")
    (here / "results" / "truth.csv").write_text("y,x\n3,4\n", encoding="utf-8")
    sheet = here / "results" / "sheet.csv"
    sheet.write_text("image,path\nx,../raw/x.tif\n", encoding="utf-8")
    rows = {"x": {"path": "raw/x.tif"} | columns} if columns else "results/sheet.csv"
    (told,) = problems(here, images=rows)
    assert told.startswith(f"{what}: results/")
    assert f"lies in the folder of results, {here}/results, whose files the workflow" in told


@attack("the config in the folder of results")
def test_a_config_in_the_results_is_refused(tmp_path):
    study(tmp_path, "raw")
    snakemake(tmp_path, *NO_FIGURES)
    moved = shutil.move(tmp_path / "config.yaml", tmp_path / "results" / "mine.yaml")
    said = snakemake(tmp_path, *NO_FIGURES, "--configfile", moved, fails=True)
    assert "config: " in said
    assert "mine.yaml lies in the folder of results" in said
    assert os.path.exists(moved)


@attack("a link out of the results, to the folder of raw images")
def test_links_out_of_the_results_are_refused(tmp_path):
    before = study(tmp_path, "raw")
    ownership.claim(tmp_path / "results", tmp_path)
    (tmp_path / "results" / "image").symlink_to(tmp_path / "raw", target_is_directory=True)
    said = snakemake(tmp_path, *NO_FIGURES, fails=True)
    assert "results/image is a link; the workflow would write to where it points" in said
    assert contents(tmp_path / "raw") == before


@attack("two studies with one folder of results, one after the other")
def test_the_results_of_another_study_are_refused(tmp_path):
    for name in "ab":
        study(tmp_path / name, "raw", results="../shared")
    snakemake(tmp_path / "a", "../shared/complete")
    before = contents(tmp_path / "shared" / "tables")
    said = snakemake(tmp_path / "b", "../shared/complete", fails=True)
    assert f"shared belongs to the study in {tmp_path / 'a'}" in said
    assert contents(tmp_path / "shared" / "tables") == before


@attack("a study that is moved with its results", "goes on with what is done")
def test_a_study_that_moves_keeps_its_results(here):
    (here / "one").mkdir()
    ownership.claim("one/results", "one")
    shutil.move("one", "two")
    assert ownership.problems("two/results", "two", []) == []
    assert len(ownership.problems("two/results", ".", [])) == 1


@attack("a folder that gets a file between the plan and the first job", "the job writes beside it")
def test_a_job_never_writes_in_the_place_of_what_it_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "checks", [])
    image = spotted(tmp_path / "results" / "mask" / "a.tif")
    before = image.read_bytes()
    files.protect([image])
    with (
        pytest.raises(files.NotWritten, match="is an image that is read"),
        files.whole(image) as beside,
    ):
        beside.write_bytes(b"mask")
    assert image.read_bytes() == before
    assert list(image.parent.iterdir()) == [image]


def test_an_empty_folder_and_a_new_one_may_be_written_to(here):
    (here / "results").mkdir()
    spotted(here / "raw" / "x.tif")
    assert problems(here, images="raw") == []
    assert problems(here, images="raw", results="new/results") == []


@attack("a record that names the study is damaged", "refused in words, all files stay")
def test_a_damaged_mark_is_none(here):
    ownership.claim("results", ".")
    (here / "results" / ".localbg" / "study.json").write_text("{", encoding="utf-8")
    assert ownership.problems("results", ".", []) == []
    spotted(here / "results" / "image" / "x.tif")
    (told,) = ownership.problems("results", ".", [])
    assert "holds files that are none of this workflow's results (such as image)" in told


@attack("the config that provenance records, used in place", "the run repeats, the config stays")
def test_the_recorded_config_may_be_used_where_it_lies(tmp_path):
    study(tmp_path, "raw")
    snakemake(tmp_path, "results/provenance.json")
    config = tmp_path / "results" / "provenance.yaml"
    before = config.read_bytes(), contents(tmp_path / "results" / "tables")
    (tmp_path / "config.yaml").unlink()
    words = shlex.split(json.loads(config.with_suffix(".json").read_text())["command"])
    assert words[0] == "snakemake"
    words = [sys.executable, "-m", *words, "results/provenance.json", "--forceall"]
    subprocess.run([*words, "--workflow-profile", "none"], cwd="/", check=True, capture_output=True)
    assert (config.read_bytes(), contents(tmp_path / "results" / "tables")) == before


def test_a_tilde_is_the_users_folder(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here / "home"))
    path = spotted(here / "home" / "raw" / "x.tif")
    made = plan.make_plan(CONFIG | {"images": {"x": "~/raw/x.tif"}, "results": "~/out"})
    assert (made.images["x"].path, made.results) == (str(path), str(here / "home" / "out"))
    assert list(plan.make_plan(CONFIG | {"images": "~/raw"}).images) == ["x"]


@attack("results that are a link to a disk which is not there", "refused before any job")
def test_results_behind_a_broken_link_are_refused(here):
    spotted(here / "raw" / "x.tif")
    (here / "results").symlink_to(here / "unplugged")
    (told,) = plan.make_plan(CONFIG | {"images": "raw"}).missing_files()
    assert told.startswith(f"results: {here}/results is a link to {here}/unplugged, which is not")
