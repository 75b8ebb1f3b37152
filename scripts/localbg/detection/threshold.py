"""From the foreground to a mask: which pixels belong to spots.

Each public function here but the entry point `threshold` is a rule; its keywords are the
config's parameters. A rule takes a `Scene` and returns a grey level of the foreground; or limits of
its own and the mask that they lead to.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from localbg.core.checks import require_plane
from localbg.core.parameters import NonNegative, Percent, Positive, Share, Size
from localbg.detection.decision import Decision, Limits
from localbg.detection.noise import Noise, estimate_noise

# Rules that min_snr does not bound.
OWN_BOUND = ("matched_filter", "noise", "value")


class Scene(NamedTuple):
    """What a rule may look at: the foreground, its noise, and the images it was made of.

    Attributes
    ----------
    foreground, denoised, raw : ndarray, same shape
    found : Noise
        Of the foreground.
    grey_step : float
        See `localbg.detection.noise.estimate_noise`.
    shared : float or None
        What is to be taken in place of what the rule says; for rules that give a mask.
    earlier : Decision or None
        An earlier decision, to be taken as it is; for the same rules.
    """

    foreground: np.ndarray
    denoised: np.ndarray
    raw: np.ndarray
    found: Noise
    grey_step: float
    shared: float | None
    earlier: Decision | None


def threshold(
    foreground: np.ndarray,
    grey_step: float = 0.0,
    denoised: np.ndarray | None = None,
    raw: np.ndarray | None = None,
    shared: float | None = None,
    earlier: Decision | None = None,
    *,
    rule: str,
    min_snr: NonNegative = 5.0,
    **parameters,
) -> tuple[np.ndarray, Decision]:
    """Find the pixels of a foreground that belong to spots.

    Parameters
    ----------
    foreground : ndarray of float32, 2-D
        Spots are positive.
    grey_step : float
        See `localbg.detection.noise.estimate_noise`.
    denoised, raw : ndarray, same shape, optional
        What the background was subtracted from, and what that was made of; the rule
        ``matched_filter`` fits spots and measures the noise there, by default in the foreground.
    shared : float, optional
        A threshold that holds for several images; it replaces what the rule says.
    earlier : Decision, optional
        An earlier decision, whose threshold is taken as it is: for images that differ from an
        earlier one by what was injected into it.
    rule : str
        One of `RULES`.
    min_snr : float
        Lower bound on what a rule may choose from the histogram: this many noise standard
        deviations above the foreground's level. Such rules split any histogram in two, that of
        a blank image too, and the bound keeps its noise from being counted. 0 switches it off.
        ``noise`` and ``value`` are taken at their word, ``matched_filter`` has a bound of its own.
    **parameters
        Of that rule.

    Returns
    -------
    mask : ndarray of bool
        True where a pixel belongs to a spot; False all over a constant image, whatever the rule.
    decision : localbg.detection.decision.Decision

    Raises
    ------
    ValueError
        If the foreground is not 2-D, is empty, or has values that are not finite.
    """
    require_plane(foreground)
    found = estimate_noise(foreground, grey_step=grey_step)
    highest = float(foreground.max())
    decide = partial(Decision, rule, parameters, *found)
    if highest == float(foreground.min()):
        return np.zeros(foreground.shape, bool), decide(None, highest, "constant")
    denoised = foreground if denoised is None else denoised
    raw = denoised if raw is None else raw
    scene = Scene(foreground, denoised, raw, found, grey_step, shared, earlier)
    said = RULES[rule](scene, **parameters)
    if isinstance(said, tuple):
        (chosen, *others), mask = said
    else:
        chosen, others, mask = float(said), (), None
    if earlier is not None:
        shared = earlier.threshold
    bound = found.level + min_snr * found.noise
    bounded = min_snr > 0 and rule not in OWN_BOUND and chosen < bound
    value, decided_by = (bound, "min_snr") if bounded else (chosen, "rule")
    if shared is not None:
        value, decided_by = shared, "scope"
    mask = foreground > value if mask is None else mask
    return mask, decide(chosen, value, decided_by, *others)


def matched_filter(
    scene: Scene,
    *,
    radius: Size,
    fdr: Share = 0.04,
    polarity: Literal["bright", "dark"] = "bright",
) -> tuple[Limits, np.ndarray]:
    """Local maxima at which a fitted spot is significant, distinct from the bulk, and alike.

    Parameters
    ----------
    scene : Scene
    radius : float
        Of a spot, in pixels.
    fdr : float
        False-discovery rate: the share of spots that may be noise, and that may be of the bulk.
        Of images of noise alone, a quarter of that share may show a spot.
    polarity : {"bright", "dark"}
        Of the spots in the raw image.

    Returns
    -------
    limits : localbg.detection.decision.Limits
    mask : ndarray of bool
        The cores of the spots: pixels within a radius of such a maximum that have at least 60 % of
        its contrast.

    Notes
    -----
    A pixel's contrast is how far it stands above the mean of two pixels that lie opposite each
    other, 1.5 radii away, in the direction in which that is least. Slopes, edges and ridges have
    none, whatever their height. Candidates are the local maxima of that contrast, no two of them
    within a radius; where an edge bends or is sharp, those with less than 30 % of the step
    across it are left out. At each, a Gaussian spot on a plane is fitted to the raw image by least
    squares (`localbg.detection.likeness.fit_spots`): its amplitude is what a matched filter makes
    of it, its likeness the cosine between image and spot. A candidate is a spot if

    1. its amplitude is significant: above the noise of amplitudes at that level of the background
       (`localbg.detection.level_noise.measure_noise`) at the false-discovery rate
       (`localbg.detection.fdr.significant`);
    2. it looks like a spot: what noise does not explain has a likeness of a half or more;
    3. its score, amplitude times likeness, is distinct from the bulk of the candidates, in grey
       levels as well as in noise standard deviations (`localbg.detection.fdr.beyond_bulk`).
       Texture, dim and blurred spots are told from spots so. Where the bulk leaves none, that of
       the upper half of the candidates is asked. Where the candidates in the midst of the bulk are
       far above the noise, or so many pass 1 and 2 that spots are in its midst, or many do and none
       is distinct, the bulk tells nothing, and 1 and 2 decide.

    The limits are what one more spot would need, also where none is found. Noise may be spatially
    correlated over some pixels, and differ with the level or from place to place; what is exactly
    0, as around a mask, has none. That of single pixels is measured by the differences of pixels
    that are some way apart, and bounds that of amplitudes, lest dense spots be taken for noise.
    Adding to the grey levels changes nothing, and neither does a factor, as long as noise is not
    lost in rounding. Costs up to 32 reads a pixel, a maximum filter, and fits at the candidates and
    at a sample of 33,000 pixels.
    """
    from localbg.detection.matched_filter import detect

    return detect(
        scene.foreground,
        scene.denoised,
        scene.raw,
        radius=radius,
        fdr=fdr,
        polarity=polarity,
        # Noise that is clipped, or less than a grey level, is sparse and has a long tail.
        least_noise=max(scene.grey_step / 2, 1e-6 * float(np.ptp(scene.foreground))),
        shared=scene.shared,
        earlier=scene.earlier.limits if scene.earlier else None,
    )


def noise(scene: Scene, *, k: Positive) -> float:
    """``k`` times the scatter above the level."""
    return scene.found.level + k * scene.found.scatter


def value(scene: Scene, *, value: float) -> float:
    """A fixed number of grey levels."""
    return value


def percentile(scene: Scene, *, percent: Percent) -> float:
    """The grey level below which ``percent`` % of the pixels lie."""
    return np.percentile(scene.foreground, percent)


def otsu(scene: Scene) -> float:
    """Least variance within two classes (Otsu 1979, doi 10.1109/TSMC.1979.4310076), 256 bins."""
    from skimage.filters import threshold_otsu

    return threshold_otsu(scene.foreground)


def triangle(scene: Scene) -> float:
    """Farthest from the histogram's long side (Zack 1977, doi 10.1177/25.7.70454), 256 bins."""
    from skimage.filters import threshold_triangle

    return threshold_triangle(scene.foreground)


def li(scene: Scene) -> float:
    """Least cross-entropy (Li and Tam 1998, doi 10.1016/S0167-8655(98)00057-9)."""
    from skimage.filters import threshold_li

    # In 32 bits the search for it can swing between two numbers for ever.
    return threshold_li(scene.foreground.astype(np.float64))


def yen(scene: Scene) -> float:
    """Greatest correlation criterion (Yen 1995, doi 10.1109/83.366472), 256 bins."""
    from skimage.filters import threshold_yen

    return threshold_yen(scene.foreground)


def isodata(scene: Scene) -> float:
    """Midway between the means of two classes (Ridler and Calvard 1978), 256 bins."""
    from skimage.filters import threshold_isodata

    return threshold_isodata(scene.foreground)


RULES = {
    function.__name__: function
    for function in (matched_filter, noise, value, percentile, otsu, triangle, li, yen, isodata)
}
