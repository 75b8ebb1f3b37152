"""Real runs: rules of the threshold are ranked as backgrounds are, with truth and without.

Discs with spots on and beside them. A Gaussian background leaves a bright rim along the edge of a
disc, which Otsu's threshold takes for spots and the default rule does not; a median and an opening
leave none. So one of six methods is to be found out, and the reason said.
"""

import numpy as np
import pytest
import tifffile
import yaml

from conftest import snakemake
from simulate import disc_scene
from small_study import read_text

pytestmark = pytest.mark.long

POOR = "gaussian_rule-otsu"
METHODS = {
    f"{b}_rule-{r}" for b in ("gaussian", "median", "tophat") for r in ("otsu", "matched_filter")
}
CONFIG = {
    "images": "sheet.csv",
    "spot_radius": 2.1,
    "threshold": {"rule": ["matched_filter", "otsu"], "radius": "1x"},
    "assessment": {"injected": 4, "contrasts": {"lowest": 1, "highest": 64, "steps": 10}},
    "run": {"mode": "batch"},
}
TARGETS = (
    *(f"results/tables/{name}.csv" for name in ("recommendation", "reliability", "methods")),
    *("results/figures/recommendation.png", "results/figures/sweeps/gaussian.png"),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Six discs, and where their spots are."""
    folder = tmp_path_factory.mktemp("raw")
    for k in range(6):
        scene = disc_scene(
            np.random.default_rng(k), shape=(140, 140), n_on=2, n_off=2, sigma=1.5, noise=2.0
        )
        tifffile.imwrite(folder / f"disc{k}.tif", scene.image)
        lines = ["y,x", *(f"{y:.3f},{x:.3f}" for y, x in scene.spots[:, :2])]
        (folder / f"disc{k}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def study(folder, raw, *, truth):
    rows = [f"disc{k},{raw}/disc{k}.tif,{f'{raw}/disc{k}.csv' if truth else ''}" for k in range(6)]
    text = "\n".join(["image,path,truth", *rows])
    (folder / "sheet.csv").write_text(text + "\n", encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    snakemake(folder, *TARGETS, "--configfile", folder / "config.yaml")
    return {
        name: read_text(folder / "results/tables" / f"{name}.csv")
        for name in ("recommendation", "reliability", "methods")
    }


@pytest.fixture(scope="module")
def with_truth(raw, tmp_path_factory):
    return study(tmp_path_factory.mktemp("truth"), raw, truth=True)


@pytest.fixture(scope="module")
def without(raw, tmp_path_factory):
    return study(tmp_path_factory.mktemp("without"), raw, truth=False)


@pytest.mark.parametrize(
    ("run", "criterion"), [("with_truth", "truth"), ("without", "injected spots")]
)
def test_a_rule_that_fails_with_one_background_is_found_out(run, criterion, request):
    rows = {row["method"]: row for row in request.getfixturevalue(run)["recommendation"]}
    assert set(rows) == METHODS
    assert {row["criterion"] for row in rows.values()} == {criterion}
    poor = rows.pop(POOR)
    assert poor["recommendation"] == "worse"
    # The interval of the difference on the same images leaves out 0, and the reason gives it.
    assert float(poor["difference_high"]) < 0
    assert "lower than that of" in poor["reason"]
    assert "spots are false" in poor["reason"] or "spots may be false" in poor["reason"]
    assert min(float(row["estimate"]) for row in rows.values()) > float(poor["estimate"])
    assert [row["method"] for row in rows.values() if row["recommendation"] == "worse"] == []


@pytest.mark.parametrize("run", ["with_truth", "without"])
def test_image_by_image_it_is_said_which_rule_not_to_trust(run, request):
    for row in request.getfixturevalue(run)["reliability"]:
        assert row["unreliable"] == POOR
        assert set(row["reliable"].split()) == METHODS - {POOR}


def test_a_listed_rule_is_a_parameter_of_the_sweep(with_truth):
    rows = [(row["method"], row["step"], row["parameter"]) for row in with_truth["methods"]]
    assert rows == [(method, "threshold", "rule") for method in sorted(METHODS)]
