"""The step that makes spots of a mask and measures each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localbg.core.checks import require_within
from localbg.core.parameters import radius_in_pixels, resolve
from localbg.detection import spots
from localbg.detection.decision import Decision
from localbg.detection.measures import Spot


def detect_spots(
    mask: np.ndarray,
    foreground: np.ndarray,
    background: np.ndarray,
    image: np.ndarray,
    parameters: Mapping,
    *,
    decision: Decision,
    spot_radius: float | str,
    polarity: str,
    saturated_at: float,
    pixel_size_um: float | None,
) -> tuple[np.ndarray, list[Spot]]:
    """Clean a mask, split touching spots and measure them; see `localbg.detection.spots`.

    Parameters
    ----------
    mask : ndarray of bool, 2-D
    foreground, background, image : ndarray, 2-D
        The image is that of the raw pixels.
    parameters : mapping
        Sizes and areas in pixels, or in µm as text.
    decision : localbg.detection.decision.Decision
        That made the mask.
    spot_radius : float or str
        In pixels, or in µm as text.
    polarity : {"bright", "dark"}
    saturated_at : float
        The grey level of saturated pixels; see `localbg.io.image_flags.saturated_at`.
    pixel_size_um : float or None

    Returns
    -------
    labels : ndarray of int
        0 outside of spots.
    found : list of localbg.detection.measures.Spot

    Raises
    ------
    ValueError
        If a size is in µm and the pixel size unknown, or far larger than the image.
    """
    parameters = resolve(parameters, pixel_size_um)
    require_within(image, parameters)
    labels = spots.label(mask, foreground, decision.noise, **parameters)
    found = spots.tabulate_spots(
        *(labels, image, foreground, background),
        level=decision.level,
        noise=decision.noise,
        spot_radius=float(radius_in_pixels(spot_radius, pixel_size_um)),
        polarity=polarity,
        saturated_at=saturated_at,
        pixel_size_um=pixel_size_um,
    )
    return labels, found
