"""Images of known spots, hot pixels and dirt, and what the chain finds in them."""

import numpy as np

from localbg import backgrounds
from localbg.core.parameters import resolve
from localbg.detection import measured_radius, spots
from localbg.detection.denoise import denoise
from localbg.detection.measures import MEASURES
from localbg.detection.subtract import subtract
from localbg.detection.threshold import threshold
from localbg.io.cells import format_fields
from localbg.io.image_flags import image_flags, saturated_at
from localbg.workflow import plan


def bells(shape, places, sigma, height=100.0):
    y, x = np.indices(shape)
    return sum(
        height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2)) for cy, cx in places
    )


def scattered(sigma, n=5, seed=0):
    """Isolated spots between pixels, and an image that holds them on a slope."""
    rng = np.random.default_rng(seed)
    pitch = int(14 * sigma) + 8
    places = [
        (pitch * (i + 0.5) + rng.uniform(-0.5, 0.5), pitch * (j + 0.5) + rng.uniform(-0.5, 0.5))
        for i in range(n)
        for j in range(n)
    ]
    shape = (n * pitch, n * pitch)
    y, x = np.indices(shape)
    return 100 + 0.5 * y - 0.3 * x + bells(shape, places, sigma), np.array(places)


def found(image, radius, method="tophat", **config):
    """The spots that the shipped chain finds and measures."""
    config |= {"images": {"one": {"path": "one.tif", "spot_radius": float(radius)}}}
    study = plan.make_plan(config | {"compare": [method]})
    steps = study.methods[method]

    def parameters(kind):
        return resolve(study.parameters(kind, getattr(steps, kind), "one"), None)

    quiet = denoise(image, **parameters("denoised"))
    below = backgrounds.estimate(quiet, **parameters("background"))
    above, _ = subtract(quiet, below, **parameters("foreground"))
    mask, decision = threshold(above, 1.0, quiet, image, **parameters("mask"))
    labels = spots.label(mask, above, decision.noise, **parameters("labels"))
    return spots.tabulate_spots(
        *(labels, image, above, below),
        level=decision.level,
        noise=decision.noise,
        spot_radius=radius,
        polarity="bright",
        saturated_at=saturated_at(image_flags(image)),
        pixel_size_um=None,
    )


def counted(rows, radius, method="m"):
    """The row of counts.csv."""
    as_text = [dict(zip(MEASURES, format_fields(spot, MEASURES), strict=True)) for spot in rows]
    row = measured_radius.summarise_shapes(as_text) | {
        "n_spots": len(rows),
        "spot_radius": float(radius),
    }
    return row | {"method": method}


def camera(light, noise=3.0, seed=1):
    grey = light + np.random.default_rng(seed).normal(0, noise, light.shape)
    return np.rint(grey).clip(0, 65535).astype(np.uint16)


def hot_pixels(seed=0):
    rng = np.random.default_rng(seed)
    light = np.full((256, 256), 200.0)
    light[tuple(rng.integers(6, 250, (2, 60)))] += rng.uniform(150, 400, 60)
    return camera(light, 5, seed)


def dirt(radius=3, seed=0):
    """Round blobs of three times the radius whose outlines are not."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((400, 400))
    light = np.full((400, 400), 200.0)
    for cy in range(50, 400, 75):
        for cx in range(50, 400, 75):
            angle = np.arctan2(y - cy, x - cx)
            waves = sum(
                rng.normal(0, 0.15) * np.cos(k * angle + rng.uniform(0, 6)) for k in (1, 2, 3)
            )
            distance = np.hypot(y - cy, x - cx) / (3 * radius * (1 + waves))
            light += rng.uniform(60, 150) * np.exp(-(distance**2))
    return camera(light, 5, seed)


OTSU = {"threshold": {"rule": "otsu", "min_snr": 5}, "spots": {"min_area": "0.2x"}}
