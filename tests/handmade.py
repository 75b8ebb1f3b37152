"""TIFF files for tests, also byte by byte, and what the reader says of those that it refuses."""

import struct

import pytest
import tifffile

from localbg.io import images

TYPES = {"H": 3, "I": 4, "s": 2, "Q": 16, "B": 1}


def tiff(path, pages, *, order="<", big=False, chain=None):
    """Write pages of tags, with their strips behind them; returns the path.

    Parameters
    ----------
    pages : list of dict
        Tag: (type, values), or an int for one LONG. ``"strips"``: list of bytes, whose offsets and
        byte counts become tags 273 and 279 unless these are given.
    chain : int, optional
        Where the last page says that the next one is.
    """
    entry = struct.Struct(order + ("HHQ" if big else "HHI"))
    word, least = ("Q", 8) if big else ("I", 4)
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8)))
    for number, page in enumerate(pages):
        page = dict(page)
        strips = page.pop("strips", [b"\1" * 64])
        tags = {code: v if isinstance(v, tuple) else ("I", [v]) for code, v in page.items()}
        lengths = {273: ("I", [0] * len(strips)), 279: ("I", [len(s) for s in strips])}
        tags = {**lengths, **tags}
        start = len(out)
        size = (8 if big else 2) + len(tags) * (entry.size + least) + least
        values, at = bytearray(), start + size
        packed = {}
        for code, (kind, value) in tags.items():
            data = value if kind == "s" else struct.pack(f"{order}{len(value)}{kind}", *value)
            packed[code] = [kind, len(value), data, at + len(values)]
            if len(data) > least:
                values += data + b"\0" * (len(data) % 2)
        place, offsets = at + len(values), []
        for strip in strips:
            offsets.append(place)
            place += len(strip) + len(strip) % 2
        if 273 not in page:
            kind, _, _, where = packed[273]
            data = struct.pack(f"{order}{len(offsets)}I", *offsets)
            packed[273][2] = data
            if len(data) > least:
                values[where - at : where - at + len(data)] = data
        out += struct.pack(order + ("Q" if big else "H"), len(tags))
        for code in sorted(packed):
            kind, count, data, where = packed[code]
            out += entry.pack(code, TYPES[kind], count)
            short = data.ljust(least, b"\0")
            out += short if len(data) <= least else struct.pack(order + word, where)
        last = number == len(pages) - 1
        place += place % 2
        out += struct.pack(order + word, (chain or 0) if last else place)
        out += values + b"".join(strip + b"\0" * (len(strip) % 2) for strip in strips)
        out += b"\0" * ((0 if last else place) - len(out))
    path.write_bytes(out)
    return path


def grey(width=8, length=8, bits=8, **more):
    """Tags of a grey page of one uncompressed strip, which has to be as long as the page."""
    tags = {256: width, 257: length, 258: ("H", [bits]), 259: ("H", [1]), 262: ("H", [1])}
    tags |= {277: ("H", [1]), 278: length}
    tags["strips"] = [bytes(k % 251 + 1 for k in range(width * length * bits // 8))]
    return tags | more


def saved(path, pixels, **options):
    """A TIFF of these pixels; returns its path."""
    tifffile.imwrite(path, pixels, **({"photometric": "minisblack"} | options))
    return path


def refusal(path, **picks):
    """What `read` says of a file that it can't use; the message always names the file."""
    with pytest.raises(images.ImageError) as error:
        images.read(path, **picks)
    message = str(error.value)
    assert str(path) in message
    return message
