"""The library from a notebook: the numbers of the workflow, on arrays."""

import doctest
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import localbg
from conftest import ROOT
from localbg import api
from localbg.core.failures import StepFailed
from localbg.detection.measures import MEASURES
from localbg.io import images
from localbg.io.cells import format_cell, format_fields
from localbg.workflow.plan import PlanError
from small_study import read_text

SPOTS = ((14.0, 15.0), (20.0, 44.0), (45.0, 22.0))


def image(dtype=np.uint16, sign=1):
    y, x = np.indices((64, 60))
    light = (
        400
        + y
        + sum(sign * 120 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4.5) for cy, cx in SPOTS)
    )
    return np.rint(light + np.random.default_rng(0).normal(0, 2, light.shape)).astype(dtype)


def test_examples_give_what_they_say():
    failed, tried = doctest.testmod(api)
    assert (failed, tried > 10) == (0, True)


def test_a_run_and_a_notebook_find_the_same(default_run):
    """In the tables of the run, to the last digit written."""
    rows = read_text(default_run / "results" / "tables" / "images.csv")
    row = next(row for row in rows if row["status"] == "ok")
    plane = images.read(ROOT / "data" / os.path.basename(row["path"]))
    found = api.compare_methods(plane, float(row["spot_radius"]))
    counts = read_text(default_run / "results" / "tables" / "counts.csv")
    of_image = {line["method"]: line for line in counts if line["image"] == row["image"]}
    assert sorted(found.counts) == sorted(of_image) == ["gaussian", "median", "tophat"]
    for name, detection in found.detections.items():
        assert str(found.counts[name]) == of_image[name]["n_spots"]
        for key in ("threshold", "noise", "level", "decided_by"):
            assert format_cell(key, detection.record[key]) == of_image[name][key]
    spots = read_text(default_run / "results" / "tables" / "spots.csv")
    of_method = [
        line for line in spots if (line["image"], line["method"]) == (row["image"], "median")
    ]
    for spot, line in zip(found.detections["median"].spots, of_method, strict=True):
        assert format_fields(spot, MEASURES) == [line[key] for key in MEASURES]


@pytest.mark.parametrize("method", ["tophat", "median", "gaussian"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_spots_are_found_whatever_the_type_of_the_pixels(method, dtype):
    found = localbg.detect_spots(image(dtype), 2.1, method)
    assert found.places == pytest.approx(np.array(SPOTS), abs=0.3)
    assert found.labels.max() == 3
    for spot, (y, x) in zip(found.spots, SPOTS, strict=True):
        assert found.labels[round(y), round(x)] == spot.spot
    assert list(pd.DataFrame(found.spots)) == list(MEASURES)
    np.testing.assert_allclose(
        found.foreground, found.denoised.astype(float) - found.background, atol=1e-3
    )


def test_dark_spots_are_those_of_the_image_turned_over():
    found = localbg.detect_spots(image(sign=-1), 2.1, polarity="dark")
    assert found.places == pytest.approx(np.array(SPOTS), abs=0.3)


def test_sizes_in_micrometres_need_the_pixel_size():
    in_pixels = localbg.detect_spots(image(), 2)
    in_um = localbg.detect_spots(image(), "0.4um", pixel_size_um=0.2)
    np.testing.assert_array_equal(in_um.labels, in_pixels.labels)
    with pytest.raises((StepFailed, ValueError), match="pixel size"):
        localbg.detect_spots(image(), "0.4um")


def test_lists_of_values_are_compared_and_are_no_single_method():
    sweep = {"m": {"background": {"filter": "median", "radius": ["2x", "3x"]}}}
    found = localbg.compare_methods(image(), 2.1, ["m"], methods=sweep)
    assert found.counts == {"m_radius-2x": 3, "m_radius-3x": 3}
    (pair,) = found.agreement
    assert (pair["matched"], pair["only_a"], pair["only_b"], pair["jaccard"]) == (3, 0, 0, 1)
    with pytest.raises(ValueError, match="makes 2 methods; expected one"):
        localbg.detect_spots(image(), 2.1, "m", methods=sweep)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"method": "tophut"}, PlanError, "Did you mean 'tophat'"),
        ({"spot_radius": -1}, PlanError, "spot_radius is -1"),
        ({"threshold": {"rule": "x"}}, PlanError, "unknown rule 'x'"),
        ({"colour": 1}, PlanError, "unknown key 'colour'"),
        ({"threshold": {"scope": "all"}}, ValueError, "scope: image"),
        ({"image": np.zeros((3, 64, 64))}, ValueError, "rows and columns"),
        ({"image": np.full((64, 64), np.nan)}, ValueError, "image: all pixels are NaN"),
        ({"spot_radius": 50}, StepFailed, "does not fit the image"),
    ],
)
def test_what_is_wrong_is_said(given, error, words):
    with pytest.raises(error, match=words):
        localbg.detect_spots(**{"image": image(), "spot_radius": 2.1} | given)


def test_the_package_loads_nothing_before_it_is_asked():
    code = "import localbg, sys; print('numpy' in sys.modules, 'detect_spots' in dir(localbg))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "False True\n"
    assert sorted(api.__all__) == sorted(localbg.API)
    with pytest.raises(AttributeError, match="detect_spot"):
        localbg.detect_spot  # noqa: B018


@pytest.mark.long
def test_what_pip_installs_runs_outside_of_the_clone(tmp_path):
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "scripts", source / "scripts")
    subprocess.run([sys.executable, *install, tmp_path / "lib", source], check=True, timeout=300)
    code = (
        "import localbg, numpy as np\n"
        "y, x = np.indices((64, 64))\n"
        "image = 100 + 80 * np.exp(-((y - 30) ** 2 + (x - 20) ** 2) / 8)\n"
        "image = np.random.default_rng(0).poisson(image).astype(np.uint16)\n"
        "print(localbg.__file__, len(localbg.detect_spots(image, 3).spots))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "lib")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{tmp_path / 'lib' / 'localbg' / '__init__.py'} 1\n", done.stderr
