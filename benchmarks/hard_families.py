"""Families of simulated images that have what real ones were found hard for.

They imitate what annotated images taught: black that is exactly 0 around cropped nuclei, texture
that looks like dim spots, brightness over a wide range, noise that is spatially correlated, pixels
of the camera that are none of the sample's. Each function is like those of `families`.
"""

from __future__ import annotations

import numpy as np
from families import ROOT_2, bells, camera, log_uniform, positions
from scipy.fft import dctn, idctn
from scipy.ndimage import binary_erosion, gaussian_filter, zoom
from unseen_families import cells, ellipses

from simulate import blob, inner, texture


def foci_in_crops(rng):
    """Crops of nuclei tiled on exactly 0: grainy chromatin, nucleoli, no focus or a few, 8 bit."""
    (rows, columns), side, sigma = (4, 5), 110, rng.uniform(1.0, 1.3)
    image, points = np.zeros((rows * side, columns * side), np.uint8), []
    for corner in np.argwhere(np.ones((rows, columns))) * side:
        crop, foci = _nucleus(rng, (side, side), sigma)
        image[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = crop
        points.append(foci + corner)
    return image, np.concatenate(points), ROOT_2 * sigma


def _nucleus(rng, shape, sigma):
    """One nucleus on exactly 0, 8 bit, and the places of its foci."""
    centre = np.array(shape)[None] / 2 + rng.uniform(-6, 6, (1, 2))
    radius = rng.uniform(18, 26)
    outline = ellipses(rng, shape, centre, [radius], [1.0], stretch=1.7, wobble=0.06)
    inside = outline > 0.5
    nucleoli = positions(rng, inside / 1.0, int(rng.integers(1, 5)), spacing=12)
    dark = bells(rng, shape, nucleoli, 3.0, rng.uniform(0.3, 0.6, len(nucleoli)), spread=0.3)
    room = binary_erosion(inside, iterations=3) / 1.0
    n_foci = int(rng.choice(4, p=[0.4, 0.35, 0.15, 0.1]))
    foci = positions(rng, room, n_foci, spacing=5 * sigma)
    grain = 0.14 * texture(rng, shape, scale=1.0) + 0.14 * texture(rng, shape, scale=3.5)
    chromatin = rng.uniform(18, 40) * (1 + grain) * (1 - dark.clip(0, 0.8))
    heights = log_uniform(rng, 50, 220, len(foci))
    light = chromatin + bells(rng, shape, foci, sigma, heights, spread=0.2)
    light = light + 0.1 * bells(rng, shape, foci, 3 * sigma, heights)
    grey = light + np.sqrt(light.clip(1) / 8) * rng.standard_normal(shape)
    return (inside * np.rint(grey).clip(1, 255)).astype(np.uint8), foci


def haze(rng):
    """Puncta in the light of others out of focus, which is most of the light."""
    shape, sigma = (320, 320), rng.uniform(1.2, 1.8)
    points = positions(rng, inner(shape, 4), int(rng.integers(40, 150)), spacing=3 * sigma)
    light = 60 + 40 * texture(rng, shape, scale=40).clip(-1)
    for blur, brightness in ((2.5, 90), (4, 250), (8, 800)):
        others = positions(rng, inner(shape, 2), int(rng.integers(20, 70)), spacing=2)
        heights = brightness * sigma / blur * rng.lognormal(0, 0.4, len(others))
        light = light + bells(rng, shape, others, blur * sigma, heights, spread=0.2)
    heights = 160 * rng.lognormal(0, 0.6, len(points))
    light = light + bells(rng, shape, points, sigma, heights, spread=0.1)
    return camera(rng, light, read=3, gain=1.2), points, ROOT_2 * sigma


def wide_amplitudes(rng):
    """Amplitudes over a factor of 30, as many dim ones as bright ones, on part of a cell, 8 bit."""
    shape, sigma = (300, 300), rng.uniform(1.5, 1.9)
    bodies, nuclei = cells(rng, shape, 2, 170)
    folds = 1 + 0.15 * texture(rng, shape, scale=30) + 0.06 * texture(rng, shape, scale=8)
    ground = 10 + 75 * gaussian_filter(bodies, 12) * (1 - 0.35 * gaussian_filter(nuclei, 6)) * folds
    points = positions(rng, inner(shape, 5), int(rng.integers(50, 160)), spacing=2.5 * sigma)
    noise = rng.uniform(1, 3.5)
    heights = noise * log_uniform(rng, 1, 30, len(points))
    light = ground.clip(2) + bells(rng, shape, points, sigma, heights)
    grey = light + noise * np.sqrt(light / 75) * rng.standard_normal(shape)
    return np.rint(grey).clip(0, 255).astype(np.uint8), points, ROOT_2 * sigma


def autofluorescence(rng):
    """Small spots in tissue that shines by itself: fibres, and granules larger than the spots."""
    shape, sigma = (360, 360), rng.uniform(0.9, 1.2)
    fibres = np.exp(-((texture(rng, shape, scale=14) / 0.1) ** 2))
    granules = positions(rng, inner(shape, 8), int(rng.integers(20, 50)), spacing=14)
    radii = rng.uniform(4, 8, len(granules)) * sigma
    levels = rng.lognormal(0, 0.4, len(granules))
    clumps = ellipses(rng, shape, granules, radii, levels, stretch=2.5, soft=1.5, wobble=0.15)
    patches = (1 + 0.4 * texture(rng, shape, scale=25)).clip(0.2)
    ground = 90 * patches + 70 * gaussian_filter(fibres, 1.5) * patches + 110 * clumps
    ground = ground * (1 + 0.06 * texture(rng, shape, scale=2.5))
    points = positions(rng, inner(shape, 4), int(rng.integers(60, 250)), spacing=4 * sigma)
    heights = 220 * rng.lognormal(0, 0.45, len(points))
    light = ground + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, read=5, gain=1.5), points, ROOT_2 * sigma


def _on_cell(rng, shape, sigma, n):
    """Light of spots on a cell, and where they are: what noise is put on in several ways."""
    bodies, nuclei = cells(rng, shape, 3, 0.3 * shape[0])
    folds = 1 + 0.15 * texture(rng, shape, scale=12)
    ground = 30 + 120 * bodies * (1 - 0.4 * nuclei) * folds.clip(0.2)
    points = positions(rng, inner(shape, 4), n, spacing=3 * sigma)
    heights = rng.uniform(7, 14) * np.sqrt(150) * rng.lognormal(0, 0.4, len(points))
    return ground + bells(rng, shape, points, sigma, heights), points


def resampled(rng):
    """Scaled up after it was taken, so that noise is correlated over two pixels."""
    sigma, factor = rng.uniform(0.9, 1.2), rng.uniform(1.6, 2.2)
    light, points = _on_cell(rng, (180, 180), sigma, int(rng.integers(40, 150)))
    image = zoom(camera(rng, light, read=4).astype(float), factor, order=1)
    # A pixel's centre keeps its place between the centres of the first and the last pixel.
    points = points * (np.array(image.shape) - 1) / (np.array(light.shape) - 1)
    return np.rint(image).astype(np.uint16), points, ROOT_2 * sigma * factor


def sharpened(rng):
    """Wiener-filtered with too little noise assumed: grains and rings around spots, floats."""
    shape, sigma = (320, 320), rng.uniform(1.6, 2.2)
    light, points = _on_cell(rng, shape, sigma, int(rng.integers(50, 180)))
    grey = camera(rng, light, offset=0, read=3).astype(float)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    blur = np.exp(-2 * (np.pi * 0.8 * sigma * frequency) ** 2)
    filtered = np.fft.rfft2(grey) * blur / (blur**2 + 0.01)
    return np.fft.irfft2(filtered, shape).astype(np.float32), points, 0.8 * ROOT_2 * sigma


def jpeg(rng):
    """Compressed in blocks of 8 x 8 whose fine waves are rounded, 8 bit."""
    shape, sigma = (320, 320), rng.uniform(1.4, 2.0)
    light, points = _on_cell(rng, shape, sigma, int(rng.integers(50, 180)))
    grey = 0.4 * (camera(rng, light, offset=0, read=5).astype(float))
    rows, columns = np.indices((8, 8))
    steps = rng.uniform(3, 6) + rng.uniform(1.5, 3) * (rows + columns)
    blocks = grey.reshape(shape[0] // 8, 8, shape[1] // 8, 8).swapaxes(1, 2)
    waves = dctn(blocks, axes=(2, 3), norm="ortho")
    blocks = idctn(np.rint(waves / steps) * steps, axes=(2, 3), norm="ortho")
    image = blocks.swapaxes(1, 2).reshape(shape)
    return np.rint(image).clip(0, 255).astype(np.uint8), points, ROOT_2 * sigma


def unlike_beads(rng):
    """Hundreds of beads smaller than the resolution, brightness over a factor of 100, clusters."""
    shape, sigma = (400, 400), rng.uniform(0.8, 1.1)
    weight = np.exp(0.9 * texture(rng, shape, scale=12)) * inner(shape, 4)
    points = positions(rng, weight, int(rng.integers(100, 350)), spacing=4 * sigma)
    noise = 300.0
    heights = noise * (6 * rng.lognormal(1.2, 1.1, len(points))).clip(6, 160)
    light = 1000 + 60 * texture(rng, shape, scale=40)
    light = light + bells(rng, shape, points, sigma, heights, spread=0.1)
    grey = light + noise * rng.standard_normal(shape)
    grey = grey + np.sqrt(8 * (light - 800).clip(0)) * rng.standard_normal(shape)
    return np.rint(grey).clip(0, 65535).astype(np.uint16), points, ROOT_2 * sigma


def hot_pixels(rng):
    """Spots, and hot pixels as bright as these that are no part of the sample."""
    shape, sigma = (340, 340), rng.uniform(1.4, 2.0)
    light, points = _on_cell(rng, shape, sigma, int(rng.integers(40, 150)))
    image = camera(rng, light, read=4).astype(float)
    hot = rng.random(shape) < rng.uniform(0.0002, 0.002)
    image[hot] += log_uniform(rng, 80, 3000, int(hot.sum()))
    return np.rint(image).clip(0, 65535).astype(np.uint16), points, ROOT_2 * sigma


def masked_crop(rng):
    """A cell cut out along its outline, exactly 0 outside, floats between 0 and 1."""
    shape, sigma = (260, 300), rng.uniform(1.3, 1.8)
    body = blob(rng, shape, centre=(130, 150), radius=95, edge=10, wobble=0.25)
    inside = body > 0.4
    grain = 1 + 0.2 * texture(rng, shape, scale=8) + 0.08 * texture(rng, shape, scale=2)
    ground = 250 * (0.3 + body) * grain.clip(0.3)
    room = binary_erosion(inside, iterations=3) / 1.0
    points = positions(rng, room, int(rng.integers(15, 70)), spacing=4 * sigma)
    heights = 260 * rng.lognormal(0, 0.5, len(points))
    light = ground + bells(rng, shape, points, sigma, heights)
    grey = np.where(inside, camera(rng, light, read=4, gain=1.5).astype(float), 0)
    return (grey / grey.max()).astype(np.float32), points, ROOT_2 * sigma


def crowded_texture(rng):
    """A small crop full of dim and bright puncta, on texture as high as most of them."""
    shape, sigma = (170, 170), rng.uniform(1.3, 1.6)
    points = positions(rng, inner(shape, 4), int(rng.integers(150, 260)), spacing=2 * sigma)
    heights = 60 * rng.lognormal(0, 0.7, len(points))
    light = 300 + 30 * texture(rng, shape, scale=4) + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, read=4, gain=0.05), points, ROOT_2 * sigma


HARD = (
    foci_in_crops,
    haze,
    wide_amplitudes,
    autofluorescence,
    resampled,
    sharpened,
    jpeg,
    unlike_beads,
    hot_pixels,
    masked_crop,
    crowded_texture,
)
