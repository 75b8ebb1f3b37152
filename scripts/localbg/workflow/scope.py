"""One threshold for several images: which images share it, and which have a say in it.

A shared threshold is the median of the thresholds that its images would get by themselves. Images
have to be of one exposure for that to make sense. Controls without spots (role blank in the sheet)
may have the only say: then noise and background alone decide.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from localbg.core.failures import Failure
from localbg.detection.decision import Decision
from localbg.workflow.sheet import Image

BLANK = "blank"


def of(parameters: Mapping) -> tuple[str, str]:
    """Scope of a step's threshold, and from which images it is taken."""
    return parameters.get("scope", "image"), parameters.get("from", "images")


def pools(images: Mapping[str, Image], scope: str) -> dict[str, str]:
    """Of each image the name of those that it shares a threshold with; none where it has its own.

    A group has a number in place of its name, which need not fit a file name.
    """
    if scope == "image":
        return {}
    groups = sorted({row.group for row in images.values()})
    names = {group: f"group-{number}" for number, group in enumerate(groups, 1)}
    return {image: names[row.group] if scope == "group" else "all" for image, row in images.items()}


def has_say(row: Image, source: str) -> bool:
    """Whether an image's own threshold counts towards that of its pool."""
    return source == "images" or row.role == BLANK


def problems(images: Mapping[str, Image], scope: str, source: str) -> list[str]:
    """Groups without an image that could have a say."""
    if source != "blank" or scope == "image":
        return []
    known = {row.group for row in images.values() if row.role == BLANK}
    if scope == "all":
        return [] if known else ["no image of the sheet has the role blank"]
    lacking = sorted({row.group for row in images.values()} - known)
    return [f"no image of group '{group}' has the role blank" for group in lacking]


def shared(own: Iterable[Decision | Failure]) -> dict:
    """The threshold of a pool.

    Parameters
    ----------
    own : iterable of Decision or Failure
        What `localbg.detection.threshold.threshold` decided of each image by itself, or why that
        failed.

    Returns
    -------
    dict
        ``threshold`` (grey levels of the foreground) and ``n_images`` that had a say. Images that
        failed have none, nor have constant ones, on which any threshold is as good as another.

    Raises
    ------
    ValueError
        If no image had a say.
    """
    values = [
        found.threshold
        for found in own
        if isinstance(found, Decision) and found.decided_by != "constant"
    ]
    if not values:
        raise ValueError("no image that the shared threshold is taken from has one: see scope")
    return {"threshold": float(statistics.median(values)), "n_images": len(values)}
