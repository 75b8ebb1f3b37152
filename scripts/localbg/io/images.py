"""Read one plane of a microscopy TIFF, and write planes that ImageJ can open."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import tifffile

from localbg.core import files, memory
from localbg.core.failures import SYSTEM_ERRORS
from localbg.io import (
    grey_values,
    image_flags,
    photometric,
    pixel_size,
    plane_selection,
    tiff_decode,
)
from localbg.io.ome import companions
from localbg.io.sources import Source, Sources
from localbg.io.tiff_layout import Frame, Layout, layout, one_of
from localbg.io.tiff_structure import (
    MOST_COMPRESSED,
    MOST_UNCHECKED,
    ImageError,
    Page,
    Structure,
    damaged,
)

__all__ = ["ImageError", "Plane", "companions", "promised", "read", "write"]

# What the chain takes besides the plane, for each of its pixels.
CHAIN_BYTES_PER_PIXEL = 45
IMAGEJ = "ImageJ="


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
    pixel_size_note : str
        Why no pixel size is known; empty where one is.
    photometric : str
        What the stored values mean, in TIFF's words; empty where the file does not say.
    sha256 : str
        Of the file as it was read.
    stamps : list of list
        Path, size in bytes and time of change in ns of the file, and of the other files that hold
        planes which were read.
    companions : list of dict
        ``path`` and ``sha256`` of those other files.
    axes_note : str
        Where the sheet's names of axes contradict the file's.
    """

    pixels: np.ndarray
    axes: str
    shape: tuple[int, ...]
    dtype: str
    pixel_size_um: float | None
    pixel_size_note: str = ""
    photometric: str = ""
    sha256: str = ""
    stamps: list[list] = field(default_factory=list)
    companions: list[dict] = field(default_factory=list)
    axes_note: str = ""

    @property
    def grey_step(self) -> float:
        """The smallest difference between grey levels: 1 for integers, 0 for floats."""
        return 1.0 if np.issubdtype(self.pixels.dtype, np.integer) else 0.0

    @cached_property
    def facts(self) -> dict:
        """What is known of the image without its pixels, with what `flags.image_flags` tells."""
        return {
            "axes": self.axes,
            "axes_note": self.axes_note,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "pixel_size_um": self.pixel_size_um,
            "pixel_size_note": self.pixel_size_note,
            "photometric": self.photometric,
            "grey_step": self.grey_step,
            "sha256": self.sha256,
            "companions": self.companions,
        } | image_flags.image_flags(self.pixels)


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

    Only the pages that hold the plane are decoded, one after the other for a projection; the file
    is open once, and hashed whole.

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
        rows and columns; if an index is out of range or the plane is in no file that is there; if
        pixels are NaN or infinite, have no grey values, or lose their differences in float32; if
        there is not enough memory; if the file changed meanwhile.
    MemoryError
        If a job on a cluster has too little for it and will be run again with enough.
    FileNotFoundError, PermissionError
        As the system says.
    """
    with Sources(path) as sources:
        with _one_error(path, passed=ImageError):  # a header that claims memory is damaged
            image = _layout(sources.own)
        photometric.require_grey(image.first, path)
        names = plane_selection.axis_names(axes, image.axes, image.shape, path)
        chosen = plane_selection.selection(names, image.shape, {"C": channel, "Z": z, "T": t}, path)
        with _one_error(path):
            reader = _Reader(sources, image, names)
            reader.require_memory(chosen)
            stored = plane_selection.assemble(names, image.shape, image.outer, chosen, reader.frame)
            pixels = grey_values.supported(stored, path)
            size, note = _pixel_size(sources.own.structure, image, pixel_size_um)
        sources.finish()
    own, *others = (stamp[0] for stamp in sources.stamps)
    return Plane(
        pixels,
        names,
        image.shape,
        image.first.dtype,
        size,
        note,
        photometric.name(image.first),
        sources.hashes[own],
        sources.stamps,
        [{"path": other, "sha256": sources.hashes[other]} for other in others],
        plane_selection.axes_note(names, image.axes),
    )


@contextlib.contextmanager
def _one_error(path, passed=(ImageError, MemoryError)):
    """Turn the many errors that damaged bytes raise in libraries into the one that they mean."""
    try:
        yield
    except passed:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:
            raise
        raise damaged(path, error) from error


def _layout(source: Source) -> Layout:
    """Axes and frames of the image in a file."""
    image = layout(source.structure)
    if image is None:
        series = source.tif.series
        image = one_of([_of_series(one) for one in series], source.path).squeezed()
    _require_possible(source.structure, image)
    return image


def _of_series(series):
    """A layout of what tifffile's reader of a vendor's files tells."""
    key = series.keyframe
    first = Page(
        key.offset,
        width=key.imagewidth,
        length=key.imagelength,
        bits=key.dtype.itemsize * 8,
        photometric=int(key.photometric),
        samples=key.samplesperpixel,
        planar=int(key.planarconfig),
        format=int(key.sampleformat),
        depth=key.imagedepth,
    )
    shape = series.get_shape(squeeze=False)
    count = math.prod(shape) // max(1, math.prod(key.shape))
    outer = next(k for k in range(len(shape) + 1) if math.prod(shape[:k]) == count)

    def frame(number):
        if series.is_truncated:
            return Frame(None, key, key.dataoffsets[0] + number * first.nbytes)
        return Frame(None, series[number]) if series[number] is not None else None

    return Layout(series.get_axes(squeeze=False), shape, outer, frame, first, name=series.name)


def _require_possible(structure, image):
    """Refuse a header that promises what a file of this size cannot hold."""
    held = 1 if image.pixels is not None else math.prod(image.shape[: image.outer])
    promise = held * image.first.nbytes
    if promise > MOST_UNCHECKED and promise > MOST_COMPRESSED * structure.size:
        raise ImageError(
            f"{structure.path} promises {plane_selection.described(image.axes, image.shape)} of "
            f"{image.first.dtype}, {promise / 1e9:.3g} GB, in a file of {structure.size} bytes; "
            "its header is damaged or made up"
        )


class _Reader:
    """Decodes frames of an image, and says which plane is missing if one is."""

    def __init__(self, sources, image, names):
        self._sources, self._image, self._names = sources, image, names
        self._path = sources.own.path
        self._is_imagej = _description(sources.own.structure).startswith(IMAGEJ)

    def require_memory(self, chosen):
        """Refuse a plane that does not fit into memory, before any of it is decoded."""
        image = self._image
        sizes = [n if pick is None else 1 for n, pick in zip(image.shape, chosen, strict=True)]
        pixels, frames = math.prod(sizes), math.prod(sizes[: image.outer])
        _, _, page, _ = self._locate(
            *next(plane_selection.frame_numbers(image.shape, image.outer, chosen))
        )
        needed = tiff_decode.need_bytes(page) + frames * image.first.nbytes
        # A mean adds up 64-bit floats.
        needed += 16 * image.first.size * any(isinstance(pick, str) for pick in chosen)
        needed += CHAIN_BYTES_PER_PIXEL * pixels
        free = memory.free_bytes()
        if needed > free:
            words = (
                f"{self._path} needs {_gigabytes(needed)} of memory, {_gigabytes(free)} are there; "
                "give its job more, or crop the image"
            )
            raise MemoryError(words) if memory.is_given_more_later(needed) else ImageError(words)

    def frame(self, index, number):
        """Grey values of a frame, of the shape that the image has within frames."""
        source, own, page, frame = self._locate(index, number)
        where = {"offset": frame.offset}
        if isinstance(frame.page, tifffile.TiffFrame):
            where = {"frame": frame.page}
        pixels = tiff_decode.decode(page, source.path, **where)
        pixels = photometric.to_grey(pixels, own, page.colormap, self._is_imagej, source.path)
        return pixels.reshape(self._image.shape[self._image.outer :])

    def _locate(self, index, number):
        """The open file of a frame, and its page as the structure and as tifffile have it."""
        try:
            frame = self._image.frame(number)
            if frame is None:
                raise ImageError("the file has no page for it")
            source, own = self._sources.locate(frame)
        except ImageError as error:
            outer = zip(self._names, index, strict=False)
            words = [
                f"{plane_selection.COLUMNS[n]} {i}"
                for n, i in outer
                if n in plane_selection.COLUMNS
            ]
            raise ImageError(
                f"{self._path}: plane {', '.join(words) or number} cannot be read: {error}"
            ) from error
        if not isinstance(own, Page):
            return source, self._image.first, own.keyframe, frame
        if own.key != self._image.first.key:
            raise damaged(
                source.path,
                f"a page of shape {own.shape}, {own.dtype}, is among others of shape "
                f"{self._image.first.shape}, {self._image.first.dtype}",
            )
        photometric.require_grey(own, source.path)
        return source, own, source.page(own), frame


def _gigabytes(number):
    return f"{number / 1e9:.3g} GB"


def _description(structure):
    return structure.description(structure.pages[0])


def _pixel_size(structure, image, given):
    """Size of a pixel in µm, and why it is not known."""
    if given:
        return pixel_size.of_sheet(given), ""
    if image.pixels is not None:
        return pixel_size.of_ome(image.pixels)
    lines = _description(structure).splitlines()
    if not lines or not lines[0].startswith(IMAGEJ):
        return pixel_size.of_tags(structure, image.first)
    unit = next((line[5:] for line in lines if line.startswith("unit=")), "")
    return pixel_size.of_tags(structure, image.first, unit.strip())


def promised(path: str | os.PathLike) -> tuple[int, int]:
    """Pixels of a plane and bytes of all planes, as a file's header says.

    No pixel is read, and no more of the header than its bounds allow: 0.1 ms for an ordinary file.

    Raises
    ------
    ImageError
        If the file is not a readable TIFF, or can't hold what it promises.
    OSError
        As the system says.
    """
    with open(path, "rb") as file, _one_error(path, passed=ImageError):
        structure = Structure(file, path)
        image = layout(structure)
        if image is None:
            first, count = structure.full_pages[0], len(structure.full_pages)
            return first.length * first.width, count * first.nbytes
        _require_possible(structure, image)
        sizes = dict(zip(image.axes, image.shape, strict=True))
        frames = math.prod(image.shape[: image.outer])
        return sizes.get("Y", 1) * sizes.get("X", 1), frames * image.first.nbytes


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
