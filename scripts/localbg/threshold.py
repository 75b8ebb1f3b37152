"""From the foreground to a mask: which pixels stand out.

Each public function here but the entry point `threshold` is a rule; its keywords are the
config's parameters. A rule takes a `Scene` and returns a grey level of the foreground; or a grey
level of something else, the mask that it leads to, and from which significance on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from localbg.arrays import require_plane
from localbg.noise import Noise, measure
from localbg.parameters import NonNegative, Percent, Positive, Share, Size

# Rules that min_snr does not bound.
OWN_BOUND = ("plateau", "noise", "value")


class Scene(NamedTuple):
    """What a rule may look at: the foreground, its noise, and the images it was made of.

    Attributes
    ----------
    foreground, denoised, raw : ndarray, same shape
    found : Noise
        Of the foreground.
    grey_step : float
        See `localbg.noise.measure`.
    shared : float or None
        What is to be taken in place of what the rule says; for rules that give a mask.
    significant : float or None
        The same, of the rule ``plateau``.
    """

    foreground: np.ndarray
    denoised: np.ndarray
    raw: np.ndarray
    found: Noise
    grey_step: float
    shared: float | None
    significant: float | None


def threshold(
    foreground: np.ndarray,
    grey_step: float = 0.0,
    denoised: np.ndarray | None = None,
    raw: np.ndarray | None = None,
    shared: float | None = None,
    significant: float | None = None,
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
    denoised, raw : ndarray, same shape, optional
        What the background was subtracted from, and what that was made of; the rule ``plateau``
        measures the noise there. Without them it is that of the foreground.
    shared : float, optional
        A threshold that holds for several images; it replaces what the rule says.
    significant : float, optional
        What an earlier record says of that, to be taken as well: for images that differ from an
        earlier one by what was planted into it.
    rule : {"plateau", "noise", "value", "percentile", "otsu", "triangle", "li", "yen", "isodata"}
    min_snr : float
        Lower bound on what a rule may choose from the histogram: this many noise standard
        deviations above the foreground's level. Such rules split any histogram in two, that of
        a blank image too, and the bound keeps its noise from being counted. 0 switches it off.
        ``noise`` and ``value`` are taken at their word, and ``plateau`` has a bound of its own.
    **parameters
        Of that rule.

    Returns
    -------
    mask : ndarray of bool
        True where a pixel stands out; False everywhere in a constant image, whatever the rule.
    record : dict
        ``rule``, ``parameters``; ``threshold``, ``level``, ``noise`` and ``scatter`` in grey
        levels; ``chosen``, what the rule itself said; and ``decided_by``: ``rule``, ``min_snr``,
        ``scope`` (it was shared) or ``constant``. The threshold of ``plateau`` is a contrast, that
        of the others a foreground; it has ``significant`` besides, the noise standard deviations
        from which on a summit stands out, or None where none does.

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
    denoised = foreground if denoised is None else denoised
    raw = denoised if raw is None else raw
    scene = Scene(foreground, denoised, raw, found, grey_step, shared, significant)
    said = RULES[rule](scene, **parameters)
    if isinstance(said, tuple):
        chosen, mask, record["significant"] = said
    else:
        chosen, mask = float(said), None
    bound = found.level + min_snr * found.noise
    bounded = min_snr > 0 and rule not in OWN_BOUND and chosen < bound
    value, decided_by = (bound, "min_snr") if bounded else (chosen, "rule")
    if shared is not None:
        value, decided_by = shared, "scope"
    return foreground > value if mask is None else mask, record | {
        "chosen": chosen,
        "threshold": value,
        "decided_by": decided_by,
    }


def plateau(
    scene: Scene, *, radius: Size, false_share: Share = 0.02
) -> tuple[float, np.ndarray, float | None]:
    """Contrast at which the number of spots depends on the threshold the least.

    Parameters
    ----------
    scene : Scene
    radius : float
        Of a spot, in pixels.
    false_share : float
        Share of images of noise alone in which something may stand out. Where something does, up
        to two and a half times this share of the summits may be noise.

    Returns
    -------
    value : float
        Least contrast of a spot, in grey levels.
    mask : ndarray of bool
        Pixels of at least that contrast that stand out from the noise: the cores of the spots.
    significant : float or None
        Noise standard deviations from which on a summit stands out; None where none does.

    Notes
    -----
    A pixel's contrast is how far it stands above the mean of two pixels that lie opposite each
    other, 1.5 radii away, in the direction in which that is least. Slopes, edges and ridges have
    none, whatever their height: the rims that a mean leaves along an edge are no spots. An edge
    that bends or is sharp has some, so a summit of less than a fifth of the step across it, from
    two thirds of a radius on one side to as much on the other, is left out, and so is what has no
    other summit. A value is chosen in two steps, from the summits of these contrasts, no two of
    them within a radius.

    1. A summit is significant if its mean contrast over all directions stands above noise, at a
       rate of false discoveries (`localbg.plateau.significant`): at ``false_share`` it is told
       whether anything does, and if so, at 2.5 times that what. The noise is measured on the
       denoised image, where a background that follows it (an opening does) has not thinned it
       out; in tiles of 32 radii, as it differs between bright and dark parts; and apart from what
       is clearly a spot, or it would grow with their number. Where spots leave no room between
       them, what denoising took from the raw image bounds it: from once to eight times what white
       noise of that size leaves behind a Gaussian of half a spot radius.
    2. Of summits that are significant many can be bumps of a texture, or dim and out of focus.
       Where the number of summits is the same for a range of thresholds they fall into two
       kinds; so the value is taken where a changed threshold changes it the least, relative to
       what is left (`localbg.plateau.plateau`). Where the two kinds overlap, that is still where
       the number of the lower kind has fallen below that of the upper one. Spots of less than a
       twentieth of the bright ones' contrast are not looked for: what a background leaves along
       an edge in a picture without noise lies there.

    Noise should not hang together over more than a pixel or so before it was denoised, not be so
    sparse that most pixels are equal, and have been denoised by about half a spot radius. Less than
    half a grey level is not taken for noise. Adding to the grey levels changes nothing, and neither
    does a factor, as long as noise is not lost in rounding. Costs up to 32 reads a pixel, a maximum
    filter and a few sorts of samples.
    """
    from localbg.plateau import standing_out

    return standing_out(
        scene.foreground,
        scene.denoised,
        scene.raw,
        radius=radius,
        false_share=false_share,
        value=scene.shared,
        significance=scene.significant,
        # Noise that is clipped, or less than a grey level, is sparse and has a long tail.
        least_noise=max(scene.grey_step / 2, 1e-6 * float(np.ptp(scene.foreground))),
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

    return threshold_li(scene.foreground)


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
    for function in (plateau, noise, value, percentile, otsu, triangle, li, yen, isodata)
}
