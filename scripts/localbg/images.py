"""Read one plane of a microscopy TIFF, and write planes that ImageJ can open."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile

from localbg import files, flags

MICROMETRES = {"m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4}
MICROMETRE_WORDS = {"um", "µm", "μm", "\\u00b5m", "micron", "microns", "micrometer", "micrometre"}
CENTIMETRE = 3  # TIFF's ResolutionUnit; its default, inch, says how to print, not what was seen.


# What a file may promise to hold for each of its bytes, and how much it may promise anyway.
MOST_COMPRESSED = 1000
MOST_UNCHECKED = 2**28


class ImageError(ValueError):
    """An image file that cannot be used, and why, in words for its owner."""


@dataclass(frozen=True)
class Plane:
    """Rows and columns of an image, and what its file says of it.

    Attributes
    ----------
    pixels : ndarray, 2-D, uint8, uint16 or float32
    axes, shape, dtype : str, tuple of int, str
        Of the whole file, before a plane was picked.
    pixel_size_um : float or None
        Where the file or the sheet tells.
    """

    pixels: np.ndarray
    axes: str
    shape: tuple[int, ...]
    dtype: str
    pixel_size_um: float | None
    sha256: str = ""
    stamps: tuple = ()

    @property
    def grey_step(self) -> float:
        """The smallest difference between grey levels: 1 for integers, 0 for floats."""
        return 1.0 if np.issubdtype(self.pixels.dtype, np.integer) else 0.0

    @cached_property
    def facts(self) -> dict:
        """What is known of the image without its pixels, with what `flags.image_flags` tells."""
        return {
            "axes": self.axes,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "pixel_size_um": self.pixel_size_um,
            "sha256": self.sha256,
            "grey_step": self.grey_step,
        } | flags.image_flags(self.pixels)


def read(
    path: str | os.PathLike,
    *,
    axes: str | None = None,
    channel: int | None = None,
    z: int | str | None = None,
    t: int | None = None,
    pixel_size_um: float | None = None,
) -> Plane:
    """Read the plane of a TIFF file that a row of the sheet asks for.

    Parameters
    ----------
    path : path
        TIFF, OME-TIFF or ImageJ TIFF.
    axes : str, optional
        Names of the file's axes in order, such as ``"ZYX"``, where its metadata does not tell.
    channel, t : int, optional
        Index along C or T, from 0.
    z : int or {"max", "mean"}, optional
        Index along Z, from 0, or a projection.
    pixel_size_um : float, optional
        Overrides the file's.

    Returns
    -------
    Plane

    Raises
    ------
    ImageError
        If the file is not a readable TIFF, holds several images, or has other axes left than
        rows and columns; if an index is out of range; if pixels are NaN or infinite.
    FileNotFoundError, PermissionError
        As the system says.
    """
    path = Path(path)
    with path.open("rb") as file:
        if not file.read(1):
            raise ImageError(f"{path} is empty (0 bytes); expected a TIFF image")
    with _damage() as damage:
        pixels, found, size = _contents(path, pixel_size_um)
    if damage:
        raise ImageError(_damaged(path, damage[0]))
    if not pixels.size:
        raise ImageError(f"{path} has no pixels (shape {pixels.shape})")
    names = _axis_names(axes, found, pixels, path)
    plane = _pick(pixels, names, {"C": channel, "Z": z, "T": t}, path)
    st = path.stat()
    return Plane(
        _supported(plane, path),
        names,
        pixels.shape,
        str(pixels.dtype),
        size,
        files.sha256(path),
        ((str(path), st.st_size, st.st_mtime_ns),),
    )


# What tifffile logs where part of a file is missing; it goes on with the part that is there.
DAMAGE = (
    "invalid page offset",
    "corrupted tag list",
    "ImageJ series metadata",
    "shaped series metadata",
    "OME series",
    "TiffTag 270",  # the description, with the axes in it
)


@contextlib.contextmanager
def _damage():
    """Collect what tifffile says of damage to the file that it reads."""
    found = []

    def keep(record):
        if any(words in record.getMessage() for words in DAMAGE):
            found.append(record.getMessage())

    handler = logging.Handler(logging.ERROR)
    handler.emit = keep
    log = logging.getLogger("tifffile")
    log.addHandler(handler)
    try:
        yield found
    finally:
        log.removeHandler(handler)


def _contents(path, pixel_size_um):
    try:
        tif = tifffile.TiffFile(path)
    except tifffile.TiffFileError as error:
        raise ImageError(f"{path} is not a TIFF image ({error})") from error
    with tif:
        # Damaged files make tifffile raise many kinds of error; all mean the same to their owner.
        try:
            pixels, axes = _series(tif, path)
            return pixels, axes, _pixel_size(tif, path, pixel_size_um)
        except (ImageError, MemoryError):
            raise
        except Exception as error:
            raise ImageError(_damaged(path, error)) from error


def _damaged(path, error):
    return f"{path} cannot be read as a TIFF image: it is truncated or damaged ({error})"


def _series(tif, path):
    if len(tif.series) != 1:
        shapes = ", ".join(f"{s.axes} {s.shape}" for s in tif.series)
        raise ImageError(
            f"{path} holds {len(tif.series)} separate images ({shapes}); expected one. "
            "Save each as a file of its own"
        )
    series = tif.series[0]
    _require_possible(series, path)
    return series.asarray(), series.axes


def _require_possible(series, path):
    """Refuse a header that promises what a file of this size can't hold."""
    stored = path.stat().st_size
    if series.nbytes > MOST_UNCHECKED and series.nbytes > MOST_COMPRESSED * stored:
        raise ImageError(
            f"{path} promises {_described(series.axes, series.shape)} of {series.dtype}, "
            f"{series.nbytes / 1e9:.3g} GB, in a file of {stored} bytes; its header is damaged or "
            "made up"
        )


def promised(path: str | os.PathLike) -> tuple[int, int]:
    """Pixels of a plane and bytes of all planes, as a file's header says.

    Raises
    ------
    ImageError
        If the file is not a readable TIFF, or can't hold what it promises.
    OSError
        As the system says.
    """
    try:
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0]
            _require_possible(series, Path(path))
            sizes = dict(zip(series.axes, series.shape, strict=True))
            return sizes.get("Y", 1) * sizes.get("X", 1), series.nbytes
    except (ImageError, OSError):
        raise
    except Exception as error:
        raise ImageError(_damaged(path, error)) from error


def _axis_names(given, found, pixels, path):
    if given is None:
        return found
    names = given.upper()
    if len(names) == pixels.ndim and len(set(names)) == len(names):
        return names
    # The sheet may leave out axes of length 1.
    long = [n for n in pixels.shape if n > 1]
    if len(names) == len(long) and len(set(names)) == len(names):
        rest = iter(names)
        return "".join(next(rest) if n > 1 else "Q" for n in pixels.shape)
    raise ImageError(
        f"{path}: the sheet's axes '{given}' do not fit the file, whose axes are "
        f"{_described(found, pixels.shape)}"
    )


def _described(names, shape):
    return ", ".join(f"{name}={length}" for name, length in zip(names, shape, strict=True))


def _pick(pixels, names, picks, path):
    described = _described(names, pixels.shape)
    columns = {"C": "channel", "Z": "z", "T": "t"}
    for name, pick in picks.items():
        if pick is None:
            continue
        if name not in names:
            if pick in (0, "max", "mean"):
                continue
            if name == "C" and "S" in names:
                raise ImageError(f"{path}: {_advice(names)}; its axes are {described}")
            raise ImageError(
                f"{path}: {columns[name]} {pick} was picked, but the file has no axis {name}; "
                f"its axes are {described}"
            )
        axis = names.index(name)
        pixels = _along(pixels, axis, pick, f"{path}: {columns[name]}", described)
        names = names.replace(name, "")
    for axis in reversed(range(pixels.ndim)):
        if pixels.shape[axis] == 1 and names[axis] not in "YX":
            pixels = pixels.squeeze(axis)
            names = names[:axis] + names[axis + 1 :]
    if names == "XY":
        pixels, names = pixels.T, "YX"
    if names != "YX":
        raise ImageError(f"{path}: {_advice(names)}; its axes are {described}")
    return pixels


def _along(pixels, axis, pick, what, described):
    length = pixels.shape[axis]
    if pick == "max":
        return pixels.max(axis)
    if pick == "mean":
        return pixels.mean(axis, dtype=np.float64).astype(np.float32)
    if not 0 <= pick < length:
        raise ImageError(
            f"{what} {pick} does not exist; expected 0 to {length - 1}, counted from 0. "
            f"The file's axes are {described}"
        )
    return pixels.take(pick, axis)


def _advice(names):
    if "S" in names:
        return (
            "this is an RGB image; expected one grey value per pixel. Convert it to grey, or name "
            f"its axes in the sheet (axes: {names.replace('S', 'C')}) and pick a channel"
        )
    left = [name for name in names if name not in "YX"]
    ways = {"C": "channel", "Z": "z (an index, max or mean)", "T": "t"}
    wanted = [ways[name] for name in left if name in ways]
    if wanted and len(wanted) == len(left):
        return f"more axes than rows and columns are left; pick {' and '.join(wanted)} in the sheet"
    return (
        f"expected rows and columns (YX), found axes {names}; name the axes in the sheet's column "
        "'axes' (such as ZYX or TCYX), then pick channel, z or t"
    )


def _supported(plane, path):
    """Keep uint8 and uint16; turn other real numbers into float32."""
    if plane.dtype == np.bool_:
        return plane.astype(np.uint8)
    if plane.dtype.kind not in "uif":
        raise ImageError(f"{path} has pixels of type {plane.dtype}; expected whole or real numbers")
    if plane.dtype.kind == "f":
        bad = plane.size - np.count_nonzero(np.isfinite(plane))
        if bad == plane.size:
            raise ImageError(f"{path}: all pixels are NaN or infinite")
        if bad:
            raise ImageError(f"{path}: {bad} of {plane.size} pixels are NaN or infinite")
    native = plane.dtype.newbyteorder("=")
    target = native if native in (np.uint8, np.uint16) else np.float32
    return np.ascontiguousarray(plane, target)


def _pixel_size(tif, path, given):
    # Six digits are what comes back from a TIFF, so there are no more to begin with.
    if given:
        return float(f"{given:.6g}")
    sizes = _ome_sizes(tif) if tif.is_ome else _tag_sizes(tif)
    if sizes is None:
        return None
    y, x = sizes
    if abs(y - x) > 0.01 * max(x, y):
        raise ImageError(
            f"{path}: pixels are not square ({y:g} µm high, {x:g} µm wide), so a radius has no one "
            "size in pixels. Resample the image, or give pixel_size_um in the sheet"
        )
    return float(f"{x:.6g}")


def _ome_sizes(tif):
    root = ElementTree.fromstring(tif.ome_metadata)
    pixels = next((e for e in root.iter() if e.tag.endswith("}Pixels") or e.tag == "Pixels"), None)
    if pixels is None or not {"PhysicalSizeX", "PhysicalSizeY"} <= set(pixels.attrib):
        return None
    sizes = []
    for axis in "YX":
        unit = pixels.get(f"PhysicalSize{axis}Unit", "um").replace("µ", "u").replace("μ", "u")
        if unit not in MICROMETRES:
            return None
        sizes.append(float(pixels.get(f"PhysicalSize{axis}")) * MICROMETRES[unit])
    return tuple(sizes)


def _tag_sizes(tif):
    tags = tif.pages[0].tags
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    per_unit = [_ratio(tags[f"{axis}Resolution"].value) for axis in "YX"]
    if tif.is_imagej:
        unit = str((tif.imagej_metadata or {}).get("unit", "")).lower()
        scale = 1.0 if unit in MICROMETRE_WORDS else MICROMETRES.get(unit)
    else:
        unit = tags["ResolutionUnit"].value if "ResolutionUnit" in tags else None
        scale = MICROMETRES["cm"] if unit == CENTIMETRE else None
    if scale is None or min(per_unit) <= 0:
        return None
    return tuple(scale / n for n in per_unit)


def _ratio(value):
    numerator, denominator = value
    return numerator / denominator if denominator else 0.0


def write(path: str | os.PathLike, pixels: np.ndarray, *, pixel_size_um: float | None) -> None:
    """Write a plane as a TIFF that ImageJ opens, pixel size included.

    Parameters
    ----------
    path : path
        Appears whole or not at all: the file is written beside and renamed.
    pixels : ndarray, 2-D
        uint8, uint16 and float32 are kept; masks become 0 and 255; labels become uint16, or
        float32 where there are more than 65,535.
    pixel_size_um : float or None
    """
    if pixels.dtype == np.bool_:
        pixels = np.where(pixels, np.uint8(255), np.uint8(0))
    elif pixels.dtype == np.int32:
        pixels = pixels.astype(np.uint16 if pixels.max(initial=0) < 2**16 else np.float32)
    scale = {}
    if pixel_size_um:
        scale = {"resolution": (1 / pixel_size_um,) * 2, "metadata": {"unit": "um"}}
    with files.whole(path) as beside:
        tifffile.imwrite(beside, pixels, imagej=True, **scale)
