"""Where no method finds anything none is recommended, and the run says what to do."""

import pytest

import recommend
from localbg.figures import recommendation_chart
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.ranking import recommendation
from localbg.ranking.criteria import Criterion
from localbg.ranking.recommendation import LOOK
from localbg.workflow import closing
from localbg.workflow.plan import make_plan

SIMPLE = {"a": 5, "b": 5}
NOTHING = f"No method found a spot in any image. So none is recommended. {LOOK}"


def injected(a, b, kind="injected spots", measure="expected F1 (from injected spots and decoys)"):
    scores = {"a": (a, a, a), "b": (b, b, b)}
    return Criterion(kind, measure, scores, {("a", "b"): (a - b,) * 3}, n_images=9)


def recommendations(criterion, n_spots):
    return [
        row["recommendation"]
        for row in recommendation.recommend("ab", criterion, SIMPLE, n_spots=n_spots)
    ]


def test_a_high_expected_f1_is_no_merit_where_no_method_finds_a_spot():
    first, second = recommendation.recommend("ab", [injected(0.9, 0.9)], SIMPLE, n_spots=0)
    assert first["recommendation"] == second["recommendation"] == "none recommended"
    assert first["reason"] == second["reason"] == NOTHING
    assert recommendations([injected(0.9, 0.9)], 1)[0] == "recommended, no real difference"
    # As before, where the number of spots is not known.
    assert recommendations([injected(0.9, 0.8)], None) == ["recommended", "worse"]


def test_none_is_recommended_where_the_best_f1_is_near_nothing():
    first, second = recommendation.recommend("ab", [injected(0.09, 0.02)], SIMPLE, n_spots=7)
    assert first["reason"] == (
        "The best expected F1 (from injected spots and decoys) is 0.09. So none is recommended. "
        + LOOK
    )
    assert (first["recommendation"], second["recommendation"]) == ("none recommended", "worse")
    (first, _) = recommendation.recommend("ab", [injected(0.02, 0.0)], SIMPLE, n_spots=0)
    assert " is 0.02, and no method found a spot. So none is recommended." in first["reason"]
    assert recommendations([injected(0.1, 0.02)], 7) == ["recommended", "worse"]
    # A low number of another kind may be a good one.
    trend = Criterion("residuals", "trend", {"a": (0.01,) * 3}, n_images=9, higher_is_better=False)
    assert recommendations([trend], 7)[0] == "recommended"


def test_no_spots_are_right_where_truth_says_so():
    truth = injected(1.0, 1.0, kind="truth", measure="F1")
    assert recommendations([truth], 0)[0] == "recommended, no real difference"
    missed = injected(0.0, 0.0, kind="truth", measure="F1")
    assert recommendations([missed], 0) == ["none recommended"] * 2


def test_without_criterion_too_it_is_said_that_no_spots_were_found():
    rows = recommendation.recommend("ab", [], SIMPLE, n_spots=0)
    assert [row["reason"] for row in rows] == [NOTHING] * 2
    assert recommendations([], 3) == ["not judged"] * 2


def test_the_figure_names_none():
    known = [injected(0.9, 0.9)]
    figure = recommendation_chart.draw_recommendation(
        recommendation.recommend("ab", known, SIMPLE, n_spots=0), known
    )
    assert figure.get_suptitle() == "No method can be recommended"


@pytest.mark.parametrize("n_spots", [0, 3])
def test_the_last_lines_of_a_run_say_that_none_is_recommended(tmp_path, n_spots):
    folder = tmp_path / "tables"
    folder.mkdir()
    counts = [{"image": "i", "method": m, "status": "ok", "n_spots": n_spots} for m in "ab"]
    rows = {"counts": counts, "images": [{"image": "i", "status": "ok", "flags": ""}]}
    for name in ("counts", "images", "failures"):
        tables.write(folder / f"{name}.csv", COLUMNS[name], rows.get(name, []))
    (tmp_path / "complete").touch()
    recommend.main(
        images=str(folder / "images.csv"),
        counts=str(folder / "counts.csv"),
        found={},
        n_parameters=SIMPLE,
        seed=0,
        table=str(folder / "recommendation.csv"),
        of_images=str(folder / "reliability.csv"),
        figure=str(tmp_path / "recommendation.png"),
    )
    said = closing.report(make_plan({"images": {"i": "i.tif"}, "results": str(tmp_path)}))
    assert "1 of 1 images done" in said
    assert (NOTHING in said) == (n_spots == 0)
