"""Decode one page of a TIFF file, after a check that its strips or tiles are what it promises."""

from __future__ import annotations

import copy
import math
import os

import imagecodecs
import numpy as np
import tifffile

from localbg.io.segment_headers import coded_size
from localbg.io.tiff_structure import ImageError, damaged

# Compressions of plain bytes, of a known number: LZW, Deflate, PackBits, LZMA, zstd.
OF_BYTES = {5, 8, 32773, 32946, 34925, 34926, 50000, 50013}
PACKED_HEADER = 65_536  # bytes of a coded segment in which its own header is looked for


def need_bytes(page: tifffile.TiffPage) -> int:
    """Memory that decoding a page takes: its pixels, and its largest strip or tile twice."""
    item = page.dtype.itemsize if page.dtype is not None else 1
    rows, columns = _segment_shape(page)
    return item * (math.prod(page.shape) + 2 * rows * columns * max(1, page.samplesperpixel))


def require_known(page: tifffile.TiffPage, path: str | os.PathLike) -> None:
    """Refuse pixels of a kind that cannot be read, which is no damage.

    Raises
    ------
    ImageError
        Naming the compression or the type of the pixels.
    """
    compression = int(page.compression)
    if compression != 1:
        name = getattr(page.compression, "name", "unknown")
        called = f"{path} is compressed with {name} (tag 259 is {compression})"
        remedy = "Save it uncompressed, or with LZW or Deflate"
        try:
            codec = tifffile.TIFF.DECOMPRESSORS[compression]
        except KeyError as error:
            raise ImageError(f"{called}, which nothing here can read. {remedy}") from error
        if not _is_installed(codec):
            raise ImageError(
                f"{called}, with a codec that the installed package imagecodecs lacks. {remedy}"
            )
        if compression in (65000, 65001, 65002) and not page.parent.is_eer:
            raise ImageError(f"{called}, which nothing here can read. {remedy}")
    if page.dtype is None:
        raise ImageError(
            f"{path} has samples of {page.bitspersample} bits and SampleFormat "
            f"{int(page.sampleformat)}; expected whole numbers of up to 64 bits, or real numbers "
            "of 16, 32 or 64 bits. Save it as 16 bits or as 32-bit floats"
        )


def _is_installed(codec):
    """Whether imagecodecs was built with a codec."""
    name = getattr(codec, "__name__", "").removesuffix("_decode")
    return getattr(getattr(imagecodecs, name.upper(), None), "available", True)


def decode(
    page: tifffile.TiffPage,
    path: str | os.PathLike,
    *,
    frame: tifffile.TiffFrame | None = None,
    offset: int | None = None,
) -> np.ndarray:
    """Pixels of a page.

    Parameters
    ----------
    page : tifffile.TiffPage
        What kind of pixels they are.
    path : path
        For messages.
    frame : tifffile.TiffFrame, optional
        Where they are, if not where ``page`` says.
    offset : int, optional
        Likewise: all bytes of the plane are there in a row, uncompressed.

    Returns
    -------
    ndarray
        Of ``page.shape``, of the type and byte order in the file.

    Raises
    ------
    ImageError
        If pixels are missing, or strips or tiles are not as large as the page promises.
    """
    require_known(page, path)
    file = page.parent.filehandle
    if offset is not None:
        dtype = np.dtype(page.parent.byteorder + page.dtype.char)
        file.seek(offset)
        data = file.read(math.prod(page.shape) * dtype.itemsize)
        return np.frombuffer(data, dtype).reshape(page.shape)
    at = frame or page
    number = math.prod(page.chunked)
    _require_there(at.dataoffsets, at.databytecounts, number, page, path)
    if page.compression == 1 and frame is None:
        return page.asarray(maxworkers=1)
    result = np.empty(page.shaped, page.dtype)
    to_array = _to_array(page, at, path)
    for k in range(number):
        file.seek(at.dataoffsets[k])
        segment, (sample, depth, row, column, _), shape = to_array(
            file.read(at.databytecounts[k]), k
        )
        place = result[
            sample, depth : depth + shape[0], row : row + shape[1], column : column + shape[2]
        ]
        place[...] = segment[: place.shape[0], : place.shape[1], : place.shape[2]]
    return result.reshape(page.shape)


def _segment_shape(page):
    """Rows and columns of a strip or tile."""
    if page.is_tiled:
        return page.tilelength * page.tiledepth, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def _require_there(offsets, counts, number, page, path):
    size = page.parent.filehandle.size
    first, length = (np.array(numbers[:number], np.float64) for numbers in (offsets, counts))
    if len(first) < number or len(length) < number or (first == 0).any() or (length == 0).any():
        empty = number - np.count_nonzero(first[: len(length)] * length[: len(first)])
        raise ImageError(
            f"{path}: pixels are missing: {int(empty)} of {number} strips or tiles are not in the "
            "file (it is sparse, or was not written to its end). Save the image whole"
        )
    ends = first + length
    if page.compression == 1:
        least = np.full(number, float(_raw_bytes(page, 0)))
        if not page.is_tiled:
            strips = math.ceil(page.imagelength / page.rowsperstrip)
            least[strips - 1 :: strips] = _raw_bytes(page, strips - 1)
        if (length < least).any():
            raise damaged(path, f"a strip or tile has {int(length.min())} bytes")
        ends = first + least
    if (ends > size).any():
        raise damaged(path, f"pixels end at byte {int(ends.max())}, the file at {size}")


def _raw_bytes(page, segment):
    """Bytes of an uncompressed strip or tile."""
    rows, columns = _segment_shape(page)
    if not page.is_tiled:
        strips = math.ceil(page.imagelength / rows)
        rows = min(rows, page.imagelength - segment % strips * rows)
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    bits = page.bitspersample if isinstance(page.bitspersample, int) else sum(page.bitspersample)
    return rows * math.ceil(columns * samples * bits / 8)


def _to_array(page, at, path):
    """What turns the bytes of a strip or tile into its array, place and shape."""
    compression = int(page.compression)
    if compression in OF_BYTES:
        codec = tifffile.TIFF.DECOMPRESSORS[compression]
        flipped, full = page.fillorder == 2, _raw_bytes(page, 0)
        # What is left to tifffile is to unpack plain bytes.
        plain_page = copy.copy(page)
        for remembered in ("hash", "decode"):
            plain_page.__dict__.pop(remembered, None)
        plain_page.compression, plain_page.fillorder = 1, 1

        def from_bytes(data, segment):
            if flipped:
                data = imagecodecs.bitorder_decode(data)
            wanted = _raw_bytes(page, segment)
            # One more byte than a whole strip, to tell one that holds more.
            plain = codec(data, out=full + 1)
            if len(plain) not in (wanted, full):
                raise damaged(
                    path, f"strip or tile {segment} holds {len(plain)} bytes instead of {wanted}"
                )
            return plain_page.decode(bytes(plain[:wanted]), segment)

        return from_bytes
    tables = {}
    if compression in (6, 7, 33007, 34892):
        tables = {"jpegtables": at.jpegtables, "jpegheader": page.jpegheader}

    def from_image(data, segment):
        if page.jpegheader is None and compression != 6:
            _require_size(page, coded_size(data[:PACKED_HEADER]), segment, path)
        return page.decode(data, segment, **tables)

    return from_image


def _require_size(page, size, segment, path):
    """Refuse a strip or tile whose own header has another size than the page gives it."""
    if size is None or size == (0, 0):
        return
    rows, columns = _segment_shape(page)
    if page.is_tiled:
        across = math.ceil(page.imagewidth / page.tilewidth)
        down = math.ceil(page.imagelength / page.tilelength)
        row, column = segment // across % down * rows, segment % across * columns
    else:
        row, column = segment % math.ceil(page.imagelength / rows) * rows, 0
    # The last ones may be cut off at the image's border.
    fits = size[0] in (rows, min(rows, page.imagelength - row)) and size[1] in (
        columns,
        min(columns, page.imagewidth - column),
    )
    if not fits:
        raise damaged(
            path,
            f"strip or tile {segment} is coded as {size[0]} x {size[1]} pixels instead of "
            f"{rows} x {columns}",
        )
