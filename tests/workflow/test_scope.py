"""Images that share a threshold get the median of their own; blank controls may decide alone."""

import json
from dataclasses import replace

import numpy as np
import pytest

import share_threshold
from localbg.core import failures, files
from localbg.detection.decision import Decision
from localbg.detection.threshold import threshold
from localbg.pipeline import shared_thresholds
from localbg.workflow import scope, sheet
from localbg.workflow.plan import PlanError, make_plan

SHEET = {
    "a1": {"path": "a1.tif", "group": "treated, 2 h"},
    "a2": {"path": "a2.tif", "group": "treated, 2 h", "role": "blank"},
    "b1": {"path": "b1.tif", "group": "control"},
    "b2": {"path": "b2.tif", "group": "control"},
}


def planned(**known):
    rule = {"rule": "noise", "k": 4} | known
    return make_plan({"images": SHEET, "compare": ["median"], "threshold": rule})


def mask_of(found):
    (method,) = found.methods.values()
    return method.mask


def test_a_group_has_a_number_in_place_of_its_name():
    found = planned(scope="group")
    mask = mask_of(found)
    pools = [found.pool(mask, image) for image in found.images]
    assert pools == ["group-2", "group-2", "group-1", "group-1"]
    assert found.members(mask, "group-1") == ["b1", "b2"]


def test_all_images_share_one_threshold_and_by_default_none_do():
    found = planned(scope="all")
    assert found.members(mask_of(found), "all") == list(SHEET)
    found = planned()
    assert found.pool(mask_of(found), "a1") is None
    assert found.shared() == []


def test_only_blank_images_have_a_say_where_they_are_asked():
    found = planned(scope="all", **{"from": "blank"})
    assert found.members(mask_of(found), "all") == ["a2"]
    assert found.pool(mask_of(found), "b1") == "all"


def test_scope_is_part_of_the_masks_label_and_no_parameter_of_its_step():
    found = planned(scope="all", **{"from": "blank"})
    mask = mask_of(found)
    assert mask.endswith("/noise_k-4_scope-all_from-blank")
    assert found.steps["mask"][mask].parameters == {"rule": "noise", "k": 4}
    assert mask_of(planned(scope="image")).endswith("/noise_k-4")


def test_scope_can_be_swept():
    found = planned(scope=["image", "group", "all"])
    assert list(found.methods) == [f"median_scope-{word}" for word in ("all", "group", "image")]
    assert len(found.steps["foreground"]) == 1


def threshold_of(found):
    return {name: method.recipe["threshold"] for name, method in found.methods.items()}


def test_swept_scopes_are_taken_from_blanks_but_for_an_images_own_threshold():
    noise = {"rule": "noise", "k": 4}
    found = planned(scope=["image", "all"], **{"from": "blank"})
    assert threshold_of(found) == {
        "median_scope-all": noise | {"scope": "all", "from": "blank"},
        "median_scope-image": noise | {"scope": "image"},
    }
    both = planned(scope=["image", "all"], **{"from": ["images", "blank"]})
    assert threshold_of(both) == {
        "median_scope-all_from-blank": noise | {"scope": "all", "from": "blank"},
        "median_scope-all_from-images": noise | {"scope": "all", "from": "images"},
        "median_scope-image": noise | {"scope": "image"},
    }
    assert found.members(found.methods["median_scope-all"].mask, "all") == ["a2"]


def test_a_list_of_the_images_own_scope_alone_takes_no_blanks():
    with pytest.raises(PlanError, match="scope-image: threshold, from is blank, which needs"):
        planned(scope=["image"], **{"from": "blank"})


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"scope": "grup"}, "is 'grup'; expected one of image, group, all. Did you mean 'group'?"),
        ({"from": "blank"}, "threshold, from is blank, which needs scope: group or all; scope"),
        (
            {"scope": "group", "from": "blank"},
            "median: threshold, from blank: no image of group 'control' has the role blank",
        ),
    ],
)
def test_a_scope_that_cannot_be_is_refused(known, words):
    with pytest.raises(PlanError, match=words.replace("?", r"\?")):
        planned(**known)


def test_blank_images_are_needed_somewhere():
    images = {"a": sheet.Image("a", "a.tif", 3)}
    expected = ["no image of the sheet has the role blank"]
    assert scope.problems(images, "all", "blank") == expected
    assert scope.problems(images, "all", "images") == []


def test_another_role_is_refused():
    source = {"a": {"path": "a.tif", "role": "blnk"}}
    rows, problems, _ = sheet.read_sheet(source, base=None, spot_radius=3, results="results")
    assert rows == {}
    assert problems == [
        "images, a: role is 'blnk'; expected blank, or nothing. Did you mean 'blank'?"
    ]


DECISION = Decision("otsu", {}, 0.0, 1.0, 1.0, 5.0, 5.0, "rule")
FAILED = failures.Failure("read", "torn")


def test_the_shared_threshold_is_the_median_of_those_that_there_are():
    own = [
        replace(DECISION, threshold=9.0),
        replace(DECISION, threshold=4.0, decided_by="min_snr"),
        replace(DECISION, threshold=700.0),
        replace(DECISION, threshold=0.0, decided_by="constant"),
        FAILED,
    ]
    assert scope.shared(own) == {"threshold": 9, "n_images": 3}
    assert scope.shared(own[:2]) == {"threshold": 6.5, "n_images": 2}
    with pytest.raises(ValueError, match="no image"):
        scope.shared(own[3:])


def test_a_shared_threshold_replaces_what_the_rule_says():
    foreground = np.random.default_rng(0).normal(0, 1, (40, 40)).astype(np.float32)
    mask, decision = threshold(foreground, shared=1.5, rule="otsu")
    assert (decision.threshold, decision.decided_by) == (1.5, "scope")
    np.testing.assert_array_equal(mask, foreground > 1.5)
    assert decision.chosen == threshold(foreground, rule="otsu")[1].chosen


@pytest.mark.attack(
    kind="grey values",
    case="a constant image gets others' threshold",
    outcome="0 spots",
)
def test_a_constant_image_has_no_spots_whatever_is_shared():
    mask, decision = threshold(np.full((9, 9), 5, np.float32), 0, 1.0, rule="otsu")
    assert not mask.any()
    assert decision.decided_by == "constant"


def shared_record(results):
    folder = results / "shared_threshold" / "m"
    folder.mkdir(parents=True)
    return folder / "all.json"


def test_of_a_batch_only_members_and_their_mask_are_taken(tmp_path):
    found, other = {"a": 5.0, "b": 8.0, "c": 90.0}, {"other": DECISION.record}
    lines = [
        {"image": image, "thresholds": {"m": replace(DECISION, threshold=value).record} | other}
        for image, value in found.items()
    ]
    piece = tmp_path / "1.jsonl"
    piece.write_text("\n".join(map(json.dumps, lines)) + "\n")
    record = shared_record(tmp_path)
    share_threshold.main([str(piece)], ["a", "b"], "m", str(record))
    assert files.read_json(record) == {"threshold": 6.5, "n_images": 2}
    assert shared_thresholds.read(str(tmp_path), {"m": "all"}) == {"m": 6.5}


def test_where_no_image_has_a_threshold_the_reason_is_handed_on(tmp_path):
    own = tmp_path / "a.json"
    failures.write_failure(FAILED, [own])
    record = shared_record(tmp_path)
    share_threshold.main([str(own)], ["a"], "m", str(record))
    failed = failures.read_failure(record)
    assert failed.step == "threshold"
    assert "no image that the shared threshold is taken from" in failed.reason
    assert shared_thresholds.read(str(tmp_path), {"m": "all"}) == {"m": failed}
