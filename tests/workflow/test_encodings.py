"""Text of sheets and configs stays text in every language that it is put into."""

import csv
import re

import pytest
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg

from conftest import snakemake
from localbg.figures import assessment_charts, style
from localbg.io import tables
from localbg.io.cells import format_cell
from localbg.report import captions
from small_study import PLACES, spotted, table

pytestmark = pytest.mark.long


def attack(case, outcome):
    return pytest.mark.attack(kind="names", case=case, outcome=outcome)


# Spreadsheets


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(
            "=HYPERLINK(1)",
            "'=HYPERLINK(1)",
            marks=attack("a group `=1+1`", "text in spreadsheets, by an apostrophe in front"),
        ),
        ("+x", "'+x"),
        ("-a.tif", "'-a.tif"),
        ("@home/a.tif", "'@home/a.tif"),
        ("\tx", "'\tx"),
        ("'=1", "''=1"),
        ("''@", "'''@"),
        ("'quoted'", "'quoted'"),
        ("", ""),
        ("a=b", "a=b"),
        ("-5", "-5"),
        ("+1e-3", "+1e-3"),
        ("-inf", "-inf"),
    ],
)
def test_cells_of_text_are_no_formulas_and_come_back_as_they_were(tmp_path, value, cell):
    path = tmp_path / "t.csv"
    tables.write(path, ("image", "group"), [{"image": "a", "group": value}])
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1] == ["a", cell]
    assert tables.read(path)[0]["group"] == value
    ((_, (row,)),) = tables.read_grouped(path)
    assert row["group"] == value


def test_a_carriage_return_ends_no_row(tmp_path):
    path = tmp_path / "t.csv"
    tables.write(path, ("image", "reason"), [{"image": "a", "reason": "\r=1\rb"}])
    assert tables.read(path) == [{"image": "a", "reason": " =1 b"}]


def test_numbers_are_never_quoted():
    for name, value, cell in (("snr", -1.5, "-1.5"), ("y", -0.25, "-0.250"), ("n_spots", -3, "-3")):
        assert format_cell(name, value) == cell


# Figures


def shown(figure):
    """All texts of a figure as they are drawn."""
    FigureCanvasAgg(figure).draw()
    texts = [text for axes in figure.axes for text in axes.get_yticklabels()] + figure.texts
    return [text._preprocess_math(text.get_text()) for text in texts]


@attack("dollars in a group or a path", "drawn as dollars; no formula, no crash")
def test_dollars_are_no_formulas():
    reason = r"read: $\frac{1$/a.tif costs 5$ or \$6"
    words, is_math = zip(*shown(style.draw_failure("a", reason)), strict=True)
    assert not any(is_math)
    assert r"$\frac{1$/a.tif costs 5$" in words[1]


def test_groups_with_dollars_are_drawn():
    groups = [r"$\bad{$", "5$"]
    recovery = [
        {"image": f"i{i:02}", "group": groups[i % 2], "method": "m", "where": where}
        | {"contrast": c, "injected": 4, "own": 1, "recovered": k}
        for i in range(14)
        for where in ("all", "flat", "slope", "bright")
        for k, c in enumerate((1.0, 2.0, 4.0))
    ]
    curves = [
        {"image": image, "group": group, "method": "m", "where": "all", "injected": 12}
        | {"contrast50": 2.0, "contrast50_low": 1.5, "contrast50_high": 3.0, "contrast90": 4.0}
        | {"contrast90_low": 3.0, "contrast90_high": 5.0, "note": "", "images": 1}
        | {"ceiling": 1.0, "middle": 2.0, "width": 1.0}
        for image, group in [("", ""), *(("", g) for g in groups)]
        + [(f"i{i:02}", groups[i % 2]) for i in range(14)]
    ]
    drawn = shown(assessment_charts.draw_completeness(recovery, curves))
    for group in groups:
        assert (group, False) in drawn


# Captions


@attack("`<script>` in a group or a path", "shown as text in the report")
def test_tables_of_captions_hold_any_text():
    html = captions.html([{"group": "<script>alert(1)</script>&\n.. raw:: html"}])
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp; .. raw:: html" in html


@attack("an id that ends in `_`, stars and bars in a reason", "shown as text in the report")
def test_words_of_captions_are_no_markup():
    from docutils.core import publish_string

    text = r"a_ b__ *x* |y| `z`_ <http://u> \n m_radius-2x"
    html = publish_string(captions.words(text), writer="html5").decode()
    assert 'class="system-message' not in html
    body = re.sub(r"<[^>]*>", "", html.split("<main", 1)[1]).strip()
    assert text.replace("<", "&lt;").replace(">", "&gt;") in body


# Snakemake


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A run whose paths and groups have braces, dollars, quotes and blanks in them."""
    folder = tmp_path_factory.mktemp("study")
    inner = folder / "exp[1] {image} <results>"
    inner.mkdir()
    spotted(inner / "a{x}$1'\".tif")
    spotted(inner / "-b.tif")
    points = "".join(f"{y},{x}\n" for y, x in PLACES)
    (inner / "t{image}.csv").write_text("y,x\n" + points)
    (inner / "t b$.csv").write_text("y,x\n500,3\n")
    with (inner / "images{n}.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "path", "group", "truth"))
        rows.writerow(("a_", "a{x}$1'\".tif", "=1+{y}$\\z$<script>", "t{image}.csv"))
        rows.writerow(("b", "-b.tif", "\u202e{{", "t b$.csv"))
    config = {
        "images": str(inner / "images{n}.csv"),
        "methods": {"median": {"background": {"filter": "median", "radius": "2x"}}},
        "compare": ["median"],
        "assessment": {"images": 0},
    }
    (inner / "c{o}.yaml").write_text(yaml.safe_dump(config))
    return folder, snakemake(folder, "--configfile", str(inner / "c{o}.yaml"))


@attack("braces, dollars, quotes in paths of images, truth, sheet and config", "they are paths")
def test_braces_in_paths_are_no_wildcards(study):
    folder, said = study
    assert "2 of 2 images done" in said
    a, b = table(folder, "accuracy")
    assert (a["image"], a["status"], a["f1"]) == ("a_", "ok", "1")
    assert (b["image"], b["status"], b["f1"]) == ("b", "failed", "")
    assert "1 of 1 points lie outside of the image of 64 x 60 pixels" in b["reason"]
    with (folder / "results/tables/images.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["group"] for row in rows] == ["'=1+{y}$\\z$<script>", "\u202e{{"]
    (row,) = [row for row in table(folder, "look_first") if row["image"] == "b"]
    assert "points lie outside" in row["reasons"]


def test_a_changed_truth_is_scored_again(study):
    folder, _ = study
    inner = next(folder.glob("exp*"))
    points = "".join(f"{y},{x}\n" for y, x in PLACES)
    (inner / "t b$.csv").write_text("y,x\n" + points)
    said = snakemake(folder, "--configfile", str(inner / "c{o}.yaml"))
    assert "rule accuracy:" in said
    assert "rule spots:" not in said
    assert [row["f1"] for row in table(folder, "accuracy")] == ["1", "1"]


def test_the_report_of_such_a_run_can_be_made(study):
    folder, _ = study
    inner = next(folder.glob("exp*"))
    options = ("--configfile", str(inner / "c{o}.yaml"), "--report", "report.html")
    assert "Missing" not in snakemake(folder, *options)
    assert "<script>$" not in (folder / "report.html").read_text(encoding="utf-8")
