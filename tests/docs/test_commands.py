"""Every command of the documentation is run here, or stands in a list with the reason why not."""

import csv
import os
import subprocess
import sys

import pages
import pytest
import yaml

from conftest import ROOT
from localbg.io import tables
from small_study import spotted

SETS_UP = "installs packages from the network; CI does it"
SLURM = "needs a cluster: tests/workflow/test_slurm.py has one"
ANNOTATED = "takes long and needs annotated images: tests/benchmarks tests the parts"
MEASURES = "measures times for minutes to hours: tests/benchmarks tests the parts"
CHECKS = "CI runs it"
# By how they begin.
NOT_RUN = {
    "python3 -m venv": SETS_UP,
    ".venv/bin/pip install": SETS_UP,
    'pip install "napari[all]"': SETS_UP,
    "python study/results/export/napari/view.py": "needs napari and a screen: "
    "tests/io/test_exports.py has a stand-in",
    "pip install .": "tests/test_api.py does it",
    ".venv/bin/snakemake --directory study --workflow-profile slurm": SLURM,
    ".venv/bin/python scripts/cancel.py": SLURM,
    "squeue": SLURM,
    ".venv/bin/snakemake --configfile data/neubias/config.yaml": "needs images from the network: "
    "tests/workflow/test_neubias.py runs it on a folder of them",
    "python benchmarks/rule_tables.py": ANNOTATED,
    "python benchmarks/check_assessment.py": ANNOTATED,
    "python benchmarks/choose_defaults.py": ANNOTATED,
    "python benchmarks/": MEASURES,
    "snakemake -n": "measured on a million rows",
    ".venv/bin/python -m pytest": "would run the tests within the tests",
    "python tests/promises.py": "tests/workflow/test_promises.py does it",
    ".venv/bin/python tests/promises.py": "tests/workflow/test_promises.py does it",
    ".venv/bin/python tests/imagej/make_references.py": "needs ImageJ",
    ".venv/bin/sphinx-build": "test_docs.py builds the docs",
    ".venv/bin/ruff": CHECKS,
    ".venv/bin/snakefmt": CHECKS,
    ".venv/bin/snakemake --lint": CHECKS,
    "bash .ci/run": CHECKS,
}
# What a reader puts in, and what is there in its place.
PLACEHOLDERS = {"/path/to/the/tiffs": "raw_elsewhere"}
OF_README = [
    "mkdir study && echo 'images: /path/to/the/tiffs' > study/config.yaml",
    ".venv/bin/snakemake --directory study suggest",
    ".venv/bin/snakemake --directory study",
]
ON_ITS_RESULTS = [
    ".venv/bin/snakemake --directory study --report report.html",
    ".venv/bin/snakemake --directory study --unlock",
    ".venv/bin/python study/results/export/napari/view.py",
    ".venv/bin/snakemake --directory study --configfile study/results/provenance.yaml "
    "--config results=again",
    ".venv/bin/snakemake --directory study --configfile elsewhere/config.yaml",
]
OF_THE_EXAMPLE = [".venv/bin/snakemake", ".venv/bin/snakemake --report report.html"]
OTHERS = [".venv/bin/python docs/reference_pages.py config"]
TUTORIAL = ROOT / "docs" / "tutorial" / "first_study.md"


def make_clone(folder):
    """A folder that looks like a fresh clone, all links: what is run in it is written there."""
    for path in ROOT.iterdir():
        if not path.name.startswith((".", "results", "report.html", "build", "study")):
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(sys.prefix)
    for name in PLACEHOLDERS.values():
        spotted(folder / name / "a.tif")
    elsewhere = {"images": "../raw_elsewhere", "results": "other", "assessment": {"images": 0}}
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "config.yaml").write_text(yaml.safe_dump(elsewhere))
    return folder


def run(folder, command):
    for shown, there in PLACEHOLDERS.items():
        command = command.replace(shown, str(folder / there))
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{command}\n{(done.stdout + done.stderr)[-6000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which the commands of the README were run."""
    folder = make_clone(tmp_path_factory.mktemp("clone"))
    for command in OF_README:
        run(folder, command)
    return folder


def test_every_command_is_run_or_listed():
    run_here = {*OF_README, *ON_ITS_RESULTS, *OF_THE_EXAMPLE, *OTHERS, *pages.commands(TUTORIAL)}
    unknown = {
        f"{pages.name(page)}: {command}"
        for page in pages.PAGES
        for command in pages.commands(page)
        if command not in run_here and not command.startswith(tuple(NOT_RUN))
    }
    assert unknown == set()


def test_no_list_has_what_no_page_says():
    said = [command for page in pages.PAGES for command in pages.commands(page)]
    # The example is run by the line that also sets up.
    said += [command.split(" && ")[-1] for command in said]
    assert [start for start in NOT_RUN if not any(c.startswith(start) for c in said)] == []
    run_here = [*OF_README, *ON_ITS_RESULTS, *OF_THE_EXAMPLE, *OTHERS]
    assert [command for command in run_here if command not in said] == []


@pytest.mark.long
def test_the_readme_s_three_lines_give_a_study(clone):
    proposed = (clone / "study/results/suggest/config.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(proposed)["spot_radius"] > 0
    counts = tables.read(clone / "study/results/tables/counts.csv")
    assert {row["method"] for row in counts} == {"gaussian", "median", "tophat"}
    assert (clone / "study/results/figures/panels/a.png").is_file()


@pytest.mark.long
def test_commands_on_a_study_that_is_there(clone):
    for command in ON_ITS_RESULTS:
        run(clone, command)
    assert (clone / "study/report.html").is_file()
    assert (clone / "study/other/tables/counts.csv").is_file()
    first, again = (clone / "study" / name / "tables" for name in ("results", "again"))
    for path in first.glob("*.csv"):
        assert (again / path.name).read_bytes() == path.read_bytes()


@pytest.mark.long
def test_the_example_and_its_report(tmp_path):
    make_clone(tmp_path)
    for command in OF_THE_EXAMPLE:
        run(tmp_path, command)
    assert (tmp_path / "results/figures/panels/cell.png").is_file()
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("command", OTHERS)
def test_other_commands(tmp_path, command):
    run(make_clone(tmp_path), command)


@pytest.mark.long
def test_the_module_of_another_workflow(tmp_path):
    page = ROOT / "docs" / "how-to" / "module.md"
    (block,) = [block.text for block in pages.blocks(page) if block.kind == ""]
    spotted(tmp_path / "raw" / "a.tif")
    wanted = "rule all:\n    default_target: True\n    input: rules.localbg_collect.output.counts\n"
    text = block.replace("/path/to/localbg", str(ROOT))
    (tmp_path / "Snakefile").write_text(f'configfile: "config.yaml"\n{text}\n{wanted}')
    (tmp_path / "config.yaml").write_text("localbg: {images: raw, results: elsewhere/results}")
    said = run(tmp_path, f"{sys.executable} -m snakemake --dry-run")
    assert "output: elsewhere/results/tables/images.csv, elsewhere/results/tables/spots.csv" in said


@pytest.mark.long
def test_the_tutorial(tmp_path):
    """It runs as it stands, and its numbers are those of the run."""
    make_clone(tmp_path)
    compared = 0
    for block in pages.blocks(TUTORIAL):
        if block.kind == "bash":
            run(tmp_path, block.text)
        elif block.kind == "commands":
            for command in block.text.strip().splitlines():
                if not command.startswith("python3 -m venv"):
                    run(tmp_path, command)
        elif block.into:
            (tmp_path / block.into).write_text(block.text, encoding="utf-8")
        elif block.as_in:
            same_as(block, tmp_path / block.as_in)
            compared += 1
    assert compared == 5


def same_as(block, path):
    """A part of a file as a page shows it: a config, or some columns of a table, rounded."""
    if block.kind == "yaml":
        assert yaml.safe_load(block.text) == yaml.safe_load(path.read_text(encoding="utf-8"))
        return
    with path.open(newline="", encoding="utf-8") as file:
        shown, written = pages.rows(block.text), list(csv.DictReader(file))
    assert len(shown) == len(written)
    for row, line in zip(shown, written, strict=True):
        assert row == {key: rounded(line[key], text) for key, text in row.items()}


def rounded(value, text):
    """A number of a table with as many decimals as another text has."""
    decimals = len(text.partition(".")[2])
    return f"{float(value):.{decimals}f}" if "." in text and value else value
