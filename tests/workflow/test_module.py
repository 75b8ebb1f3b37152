"""The workflow as a module of another one, from wherever it lies, and what Snakemake offers."""

import os
import shutil
import subprocess
import tarfile

import pytest

from conftest import ROOT, command, snakemake
from localbg.io.table_summaries import SUMMARIES
from small_study import NO_FIGURES, configure, read_text, spotted, table

pytestmark = pytest.mark.long

COMMON = {"images": "raw", "spots": {"min_area": "0.4x"}, "threshold": {"rule": "noise", "k": 4}}
CONFIGS = {
    "localbg": COMMON | {"compare": ["median"], "results": "out/one"},
    "other": COMMON | {"compare": ["tophat"], "results": "out/two", "run": {"mode": "batch"}},
}
MODULE = """
module {name}:
    snakefile: "{root}/Snakefile"
    config: config["{name}"]
    {more}

use rule * from {name} as {name}_*
"""
MAIN = """
configfile: "config.yaml"
{modules}
rule all:
    default_target: True
    input:
        "out/one/tables/counts.csv",
        "out/one/tables/comparison.csv",
        "out/two/tables/counts.csv",

rule mine:
    input: rules.localbg_collect.output.counts
    output: "mine.csv"
    shell: "cp {{input}} {{output}}"

onstart:
    localbg.onstart()
    other.onstart()

onsuccess:
    localbg.onsuccess()
    other.onsuccess()
"""


def attack(case, outcome):
    return pytest.mark.attack(kind="module", case=case, outcome=outcome)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the project at another path; what is compiled goes along."""
    folder = tmp_path_factory.mktemp("elsewhere") / "a copy"
    for name in ("rules", "scripts", "envs", "report"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy2(ROOT / "Snakefile", folder)
    return folder


def prepare(folder, root, more=""):
    """A workflow of somebody else's, with two modules."""
    spotted(folder / "raw" / "a.tif")
    spotted(folder / "raw" / "b.tif", seed=1)
    configure(folder, CONFIGS)
    modules = "".join(MODULE.format(name=name, root=root, more=more) for name in CONFIGS)
    (folder / "Snakefile").write_text(MAIN.format(modules=modules), encoding="utf-8")


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@attack("the workflow as a module of another one, twice", "counts are those of direct runs")
def test_modules_count_what_direct_runs_count(tmp_path, request, where):
    root = ROOT if where == "here" else request.getfixturevalue("copied")
    prepare(tmp_path, root)
    main = ("--snakefile", tmp_path / "Snakefile")
    said = snakemake(tmp_path, *main, "all", "mine")
    for place in ("one", "two"):
        assert f"2 of 2 images done; tables are in out/{place}/tables" in said
    assert (tmp_path / "out" / "two" / "batches" / "images.json").is_file()
    assert "Nothing to be done" in snakemake(tmp_path, *main, "all", "mine")
    report = tmp_path / "report.html"
    snakemake(tmp_path, *main, "all", "--report", report)
    # Of each module.
    assert report.read_text(encoding="utf-8").count(SUMMARIES["counts"]) == 2

    for name, config in CONFIGS.items():
        direct = tmp_path / name
        shutil.copytree(tmp_path / "raw", direct / "raw")
        configure(direct, config | {"results": "results"})
        snakemake(direct, *NO_FIGURES)
        expected = (direct / "results" / "tables" / "counts.csv").read_bytes()
        found = tmp_path / config["results"] / "tables" / "counts.csv"
        assert found.read_bytes() == expected
        assert [row["n_spots"] for row in read_text(found)] == ["3", "3"]
    assert (tmp_path / "mine.csv").read_bytes() == (
        tmp_path / "out" / "one" / "tables" / "counts.csv"
    ).read_bytes()


@pytest.mark.parametrize("more", ['prefix: "sub/"', 'pathvars:\n        results="sub"'])
@attack("a module whose prefix moves some paths and not others", "refused, results says where")
def test_a_prefix_is_refused_in_words(tmp_path, more):
    prepare(tmp_path, ROOT, more)
    said = snakemake(tmp_path, "--snakefile", tmp_path / "Snakefile", "-n", fails=True)
    assert "say in the module's config where results are to lie" in said
    assert "(now out/one)" in said


@attack(
    "snakemake --archive without the program conda", "an archive that runs where it is unpacked"
)
def test_an_archive_needs_no_conda_and_runs_elsewhere(tmp_path, copied):
    project = tmp_path / "project"
    shutil.copytree(copied, project, ignore=shutil.ignore_patterns("__pycache__"))
    spotted(project / "raw" / "a.tif")
    configure(project, COMMON | {"compare": ["median"]})
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    without = os.pathsep.join(
        place
        for place in os.environ["PATH"].split(os.pathsep)
        if not shutil.which("conda", path=place)
    )
    words = command(project, "--snakefile", project / "Snakefile", "--archive", "study.tar.gz")
    words["env"] |= {"PATH": without}
    done = subprocess.run(**words, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    unpacked = tmp_path / "unpacked"
    with tarfile.open(project / "study.tar.gz") as archive:
        archive.extractall(unpacked, filter="data")
    snakemake(unpacked, *NO_FIGURES, "--snakefile", unpacked / "Snakefile")
    (row,) = table(unpacked, "counts")
    assert (row["image"], row["n_spots"]) == ("a", "3")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--list", "download (Fetch an image"),
        ("--rulegraph", "digraph snakemake_dag"),
        ("--dag", 'label = "read'),
        ("--summary", "results/tables/counts.csv"),
        ("--lint", "Congratulations, your workflow is in a good condition!"),
    ],
)
def test_what_snakemake_offers_works(tmp_path, option, expected):
    spotted(tmp_path / "raw" / "a.tif")
    configure(tmp_path, COMMON | {"compare": ["median"]})
    assert expected in snakemake(tmp_path, option)
