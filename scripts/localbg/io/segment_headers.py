"""The size that a coded strip or tile has by its own header, without decoding it."""

from __future__ import annotations

import struct

# Markers of JPEG that start a frame, with its size: all from C0 to CF but tables and restarts.
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


def coded_size(data: bytes) -> tuple[int, int] | None:
    """Rows and columns that an encoded image says it has.

    Parameters
    ----------
    data : bytes
        JPEG, PNG, JPEG 2000 (with or without JP2 boxes) or WebP; its first bytes tell which.

    Returns
    -------
    tuple of int or None
        None where it is of another kind, or says nothing.
    """
    try:
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            columns, rows = struct.unpack(">II", data[16:24])
            return rows, columns
        if data[:4] == b"\xff\x4f\xff\x51":
            return _codestream(data)
        if data[4:8] == b"jP  ":
            at = data.find(b"\xff\x4f\xff\x51")
            return _codestream(data[at : at + 64]) if at >= 0 else None
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        pass
    return None


def _jpeg(data):
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in ALONE:
            at += 2
        elif marker in FRAMES:
            rows, columns = struct.unpack(">HH", data[at + 5 : at + 9])
            # Rows of 0 are given after the first scan, which no TIFF does.
            return rows, columns
        elif marker == 0xDA:
            return None
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _codestream(data):
    right, bottom, left, top = struct.unpack(">IIII", data[8:24])
    return bottom - top, right - left


def _webp(data):
    kind = data[12:16]
    if kind == b"VP8X":
        columns = int.from_bytes(data[24:27], "little") + 1
        return int.from_bytes(data[27:30], "little") + 1, columns
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        columns, rows = struct.unpack("<HH", data[26:30])
        return rows & 0x3FFF, columns & 0x3FFF
    return None
