"""For notebooks and scripts of one's own: the workflow's steps and methods on arrays.

>>> import numpy as np
>>> y, x = np.indices((64, 64))
>>> image = np.full((64, 64), 100.0) + 0.5 * y
>>> for row, column in ((20, 20), (40, 44)):
...     image += 80 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)
>>> image = np.random.default_rng(0).poisson(image).astype(np.uint16)
>>> found = detect_spots(image, spot_radius=3, method="median")
>>> [(round(spot.y), round(spot.x)) for spot in found.spots]
[(20, 20), (40, 44)]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localbg.accuracy.scoring import compare_spots
from localbg.backgrounds import estimate as estimate_background
from localbg.core.failures import Failure, StepFailed
from localbg.core.parameters import radius_in_pixels
from localbg.detection.decision import Decision
from localbg.detection.denoise import denoise
from localbg.detection.measures import Spot
from localbg.detection.subtract import subtract as subtract_background
from localbg.io.grey_values import supported
from localbg.io.images import Plane
from localbg.io.images import read as read_image
from localbg.pipeline import chain
from localbg.pipeline.chain import Detection
from localbg.workflow.plan import make_plan

__all__ = [
    "Comparison",
    "Decision",
    "Detection",
    "Spot",
    "compare_methods",
    "denoise",
    "detect_spots",
    "estimate_background",
    "read_image",
    "subtract_background",
]


@dataclass(frozen=True)
class Comparison:
    """What several methods found in one image.

    Attributes
    ----------
    detections : dict of str to Detection
        By method.
    counts : dict of str to int
        Number of spots by method.
    agreement : list of dict
        For each pair of methods ``method_a``, ``method_b``, ``matched``, ``only_a``, ``only_b`` and
        ``jaccard``, as in agreement.csv: spots match one to one within a spot radius.
    """

    detections: dict[str, Detection]
    counts: dict[str, int]
    agreement: list[dict]


def detect_spots(
    image: np.ndarray | Plane,
    spot_radius: float | str,
    method: str = "tophat",
    *,
    pixel_size_um: float | None = None,
    threads: int = 1,
    **config,
) -> Detection:
    """Find the spots of an image as the workflow does.

    Parameters
    ----------
    image : ndarray, 2-D, or Plane
        Raw grey levels of any real type; or what `read_image` gives.
    spot_radius : number or str
        Radius of a typical spot, in pixels or as text in µm (``"0.3um"``).
    method : str
        A shipped one (``tophat``, ``median``, ``gaussian``) or one of ``methods``.
    pixel_size_um : float, optional
        µm per pixel, where sizes are in µm.
    threads : int
        The result is the same for any number.
    **config
        Other keys of config.yaml, such as ``polarity="dark"``, ``threshold={"rule": "otsu"}`` or
        ``methods={"small": {"background": {"filter": "opening", "radius": "1.5x"}}}``.

    Returns
    -------
    Detection

    Raises
    ------
    localbg.workflow.plan.PlanError
        If the parameters are not right; every problem is named.
    localbg.io.tiff_structure.ImageError
        If the image has pixels that are not finite or not real.
    localbg.core.failures.StepFailed
        If a step fails, such as for a filter that is larger than the image.

    Notes
    -----
    For one method of the config, a list of values is refused: use `compare_methods`.
    """
    found = compare_methods(
        *(image, spot_radius, [method]), pixel_size_um=pixel_size_um, threads=threads, **config
    )
    if len(found.detections) != 1:
        raise ValueError(
            f"{method} has lists of values and makes {len(found.detections)} methods; expected one "
            "value of each, or compare_methods for all of them"
        )
    return next(iter(found.detections.values()))


def compare_methods(
    image: np.ndarray | Plane,
    spot_radius: float | str,
    compare: Sequence[str] = ("tophat", "median", "gaussian"),
    *,
    pixel_size_um: float | None = None,
    threads: int = 1,
    **config,
) -> Comparison:
    """Take an image through several methods, which share the steps that they have in common.

    Parameters
    ----------
    image, spot_radius, pixel_size_um, threads, **config
        As for `detect_spots`. Lists of values make a method of each, as in config.yaml.
    compare : sequence of str
        Methods: shipped ones, or of the key ``methods``.

    Returns
    -------
    Comparison

    Raises
    ------
    localbg.workflow.plan.PlanError, localbg.io.tiff_structure.ImageError
        As `detect_spots` does.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.indices((64, 64))
    >>> image = 100 + 0.5 * y + 80 * np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / 8)
    >>> image = np.random.default_rng(0).poisson(image).astype(np.uint16)
    >>> found = compare_methods(image, 3, ["tophat", "median"])
    >>> found.counts
    {'median': 1, 'tophat': 1}
    >>> found.agreement[0]["matched"]
    1
    """
    plane = _plane(image, pixel_size_um)
    row = {"path": "image.tif", "spot_radius": spot_radius}
    plan = make_plan(config | {"images": {"image": row}, "compare": list(compare)})
    if plan.shared():
        raise ValueError(
            "threshold, scope is for thresholds that images share; of one image, expected none or "
            "scope: image"
        )
    plan.sampled = {"image": ["image"]}
    work = plan.gathering("image")
    detections = {}
    methods = chain.make_methods(work["methods"], work["steps"])
    for method, result in chain.run_methods(plane, spot_radius, methods, threads=threads):
        if isinstance(result, Failure):
            raise StepFailed(result)
        detections[method.name] = result
    detections = dict(sorted(detections.items()))
    radius = radius_in_pixels(spot_radius, plane.pixel_size_um)
    return Comparison(
        detections,
        {name: len(found.spots) for name, found in detections.items()},
        [
            {"method_a": a, "method_b": b}
            | compare_spots(detections[a].places, detections[b].places, radius)
            for i, a in enumerate(detections)
            for b in list(detections)[i + 1 :]
        ],
    )


def _plane(image: np.ndarray | Plane, pixel_size_um: float | None) -> Plane:
    if isinstance(image, Plane):
        return image
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(f"the image has shape {image.shape}; expected rows and columns")
    return Plane(supported(image, "image"), "YX", image.shape, str(image.dtype), pixel_size_um)
