"""Families of simulated images that neither the default rule nor its sizes were made with.

They imitate kinds of images that are published with annotations, and were drawn up once the rule
stood. Each function is like those of `families`.
"""

from __future__ import annotations

import numpy as np
from families import ROOT_2, bells, camera, log_uniform, nuclei_light, positions
from scipy.ndimage import gaussian_filter

from simulate import blob, gaussian_spots, inner, texture


def ellipses(
    rng, shape, points, radii, levels, *, stretch=1.4, soft=1.0, wobble=0.0, overlap=False
):
    """Light of wobbly ellipses with soft edges; where they overlap the brightest, or the sum."""
    rows, columns = np.indices(shape)
    light = np.zeros(shape)
    for (y, x), radius, level in zip(points, radii, levels, strict=True):
        reach = int(2.5 * radius) + 6
        part = tuple(slice(max(0, int(c) - reach), int(c) + reach) for c in (y, x))
        angle, longer = rng.uniform(0, np.pi), np.sqrt(rng.uniform(1, stretch))
        dy, dx = rows[part] - y, columns[part] - x
        along = (dy * np.sin(angle) + dx * np.cos(angle)) / longer
        across = (dy * np.cos(angle) - dx * np.sin(angle)) * longer
        turn, phases = np.arctan2(across, along), rng.uniform(0, 2 * np.pi, 3)
        waves = sum(np.cos(k * turn + phase) / k for k, phase in enumerate(phases, 2))
        outside = np.hypot(along, across) - radius * (1 + wobble * waves)
        cover = level / (1 + np.exp((outside / soft).clip(-50, 50)))
        light[part] = light[part] + cover if overlap else np.maximum(light[part], cover)
    return light


def cells(rng, shape, n, radius):
    """Bodies and nuclei of cells, 1 at their typical level."""
    bodies, nuclei = np.zeros(shape), np.zeros(shape)
    for centre in positions(rng, inner(shape, 0.6 * radius), n, spacing=1.7 * radius):
        body = blob(rng, shape, centre=centre, radius=radius, edge=4, wobble=0.25)
        middle = centre + rng.uniform(-5, 5, 2)
        nucleus = blob(rng, shape, centre=middle, radius=0.4 * radius, edge=1.2, wobble=0.1)
        bodies = np.maximum(bodies, rng.uniform(0.6, 1.3) * body)
        nuclei = np.maximum(nuclei, nucleus)
    return bodies, nuclei


def overlapping_nuclei(rng):
    """Synthetic nuclei that overlap, in focus or blurred by up to half a radius, 8 bit."""
    shape, radius = (400, 500), rng.uniform(10, 15)
    spacing = rng.uniform(1.2, 2.2) * radius
    points = positions(rng, inner(shape, radius), int(rng.integers(20, 110)), spacing=spacing)
    radii, levels = rng.uniform(0.8, 1.2, (2, len(points)))
    light = ellipses(rng, shape, points, radius * radii, levels, wobble=0.08, overlap=True)
    light = gaussian_filter(
        light * (1 + 0.15 * texture(rng, shape, scale=2)).clip(0.1), rng.uniform(0.5, 5)
    )
    return camera(rng, 90 * light + 8, offset=0, gain=0.2, read=2.5, bits=8), points, radius


def unlike_nuclei(rng):
    """Few or many nuclei of unlike size and brightness over haze, dim, 8 bit."""
    shape, radius = (256, 320), rng.uniform(7, 13)
    points = positions(rng, inner(shape, 3), int(rng.integers(8, 60)), spacing=1.8 * radius)
    levels = rng.lognormal(0, 0.6, len(points))
    radii = radius * rng.uniform(0.65, 1.3, len(points))
    light = ellipses(rng, shape, points, radii, levels, stretch=1.6, wobble=0.06)
    light = gaussian_filter(light * (1 + 0.12 * texture(rng, shape, scale=radius / 5)).clip(0.2), 1)
    light = rng.uniform(15, 70) * (light + 0.15 * gaussian_filter(light, 25) + 0.05)
    return camera(rng, light, offset=4, gain=0.2, read=0.7, bits=8), points, radius


def small_nuclei(rng):
    """Hundreds of small dim nuclei on a high uneven offset, 16 bit."""
    shape, radius = (512, 512), rng.uniform(6, 9)
    points = positions(rng, inner(shape, 3), int(rng.integers(80, 350)), spacing=1.8 * radius)
    levels = rng.lognormal(0, 0.6, len(points))
    radii = radius * rng.uniform(0.7, 1.2, len(points))
    light = ellipses(rng, shape, points, radii, levels, stretch=1.8, wobble=0.05)
    light = gaussian_filter(light * (1 + 0.1 * texture(rng, shape, scale=2)).clip(0.2), 1.5)
    light = 8 * texture(rng, shape, scale=80) + 60 * light + 20
    return camera(rng, light, offset=32768, read=4, gain=0.8), points, radius


def whole_cells(rng):
    """Whole cells with a dimmer nucleus, 8 bit."""
    shape, radius = (450, 450), rng.uniform(12, 18)
    points = positions(rng, inner(shape, radius), int(rng.integers(25, 80)), spacing=2 * radius)
    levels = rng.lognormal(0, 0.3, len(points))
    radii = radius * rng.uniform(0.8, 1.2, len(points))
    light = ellipses(rng, shape, points, radii, levels, stretch=1.5, soft=1.5, wobble=0.08)
    middles = points + rng.uniform(-0.2, 0.2, points.shape) * radius
    same = np.ones(len(points))
    light = light * (1 - 0.35 * ellipses(rng, shape, middles, 0.45 * radius * same, same))
    light = gaussian_filter(light * (1 + 0.15 * texture(rng, shape, scale=2.5)).clip(0.2), 1.5)
    return camera(rng, 90 * light + 10, offset=0, gain=0.5, read=2, bits=8), points, radius


def rolonies(rng):
    """In-situ sequencing: bright spots of unlike density over nuclei in tissue."""
    shape, sigma = (450, 450), rng.uniform(1.2, 2)
    nuclei, _ = nuclei_light(rng, shape, 18, 60, packing=1.8, grain=0.1)
    weight = np.exp(1.2 * texture(rng, shape, scale=30)) * inner(shape, 4)
    points = positions(rng, weight, int(rng.integers(150, 700)), spacing=1.8 * sigma)
    ground = 150 + 80 * nuclei + 70 * texture(rng, shape, scale=20).clip(-1.5)
    ground = ground + 15 * texture(rng, shape, scale=4)
    heights = 600 * rng.lognormal(0, 0.55, len(points))
    light = ground + bells(rng, shape, points, sigma, heights, spread=0.15)
    return camera(rng, light, read=8, gain=2), points, ROOT_2 * sigma


def live_cells(rng):
    """A few bright spots in the haze of live cells with dark nuclei."""
    shape, sigma = (400, 400), rng.uniform(1.2, 1.6)
    bodies, nuclei = cells(rng, shape, 3, 95)
    ground = log_uniform(rng, 40, 200)
    weight = (bodies > 0.3) * inner(shape, 4)
    points = positions(rng, weight, int(rng.integers(10, 70)), spacing=3 * sigma)
    grain = 1 + 0.2 * texture(rng, shape, scale=10) + 0.08 * texture(rng, shape, scale=4)
    light = (ground * (0.2 + bodies * (1 - 0.7 * nuclei) * grain)).clip(0)
    heights = rng.uniform(5, 12) * np.sqrt(1.2 * ground + 16) * rng.lognormal(0, 0.35, len(points))
    light = light + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, read=4), points, ROOT_2 * sigma


def projection(rng):
    """The maximum over 8 to 20 planes of cells: noise is skewed, blurred light has gone."""
    shape, sigma, planes = (400, 400), rng.uniform(1.2, 1.8), int(rng.integers(8, 21))
    bodies, _ = cells(rng, shape, 6, 70)
    weight = (bodies > 0.3) * inner(shape, 4)
    points = positions(rng, weight, int(rng.integers(60, 400)), spacing=2.2 * sigma)
    depth = rng.integers(0, planes, len(points))
    ground = log_uniform(rng, 30, 150)
    heights = rng.uniform(7, 16) * np.sqrt(1.5 * ground + 20) * rng.lognormal(0, 0.35, len(points))
    highest = np.zeros(shape, np.uint16)
    for k in range(planes):
        away = k - depth
        wider = 1 + (away / 2) ** 2
        seen = heights / wider * np.exp(-((away / 4) ** 2))
        spots = np.column_stack([points, seen, sigma * np.sqrt(wider)])[np.abs(away) < 5]
        inside = bodies * np.exp(-(((k - planes / 2) / (planes / 3)) ** 2))
        light = ground * (0.4 + inside) + gaussian_spots(shape, spots)
        highest = np.maximum(highest, camera(rng, light, offset=150, read=4, gain=1.2))
    return highest, points, ROOT_2 * sigma


def low_contrast(rng):
    """8 bit, spots of 8 to 30 grey levels on an uneven ground."""
    shape, sigma = (400, 400), rng.uniform(1.3, 2.5)
    points = positions(rng, inner(shape, 4), int(rng.integers(30, 250)), spacing=3 * sigma)
    light = 40 + 12 * texture(rng, shape, scale=30)
    light = light + bells(rng, shape, points, sigma, rng.uniform(8, 30, len(points)))
    grey = light + rng.uniform(0.4, 2.5) * rng.standard_normal(shape)
    return np.rint(grey).clip(0, 255).astype(np.uint8), points, ROOT_2 * sigma


def few_in_many_pixels(rng):
    """A megapixel with 4 to 40 spots."""
    shape, sigma = (1024, 1024), rng.uniform(1.3, 2.5)
    points = positions(rng, inner(shape, 10), int(rng.integers(4, 40)), spacing=8 * sigma)
    ground = log_uniform(rng, 30, 300) * (1 + 0.25 * texture(rng, shape, scale=80)).clip(0.2)
    heights = rng.uniform(6, 25) * np.sqrt(ground.mean() + 16) * rng.lognormal(0, 0.3, len(points))
    light = ground + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, read=4), points, ROOT_2 * sigma


def deconvolved(rng):
    """After 15 rounds of Richardson and Lucy: sharp spots, noise gathered into grains."""
    shape, sigma = (400, 400), rng.uniform(1.5, 2.2)
    points = positions(rng, inner(shape, 6), int(rng.integers(60, 300)), spacing=2.5 * sigma)
    light = 40 + 15 * texture(rng, shape, scale=20)
    light = light + bells(rng, shape, points, sigma, rng.uniform(60, 300, len(points)))
    grey = camera(rng, light.clip(1), offset=0, read=3).astype(float) + 1
    sharp = grey.copy()
    for _ in range(15):
        blurred = gaussian_filter(sharp, 0.8 * sigma).clip(1e-3)
        sharp = sharp * gaussian_filter(grey / blurred, 0.8 * sigma)
    return np.rint(sharp).clip(0, 65535).astype(np.uint16), points, 0.8 * ROOT_2 * sigma


def dust(rng):
    """Beads, some saturated, and a few large bright patches of dust that do not count."""
    shape, sigma = (450, 450), rng.uniform(1.5, 3)
    points = positions(rng, inner(shape, 6), int(rng.integers(40, 150)), spacing=4 * sigma)
    light = 20 + bells(rng, shape, points, sigma, 400 * rng.lognormal(0, 0.5, len(points)))
    patches = positions(rng, inner(shape, 25), int(rng.integers(1, 6)), spacing=60)
    radii = sigma * rng.uniform(5, 9, len(patches))
    levels = rng.uniform(200, 900, len(patches))
    dirt = ellipses(rng, shape, patches, radii, levels, stretch=3, soft=2, wobble=0.3)
    light = light + gaussian_filter(dirt * (1 + 0.3 * texture(rng, shape, scale=3)).clip(0.1), 1.5)
    return camera(rng, light, offset=10, read=3, bits=rng.choice([8, 16])), points, ROOT_2 * sigma


def uneven_camera(rng):
    """Each pixel has its own offset, gain and read noise, some of them a lot, 12 bit."""
    shape, sigma = (400, 400), rng.uniform(1.2, 1.8)
    points = positions(rng, inner(shape, 4), int(rng.integers(30, 250)), spacing=2.5 * sigma)
    heights = rng.uniform(5, 14) * np.sqrt(60) * rng.lognormal(0, 0.3, len(points))
    light = 40 + 15 * texture(rng, shape, scale=30) + bells(rng, shape, points, sigma, heights)
    read = rng.gamma(2, 1.2, shape) + (rng.random(shape) < 0.002) * rng.uniform(10, 30, shape)
    gain = 1 + 0.02 * rng.standard_normal(shape)
    grey = 100 + 3 * rng.standard_normal(shape) + gain * rng.poisson(light.clip(1))
    grey = grey + read * rng.standard_normal(shape)
    return np.rint(grey).clip(0, 4095).astype(np.uint16), points, ROOT_2 * sigma


def synapses(rng):
    """Puncta along dendrites that shine by themselves, and a few beside them."""
    shape, sigma = (450, 450), rng.uniform(1.3, 2)
    dendrites = np.exp(-((texture(rng, shape, scale=22) / 0.12) ** 2))
    weight = (dendrites**2 + 0.01) * inner(shape, 4)
    points = positions(rng, weight, int(rng.integers(100, 300)), spacing=3 * sigma)
    grain = 1 + 0.15 * texture(rng, shape, scale=4)
    ground = 60 + rng.uniform(40, 150) * gaussian_filter(dendrites, 1.5) * grain
    heights = 150 * rng.lognormal(0, 0.5, len(points))
    light = ground + bells(rng, shape, points, sigma, heights, spread=0.2)
    return camera(rng, light, offset=150, read=5, gain=1.2), points, ROOT_2 * sigma


UNSEEN = (
    overlapping_nuclei,
    unlike_nuclei,
    small_nuclei,
    whole_cells,
    rolonies,
    live_cells,
    projection,
    low_contrast,
    few_in_many_pixels,
    deconvolved,
    dust,
    uneven_camera,
    synapses,
)
