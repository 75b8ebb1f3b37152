"""What the stored values of a page mean: which is black, or which colour."""

from __future__ import annotations

import os

import numpy as np

from localbg.io.tiff_structure import ImageError, Page

MINISWHITE, MINISBLACK, RGB, PALETTE = range(4)
STEP = 257  # of a palette of 8 bits, which is stored in 16
NAMES = {
    MINISWHITE: "miniswhite",
    MINISBLACK: "minisblack",
    RGB: "rgb",
    PALETTE: "palette",
    4: "mask",
    5: "separated",
    6: "ycbcr",
    8: "cielab",
    9: "icclab",
    10: "itulab",
    32803: "cfa",
    32844: "logl",
    32845: "logluv",
    34892: "linear_raw",
}
COLOURS = {
    4: "a transparency mask of another image",
    5: "an image in inks (CMYK)",
    6: "a colour image (YCbCr)",
    8: "a colour image (CIELab)",
    9: "a colour image (ICCLab)",
    10: "a colour image (ITULab)",
    32803: "raw data of a colour camera (a mosaic of colour filters)",
    32844: "an image in logarithms (LogL)",
    32845: "a colour image (LogLuv)",
}


def name(page: Page) -> str:
    """The page's photometric interpretation in TIFF's words; empty where the file does not say."""
    if page.photometric is None:
        return ""
    return NAMES.get(page.photometric, str(page.photometric))


def require_grey(page: Page, path: str | os.PathLike) -> None:
    """Refuse what has no grey values.

    RGB passes: its samples are an axis, of which a channel can be picked.

    Raises
    ------
    ImageError
        Naming what the values mean.
    """
    if page.photometric in COLOURS:
        raise ImageError(
            f"{path}: this is {COLOURS[page.photometric]}; expected one grey value per pixel. "
            "Convert it to grey and save it again"
        )


def to_grey(
    pixels: np.ndarray,
    page: Page,
    colours: np.ndarray | None,
    is_imagej: bool,
    path: str | os.PathLike,
) -> np.ndarray:
    """Grey values in which more is brighter, whatever is stored.

    Parameters
    ----------
    pixels : ndarray
        As stored.
    page : Page
    colours : ndarray of uint16, shape (3, n), or None
        The palette: red, green and blue of each stored value.
    is_imagej : bool
        Whether ImageJ wrote the file. It stores its own grey values, and calls them MINISWHITE
        where its look-up table is an inverting one, which is a matter of display.
    path : path
        For messages.

    Returns
    -------
    ndarray
        ``pixels`` themselves where they are grey values already.

    Raises
    ------
    ImageError
        If a palette is no ramp that rises, of grey values or of one colour; if numbers that have
        no largest are inverted.
    """
    if page.photometric == MINISWHITE and not is_imagej:
        if pixels.dtype == np.bool_:
            return ~pixels
        if pixels.dtype.kind != "u":
            raise ImageError(
                f"{path}: white is stored as 0 (MINISWHITE) in pixels of type {pixels.dtype}, "
                "which have no largest value to invert them by. Save it with black as 0"
            )
        return pixels.dtype.type(2**page.bits - 1) - pixels
    if page.photometric == PALETTE:
        return _of_palette(pixels, colours, path)
    return pixels


def _of_palette(pixels, colours, path):
    if colours is None:
        raise ImageError(f"{path}: this is an image with a palette, which is missing from the file")
    # A ramp in even steps from black to one colour, grey or green, shows the stored values as they
    # are: so ImageJ saves an image with a look-up table of one colour.
    palette = colours.astype(np.int64)
    last, steps = len(palette[0]) - 1, np.arange(len(palette[0]))
    is_even = abs(palette * last - steps * palette[:, -1:]) <= STEP * (last + 1)
    if is_even.all() and palette[:, -1].max() > STEP:
        return pixels
    grey = palette[0]
    is_grey = (colours == colours[0]).all()
    if not is_grey or (np.diff(grey) <= 0).any():
        raise ImageError(
            f"{path}: this is an image with a palette of "
            f"{'grey values that do not rise' if is_grey else 'several colours'}; expected one "
            "grey value per pixel. Convert it to grey (in ImageJ: Image > Lookup Tables > Grays) "
            "and save it again"
        )
    return colours[0][pixels]
