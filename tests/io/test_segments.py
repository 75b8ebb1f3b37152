"""Strips and tiles that are not what the page promises are refused before they are decoded."""

import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile

from handmade import grey, refusal, tiff
from localbg.core import memory
from localbg.io import images
from localbg.io.segment_headers import coded_size

RNG = np.random.default_rng(4)
PIXELS = RNG.integers(0, 60_000, (16, 17)).astype(np.uint16)
BYTES = RNG.integers(1, 255, (16, 16)).astype(np.uint8)
# Compressions of plain bytes: tag 259 and what encodes them.
CODECS = {
    "lzw": (5, imagecodecs.lzw_encode),
    "deflate": (8, zlib.compress),
    "old deflate": (32946, zlib.compress),
    "packbits": (32773, imagecodecs.packbits_encode),
    "lzma": (34925, imagecodecs.lzma_encode),
    "zstd": (50000, imagecodecs.zstd_encode),
}


def page(code, strips):
    tags = grey(16, 16) | {"strips": strips, 259: ("H", [code]), 278: -(-16 // len(strips))}
    return [tags]


@pytest.mark.parametrize("codec", CODECS)
def test_whole_strips_are_read(tmp_path, codec):
    code, encode = CODECS[codec]
    strips = [encode(BYTES[k : k + 5].tobytes()) for k in range(0, 16, 5)]
    path = tiff(tmp_path / "a.tif", [grey(16, 16) | {"strips": strips, 259: code, 278: 5}])
    np.testing.assert_array_equal(images.read(path).pixels, BYTES)
    # Some programs fill the last strip up.
    strips[-1] = encode(BYTES[:5].tobytes())
    path = tiff(tmp_path / "b.tif", [grey(16, 16) | {"strips": strips, 259: code, 278: 5}])
    np.testing.assert_array_equal(images.read(path).pixels[:15], BYTES[:15])


@pytest.mark.parametrize("number", [255, 257, 300, 10_000_000])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.attack(
    kind="damaged image",
    case="a compressed strip decodes to fewer or more bytes than the page promises",
    outcome="refused as damaged; no more than promised is ever decoded",
)
def test_strips_of_another_length_are_refused(tmp_path, codec, number):
    code, encode = CODECS[codec]
    strip = encode((b"\7\1\2" * number)[:number])
    path = tiff(tmp_path / "a.tif", page(code, [strip]))
    assert "truncated or damaged" in refusal(path)


@pytest.mark.parametrize(
    "hole", [{273: 0}, {279: 0}, {273: ("I", []), 279: ("I", [])}], ids=["offset", "count", "none"]
)
@pytest.mark.attack(
    kind="damaged image",
    case="a sparse file: strips with offset or byte count 0",
    outcome="refused: pixels are missing; no zeros are made up",
)
def test_sparse_pixels_are_missing(tmp_path, hole):
    path = tiff(tmp_path / "a.tif", [grey(16, 16) | hole])
    assert "pixels are missing: 1 of 1 strips or tiles" in refusal(path)


@pytest.mark.attack(
    kind="damaged image",
    case="one tile of a large image was never written",
    outcome="refused, with the number of missing tiles",
)
def test_a_missing_tile_is_counted(tmp_path):
    path = tmp_path / "tiles.tif"
    tiles = iter([np.ones((16, 16), np.uint8), None, np.ones((16, 16), np.uint8)])
    tifffile.imwrite(path, tiles, shape=(16, 48), dtype=np.uint8, tile=(16, 16))
    assert "pixels are missing: 1 of 3 strips or tiles are not in the file" in refusal(path)


@pytest.mark.attack(
    kind="damaged image",
    case="strips end beyond the file, or are shorter than their rows",
    outcome="refused as truncated",
)
def test_strips_beyond_the_file_are_refused(tmp_path):
    path = tiff(tmp_path / "a.tif", [grey(16, 16) | {273: 10**6}])
    assert "pixels end at byte 1000256, the file at" in refusal(path)
    path = tiff(tmp_path / "b.tif", [grey(16, 16) | {279: 100}])
    assert "a strip or tile has 100 bytes" in refusal(path)


def encoded(kind, pixels):
    encode = {
        "jpeg": lambda p: imagecodecs.jpeg8_encode(p, level=95),
        "png": imagecodecs.png_encode,
        "jp2": lambda p: imagecodecs.jpeg2k_encode(p, codecformat="jp2", reversible=True),
        "j2k": lambda p: imagecodecs.jpeg2k_encode(p, codecformat="j2k", reversible=True),
        "webp": lambda p: imagecodecs.webp_encode(np.stack([p] * 3, -1), lossless=True),
    }[kind]
    return bytes(encode(np.ascontiguousarray(pixels)))


@pytest.mark.parametrize("kind", ["jpeg", "png", "jp2", "j2k", "webp"])
def test_the_size_in_coded_images_is_read_without_decoding(kind):
    data = encoded(kind, BYTES[:7, :11])
    assert coded_size(data) == (7, 11)
    for length in range(0, 40):
        assert coded_size(data[:length]) in (None, (7, 11))
    assert coded_size(b"") is None
    assert coded_size(b"not an image at all, but long enough") is None


@pytest.mark.parametrize(("kind", "code"), [("jpeg", 7), ("png", 34933), ("j2k", 34712)])
@pytest.mark.attack(
    kind="memory",
    case="a JPEG, PNG or JPEG 2000 whose own header has another size than its tile",
    outcome="refused before it is decoded",
)
def test_a_coded_image_that_claims_another_size_is_refused(tmp_path, monkeypatch, kind, code):
    path = tiff(tmp_path / "sound.tif", page(code, [encoded(kind, BYTES)]))
    assert images.read(path).pixels.shape == (16, 16)
    path = tiff(tmp_path / "lies.tif", page(code, [encoded(kind, BYTES[:, :8])]))
    monkeypatch.setattr(
        tifffile.TiffPage, "decode", property(lambda page: pytest.fail("it was decoded"))
    )
    assert "strip or tile 0 is coded as 16 x 8 pixels instead of 16 x 16" in refusal(path)


@pytest.mark.attack(
    kind="formats",
    case="a compression that nothing here can read",
    outcome="named with its number, and not called damage",
)
def test_an_unknown_compression_is_not_damage(tmp_path):
    message = refusal(tiff(tmp_path / "jbig.tif", page(34661, [b"1234"])))
    assert "is compressed with JBIG (tag 259 is 34661), which nothing here can read" in message
    assert "damaged" not in message
    message = refusal(tiff(tmp_path / "odd.tif", page(12345, [b"1234"])))
    assert "is compressed with unknown (tag 259 is 12345)" in message


def test_a_codec_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = tiff(tmp_path / "a.tif", page(50000, [imagecodecs.zstd_encode(BYTES.tobytes())]))
    monkeypatch.setattr(imagecodecs.ZSTD, "available", False)
    message = refusal(path)
    assert "compressed with ZSTD (tag 259 is 50000)" in message
    assert "the installed package imagecodecs lacks" in message


def test_samples_of_an_unknown_kind_are_not_damage(tmp_path):
    path = tiff(tmp_path / "a.tif", [grey(16, 16, 48)])
    message = refusal(path)
    assert "samples of 48 bits and SampleFormat 1" in message
    assert "damaged" not in message


# Memory


def zeros(path, side):
    """A page of zeros in a few strips."""
    strips = [zlib.compress(bytes(512 * side), 9)] * (side // 512)
    return tiff(path, [grey() | {256: side, 257: side, 278: 512, 259: 8, "strips": strips}])


@pytest.mark.attack(
    kind="memory",
    case="a small file that decodes to more than the job's memory",
    outcome="that image fails before it is decoded, with both numbers",
)
def test_an_image_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    path = zeros(tmp_path / "zeros.tif", 4096)
    assert images.read(path).pixels.sum() == 0
    monkeypatch.setattr(memory, "free_bytes", lambda: 500 * 10**6)
    message = refusal(path)
    # For each pixel 45 bytes for the chain and two for the plane; and each strip twice.
    assert "needs 0.793 GB of memory, 0.5 GB are there" in message
    assert "give its job more, or crop the image" in message


def test_a_plane_counts_by_itself_and_a_projection_slice_by_slice(tmp_path, monkeypatch):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((200, 64, 64), np.uint16), photometric="minisblack")
    monkeypatch.setattr(memory, "free_bytes", lambda: 64 * 64 * 80)
    assert images.read(path, axes="ZYX", z=7).pixels.shape == (64, 64)
    assert images.read(path, axes="ZYX", z="mean").pixels.shape == (64, 64)
