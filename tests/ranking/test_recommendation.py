"""The recommendation: the strongest criterion ranks, and ties are called ties."""

import math

import numpy as np
import pytest

import recommend
from localbg.accuracy import pooled
from localbg.figures import recommendation_chart
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.ranking import recommendation
from localbg.ranking.criteria import (
    Criterion,
    judge_by_false_positives,
    judge_by_images,
    judge_by_injection,
    judge_by_residuals,
    judge_by_stability,
    judge_by_truth,
)
from small_study import as_read, read_text

NAN = math.nan
SIMPLE = {"a": 5, "b": 5, "c": 5}


def truth(scores, differences=None, **known):
    """Criterion of truth on ten images; scores are given without or with an interval."""
    scores = {m: s if isinstance(s, tuple) else (s, s - 0.1, s + 0.1) for m, s in scores.items()}
    known = {"kind": "truth", "measure": "F1", "n_images": 10} | known
    return Criterion(scores=scores, differences=differences or {}, **known)


def injected(scores, **known):
    known = {"n_images": 10, "higher_is_better": False} | known
    return Criterion("injected spots", "contrast", scores, **known)


def table(rows):
    return [(row["rank"], row["method"], row["recommendation"]) for row in rows]


def test_a_method_is_better_where_the_difference_leaves_out_0_though_intervals_overlap():
    known = truth({"a": 0.8, "b": 0.77}, {("a", "b"): (0.03, 0.01, 0.05)})
    rows = recommendation.recommend("ab", [known], SIMPLE)
    assert table(rows) == [(1, "a", "recommended"), (2, "b", "worse")]
    assert rows[1]["difference"] == -0.03
    assert (rows[1]["difference_low"], rows[1]["difference_high"]) == (-0.05, -0.01)
    assert rows[1]["reason"] == "F1 lower than that of a by 0.03 (0.01 to 0.05)."
    assert "better than that of all others" in rows[0]["reason"]
    assert rows[0]["would_settle"] == "Settled for images like these."


def test_a_tie_is_called_a_tie_and_says_how_many_images_would_settle_it():
    known = truth({"a": 0.8, "b": 0.7}, {("a", "b"): (0.1, -0.1, 0.3)})
    rows = recommendation.recommend("ab", [known], SIMPLE)
    assert table(rows) == [
        (1, "a", "recommended, no real difference"),
        (1, "b", "no real difference"),
    ]
    assert rows[0]["reason"].startswith("No real difference from b in F1.")
    # The interval has to shrink to half: four times the ten images.
    assert rows[0]["would_settle"] == (
        "True spots of about 40 images in all, if the difference persists."
    )


def test_an_interval_that_ends_at_0_is_a_tie():
    known = truth({"a": 0.8, "b": 0.7}, {("a", "b"): (0.1, 0, 0.2)})
    assert [row["rank"] for row in recommendation.recommend("ab", [known], SIMPLE)] == [1, 1]


def test_no_number_of_images_settles_what_is_equal():
    known = truth({"a": 0.8, "b": 0.8}, {("a", "b"): (0, 0, 0)})
    (row, _) = recommendation.recommend("ab", [known], SIMPLE)
    assert row["would_settle"].startswith("Hardly any number of images")
    assert row["reason"].endswith("or by name where equal.")


def test_the_order_of_two_names_does_not_matter():
    there = truth({"a": 0.7, "b": 0.8}, {("a", "b"): (-0.1, -0.15, -0.05)})
    back = truth({"a": 0.7, "b": 0.8}, {("b", "a"): (0.1, 0.05, 0.15)})
    assert recommendation.recommend("ab", [there], SIMPLE) == recommendation.recommend(
        "ab", [back], SIMPLE
    )
    assert table(recommendation.recommend("ab", [back], SIMPLE))[0] == (1, "b", "recommended")


def test_ranks_skip_the_places_of_those_that_share_one():
    differences = {
        ("a", "b"): (0.01, -0.01, 0.03),
        ("a", "c"): (0.2, 0.1, 0.3),
        ("b", "c"): (0.19, 0.1, 0.3),
    }
    known = truth({"a": 0.9, "b": 0.89, "c": 0.7}, differences)
    rows = recommendation.recommend("abcd", [known], SIMPLE)
    assert [(row["rank"], row["method"]) for row in rows] == [
        (1, "a"),
        (1, "b"),
        (3, "c"),
        (4, "d"),
    ]
    assert rows[3]["recommendation"] == "not judged"


def test_few_images_call_no_difference_real():
    differences = {("a", "b"): (0.3, 0.2, 0.4)}
    few = truth({"a": 0.9, "b": 0.6}, differences, n_images=5)
    enough = truth({"a": 0.9, "b": 0.6}, differences, n_images=6)
    assert [row["rank"] for row in recommendation.recommend("ab", [few], SIMPLE)] == [1, 1]
    assert [row["rank"] for row in recommendation.recommend("ab", [enough], SIMPLE)] == [1, 2]
    assert "5 images are too few" in recommendation.recommend("ab", [few], SIMPLE)[0]["reason"]


def test_one_image_with_resampled_spots_speaks_for_itself():
    differences = {("a", "b"): (0.3, 0.2, 0.4)}
    known = truth({"a": 0.9, "b": 0.6}, differences, n_images=1, resampled="spots")
    rows = recommendation.recommend("ab", [known], SIMPLE)
    assert table(rows) == [(1, "a", "recommended"), (2, "b", "worse")]
    assert rows[0]["reason"].endswith("One image speaks for itself only.")
    assert rows[0]["would_settle"] == "True spots of 6 images or more."


def test_truth_outweighs_injected_spots_which_decide_between_equals():
    apart = truth({"a": 0.9, "b": 0.6}, {("a", "b"): (0.3, 0.2, 0.4)})
    tie = truth({"a": 0.9, "b": 0.8}, {("a", "b"): (0.1, -0.1, 0.3)})
    favours_b = injected({"a": (2.0, 1.9, 2.1), "b": (1.0, 0.9, 1.1)})
    assert recommendation.recommend("ab", [favours_b, apart], SIMPLE)[0]["method"] == "a"
    rows = recommendation.recommend("ab", [favours_b, tie], SIMPLE)
    assert table(rows)[0] == (1, "b", "recommended, no real difference")
    assert (
        "Taken because injected spots tell them apart: its contrast is 1 (0.9 to 1.1)."
        in (rows[0]["reason"])
    )
    assert rows[0]["difference"] == -0.1  # its F1 is no higher, and the table says so
    alone = recommendation.recommend("ab", [favours_b], SIMPLE)
    assert table(alone) == [(1, "b", "recommended"), (2, "a", "worse")]
    assert alone[1]["reason"] == "Contrast higher than that of b."
    assert "would be a stronger criterion" in alone[0]["would_settle"]


def test_weaker_criterion_to_the_contrary_is_said():
    apart = truth({"a": 0.9, "b": 0.6}, {("a", "b"): (0.3, 0.2, 0.4)})
    favours_b = injected({"a": (2.0, 1.9, 2.1), "b": (1.0, 0.9, 1.1)})
    (first, _) = recommendation.recommend("ab", [favours_b, apart], SIMPLE)
    assert first["method"] == "a"
    assert first["reason"].endswith(
        "But injected spots speak for b: its contrast is 1 (0.9 to 1.1), not 2 (1.9 to 2.1)."
    )
    unsure = injected({"a": (2.0, 0.9, 3.1), "b": (1.0, 0.9, 1.1)})
    assert "But" not in recommendation.recommend("ab", [unsure, apart], SIMPLE)[0]["reason"]


def test_criterion_without_a_number_for_any_method_is_none():
    nothing = injected({"a": (NAN, NAN, NAN), "b": (NAN, NAN, NAN)})
    assert recommendation.recommend("ab", [nothing], SIMPLE)[0]["criterion"] == "none"


def test_of_equals_the_safest_is_taken_then_the_simplest():
    equal = {("a", "b"): (0.01, -0.1, 0.1)}
    safe_b = truth({"a": 0.81, "b": 0.8}, equal, worst={"a": 0.2, "b": 0.7})
    rows = recommendation.recommend("ab", [safe_b], SIMPLE)
    assert rows[0]["method"] == "b"
    assert "its poorest F1 on any image is 0.7, that of the others down to 0.2" in rows[0]["reason"]
    alike = truth({"a": 0.81, "b": 0.8}, equal, worst={"a": 0.7, "b": 0.7})
    rows = recommendation.recommend("ab", [alike], {"a": 6, "b": 4})
    assert rows[0]["method"] == "b"
    assert "it sets the fewest parameters" in rows[0]["reason"]


def test_without_a_paired_difference_intervals_must_not_touch():
    apart = injected({"a": (1.0, 0.9, 1.1), "b": (1.3, 1.2, 1.4)})
    touching = injected({"a": (1.0, 0.9, 1.2), "b": (1.3, 1.2, 1.4)})
    unknown = injected({"a": (1.0, NAN, NAN), "b": (9.0, NAN, NAN)})
    for criterion, ranks in ((apart, [1, 2]), (touching, [1, 1]), (unknown, [1, 1])):
        assert [row["rank"] for row in recommendation.recommend("ab", [criterion], SIMPLE)] == ranks


def test_without_criterion_no_method_is_recommended():
    rows = recommendation.recommend("ba", [truth({})], SIMPLE)
    assert table(rows) == [(1, "a", "not judged"), (1, "b", "not judged")]
    assert "a count does not say what is right" in rows[0]["reason"]
    assert "column truth" in rows[0]["would_settle"]


def test_what_choosing_promised_too_much_is_said():
    known = truth({"a": 0.9, "b": 0.6}, {("a", "b"): (0.3, 0.2, 0.4)})
    tuned = {"f1_chosen_on": 0.9, "f1_left_out": 0.72}
    (first, second) = recommendation.recommend("ab", [known], SIMPLE, tuned)
    assert "has F1 0.72 on the group left out; 0.9 where it was chosen." in first["reason"]
    assert "left out" not in second["reason"]


# Criteria from tables


def test_criterion_of_truth_is_that_of_the_tables():
    rng = np.random.default_rng(0)
    hits = rng.binomial(30, [[0.9, 0.7]] * 8)
    images = np.array([[[30, 30, hit, 0.0] for hit in image] for image in hits])
    together, differences = pooled.summary(["a", "b"], images, None, seed=0)
    each = [
        {"method": method, "f1": hit / 30}
        for image in hits
        for method, hit in zip("ab", image, strict=True)
    ]
    known = judge_by_truth(*map(as_read, (together, differences, each)))
    assert (known.kind, known.n_images, known.resampled) == ("truth", 8, "images")
    assert known.scores["a"][0] == pytest.approx(hits[:, 0].mean() / 30, rel=1e-5)
    assert known.worst["b"] == pytest.approx(hits[:, 1].min() / 30, rel=1e-5)
    assert known.is_better("a", "b")
    assert not known.is_better("b", "a")


def injected_tables(**methods):
    """Rows of recovery.csv and false_positives.csv: of 100 injected those found, decoy's of 40."""
    rows, false = [], []
    for method, images in methods.items():
        for k, (recovered, n) in enumerate(images):
            key = {"method": method, "image": f"i{k}"}
            rows.append(key | {"where": "all", "injected": 100, "recovered": recovered, "own": 0})
            rows.append(key | {"where": "bright", "injected": 10, "recovered": 0, "own": 9})
            decoy = {"kind": "decoy", "n_false": n, "n_spots": 40, "density": n / 5, "smoothed": 0}
            false.append(key | decoy)
    return as_read(rows), as_read(false)


def test_injected_spots_and_decoys_are_compared_image_by_image():
    base = np.array([10, 50, 20, 70, 30, 90, 40])
    tables_ = injected_tables(a=[(r + 2, 0) for r in base], b=[(r, 0) for r in base])
    known = judge_by_injection(*tables_, seed=0)
    assert known.scores["b"][0] == pytest.approx(np.mean(2 * base / (base + 100)), rel=1e-5)
    assert known.worst["b"] == pytest.approx(20 / 110, rel=1e-5)
    assert (known.is_better("a", "b"), known.is_better("b", "a")) == (True, False)
    few = injected_tables(a=[(r + 2, 0) for r in base[:3]], b=[(r, 0) for r in base[:3]])
    assert not judge_by_injection(*few, seed=0).is_better("a", "b")


def test_a_method_that_finds_most_but_half_of_it_false_is_not_the_better_one():
    tables_ = injected_tables(greedy=[(60, 20)] * 6, careful=[(50, 1)] * 6)
    known = judge_by_injection(*tables_, seed=0)
    assert known.scores["greedy"][0] == pytest.approx(2 * 0.6 * 0.5 / 1.1)
    assert known.scores["careful"][0] == pytest.approx(2 * 0.5 * 0.975 / 1.475)
    assert known.is_better("careful", "greedy")


def test_one_image_is_judged_by_its_spots():
    known = judge_by_injection(*injected_tables(greedy=[(60, 28)], careful=[(50, 1)]), seed=0)
    assert known.resampled == "spots"
    assert known.is_better("careful", "greedy")
    low, high = known.scores["careful"][1:]
    assert 0.55 < low < 0.63 < 0.70 < high < 0.75
    alike = judge_by_injection(*injected_tables(a=[(51, 2)], b=[(50, 1)]), seed=0)
    assert not alike.is_better("a", "b")
    assert not alike.is_better("b", "a")


def test_a_method_that_finds_nothing_is_the_worst():
    known = judge_by_injection(*injected_tables(a=[(20, 0)] * 6, b=[(0, 0)] * 6), seed=0)
    assert known.scores["b"][0] == 0
    assert [row["rank"] for row in recommendation.recommend("ab", [known], SIMPLE)] == [1, 2]


def of_heights(own, **methods):
    """The same of six images: of 10 injected of each height those found, and the own like it."""
    rows, false = [], []
    for method, found in methods.items():
        for k in range(6):
            key = {"method": method, "image": f"i{k}"}
            false.append(key | {"kind": "decoy", "n_false": 0, "n_spots": 40, "density": 0})
            rows += [
                key | {"where": "all", "injected": 10, "recovered": n, "own": like}
                for n, like in zip(found, own, strict=True)
            ]
    return as_read(rows), as_read(false)


def test_injected_spots_count_by_how_many_of_the_images_own_are_as_high():
    methods = {"dim": [5, 9, 9], "careful": [0, 10, 10]}
    known = judge_by_injection(*of_heights([0, 3, 1], **methods), seed=0)
    assert known.scores["careful"][0] == pytest.approx(1)
    assert known.scores["dim"][0] == pytest.approx(2 * 0.9 / 1.9)
    assert known.is_better("careful", "dim")
    lower = judge_by_injection(*of_heights([6, 3, 1], **methods), seed=0)
    assert lower.scores["dim"][0] == pytest.approx(2 * 0.66 / 1.66)
    assert lower.is_better("dim", "careful")
    # Of an image without spots of its own all heights count.
    nothing = judge_by_injection(*of_heights([0, 0, 0], **methods), seed=0)
    assert nothing.scores["dim"][0] == pytest.approx(2 * (23 / 30) / (1 + 23 / 30))


def test_images_without_injected_spots_have_no_say():
    rows, false = injected_tables(a=[(20, 0)] * 6, b=[(30, 0)] * 6)
    known = judge_by_injection(rows, false, seed=0)
    for method in "ab":
        key = {
            "method": method,
            "image": "crowded",
            "kind": "decoy",
            "n_false": 0,
            "n_spots": 9,
        }
        false.append(key | {"density": 0})
    also = judge_by_injection(rows, false, seed=0)
    assert (also.scores, also.differences) == (known.scores, known.differences)
    assert also.n_images == 6


def test_a_score_without_an_interval_is_never_better():
    rows = [{"method": m, "image": "", "score": s} for m, s in (("a", 0.1), ("b", 0.9))]
    known = judge_by_images("residuals", "texture", rows, "score", seed=0, higher_is_better=False)
    assert not known.is_better("a", "b")


def test_false_positives_are_those_of_blank_images_and_of_decoys_only_without_any():
    densities = {"blank": (0.0, 2.0), "decoy": (9.0, 0.5)}
    rows = [
        {"image": f"i{k}", "method": method, "kind": kind, "density": value}
        for k in range(6)
        for kind, values in densities.items()
        for method, value in zip("ab", values, strict=True)
    ]
    known = judge_by_false_positives(rows, seed=0)
    assert known.scores == {"a": (0, 0, 0), "b": (2, 2, 2)}
    assert known.is_better("a", "b")
    assert "blank images" in known.measure
    decoys = judge_by_false_positives([row for row in rows if row["kind"] == "decoy"], seed=0)
    assert decoys.is_better("b", "a")


def test_a_trend_of_either_sign_is_as_bad():
    rows = [
        {"image": f"i{k}", "method": method, "trend": trend}
        for k in range(6)
        for method, trend in (("a", -0.4), ("b", 0.1), ("c", None))
    ]
    known = judge_by_residuals(rows, seed=0)
    assert {method: score[0] for method, score in known.scores.items()} == pytest.approx(
        {"a": 0.4, "b": 0.1}
    )
    assert known.is_better("b", "a")


def test_a_method_is_as_stable_as_on_its_worst_axis():
    rows = [
        {"method": "a", "slope": 0.1, "slope_low": 0.05, "slope_high": 0.2},
        {"method": "a", "slope": 0.6, "slope_low": 0.5, "slope_high": 0.7},
        {"method": "b", "slope": 0.3, "slope_low": 0.25, "slope_high": 0.4},
        {"method": "c", "slope": None, "slope_low": None, "slope_high": None},
    ]
    known = judge_by_stability(rows, 9)
    assert known.scores == {"a": (0.6, 0.5, 0.7), "b": (0.3, 0.25, 0.4)}
    assert known.is_better("b", "a")


# The figure


def test_the_figure_shows_scores_in_the_order_of_the_recommendation():
    known = truth({"a": 0.7, "b": (0.9, 0.8, 0.95)}, {("a", "b"): (-0.2, -0.3, -0.1)})
    more = injected({"a": (2.0, 1.5, 2.5)})
    rows = recommendation.recommend("ab", [known, more], SIMPLE)
    figure = recommendation_chart.draw_recommendation(rows, [more, known])
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["1  b", "2  a"]
    assert [label.get_weight() for label in first.get_yticklabels()] == ["bold", "normal"]
    (interval, dot) = first.lines[:2]
    assert interval.get_xdata() == pytest.approx([0.8, 0.95])
    assert dot.get_xdata() == pytest.approx([0.9])
    assert dot.get_ydata()[0] > first.lines[3].get_ydata()[0]
    assert second.get_xlabel() == "contrast; lower is better"
    assert figure.get_suptitle() == "Recommended: b, better than all others"


def test_the_figure_says_where_nothing_is_known():
    figure = recommendation_chart.draw_recommendation(
        recommendation.recommend("ab", [], SIMPLE), []
    )
    assert figure.texts[0].get_text() == "Nothing but counts is known"


def test_injected_spots_are_taken_where_their_table_is_there(tmp_path):
    rows, false = injected_tables(a=[(50, 20)] * 6, b=[(50, 0)] * 6)
    counts = [
        {"image": f"i{k}", "method": method, "status": "ok", "n_spots": n}
        for k in range(6)
        for method, n in (("a", 900), ("b", 3))  # many spots are no merit
    ]
    tables.write(tmp_path / "recovery.csv", rows[0], rows)
    tables.write(tmp_path / "false_positives.csv", false[0], false)
    tables.write(tmp_path / "counts.csv", COLUMNS["counts"], counts)
    images = [
        {"image": f"i{k}", "status": "ok", "flags": "saturated" if k == 3 else ""}
        | {"saturated_fraction": 0.02, "highest_grey": 255}
        for k in range(6)
    ]
    tables.write(tmp_path / "images.csv", COLUMNS["images"], images)
    recommend.main(
        images=str(tmp_path / "images.csv"),
        counts=str(tmp_path / "counts.csv"),
        found={name: str(tmp_path / f"{name}.csv") for name in ("recovery", "false_positives")},
        n_parameters={"a": 5, "b": 5},
        seed=0,
        table=str(tmp_path / "recommendation.csv"),
        of_images=str(tmp_path / "reliability.csv"),
        figure=str(tmp_path / "recommendation.png"),
    )
    first, second = read_text(tmp_path / "recommendation.csv")
    assert (first["method"], first["recommendation"]) == ("b", "recommended")
    assert (first["criterion"], first["n_images"]) == ("injected spots", "6")
    assert (second["recommendation"], second["difference"]) == ("worse", "-0.166667")
    assert second["not_on"].startswith("i0, where about 20 of its 40 spots are false; nor on i1, ")
    trusted = read_text(tmp_path / "reliability.csv")
    assert {row["unreliable"] for row in trusted} == {"a"}
    saturated = [
        row["advice"].endswith("2 % of its pixels are saturated (255).") for row in trusted
    ]
    assert saturated == [k == 3 for k in range(6)]
    assert first["reason"].endswith(recommendation.BLIND)
    assert (tmp_path / "recommendation.png").stat().st_size > 5000
