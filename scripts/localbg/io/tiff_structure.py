"""The structure of a TIFF file, read within bounds, whatever its bytes are.

Only offsets, sizes and types of the pages are read here, never pixels. Nothing in it takes longer
than the bounds allow: pages whose chain is circular, tags that claim to be beyond the end of the
file and counts that no file has are refused in words.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

# What sound files stay below, and what keeps the work on a header below about a second.
MOST_PAGES = 100_000
MOST_TAGS = 4096
MOST_DESCRIPTION = 2**25
# What a file may promise to hold for each of its bytes, and how much it may promise anyway.
MOST_COMPRESSED = 1000
MOST_UNCHECKED = 2**28

REDUCED, MASK = 1, 4  # bits of NewSubfileType
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
UNSIGNED = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
FIELDS = {  # what is kept of each page
    254: "subfile",
    255: "old_subfile",
    256: "width",
    257: "length",
    258: "bits",
    259: "compression",
    262: "photometric",
    277: "samples",
    284: "planar",
    339: "format",
    32997: "depth",
}
DESCRIPTION, STRIP_OFFSETS, TILE_OFFSETS, LSM = 270, 273, 324, 34412
# Tags without which nothing can be read: that they are cut off means that the file is.
NEEDED = {*FIELDS, DESCRIPTION, STRIP_OFFSETS, 278, 279, 322, 323, TILE_OFFSETS, 325}


class ImageError(ValueError):
    """An image file that cannot be used, and why, in words for its owner."""


def damaged(path: str | os.PathLike, why: object) -> ImageError:
    """The error of a file whose bytes are not what its own structure promises."""
    return ImageError(f"{path} cannot be read as a TIFF image: it is truncated or damaged ({why})")


@dataclass(slots=True)
class Page:
    """One page (image file directory), without its pixels.

    Attributes
    ----------
    offset : int
        Of the page in the file.
    photometric : int or None
        What the grey values mean; None where the file does not say.
    bits : int
        Of each sample.
    """

    offset: int
    subfile: int = 0
    old_subfile: int = 0
    width: int = 0
    length: int = 0
    bits: int = 1
    compression: int = 1
    photometric: int | None = None
    samples: int = 1
    planar: int = 1
    format: int = 1
    depth: int = 1
    is_described: bool = False

    @property
    def axes(self) -> str:
        """Names of the axes of `shape`."""
        axes = "YX" if self.depth == 1 else "ZYX"
        if self.samples == 1 and self.photometric != 2:
            return axes
        return axes + "S" if self.planar == 1 else "S" + axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of the page's array along each of its axes."""
        sizes = {"S": self.samples, "Z": self.depth, "Y": self.length, "X": self.width}
        return tuple(sizes[name] for name in self.axes)

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.samples * self.depth * self.length * self.width

    @property
    def nbytes(self) -> int:
        """Bytes of the decoded page."""
        item = next((n for n in (1, 2, 4, 8) if self.bits <= 8 * n), 16)
        return self.size * item

    @property
    def dtype(self) -> str:
        """Name of the type of the decoded samples, as numpy has it."""
        if self.bits == 1:
            return "bool"
        kind = {2: "int", 3: "float", 5: "complex", 6: "complex"}.get(self.format, "uint")
        return f"{kind}{8 * self.nbytes // max(1, self.size)}"

    @property
    def key(self) -> tuple:
        """What pages of one stack have in common."""
        return (self.axes, self.shape, self.bits, self.format)

    @property
    def is_reduced(self) -> bool:
        """Whether this is a thumbnail or a smaller copy of another page."""
        return bool(self.subfile & REDUCED) or self.old_subfile == 2

    @property
    def is_mask(self) -> bool:
        """Whether this is a transparency mask of another page."""
        return bool(self.subfile & MASK)


class Structure:
    """The pages of an open TIFF file, classic or BigTIFF, of either byte order.

    Parameters
    ----------
    file : binary file
        Read by offset; its position is left alone.
    path : path
        For messages.

    Raises
    ------
    ImageError
        If it is no TIFF file; when pages or tags are asked for, if they are damaged.
    """

    def __init__(self, file: BinaryIO, path: str | os.PathLike):
        self.path = Path(path)
        self._descriptor = file.fileno()
        self.size = os.fstat(self._descriptor).st_size
        head = self.read(0, 16)
        if not head:
            raise ImageError(f"{path} is empty (0 bytes); expected a TIFF image")
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = struct.unpack(f"{self.order or '<'}H", head[2:4].ljust(2, b"\0"))[0]
        if not self.order or version not in (42, 43):
            raise ImageError(f"{path} is not a TIFF image (it starts with {head[:4]!r})")
        self.is_big = version == 43
        start = struct.Struct(self.order + ("8xQ" if self.is_big else "4xI"))
        if len(head) < start.size:
            raise damaged(path, f"it ends after {len(head)} bytes, within its header")
        self.first = start.unpack_from(head)[0]
        self._count = struct.Struct(self.order + ("Q" if self.is_big else "H"))
        self._entry = struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHI4s"))
        self._offset = struct.Struct(self.order + ("Q" if self.is_big else "I"))
        self._known: dict[bytes, tuple] = {}

    def read(self, offset: int, count: int) -> bytes:
        """Bytes from an offset; fewer where the file ends."""
        if offset > self.size:
            return b""
        return os.pread(self._descriptor, min(count, self.size - offset), offset)

    @property
    def first_page(self) -> Page:
        """The first page, without a look at the others."""
        return self._page(self.first)[0]

    @cached_property
    def pages(self) -> list[Page]:
        """All pages of the main chain, in order.

        Raises
        ------
        ImageError
            If the chain is cut off, circular or longer than `MOST_PAGES`.
        """
        pages, seen, offset = [], set(), self.first
        while offset:
            if offset in seen:
                raise damaged(self.path, f"its page chain is circular at byte {offset}")
            if len(pages) == MOST_PAGES:
                raise ImageError(
                    f"{self.path} has more than {MOST_PAGES} pages; expected fewer. Save it as "
                    "several files"
                )
            seen.add(offset)
            page, offset = self._page(offset)
            pages.append(page)
            # Beyond 4 GB the offsets of LSM files are cut off, which only a reader of LSM can mend.
            if len(pages) == 1 and self.size >= 2**32 and LSM in self.tags(pages[0]):
                break
        if not any(page.size for page in pages):
            raise damaged(self.path, "it has no page with pixels")
        return pages

    @property
    def full_pages(self) -> list[Page]:
        """Pages that are images of their own, not thumbnails or masks of others."""
        pages = [page for page in self.pages if page.size]
        return [page for page in pages if not (page.is_reduced or page.is_mask)] or pages

    def _block(self, offset):
        """Raw tags of a page, and the offset of the next page."""
        block = self.read(offset, 1024)
        if offset < 8 or len(block) < self._count.size:
            raise damaged(self.path, f"a page is to be at byte {offset} of {self.size}")
        number = self._count.unpack_from(block)[0]
        if number > MOST_TAGS:
            raise damaged(self.path, f"the page at byte {offset} is to have {number} tags")
        start = self._count.size
        end = start + number * self._entry.size
        if len(block) < end + self._offset.size:
            block = self.read(offset, end + self._offset.size)
        if len(block) < end:
            raise damaged(self.path, f"it ends within the page at byte {offset}")
        # A last page whose chain ends with the file is common, and harmless.
        whole = len(block) >= end + self._offset.size
        return block[start:end], self._offset.unpack_from(block, end)[0] if whole else 0

    def _page(self, offset):
        block, following = self._block(offset)
        page, stored, size = Page(offset), 0, self._entry.size
        for at in range(0, len(block), size):
            entry = block[at : at + size]
            # Pages of a stack have nearly all tags in common.
            field = self._known.get(entry)
            if field is None:
                field, length = self._field(entry, offset)
                stored += length
            if field:
                setattr(page, *field)
        if stored > 2 * self.size:
            raise damaged(self.path, f"the tags at byte {offset} claim more bytes than it has")
        return page, following

    def _field(self, entry, offset):
        """Name and value that a tag gives a page, if any; and its bytes elsewhere in the file."""
        code, kind, count, value = self._entry.unpack(entry)
        size = count * TYPE_BYTES.get(kind, 1)
        inline = size <= self._offset.size
        end = 0 if inline else self._offset.unpack(value)[0] + size
        if code in NEEDED and end > self.size:
            raise damaged(self.path, f"tag {code} of the page at byte {offset} ends at {end}")
        field = ()
        if code == DESCRIPTION:
            field = "is_described", True
        elif code in FIELDS:
            if number := self._integers(kind, count, value, 1):
                field = FIELDS[code], number[0]
            elif code not in (254, 255):  # which some programs fill with words
                raise damaged(self.path, f"tag {code} of the page at byte {offset} is no number")
        if inline:
            if len(self._known) < MOST_TAGS:
                self._known[entry] = field
            return field, 0
        return field, size

    def _integers(self, kind, count, value, most):
        if kind not in UNSIGNED:
            return ()
        number, size = min(count, most), TYPE_BYTES[kind]
        if count * size > len(value):
            value = self.read(self._offset.unpack(value)[0], number * size)
        if len(value) < number * size:
            return ()
        return struct.unpack(f"{self.order}{number}{UNSIGNED[kind]}", value[: number * size])

    def tags(self, page: Page) -> dict[int, tuple[int, int, bytes]]:
        """Type, count and raw value (or its offset) of each tag of a page."""
        tags: dict[int, list] = {}
        for code, *rest in self._entry.iter_unpack(self._block(page.offset)[0]):
            tags.setdefault(code, rest)  # some programs write a second description
        return tags

    def value(self, page: Page, code: int, most: int = MOST_DESCRIPTION) -> bytes:
        """Bytes of a tag's value; none where there is no such tag.

        Raises
        ------
        ImageError
            If it is longer than ``most`` bytes.
        """
        kind, count, value = self.tags(page).get(code, (0, 0, b""))
        size = count * TYPE_BYTES.get(kind, 0)
        if size > most:
            raise ImageError(
                f"{self.path}: tag {code} has {size} bytes; expected at most {most}. Save the "
                "image without that description, or as several files"
            )
        if size <= len(value):
            return value[:size]
        return self.read(self._offset.unpack(value)[0], size)

    def integers(self, page: Page, code: int, most: int = 1024) -> tuple[int, ...]:
        """Whole numbers of a tag, ``most`` of them at most."""
        kind, count, value = self.tags(page).get(code, (0, 0, b""))
        return self._integers(kind, count, value, most)

    def ratio(self, page: Page, code: int) -> float | None:
        """A tag that is a ratio, such as a resolution; None where it is none."""
        if self.tags(page).get(code, (0,))[0] != 5:
            return None
        value = self.value(page, code, 64)
        if len(value) < 8:
            return None
        above, below = struct.unpack(f"{self.order}II", value[:8])
        return above / below if below else None

    def data_offset(self, page: Page) -> int:
        """Where the first strip or tile of a page starts; 0 where the page does not say."""
        for code in (TILE_OFFSETS, STRIP_OFFSETS):
            if numbers := self.integers(page, code, 1):
                return numbers[0]
        return 0

    def description(self, page: Page) -> str:
        """The page's ImageDescription as text."""
        value = self.value(page, DESCRIPTION)
        try:
            return value.decode("utf-8").rstrip("\0")
        except UnicodeDecodeError:
            return value.decode("cp1252", errors="replace").rstrip("\0")
