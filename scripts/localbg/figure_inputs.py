"""Read what a run made of one image, for the figures of that image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localbg import images, job, tables
from localbg.captions import count, described, number
from localbg.figures import MAX_METHODS, Result
from localbg.parameters import in_pixels, resolved

PATHS = ("background", "foreground", "threshold", "spots")
PIXELS = ("radius", "sigma")


class ImageFailed(Exception):
    """A step failed on the image; the message says which and why."""


@dataclass(frozen=True)
class Inputs:
    """An image with the results that a figure shows."""

    image: np.ndarray
    results: list[Result]
    left_out: int
    spot_radius: float
    pixel_size_um: float | None


def read(plane: str, facts: str, results: Sequence[Mapping], spot_radius: float | str) -> Inputs:
    """Read an image and the results of methods on it.

    Parameters
    ----------
    plane, facts : str
        Paths of the image's plane and of what is known of its file.
    results : sequence of mappings
        For each method its name (``method``), its ``recipe`` (parameters of ``denoise`` and
        ``background``, and what the background is estimated ``of``) and the paths of `PATHS`.
    spot_radius : float or str
        Pixels, or µm as text.

    Raises
    ------
    ImageFailed
        If a failure record stands in place of any of the files.
    """
    paths = [plane, facts, *(row[key] for row in results for key in PATHS)]
    for record in filter(None, map(job.failure, paths)):
        raise ImageFailed(f"{record['failed_step']}: {record['reason']}")
    size = job.read_json(facts)["pixel_size_um"]
    return Inputs(
        image=images.read(plane).pixels,
        results=[_result(row, size) for row in results[:MAX_METHODS]],
        left_out=max(0, len(results) - MAX_METHODS),
        spot_radius=in_pixels(spot_radius, size),
        pixel_size_um=size,
    )


def _result(row, pixel_size_um):
    found = job.read_json(row["threshold"])
    spots = tables.read(row["spots"])
    return Result(
        method=row["method"],
        text=_text(row["recipe"], found, len(spots), pixel_size_um),
        background=images.read(row["background"]).pixels,
        foreground=images.read(row["foreground"]).pixels,
        threshold=found["threshold"],
        spots=np.array([(float(s["y"]), float(s["x"])) for s in spots]).reshape(-1, 2),
        heights=np.array([float(s["foreground_max"]) for s in spots]),
    )


def _text(recipe, found, n_spots, pixel_size_um):
    """How a method's results came about, in a line."""
    denoise = _filter(recipe["denoise"], pixel_size_um)
    background = _filter(recipe["background"], pixel_size_um)
    origin = f"the denoised image ({denoise})" if recipe["of"] == "denoised" else "the raw image"
    rule = described({"rule": found["rule"]} | found["parameters"])
    if found["decided_by"] == "min_snr":
        rule += ", raised to min_snr"
    return (
        f"{background}, of {origin};  threshold {number(found['threshold'])} grey levels ({rule});"
        f"  {count(n_spots, 'spot')}"
    )


def _filter(parameters, pixel_size_um):
    sizes = {
        key: f"{number(value)} px" if key in PIXELS else value
        for key, value in resolved(parameters, pixel_size_um).items()
        if key != "polarity"
    }
    return described(sizes)
