"""Read what a run made of one image, for the figures of that image."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localbg.core import failures, files
from localbg.core.parameters import radius_in_pixels, resolve
from localbg.core.text import describe_parameters, format_count, format_number
from localbg.detection.decision import Decision
from localbg.figures.style import MAX_METHODS, Result
from localbg.io import images, tables

# Parameters that are lengths, in pixels by now.
LENGTHS = ("radius", "sigma")


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


def read(
    *,
    plane: str,
    facts: str,
    background: Sequence[str],
    foreground: Sequence[str],
    threshold: Sequence[str],
    spots: Sequence[str],
    recipes: Mapping[str, Mapping],
    spot_radius: float | str,
) -> Inputs:
    """Read an image and what the methods made of it.

    Parameters
    ----------
    plane, facts : str
        Paths of the image's plane and of what is known of its file.
    background, foreground, threshold, spots : sequence of str
        Paths of images, records and tables, one for each method.
    recipes : mapping
        For each method, in the same order, the parameters of ``denoise`` and ``background``, and
        what the background is estimated ``of``.
    spot_radius : float or str
        Pixels, or µm as text.

    Raises
    ------
    ImageFailed
        If a failure record stands in place of the image, or of files of every method, or the
        radius can't be meant. A method that failed by itself is left out.
    """
    paths = list(zip(background, foreground, threshold, spots, strict=True))
    of_image = _failure(plane, facts)
    failed = [of_image or _failure(*of_method) for of_method in paths]
    if failure := of_image or (failed[0] if failed and all(failed) else None):
        raise ImageFailed(str(failure))
    size = files.read_json(facts)["pixel_size_um"]
    try:
        radius = radius_in_pixels(spot_radius, size)
    except ValueError as error:
        raise ImageFailed(f"read: {error}") from error
    rows = [
        (recipe, *of_method)
        for recipe, of_method, wrong in zip(recipes.items(), paths, failed, strict=True)
        if not wrong
    ]
    return Inputs(
        image=images.read(plane).pixels,
        results=[_result(*row, size) for row in itertools.islice(rows, MAX_METHODS)],
        left_out=len(recipes) - min(len(rows), MAX_METHODS),
        spot_radius=radius,
        pixel_size_um=size,
    )


def _failure(*paths):
    """The first failure whose record stands in place of a file."""
    return next(filter(None, map(failures.read_failure, paths)), None)


def _result(recipe, background, foreground, threshold, spots, pixel_size_um):
    method, steps = recipe
    decision = Decision.from_record(files.read_json(threshold))
    rows = tables.read(spots)
    return Result(
        method=method,
        text=_text(steps, decision, len(rows), pixel_size_um),
        background=images.read(background).pixels,
        foreground=images.read(foreground).pixels,
        threshold=decision.threshold,
        spots=np.array([(row["y"], row["x"]) for row in rows]).reshape(-1, 2),
        heights=np.array([row["foreground_max"] for row in rows]),
    )


def _text(recipe, decision, n_spots, pixel_size_um):
    """How a method's results came about, in a line."""
    denoise = _filter(recipe["denoise"], pixel_size_um)
    background = _filter(recipe["background"], pixel_size_um)
    origin = f"the denoised image ({denoise})" if recipe["of"] == "denoised" else "the raw image"
    rule = describe_parameters({"rule": decision.rule} | decision.parameters)
    if decision.decided_by == "min_snr":
        rule += ", raised to min_snr"
    return (
        f"{background}, of {origin};  "
        f"threshold {format_number(decision.threshold)} grey levels ({rule});  "
        f"{format_count(n_spots, 'spot')}"
    )


def _filter(parameters, pixel_size_um):
    sizes = {
        key: f"{format_number(value)} px" if key in LENGTHS else value
        for key, value in resolve(parameters, pixel_size_um).items()
        if key != "polarity"
    }
    return describe_parameters(sizes)
