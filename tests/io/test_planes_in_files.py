"""Which file and page a plane is in, that files do not change meanwhile, and what they hold."""

import hashlib
import os

import numpy as np
import pytest
import tifffile

from handmade import grey, refusal, tiff
from localbg.io import images, tiff_decode
from localbg.io.images import ImageError

RNG = np.random.default_rng(3)
STACK = RNG.integers(0, 60_000, (3, 16, 17)).astype(np.uint16)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp(path):
    status = os.stat(path)
    return [str(path), status.st_size, status.st_mtime_ns]


# One file that does not change


def test_facts_tell_the_hash_and_what_values_mean(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[0], photometric="minisblack")
    plane = images.read(path)
    assert plane.sha256 == sha256(path)
    assert plane.stamps == [stamp(path)]
    expected = {"sha256": sha256(path), "photometric": "minisblack", "companions": []}
    assert {key: plane.facts[key] for key in expected} == expected
    assert plane.facts["pixel_size_note"] == "the file gives no pixel size"


def rewrite(path):
    path.write_bytes(path.read_bytes()[::-1])


def replace(path):
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            rewrite,
            marks=pytest.mark.attack(
                kind="inputs",
                case="an image is written again while it is read",
                outcome="that image fails: it changed, run again",
            ),
        ),
        pytest.param(
            replace,
            marks=pytest.mark.attack(
                kind="inputs",
                case="an image is replaced while it is read, by one of the same size",
                outcome="that image fails: it changed, run again",
            ),
        ),
        os.unlink,
    ],
)
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch, change):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[0], photometric="minisblack")
    decode = tiff_decode.decode

    def and_change(*args, **options):
        pixels = decode(*args, **options)
        change(path)
        return pixels

    monkeypatch.setattr(tiff_decode, "decode", and_change)
    assert "changed while it was being read; run again" in refusal(path)


# Files that belong together


def ome(path, names, *, own=0, uuids=True, page=0):
    """A file with one channel of an OME-TIFF, each of which lies in a file of its own."""
    data = "".join(
        f'<TiffData FirstC="{c}" IFD="{page}" PlaneCount="1">'
        f'<UUID FileName="{name}">{f"urn:{c}" if uuids else ""}</UUID></TiffData>'
        for c, name in enumerate(names)
    )
    root = f' UUID="urn:{own}"' if uuids else ""
    text = (
        f'<?xml version="1.0"?><OME xmlns="x"{root}><Image ID="Image:0"><Pixels '
        f'DimensionOrder="XYZCT" Type="uint16" SizeX="17" SizeY="16" SizeC="{len(names)}" '
        f'SizeZ="1" SizeT="1">{data}</Pixels></Image></OME>'
    )
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(path, STACK[own], description=text, **options)
    return path


@pytest.fixture
def pair(tmp_path):
    """Two files that name each other."""
    names = ["s_C0.ome.tif", "s_C1.ome.tif"]
    return [ome(tmp_path / name, names, own=k) for k, name in enumerate(names)]


def test_a_plane_of_another_file_is_read_from_there_and_recorded(pair):
    plane = images.read(pair[0], channel=1)
    np.testing.assert_array_equal(plane.pixels, STACK[1])
    assert plane.sha256 == sha256(pair[0])
    assert plane.stamps == [stamp(pair[0]), stamp(pair[1])]
    assert plane.companions == [{"path": str(pair[1]), "sha256": sha256(pair[1])}]
    own = images.read(pair[0], channel=0)
    np.testing.assert_array_equal(own.pixels, STACK[0])
    assert (own.stamps, own.companions) == ([stamp(pair[0])], [])


def test_companions_are_told_without_reading_them(pair, tmp_path):
    assert images.companions(pair[0]) == [str(pair[1])]
    pair[1].unlink()
    assert images.companions(pair[0]) == [str(pair[1])]
    tifffile.imwrite(tmp_path / "plain.ome.tif", STACK[0], photometric="minisblack")
    assert images.companions(tmp_path / "plain.ome.tif") == []


@pytest.mark.attack(
    kind="belonging",
    case="another file of the image changes between its planes and the end of the reading",
    outcome="the image fails: that file changed, run again",
)
def test_a_companion_that_changes_is_noticed(pair, monkeypatch):
    decode = tiff_decode.decode

    def and_change(*args, **options):
        pixels = decode(*args, **options)
        replace(pair[1])
        return pixels

    monkeypatch.setattr(tiff_decode, "decode", and_change)
    with pytest.raises(ImageError, match=r"s_C1\.ome\.tif changed while it was being read"):
        images.read(pair[0], channel=1)


@pytest.mark.attack(
    kind="belonging",
    case="a file that is not named .ome.tif takes planes from another file",
    outcome="that plane is refused, with the name that it should have; its own plane reads",
)
def test_only_a_file_named_so_takes_planes_of_others(pair):
    path = pair[0].rename(pair[0].with_name("s.tif"))
    assert images.companions(path) == []
    message = refusal(path, channel=1)
    assert "it lies in another file, s_C1.ome.tif" in message
    assert "ends in .ome.tif; rename s.tif so" in message
    np.testing.assert_array_equal(images.read(path, channel=0).pixels, STACK[0])


@pytest.mark.parametrize("name", ["../s.ome.tif", "/etc/s.ome.tif", r"D:\data\s.ome.tif", ".."])
@pytest.mark.attack(
    kind="belonging",
    case="OME metadata name a file in another folder",
    outcome="refused: files of one image lie in one folder",
)
def test_files_in_other_folders_are_not_opened(tmp_path, name):
    path = ome(tmp_path / "a.ome.tif", ["a.ome.tif", name])
    assert f"name the file '{name}', outside its own folder" in refusal(path, channel=0)
    with pytest.raises(ImageError, match="outside its own folder"):
        images.companions(path)


@pytest.mark.attack(
    kind="names",
    case="an OME-TIFF of one file was renamed",
    outcome="its planes are its own, under any name",
)
def test_a_renamed_file_is_its_own(tmp_path):
    path = ome(tmp_path / "renamed.ome.tif", ["acquired.ome.tif"], uuids=False)
    np.testing.assert_array_equal(images.read(path).pixels, STACK[0])
    assert images.companions(path) == []


@pytest.mark.attack(
    kind="formats",
    case="the first file of a series whose metadata name a file for each plane, by itself",
    outcome="its own plane reads when picked; another is refused by name",
)
def test_the_first_file_of_a_series_reads_by_itself(tmp_path):
    names = [f"T-001_Ch1_{k:06d}.ome.tif" for k in range(1, 4)]
    path = ome(tmp_path / names[0], names, uuids=False)
    np.testing.assert_array_equal(images.read(path, channel=0).pixels, STACK[0])
    assert f"it lies in the file {names[2]}, which is not there" in refusal(path, channel=2)


@pytest.mark.attack(
    kind="belonging",
    case="a file of the image has fewer pages than its metadata say, or is another image's",
    outcome="refused, and that file is named",
)
def test_a_companion_that_does_not_fit_is_refused(tmp_path):
    names = ["a.ome.tif", "b.ome.tif"]
    path = ome(tmp_path / names[0], names)
    tifffile.imwrite(tmp_path / names[1], STACK[1, :8], photometric="minisblack")
    with pytest.raises(ImageError, match=r"b\.ome\.tif .*a page of shape \(8, 17\)"):
        images.read(path, channel=1)
    path = ome(tmp_path / names[0], names, page=1)
    assert "page 1 of b.ome.tif, which has 1" in refusal(path, channel=1)


def test_metadata_of_another_size_are_refused(tmp_path):
    path = ome(tmp_path / "a.ome.tif", ["a.ome.tif"])
    with tifffile.TiffFile(path) as tif:
        text = tif.pages[0].description.replace('SizeX="17"', 'SizeX="34"')
    tifffile.imwrite(path, STACK[0], description=text, metadata=None, photometric="minisblack")
    assert "metadata describe planes of Y=16, X=34, but its pages are Y=16, X=17" in refusal(path)


# Several images in one file


def write(path, *parts):
    """A file of several images: pixels and options of each."""
    with tifffile.TiffWriter(path) as writer:
        for pixels, options in parts:
            writer.write(pixels, **({"photometric": "minisblack", "metadata": None} | options))
    return path


SMALL = STACK[0, ::2, ::2][:8, :8]
FULL = np.kron(SMALL, np.ones((4, 4), np.uint16))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(FULL, {}), (FULL[::2, ::2], {}), (SMALL, {})], id="pyramid of pages"),
        pytest.param([(SMALL, {"subfiletype": 1}), (FULL, {})], id="reduced first"),
        pytest.param([(FULL, {}), (SMALL[:5, :7], {"subfiletype": 9})], id="macro"),
        pytest.param([(FULL, {}), (FULL > 3, {"subfiletype": 4})], id="mask"),
        pytest.param([(FULL, {}), (np.zeros((1, 1), np.uint8), {})], id="single pixel"),
    ],
)
@pytest.mark.attack(
    kind="formats",
    case="smaller copies, masks or a single pixel beside the image",
    outcome="the full-size image is read",
)
def test_what_stands_beside_an_image_is_left_out(tmp_path, parts):
    path = write(tmp_path / "several.tif", *parts)
    np.testing.assert_array_equal(images.read(path).pixels, FULL)


def test_levels_of_a_pyramid_in_sub_pages_are_left_out(tmp_path):
    with tifffile.TiffWriter(tmp_path / "p.ome.tif", ome=True) as writer:
        writer.write(FULL, subifds=1, photometric="minisblack")
        writer.write(SMALL, subfiletype=1, photometric="minisblack")
    np.testing.assert_array_equal(images.read(tmp_path / "p.ome.tif").pixels, FULL)


@pytest.mark.attack(
    kind="formats",
    case="two positions in one OME-TIFF; and an overview beside a position",
    outcome="positions are refused with their names and sizes; an overview is left out",
)
def test_positions_are_listed_and_an_overview_is_left_out(tmp_path):
    def two(name):
        path = tmp_path / "two.ome.tif"
        with tifffile.TiffWriter(path, ome=True) as writer:
            writer.write(STACK[0], metadata={"Name": "Pos0"}, photometric="minisblack")
            writer.write(STACK[1], metadata={"Name": name}, photometric="minisblack")
        return path

    message = refusal(two("Pos1"))
    assert "holds 2 separate images (Pos0 YX (16, 17), Pos1 YX (16, 17)); expected one" in message
    np.testing.assert_array_equal(images.read(two("macro image")).pixels, STACK[0])


@pytest.mark.parametrize(
    "stale",
    ["images=10\nslices=10", "images=4\nchannels=2\nslices=2\nhyperstack=true", "images=0"],
)
@pytest.mark.attack(
    kind="formats",
    case="ImageJ's description of another stack, kept by a program that saved fewer planes",
    outcome="the pages are read as they are",
)
def test_a_stale_description_of_imagej_is_left_alone(tmp_path, stale):
    options = {"description": f"ImageJ=1.53t\n{stale}\n"}
    path = write(tmp_path / "one.tif", (STACK[0], options))
    np.testing.assert_array_equal(images.read(path).pixels, STACK[0])
    path = write(tmp_path / "three.tif", (STACK[0], options), *((p, {}) for p in STACK[1:]))
    np.testing.assert_array_equal(images.read(path, axes="ZYX", z=2).pixels, STACK[2])
    assert "I=3, Y=16, X=17" in refusal(path)


def test_planes_without_pages_of_their_own_are_read(tmp_path):
    """As ImageJ saves stacks of more than 4 GB."""
    data = STACK.tobytes()
    page = grey(17, 16, 16, strips=[data[:544] + data[544:]])
    page |= {270: ("s", b"ImageJ=1.53t\nimages=3\nslices=3\n\0"), 279: 544}
    path = tiff(tmp_path / "raw.tif", [page])
    plane = images.read(path, z=2)
    np.testing.assert_array_equal(plane.pixels, STACK[2])
    assert (plane.axes, plane.shape) == ("ZYX", (3, 16, 17))
    np.testing.assert_array_equal(images.read(path, z="max").pixels, STACK.max(axis=0))
    path.write_bytes(path.read_bytes()[:-600])
    assert "3 planes of 544 bytes are promised, 1032 bytes are there" in refusal(path, z=0)


def test_a_vendors_file_is_read_by_its_own_reader(tmp_path):
    """A MetaMorph stack: planes without pages, told by a private tag."""
    ones = [1] * (6 * 3)
    page = grey(17, 16, 16, strips=[STACK.tobytes()]) | {279: 544}
    page |= {33628: ("I", [0, 0]), 33629: ("I", ones)}
    path = tiff(tmp_path / "m.stk.tif", [page])
    content = bytearray(path.read_bytes())
    at = content.index((33629).to_bytes(2, "little"))
    content[at + 2 : at + 8] = b"\5\0\3\0\0\0"  # three ratios of ratios
    path.write_bytes(content)
    plane = images.read(path, z=2)
    np.testing.assert_array_equal(plane.pixels, STACK[2])
    assert (plane.axes, plane.shape) == ("ZYX", (3, 16, 17))
