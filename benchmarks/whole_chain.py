"""The whole chain on one image, and the measurement of many objects, against scikit-image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import peers  # finds the library
import tifffile
from scenes import image as scene
from skimage import filters, measure, morphology

from localbg.detection import spots, subtract, threshold

RADIUS = 15
OBJECTS = 100_000
PITCH = 10


def chains(size: int, folder: Path) -> dict:
    """Three ways through read, background, subtract, threshold, label, measure and write.

    Parameters
    ----------
    size : int
        Pixels of a side of the image.
    folder : Path
        Where images are read and written.

    Returns
    -------
    dict of str to callable
        From no arguments to the number of spots, the same for the first two.
    """
    path = folder / "raw.tif"
    tifffile.imwrite(path, scene("scene", "uint16", size))
    footprint = morphology.disk(RADIUS)

    def localbg(threads=1):
        image = tifffile.imread(path)
        widths = peers.half_widths(RADIUS, "disk")
        background = peers.median(image, widths, threads=threads)
        foreground, _ = subtract.subtract(image, background)
        mask, decision = threshold.threshold(foreground, 1.0, rule="otsu", min_snr=0)
        labels = spots.label(mask, foreground, fill_holes=False, split=False)
        table = spots.measure_spots(
            labels, image, foreground, background, level=decision.level, noise=decision.noise
        )
        return _write(folder / "localbg", background, labels, table, "spot")

    def scikit_image(median=filters.median):
        image = tifffile.imread(path)
        background = median(image, footprint)
        foreground = image.astype(np.float32) - background
        labels = measure.label(foreground > filters.threshold_otsu(foreground), connectivity=2)
        stack = np.stack([image, foreground, background], axis=-1)
        properties = ("label", "centroid", "area", "intensity_max", "intensity_mean")
        table = measure.regionprops_table(labels, stack, properties=properties)
        return _write(folder / "scikit-image", background, labels, table, "label")

    return {
        "localbg": localbg,
        "scikit-image": scikit_image,
        "localbg 2 threads": lambda: localbg(threads=2),
        "scikit-image rank": lambda: scikit_image(filters.rank.median),
    }


def _write(stem, background, labels, table, key):
    for name, pixels in {"background": background, "labels": labels.astype(np.int32)}.items():
        tifffile.imwrite(f"{stem}_{name}.tif", pixels)
    with open(f"{stem}_spots.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    return len(table[key])


def objects(count: int = OBJECTS) -> dict:
    """Two ways to label and measure many objects.

    Parameters
    ----------
    count : int
        Number of objects, at least.

    Returns
    -------
    dict of str to callable
        From no arguments to columns ``core_area``, ``max``, ``mean``, ``y`` and ``x``, the same.
    """
    rng = np.random.default_rng(2)
    along = int(np.ceil(count**0.5))
    grid = np.indices((along, along)).reshape(2, -1) * PITCH + PITCH // 2
    mask = np.zeros((along * PITCH,) * 2, bool)
    y, x = grid
    reach = rng.integers(0, 4, y.size)
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            inside = np.maximum(abs(dy), abs(dx)) <= reach
            mask[y[inside] + dy, x[inside] + dx] = True
    image = rng.integers(100, 4096, mask.shape).astype(np.uint16)
    background = np.full_like(image, 50)
    foreground = image.astype(np.float32) - background

    def localbg():
        labels = spots.label(mask, foreground, fill_holes=False, split=False)
        table = spots.measure_spots(labels, image, foreground, background)
        return {name: table[name] for name in ("core_area", "max", "mean", "y", "x")}

    def scikit_image():
        labels = measure.label(mask, connectivity=2)
        stack = np.stack([image, foreground], axis=-1)
        properties = ("area", "intensity_max", "intensity_mean", "centroid_weighted")
        table = measure.regionprops_table(labels, stack, properties=properties)
        return {
            "core_area": table["area"],
            "max": table["intensity_max-0"],
            "mean": table["intensity_mean-0"],
            "y": table["centroid_weighted-0-1"],
            "x": table["centroid_weighted-1-1"],
        }

    return {"localbg": localbg, "scikit-image": scikit_image}
