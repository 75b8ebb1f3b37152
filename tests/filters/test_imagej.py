"""The filters equal ImageJ's, on crops of the shipped images (`tests/imagej/README.md`)."""

import imagej_process
import make_references as references
import numpy as np
import pytest
import tifffile

from localbg.backgrounds import estimate

# What each operation of ImageJ is called here.
CALLS = {
    "median": {"filter": "median", "footprint": "imagej"},
    "opening": {"filter": "opening", "footprint": "imagej"},
    "closing": {"filter": "opening", "footprint": "imagej", "polarity": "dark"},
    "gaussian": {"filter": "gaussian"},
    "rolling_ball": {"filter": "rolling_ball"},
    "rolling_ball_light": {"filter": "rolling_ball", "polarity": "dark"},
}


def cases(*operations):
    """Parametrize a test by crop, operation and size."""
    chosen = [case for case in references.CASES if case[1] in operations]
    return pytest.mark.parametrize(("name", "operation", "size"), chosen)


def ours(image, operation, size):
    keyword = "sigma" if operation == "gaussian" else "radius"
    return estimate(image, **CALLS[operation], **{keyword: size})


def imagej(*case):
    return tifffile.imread(references.path_of(*case))


def assert_identical(result, expected):
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@cases("median", "opening", "closing", "rolling_ball", "rolling_ball_light")
def test_background_of_whole_numbers_is_that_of_imagej_bit_for_bit(name, operation, size):
    result = ours(references.crop(name), operation, size)
    assert_identical(result, imagej(name, operation, size))


@cases("gaussian")
def test_gaussian_is_that_of_imagej_to_a_fiftieth_of_a_grey_level(name, operation, size):
    result, expected = ours(references.crop(name), operation, size), imagej(name, operation, size)
    assert result.dtype == expected.dtype
    assert np.abs(result - expected).max() <= 0.02


def test_every_reference_belongs_to_a_case():
    made = {references.path_of(*case) for case in references.CASES}
    assert set(references.FOLDER.glob("*.tif")) == made


def test_references_are_what_imagej_answers_here(tmp_path):
    if missing := imagej_process.what_is_missing():
        pytest.skip(f"the references are not made anew: {missing}")
    version = references.make(tmp_path)
    for case in references.CASES:
        made = tifffile.imread(references.path_of(*case, tmp_path))
        np.testing.assert_array_equal(made, imagej(*case), f"ImageJ {version}, {case}")
