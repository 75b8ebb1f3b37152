"""Ids of images and names of methods fit every file system, and Snakemake."""

import pytest
from snakemake.io import PeriodicityDetector

from localbg.core import names
from localbg.workflow import sheet
from localbg.workflow.plan import PlanError, make_plan


def attack(case, outcome):
    return pytest.mark.attack(kind="names", case=case, outcome=outcome)


def problem(name):
    """What is wrong with an id in a mapping; nothing else may be."""
    found = sheet.read_sheet({name: "a.tif"}, base=None, spot_radius=3, results="results")[1]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "a" * 5 + "b" * 5 + "0123456789" * 19,
            "has 200 characters; expected 100 at most",
            marks=attack("an id of 200 characters", "refused, with its length"),
        ),
        pytest.param(
            "plate" + "0" * 30,
            "ends in '0' 20 times over, which Snakemake refuses; expected another ending",
            marks=attack("an id that ends in 30 zeros", "refused, and not by Snakemake's riddle"),
        ),
        pytest.param("x" + "ab-" * 25, "ends in 'ab-' 20 times over", id="three letters again"),
        pytest.param(
            "CON",
            "is the name of a device on Windows; expected another name",
            marks=attack("an id `con` or `nul.1`", "refused: no file on Windows"),
        ),
        pytest.param("nul.1", "is the name of a device on Windows", id="device with a suffix"),
        pytest.param(
            "cell.",
            "ends in a dot, which Windows drops from names of files; expected another ending",
            marks=attack("an id that ends in a dot", "refused: two ids would be one file"),
        ),
        pytest.param(
            "a\nb",
            r"has characters that don't fit a file name ('\n')",
            marks=attack("a line break in an id", "refused, and shown as \\n"),
        ),
    ],
)
def test_an_id_that_breaks_something_is_refused(name, expected):
    assert expected in problem(name)
    assert "\n" not in problem(name)


@pytest.mark.parametrize("name", ["a" * 19, "x" * 18 + "-0" * 19, "cell.1", "console", "9"])
def test_ids_that_break_nothing_are_kept(name):
    assert problem(name) is None
    assert PeriodicityDetector().is_periodic(name) is None


@pytest.mark.parametrize(
    "stem",
    [
        pytest.param(
            "very long " * 30, marks=attack("files of 200 characters", "a short id of its own")
        ),
        pytest.param("0" * 40, marks=attack("a file `000…0.tif`", "an id that Snakemake takes")),
        pytest.param("aux", marks=attack("a file `aux.tif`", "an id that is no device")),
        *("com1.x", "...", "-", "", "ab" * 30, "e." * 30, "名" * 200),
    ],
)
def test_any_name_of_a_file_makes_a_good_id(stem):
    name = names.clean(stem)
    assert names.find_problem(name) is None
    assert PeriodicityDetector().is_periodic(name) is None
    assert names.clean(stem) == name
    assert names.clean(stem + "x") != name


@attack("long names that differ at their end", "ids differ, by a hash of the name")
def test_long_names_that_differ_late_have_ids_that_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = "experiment 7, well B3, " * 8
    for end in "12":
        (tmp_path / f"{long}{end}.tif").touch()
    images, problems, _ = sheet.read_sheet(".", base=None, spot_radius=3, results="results")
    assert problems == []
    assert len(images) == 2
    assert {len(name) for name in images} == {100}
    assert [image.path for image in images.values()] != []


@attack("`a b.tif` beside `a_b.tif`", "refused, naming both files")
def test_files_that_clean_to_one_id_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a b.tif", "a_b.tif"):
        (tmp_path / name).touch()
    _, (found,), _ = sheet.read_sheet("*.tif", base=None, spot_radius=3, results="results")
    assert found.startswith("images, 'a_b.tif': image 'a_b' is there already (images, 'a b.tif')")


@attack("a file name that is not UTF-8", "refused by name; no table breaks on it")
def test_a_file_name_that_is_no_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        open(b"caf\xe9.tif", "w").close()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    _, (found,), _ = sheet.read_sheet("*.tif", base=None, spot_radius=3, results="results")
    assert r"path is 'caf\udce9.tif'; expected text" in found
    found.encode("utf-8")


@attack("a line break in the name of a file", "refused by name")
def test_a_file_name_with_a_line_break_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb.tif").touch()
    _, (found,), _ = sheet.read_sheet("*.tif", base=None, spot_radius=3, results="results")
    assert r"path is 'a\nb.tif'; expected text without line breaks" in found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "m\n",
            r"the name 'm\n' has characters that don't fit",
            marks=attack("a method's name that ends in a line break", "refused"),
        ),
        ("m" * 101, "has 101 characters; expected 100 at most"),
        ("m" * 30, "ends in 'm' 20 times over"),
        ("nul", "is the name of a device on Windows"),
    ],
)
def test_names_of_methods_obey_the_same_rules(name, expected):
    config = {"images": {"a": "a.tif"}, "methods": {name: {"background": {"filter": "median"}}}}
    with pytest.raises(PlanError) as error:
        make_plan(config)
    assert expected in str(error.value)


@attack("a sweep of so many lists that its names are too long", "refused before any job")
def test_the_name_of_a_sweep_may_be_too_long():
    method = {
        "background": {"filter": "median", "radius": ["12.3456789012um", 2], "shrink": [1, 2]},
        "spots": {"min_area": ["12.345678901234um2", 3], "min_distance": ["1.23456789012um", 4]},
        "threshold": {
            "rule": "percentile",
            "percent": [3.14159265358, 4],
            "min_snr": [1.23456789, 0],
        },
    }
    with pytest.raises(PlanError) as error:
        make_plan({"images": {"a": "a.tif"}, "methods": {"m": method}, "compare": ["m"]})
    assert "of a sweep has 1" in str(error.value)
    assert "characters; expected 100 at most" in str(error.value)
