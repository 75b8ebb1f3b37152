"""A value of a sweep that does not fit an image costs its own method, and no other."""

import pytest
from test_assess import RADIUS, scenes, work

from conftest import snakemake
from localbg.assessment import assess
from localbg.core import failures
from localbg.io import tables
from localbg.io.columns import COLUMNS
from small_study import PLACES, configure, rows_of, spotted, table

pytestmark = pytest.mark.long

UNFIT = "m_radius-300"
REASON = (
    f"{UNFIT}: the filter's radius of 300 px does not fit the image of 64 x 60 pixels; expected "
    "2 radius + 1 <= 60. Give a smaller radius or spot_radius"
)


@pytest.fixture(scope="module", params=["steps", "batch"])
def sweep(request, tmp_path_factory):
    """A run in which one of three values fits no image, and what it said."""
    folder = tmp_path_factory.mktemp("sweep")
    spotted(folder / "a.tif")
    spotted(folder / "b.tif", PLACES[1:], seed=1)
    lines = ["image,path,truth"]
    for name, places in (("a", PLACES), ("b", PLACES[1:])):
        (folder / f"{name}.csv").write_text("\n".join(["y,x", *(f"{y},{x}" for y, x in places)]))
        lines.append(f"{name},{name}.tif,{name}.csv")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    config = {
        "images": "images.csv",
        "methods": {"m": {"background": {"filter": "median", "radius": [8, 9, 300]}}},
        "compare": ["m"],
        "run": {"mode": request.param},
        "assessment": {"injected": 8, "contrasts": {"lowest": 4, "highest": 64, "steps": 3}},
    }
    configure(folder, config)
    return folder, snakemake(folder, fails=True)


def test_the_other_methods_have_all_their_numbers(sweep):
    folder, _ = sweep
    for image, n in (("a", "3"), ("b", "2")):
        rows = rows_of(folder, "counts", image=image)
        assert [(row["method"], row["status"], row["n_spots"]) for row in rows] == [
            (UNFIT, "failed", ""),
            ("m_radius-8", "ok", n),
            ("m_radius-9", "ok", n),
        ]
        (compared,) = rows_of(folder, "comparison", image=image)
        assert (compared[UNFIT], compared["m_radius-8"], compared["count_median"]) == ("", n, n)
        (pair,) = rows_of(folder, "agreement", image=image)
        assert (pair["method_a"], pair["method_b"], pair["jaccard"]) == (
            *("m_radius-8", "m_radius-9"),
            "1",
        )
        scored = rows_of(folder, "accuracy", image=image)
        assert [(row["status"], row["f1"]) for row in scored] == [
            ("failed", ""),
            ("ok", "1"),
            ("ok", "1"),
        ]
    together = table(folder, "accuracy_pooled")
    assert [(row["method"], row["n_images"]) for row in together] == [
        ("m_radius-8", "2"),
        ("m_radius-9", "2"),
    ]
    groups = {row["method"]: (row["n_images"], row["n_failed"]) for row in table(folder, "groups")}
    assert groups == {UNFIT: ("0", "2"), "m_radius-8": ("2", "0"), "m_radius-9": ("2", "0")}
    assert [row["count_mean"] for row in table(folder, "stability")] == ["2.5", "2.5"]
    decoys = table(folder, "false_positives")
    assert {row["method"] for row in decoys} == {"m_radius-8", "m_radius-9"}
    assert len(decoys) == 4


def test_the_method_that_failed_is_named_with_its_value_and_what_to_do(sweep):
    folder, said = sweep
    rows = [(row["image"], row["step"], row["reason"]) for row in table(folder, "failures")]
    assert rows == [("a", "background", REASON), ("b", "background", REASON)]
    assert "0 of 2 images done" in said
    assert f"- a, background: {REASON}" in said
    (image,) = rows_of(folder, "images", image="a")
    assert (image["status"], image["reason"]) == ("ok", f"background of {REASON}")
    notes = {row["method"]: row["note"] for row in rows_of(folder, "completeness", image="a")}
    assert notes[UNFIT].startswith("background failed: the filter's radius of 300 px does not fit")
    assert not notes["m_radius-8"].startswith("background failed")


def test_the_recommendation_judges_the_others(sweep):
    folder, _ = sweep
    rows = table(folder, "recommendation")
    assert rows[0]["recommendation"].startswith("recommended")
    assert (rows[-1]["method"], rows[-1]["recommendation"]) == (UNFIT, "not judged")


def test_others_have_the_assessment_that_they_have_without_the_one_that_failed():
    image = scenes(0.0)[0][0]
    alone = work(compare=["median"])
    unfit = {"unfit": {"background": {"filter": "median", "radius": 3000}}}
    swept = work(methods=unfit, compare=["median", "unfit"])
    found = assess.assess_image(image, "a", RADIUS, **swept)
    (failed,) = found.pop("failed")
    assert failed["method"] == "unfit"
    assert failed["reason"].startswith("background failed: the filter's radius of 3000 px does")
    assert found == assess.assess_image(image, "a", RADIUS, **alone)
    assert sum(row["recovered"] for row in found["recovery"]) > 100
    with pytest.raises(failures.StepFailed, match="radius of 3000 px"):
        assess.assess_image(image, "a", RADIUS, **work(methods=unfit, compare=["unfit"]))


def test_a_method_that_fails_on_most_images_has_no_say_and_one_that_fails_on_some_has(tmp_path):
    path = tmp_path / "counts.csv"
    numbers = {"a": (1, 2, ""), "b": (3, "", ""), "c": (5, 6, ""), "torn": ("", "", "")}
    rows = [
        {"image": image, "method": method, "status": "ok" if n else "failed", "n_spots": n}
        for image, of_methods in numbers.items()
        for method, n in zip("mno", of_methods, strict=True)
    ]
    tables.write(path, COLUMNS["counts"], rows)
    assert tables.fit_methods(path) == ["m", "n"]
    assert tables.read_counts(path) == (["m", "n"], [[1, 2], [5, 6]])
