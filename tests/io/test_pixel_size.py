"""What is a pixel size, in whichever of the three ways a file gives it, and what is not."""

import numpy as np
import pytest
import tifffile

from localbg.io import images, pixel_size

PLANE = np.arange(72, dtype=np.uint16).reshape(8, 9)


def read(path, **options):
    """Pixel size and note of a file with these options of tifffile.imwrite."""
    tifffile.imwrite(path, PLANE, **({"photometric": "minisblack"} | options))
    plane = images.read(path)
    assert (plane.pixel_size_um is None) == bool(plane.pixel_size_note)
    np.testing.assert_array_equal(plane.pixels, PLANE)  # readable, whatever its size is
    return plane.pixel_size_um, plane.pixel_size_note


DPI = (72, 96, 100, 150, 180, 200, 240, 300, 350, 360, 400, 600, 720, 1200, 2400)


@pytest.mark.parametrize("dpi", DPI)
@pytest.mark.attack(
    kind="pixel size",
    case="the usual resolutions of prints and screens, per inch or per centimetre",
    outcome="no pixel size is known, and the resolution is named",
)
def test_resolutions_of_prints_are_no_pixel_sizes(tmp_path, dpi):
    for per_cm in (dpi / 2.54, round(dpi / 2.54, 2), round(dpi / 2.54)):
        options = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
        size, note = read(tmp_path / "cm.tif", **options)
        assert size is None
        assert f"{dpi} dots per inch, is that of a print" in note
    size, note = read(tmp_path / "inch.tif", resolution=(dpi, dpi), resolutionunit="INCH")
    assert (size, "per inch" in note) == (None, True)
    unit = {"imagej": True, "metadata": {"unit": "cm"}}
    assert read(tmp_path / "ij.tif", resolution=(dpi / 2.54, dpi / 2.54), **unit)[0] is None


@pytest.mark.parametrize(
    ("per_cm", "size"), [(50_000, 0.2), (92_307.7, 0.108333), (1000, 10.0), (1, None), (0, None)]
)
def test_resolutions_of_microscopes_are(tmp_path, per_cm, size):
    options = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
    assert read(tmp_path / "cm.tif", **options)[0] == size


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        *((unit, 1.0) for unit in ("um", "µm", "μm", r"\u00B5m", "UM", "micron", "Microns")),
        *((unit, 1.0) for unit in ("micrometer", "micrometers", "micrometre", "micrometres")),
        *((unit, 1e-3) for unit in ("nm", "nanometer", "nanometers", "nanometre", "nanometres")),
        *((unit, 1e3) for unit in ("mm", "millimeter", "millimetres")),
        ("cm", 1e4),
        ("m", 1e6),
        ("Å", 1e-4),
        *((unit, None) for unit in ("pixel", "pixels", "inch", "in", "", "Mm", "sec", "reference")),
    ],
)
@pytest.mark.attack(
    kind="pixel size",
    case="units spelled as programs and people spell them",
    outcome="the right factor, or no pixel size",
)
def test_units_are_known_by_all_their_spellings(unit, factor):
    assert pixel_size.micrometres(unit) == factor


@pytest.mark.parametrize(
    ("attributes", "size", "words"),
    [
        ({"PhysicalSizeX": "0.108", "PhysicalSizeY": "0.108"}, 0.108, ""),
        ({"PhysicalSizeX": "1e-1", "PhysicalSizeY": ".1"}, 0.1, ""),
        ({"PhysicalSizeX": "0,108", "PhysicalSizeY": "0,108"}, None, "'0,108', which is no number"),
        ({"PhysicalSizeX": "1_0", "PhysicalSizeY": "1_0"}, None, "'1_0', which is no number"),
        ({"PhysicalSizeX": "-0.1", "PhysicalSizeY": "-0.1"}, None, "is -0.1 µm, which cannot be"),
        ({"PhysicalSizeX": "1e400", "PhysicalSizeY": "1e400"}, None, "is inf µm"),
        ({"PhysicalSizeX": "0.1", "PhysicalSizeY": "0.2"}, None, "pixels are not square (0.2 µm"),
        ({"PhysicalSizeX": "0.1"}, None, "the file gives no pixel size"),
        (
            {
                "PhysicalSizeX": "1",
                "PhysicalSizeY": "1",
                "PhysicalSizeXUnit": "pixel",
                "PhysicalSizeYUnit": "pixel",
            },
            None,
            "in 'pixel', which is no unit of length",
        ),
    ],
)
@pytest.mark.attack(
    kind="pixel size",
    case="OME sizes with a decimal comma, negative, infinite, unequal or in pixels",
    outcome="no pixel size, and the note quotes what the file says",
)
def test_sizes_of_ome_are_checked(attributes, size, words):
    found, note = pixel_size.of_ome(attributes)
    assert found == size
    assert words in note
    assert bool(note) == (size is None)


def test_a_sheet_overrides_what_is_none(tmp_path):
    options = {"resolution": (118.11, 118.11), "resolutionunit": "CENTIMETER"}
    read(tmp_path / "a.tif", **options)
    plane = images.read(tmp_path / "a.tif", pixel_size_um=0.1083333333)
    assert (plane.pixel_size_um, plane.pixel_size_note) == (0.108333, "")
