"""Read an image as it was when the run was planned, or not at all."""

from __future__ import annotations

import os

from localbg.core import failures
from localbg.io import images
from localbg.io.images import ImageError, Plane


def read(source: str | os.PathLike, picks: dict, stamp: list) -> Plane:
    """Read the plane that a row of the sheet asks for.

    Parameters
    ----------
    source : path
        The image's file.
    picks : dict
        How to read it; see `localbg.io.images.read`.
    stamp : list
        What told the file, and those that it takes pages from, from other versions when the run
        was planned: path, size and time of change of each. Empty where nobody could tell.

    Returns
    -------
    localbg.io.images.Plane

    Raises
    ------
    localbg.io.images.ImageError
        Also if the file has changed since.
    localbg.core.failures.DownloadFailed
        If a failure record stands in its place.
    """
    failures.require_downloaded(source)
    plane = images.read(source, **picks)
    expected = {os.path.realpath(path): of_file for path, *of_file in stamp}
    if any(expected.get(os.path.realpath(p), now) != now for p, *now in plane.stamps):
        raise ImageError(f"{source} has changed since the run was planned; run again")
    return plane
