"""A background filter that raises, and an image that vanishes while the run goes on."""

import shutil
from collections import Counter

import numpy as np
import pytest
import tifffile

from conftest import ROOT, snakemake
from small_study import NO_FIGURES, configure, ran, rows_of, spotted, table

pytestmark = pytest.mark.long

# Takes the file away that a note names, at the first image it sees.
FILTER = '''
from pathlib import Path
import numpy as np
from scipy import ndimage
from localbg.core.parameters import Size

def picky(image: np.ndarray, *, radius: Size) -> np.ndarray:
    """An opening that will have no square images."""
    note = Path("take_away")
    if note.exists():
        Path(note.read_text()).unlink()
        note.unlink()
    if image.shape[0] == image.shape[1]:
        raise ZeroDivisionError("nothing is behind a square")
    return ndimage.grey_opening(image, 2 * int(radius) + 1)
'''
# Without filters that would have to be compiled for this copy of the project.
CONFIG = {
    "images": "raw",
    "denoise": {"filter": "none"},
    "spots": {"split": False},
    "methods": {"m": {"background": {"filter": "picky", "radius": 6}}},
    "compare": ["m"],
}
LABEL = "picky_radius-6_of-image"
FIRST_BATCH = f"results/batches/000001/{LABEL}.jsonl"
# How jobs are cut, what has to be made first, and what a second run has to do.
ONE_IMAGE = ("read", "denoise", "background", "subtract", "threshold", "spots")
CASES = {
    "steps": ({"mode": "steps"}, f"results/background/{LABEL}/a.tif", dict.fromkeys(ONE_IMAGE, 2)),
    "batches of one": ({"mode": "batch", "images_per_job": 1}, FIRST_BATCH, {"batch": 2}),
    "one batch": ({"mode": "batch", "images_per_job": 3}, FIRST_BATCH, {"batch": 1}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with one filter more."""
    folder = tmp_path_factory.mktemp("with_filter") / "project"
    for name in ("rules", "scripts", "envs", "report"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "scripts" / "localbg" / "backgrounds" / "picky.py").write_text(FILTER)
    return folder


@pytest.mark.parametrize(("run", "first", "again"), CASES.values(), ids=CASES)
@pytest.mark.attack(
    kind="inputs",
    case="a filter raises; an image vanishes while the run goes on",
    outcome="each fails alone and is mended alone",
)
def test_each_fails_alone_and_is_mended_alone(project, tmp_path, run, first, again):
    raw = tmp_path / "raw"
    spotted(raw / "a.tif")
    spotted(raw / "gone.tif")
    tifffile.imwrite(raw / "square.tif", np.full((50, 50), 7, np.uint8))
    content = (raw / "gone.tif").read_bytes()
    (tmp_path / "take_away").write_text("raw/gone.tif")
    configure(tmp_path, CONFIG | {"run": run})
    options = (*NO_FIGURES, "--snakefile", project / "Snakefile", "--cores", "1")

    said = snakemake(tmp_path, *options, "--prioritize", first, fails=True)
    assert "1 of 3 images done" in said
    assert [tuple(row.values()) for row in table(tmp_path, "failures")] == [
        ("gone", "raw/gone.tif", "read", "raw/gone.tif does not exist"),
        (
            *("square", "raw/square.tif", "background"),
            "ZeroDivisionError: nothing is behind a square",
        ),
    ]
    statuses = [("a", "ok"), ("gone", "failed"), ("square", "failed")]
    for name in ("images", "counts"):
        assert [(row["image"], row["status"]) for row in table(tmp_path, name)] == statuses
    before = rows_of(tmp_path, "spots", image="a")
    assert len(before) == 3

    (raw / "gone.tif").write_bytes(content)
    tifffile.imwrite(raw / "square.tif", np.full((50, 51), 7, np.uint8))
    said = snakemake(tmp_path, *options)
    assert ran(said) == Counter(again, collect=1, compare=1)
    assert [(r["image"], r["n_spots"]) for r in table(tmp_path, "counts")] == [
        ("a", "3"),
        ("gone", "3"),
        ("square", "0"),
    ]
    assert rows_of(tmp_path, "spots", image="a") == before
