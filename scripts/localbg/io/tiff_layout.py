"""Which page, or which part of a file, is which plane of an image."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from localbg.io import ome
from localbg.io.tiff_structure import DESCRIPTION, ImageError, Page, Structure, damaged

# Private tags and words of files whose planes only their own readers in tifffile know.
VENDOR_TAGS = {
    33445,  # Molecular Dynamics
    33471,  # Olympus SIS
    33560,
    33628,  # MetaMorph
    34362,  # Olympus FluoView
    34412,  # Zeiss LSM
    43314,  # NIH Image
    65420,  # Hamamatsu NDPI
}
VENDOR_STARTS = ("Aperio ", "state.")
VENDOR_ENDS = ("</scn>", "</DataObject>")
VENDOR_PROGRAMS = ("SI.", "PerkinElmer-QPI")
SOFTWARE = 305
NAMES_SHOWN = 5
IMAGEJ_AXES = ("channels", "slices", "frames")
# ImageJ's order of channels, slices and frames, the fastest first, as axes the slowest first.
ORDERS = {"czt": "TZC", "ctz": "ZTC", "zct": "TCZ", "ztc": "CTZ", "tcz": "ZCT", "tzc": "CZT"}


@dataclass(frozen=True)
class Frame:
    """What is decoded at once: a page, or one plane of pixels that follow a page's own.

    Attributes
    ----------
    file : str or None
        Name of another file that the page is in; None for the image's own.
    page : Page or int
        The page, or its number in the other file.
    offset : int or None
        Where the pixels are, if not where the page says.
    """

    file: str | None
    page: Page | int
    offset: int | None = None


class Layout:
    """Axes and sizes of an image, and the frames that it is made of.

    Parameters
    ----------
    axes, shape : str, tuple of int
        Of the whole image.
    outer : int
        So many axes in front tell frames apart; the others are within a frame.
    frame : callable
        The frame of a number, which counts along the outer axes, the last one fastest. It raises
        an ImageError or gives None where there is none.
    first : Page or None
        A page of it.
    pixels : dict of str to str or None
        Attributes of OME's element Pixels.
    name : str
        As the file calls it.
    """

    def __init__(self, axes, shape, outer, frame, first, pixels=None, name=""):
        self.axes, self.shape, self.outer = axes, tuple(shape), outer
        self.frame, self.first, self.pixels, self.name = frame, first, pixels, name

    def squeezed(self) -> Layout:
        """The same without axes of length 1, but for rows and columns."""
        keep = [k for k, n in enumerate(self.shape) if n > 1 or self.axes[k] in "YX"]
        return Layout(
            "".join(self.axes[k] for k in keep),
            [self.shape[k] for k in keep],
            sum(k < self.outer for k in keep),
            self.frame,
            self.first,
            self.pixels,
            self.name,
        )

    def __str__(self):
        return f"{self.axes} {self.shape}"


def layout(structure: Structure) -> Layout | None:
    """Axes, sizes and frames of the image in a file.

    Returns
    -------
    Layout or None
        None where only tifffile's reader of that vendor's files can tell.

    Raises
    ------
    ImageError
        If the file is damaged, or holds several images of which none is the obvious one.
    """
    first = structure.pages[0]
    description = structure.description(first)
    if ome.is_ome(description) and (image := _of_ome(structure, description)):
        return image
    if description.startswith("ImageJ=") and (image := _of_imagej(structure, description)):
        return image.squeezed()
    if is_vendors(structure, description):
        return None
    return one_of(_of_pages(structure), structure.path)


def is_vendors(structure: Structure, description: str) -> bool:
    """Whether the first page looks as if a microscope's or scanner's own program wrote it."""
    if VENDOR_TAGS & structure.tags(structure.pages[0]).keys():
        return True
    program = structure.value(structure.pages[0], SOFTWARE).decode("latin1")
    return (
        program.startswith(VENDOR_PROGRAMS)
        or description.startswith(VENDOR_STARTS)
        or description[-32:].strip().endswith(VENDOR_ENDS)
        or "scanimage.SI" in description[-256:]
    )


def one_of(images: list[Layout], path) -> Layout:
    """The image that is meant where a file holds several.

    Labels, overviews and images of a single pixel stand beside others; smaller copies of the
    largest image are levels of a pyramid.
    """
    left = [image for image in images if not ome.BESIDE.search(image.name)] or images
    left = [image for image in left if math.prod(image.shape) > 1] or left
    largest = max(left, key=lambda image: math.prod(image.shape))
    if all(_is_level(image, largest) for image in left if image is not largest):
        return largest
    shown = ", ".join(f"{image.name} {image}".strip() for image in left[:NAMES_SHOWN])
    more = f" and {len(left) - NAMES_SHOWN} more" if len(left) > NAMES_SHOWN else ""
    raise ImageError(
        f"{path} holds {len(left)} separate images ({shown}{more}); expected one. "
        "Save each as a file of its own"
    )


def _is_level(image, largest):
    """Whether an image is a smaller copy: shrunk by one whole factor in both directions."""
    if image.axes != largest.axes or not {"Y", "X"} <= set(image.axes):
        return False
    if (image.first.bits, image.first.format) != (largest.first.bits, largest.first.format):
        return False
    sizes, full = (dict(zip(i.axes, i.shape, strict=True)) for i in (image, largest))
    factor = round(full["X"] / sizes["X"])
    shrunk = all(sizes[axis] in (full[axis] // factor, -(-full[axis] // factor)) for axis in "YX")
    same = all(sizes[axis] == full[axis] for axis in sizes if axis not in "YX")
    return factor > 1 and factor & (factor - 1) == 0 and shrunk and same


# Plain pages


def _of_pages(structure):
    """Images of a file without other metadata than tifffile's; equal pages are one stack."""
    pages, stacks, single = structure.full_pages, [], {}
    number = 0
    while number < len(pages):
        image, used = _shaped(structure, pages, number)
        if image.outer:
            stacks.append(image)
        else:
            single.setdefault(pages[number].key, []).append(image)
        number += used
    # Pages that were appended one by one are a stack, whatever each says of its own.
    images = [
        same[0] if len(same) == 1 else _stack([image.first for image in same])
        for same in single.values()
    ]
    return sorted(stacks + images, key=lambda image: image.first.offset)


def _stack(pages):
    page = pages[0]
    if len(pages) == 1:
        return Layout(page.axes, page.shape, 0, lambda number: Frame(None, page), page)
    shape = (len(pages), *page.shape)
    return Layout("I" + page.axes, shape, 1, lambda number: Frame(None, pages[number]), page)


def _raw(page, start, axes, shape, outer):
    """Planes that follow the first one's pixels, without pages of their own."""
    return Layout(
        axes, shape, outer, lambda number: Frame(None, page, start + number * page.nbytes), page
    )


def _are_there(structure, page, planes):
    """Whether planes without pages of their own follow a page's pixels; raise if some are cut off.

    They are not where the description is a stale one, of another file: only one plane is there.
    """
    start = structure.data_offset(page)
    if page.compression != 1 or page.bits not in (8, 16, 32, 64) or not start:
        return False
    if start + planes * page.nbytes <= structure.size:
        return True
    if page.offset > start or structure.size <= start + page.nbytes:
        return False
    raise damaged(
        structure.path,
        f"{planes} planes of {page.nbytes} bytes are promised, {structure.size - start} bytes are "
        "there",
    )


def _shaped(structure, pages, number):
    """The image that a page starts, as tifffile describes its own; and how many pages it takes."""
    page = pages[number]
    shape, names = _shaped_description(structure, page)
    if not shape or math.prod(shape) % page.size or (tuple(shape) == page.shape and not names):
        return _stack([page]), 1
    axes = names or _guessed(shape, page)
    count = math.prod(shape) // page.size
    outer = next((k for k in range(len(shape)) if math.prod(shape[:k]) == count), len(shape))
    if math.prod(shape[:outer]) != count or len(axes) != len(shape):
        return _stack([page]), 1
    if count == 1:
        return Layout(axes, shape, 0, lambda number: Frame(None, page), page), 1
    same = pages[number : number + count]
    if len(same) == count and all(other.key == page.key for other in same):
        return Layout(axes, shape, outer, lambda k: Frame(None, same[k]), page), count
    if _are_there(structure, page, count):
        return _raw(page, structure.data_offset(page), axes, shape, outer), 1
    return _stack([page]), 1


def _guessed(shape, page):
    """Names of axes where only those within a page are known; Q is any other."""
    rank = len(page.shape)
    for k in reversed(range(len(shape) - rank + 1)):
        if tuple(shape[k : k + rank]) == page.shape:
            return "Q" * k + page.axes + "Q" * (len(shape) - k - rank)
    return "Q" * len(shape)


def _shaped_description(structure, page):
    """Shape and names of axes that tifffile wrote; none where it did not."""
    if not page.is_described or structure.tags(page)[DESCRIPTION][1] > 4096:
        return None, ""
    description = structure.description(page)
    if not description.startswith('{"shape":'):
        return None, ""
    try:
        metadata = json.loads(description)
        shape = [int(length) for length in metadata["shape"]]
        axes = str(metadata.get("axes", ""))
    except (ValueError, TypeError, RecursionError):
        return None, ""
    return (shape, axes) if shape and min(shape) > 0 else (None, "")


# Pages with ImageJ's or OME's metadata


def _of_imagej(structure, description):
    """The hyperstack that ImageJ describes; None where its description is of another file."""
    metadata = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    try:
        length = {a: int(metadata.get(k, 1)) for a, k in zip("CZT", IMAGEJ_AXES, strict=True)}
        declared = int(metadata.get("images", 1))
    except ValueError:
        return None
    pages = structure.full_pages
    page = pages[0]
    pages = [other for other in pages if other.key == page.key]
    order, inner = ORDERS.get(metadata.get("order", "czt").lower(), "TZC"), page.axes
    if page.samples > 1 and length["C"] == page.samples:
        length["C"], order = 1, order.replace("C", "")
        # Separate samples are how other programs store channels.
        inner = inner.replace("S", "C") if page.planar == 2 else inner
    planes = math.prod(length.values())
    if min(*length.values(), declared) < 1:
        return None
    total = max(planes, declared)
    if planes == 1 and len(pages) > 1:
        total = len(pages)
    if total % planes:
        return None
    axes = "I" + order + inner
    shape = (total // planes, *(length[axis] for axis in order), *page.shape)
    outer = 1 + len(order)
    if len(pages) == total:
        return Layout(axes, shape, outer, lambda number: Frame(None, pages[number]), page)
    if len(pages) == 1 and _are_there(structure, page, total):
        return _raw(page, structure.data_offset(page), axes, shape, outer)
    return None


def _of_ome(structure, description):
    """The image of OME metadata; None where these are in another file."""
    metadata = ome.parse(description, structure.path)
    described = [image for image in metadata.images if image.pixels]
    if metadata.is_binary_only or not described:
        return None
    images, own, sizes = [], [], []
    for image in described:
        first = _first_page(structure, image)
        planes = ome.Planes(image, first.samples, structure.path)
        sizes.append(planes.shape)
        if planes.shape != (first.length, first.width):
            continue
        images.append(_ome_layout(structure, image, planes, first))
        if any(run.file is None for run in image.runs):
            own.append(images[-1])
    if not images:
        y, x = sizes[0]
        page = structure.pages[0]
        raise ImageError(
            f"{structure.path}: its OME metadata describe planes of Y={y}, X={x}, but its pages "
            f"are Y={page.length}, X={page.width}; they are of another file. Save the image again "
            "with the program that made it"
        )
    # Of several positions in files of their own, a file stands for the one that it holds.
    return one_of(own if len(own) == 1 else images, structure.path)


def _first_page(structure, image):
    """The first page of this file that the image has, or just the first one."""
    own = (run.page for run in image.runs if run.file is None)
    return next((structure.pages[k] for k in own if k < len(structure.pages)), structure.pages[0])


def _ome_layout(structure, image, planes, first):
    def frame(number):
        place = planes.find(number)
        if place is None:
            raise ImageError("the metadata name no file and page for it")
        file, page = place
        if file is not None:
            return Frame(file, page)
        if page >= len(structure.pages):
            raise ImageError(
                f"the metadata promise {planes.count} planes, the file holds "
                f"{len(structure.pages)} (did the acquisition stop early?); pick one that is there"
            )
        return Frame(None, structure.pages[page])

    axes, shape = planes.axes + first.axes, planes.sizes + first.shape
    named = {"pixels": image.pixels, "name": image.name}
    return Layout(axes, shape, len(planes.axes), frame, first, **named).squeezed()
