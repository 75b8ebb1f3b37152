"""The library's chapters: arrows go one way, and jobs depend on their own work only."""

import ast
from collections import Counter

import pytest

from conftest import ROOT
from localbg.workflow import dependencies

LIBRARY = ROOT / "scripts" / "localbg"
# Each may build on those before it.
CHAPTERS = (
    *("core", "io", "filters", "backgrounds", "detection", "pipeline", "accuracy", "comparison"),
    *("assessment", "ranking", "suggest", "figures", "report", "workflow"),
)
# What workflow holds that a job needs: its log, and that it is the only run here.
OF_A_JOB = {"workflow/job", "workflow/ownership", "workflow/run_lock"}
IN_MEMORY = OF_A_JOB | {
    *("core/checks", "core/failures", "core/files", "core/memory", "core/names"),
    *("core/parameters",),
    *("io/grey_values", "io/image_flags", "io/images", "io/ome", "io/photometric"),
    *("io/pixel_size", "io/plane_selection", "io/planned_image", "io/segment_headers"),
    *("io/sources", "io/tiff_decode", "io/tiff_layout", "io/tiff_structure"),
    *("filters/compiled", "filters/contrast", "filters/disc", "filters/footprint"),
    *("filters/gaussian_filter", "filters/median_filter", "filters/min_max", "filters/moments"),
    *("filters/watershed", "backgrounds/__init__"),
    *("detection/decision", "detection/denoise", "detection/fdr", "detection/level_noise"),
    *("detection/likeness", "detection/matched_filter", "detection/measures", "detection/noise"),
    *("detection/shapes", "detection/spots", "detection/subtract", "detection/threshold"),
    *("pipeline/chain", "pipeline/shards", "pipeline/signatures"),
    *("pipeline/steps/denoise_image", "pipeline/steps/estimate_background"),
    *("pipeline/steps/subtract_background", "pipeline/steps/threshold_foreground"),
    *("pipeline/steps/detect_spots",),
}


def chapter(path):
    return path.relative_to(LIBRARY).parts[0]


def imported(path):
    """Chapters that a module imports from, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "localbg":
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("localbg."):
            yield node.module.split(".")[1]


def test_every_module_lies_in_a_chapter():
    found = {path.relative_to(LIBRARY).parts[0] for path in LIBRARY.rglob("*.py")}
    assert found == {"__init__.py", "api.py", *CHAPTERS}


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_builds_on_those_before_it(name):
    known = CHAPTERS[: CHAPTERS.index(name) + 1]
    modules = list((LIBRARY / name).rglob("*.py"))
    assert modules
    wrong = {f"{path.stem}: {to}" for path in modules for to in imported(path) if to not in known}
    assert wrong == set()


def test_no_two_modules_share_a_name():
    names = Counter(path.stem for path in LIBRARY.rglob("*.py") if path.stem != "__init__")
    assert [name for name, n in names.items() if n > 1] == []


def modules_of(script):
    return {path.removeprefix("localbg/")[:-3] for path in dependencies.modules(f"{script}.py")}


def test_jobs_in_memory_depend_on_no_planning_sheet_config_or_caption():
    shared = {"pipeline/shared_thresholds"}
    assert modules_of("thresholds") == IN_MEMORY
    assert modules_of("batch") == IN_MEMORY | shared | {"io/cells"}
    of_assessment = {name for name in modules_of("assess") if name.startswith("assessment/")}
    assert modules_of("assess") == IN_MEMORY | shared | {"accuracy/scoring"} | of_assessment


@pytest.mark.parametrize(
    ("script", "detection"),
    [
        ("denoise", {"denoise"}),
        ("background", set()),
        ("subtract", {"subtract"}),
        ("spots", {"decision", "likeness", "measures", "noise", "shapes", "spots"}),
    ],
)
def test_the_job_of_a_step_depends_on_no_other_step(script, detection):
    modules = modules_of(script)
    assert {name for name in modules if name.startswith("detection/")} == {
        f"detection/{name}" for name in detection
    }
    assert {name for name in modules if name.startswith("workflow/")} == OF_A_JOB
