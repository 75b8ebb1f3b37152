"""What judges the defaults: scores worked out by hand, and that it runs the tool's own chain."""

import choose_defaults
import constants
import docs_tables
import known_images
import numpy as np
import pandas as pd
import pytest
import real_sets
import rule_tables
import tifffile
from known_images import Case

import detection
from localbg.detection import likeness, matched_filter
from localbg.io import images
from localbg.pipeline import chain
from localbg.workflow.plan import make_plan


def case(truth, ignore=(), split="real", radius=2.0):
    points = [np.reshape(np.array(p, float), (-1, 2)) for p in (truth, ignore)]
    return Case(split, "set", "image", np.zeros((50, 50)), points[0], radius, points[1])


def test_ignored_objects_are_neither_hits_nor_false():
    one = case(truth=[(10, 10), (30, 30)], ignore=[(20, 20), (11, 10)])
    found = [(12, 10), (20, 22), (20, 18), (40, 40)]
    hits, false, missed = real_sets.outcome(one, found)
    # The first is a true spot though an ignored object is nearer; two lie on one ignored object.
    assert hits.tolist() == [True, False, False, False]
    assert false.tolist() == [False, False, False, True]
    assert missed.tolist() == [False, True]
    assert real_sets.tally(one, found) == (1, 1, 1)


def test_a_second_spot_on_a_true_one_is_false():
    assert real_sets.tally(case(truth=[(10, 10)]), [(10, 9), (10, 11)]) == (1, 1, 0)


@pytest.mark.parametrize(("split", "hit"), [("real", True), ("later", False)])
def test_a_hit_is_within_three_pixels_or_of_simulated_spots_a_radius(split, hit):
    tally = real_sets.tally(case(truth=[(10, 10)], split=split), [(10, 13)])
    assert tally == ((1, 0, 0) if hit else (0, 1, 1))


def test_f1_is_of_the_sums_over_a_set_not_the_mean_of_its_images():
    total = real_sets.pooled([real_sets.Tally(9, 1, 0), real_sets.Tally(0, 0, 10)])
    assert total == (9, 1, 10)
    assert total.f1 == pytest.approx(18 / 29)
    assert (total.precision, total.recall) == (0.9, pytest.approx(9 / 19))
    assert real_sets.pooled([]).f1 == 1.0


def folder_of(tmp_path, **columns):
    rng = np.random.default_rng(0)
    tifffile.imwrite(tmp_path / "a.tif", rng.integers(0, 9, (20, 20), np.uint8))
    (tmp_path / "a.csv").write_text("y,x\n3,4\n", encoding="utf-8")
    row = {"image": "kind_1", "path": "a.tif", "truth": "a.csv"} | columns
    pd.DataFrame([row]).to_csv(tmp_path / "images.csv", index=False)
    return tmp_path


def test_sets_are_read_from_a_folder_with_or_without_its_optional_columns(tmp_path):
    (plain,) = real_sets.read_sets([folder_of(tmp_path)])
    assert (plain.family, plain.radius, len(plain.ignore)) == ("kind", 2.5, 0)
    assert plain.truth.tolist() == [[3, 4]]
    (full,) = real_sets.read_sets(
        [folder_of(tmp_path, set="foci", spot_radius=1.5, ignore="a.csv")]
    )
    assert (full.family, full.radius, full.ignore.tolist()) == ("foci", 1.5, [[3, 4]])


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"No annotated images in .*there is no .*images\.csv"):
        real_sets.read_sets([tmp_path])
    folder_of(tmp_path, truth="none.csv")
    with pytest.raises(SystemExit, match=r"names a file that is missing: .*none\.csv"):
        real_sets.read_sets([tmp_path])


@pytest.fixture(scope="module")
def dim_cell():
    return known_images.simulated(1, ("tuned",))[0]


@pytest.mark.parametrize("rule", ["matched_filter", "otsu", "noise, k 5"])
def test_spots_measured_are_those_that_the_tool_finds(dim_cell, rule, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", dim_cell.image)
    config = {"images": {"a": {"path": "a.tif"}}, "compare": list(detection.shipped())}
    if other := rule_tables.RULES[rule]:
        config |= {"threshold": other["threshold"], "spots": {"min_area": "0.2x"}}
    told = make_plan(config).gathering("a")
    plane = images.read(tmp_path / "a.tif")
    methods = chain.make_methods(told["methods"], told["steps"])
    results = chain.run_methods(plane, dim_cell.radius, methods)
    seen = 0
    for method, made in results:
        setting = rule_tables.with_rule(detection.shipped()[method.name], rule)
        expected = [(spot.y, spot.x) for spot in made.spots]
        assert detection.found(dim_cell, setting).tolist() == np.array(expected).tolist()
        seen += len(expected)
    assert seen > 30


@pytest.mark.parametrize("name", constants.CONSTANTS)
def test_constants_are_changed_for_a_measurement_only(name):
    before = constants.known(constants.CONSTANTS)

    def fail():
        with constants.changed({name: 3.4}):
            now = constants.known([name])[name]
            assert now == (3 if isinstance(before[name], int) else 3.4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert constants.known(constants.CONSTANTS) == before


def test_a_constant_that_the_rule_lacks_is_an_error():
    with pytest.raises(KeyError), constants.changed({"matched_filter.NO_SUCH_CONSTANT": 1}):
        pass


def test_changed_constants_reach_the_rule(dim_cell):
    setting = detection.shipped()["median"]

    def found(**values):
        with constants.changed(values):
            return len(detection.found(dim_cell, setting))

    as_it_is = found()
    assert found(fdr=1e-12) < as_it_is
    assert found(**{"level_noise.AT_EDGE": 1e9, "matched_filter.LIKE_A_SPOT": 0.9}) < as_it_is
    assert found() == as_it_is


@pytest.mark.parametrize(
    ("without", "scores"),
    [
        ("likeness in the score", lambda maxima, fits: (fits.amplitude, maxima.heights)),
        ("the bulk in noise standard deviations", lambda maxima, _: (maxima.scores,) * 2),
        ("the bulk in grey levels", lambda maxima, _: (maxima.standing,) * 2),
    ],
)
def test_scores_without_a_part_are_what_is_left(dim_cell, without, scores):
    image = dim_cell.image.astype(np.float32)
    places = np.rint(dim_cell.truth[:9].T).astype(int)
    told = (np.zeros_like(image), image, tuple(places), dim_cell.radius, "bright", 1.0)
    fits = likeness.fit_spots(image, places.T, dim_cell.radius)
    expected = scores(matched_filter._measure(*told), fits)
    with constants.changed(constants.ABLATIONS[without]):
        left = matched_filter._measure(*told)
    assert left.scores == pytest.approx(expected[0])
    assert left.standing == pytest.approx(expected[1])


def test_without_the_bulk_what_is_no_noise_counts():
    heights = np.r_[np.linspace(0.1, 5, 50), 100.0]
    ones = np.ones(heights.size)
    maxima = matched_filter.Maxima(ones, ones, heights, heights, heights, ones > 0)

    def found():
        limits = matched_filter._limits(maxima, 1e4, 0.04)
        return np.count_nonzero(matched_filter._reaching(maxima, limits)), limits

    assert found()[0] == 1
    with constants.changed(constants.ABLATIONS["the bulk"]):
        n, limits = found()
    assert n == np.count_nonzero(heights >= limits.significant) > 5
    assert (limits.threshold, limits.distinct) == (0, 0)


class Told:
    """Stands in for measurements: a score for each size of the median, whatever the sets."""

    def __init__(self, by_size, refused=()):
        self.by_size, self.refused = by_size, refused

    def score(self, choice, sets, methods=None):
        return self.by_size.get(choice["size median"], 0.5)

    def is_eligible(self, choice):
        return choice["size median"] not in self.refused


@pytest.mark.parametrize(
    ("by_size", "refused", "expected"),
    [
        ({1.5: 0.9, 2: 0.8}, (), 1.5),
        ({1.5: 0.9, 2: 0.8}, (1.5,), 2),  # simulations say no
        ({1.5: 0.5 + choose_defaults.TIE / 2}, (), None),  # too little to leave what is shipped
        ({}, (), None),
    ],
)
def test_a_choice_has_to_lead_and_to_pass_the_guard(by_size, refused, expected):
    shipped = choose_defaults.start()
    others = [shipped | {"size median": size} for size in (1.5, 2, 2.5)]
    chosen = choose_defaults.eligible(Told(by_size, refused), shipped, others, ["a"])
    assert chosen["size median"] == (expected or shipped["size median"])


def test_the_start_is_what_is_shipped(dim_cell):
    start = choose_defaults.start()
    for method, setting in detection.shipped().items():
        tried = choose_defaults._setting(method, start)
        assert detection.found(dim_cell, tried).tolist() == (
            detection.found(dim_cell, setting).tolist()
        )
    assert choose_defaults.differences(start | {"sigma": 9.0}) == {"sigma": 9.0}


def test_tables_on_pages_are_replaced_and_nothing_else(tmp_path):
    pages = [tmp_path / "one.md", tmp_path / "two.md"]
    pages[0].write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", encoding="utf-8")
    pages[1].write_text("<!-- y -->\n<!-- /y -->", encoding="utf-8")
    table = docs_tables.markdown(pd.DataFrame({"set": ["s"], "f1": [0.987], "n": [3]}))
    for _ in range(2):
        docs_tables.fill(pages, {"x": table, "y": "text"})
    assert pages[0].read_text(encoding="utf-8") == (
        "a\n<!-- x -->\n\n| set | f1 | n |\n| --- | ---: | ---: |\n| s | 0.99 | 3 |\n\n"
        "<!-- /x -->\nb\n"
    )
    assert pages[1].read_text(encoding="utf-8") == "<!-- y -->\n\ntext\n\n<!-- /y -->"
    with pytest.raises(SystemExit, match=r"two\.md has none of the parts x"):
        docs_tables.fill(pages, {"x": table})


def test_sensitivity_has_a_row_for_each_constant_and_three_digits():
    rows = [("as it is", 1.0, 0.8954, 2), ("fdr", 0.7, 0.8961, 0), ("fdr", 1.4, 0.8949, 5)]
    table = pd.DataFrame(rows, columns=["constant", "factor", "real", "false on blanks"])
    table = table.assign(**{"lowest set": 0.8, "later": 0.9, "hard": 0.96})
    shown = rule_tables.shown(table).set_index("constant")
    assert shown["real, × 0.7"].to_dict() == {"as it is": "0.895", "fdr": "0.896"}
    assert shown["real, × 1.4"].to_dict() == {"as it is": "0.895", "fdr": "0.895"}
    assert shown["simulated, × 1.4"].tolist() == ["0.930", "0.930"]
    assert shown["false on blanks, × 1.4"].tolist() == [2, 5]
    assert shown["value"].tolist() == ["", "0.04"]


def test_sets_left_out_are_told_by_their_mean_and_lowest():
    f1 = {"f1_left_out": [0.9, 0.8, np.nan], "tophat": [0.9, 0.7, 1.0]}
    rows = {"left_out": ["a", "b", "(none)"], "instead": ["", "x=1", ""]} | f1
    table = pd.DataFrame(rows | {"median": f1["tophat"], "gaussian": f1["tophat"]})
    part = choose_defaults.page_part(table)
    assert "all backgrounds 0.850, lowest 0.800 (`b`); tophat 0.800, lowest 0.700 (`b`)" in part
    assert "| a | (as shipped) | 0.900 |" in part
    assert "| (none) | (as shipped) |  |" in part


@pytest.mark.parametrize("draw", known_images.SPLITS["hard"], ids=lambda draw: draw.__name__)
def test_hard_families_say_what_is_true_of_them(draw):
    image, truth, radius = draw(np.random.default_rng(3))
    again, *_ = draw(np.random.default_rng(3))
    assert np.array_equal(image, again)
    assert np.isfinite(image).all()
    assert len(truth) >= 5
    assert ((truth > -0.5) & (truth < np.array(image.shape) - 0.5)).all()
    # Most true spots stand out from the pixels three radii beside them.
    places = np.rint(truth).astype(int)
    ways = np.rint(3 * radius * np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])).astype(int)
    beside = [np.clip(places + way, 0, np.array(image.shape) - 1) for way in ways]
    level = np.median([image[tuple(place.T)].astype(float) for place in beside], axis=0)
    assert (image[tuple(places.T)] > level).mean() > 0.8


def test_crops_are_exactly_zero_outside_and_cover_much_of_the_image():
    for draw in (known_images.hard_families.foci_in_crops, known_images.hard_families.masked_crop):
        image, truth, _ = draw(np.random.default_rng(0))
        assert 0.4 < (image == 0).mean() < 0.95
        assert (image[tuple(np.rint(truth).astype(int).T)] > 0).all()
    assert image.dtype == np.float32
    assert image.max() == 1
