"""The whole chain on one image, in memory: what the steps do one by one, job by job.

read ─► denoise ─┬────────────► subtract ─► threshold ─► spots
                 └► background ─┘
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
class ChainStep:
    """A step of a method; steps with one label have one result, which methods share.

    Attributes
    ----------
    label : str
    name : str
        One of `localbg.pipeline.signatures.STEPS`.
    parameters : dict
        Sizes in pixels or multiples of the spot radius, or in µm as text.
    builds_on : tuple of str
        Kinds of the results that it takes.
    """

    label: str
    name: str
    parameters: dict
    builds_on: tuple[str, ...]


@dataclass(frozen=True)
class ChainMethod:
    """A method as the chain carries it out: its name, and what makes each kind of result."""

    name: str
    denoised: ChainStep
    background: ChainStep
    foreground: ChainStep
    mask: ChainStep
    labels: ChainStep

    @property
    def polarity(self) -> str:
        """Whether its spots are ``bright`` or ``dark``."""
        return self.foreground.parameters["polarity"]


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


def make_methods(
    methods: Sequence[Mapping[str, str]], steps: Mapping[str, Mapping[str, Mapping]]
) -> list[ChainMethod]:
    """Make methods of the plain data that a job is given.

    Parameters
    ----------
    methods : sequence of mapping
        For each method the ``method``'s name and the label of each kind of result.
    steps : mapping
        By kind and label: the ``name`` of the step, its ``parameters``, and by their kinds the
        labels that it builds on.
    """

    def step(kind, label):
        given = steps[kind][label]
        below = tuple(before for before in KINDS if given.get(before))
        return ChainStep(label, given["name"], given["parameters"], below)

    return [
        ChainMethod(method["method"], **{kind: step(kind, method[kind]) for kind in KINDS})
        for method in methods
    ]


def run_methods(
    plane: images.Plane,
    spot_radius: float | str,
    methods: Iterable[ChainMethod],
    *,
    shared: Mapping[str, float | Failure] | None = None,
    earlier: Mapping[str, Decision] | None = None,
    threads: int = 1,
) -> Iterator[tuple[ChainMethod, Detection | Failure]]:
    """Take an image through the steps of several methods.

    Parameters
    ----------
    plane : localbg.io.images.Plane
    spot_radius : number or str
        In pixels, or in µm as text.
    methods : iterable of ChainMethod
    shared : mapping of str to float or Failure, optional
        Thresholds that the image shares with others, in grey levels, by label of the mask.
    earlier : mapping of str to Decision, optional
        By label of the mask: what was decided of the image before spots were injected into it,
        which is taken as it is.
    threads : int

    Yields
    ------
    method : ChainMethod
        In the order of their labels, which brings those together that share steps.
    detection : Detection or Failure
    """
    made = _Maker(plane, spot_radius, shared or {}, earlier or {}, threads)
    for method in sorted(methods, key=lambda m: [getattr(m, kind).label for kind in KINDS]):
        try:
            labels, spots = made(method, "labels")
            mask, decision = made(method, "mask")
            foreground, subtracted = made(method, "foreground")
            background, estimated = made(method, "background")
            denoised = made(method, "denoised")
            yield (
                method,
                Detection(
                    *(method.name, spots, labels, denoised, background, foreground, mask),
                    decision=decision,
                    record=estimated | subtracted | decision.record,
                ),
            )
        except StepFailed as failed:
            yield method, failed.failure


def find_thresholds(
    plane: images.Plane,
    spot_radius: float | str,
    methods: Iterable[ChainMethod],
    masks: Iterable[str],
    *,
    threads: int = 1,
) -> dict[str, Decision | Failure]:
    """What threshold an image would get by itself, or why that failed, by label of the mask."""
    made = _Maker(plane, spot_radius, {}, {}, threads)
    of_mask = {method.mask.label: method for method in methods}
    found = {}
    for mask in sorted(masks):
        try:
            found[mask] = made(of_mask[mask], "mask")[1]
        except StepFailed as failed:
            found[mask] = failed.failure
    return found


class _Maker:
    """Gives any step's result; only the latest of each kind is kept.

    So memory does not grow with the number of methods, and what they share is made once. Nothing
    here refers to itself, so that an image's arrays go as soon as its last method is done.
    """

    def __init__(self, plane, spot_radius, shared, earlier, threads):
        self.plane, self.spot_radius, self.threads = plane, spot_radius, threads
        self.shared, self.earlier = shared, earlier
        self._latest = {}

    def __call__(self, method, kind):
        step = getattr(method, kind)
        if self._latest.get(kind, (None,))[0] != step.label:
            self._latest[kind] = step.label, self._attempt(method, step)
        found = self._latest[kind][1]
        if isinstance(found, Failure):
            raise StepFailed(found)
        return found

    def _attempt(self, method, step):
        if isinstance(of_others := self.shared.get(step.label), Failure):
            return of_others
        try:
            # What it builds on has to fail first, as it does where each step is a job.
            for before in step.builds_on:
                self(method, before)
            parameters = scaled(step.name, step.parameters, self.spot_radius)
            return MAKE[step.name](self, method, parameters)
        except StepFailed as failed:
            return failed.failure
        except Exception as error:
            if failures.is_system_error(error):
                raise
            failures.log.exception("%s failed", step.name)
            return Failure(step.name, failures.describe_error(error))


def _denoise(made, method, parameters):
    plane = made.plane
    return denoise_image(
        plane.pixels, parameters, pixel_size_um=plane.pixel_size_um, threads=made.threads
    )[0]


def _background(made, method, parameters):
    plane = made.plane
    source = made(method, "denoised") if method.background.builds_on else plane.pixels
    return estimate_background(
        source, parameters, pixel_size_um=plane.pixel_size_um, threads=made.threads
    )


def _subtract(made, method, parameters):
    background, _ = made(method, "background")
    return subtract_background(made(method, "denoised"), background, parameters)


def _threshold(made, method, parameters):
    foreground, _ = made(method, "foreground")
    plane, label = made.plane, method.mask.label
    return threshold_foreground(
        *(foreground, made(method, "denoised"), plane.pixels, parameters),
        grey_step=plane.grey_step,
        pixel_size_um=plane.pixel_size_um,
        shared=made.shared.get(label),
        earlier=made.earlier.get(label),
    )


def _spots(made, method, parameters):
    foreground, _ = made(method, "foreground")
    background, _ = made(method, "background")
    mask, decision = made(method, "mask")
    plane = made.plane
    return detect_spots(
        *(mask, foreground, background, plane.pixels, parameters),
        decision=decision,
        spot_radius=made.spot_radius,
        polarity=method.polarity,
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
