"""Where to start: the radius of a typical spot, and filters that remove spots but no structure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from localbg.backgrounds.gaussian import gaussian
from localbg.backgrounds.median import median
from localbg.backgrounds.opening import opening
from localbg.detection.denoise import denoise
from localbg.detection.noise import estimate_noise, estimate_pixel_noise

# Scales of the search: sigmas in pixels, a quarter of an octave apart.
FINEST, COARSEST, PER_OCTAVE = 0.7, 16.0, 4
# A blob counts if it exceeds the level by this many robust standard deviations at its scale.
CLEAR = 8.0
MOST_BLOBS = 3000  # of an image, the clearest
# Fewer blobs than this, or radii that differ by more than this factor between their quartiles, and
# the radius is a guess.
FEW_BLOBS, WIDE = 20, 1.6
# Of sizes whose errors together are this close to the least, the smallest is proposed: it is the
# fastest, and follows the structure best. A filter with more than this much error on any image does
# not suit.
CLOSE, TOO_MUCH = 0.05, 0.4
MULTIPLES = (1.5, 2.0, 2.5, 3.0, 4.0)
# Filters that are tried, with the name of their size, and the shipped methods that use them.
FILTERS = {"opening": opening, "median": median, "gaussian": gaussian}
SIZES = {"opening": "radius", "median": "radius", "gaussian": "sigma"}
METHODS = {"tophat": "opening", "median": "median", "gaussian": "gaussian"}
# Of the denoising filter, in spot radii: what is shipped, and for spots lower than this many
# standard deviations of the noise.
SIGMA, SIGMA_NOISY, NOISY = 0.4, 0.7, 6.0


@dataclass(frozen=True)
class Blobs:
    """Blobs of one image.

    Attributes
    ----------
    places : ndarray, shape (n, 2)
        Positions y, x in pixels.
    radii : ndarray, shape (n,)
        Pixels.
    snr : float
        Median amplitude of their peaks above what surrounds them, in standard deviations of the
        pixels' noise.
    """

    places: np.ndarray
    radii: np.ndarray
    snr: float

    @property
    def radius(self) -> float:
        """The typical radius; NaN without blobs."""
        return float(np.median(self.radii)) if len(self.radii) else math.nan

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half of the radii."""
        if not len(self.radii):
            return math.nan, math.nan
        low, high = np.quantile(self.radii, [0.25, 0.75])
        return float(low), float(high)


def detect_blobs(image: np.ndarray, grey_step: float = 0.0) -> Blobs:
    """Find bright blobs and their radii.

    Parameters
    ----------
    image : ndarray, 2-D
    grey_step : float
        Smallest difference between grey levels: 1 for integers, 0 for floats. Blobs are higher than
        two of them.

    Returns
    -------
    Blobs
        A spot of Gaussian shape has the radius sqrt(2) sigma, where its curvature turns.

    Notes
    -----
    A blob is a maximum over place and scale of the Laplacian of Gaussians, normalised by sigma
    squared. Noise is judged at each scale by itself. Coarser structure than a tenth of the image is
    not looked for. Costs 19 Gaussian filters.

    References
    ----------
    Lindeberg, Feature detection with automatic scale selection, 1998,
    doi 10.1023/A:1008045108935.
    """
    # Truncated filters see a constant.
    image = np.asarray(image, np.float32) - np.float32(np.median(image))
    steps = int(PER_OCTAVE * math.log2(min(COARSEST, min(image.shape) / 10) / FINEST)) + 1
    sigmas = FINEST * 2 ** (np.arange(max(steps, 3)) / PER_OCTAVE)
    space = np.stack(
        [-(sigma**2) * ndimage.gaussian_laplace(image, sigma, mode="nearest") for sigma in sigmas]
    )
    noise = np.array([estimate_noise(plane).noise for plane in space])
    # The response is half a spot's amplitude. Rounding of flat background is none.
    least = np.maximum(CLEAR * noise, max(grey_step, 1e-6 * float(np.ptp(image))))
    clear = space > least[:, None, None]
    peaks = clear & (space == ndimage.maximum_filter(space, size=3, mode="nearest"))
    peaks[[0, -1]] = False  # the scale is known only between two others
    k, y, x = np.nonzero(peaks)
    k, y, x = _strongest(space[k, y, x], sigmas[k], k, y, x)
    below, here, above = space[k - 1, y, x], space[k, y, x], space[k + 1, y, x]
    bend = below - 2 * here + above
    offset = np.where(bend < 0, 0.5 * (below - above) / np.where(bend < 0, bend, 1), 0)
    radii = math.sqrt(2) * FINEST * 2 ** ((k + offset) / PER_OCTAVE)
    pixel_noise = estimate_pixel_noise(image)
    # The response of a Gaussian spot at its own scale is half its amplitude.
    snr = float(np.median(2 * here) / pixel_noise) if len(here) and pixel_noise else math.nan
    return Blobs(np.column_stack([y, x]).astype(float), radii, snr)


def _strongest(responses, sigmas, k, y, x):
    """Of maxima at several scales of one blob, only the strongest."""
    kept: list[int] = []
    for i in np.argsort(-responses, kind="stable")[:MOST_BLOBS]:
        reach = np.hypot(y[kept] - y[i], x[kept] - x[i])
        if not (reach < np.sqrt(2) * np.maximum(sigmas[kept], sigmas[i])).any():
            kept.append(i)
    return k[kept], y[kept], x[kept]


@dataclass(frozen=True)
class Trial:
    """How a background filter does on one image.

    Attributes
    ----------
    spots_left : float
        Median share of the spots' contrast that is in the background; 0 is right.
    structure_lost : float
        What the background misses of the background between the spots, as a share of their
        contrast: 95 % of the background is missed by less. 0 is right.
    """

    spots_left: float
    structure_lost: float


def denoised(image: np.ndarray, radius: float, sigma: float) -> np.ndarray:
    """The image with its noise suppressed, float32; ``sigma`` in spot radii."""
    return denoise(image, filter="gaussian", sigma=sigma * radius).astype(np.float32)


def background(quiet: np.ndarray, radius: float, filter: str, multiple: float) -> np.ndarray:
    """What a filter, a key of `SIZES` and ``multiple`` spot radii large, takes for background."""
    return FILTERS[filter](quiet, **{SIZES[filter]: multiple * radius}).astype(np.float32)


def try_background(
    image: np.ndarray, found: Blobs, *, filter: str, multiple: float, sigma: float
) -> Trial:
    """Try a background filter: do the spots vanish from it, does the structure survive?

    Parameters
    ----------
    image : ndarray, 2-D
        Spots are bright.
    found : Blobs
        Its blobs; at least one.
    filter : str
        A key of `SIZES`.
    multiple : float
        Size of the filter in spot radii.
    sigma : float
        Of the denoising filter, in spot radii.
    """
    radius = found.radius
    quiet = denoised(image, radius, sigma)
    below = background(quiet, radius, filter, multiple)
    rows, columns = np.indices(image.shape)
    contrasts = []
    free = np.ones(image.shape, bool)
    for (y, x), r in zip(found.places, found.radii, strict=True):
        reach = math.ceil(3 * max(r, radius))
        box = tuple(slice(max(int(c) - reach, 0), int(c) + reach + 1) for c in (y, x))
        distance = np.hypot(rows[box] - y, columns[box] - x)
        core, ring = distance <= r / 2, (distance > 2 * r) & (distance <= 3 * r)
        free[box] &= distance > 2 * max(r, radius)
        if ring.any():
            contrasts.append([_contrast(plane[box], core, ring) for plane in (below, quiet)])
    contrasts = np.array([pair for pair in contrasts if pair[1] > 0]).reshape(-1, 2)
    if not len(contrasts):
        return Trial(math.nan, math.nan)
    missed = np.quantile(_smooth_ground(quiet - below, free, radius), 0.95)
    return Trial(
        float(np.median(contrasts[:, 0] / contrasts[:, 1])),
        float(missed / np.median(contrasts[:, 1])),
    )


def _contrast(plane, core, ring):
    return float(plane[core].mean() - np.median(plane[ring]))


def _smooth_ground(plane, free, radius):
    """Size of a plane where there are no spots, its noise smoothed away."""
    weight = ndimage.gaussian_filter(free.astype(np.float32), radius, mode="nearest")
    part = ndimage.gaussian_filter(np.where(free, plane, 0), radius, mode="nearest")
    inside = weight > 0.5
    return np.abs(part[inside] / weight[inside]) if inside.any() else np.array([math.nan])


@dataclass(frozen=True)
class Radius:
    """The radius to start from.

    Attributes
    ----------
    pixels : float
        Median over the images that have blobs; NaN where none has.
    sureness : str
        ``sure``, ``a guess`` or ``unknown``.
    why : str
        In words.
    differs : bool
        Whether images differ so much that each needs a radius of its own.
    """

    pixels: float
    sureness: str
    why: str
    differs: bool


def propose_radius(found: Sequence[Blobs]) -> Radius:
    """Judge the blobs of several images together."""
    known = [one for one in found if len(one.radii)]
    if not known:
        return Radius(math.nan, "unknown", "no blob exceeds the noise", False)
    typical = [one.radius for one in known]
    middle = float(np.median(typical))
    n = sum(len(one.radii) for one in known)
    spread = float(np.median([one.quartiles[1] / one.quartiles[0] for one in known]))
    differs = max(typical) > WIDE * min(typical)
    between = f"{min(typical):.1f} to {max(typical):.1f} px in {len(known)} of {len(found)} images"
    why = f"{n} blobs; typical radii {between}; quartiles of an image {spread:.2f}-fold apart"
    sure = n >= FEW_BLOBS and spread <= WIDE and not differs
    return Radius(middle, "sure" if sure else "a guess", why, differs)


def choose_size(rows: Iterable[Mapping]) -> dict:
    """The size of a filter to propose.

    Parameters
    ----------
    rows : iterable of mappings
        One for each size, by increasing ``multiple``; see `try_backgrounds`.

    Returns
    -------
    dict
        Its row, with their sum as ``error`` and whether the filter ``suits`` the images at all.
    """
    rows = [row | {"error": row["spots_left"] + row["structure_lost"]} for row in rows]
    least = min(row["error"] for row in rows)
    row = next(row for row in rows if row["error"] <= least + CLOSE)
    return row | {"suits": row["worst_error"] <= TOO_MUCH}


def propose_backgrounds(rows: Sequence[Mapping]) -> dict[str, dict]:
    """By shipped method the size of its filter; none where nothing was tried."""
    return {
        method: choose_size(row for row in rows if row["filter"] == name)
        for method, name in METHODS.items()
        if rows
    }


def choose_sigma(found: Sequence[Blobs]) -> float:
    """Of the denoising filter, in spot radii: more where spots hardly rise above the noise."""
    ratios = [one.snr for one in found if not math.isnan(one.snr)]
    return SIGMA_NOISY if ratios and np.median(ratios) < NOISY else SIGMA


def try_backgrounds(
    images: Sequence[np.ndarray], found: Sequence[Blobs], *, sigma: float
) -> list[dict]:
    """Try every filter and size on images that have blobs; the errors are medians over them.

    Returns
    -------
    list of dict
        ``filter``, ``multiple`` (size in spot radii), ``spots_left``, ``structure_lost``, and
        ``worst_error``: the highest sum of the two on any image.
    """
    rows = []
    for filter in SIZES:
        for multiple in MULTIPLES:
            trials = [
                try_background(image, one, filter=filter, multiple=multiple, sigma=sigma)
                for image, one in zip(images, found, strict=True)
                if len(one.radii)
            ]
            errors = {
                name: float(np.nanmedian([getattr(one, name) for one in trials]))
                for name in ("spots_left", "structure_lost")
            }
            worst = float(np.nanmax([one.spots_left + one.structure_lost for one in trials]))
            row = {"filter": filter, "multiple": multiple} | errors
            rows.append(row | {"worst_error": worst})
    return rows


def write_snippet(
    names: Sequence[str], found: Sequence[Blobs], judged: Radius, rows: Sequence[Mapping]
) -> str:
    """The proposal as a piece of config.yaml, with what speaks for it as comments.

    Parameters
    ----------
    names : sequence of str
        Ids of the images.
    found : sequence of Blobs
        Of each image.
    judged : Radius
    rows : sequence of mappings
        From `try_backgrounds`; none where there are no blobs.
    """
    lines = [
        f"# Proposed from {len(names)} images: a start to look at, not a result.",
        f"# Spot radius: {judged.sureness}; {judged.why}.",
    ]
    if not rows:
        return "\n".join([*lines, "# Give spot_radius from what you know of the spots.", ""])
    if judged.differs:
        lines.append("# The images differ: give each its own in the sheet's column spot_radius:")
        lines += [
            f"#   {name}: {one.radius:.1f}"
            for name, one in zip(names, found, strict=True)
            if len(one.radii)
        ]
    ratios = [one.snr for one in found if not math.isnan(one.snr)]
    lines += [
        f"spot_radius: {judged.pixels:.1f}",
        f"# Spots are {np.median(ratios):.0f} noise standard deviations high." if ratios else "",
        f"denoise: {{filter: gaussian, sigma: {choose_sigma(found):g}x}}",
        "methods:",
    ]
    for method, row in propose_backgrounds(rows).items():
        name = row["filter"]
        what = f"{{filter: {name}, {SIZES[name]}: {row['multiple']:g}x}}"
        lines += [
            f"  # {row['spots_left']:.0%} of the spots' amplitude are left in the background, "
            f"{row['structure_lost']:.0%} of it are missed beside them."
            + ("" if row["suits"] else " Does not suit these images."),
            f"  {method}: {{background: {what}}}",
        ]
    return "\n".join([*filter(None, lines), ""])
