"""Assessment without annotation against what is true of simulated scenes."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from localbg.accuracy import scoring
from localbg.assessment import assess
from localbg.assessment.completeness import fit_completeness, together
from localbg.assessment.recovery import Recovery
from localbg.core import failures
from localbg.io.images import Plane
from localbg.pipeline import chain
from localbg.workflow.plan import make_plan
from simulate import gaussian_spots, inner, scatter

SHAPE = (192, 192)
NOISE, SIGMA, RADIUS = 8.0, 2.0, 2.83
SCENES, LOOKED_AT = 30, 5
CONTRASTS = {"lowest": 0.5, "highest": 128, "steps": 17}


def work(**config):
    """What a job is told: methods and settings."""
    assessment = {"contrasts": CONTRASTS, "injected": 24} | config.pop("assessment", {})
    images = {"a": {"path": "a.tif", "spot_radius": RADIUS}}
    told = make_plan({"images": images, "assessment": assessment} | config).gathering("a")
    return {
        "methods": chain.make_methods(told["methods"], told["steps"]),
        "settings": told["settings"],
    }


def plane(pixels):
    pixels = np.asarray(pixels)
    return Plane(pixels, "YX", pixels.shape, str(pixels.dtype), None)


def scene(rng, slope, n=25):
    """Spots of all contrasts, evenly spread on a slope with noise; their places and contrasts."""
    places = scatter(rng, inner(SHAPE, 8), n, spacing=16)
    contrasts = np.exp(rng.uniform(0, np.log(32), n))
    spots = np.column_stack([places, contrasts * NOISE, np.full(n, SIGMA)])
    grey = 100 + slope * np.indices(SHAPE)[1] + rng.normal(0, NOISE, SHAPE)
    grey += gaussian_spots(SHAPE, spots)
    return plane(np.rint(grey).astype(np.uint16)), places, contrasts


@cache
def scenes(slope):
    rng = np.random.default_rng(1)
    return [scene(rng, slope) for _ in range(SCENES)]


def found_in(made):
    return np.array([(spot.y, spot.x) for spot in made.spots]).reshape(-1, 2)


def true_recovery(slope, told):
    """Spots of the scenes' own, and how many each method found, by contrast; and false ones."""
    ladder = told["settings"]["contrasts"]
    edges = np.sqrt(np.multiply(ladder[1:], ladder[:-1]))
    counts = {m.name: np.zeros((2, len(ladder)), int) for m in told["methods"]}
    false = dict.fromkeys(counts, 0)
    for image, places, contrasts in scenes(slope):
        rung = np.searchsorted(edges, contrasts)
        for method, made in chain.run_methods(image, RADIUS, told["methods"]):
            found = found_in(made)
            matched = scoring.match_spots(places, found, RADIUS)[0][:, 0]
            np.add.at(counts[method.name][0], rung, 1)
            np.add.at(counts[method.name][1], rung[matched], 1)
            false[method.name] += len(found) - len(matched)
    return counts, false


def gathered(told, image, name="a"):
    return assess.assess_image(image, name, RADIUS, **told)


@pytest.mark.long
@pytest.mark.parametrize("slope", [0.0, 1.5])
@pytest.mark.parametrize("config", [{}, {"threshold": {"rule": "noise", "k": 4}}])
def test_half_of_the_injected_spots_are_found_where_half_of_the_true_ones_are(slope, config):
    told = work(**config)
    counts, _ = true_recovery(slope, told)
    recovery = Recovery(told["settings"]["contrasts"], 0)
    # The default rule takes thresholds that differ from image to image: more of them are needed.
    some = LOOKED_AT if config else SCENES
    for i, (image, *_) in enumerate(scenes(slope)[:some]):
        rows = gathered(told, image, f"{i}")["recovery"]
        recovery.add(f"{i}", "", list(counts), rows)
    rows = [row for row in recovery.rows() if row["where"] == "all" and not row["image"]]
    assert [row["method"] for row in rows] == ["gaussian", "median", "tophat"]
    for row in rows:
        _, true = fit_completeness(told["settings"]["contrasts"], *counts[row["method"]])
        assert row["contrast50"] == pytest.approx(true["half"].contrast, rel=0.15), row["method"]


def two_grounds(rng):
    """As many spots on dim ground as on bright ground, which is three times as noisy."""
    bright = gaussian_filter(np.where(np.indices(SHAPE)[1] < SHAPE[1] // 2, 0.0, 1.0), 3)
    noise = 4 + 8 * bright
    away = inner(SHAPE, 8) * ((bright < 1e-3) | (bright > 1 - 1e-3))
    places = scatter(rng, away, 24, spacing=16)
    contrasts = np.exp(rng.uniform(0, np.log(64), 24))
    pixels = tuple(np.rint(places).astype(int).T)
    spots = np.column_stack([places, contrasts * noise[pixels], np.full(24, SIGMA)])
    grey = 100 + 300 * bright + noise * rng.standard_normal(SHAPE) + gaussian_spots(SHAPE, spots)
    return plane(np.rint(grey).astype(np.uint16)), places, contrasts, bright[pixels] > 0.5


@pytest.mark.long
def test_by_local_background_half_is_found_where_half_of_the_true_spots_there_are():
    told = work(threshold={"rule": "noise", "k": 5}, assessment={"injected": 48})
    ladder = told["settings"]["contrasts"]
    edges = np.sqrt(np.multiply(ladder[1:], ladder[:-1]))
    rng = np.random.default_rng(2)
    own = {m.name: np.zeros((2, 2, len(ladder)), int) for m in told["methods"]}
    recovery = Recovery(ladder, 0)
    for i in range(40):
        image, places, contrasts, is_bright = two_grounds(rng)
        rung = np.searchsorted(edges, contrasts)
        for method, made in chain.run_methods(image, RADIUS, told["methods"]):
            found = scoring.match_spots(places, found_in(made), RADIUS)[0][:, 0]
            counts = own[method.name]
            np.add.at(counts[0], (is_bright.astype(int), rung), 1)
            np.add.at(counts[1], (is_bright[found].astype(int), rung[found]), 1)
        if i < LOOKED_AT:
            recovery.add(f"{i}", "", list(own), gathered(told, image, f"{i}")["recovery"])
    injected = {(row["method"], row["where"]): row for row in recovery.rows() if not row["image"]}
    for method, counts in own.items():
        halves = []
        for ground, where in enumerate(("flat", "bright")):
            _, true = fit_completeness(ladder, *counts[:, ground])
            half = injected[method, where]["contrast50"]
            assert half == pytest.approx(true["half"].contrast, rel=0.15), (method, where)
            halves.append(half)
        # One threshold for both: in standard deviations of the noise it is higher on dim ground.
        assert halves[0] > 2 * halves[1]


@pytest.mark.parametrize("slope", [0.0, 1.5])
def test_a_decoy_has_about_as_many_spots_as_are_false(slope):
    told = work(
        threshold={"rule": "noise", "k": 2.5},
        compare=["median", "tophat"],
        assessment={"injected": 1},
    )
    _, false = true_recovery(slope, told)
    decoys = dict.fromkeys(false, 0)
    for i, (image, *_) in enumerate(scenes(slope)):
        for row in gathered(told, image, f"{i}")["false_positives"]:
            assert row["kind"] == "decoy"
            decoys[row["method"]] += row["n_false"]
    for method, n in false.items():
        assert n > 40
        assert n / 2 < decoys[method] < 2 * n


def test_what_a_background_makes_of_an_edge_counts_as_false_on_its_bright_side():
    pixels = np.where(np.hypot(*np.indices(SHAPE) - 96.0) < 60, 190.0, 40.0)
    pixels = pixels + np.random.default_rng(0).normal(0, 0.5, SHAPE)
    methods = {"median": {"background": {"radius": "4x"}, "threshold": {"rule": "noise", "k": 3}}}
    told = work(methods=methods, compare=["median"], assessment={"injected": 1})
    (row,) = gathered(told, plane(np.rint(pixels).astype(np.uint8)))["false_positives"]
    assert row["n_spots"] > 10  # all on the rim, which a median rounds off
    assert row["inverted"] < row["n_spots"] / 2 < row["smoothed"] <= row["n_spots"]
    assert row["n_false"] == row["smoothed"]


def test_recovery_goes_from_none_to_all():
    rows = gathered(work(), scenes(0.0)[0][0])["recovery"]
    rows = [row for row in rows if row["where"] == "all"]
    for row in rows:
        if row["contrast"] <= 0.5:
            assert row["recovered"] == 0
        if row["contrast"] >= 45:
            assert row["recovered"] == row["injected"]
            assert row["position_error"] < 0.2
    assert {row["injected"] for row in rows} == {24}


def test_on_a_steep_slope_all_spots_are_injected_on_a_slope():
    rows = gathered(work(compare=["median"]), scene(np.random.default_rng(0), 4.0)[0])["recovery"]
    injected = {"slope": 0, "flat": 0, "bright": 0, "all": 0}
    for row in rows:
        injected[row["where"]] += row["injected"]
    assert injected["slope"] > 0.95 * injected["all"]


def test_a_place_is_of_one_kind_and_all_of_them_are_all():
    rows = gathered(work(), scenes(1.5)[0][0])["recovery"]
    for method in ("gaussian", "median", "tophat"):
        mine = [row for row in rows if row["method"] == method]
        for name in ("injected", "recovered"):
            parts = sum(row[name] for row in mine if row["where"] != "all")
            assert parts == sum(row[name] for row in mine if row["where"] == "all")


def test_the_images_own_spots_are_counted_by_height_the_same_for_every_method():
    image, _, contrasts = scenes(0.0)[7]
    rows = [row for row in gathered(work(), image)["recovery"] if row["where"] == "all"]
    own = {
        name: [(row["contrast"], row["own"]) for row in rows if row["method"] == name]
        for name in ("gaussian", "median", "tophat")
    }
    assert own["gaussian"] == own["median"] == own["tophat"]
    # Those of at least five standard deviations of the noise, and a few of the dimmer ones.
    high = sum(n for contrast, n in own["median"] if contrast > 5)
    assert high == pytest.approx(np.count_nonzero(contrasts > 5), abs=2)
    assert high <= sum(n for _, n in own["median"]) <= len(contrasts)
    # A ladder that ends below them: all count at its end.
    short = work(assessment={"contrasts": {"lowest": 0.5, "highest": 1, "steps": 2}})
    ends = {
        row["contrast"]: row["own"]
        for row in gathered(short, image)["recovery"]
        if row["where"] == "all"
    }
    assert ends == {0.5: 0, 1: sum(n for _, n in own["median"])}


def test_all_methods_get_the_same_spots_whatever_other_methods_there_are():
    image = scenes(0.0)[1][0]
    three = gathered(work(), image)
    one = gathered(work(compare=["median"]), image)
    for table, rows in one.items():
        assert rows == [row for row in three[table] if row["method"] == "median"]
    injected = {
        tuple(
            (r["where"], r["contrast"], r["injected"])
            for r in three["recovery"]
            if r["method"] == m
        )
        for m in ("gaussian", "median", "tophat")
    }
    assert len(injected) == 1


def test_the_seed_and_the_image_decide_on_all_that_is_random():
    image = scenes(0.0)[2][0]
    told = work(compare=["median"])
    assert gathered(told, image) == gathered(told, image)
    assert gathered(told, image) != gathered(told, image, "b")
    assert gathered(told, image) != gathered(work(compare=["median"], seed=1), image)


def test_injected_spots_are_looked_for_with_the_threshold_that_images_share():
    image = scenes(0.0)[2][0]
    own, sharing = (
        work(compare=["median"], threshold={"rule": "otsu", "scope": scope})
        for scope in ("image", "all")
    )
    mask = sharing["methods"][0].mask.label
    level = chain.find_thresholds(image, RADIUS, sharing["methods"], [mask])[mask].threshold
    shared = assess.assess_image(image, "a", RADIUS, **sharing, shared={mask: level})
    assert shared == gathered(own, image)
    assert sum(row["recovered"] for row in shared["recovery"]) > 100
    higher = assess.assess_image(image, "a", RADIUS, **sharing, shared={mask: 8 * level})
    recovered = [sum(row["recovered"] for row in of["recovery"]) for of in (higher, shared)]
    assert recovered[0] < recovered[1]


def test_a_constant_more_changes_nothing():
    image = scenes(0.0)[3][0]
    told = work(compare=["median"])
    one, other = gathered(told, image), gathered(told, plane(image.pixels + np.uint16(1000)))
    counts = ("where", "contrast", "injected", "recovered")
    for a, b in zip(one["recovery"], other["recovery"], strict=True):
        assert [a[key] for key in counts] == [b[key] for key in counts]
    assert one["false_positives"] == other["false_positives"]
    self_subtraction = [found["residuals"][0]["self_subtraction"] for found in (one, other)]
    assert self_subtraction[0] == pytest.approx(self_subtraction[1], abs=1e-3)


def test_dark_spots_are_injected_for_methods_that_look_for_them():
    image = scenes(0.0)[4][0]
    over = plane(np.uint16(1000) - image.pixels)
    told = work(compare=["median"], polarity="dark")
    bright, dark = gathered(work(compare=["median"]), image), gathered(told, over)
    halves = []
    for found in (bright, dark):
        recovery = Recovery(told["settings"]["contrasts"], 0)
        recovery.add("a", "", ["median"], found["recovery"])
        halves.append(next(recovery.rows())["contrast50"])
    assert halves[0] == pytest.approx(halves[1], rel=0.1)
    assert bright["residuals"][0]["self_subtraction"] == pytest.approx(
        dark["residuals"][0]["self_subtraction"], abs=0.03
    )


def test_self_subtraction_of_a_blind_background_is_none_and_of_the_image_itself_all():
    methods = {
        "wide": {"background": {"filter": "median", "radius": 20}},
        "narrow": {"background": {"filter": "gaussian", "sigma": 0.2}},
    }
    told = work(methods=methods, compare=["wide", "narrow"])
    narrow, wide = gathered(told, scenes(0.0)[5][0])["residuals"]
    assert wide["self_subtraction"] < 0.02
    assert narrow["self_subtraction"] > 0.95


@pytest.mark.parametrize("value", [np.uint8(7), np.float32(7)])
def test_a_constant_image_is_a_case_with_an_answer(value):
    found = gathered(work(), plane(np.full((80, 80), value)))
    assert [row["n_false"] for row in found["false_positives"]] == [0, 0, 0]
    recovery = Recovery(work()["settings"]["contrasts"], 0)
    recovery.add("a", "", ["gaussian", "median", "tophat"], found["recovery"])
    row = next(recovery.rows())
    if value.dtype == np.float32:
        assert row["note"].startswith("no spot injected")


def test_spots_are_looked_for_where_the_image_itself_has_a_constant_foreground():
    told = work(denoise={"filter": "none"}, compare=["median"])
    halves = np.full((128, 128), 100, np.uint16)
    halves[:, 64:] = 200
    found = gathered(told, plane(halves))
    assert [row["n_false"] for row in found["false_positives"]] == [0]
    brightest = max(found["recovery"], key=lambda row: (row["where"] == "all", row["contrast"]))
    assert brightest["recovered"] > brightest["injected"] / 2


def test_a_method_that_fails_is_told_by_its_step():
    told = work(methods={"median": {"background": {"radius": 60}}}, compare=["median"])
    with pytest.raises(failures.StepFailed, match="background: the filter's radius"):
        gathered(told, plane(np.zeros((60, 60), np.uint8)))


def test_images_of_a_group_are_put_together_and_failed_ones_are_named():
    told = work(compare=["median"])
    contrasts = told["settings"]["contrasts"]
    recovery = Recovery(contrasts, 0)
    for name, group in (("a", "x"), ("b", "x"), ("c", "y")):
        recovery.add(name, group, ["median"], gathered(told, scenes(0.0)[6][0], name)["recovery"])
    recovery.add_failed("bad", "y", ["median"], "read failed: damaged")
    rows = [row for row in recovery.rows() if row["where"] == "all"]
    keys = [(row["image"], row["group"]) for row in rows]
    assert keys == [
        ("", ""),
        ("", "x"),
        ("", "y"),
        ("a", "x"),
        ("b", "x"),
        ("bad", "y"),
        ("c", "y"),
    ]
    assert rows[0]["images"] == 3
    assert rows[0]["injected"] == 3 * 24 * 17
    assert rows[5]["note"] == "read failed: damaged"
    each = [row["contrast50"] for row in rows if row["image"] in ("a", "b", "c")]
    assert rows[0]["contrast50"] == pytest.approx(np.exp(np.mean(np.log(each))), rel=0.05)
    curves = [
        recovery.tallies[name, group, "median", "all"].curve
        for name, group in (("a", "x"), ("b", "x"))
    ]
    half = together(contrasts, curves, [1, 1])["half"]
    assert rows[1]["contrast50"] == half.contrast
