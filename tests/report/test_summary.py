"""The closing lines of a run say what its tables say, and no more than can be read."""

import pytest

from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.report.summary import summarise


@pytest.fixture
def results(tmp_path):
    """Tables of a run of two methods on seven images, on six of which one is unreliable."""
    images = [f"i{k}" for k in range(7)]
    rows = {
        "recommendation": [
            {"rank": 1, "method": "b", "recommendation": "recommended", "reason": "Best."},
            {"rank": 2, "method": "a", "recommendation": "worse", "reason": "F1 lower."},
        ],
        "counts": [
            {"image": image, "method": method, "n_spots": n}
            for image in images
            for method, n in (("a", 10), ("b", None if image == "i0" else 3))
        ],
        "reliability": [
            {"image": image, "unreliable": "" if image == "i6" else "a", "advice": f"Not {image}."}
            for image in images
        ],
        "look_first": [{"order": 1, "image": "i3", "reasons": "odd"}],
    }
    (tmp_path / "tables").mkdir()
    for name, of_table in rows.items():
        tables.write(tmp_path / "tables" / f"{name}.csv", COLUMNS[name], of_table)
    return tmp_path


def test_the_method_counts_and_doubtful_images_are_said(results):
    lines = summarise(results)
    assert lines[0] == "Recommended: b. Best."
    # Of six images that did not fail, and of seven.
    assert lines[1] == "Spots: b 18 (3 per image), a 70 (10 per image)"
    assert lines[2] == "Some method is unreliable on 6 of 7 images that could be judged:"
    assert lines[3:9] == [*(f"- i{k}: Not i{k}." for k in range(5)), "- 1 more image"]
    assert lines[9] == f"Look first at i3: {results}/tables/look_first.csv says why"
    assert len(lines) == 10


def test_what_there_is_nothing_to_say_of_has_no_line(results):
    for name in ("reliability", "look_first", "counts"):
        tables.write(results / "tables" / f"{name}.csv", COLUMNS[name], [])
    none = {"rank": 1, "method": "a", "recommendation": "none recommended", "reason": "No spot."}
    path = results / "tables" / "recommendation.csv"
    tables.write(path, COLUMNS["recommendation"], [none])
    assert summarise(results) == ["No spot."]
    unjudged = none | {"recommendation": "not judged", "reason": ""}
    tables.write(path, COLUMNS["recommendation"], [unjudged])
    assert summarise(results) == []
