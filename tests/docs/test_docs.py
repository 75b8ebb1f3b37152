"""The documentation is true: commands run, code and configs are valid, links and names exist."""

import re
import subprocess
import sys

import numpy as np
import pages
import pytest
import reference_pages
import yaml

from conftest import ROOT
from localbg.io.columns import COLUMNS
from localbg.workflow import config, plan, sheet

every_page = pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
SECTIONS = ("scripts", "benchmarks", "tests", "docs", "envs", "rules", "report", "profiles", "data")
# What a fence without a language may hold: excerpts that are no program.
PLAIN = {"docs/how-to/module.md", "docs/reference/sheet.md"}
# Files with the suffix of a table that are none of the workflow's tables.
OTHER_CSV = {"images.csv"}
# What the benchmarks write between markers.
BENCHMARKS = {
    "README.md": ["rules in short"],
    "docs/accuracy.md": ["rules", "left out", "ablation", "sensitivity", "assessment"],
}


def test_readme_is_one_page():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 170


@every_page
def test_links_lead_somewhere(page):
    for target in pages.links(page):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in pages.anchors(file), target


@every_page
def test_files_that_are_named_exist(page):
    for text in pages.inline_code(page):
        path = text.split("::")[0].rstrip("/")
        if re.fullmatch(rf"({'|'.join(SECTIONS)})(/[\w.\-]+)+", path):
            assert (ROOT / path).exists(), text


@every_page
def test_tables_that_are_named_exist(page):
    named = {m[1] for text in pages.inline_code(page) if (m := re.search(r"(\w+)\.csv$", text))}
    written = {f"{name}.csv" for name in (*COLUMNS, "comparison")} | OTHER_CSV
    named -= {m for m in named if page.name in ("truth.md", "CONTRIBUTING.md") and m == "truth"}
    assert {f"{name}.csv" for name in named} <= written


@every_page
def test_configs_are_valid(page):
    for block in pages.blocks(page):
        if block.kind != "yaml":
            continue
        settings = yaml.safe_load(block.text)
        assert config.problems({"images": "raw"} | settings) == []
        images = settings.get("images")
        if not isinstance(images, dict):
            images = {"one": {"path": "one.tif"}, "none": {"path": "none.tif", "role": "blank"}}
        assert plan.make_plan(settings | {"images": images}).methods


def test_the_sheet_has_known_columns():
    page = ROOT / "docs" / "reference" / "sheet.md"
    (block,) = [block.text for block in pages.blocks(page) if block.kind == ""]
    head, *rows = block.splitlines()
    assert set(head.split(",")) <= set(sheet.COLUMNS)
    assert {len(row.split(",")) for row in rows} == {len(head.split(","))}


@every_page
def test_code_blocks_are_of_a_known_kind(page):
    for block in pages.blocks(page):
        known = {"python", "yaml", "bash", "commands", "diagram", "table"}
        assert block.kind in known or block.kind.startswith("{") or pages.name(page) in PLAIN


@every_page
def test_python_code_runs(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {}
    for block in pages.blocks(page):
        if block.kind == "python":
            exec(compile(block.text, str(page), "exec"), names)
    if "lowest" in names:
        np.testing.assert_array_equal(names["lowest"](np.eye(5), radius=1), np.zeros((5, 5)))


@every_page
def test_scripts_take_the_options_that_are_shown(page):
    for command in pages.commands(page):
        script, options = pages.options(command)
        # Before a script stand the options of Python or pytest.
        # Those of a study are what a run makes.
        is_ours = script and not script.startswith("study/")
        if is_ours and "snakemake" not in command and "pytest" not in command:
            text = (ROOT / script).read_text(encoding="utf-8")
            assert [option for option in options if f'"{option}"' not in text] == []


def test_the_reference_names_every_key_column_and_table():
    parts = {name: part() for name, part in reference_pages.PARTS.items()}
    schema = config.schema()["properties"]
    keys = [key for spec in schema.values() for key in spec.get("properties", ())]
    assert [key for key in schema if f"### {key}\n" not in parts["config"]] == []
    assert [key for key in keys if f"`{key}`" not in parts["config"]] == []
    for step in ("denoise", "background", "subtract", "threshold", "spots"):
        for takes in config.defaults()[step]:
            assert f"`{takes}`" in parts["steps"]
    assert [column for column in sheet.COLUMNS if f"`{column}`" not in parts["sheet"]] == []
    for table, columns in COLUMNS.items():
        assert f"`tables/{table}.csv`" in parts["tables"]
        assert [column for column in columns if f"| `{column}` |" not in parts["tables"]] == []
    assert "`tables/comparison.csv`" in parts["tables"]


def test_every_part_of_the_reference_has_its_place():
    used = {}
    for page in pages.PAGES:
        for part in reference_pages.MARKER.findall(page.read_text(encoding="utf-8")):
            used[part] = pages.name(page)
    assert used.keys() == reference_pages.PARTS.keys()
    assert set(used.values()) == {f"docs/{page}.md" for page in reference_pages.PAGES}


def test_pages_have_the_markers_that_benchmarks_fill():
    for page, names in BENCHMARKS.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in names:
            assert text.count(f"<!-- {name} -->") == text.count(f"<!-- /{name} -->") == 1


@pytest.mark.long
def test_the_docs_build_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="envs/requirements-docs.txt is not installed")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", ROOT / "docs", tmp_path]
    done = subprocess.run(build, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    tables = (tmp_path / "reference" / "tables.html").read_text(encoding="utf-8")
    assert "tables/spots.csv" in tables
    assert "detect_spots" in (tmp_path / "reference" / "api.html").read_text(encoding="utf-8")
