"""Real runs: the tables hold what the library computes, and only what changed is done again."""

import ast
import json
import re
import shutil
from collections import Counter
from functools import cache

import numpy as np
import pytest
import tifffile
import yaml
from scipy import ndimage

from conftest import ROOT, snakemake
from localbg import backgrounds
from localbg.core.parameters import resolve
from localbg.detection import spots
from localbg.detection.denoise import denoise
from localbg.detection.subtract import subtract
from localbg.detection.threshold import threshold
from localbg.io import images
from localbg.io.columns import COLUMNS
from localbg.workflow import dependencies
from localbg.workflow.plan import make_plan
from small_study import (
    ASSESSMENT,
    CONFIG,
    NO_FIGURES,
    PLACES,
    RANKING,
    TABLES,
    configure,
    ran,
    ran_for,
    rows_of,
    spotted,
    table,
)

SCRIPTS = ROOT / "scripts"
LIBRARY = SCRIPTS / "localbg"
# Steps that a job does for each image, and the folder of its result.
STEPS = {
    "denoise": "denoised",
    "background": "background",
    "subtract": "foreground",
    "threshold": "mask",
    "spots": "labels",
}


# What the shipped config finds in the shipped images


@pytest.fixture(scope="session")
def default_plan():
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return make_plan(config | {"images": str(ROOT / "data" / "images.csv")})


def result(folder, kind, label, image):
    return folder / "results" / kind / label / f"{image}.tif"


def every_result(found):
    """Kind, label and image of every TIFF that a plan's steps write."""
    return [
        (kind, label, image)
        for kind in STEPS.values()
        for label in found.steps[kind]
        for image in found.images
    ]


def computed(found, image, method):
    """What the library finds, without Snakemake: the spots and what decided the threshold."""
    method = found.methods[method]
    plane = images.read(found.images[image].path, **found.picks(image))

    def parameters(kind):
        given = found.parameters(kind, getattr(method, kind), image)
        return resolve(given, plane.pixel_size_um)

    quiet = denoise(plane.pixels, **parameters("denoised"))
    of_raw = found.steps["background"][method.background].denoised is None
    below = backgrounds.estimate(plane.pixels if of_raw else quiet, **parameters("background"))
    above, _ = subtract(quiet, below, **parameters("foreground"))
    mask, decision = threshold(above, 1.0, quiet, plane.pixels, **parameters("mask"))
    labels = spots.label(mask, above, **parameters("labels"))
    noise = {"level": decision.level, "noise": decision.noise}
    return spots.measure_spots(labels, plane.pixels, above, below, **noise), decision


@pytest.mark.parametrize(
    ("image", "method"), [("disc_noisy", "median"), ("cell", "tophat"), ("cell", "gaussian")]
)
def test_tables_hold_what_the_library_computes(default_run, default_plan, image, method):
    expected, decision = computed(default_plan, image, method)
    found = rows_of(default_run, "spots", image=image, method=method)
    assert len(found) > 0
    (count,) = rows_of(default_run, "counts", image=image, method=method)
    assert count["n_spots"] == str(len(expected["spot"]))
    assert count["threshold"] == f"{decision.threshold:.6g}"
    assert count["noise"] == f"{decision.noise:.6g}"
    for column, form in {
        "y": ".3f",
        "x": ".3f",
        "core_area": "d",
        "max": ".6g",
        "snr": ".6g",
    }.items():
        assert [row[column] for row in found] == [format(v, form) for v in expected[column]]


def test_every_image_and_method_has_a_row_of_counts(default_run, default_plan):
    expected = [(image, method) for image in default_plan.images for method in default_plan.methods]
    assert [(row["image"], row["method"]) for row in table(default_run, "counts")] == expected
    assert [row["image"] for row in table(default_run, "images")] == list(default_plan.images)
    assert table(default_run, "failures") == []


def test_counts_are_the_number_of_rows_of_spots(default_run):
    listed = Counter((row["image"], row["method"]) for row in table(default_run, "spots"))
    for row in table(default_run, "counts"):
        assert int(row["n_spots"]) == listed[row["image"], row["method"]]
        assert float(row["density"]) == pytest.approx(1e4 * int(row["n_spots"]) / 256**2, rel=1e-5)


def test_density_by_area_uses_the_pixel_size(default_run):
    for row in table(default_run, "counts"):
        size = 0.1 if row["image"] == "cell" else 0.2
        expected = int(row["n_spots"]) / (256 * size) ** 2
        assert float(row["density_um2"]) == pytest.approx(expected, rel=1e-5)


def test_comparison_holds_the_counts_of_each_method(default_run, default_plan):
    counts = {(r["image"], r["method"]): r["n_spots"] for r in table(default_run, "counts")}
    for row in table(default_run, "comparison"):
        found = [row[method] for method in default_plan.methods]
        assert found == [counts[row["image"], method] for method in default_plan.methods]
        assert float(row["count_median"]) == np.median([int(n) for n in found])
        assert int(row["count_spread"]) == np.ptp([int(n) for n in found])


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("images", ("image",)),
        ("spots", ("image", "method", "spot")),
        ("counts", ("image", "method")),
        ("comparison", ("image",)),
        ("agreement", ("image", "method_a", "method_b")),
        ("accuracy", ("image", "method")),
    ],
)
def test_rows_are_sorted_by_image_then_method(default_run, name, order):
    keys = [
        tuple(int(row[key]) if key == "spot" else row[key] for key in order)
        for row in table(default_run, name)
    ]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("image", "dtype", "size", "radius"),
    [("cell", "uint16", "0.1", "2"), ("disc_noisy", "uint8", "0.2", "4")],
)
def test_images_are_described_as_their_files_are(default_run, image, dtype, size, radius):
    (row,) = rows_of(default_run, "images", image=image)
    assert (row["status"], row["reason"]) == ("ok", "")
    assert (row["shape"], row["axes"], row["dtype"]) == ("256x256", "YX", dtype)
    assert (row["pixel_size_um"], row["spot_radius"]) == (size, radius)
    assert row["path"] == str(ROOT / "data" / f"{image}.tif")


def test_median_and_tophat_find_just_the_true_spots_of_the_discs(default_run):
    rows = [
        row
        for row in table(default_run, "accuracy")
        if row["image"].startswith("disc") and row["method"] in ("median", "tophat")
    ]
    assert len(rows) == 4
    false = {}
    for row in rows:
        assert (row["n_truth"], row["matched"], row["tolerance"]) == ("6", "6", "4")
        assert float(row["localisation_error"]) < 0.5
        false[row["image"], row["method"]] = int(row["n_spots"]) - 6
    # Noise on the rim of the disc; it is said to be too wide for a spot.
    assert false.pop(("disc_noisy", "tophat")) <= 1
    assert set(false.values()) == {0}
    wide = [spot for spot in table(default_run, "spots") if "wide" in spot["flags"]]
    assert sum(s["image"] == "disc_noisy" and s["method"] == "tophat" for s in wide) <= 1


def test_every_intermediate_is_an_imagej_file_with_type_and_pixel_size(default_run, default_plan):
    for kind, label, image in every_result(default_plan):
        path = result(default_run, kind, label, image)
        with tifffile.TiffFile(path) as tif:
            assert tif.is_imagej, path
            pixels = tif.asarray()
        assert pixels.shape == (256, 256), path
        raw = "uint16" if image == "cell" else "uint8"
        types = {"foreground": ["float32"], "mask": ["uint8"], "labels": ["uint16"]}
        assert pixels.dtype in types.get(kind, [raw, "float32"]), path
        assert images.read(path).pixel_size_um == (0.1 if image == "cell" else 0.2), path
        if kind == "mask":
            assert set(np.unique(pixels)) <= {0, 255}, path


def test_the_foreground_is_exactly_denoised_minus_background(default_run, default_plan):
    for label, step in default_plan.steps["foreground"].items():
        for image in default_plan.images:
            above = tifffile.imread(result(default_run, "foreground", label, image))
            quiet = tifffile.imread(result(default_run, "denoised", step.denoised, image))
            below = tifffile.imread(result(default_run, "background", step.background, image))
            difference = quiet.astype(np.float32) - below.astype(np.float32)
            np.testing.assert_array_equal(above, difference)


def score(raw, place, radius):
    """Amplitude of the Gaussian spot that fits best on a plane, times its likeness."""
    side = np.arange(-int(2 * radius), int(2 * radius) + 1)
    rows, columns = (d.ravel() for d in np.meshgrid(side, side, indexing="ij"))
    distance = np.hypot(rows, columns)
    near = distance <= 2 * radius
    rows, columns, distance = rows[near], columns[near], distance[near]
    grey = raw[np.add(rows, place[0]), np.add(columns, place[1])].astype(float)
    plane = np.stack([np.ones(grey.size), rows, columns], axis=1)
    grey, spot = (
        values - plane @ np.linalg.lstsq(plane, values)[0]
        for values in (grey, np.exp(-((distance / radius) ** 2)))
    )
    amplitude = grey @ spot / (spot @ spot)
    return amplitude * (grey @ spot) / np.linalg.norm(grey) / np.linalg.norm(spot)


def test_each_spot_reaches_the_tables_threshold(default_run, default_plan):
    for row in table(default_run, "counts"):
        method = default_plan.methods[row["method"]]
        above = tifffile.imread(result(default_run, "foreground", method.foreground, row["image"]))
        raw = images.read(ROOT / "data" / f"{row['image']}.tif").pixels
        labels = tifffile.imread(result(default_run, "labels", method.labels, row["image"]))
        radius = default_plan.parameters("mask", method.mask, row["image"])["radius"]
        # Where the whole spot is inside, so that no edge has to be repeated.
        reach = int(2 * radius)
        inside = np.pad(np.ones(np.subtract(raw.shape, 2 * reach), bool), reach)
        places = np.argwhere((labels > 0) & inside)
        scores = np.array([score(raw, place, radius) for place in places])
        highest = ndimage.maximum(scores, labels[tuple(places.T)], np.unique(labels[inside])[1:])
        assert len(highest) >= 6
        # The table rounds to six digits.
        assert min(highest) > float(row["threshold"]) * (1 - 1e-5)
        assert float(row["negative_fraction"]) == pytest.approx((above < 0).mean(), rel=1e-5)


def test_labels_are_numbered_as_the_table_counts_them(default_run, default_plan):
    for row in table(default_run, "counts"):
        label = default_plan.methods[row["method"]].labels
        labels = tifffile.imread(result(default_run, "labels", label, row["image"]))
        areas = np.bincount(labels.ravel())[1:]
        listed = rows_of(default_run, "spots", image=row["image"], method=row["method"])
        assert int(row["n_spots"]) == labels.max()
        assert [row["core_area"] for row in listed] == [str(area) for area in areas]


def test_every_job_leaves_a_log_that_names_its_step(default_run, default_plan):
    logs = default_run / "results" / "logs"
    for kind, label, image in every_result(default_plan):
        rule = next(rule for rule, folder in STEPS.items() if folder == kind)
        text = (logs / rule / label / f"{image}.log").read_text(encoding="utf-8")
        assert f"INFO {rule} done" in text
    for image in default_plan.images:
        assert "INFO read done" in (logs / "read" / f"{image}.log").read_text(encoding="utf-8")
    for name in ("collect", "compare", "accuracy"):
        assert (logs / f"{name}.log").is_file()


# What runs again


ONE_IMAGE = Counter(
    read=1, denoise=1, background=2, subtract=2, threshold=2, spots=2, collect=1, compare=1
)
ONE_BACKGROUND = Counter(background=1, subtract=1, threshold=1, spots=1, collect=1, compare=1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project beside a study of one image that ran to its end."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "project").mkdir()
    for name in ("Snakefile", "rules", "scripts", "envs", "profiles", "report"):
        source, copy = ROOT / name, folder / "project" / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy2(source, copy)
    spotted(folder / "study" / "raw" / "a.tif")
    configure(folder / "study", CONFIG)
    said = run(folder / "study")
    assert ran(said) == ONE_IMAGE
    return folder


@pytest.fixture
def study(finished, request):
    """A copy of that study beside the same project, for one test to change."""
    folder = finished / re.sub(r"\W", "_", request.node.name)
    shutil.copytree(finished / "study", folder, symlinks=True)
    yield folder
    # A project of its own would have to compile all filters again.
    for path in (finished / "project" / "scripts" / "localbg").rglob("*.py"):
        original = LIBRARY / path.relative_to(finished / "project" / "scripts" / "localbg")
        if path.read_bytes() != original.read_bytes():
            shutil.copy2(original, path)


def run(study, *options, targets=NO_FIGURES):
    snakefile = study.parent / "project" / "Snakefile"
    return snakemake(study, *targets, "--snakefile", snakefile, *options)


def edit(study, module):
    path = study.parent / "project" / "scripts" / "localbg" / module
    path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")


def test_nothing_is_done_twice(study):
    said = run(study)
    assert "Nothing to be done" in said
    assert ran(said) == Counter()


def test_an_edit_of_what_nothing_uses_does_nothing(study):
    edit(study, "backgrounds/rolling_ball.py")
    edit(study, "workflow/plan.py")
    edit(study, "workflow/closing.py")
    assert ran(run(study)) == Counter()


def test_another_k_repeats_just_the_threshold_and_what_follows(study):
    configure(study, CONFIG | {"threshold": {"rule": "noise", "k": 9}})
    before = table(study, "counts")
    assert ran(run(study)) == Counter(threshold=2, spots=2, collect=1, compare=1)
    for old, new in zip(before, table(study, "counts"), strict=True):
        assert above_level(new) == pytest.approx(above_level(old) * 9 / 4, rel=1e-4)


def above_level(row):
    return float(row["threshold"]) - float(row["level"])


def test_another_radius_repeats_just_that_methods_background(study):
    configure(study, CONFIG | {"methods": {"median": {"background": {"radius": 7}}}})
    before = rows_of(study, "spots", method="tophat")
    said = run(study)
    assert ran(said) == ONE_BACKGROUND
    (output,) = ran_for(said, "background")
    assert "median_radius-7" in output
    assert rows_of(study, "spots", method="tophat") == before


def test_an_edit_of_one_filter_repeats_just_its_backgrounds(study):
    edit(study, "backgrounds/median.py")
    said = run(study)
    assert ran(said) == ONE_BACKGROUND
    for rule in ("background", "subtract", "threshold", "spots"):
        (output,) = ran_for(said, rule)
        assert "/median_" in output


def test_an_edit_of_the_spots_repeats_no_threshold(study):
    edit(study, "detection/spots.py")
    assert ran(run(study)) == Counter(spots=2, collect=1, compare=1)


def test_an_image_more_is_all_that_is_done(study):
    before = rows_of(study, "spots", image="a")
    spotted(study / "raw" / "b.tif", PLACES[:2], seed=1)
    said = run(study)
    assert ran(said) == ONE_IMAGE
    assert {path.rpartition("/")[2] for path in ran_for(said, "background")} == {"b.tif"}
    assert rows_of(study, "spots", image="a") == before
    assert [(r["image"], r["method"], r["n_spots"]) for r in table(study, "counts")] == [
        ("a", "median", "3"),
        ("a", "tophat", "3"),
        ("b", "median", "2"),
        ("b", "tophat", "2"),
    ]


def test_settings_on_the_command_line_override_the_studys(study):
    said = run(study, "--config", "compare=[median]", "spot_radius=2")
    assert ran(said) == Counter(
        denoise=1, background=1, subtract=1, threshold=1, spots=1, collect=1, compare=1
    )
    assert [row["method"] for row in table(study, "counts")] == ["median"]
    assert [row["spot_radius"] for row in table(study, "images")] == ["2"]


def test_a_number_within_a_setting_on_the_command_line_is_a_number(study):
    (before,) = rows_of(study, "counts", method="median")
    said = run(study, "--config", "compare=[median]", "threshold={k: 9.5}")
    assert ran(said) == Counter(threshold=1, spots=1, collect=1, compare=1)
    (after,) = table(study, "counts")
    assert above_level(after) == pytest.approx(above_level(before) * 9.5 / 4, rel=1e-4)


def test_a_run_may_stop_at_a_step(study):
    shutil.rmtree(study / "results")
    said = run(study, "--until", "background", targets=())
    assert ran(said) == Counter(read=1, denoise=1, background=2)


def imported(path):
    """Library modules that a file imports, as paths without suffix below the library."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            inside = rest.replace(".", "/")
            if package == "localbg" and (LIBRARY / inside).is_dir() and inside:
                inside += "/__init__"
            if package == "localbg" and (LIBRARY / f"{inside}.py").is_file():
                found.add(inside)
    return found


@cache
def modules_behind(path):
    """Library modules that a file needs, directly or through others."""
    found, waiting = set(), set(imported(path))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= imported(LIBRARY / f"{name}.py") - found
    return found


def rules_with_scripts():
    """Of each rule that runs a script: the script, and whose modules it lists."""
    files = (ROOT / "Snakefile", *(ROOT / "rules").iterdir())
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for block in re.split(r"^(?=rule )", text, flags=re.MULTILINE)[1:]:
        if script := re.search(r'script:\s+"(?:../)?scripts/([^"]+)"', block):
            calls = re.search(r"        modules=(.*),\n", block)[1]
            yield script[1], calls


# Their jobs depend on the background filters that they use.
ESTIMATE = ("background.py", "batch.py", "assess.py", "thresholds.py")


def test_every_rule_lists_the_modules_of_its_script():
    expected = {
        script: ("with_estimator" if script in ESTIMATE else "modules") + f'("{script}")'
        for script, _ in rules_with_scripts()
    }
    assert dict(rules_with_scripts()) == expected
    assert len(expected) == 31


@pytest.mark.parametrize(
    "path",
    sorted(str(p.relative_to(SCRIPTS)) for p in SCRIPTS.rglob("*.py") if p.stem != "__init__"),
)
def test_the_modules_found_are_those_that_python_s_own_parser_finds(path):
    expected = {f"localbg/{name}.py" for name in modules_behind(SCRIPTS / path)}
    found = dependencies.modules(path)
    # A chapter itself comes with each of its modules; but for backgrounds, its __init__ is empty.
    empty = {name for name in expected | found if name.endswith("__init__.py")}
    empty.discard("localbg/backgrounds/__init__.py")
    assert found - empty == expected - empty - {path}


# A study of one's own


@pytest.fixture(scope="session")
def minimal(tmp_path_factory):
    """A study that names its images only, one of them blank."""
    folder = tmp_path_factory.mktemp("minimal")
    spotted(folder / "raw" / "spots.tif")
    tifffile.imwrite(folder / "raw" / "blank.tif", np.full((64, 60), 7, np.uint8))
    configure(folder, {"images": "raw"})
    said = snakemake(folder, "--configfile", folder / "config.yaml")
    assert "2 of 2 images done; tables are in results/tables" in said
    # The closing lines stay beside the tables.
    summary = (folder / "results" / "summary.txt").read_text(encoding="utf-8")
    assert summary in said
    assert "\nSpots: " in summary
    assert f"\nFigures: {(folder / 'results' / 'figures').as_uri()}\n" in summary
    return folder


def test_a_study_that_names_its_images_only_runs_the_shipped_methods(minimal):
    rows = [(row["image"], row["method"]) for row in table(minimal, "counts")]
    methods = ("gaussian", "median", "tophat")
    assert rows == [(image, method) for image in ("blank", "spots") for method in methods]
    assert [row["path"] for row in table(minimal, "images")] == ["raw/blank.tif", "raw/spots.tif"]
    for method in ("median", "tophat"):
        found = rows_of(minimal, "spots", image="spots", method=method)
        positions = [(float(row["y"]), float(row["x"])) for row in found]
        np.testing.assert_allclose(positions, PLACES, atol=0.5)


def test_a_count_of_nothing_is_a_row_with_0(minimal):
    for row in rows_of(minimal, "counts", image="blank"):
        assert (row["status"], row["n_spots"], row["density"]) == ("ok", "0", "0")
        assert row["decided_by"] == "constant"
    assert rows_of(minimal, "spots", image="blank") == []
    (row,) = rows_of(minimal, "comparison", image="blank")
    assert [row[name] for name in ("gaussian", "median", "tophat")] == ["0", "0", "0"]
    assert (row["count_median"], row["count_spread"]) == ("0", "0")
    assert {row["jaccard"] for row in rows_of(minimal, "agreement", image="blank")} == {"1"}


def test_every_table_is_there_with_its_columns(minimal):
    folder = minimal / "results" / "tables"
    assert {path.stem for path in folder.glob("*.csv")} == {*TABLES, *ASSESSMENT, *RANKING}
    for name in {*TABLES, *ASSESSMENT, *RANKING} - {"comparison", "parameters"}:
        header = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
        assert header.split(",") == list(COLUMNS[name])


def test_an_unknown_pixel_size_is_left_empty(minimal):
    assert {row["pixel_size_um"] for row in table(minimal, "images")} == {""}
    assert {row["density_um2"] for row in table(minimal, "counts")} == {""}


def test_nothing_but_results_is_written_beside_the_images(minimal):
    names = {path.name for path in minimal.iterdir() if not path.name.startswith(".")}
    assert names == {"raw", "config.yaml", "results"}
    assert {path.name for path in (minimal / "raw").iterdir()} == {"blank.tif", "spots.tif"}
    assert list(minimal.rglob("*.part")) == []


def test_records_say_what_the_threshold_was_made_of(minimal):
    (path,) = minimal.glob("results/mask/*/median*/*/spots.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert (record["rule"], record["decided_by"]) == ("matched_filter", "rule")
    assert list(record["parameters"]) == ["radius", "polarity"]
    # So few local maxima tell no bulk; the noise alone decides.
    assert record["threshold"] == record["chosen"] == record["distinct"] == 0
    assert 3 < record["significant"] < 6


def test_the_error_of_a_shrunken_background_is_told_where_asked(tmp_path):
    methods = {
        "quick": {"background": {"filter": "median", "radius": 8, "shrink": 2}},
        "checked": {
            "background": {"filter": "median", "radius": 8, "shrink": 2, "shrink_error": True}
        },
    }
    config = {
        "images": {"cell": {"path": str(ROOT / "data" / "cell.tif"), "spot_radius": 3}},
        "denoise": {"filter": "none"},
        "methods": methods,
        "compare": list(methods),
    }
    configure(tmp_path, config)
    snakemake(tmp_path, "results/tables/counts.csv", "--set-threads", "background=2")
    quick, checked = (rows_of(tmp_path, "counts", method=name)[0] for name in methods)
    image = tifffile.imread(ROOT / "data" / "cell.tif")
    exact = backgrounds.estimate(image, filter="median", radius=8)
    near = backgrounds.estimate(image, filter="median", radius=8, shrink=2)
    difference = near.astype(float) - exact
    assert float(checked["shrink_error_rms"]) == pytest.approx((difference**2).mean() ** 0.5)
    assert float(checked["shrink_error_max"]) == abs(difference).max() > 0
    assert quick["shrink_error_rms"] == quick["shrink_error_max"] == ""
    assert quick["n_spots"] == checked["n_spots"]
