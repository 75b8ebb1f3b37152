"""Which methods to trust on an image: said of each image, in plain words, whatever the ranking."""

import pytest

from localbg.figures import recommendation_chart
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.ranking import reliability
from localbg.ranking.criteria import Criterion
from localbg.ranking.recommendation import recommend
from localbg.report.captions import Run


def false_positives(image="disc", kind="decoy", smooth=0, **methods):
    """Rows of false_positives.csv: false positives and spots of each method."""
    return [
        {"image": image, "method": method, "kind": kind, "smoothed": smooth}
        | {"n_false": n, "n_spots": n_spots}
        for method, (n, n_spots) in methods.items()
    ]


def recovery(*heights, image="disc", method="a"):
    """Rows of recovery.csv: injected, recovered and own, at the contrasts 1.5, 3, 4.5, …"""
    rows = [("all", 1.5 * k, *numbers) for k, numbers in enumerate(heights, 1)]
    rows.append(("flat", 99, 9, 0, 9))
    keys = ("where", "contrast", "injected", "recovered", "own")
    return [{"image": image, "method": method} | dict(zip(keys, row, strict=True)) for row in rows]


def accuracy(image="disc", **methods):
    keys = ("n_spots", "n_truth", "matched")
    return [
        {"image": image, "method": method} | dict(zip(keys, numbers, strict=True))
        for method, numbers in methods.items()
    ]


def fault(accuracy=(), recovery=(), false_positives=()):
    return reliability.judge_images(accuracy, recovery, false_positives)["disc"]["a"].fault


def test_a_method_half_of_whose_spots_are_false_is_unreliable():
    assert fault(false_positives=false_positives(a=(5, 11))) == ""
    assert fault(false_positives=false_positives(a=(6, 11))) == "about 6 of its 11 spots are false"
    edges = false_positives(a=(6, 11), smooth=3)
    assert (
        fault(false_positives=edges)
        == "about 6 of its 11 spots are false, many of them made of edges"
    )
    assert fault(false_positives=false_positives(a=(9, 4))).startswith("all of its 4 spots")


def test_one_or_two_false_positives_speak_against_no_method():
    assert fault(false_positives=false_positives(a=(2, 2))) == ""
    assert fault(false_positives=false_positives(a=(3, 3)))


def test_what_is_found_in_a_blank_image_is_false():
    rows = false_positives(kind="blank", smooth="", a=(7, 7))
    assert fault(false_positives=rows) == "it finds 7 spots and there are none"
    assert fault(false_positives=false_positives(kind="blank", smooth="", a=(1, 1))) == ""


def test_a_method_that_finds_next_to_nothing_is_unreliable():
    few = recovery((10, 0, 0), (10, 2, 6), (10, 4, 2))
    assert reliability.recall([(10, 0, 0), (10, 2, 6), (10, 4, 2)]) == pytest.approx(0.25)
    assert fault(recovery=few, false_positives=false_positives(a=(0, 3))) == ""
    fewer = recovery((10, 0, 0), (10, 1, 6), (10, 4, 2))
    rows = false_positives(a=(0, 3))
    assert fault(recovery=fewer, false_positives=rows) == (
        "it finds 18% of the spots injected as high as the image's own (contrast 3 to 4.5, in "
        "standard deviations of the local noise)"
    )
    of_one = fault(recovery=recovery((10, 5, 0), (10, 2, 3)), false_positives=rows)
    assert "it finds 20% of the spots injected as high as the image's own (contrast 3, in" in of_one
    # An image that has no spots of its own asks for none.
    assert fault(recovery=recovery((10, 0, 0)), false_positives=rows) == ""


def test_truth_outweighs_decoys():
    rows = false_positives(a=(9, 10))
    assert fault(accuracy(a=(10, 12, 10)), (), rows) == ""
    assert fault(accuracy(a=(10, 12, 4)), (), rows) == "6 of its 10 spots are false"
    assert fault(accuracy(a=(3, 100, 3)), (), rows) == "it finds 3% of the true spots"
    assert fault(accuracy(a=(5, 0, 0))) == "all of its 5 spots are false"


def test_the_advice_on_an_image_says_whom_to_trust_and_whom_not():
    rows = false_positives(smooth=7, a=(13, 21), b=(0, 2), c=(0, 1))
    (row,) = reliability.advise(reliability.judge_images((), (), rows))
    assert (row["reliable"], row["unreliable"], row["criterion"]) == ("b c", "a", "decoy")
    assert row["advice"] == (
        "Nothing speaks against b (2 spots) and c (1 spot). "
        "Do not trust a, where about 13 of its 21 spots are false, many of them made of edges."
    )
    rows = false_positives("x", a=(0, 9)) + false_positives("w", a=(9, 9))
    assert [
        row["advice"] for row in reliability.advise(reliability.judge_images((), (), rows))
    ] == [
        "Do not trust a, where all of its 9 spots may be false.",
        "Nothing speaks against a (9 spots).",
    ]


def test_the_report_shows_images_first_on_which_some_method_is_not_to_be_trusted(tmp_path):
    rows = [row for name in "abc" for row in false_positives(name, m=(9 if name == "b" else 0, 9))]
    (tmp_path / "tables").mkdir()
    path = tmp_path / "tables" / "reliability.csv"
    tables.write(
        path, COLUMNS["reliability"], reliability.advise(reliability.judge_images((), (), rows))
    )
    assert [row["image"] for row in Run(tmp_path, {}).reliability()] == ["b", "a", "c"]
    assert Run(tmp_path / "nothing", {}).reliability() == []


def tie(**scores):
    scores = {method: (score, score - 0.1, score + 0.1) for method, score in scores.items()}
    return Criterion("injected spots", "F1", scores, n_images=3)


DOUBTS = {"a": [("disc", "about 13 of its 21 spots are false"), ("cell", "it fails")]}


def test_of_equals_one_that_can_be_trusted_everywhere_is_recommended():
    rows = recommend("abc", [tie(a=0.9, b=0.8, c=0.7)], dict.fromkeys("abc", 5), None, DOUBTS)
    assert [row["method"] for row in rows] == ["b", "c", "a"]
    last = rows[-1]
    assert last["recommendation"] == "no real difference, but not on every image"
    assert last["not_on"] == "disc, where about 13 of its 21 spots are false; nor on cell"
    assert last["reason"].endswith(f"Do not trust it on {last['not_on']}.")
    assert "not_on" not in rows[0]
    (first, _) = recommend("ab", [tie(a=0.9, b=0.8)], dict.fromkeys("ab", 5), None, DOUBTS)
    assert "Taken because there are fewer images on which not to trust it." in first["reason"]


def test_what_is_recommended_by_a_stronger_criterion_has_its_doubts_said():
    known = Criterion("truth", "F1", {"a": (0.9, 0.8, 1), "b": (0.5, 0.4, 0.6)}, n_images=9)
    first, second = recommend("ab", [known], dict.fromkeys("ab", 5), None, DOUBTS)
    assert (first["method"], first["recommendation"]) == (
        "a",
        "recommended, but not on every image",
    )
    assert "Do not trust it on disc" in first["reason"]
    assert second["recommendation"] == "worse"


def test_the_figure_names_them_below_the_panels_and_does_not_count_them_as_equals():
    known = tie(a=0.9, b=0.8, c=0.7)
    rows = recommend("abc", [known], dict.fromkeys("abc", 5), None, DOUBTS)
    figure = recommendation_chart.draw_recommendation(rows, [known])
    assert figure.get_suptitle() == "Recommended: b, with no real difference from 1 other method"
    assert figure.get_supxlabel() == f"Do not trust a on {rows[-1]['not_on']}"
    colours = [line.get_color() for line in figure.axes[0].lines[1::2]]
    assert colours[2] == recommendation_chart.DOUBTED != colours[0] == colours[1]
