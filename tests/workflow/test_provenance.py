"""What made the results is written down, and the same inputs give the same tables."""

import hashlib
import json
import shlex
import shutil
import subprocess
from collections import Counter
from importlib.metadata import version

import pytest
import yaml

import collect
from conftest import ROOT, snakemake
from localbg.core import files
from localbg.core.failures import Failure
from localbg.core.parameters import resolve
from localbg.io.cells import format_cell
from localbg.pipeline.signatures import KINDS
from localbg.workflow import collected, provenance
from localbg.workflow.plan import make_plan
from small_study import (
    ASSESSMENT,
    NO_FIGURES,
    RANKING,
    TABLES,
    configure,
    ran,
    read_text,
    spotted,
    table,
)

pytestmark = pytest.mark.long

CONFIG = {
    "images": "images.csv",
    "methods": {
        "median": {"background": {"radius": ["1.5x", "0.5um"]}},
        "flat": {
            "denoise": {"filter": "none"},
            "background": {"filter": "opening", "radius": 5},
            "threshold": {"rule": "value", "value": 30},
            "spots": {"min_area": "0.3x", "max_area": "1um2"},
        },
    },
    "compare": ["median", "flat"],
}
MODES = {"steps": {"mode": "steps"}, "batch": {"mode": "batch", "images_per_job": 1}}
SHEET = "image,path,spot_radius,pixel_size_um\na,raw/a.tif,,0.1\nb,raw/b.tif,0.3um,0.15\n"


def prepare(folder, mode):
    for k, name in enumerate("ab"):
        spotted(folder / "raw" / f"{name}.tif", seed=k)
    (folder / "images.csv").write_text(SHEET, encoding="utf-8")
    configure(folder, CONFIG | {"run": MODES[mode]})
    return folder


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(results):
    return {path.name: path.read_bytes() for path in (results / "tables").glob("*.csv")}


def every_table(folder, results):
    """Targets: all tables that a finished run has, to be made in some folder."""
    names = sorted(contents(folder / "results"))
    return [f"{results}/complete", *(f"{results}/tables/{name}" for name in names)]


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def study(tmp_path_factory, mode):
    """A finished run in two threads with its record, and what it said."""
    folder = prepare(tmp_path_factory.mktemp("study"), mode)
    threads = [f"{rule}=2" for rule in ("denoise", "background", "batch")]
    return folder, snakemake(folder, "--set-threads", *threads)


@pytest.fixture(scope="module")
def record(study):
    return files.read_json(study[0] / "results" / "provenance.json")


@pytest.fixture(scope="module")
def second(tmp_path_factory, mode, study):
    """The same in another folder, in one thread and without figures."""
    folder = prepare(tmp_path_factory.mktemp("second"), mode)
    snakemake(folder, *every_table(study[0], "results"), "--cores", "1")
    return folder


def test_another_folder_and_one_thread_give_the_same_tables(study, second):
    expected = contents(study[0] / "results")
    names = {*TABLES, *ASSESSMENT, *RANKING, "stability"}
    assert set(expected) == {f"{name}.csv" for name in names}
    assert contents(second / "results") == expected


def test_the_command_repeats_the_run(study, record, mode):
    program, *words = shlex.split(record["command"])
    assert program == "snakemake"
    folder, _ = study
    # `snakemake` of the tests adds options of its own, which these override.
    targets = every_table(folder, "again")
    snakemake(folder, *targets, *words, "--config", "results=again")
    assert contents(folder / "again") == contents(folder / "results")


def test_hashes_are_those_of_the_files(study, record):
    folder, _ = study
    for row in table(folder, "images"):
        assert row["sha256"] == sha256(folder / row["path"])
    assert record["images"] == {
        "number": 2,
        "failed": 0,
        "hashes": "results/tables/images.csv, column sha256",
    }
    assert record["sheet"] == {"images.csv": sha256(folder / "images.csv")}
    assert set(record["config"]) == {"config.yaml", "results/provenance.yaml"}
    assert set(record["tables"]) == set(every_table(folder, "results")[1:])
    for path, found in (record["config"] | record["tables"]).items():
        assert found == sha256(folder / path)


def test_the_config_has_every_default_filled_in(study, mode):
    folder, _ = study
    text = (folder / "results" / "provenance.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    schema = yaml.safe_load(
        (ROOT / "scripts" / "localbg" / "workflow" / "config.schema.yaml").read_text(
            encoding="utf-8"
        )
    )
    assert set(config) == set(schema["properties"])
    assert config["run"] == {"images_per_job": "auto", "keep": []} | MODES[mode]
    assert config["methods"]["flat"] == CONFIG["methods"]["flat"]
    assert config["spots"]["split"] is True


def test_versions_and_code_are_named(record):
    assert record["packages"]["numpy"] == version("numpy")
    assert record["packages"]["snakemake"] == version("snakemake")
    assert record["workflow"]["sha256"] == provenance.code_hash()
    git = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    if (ROOT / ".git").exists() and git.returncode == 0:
        assert record["workflow"]["commit"] == git.stdout.strip()


def test_the_hash_of_the_code_is_that_of_names_and_contents(tmp_path):
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    before = provenance.code_hash(tmp_path)
    (tmp_path / "rules" / "notes.txt").touch()
    assert provenance.code_hash(tmp_path) == before
    common = tmp_path / "rules" / "common.smk"
    common.rename(tmp_path / "rules" / "other.smk")
    renamed = provenance.code_hash(tmp_path)
    assert renamed != before
    (tmp_path / "rules" / "other.smk").write_text("")
    assert provenance.code_hash(tmp_path) != renamed


def test_parameters_are_what_the_plan_says_in_pixels(study, mode, monkeypatch):
    folder, _ = study
    monkeypatch.chdir(folder)
    plan = make_plan(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")))
    sizes = {"a": 0.1, "b": 0.15}
    rows = table(folder, "parameters")
    assert [(row["image"], row["method"]) for row in rows] == [
        (image, method) for image in "ab" for method in plan.methods
    ]
    for row in rows:
        method = plan.methods[row["method"]]
        for kind in KINDS:
            label = getattr(method, kind)
            step = plan.steps[kind][label].name
            given = plan.parameters(kind, label, row["image"])
            for name, value in resolve(given, sizes[row["image"]]).items():
                column = "polarity" if name == "polarity" else f"{step}_{name}"
                assert row[column] == format_cell(name, value), column
        assert row["background_of"] == method.recipe["background"]["of"]


def test_parameters_by_hand(study):
    rows = {(row["image"], row["method"]): row for row in table(study[0], "parameters")}
    # The spot radius is 3 pixels in a, and 0.3 µm of 0.15 µm a pixel in b.
    wanted = {
        ("a", "median_radius-1.5x", "background_radius"): "4.5",
        ("b", "median_radius-1.5x", "background_radius"): "3",
        ("a", "median_radius-0.5um", "background_radius"): "5",
        ("b", "median_radius-0.5um", "background_radius"): "3.33333",
        ("b", "median_radius-1.5x", "denoise_sigma"): "0.8",
        ("a", "flat", "denoise_sigma"): "",
        ("a", "flat", "background_footprint"): "disk",
        ("a", "flat", "spots_min_area"): "8.4823",
        ("b", "flat", "spots_max_area"): "44.4444",
        ("a", "flat", "threshold_value"): "30",
        ("a", "flat", "threshold"): "30",
        ("a", "median_radius-1.5x", "threshold_value"): "",
    }
    found = {(i, m, column): rows[i, m][column] for i, m, column in wanted}
    assert found == wanted
    for row in table(study[0], "counts"):
        assert rows[row["image"], row["method"]]["threshold"] == row["threshold"]


def test_what_each_rule_took_is_summed_over_its_jobs(study, record):
    _, said = study
    expected = ran(said)
    del expected["all"], expected["provenance"]
    assert Counter({rule: took["jobs"] for rule, took in record["rules"].items()}) == expected
    for took in record["rules"].values():
        assert 0 <= took["longest"] <= took["seconds"]
        assert took["peak_mb"] > 10


def test_usage_is_summed(tmp_path):
    line = "2026-01-01 00:00:00,000 INFO took {} s, {} MB at most\n"
    logs = [tmp_path / f"{k}.log" for k in range(4)]
    logs[0].write_text(line.format("1.50", "80.0"), encoding="utf-8")
    logs[1].write_text("took 9.00 s, 900.0 MB at most\n" + line.format("2.25", "70.5"))
    logs[2].write_text("2026-01-01 00:00:00,000 INFO killed before it could tell\n")
    assert provenance.usage({"read": logs, "none": []}) == {
        "read": {"jobs": 2, "seconds": 3.75, "longest": 2.25, "peak_mb": 80.0}
    }


def test_nothing_is_done_twice_and_a_changed_image_alone(second, mode):
    assert ran(snakemake(second, *NO_FIGURES, "--cores", "2")) == Counter()
    spotted(second / "raw" / "b.tif", seed=5)
    said = snakemake(second, *NO_FIGURES)
    # Two methods share the denoised image; three have each a background.
    steps = {"read": 1, "denoise": 2} | dict.fromkeys(
        ("background", "subtract", "threshold", "spots"), 3
    )
    jobs = {"steps": steps, "batch": {"batch": 3}}
    assert ran(said) == Counter(jobs[mode], collect=1, compare=1)
    row = table(second, "images")[1]
    assert row["sha256"] == sha256(second / row["path"])


@pytest.mark.attack(
    kind="inputs",
    case="an image that could not be read",
    outcome="its rows have no hash and no parameters",
)
def test_a_failed_image_has_rows_without_hash_and_parameters(tmp_path):
    row = {"image": "torn", "path": "torn.tif", "group": "", "spot_radius": 3}
    failed = collected.ImageResults(row, failure=Failure("read", "it is torn"))
    plan = make_plan({"images": {"torn": {"path": "torn.tif"}}, "compare": ["median"]})
    recipes = {method.name: method.recipe for method in plan.methods.values()}
    outputs = {name: str(tmp_path / f"{name}.csv") for name in collect.TABLES}
    collect.main([failed], recipes, outputs)
    (image,) = read_text(outputs["images"])
    assert (image["status"], image["sha256"]) == ("failed", "")
    (parameters,) = read_text(outputs["parameters"])
    assert {k: v for k, v in parameters.items() if v} == {"image": "torn", "method": "median"}
    assert parameters["background_radius"] == ""


@pytest.mark.attack(
    kind="belonging",
    case="an image changes between two jobs of a run",
    outcome="it fails: its numbers would be of two images",
)
def test_an_image_that_changes_between_two_jobs_of_a_run_is_a_failure(tmp_path):
    line = {"image": "a", "path": "a.tif", "group": "", "spot_radius": 3}
    facts = {"axes": "YX", "shape": [1, 1], "dtype": "uint8", "pixel_size_um": None}
    for name, sha in {"one": "aa", "two": "ab"}.items():
        methods = {name: {"record": {}, "spots": []}}
        made = line | {"facts": facts | {"sha256": sha}, "methods": methods}
        (tmp_path / name).write_text(json.dumps(made) + "\n", encoding="utf-8")
    (found,) = collected.from_batches([tmp_path / "one", tmp_path / "one"])
    assert found.failure is None
    (found,) = collected.from_batches([tmp_path / "one", tmp_path / "two"])
    assert found.failure == Failure("read", "a.tif changed during the run")
