"""The whole chain on one image, in memory: what the steps do one by one, job by job.

read ─► denoise ─┬────────────► subtract ─► threshold ─► spots
                 └► background ─┘
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from localbg.core import failures
from localbg.core.failures import Failure, StepFailed
from localbg.detection.decision import Decision
from localbg.detection.measures import Spot
from localbg.io import images
from localbg.io.image_flags import saturated_at
from localbg.pipeline.signatures import KINDS, scaled
from localbg.pipeline.steps.denoise_image import denoise_image
from localbg.pipeline.steps.detect_spots import detect_spots
from localbg.pipeline.steps.estimate_background import estimate_background
from localbg.pipeline.steps.subtract_background import subtract_background
from localbg.pipeline.steps.threshold_foreground import threshold_foreground


@dataclass(frozen=True)
class Detection:
    """What one method found in an image.

    Attributes
    ----------
    method : str
    spots : list of localbg.detection.measures.Spot
        As in spots.csv; ``pandas.DataFrame(spots)`` makes a table of them.
    labels : ndarray of int, 2-D
        The number of the spot that a pixel belongs to, 0 where it belongs to none.
    denoised, background : ndarray, 2-D
        In the image's dtype or float32.
    foreground : ndarray of float32, 2-D
        Denoised image less background; spots are positive whatever the polarity.
    mask : ndarray of bool, 2-D
        Pixels above the threshold, before touching spots are split.
    decision : localbg.detection.decision.Decision
        The threshold, and how it came about.
    record : dict
        What all steps tell, the decision among it: ``threshold``, ``decided_by``, ``level``,
        ``noise``, ``negative_fraction`` and more, as in counts.csv.
    """

    method: str
    spots: list[Spot]
    labels: np.ndarray
    denoised: np.ndarray
    background: np.ndarray
    foreground: np.ndarray
    mask: np.ndarray
    decision: Decision
    record: dict

    @property
    def places(self) -> np.ndarray:
        """Centres of the spots, shape (n, 2): y and x in pixels."""
        return np.array([(spot.y, spot.x) for spot in self.spots], float).reshape(-1, 2)


def run_methods(
    plane: images.Plane,
    spot_radius: float | str,
    methods: list[dict],
    steps: dict[str, dict[str, dict]],
    *,
    shared: Mapping[str, float | Failure] | None = None,
    threads: int = 1,
) -> Iterator[tuple[dict, Detection | Failure]]:
    """Take an image through the steps of several methods.

    Parameters
    ----------
    plane : localbg.io.images.Plane
    spot_radius : number or str
        In pixels, or in µm as text.
    methods : list of dict
        For each method the ``method``'s name and the label of each kind of result.
    steps : dict
        By kind and label: the ``name`` of the step, its ``parameters``, and the labels that it
        builds on. A threshold with a decision ``found`` is taken from there, not sought again.
    shared : mapping of str to float or Failure, optional
        Thresholds that the image shares with others, in grey levels, by label of the mask.
    threads : int

    Yields
    ------
    method : dict
        In the order of their labels, which brings those together that share steps.
    detection : Detection or Failure
    """
    made = _Maker(plane, spot_radius, steps, shared or {}, threads)
    for method in sorted(methods, key=lambda method: [method[kind] for kind in KINDS]):
        try:
            labels, spots = made("labels", method["labels"])
            mask, decision = made("mask", method["mask"])
            foreground, subtracted = made("foreground", method["foreground"])
            background, estimated = made("background", method["background"])
            denoised = made("denoised", method["denoised"])
            yield (
                method,
                Detection(
                    *(method["method"], spots, labels, denoised, background, foreground, mask),
                    decision=decision,
                    record=estimated | subtracted | decision.record,
                ),
            )
        except StepFailed as failed:
            yield method, failed.failure


def find_thresholds(
    plane: images.Plane,
    spot_radius: float | str,
    masks: Iterable[str],
    steps: dict[str, dict[str, dict]],
    *,
    threads: int = 1,
) -> dict[str, Decision | Failure]:
    """What threshold an image would get by itself, or why that failed, by label of the mask."""
    made = _Maker(plane, spot_radius, steps, {}, threads)
    found = {}
    for mask in sorted(masks):
        try:
            found[mask] = made("mask", mask)[1]
        except StepFailed as failed:
            found[mask] = failed.failure
    return found


class _Maker:
    """Gives any step's result; only the latest of each kind is kept.

    So memory does not grow with the number of methods, and what they share is made once. Nothing
    here refers to itself, so that an image's arrays go as soon as its last method is done.
    """

    def __init__(self, plane, spot_radius, steps, shared, threads):
        self._plane, self.spot_radius = plane, spot_radius
        self._steps, self._shared, self._threads = steps, shared, threads
        self._latest = {}

    def __call__(self, kind, label):
        if label is None:
            return self._plane.pixels
        if self._latest.get(kind, (None,))[0] != label:
            self._latest[kind] = label, self._attempt(kind, label)
        found = self._latest[kind][1]
        if isinstance(found, Failure):
            raise StepFailed(found)
        return found

    def polarity(self, foreground):
        """Of the spots in a foreground."""
        return self._steps["foreground"][foreground]["parameters"]["polarity"]

    def _attempt(self, kind, label):
        step, level = self._steps[kind][label], self._shared.get(label)
        if isinstance(level, Failure):
            return level
        try:
            # What it builds on has to fail first, as it does where each step is a job.
            for before in KINDS:
                if step.get(before):
                    self(before, step[before])
            parameters = scaled(step["name"], step["parameters"], self.spot_radius)
            return MAKE[step["name"]](self._plane, self, step, parameters, level, self._threads)
        except StepFailed as failed:
            return failed.failure
        except Exception as error:
            if failures.is_system_error(error):
                raise
            failures.log.exception("%s failed", step["name"])
            return Failure(step["name"], failures.describe_error(error))


def _denoise(plane, made, step, parameters, shared, threads):
    size = plane.pixel_size_um
    return denoise_image(plane.pixels, parameters, pixel_size_um=size, threads=threads)[0]


def _background(plane, made, step, parameters, shared, threads):
    source, size = made("denoised", step["denoised"]), plane.pixel_size_um
    return estimate_background(source, parameters, pixel_size_um=size, threads=threads)


def _subtract(plane, made, step, parameters, shared, threads):
    background, _ = made("background", step["background"])
    return subtract_background(made("denoised", step["denoised"]), background, parameters)


def _threshold(plane, made, step, parameters, shared, threads):
    foreground, _ = made("foreground", step["foreground"])
    return threshold_foreground(
        *(foreground, made("denoised", step["denoised"]), plane.pixels, parameters),
        grey_step=plane.grey_step,
        pixel_size_um=plane.pixel_size_um,
        shared=shared,
        earlier=step.get("found"),
    )


def _spots(plane, made, step, parameters, shared, threads):
    foreground, _ = made("foreground", step["foreground"])
    background, _ = made("background", step["background"])
    mask, decision = made("mask", step["mask"])
    return detect_spots(
        *(mask, foreground, background, plane.pixels, parameters),
        decision=decision,
        spot_radius=made.spot_radius,
        polarity=made.polarity(step["foreground"]),
        saturated_at=saturated_at(plane.facts),
        pixel_size_um=plane.pixel_size_um,
    )


MAKE = {
    "denoise": _denoise,
    "background": _background,
    "subtract": _subtract,
    "threshold": _threshold,
    "spots": _spots,
}
