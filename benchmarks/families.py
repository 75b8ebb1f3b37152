"""Families of simulated images with known spots, as different from each other as studies are.

Each function of `FAMILIES` draws one image of its family from a random generator: the image, its
true spots (y, x) and the radius of a typical spot, which is all that a user would tell. A radius
is sqrt(2) sigma of a Gaussian spot, and that of a disc for nuclei.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from simulate import blob, cell_scene, disc_scene, gaussian_spots, inner, texture

ROOT_2 = np.sqrt(2)


def positions(rng, weight, n, *, spacing):
    """Draw up to n sub-pixel positions, `spacing` apart, where `weight` allows."""
    pixels = rng.choice(weight.size, 20 * n, p=weight.ravel() / weight.sum())
    drawn = np.column_stack(np.unravel_index(pixels, weight.shape))
    drawn = drawn + rng.uniform(-0.5, 0.5, drawn.shape)
    taken = np.empty((0, 2))
    for position in drawn:
        if len(taken) == n:
            break
        if (((taken - position) ** 2).sum(axis=1) >= spacing**2).all():
            taken = np.vstack([taken, position])
    return taken


def bells(rng, shape, points, sigma, heights, *, spread=0.05):
    """Light of Gaussian spots; each sigma differs a little."""
    widths = sigma * rng.uniform(1 - spread, 1 + spread, len(points))
    return gaussian_spots(shape, np.column_stack([points, heights, widths]))


def camera(rng, light, *, offset=100.0, gain=1.0, read=2.0, bits=16):
    """What a camera makes of light: shot noise, read noise, an offset, a limit."""
    grey = offset + gain * rng.poisson(np.maximum(light, 0) / gain)
    grey = grey + read * rng.standard_normal(light.shape)
    kind = np.uint8 if bits == 8 else np.uint16
    return np.rint(grey).clip(0, 2**bits - 1).astype(kind)


def log_uniform(rng, low, high, n=None):
    """Draw numbers whose logarithm is uniform."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def cell(rng):
    """Vesicles on the uneven cytoplasm of a cell."""
    sigma, n = rng.uniform(1.2, 2.2), int(rng.integers(20, 70))
    scene = cell_scene(rng, sigma=sigma, n_spots=n, n_pairs=n // 10, read_noise=rng.uniform(2, 8))
    return scene.image, scene.spots[:, :2], ROOT_2 * sigma


def crowded_cell(rng):
    """The same, crowded."""
    sigma = rng.uniform(1.2, 1.6)
    scene = cell_scene(rng, sigma=sigma, n_spots=200, n_pairs=20, read_noise=rng.uniform(2, 8))
    return scene.image, scene.spots[:, :2], ROOT_2 * sigma


def disc_clean(rng):
    """A few spots on and beside a bright disc, hardly any noise."""
    sigma, (on, off) = rng.uniform(1.5, 3), map(int, rng.integers(1, 5, 2))
    scene = disc_scene(rng, sigma=sigma, noise=rng.uniform(0, 3), ground=10, n_on=on, n_off=off)
    return scene.image, scene.spots[:, :2], ROOT_2 * sigma


def disc_noisy(rng):
    """The same kind of scene with strong noise."""
    sigma, (on, off) = rng.uniform(1.5, 3), map(int, rng.integers(1, 5, 2))
    scene = disc_scene(rng, sigma=sigma, noise=rng.uniform(10, 25), ground=30, n_on=on, n_off=off)
    return scene.image, scene.spots[:, :2], ROOT_2 * sigma


def transcripts(rng):
    """Single molecules in autofluorescent cells: hundreds of dim spots, alike in brightness."""
    shape, sigma = (256, 256), rng.uniform(1.0, 1.6)
    cells = np.zeros(shape)
    for centre in rng.uniform(40, 216, (3, 2)):
        cells = np.maximum(cells, blob(rng, shape, centre=centre, radius=55, edge=5, wobble=0.2))
    ground = log_uniform(rng, 30, 200)
    light = ground * (0.3 + cells * (1 + 0.15 * texture(rng, shape, scale=12)).clip(0.2))
    n = int(rng.integers(60, 400))
    points = positions(rng, (cells > 0.5) * inner(shape, 3), n, spacing=2 * sigma)
    read = rng.uniform(2, 6)
    height = rng.uniform(3, 8) * np.hypot(np.sqrt(ground * 1.3), read)
    light = light + bells(rng, shape, points, sigma, height * rng.lognormal(0, 0.25, len(points)))
    return camera(rng, light, offset=rng.uniform(50, 400), read=read), points, ROOT_2 * sigma


def beads(rng):
    """Bright beads on black, 8 bit: more than half of the pixels are 0, some beads saturate."""
    shape, sigma = (256, 256), rng.uniform(1.2, 3.5)
    n = int(rng.integers(20, 30_000 / (40 * sigma**2) + 21))
    points = positions(rng, inner(shape, 3), n, spacing=3 * sigma)
    heights = 90 * rng.lognormal(0, 0.5, len(points))
    light = bells(rng, shape, points, sigma, heights)
    light = light + 0.15 * gaussian_filter(light, 4 * sigma)
    read = rng.uniform(0.5, 3)
    image = camera(rng, light, offset=-read, gain=rng.uniform(0.3, 2), read=read, bits=8)
    return image, points, ROOT_2 * sigma


def nuclei_light(rng, shape, radius, n, *, packing, grain):
    """Light of stained nuclei: wobbly ellipses with sharp edges and a grain, 1 at their level."""
    points = positions(rng, inner(shape, radius), n, spacing=packing * radius)
    rows, columns = np.indices(shape)
    light = np.zeros(shape)
    for y, x in points:
        angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.25)
        dy, dx = rows - y, columns - x
        along = (dy * np.sin(angle) + dx * np.cos(angle)) / stretch
        across = (dy * np.cos(angle) - dx * np.sin(angle)) * stretch
        size = radius * rng.uniform(0.85, 1.15)
        outside = np.minimum((np.hypot(along, across) - size) / 0.8, 700)  # exp(700) is finite
        cover = 1 / (1 + np.exp(outside))
        light = np.maximum(light, rng.uniform(0.6, 1.4) * cover)
    light = light * (1 + grain * texture(rng, shape, scale=radius / 5)).clip(0.2)
    return gaussian_filter(light, 1.0), points


def nuclei(rng):
    """Nuclei, 16 bit: flat discs of many pixels, many of them touching."""
    radius = rng.uniform(7, 12)
    n = int(rng.integers(20, 90))
    light, points = nuclei_light(rng, (300, 300), radius, n, packing=1.8, grain=0.1)
    light = 30 + log_uniform(rng, 100, 3000) * (light + 0.1 * gaussian_filter(light, 20))
    return camera(rng, light, read=5, gain=2), points, radius


def nuclei_8bit(rng):
    """Nuclei on black, 8 bit, with a coarse grain of chromatin."""
    radius = rng.uniform(9, 15)
    n = int(rng.integers(5, 60))
    light, points = nuclei_light(rng, (320, 320), radius, n, packing=2.0, grain=0.2)
    return camera(rng, 100 * light, offset=0, gain=2, read=1, bits=8), points, radius


def vesicles(rng):
    """Spots in shot noise on a flat ground, signal-to-noise ratio 2 to 7, sparse or crowded."""
    shape, sigma = (256, 256), rng.uniform(1.0, 2.0)
    ground, snr = 10.0, float(rng.choice([2, 4, 7]))
    height = (snr**2 + snr * np.sqrt(snr**2 + 4 * ground)) / 2
    points = positions(rng, inner(shape, 3), int(rng.choice([25, 120, 250])), spacing=2 * sigma)
    light = ground + bells(rng, shape, points, sigma, np.full(len(points), height))
    return camera(rng, light, offset=0, read=0, bits=8), points, ROOT_2 * sigma


def layered(rng):
    """Spots in focus, and half as many blurred ones from other planes that do not count."""
    shape, sigma = (256, 256), rng.uniform(1.2, 2.0)
    n = int(rng.integers(40, 250))
    points = positions(rng, inner(shape, 3), n, spacing=2.5 * sigma)
    light = bells(rng, shape, points, sigma, 300 * rng.lognormal(0, 0.5, len(points)))
    for blur in (2.5, 4):
        others = positions(rng, inner(shape, 3), n // 4, spacing=2)
        light = light + bells(rng, shape, others, blur * sigma, rng.uniform(30, 120, len(others)))
    light = 80 + light + 60 * texture(rng, shape, scale=25).clip(-1)
    return camera(rng, light, read=4, gain=1.5), points, ROOT_2 * sigma


def saturated(rng):
    """12 bit, a range of brightness of a hundred, the brightest spots cut off at the limit."""
    shape, sigma = (256, 256), rng.uniform(1.2, 2.5)
    points = positions(rng, inner(shape, 3), int(rng.integers(50, 200)), spacing=3 * sigma)
    light = 40 + bells(rng, shape, points, sigma, log_uniform(rng, 80, 8000, len(points)))
    return camera(rng, light, read=3, gain=1, bits=12), points, ROOT_2 * sigma


def tissue(rng):
    """Tissue, 8 bit: fibres, patches and grain that shine by themselves, spots of any strength."""
    shape, sigma = (280, 280), rng.uniform(1.3, 2.0)
    radius = ROOT_2 * sigma
    patches = np.abs(texture(rng, shape, scale=5 * radius)) * (1 + texture(rng, shape, scale=30))
    fibres = np.exp(-((texture(rng, shape, scale=4 * radius) / 0.15) ** 2))
    ground = 25 + 18 * patches.clip(0) + 15 * fibres + 3 * texture(rng, shape, scale=1.5 * radius)
    points = positions(rng, inner(shape, 3), int(rng.integers(40, 150)), spacing=1.5 * sigma)
    heights = rng.uniform(20, 70, len(points))
    light = ground + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, offset=0, gain=0.3, read=1.5, bits=8), points, radius


def receptors(rng):
    """Dim crowded spots under a lamp that lights the middle, 12 bit."""
    shape, sigma = (256, 256), rng.uniform(1.0, 1.5)
    rows, columns = np.indices(shape)
    lamp = np.exp(-((rows - 120) ** 2 + (columns - 140) ** 2) / (2 * 110**2))
    points = positions(
        rng, lamp * inner(shape, 3), int(rng.integers(100, 500)), spacing=1.5 * sigma
    )
    heights = rng.uniform(2.5, 6) * np.sqrt(150) * rng.lognormal(0, 0.4, len(points))
    light = lamp * (120 + bells(rng, shape, points, sigma, heights)) + 20
    return camera(rng, light, offset=200, read=4, bits=12), points, ROOT_2 * sigma


def bacteria(rng):
    """Rods that shine faintly, with a few spots in each."""
    shape, sigma = (256, 256), rng.uniform(1.1, 1.5)
    rows, columns = np.indices(shape)
    light, points = np.full(shape, 20.0), []
    for y, x in positions(rng, inner(shape, 20), 25, spacing=30):
        angle, half = rng.uniform(0, np.pi), rng.uniform(8, 16)
        along = (rows - y) * np.sin(angle) + (columns - x) * np.cos(angle)
        across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        outside = np.hypot(np.maximum(np.abs(along) - half, 0), across)
        light = light + rng.uniform(50, 150) / (1 + np.exp(outside - 5))
        for place in rng.uniform(-half, half, rng.integers(0, 4)):
            points.append((y + place * np.sin(angle), x + place * np.cos(angle)))
    points = np.reshape(points, (-1, 2))
    heights = rng.uniform(80, 300, len(points))
    light = light + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, offset=300, read=6, gain=1.5), points, ROOT_2 * sigma


def crowd(rng):
    """Hundreds of bright spots of several sizes that overlap freely, little noise, an offset."""
    shape, sigma = (256, 256), rng.uniform(1.3, 2.0)
    points = positions(rng, inner(shape, 3), int(rng.integers(200, 600)), spacing=sigma)
    heights = 1500 * rng.uniform(0.4, 1.6, len(points))
    light = 300 + bells(rng, shape, points, sigma, heights, spread=0.25)
    return camera(rng, light, offset=1000, read=20, gain=3), points, ROOT_2 * sigma


def sparse(rng):
    """One to five spots in an image that is noise otherwise."""
    shape, sigma = (300, 300), rng.uniform(1.2, 2.5)
    points = positions(rng, inner(shape, 6), int(rng.integers(1, 6)), spacing=8 * sigma)
    ground = log_uniform(rng, 20, 500)
    heights = rng.uniform(5, 15) * np.sqrt(ground + 16) * np.ones(len(points))
    light = ground + bells(rng, shape, points, sigma, heights)
    return camera(rng, light, read=4), points, ROOT_2 * sigma


def blank(rng):
    """Nothing but noise, 8 bit or 16 bit, read noise or shot noise, clipped at 0 or not."""
    shape, level = (256, 256), rng.uniform(30, 150)
    kind = rng.integers(4)
    if kind == 0:
        image = camera(rng, np.zeros(shape), offset=level, read=log_uniform(rng, 0.3, 20), bits=8)
    elif kind == 1:
        image = camera(rng, np.full(shape, level * rng.choice([0.02, 1, 30])), read=0)
    elif kind == 2:
        image = camera(rng, np.zeros(shape), offset=rng.uniform(-2, 1), read=1.5, bits=8)
    else:
        lamp = level * 10 * (1.2 + np.cos(np.arange(256) / 80))
        image = camera(rng, lamp[:, None] * np.ones(shape), read=5)
    return image, np.empty((0, 2)), rng.uniform(1.5, 4)


TUNED = (cell, crowded_cell, disc_clean, transcripts, beads, nuclei, vesicles, layered)
HELD_OUT = (
    disc_noisy,
    saturated,
    tissue,
    receptors,
    bacteria,
    crowd,
    nuclei_8bit,
    sparse,
)
