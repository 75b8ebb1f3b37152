"""Injected spots: synthetic spots of known place and amplitude in a real image, and their recovery.

Astronomers call them artificial stars: their recovery, by amplitude, is the completeness of a
catalogue. No annotation is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localbg.accuracy import scoring
from localbg.assessment.background_map import BackgroundMap, near
from localbg.assessment.completeness import ratio

# Spot radii that injected spots keep from the image's own, and from each other in one round: no
# background filter of a sensible size then sees two of them at once.
CLEAR_OF_SPOTS = 3
CLEAR_OF_INJECTED = 8
# Rounds besides those that spots spread evenly would need, and places tried for a spot that
# none of them has room for.
MORE_ROUNDS = 10
TRIES = 30
REACH = 5  # standard deviations to which a spot is drawn


@dataclass(frozen=True)
class Injection:
    """Spots to inject.

    Attributes
    ----------
    places : ndarray of float64, shape (n, 2)
        Pixels y, x.
    contrasts : ndarray of float64, shape (n,)
        Amplitudes in standard deviations of the local noise.
    amplitudes : ndarray of float64, shape (n,)
        Grey levels.
    where : ndarray of uint8, shape (n,)
        Index into `localbg.assessment.background_map.WHERE`.
    rounds : ndarray of int, shape (n,)
        Which of them are injected together.
    sigma : float
        Standard deviation of each in pixels.
    """

    places: np.ndarray
    contrasts: np.ndarray
    amplitudes: np.ndarray
    where: np.ndarray
    rounds: np.ndarray
    sigma: float


def choose_spots(
    bkg: BackgroundMap,
    contrasts: list[float],
    each: int,
    spot_radius: float,
    rng: np.random.Generator,
    *,
    sigma: float | None = None,
    headroom: np.ndarray | float = np.inf,
) -> Injection:
    """Choose where to inject which spots.

    Parameters
    ----------
    bkg : localbg.assessment.background_map.BackgroundMap
    contrasts : list of float
        Amplitudes, in standard deviations of the local noise; each the same multiple of the one
        before. Spots are spread evenly within half a step of theirs.
    each : int
        Spots of each contrast.
    spot_radius : float
        Pixels.
    rng : numpy.random.Generator
    sigma : float, optional
        Standard deviation in pixels; by default that of the image's own spots.
    headroom : ndarray or float
        Grey levels that each pixel can still rise (fall, for dark spots). What would be cut off
        there is not injected: it would come out wider than a spot.

    Returns
    -------
    InjectedSpots
        None where there is no room, or no noise to measure a contrast by.

    Notes
    -----
    Half of each contrast is spread evenly over the area. The other half follows the local
    background, in proportion to how far its level rises above the image's lowest (the hundredth
    part below left out): background without cells has much area and no spots.

    Spots that keep clear of each other are injected together, so that the number of rounds is
    the smaller the larger the image. Where it would grow beyond twice what evenly spread spots
    need, and ten, places are drawn again, and spots that find none are left out.
    """
    weights = _weights(bkg, spot_radius)
    steps = (np.arange(each) + 0.5) / each - 0.5
    amplitudes = np.multiply.outer(np.asarray(contrasts, float), ratio(contrasts) ** steps).ravel()
    by_level = np.tile(np.arange(each) % 2 == 1, len(contrasts))
    order = rng.permutation(amplitudes.size)
    totals = [np.cumsum(weight.ravel(), dtype=np.float64) for weight in weights]
    if totals[0][-1] == 0:
        order = order[:0]
    if totals[1][-1] == 0:
        by_level[:] = False
    spacing = CLEAR_OF_INJECTED * spot_radius
    wanted = [totals[int(level)] for level in by_level[order]]
    placed = _scattered(wanted, bkg.level.shape, spacing, rng).reshape(-1, 3)
    places, rounds = placed[:, :2], placed[:, 2].astype(int)
    pixels = tuple(np.rint(places).astype(int).T)
    tall = amplitudes[order] * bkg.noise[pixels]
    fits = (tall <= np.broadcast_to(headroom, bkg.level.shape)[pixels]) & (rounds >= 0)
    return Injection(
        places[fits],
        amplitudes[order][fits],
        tall[fits],
        bkg.where[pixels][fits],
        rounds[fits],
        sigma or bkg.sigma,
    )


def headroom(image: np.ndarray, bkg: BackgroundMap, polarity: str) -> np.ndarray | float:
    """Grey levels that each pixel can rise (fall, for dark spots) before its type cuts them off."""
    if image.dtype.kind == "f":
        return np.inf
    span = np.iinfo(image.dtype)
    return span.max - bkg.level if polarity == "bright" else bkg.level - span.min


def _weights(bkg, spot_radius):
    """How likely each pixel is to be injected on: by area, and by level."""
    free = np.zeros(bkg.level.shape, bool)
    margin = int(np.ceil(spot_radius))
    free[margin : free.shape[0] - margin, margin : free.shape[1] - margin] = True
    free &= bkg.noise > 0
    free &= ~near(bkg.spots, free.shape, CLEAR_OF_SPOTS * spot_radius)
    return free, free * np.maximum(bkg.level - np.percentile(bkg.level, 1), 0)


def _scattered(totals, shape, spacing, rng):
    """A place for each running total of weights, and the first round in which it is apart.

    Places are drawn before it is known where they fit, so that crowded background gets its share.
    """
    most = MORE_ROUNDS + int(2 * len(totals) * spacing**2 / (shape[0] * shape[1]))
    rounds: list[list] = []
    placed = []
    for total in totals:
        number = None
        for _ in range(TRIES):
            pixel = np.searchsorted(total, rng.random() * total[-1], side="right")
            place = np.add(np.divmod(pixel, shape[1]), rng.uniform(-0.5, 0.5, 2))
            apart = (
                i
                for i, others in enumerate(rounds)
                if np.hypot(*np.subtract(others, place).T).min() >= spacing
            )
            number = next(apart, len(rounds) if len(rounds) < most else None)
            if number is not None:
                break
        if number == len(rounds):
            rounds.append([])
        if number is not None:
            rounds[number].append(place)
        placed.append((*place, -1 if number is None else number))
    return np.array(placed)


def inject_spots(
    image: np.ndarray,
    places: np.ndarray,
    amplitudes: np.ndarray,
    sigma: float,
    *,
    polarity: str = "bright",
    gain: float | None = None,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Add Gaussian spots to an image.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    places : array_like, shape (n, 2)
        Pixels y, x.
    amplitudes : array_like, shape (n,)
        Grey levels; 0 or more.
    sigma : float
        Standard deviation in pixels.
    polarity : {"bright", "dark"}
        Dark spots are taken away from the image.
    gain : float, optional
        Grey levels per photon. Where it is known, bright spots bring their photon noise; that of
        the light which a dark spot takes away cannot be taken out of the image.
    rng : numpy.random.Generator, optional
        For that noise.

    Returns
    -------
    ndarray
        Same dtype. Integers are rounded, and cut off at the ends of their range as by a camera.

    References
    ----------
    Stetson, Harris, CCD photometry of the globular cluster M92, Astronomical Journal 96, 1988,
    doi 10.1086/114856 (artificial-star tests). Zhang, Zerubia, Olivo-Marin, Applied Optics 46,
    2007, doi 10.1364/AO.46.001819 (a Gaussian for the point-spread function).
    """
    result = image.astype(np.float64)
    reach = int(np.ceil(REACH * sigma))
    for (y, x), amplitude in zip(places, amplitudes, strict=True):
        rows = np.arange(max(0, round(y) - reach), min(image.shape[0], round(y) + reach + 1))
        columns = np.arange(max(0, round(x) - reach), min(image.shape[1], round(x) + reach + 1))
        along_y = np.exp(-0.5 * ((rows - y) / sigma) ** 2)
        along_x = np.exp(-0.5 * ((columns - x) / sigma) ** 2)
        spot = amplitude * along_y[:, None] * along_x
        if gain and polarity == "bright":
            spot = gain * rng.poisson(spot / gain)
        result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += (
            spot if polarity == "bright" else -spot
        )
    if image.dtype.kind in "ui":
        span = np.iinfo(image.dtype)
        result = np.rint(result).clip(span.min, span.max)
    return result.astype(image.dtype)


def match_recovered(
    synthetic: np.ndarray, found: np.ndarray, before: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which injected spots were found.

    Parameters
    ----------
    synthetic, found, before : array_like, shape (n, 2), (m, 2) and (k, 2)
        Places y, x in pixels: of the injected spots, of what was found with them, and of what was
        found in the image as it is.
    tolerance : float
        Largest distance in pixels.

    Returns
    -------
    pairs : ndarray of int, shape (j, 2)
        Indices into ``synthetic`` and ``found``.
    distances : ndarray of float, shape (j,)

    Notes
    -----
    A spot that was there already is no injected one, wherever it lies: what was found before is
    matched first, and only what is left can be an injected spot.
    """
    found = np.asarray(found, float).reshape(-1, 2)
    old = scoring.match_spots(found, before, tolerance)[0][:, 0]
    new = np.setdiff1d(np.arange(len(found)), old)
    pairs, distances = scoring.match_spots(synthetic, found[new], tolerance)
    return np.column_stack([pairs[:, 0], new[pairs[:, 1]]]), distances
