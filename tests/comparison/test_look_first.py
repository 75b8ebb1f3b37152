"""Images to look at first: each reason is given where it applies, and not elsewhere."""

import pytest

from localbg.comparison.look_first import find_reasons, median_of_others, order_images, typical
from localbg.io import tables
from localbg.io.columns import COLUMNS
from look_first import main as list_odd
from small_study import read_text


def image(name="a", status="ok", reason=""):
    return {
        "image": name,
        "group": "g",
        "status": status,
        "reason": reason,
        "flags": "",
        "axes_note": "",
    }


def why(counts=None, usual=None, jaccards=(), f1=None, elsewhere=None, **known):
    found = find_reasons(
        image(**known), counts or {"m": 5}, usual or {}, jaccards, f1 or {}, elsewhere
    )
    return [text for _, text in found]


def test_nothing_is_odd_about_a_usual_image():
    assert why({"m": 105}, {"m": (100, 10)}, [0.8, 0.3], {"m": 0.9, "t": 0.1}) == []


def test_a_failure_is_all_there_is_to_say():
    assert why(status="failed", reason="read: torn", jaccards=[0.1]) == ["failed: read: torn"]


def test_methods_that_disagree_are_named_by_what_they_share():
    assert why(jaccards=[0.2, 0.4]) == ["two methods share 30% of their spots on average"]
    assert why(jaccards=[0.5, 0.5]) == []


def test_an_image_on_which_no_method_does_well():
    expected = ["no method does better than F1 0.60 (t)"]
    assert why(f1={"m": 0.2, "t": 0.6}) == expected


def test_a_count_far_from_those_of_its_group():
    usual = {"m": (100, 10), "t": (20, 5)}
    assert why({"m": 141, "t": 20}, usual) == [
        "141 spots (m), where the middle image of the group has 100"
    ]
    assert why({"m": 60, "t": 0}, usual) == []  # four deviations: not more
    assert why({"m": 141}, {"m": None}) == []


def test_what_is_typical_takes_five_images_and_allows_for_the_chance_of_counting():
    assert typical([1, 2, 3, 4]) is None
    assert typical([100, 100, 100, 100, 900]) == (100, 10)
    assert typical([0, 0, 0, 0, 40]) == (0, 1)
    assert typical([10, 20, 30, 40, 50]) == (30, pytest.approx(14.826))


def test_the_oddest_image_comes_first_and_its_reasons_by_weight():
    found = [
        (image("fine"), []),
        (image("b"), find_reasons(image(), {"m": 900}, {"m": (9, 3)}, [0.4], {})),
        (image("c"), find_reasons(image(), {"m": 9}, {}, [0.1], {})),
        (image("d", "failed", "x"), find_reasons(image("d", "failed", "x"), {}, {}, [], {})),
    ]
    rows = order_images(found)
    assert [(row["order"], row["image"]) for row in rows] == [(1, "d"), (2, "b"), (3, "c")]
    assert rows[1]["reasons"] == (
        "900 spots (m), where the middle image of the group has 9; "
        "two methods share 40% of their spots on average"
    )


@pytest.mark.attack(
    kind="flags",
    case="no method finds a spot in an image, and others have many",
    outcome="the image is on the list to look at first, a blank control is not",
)
def test_an_image_without_spots_where_others_have_many():
    nothing = {"m": 0, "t": 0}
    expected = [
        "no method finds a spot in it, where the middle one of the other images has 12 (t): "
        "it is empty, or out of focus"
    ]
    assert why(nothing, elsewhere={"m": 3, "t": 12}) == expected
    # Said once, not again as far from the group.
    assert why(nothing, {"m": (100, 10)}, elsewhere={"m": 3, "t": 12}) == expected
    assert why({"m": 0, "t": 1}, elsewhere={"m": 3, "t": 12}) == []
    assert why(nothing, elsewhere={"m": 3, "t": 9.5}) == []
    assert why(nothing, elsewhere=None) == []
    assert why(nothing, elsewhere={}) == []


def test_the_others_of_an_image_without_spots_leave_it_out():
    assert median_of_others([0, 50]) == 50
    assert median_of_others([0, 0, 30, 50]) == 30
    assert median_of_others([0]) == 0


def test_a_blank_control_without_spots_is_not_odd(tmp_path):
    counts = {"blank": 0, "empty": 0, "a": 40, "b": 42, "c": 44, "d": 41, "e": 43}
    rows = [{"image": k, "group": "g", "method": "m", "n_spots": n} for k, n in counts.items()]
    rows.sort(key=lambda row: row["image"])
    facts = [{"image": row["image"], "group": "g", "status": "ok"} for row in rows]
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("images", "counts", "agreement")}
    tables.write(paths["images"], COLUMNS["images"], facts)
    tables.write(paths["counts"], COLUMNS["counts"], rows)
    tables.write(paths["agreement"], COLUMNS["agreement"], [])
    listed = tmp_path / "look_first.csv"
    list_odd(**paths, accuracy=None, table=str(listed), blanks=["blank"])
    # The middle one of the others, the blank control left out.
    empty = (
        "no method finds a spot in it, where the middle one of the other images has 42 (m): "
        "it is empty, or out of focus"
    )
    assert [(row["image"], row["reasons"]) for row in read_text(listed)] == [("empty", empty)]
