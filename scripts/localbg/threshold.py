"""From the foreground to a mask: which pixels stand out.

Each public function here but the entry point `threshold` is a rule; its keywords are the
config's parameters. A rule takes the foreground and its noise, and returns a value in grey
levels.
"""

from __future__ import annotations

import numpy as np

from localbg.arrays import require_plane
from localbg.noise import Noise, measure
from localbg.parameters import NonNegative, Percent, Positive

EXPLICIT_RULES = ("noise", "value")


def threshold(
    foreground: np.ndarray,
    grey_step: float = 0.0,
    shared: float | None = None,
    *,
    rule: str,
    min_snr: NonNegative = 5.0,
    **parameters,
) -> tuple[np.ndarray, dict]:
    """Find the pixels of a foreground that stand out.

    Parameters
    ----------
    foreground : ndarray of float32, 2-D
        Spots are positive.
    grey_step : float
        See `localbg.noise.measure`.
    shared : float, optional
        A threshold that holds for several images; it replaces what the rule says.
    rule : {"noise", "value", "percentile", "otsu", "triangle", "li", "yen", "isodata"}
    min_snr : float
        Lower bound on what a rule may choose from the histogram: this many noise standard
        deviations above the foreground's level. Such rules split any histogram in two, that of
        a blank image too, and the bound keeps its noise from being counted. 0 switches it off.
        ``noise`` and ``value`` are taken at their word.
    **parameters
        Of that rule.

    Returns
    -------
    mask : ndarray of bool
        True above the threshold; False everywhere in a constant image, whatever the rule.
    record : dict
        ``rule``, ``parameters``; ``threshold``, ``level``, ``noise`` and ``scatter`` in grey
        levels; ``chosen``, what the rule itself said; and ``decided_by``: ``rule``, ``min_snr``,
        ``scope`` (it was shared) or ``constant``.

    Raises
    ------
    ValueError
        If the foreground is not 2-D, is empty, or has values that are not finite.
    """
    require_plane(foreground)
    found = measure(foreground, grey_step=grey_step)
    highest = float(foreground.max())
    record = {"rule": rule, "parameters": parameters} | found._asdict()
    if highest == float(foreground.min()):
        return np.zeros(foreground.shape, bool), record | {
            "chosen": None,
            "threshold": highest,
            "decided_by": "constant",
        }
    chosen = float(RULES[rule](foreground, found, **parameters))
    bound = found.level + min_snr * found.noise
    bounded = min_snr > 0 and rule not in EXPLICIT_RULES and chosen < bound
    value, decided_by = (bound, "min_snr") if bounded else (chosen, "rule")
    if shared is not None:
        value, decided_by = shared, "scope"
    return foreground > value, record | {
        "chosen": chosen,
        "threshold": value,
        "decided_by": decided_by,
    }


def noise(foreground: np.ndarray, found: Noise, *, k: Positive) -> float:
    """``k`` times the scatter above the level."""
    return found.level + k * found.scatter


def value(foreground: np.ndarray, found: Noise, *, value: float) -> float:
    """A fixed number of grey levels."""
    return value


def percentile(foreground: np.ndarray, found: Noise, *, percent: Percent) -> float:
    """The grey level below which ``percent`` % of the pixels lie."""
    return np.percentile(foreground, percent)


def otsu(foreground: np.ndarray, found: Noise) -> float:
    """Least variance within two classes (Otsu 1979, doi 10.1109/TSMC.1979.4310076), 256 bins."""
    from skimage.filters import threshold_otsu

    return threshold_otsu(foreground)


def triangle(foreground: np.ndarray, found: Noise) -> float:
    """Farthest from the histogram's long side (Zack 1977, doi 10.1177/25.7.70454), 256 bins."""
    from skimage.filters import threshold_triangle

    return threshold_triangle(foreground)


def li(foreground: np.ndarray, found: Noise) -> float:
    """Least cross-entropy (Li and Tam 1998, doi 10.1016/S0167-8655(98)00057-9)."""
    from skimage.filters import threshold_li

    return threshold_li(foreground)


def yen(foreground: np.ndarray, found: Noise) -> float:
    """Greatest correlation criterion (Yen 1995, doi 10.1109/83.366472), 256 bins."""
    from skimage.filters import threshold_yen

    return threshold_yen(foreground)


def isodata(foreground: np.ndarray, found: Noise) -> float:
    """Midway between the means of two classes (Ridler and Calvard 1978), 256 bins."""
    from skimage.filters import threshold_isodata

    return threshold_isodata(foreground)


RULES = {
    function.__name__: function
    for function in (noise, value, percentile, otsu, triangle, li, yen, isodata)
}
