"""Make the reference images of this folder with ImageJ.

python tests/imagej/make_references.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from imagej_process import ImageJ

FOLDER = Path(__file__).resolve().parent
DATA = FOLDER.parent.parent / "data"
# Neither side is a multiple of the 2, 4 or 8 by which the rolling ball shrinks an image.
CROPS = {
    "cell": (slice(70, 153), slice(85, 182)),
    "disc_noisy": (slice(30, 113), slice(90, 187)),
}
SIZES = {
    "median": (2, 5, 7.5, 15),
    "opening": (2, 5, 7.5, 15),
    "closing": (2, 5, 7.5, 15),
    "gaussian": (2, 8),
    "rolling_ball": (5, 12, 40, 120),
    "rolling_ball_light": (5, 12, 40, 120),
}
CASES = [
    (name, operation, size)
    for name in CROPS
    for operation, sizes in SIZES.items()
    for size in sizes
]


def crop(name: str) -> np.ndarray:
    """Part of a shipped image: what ImageJ was given."""
    return tifffile.imread(DATA / f"{name}.tif")[CROPS[name]]


def path_of(name: str, operation: str, size: float, folder: Path = FOLDER) -> Path:
    """Where ImageJ's answer is."""
    return folder / f"{name}__{operation}_{size}.tif"


def make(folder: Path = FOLDER) -> str:
    """Filter the crops with ImageJ, write its answers compressed; returns ImageJ's version."""
    with ImageJ() as imagej:
        for case in CASES:
            name, operation, size = case
            result, _ = imagej.run(crop(name), operation, size)
            options = {"compression": "zlib", "predictor": True, "rowsperstrip": len(result)}
            tifffile.imwrite(
                path_of(*case, folder),
                result,
                metadata=None,
                compressionargs={"level": 9},
                software=False,
                **options,
            )
        return imagej.version


if __name__ == "__main__":
    print(f"made {len(CASES)} images with ImageJ {make()}")
