"""Reading picks the right pixels or says what is wrong; writing loses nothing."""

import numpy as np
import pytest
import tifffile

from handmade import refusal, saved
from localbg.io import images

RNG = np.random.default_rng(1)
STACK = RNG.integers(0, 60_000, (2, 3, 4, 16, 17)).astype(np.uint16)  # TZCYX
PLANE = STACK[0, 0, 0]

# How a five-dimensional image is written so that its axes are known, or are not.
HYPERSTACKS = {
    "ome": {"ome": True, "metadata": {"axes": "TZCYX"}},
    "imagej": {"imagej": True, "metadata": {"axes": "TZCYX"}},
}


@pytest.fixture(params=HYPERSTACKS)
def hyperstack(request, tmp_path):
    path = tmp_path / f"{request.param}.tif"
    tifffile.imwrite(path, STACK, **HYPERSTACKS[request.param])
    return path


# Picks


@pytest.mark.parametrize(
    ("picks", "expected"),
    [
        ({"t": 1, "z": 2, "channel": 3}, STACK[1, 2, 3]),
        ({"t": 0, "z": 0, "channel": 0}, STACK[0, 0, 0]),
        ({"t": 1, "z": "max", "channel": 2}, STACK[1, :, 2].max(axis=0)),
        ({"t": 0, "z": "mean", "channel": 1}, STACK[0, :, 1].mean(axis=0).astype(np.float32)),
    ],
)
def test_picks_give_exactly_these_pixels(hyperstack, picks, expected):
    plane = images.read(hyperstack, **picks)
    np.testing.assert_array_equal(plane.pixels, expected)
    assert plane.pixels.dtype == expected.dtype
    assert (plane.axes, plane.shape, plane.dtype) == ("TZCYX", (2, 3, 4, 16, 17), "uint16")


@pytest.mark.attack(
    kind="grey values",
    case="the mean of bright 16-bit planes",
    outcome="no overflow",
)
def test_mean_of_sixteen_bit_planes_does_not_overflow(tmp_path):
    path = saved(tmp_path / "bright.tif", np.full((3, 8, 9), 65_535, np.uint16))
    plane = images.read(path, axes="ZYX", z="mean")
    np.testing.assert_array_equal(plane.pixels, np.full((8, 9), 65_535, np.float32))


def test_the_sheets_axes_name_those_of_a_plain_multi_page_file(tmp_path):
    path = saved(tmp_path / "pages.tif", STACK[0, 0])
    np.testing.assert_array_equal(images.read(path, axes="ZYX", z=2).pixels, STACK[0, 0, 2])
    np.testing.assert_array_equal(images.read(path, axes="cyx", channel=3).pixels, STACK[0, 0, 3])
    np.testing.assert_array_equal(images.read(path, axes="TYX", t=1).pixels, STACK[0, 0, 1])


def test_columns_before_rows_are_turned_round(tmp_path):
    path = saved(tmp_path / "xyz.tif", STACK[0, 0])
    plane = images.read(path, axes="XYZ", z=5)
    np.testing.assert_array_equal(plane.pixels, STACK[0, 0, :, :, 5].T)


def test_a_pick_of_the_first_or_of_all_is_fine_where_there_is_no_such_axis(tmp_path):
    path = saved(tmp_path / "plane.tif", PLANE)
    for picks in ({"channel": 0}, {"z": 0, "t": 0}, {"z": "max"}, {"z": "mean"}):
        np.testing.assert_array_equal(images.read(path, **picks).pixels, PLANE)


def test_axes_of_length_one_need_no_pick(tmp_path):
    path = saved(tmp_path / "thin.tif", STACK[:1, :1, :1], imagej=True, metadata={"axes": "TZCYX"})
    np.testing.assert_array_equal(images.read(path).pixels, PLANE)


def test_a_channel_of_an_rgb_image_can_be_picked_by_naming_its_axes(tmp_path):
    rgb = RNG.integers(0, 255, (16, 17, 3)).astype(np.uint8)
    path = saved(tmp_path / "rgb.tif", rgb, photometric="rgb")
    np.testing.assert_array_equal(images.read(path, axes="YXC", channel=1).pixels, rgb[..., 1])


# Refusals


def test_leftover_axes_are_named_with_their_sizes_and_what_to_pick(hyperstack):
    message = refusal(hyperstack)
    assert "pick t and z (an index, max or mean) and channel in the sheet" in message
    assert "its axes are T=2, Z=3, C=4, Y=16, X=17" in message
    assert "pick channel in the sheet" in refusal(hyperstack, t=0, z="max")


@pytest.mark.attack(
    kind="formats",
    case="pages whose axes nobody names",
    outcome="asked for, never guessed",
)
def test_pages_without_names_ask_for_axes(tmp_path):
    message = refusal(saved(tmp_path / "pages.tif", STACK[0, 0]))
    assert "name the axes in the sheet's column 'axes' (such as ZYX or TCYX)" in message
    assert "Q=4, Y=16, X=17" in message


@pytest.mark.attack(kind="formats", case="a colour image", outcome="refused, with both ways out")
def test_rgb_is_refused_with_both_ways_out(tmp_path):
    path = saved(tmp_path / "rgb.tif", np.zeros((16, 17, 3), np.uint8), photometric="rgb")
    message = refusal(path)
    assert "this is an RGB image; expected one grey value per pixel" in message
    assert "Convert it to grey" in message
    assert "(axes: YXC)" in message
    assert "Y=16, X=17, S=3" in message


@pytest.mark.parametrize(
    ("picks", "words"),
    [
        ({"t": 0, "z": 0, "channel": 4}, "channel 4 does not exist; expected 0 to 3"),
        ({"t": 0, "z": 3, "channel": 0}, "z 3 does not exist; expected 0 to 2"),
        ({"t": 2, "z": 0, "channel": 0}, "t 2 does not exist; expected 0 to 1"),
    ],
)
@pytest.mark.attack(
    kind="formats",
    case="a plane that does not exist",
    outcome="refused with the range",
)
def test_an_index_out_of_range_is_refused_with_the_range(hyperstack, picks, words):
    message = refusal(hyperstack, **picks)
    assert words in message
    assert "T=2, Z=3, C=4, Y=16, X=17" in message


def test_a_pick_along_an_axis_that_is_not_there_is_refused(tmp_path):
    path = saved(tmp_path / "plane.tif", PLANE)
    message = refusal(path, channel=1)
    assert "channel 1 was picked, but the file has no axis C; its axes are Y=16, X=17" in message


@pytest.mark.parametrize("axes", ["YX", "ZZX", "TZCYX"])
@pytest.mark.attack(
    kind="formats",
    case="the sheet's axes do not fit the file",
    outcome="refused with the file's",
)
def test_axes_that_do_not_fit_the_file_are_refused(tmp_path, axes):
    path = saved(tmp_path / "pages.tif", STACK[0, 0])
    message = refusal(path, axes=axes)
    assert f"the sheet's axes '{axes}' do not fit the file" in message
    assert "Q=4, Y=16, X=17" in message


def cut(path, part):
    """Keep only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


@pytest.mark.parametrize("part", [0.3, 0.8, 0.99])
@pytest.mark.parametrize(
    "options",
    [{"imagej": True}, {}, {"compression": "lzw"}, {"compression": "zlib"}, {"tile": (16, 16)}],
    ids=["imagej", "plain", "lzw", "zlib", "tiled"],
)
@pytest.mark.attack(
    kind="damaged image",
    case="a file cut off at some place",
    outcome="refused as truncated",
)
def test_a_truncated_file_is_called_truncated(tmp_path, options, part):
    pixels = RNG.integers(0, 60_000, (64, 60)).astype(np.uint16)
    path = cut(saved(tmp_path / "plane.tif", pixels, **options), part)
    assert "truncated or damaged" in refusal(path)


@pytest.mark.parametrize("writer", HYPERSTACKS)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.8])
@pytest.mark.attack(
    kind="damaged image",
    case="a stack cut off between its planes",
    outcome="refused, not taken for what is left",
)
def test_a_truncated_stack_is_not_taken_for_its_first_plane(tmp_path, writer, part):
    stack = RNG.integers(0, 60_000, (6, 64, 60)).astype(np.uint16)
    options = HYPERSTACKS[writer] | {"metadata": {"axes": "ZYX"}}
    path = saved(tmp_path / "stack.tif", stack, **options)
    np.testing.assert_array_equal(images.read(path, z="max").pixels, stack.max(axis=0))
    assert "truncated or damaged" in refusal(cut(path, part), z="max")


@pytest.mark.attack(kind="formats", case="a file of another kind", outcome="called no TIFF")
def test_a_file_of_another_kind_is_called_no_tiff(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("these are my notes")
    assert "is not a TIFF image" in refusal(path)


@pytest.mark.attack(kind="damaged image", case="an empty file", outcome="called empty")
def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "empty.tif"
    path.touch()
    assert "is empty (0 bytes); expected a TIFF image" in refusal(path)


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        images.read(tmp_path / "nothing.tif")


@pytest.mark.attack(
    kind="formats",
    case="several images in a file",
    outcome="refused with their sizes",
)
def test_several_images_in_a_file_are_refused_with_their_sizes(tmp_path):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((8, 9), np.uint8))
        writer.write(np.zeros((5, 6), np.uint16))
    message = refusal(path)
    assert "holds 2 separate images (YX (8, 9), YX (5, 6)); expected one" in message
    assert "Save each as a file of its own" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.attack(
    kind="grey values",
    case="NaN or infinity among the pixels",
    outcome="refused with their number",
)
def test_pixels_that_are_not_finite_are_counted(tmp_path, bad):
    pixels = np.ones((4, 5), np.float32)
    pixels[1, 2:4] = bad
    path = saved(tmp_path / "holes.tif", pixels)
    assert "2 of 20 pixels are NaN or infinite" in refusal(path)


def test_an_image_of_nothing_but_nan_is_refused(tmp_path):
    path = saved(tmp_path / "void.tif", np.full((4, 5), np.nan, np.float32))
    assert "all pixels are NaN or infinite" in refusal(path)


def test_only_the_picked_plane_has_to_be_finite(tmp_path):
    stack = np.ones((2, 4, 5), np.float32)
    stack[1] = np.nan
    path = saved(tmp_path / "half.tif", stack)
    np.testing.assert_array_equal(images.read(path, axes="ZYX", z=0).pixels, stack[0])
    assert "all pixels are NaN" in refusal(path, axes="ZYX", z="max")


@pytest.mark.attack(kind="formats", case="complex pixels", outcome="refused")
def test_complex_pixels_are_refused(tmp_path):
    path = saved(tmp_path / "complex.tif", np.ones((4, 5), np.complex64))
    assert "pixels of type complex64; expected whole or real numbers" in refusal(path)


# Types of pixels


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        (">u2", "uint16"),
        ("int8", "float32"),
        ("int16", "float32"),
        ("int32", "float32"),
        (">i4", "float32"),
        ("uint32", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f4", "float32"),
        ("float64", "float32"),
    ],
)
def test_eight_and_sixteen_bits_stay_and_the_rest_becomes_float(tmp_path, stored, read):
    pixels = np.arange(20).reshape(4, 5).astype(stored)
    byteorder = ">" if stored.startswith(">") else "<"
    plane = images.read(saved(tmp_path / "plane.tif", pixels, byteorder=byteorder))
    assert plane.pixels.dtype == np.dtype(read)
    assert plane.pixels.dtype.isnative
    np.testing.assert_array_equal(plane.pixels, pixels)


@pytest.mark.attack(kind="grey values", case="negative pixels", outcome="keep their sign")
def test_negative_numbers_keep_their_sign(tmp_path):
    path = saved(tmp_path / "signed.tif", np.array([[-3, 2], [1, 0]], np.int16))
    np.testing.assert_array_equal(images.read(path).pixels, np.float32([[-3, 2], [1, 0]]))


def test_a_mask_of_bits_becomes_zeros_and_ones(tmp_path):
    plane = images.read(saved(tmp_path / "mask.tif", np.eye(9, dtype=bool)))
    assert plane.pixels.dtype == np.uint8
    np.testing.assert_array_equal(plane.pixels, np.eye(9))


# Pixel sizes


@pytest.mark.parametrize(
    ("unit", "per_pixel"),
    [
        ("micron", 0.2),
        ("um", 0.2),
        (r"\u00B5m", 0.2),
        ("nm", 0.0002),
        ("mm", 200.0),
        ("pixel", None),
        ("inch", None),
    ],
)
def test_pixel_size_of_imagej_is_in_its_unit(tmp_path, unit, per_pixel):
    options = {"imagej": True, "resolution": (5, 5), "metadata": {"unit": unit}}
    assert images.read(saved(tmp_path / "plane.tif", PLANE, **options)).pixel_size_um == per_pixel


@pytest.mark.attack(
    kind="pixel size",
    case="a resolution without a unit",
    outcome="no pixel size, not one of a wrong unit",
)
def test_an_imagej_image_without_a_unit_has_no_pixel_size(tmp_path):
    path = saved(tmp_path / "plane.tif", PLANE, imagej=True, resolution=(5, 5))
    assert images.read(path).pixel_size_um is None


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2}, 0.2),
        ({"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "unit": "µm"}, 0.2),
        ({"PhysicalSizeX": 65, "PhysicalSizeY": 65, "unit": "nm"}, 0.065),
        ({"PhysicalSizeX": 3, "PhysicalSizeY": 3, "unit": "pixel"}, None),
        ({"PhysicalSizeX": 0.2}, None),
    ],
)
def test_pixel_size_of_ome_is_in_its_unit(tmp_path, metadata, expected):
    metadata = dict(metadata)
    if unit := metadata.pop("unit", None):
        metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    options = {"ome": True, "metadata": {"axes": "CYX"} | metadata}
    path = saved(tmp_path / "plane.ome.tif", STACK[0, 0], **options)
    assert images.read(path, channel=0).pixel_size_um == expected


def test_resolution_per_centimetre_counts_and_per_inch_does_not(tmp_path):
    options = {"resolution": (50_000, 50_000)}
    per_cm = saved(tmp_path / "cm.tif", PLANE, resolutionunit="CENTIMETER", **options)
    per_inch = saved(tmp_path / "inch.tif", PLANE, resolutionunit="INCH", **options)
    assert images.read(per_cm).pixel_size_um == 0.2
    assert images.read(per_inch).pixel_size_um is None
    assert images.read(saved(tmp_path / "none.tif", PLANE)).pixel_size_um is None


@pytest.mark.attack(
    kind="pixel size",
    case="pixels that are not square",
    outcome="no pixel size is known, and it says why",
)
def test_pixels_that_are_not_square_have_no_size_unless_the_sheet_tells_it(tmp_path):
    options = {"resolution": (50_000, 25_000), "resolutionunit": "CENTIMETER"}
    path = saved(tmp_path / "flat.tif", PLANE, **options)
    plane = images.read(path)
    assert plane.pixel_size_um is None
    assert "pixels are not square (0.4 µm high, 0.2 µm wide)" in plane.pixel_size_note
    assert "give pixel_size_um in the sheet" in plane.pixel_size_note
    assert images.read(path, pixel_size_um=0.3).pixel_size_um == 0.3


def test_the_sheets_pixel_size_overrides_the_files(tmp_path):
    options = {"imagej": True, "resolution": (5, 5), "metadata": {"unit": "um"}}
    path = saved(tmp_path / "plane.tif", PLANE, **options)
    assert images.read(path, pixel_size_um=0.5).pixel_size_um == 0.5


# Writing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [None, 0.2, 0.1083333, 0.065])
def test_writing_keeps_pixels_type_and_pixel_size(tmp_path, dtype, size):
    pixels = PLANE.astype(dtype) - (0.25 if dtype == "float32" else 0)
    pixels = pixels.astype(dtype)
    path = tmp_path / "out.tif"
    images.write(path, pixels, pixel_size_um=size)
    plane = images.read(path)
    np.testing.assert_array_equal(plane.pixels, pixels)
    assert plane.pixels.dtype == dtype
    assert plane.axes == "YX"
    assert plane.pixel_size_um == (size and float(f"{size:.6g}"))


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (64, 1), (3, 4), (5, 3), (3, 5)])
def test_images_of_any_shape_come_back_as_they_were(tmp_path, shape):
    pixels = RNG.integers(0, 255, shape).astype(np.uint8)
    images.write(tmp_path / "out.tif", pixels, pixel_size_um=None)
    np.testing.assert_array_equal(images.read(tmp_path / "out.tif").pixels, pixels)


def test_what_is_written_is_an_imagej_file_in_micrometres(tmp_path):
    images.write(tmp_path / "out.tif", PLANE, pixel_size_um=0.2)
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        assert tif.is_imagej
        assert tif.imagej_metadata["unit"] == "um"
        assert tif.pages[0].tags["XResolution"].value == (5, 1)
        assert tif.pages[0].tags["YResolution"].value == (5, 1)


def test_masks_are_written_as_0_and_255(tmp_path):
    mask = RNG.random(PLANE.shape) < 0.5
    images.write(tmp_path / "mask.tif", mask, pixel_size_um=None)
    written = tifffile.imread(tmp_path / "mask.tif")
    assert written.dtype == np.uint8
    np.testing.assert_array_equal(written, np.where(mask, 255, 0))


@pytest.mark.parametrize(("most", "dtype"), [(0, "uint16"), (65_535, "uint16"), (65_536, "f4")])
@pytest.mark.attack(kind="numbers", case="more labels than 16 bits hold", outcome="written exactly")
def test_labels_are_written_exactly_however_many(tmp_path, most, dtype):
    labels = np.zeros((4, 5), np.int32)
    labels[2, 3] = most
    images.write(tmp_path / "labels.tif", labels, pixel_size_um=0.2)
    written = tifffile.imread(tmp_path / "labels.tif")
    assert written.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(written, labels)


def test_a_write_that_fails_leaves_no_half_file(tmp_path, monkeypatch):
    def half(path, pixels, **options):
        with open(path, "wb") as file:
            file.write(b"half of a file")
        raise OSError("disk full")

    monkeypatch.setattr(tifffile, "imwrite", half)
    with pytest.raises(OSError, match="disk full"):
        images.write(tmp_path / "new.tif", PLANE, pixel_size_um=None)
    assert not (tmp_path / "new.tif").exists()


@pytest.mark.attack(
    kind="interruption",
    case="writing an image fails",
    outcome="what was there stays",
)
def test_a_write_that_fails_keeps_the_file_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "old.tif"
    images.write(path, PLANE, pixel_size_um=None)

    def nothing(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(tifffile, "imwrite", nothing)
    with pytest.raises(OSError, match="disk full"):
        images.write(path, PLANE + 1, pixel_size_um=None)
    np.testing.assert_array_equal(images.read(path).pixels, PLANE)


def test_messages_are_one_line_of_text(hyperstack):
    assert "\n" not in refusal(hyperstack)


@pytest.mark.attack(
    kind="sheet",
    case="axes in the sheet that contradict the file's own",
    outcome="the sheet's are taken; a column and look_first.csv say so",
)
def test_axes_that_contradict_the_file_are_noted(tmp_path):
    stack = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
    path = saved(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "CYX"})
    plane = images.read(path, axes="ZYX", z=1)
    np.testing.assert_array_equal(plane.pixels, stack[1])
    assert plane.facts["axes_note"] == "the file names its axes CYX, the sheet ZYX"
    assert images.read(path, axes="CYX", channel=1).facts["axes_note"] == ""
    rgb = saved(tmp_path / "rgb.tif", np.full((8, 9, 3), 7, np.uint8), photometric="rgb")
    assert images.read(rgb, axes="YXC", channel=1).axes_note == ""
    pages = saved(tmp_path / "pages.tif", stack, metadata=None)
    assert images.read(pages, axes="ZYX", z=1).axes_note == ""
