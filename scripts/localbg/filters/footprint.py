"""Round footprints of the rank filters, given by the half-width of each row."""

from __future__ import annotations

import math

import numpy as np


def half_widths(radius: float, footprint: str = "disk") -> np.ndarray:
    """Half-widths of a round footprint, row by row.

    Parameters
    ----------
    radius : float
        Radius r in pixels; need not be whole.
    footprint : {"disk", "imagej"}
        ``disk`` is dy² + dx² <= r², as `skimage.morphology.disk`. ``imagej`` is
        dy² + dx² <= floor(r²) + 1, the
        mask of ImageJ's rank filters [1]_.

    Returns
    -------
    ndarray of int
        Entry i is the largest dx of row dy = i - len // 2.

    References
    ----------
    .. [1] ImageJ 1.53t, ij.plugin.filter.RankFilters, makeLineRadii.
    """
    if footprint == "imagej":
        # ImageJ makes small broken radii somewhat larger.
        radius = 1.75 if 1.5 <= radius < 1.75 else 2.85 if 2.5 <= radius < 2.85 else radius
    square = int(radius * radius + 1e-9) + (1 if footprint == "imagej" else 0)
    reach = math.isqrt(square)
    return np.array([math.isqrt(square - dy * dy) for dy in range(-reach, reach + 1)])


def mask(widths: np.ndarray) -> np.ndarray:
    """Boolean array, square, of the footprint with these half-widths."""
    reach = len(widths) // 2
    return np.abs(np.arange(-reach, reach + 1))[None, :] <= widths[:, None]
