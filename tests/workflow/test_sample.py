"""Which of many images are assessed."""

from collections import Counter

import pytest

from localbg.workflow.plan import PlanError, make_plan
from localbg.workflow.sample import spread

GROUPS = {
    f"{group}{i}": group for group, n in {"a": 500, "b": 20, "c": 3}.items() for i in range(n)
}


def test_all_are_chosen_where_there_are_few():
    assert spread({"b": "", "a": "x"}, 5, 0) == ["a", "b"]
    assert spread({"b": "", "a": "x"}, 0, 0) == []


def test_each_group_has_its_share_and_small_ones_all_they_have():
    chosen = Counter(GROUPS[image] for image in spread(GROUPS, 50, 0))
    assert chosen == {"a": 27, "b": 20, "c": 3}


def test_an_image_more_changes_at_most_one_of_the_choice():
    before = set(spread(GROUPS, 50, 0))
    for i in range(20):
        after = set(spread(GROUPS | {f"new{i}": "a"}, 50, 0))
        assert len(before - after) <= 1


def test_the_order_of_the_sheet_does_not_matter_and_the_seed_does():
    turned = dict(reversed(GROUPS.items()))
    assert spread(turned, 50, 0) == spread(GROUPS, 50, 0)
    assert spread(GROUPS, 50, 1) != spread(GROUPS, 50, 0)


def planned(**config):
    images = {name: {"path": f"{name}.tif", "group": group} for name, group in GROUPS.items()}
    images["control"] = {"path": "control.tif", "role": "blank"}
    return make_plan({"images": images} | config)


def test_blank_images_are_known_and_not_sampled():
    plan = planned(assessment={"images": 1000})
    assert plan.blanks == ["control"]
    assert sorted(plan.sampled) == sorted(GROUPS)


def test_in_batches_only_those_with_a_sampled_image_are_assessed():
    plan = planned(run={"mode": "batch", "images_per_job": 10}, assessment={"images": 5})
    assert sum(map(len, plan.sampled.values())) == 5
    for batch, members in plan.sampled.items():
        assert set(members) <= set(plan.batches[batch])
        told = plan.gathering(batch)
        assert [row["image"] for row in told["rows"]] == members
        assert [m["method"] for m in told["methods"]] == ["gaussian", "median", "tophat"]


def test_what_is_left_out_of_assessment_has_its_default():
    settings = planned(assessment={"contrasts": {"lowest": 1, "highest": 8, "steps": 4}}).assessment
    assert settings["contrasts"] == [1, 2, 4, 8]
    assert (settings["images"], settings["width"], settings["gain"]) == (50, "image", None)
    finer = planned(assessment={"contrasts": {"steps": 10}}).assessment["contrasts"]
    assert (finer[0], finer[-1], len(finer)) == (0.5, 256, 10)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"assessment": {"injected": 0}}, "assessment, injected: 0 is less than the minimum of 1"),
        (
            {"assessment": {"inject": 5}},
            "assessment: unknown key 'inject'. Did you mean 'injected'",
        ),
        (
            {"assessment": {"width": "spots"}},
            "assessment, width: is 'spots'; expected image, spot_radius",
        ),
        (
            {"assessment": {"contrasts": {"lowest": 9, "highest": 3}}},
            "assessment, contrasts: lowest is 9, highest is 3; expected a higher highest",
        ),
        (
            {"images": {"a": {"path": "a.tif", "role": "blanc"}}},
            "images, a, role: is 'blanc'; expected blank, . Did you mean 'blank'",
        ),
    ],
)
def test_what_is_wrong_with_assessment_is_said_before_any_job(config, said):
    with pytest.raises(PlanError) as error:
        make_plan({"images": {"a": {"path": "a.tif"}}} | config)
    assert said in str(error.value)


def test_a_wrong_role_in_a_sheet_is_named_with_its_line(tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,path,role\na,a.tif,\nb,b.tif,control\n", encoding="utf-8")
    with pytest.raises(PlanError, match=r"line 3: role is 'control'; expected blank, or nothing"):
        make_plan({"images": str(sheet)})
