"""The filters of localbg and of the tools they are measured against, behind one call each.

Every tool is asked for the same operation in the way its documentation tells, with one thread.
Tools that are not installed are left out.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage import filters, morphology, restoration

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "imagej")]

from imagej_process import ImageJ, what_is_missing  # noqa: E402

from localbg.backgrounds.rolling_ball import rolling_ball  # noqa: E402
from localbg.filters.footprint import half_widths  # noqa: E402
from localbg.filters.gaussian_filter import gaussian  # noqa: E402
from localbg.filters.median_filter import median  # noqa: E402
from localbg.filters.min_max import dilate, erode  # noqa: E402

OPERATIONS = ("median", "tophat", "gaussian", "rolling_ball")
DTYPES = ("uint8", "uint16", "float32")
# Every sum over a Gaussian reaches this many sigma to either side.
REACH = 4
WARM_UPS = 15

disk = functools.cache(morphology.disk)


def _same(image):
    return image


@dataclass(frozen=True)
class Tool:
    """One tool's way to do one operation.

    Attributes
    ----------
    name : str
    call : callable
        From an image and a radius (or sigma) to the result; this is timed.
    note : str
        How its definition differs from ours; empty where it does not.
    dtypes : tuple of str
        What it takes.
    prepare, finish : callable
        Between arrays and the tool's own kind of image; not timed.
    reference : str
        Our variant that its result is held against.
    """

    name: str
    call: Callable
    note: str = ""
    dtypes: tuple[str, ...] = DTYPES
    prepare: Callable = _same
    finish: Callable = _same
    reference: str = "disk"

    def run(self, image: np.ndarray, radius: float) -> tuple[float, np.ndarray]:
        """Filter once; returns seconds and the result."""
        given = self.prepare(image)
        start = time.perf_counter()
        result = self.call(given, radius)
        return time.perf_counter() - start, self.finish(result)


@dataclass(frozen=True)
class JavaTool(Tool):
    """ImageJ, which measures its time itself; ``call`` is unused."""

    process: ImageJ | None = None
    operation: str = ""

    def run(self, image: np.ndarray, radius: float) -> tuple[float, np.ndarray]:
        """Filter once; returns seconds and the result."""
        result, milliseconds = self.process.run(image, self.operation, radius)
        return milliseconds[0] / 1000, result

    def warm_up(self) -> None:
        """Filter small images until Java has compiled what it runs."""
        for dtype in DTYPES:
            self.process.run(np.zeros((256, 256), dtype), self.operation, 5, runs=WARM_UPS)


def our_filter(operation: str, footprint: str = "disk", threads: int = 1) -> Callable:
    """Our filter for an operation: a function of an image and a radius."""

    def tophat(image, radius):
        widths = half_widths(radius, footprint)
        opened = dilate(erode(image, widths, threads=threads), widths, threads=threads)
        return image - opened

    return {
        "median": lambda image, r: median(image, half_widths(r, footprint), threads=threads),
        "tophat": tophat,
        "gaussian": lambda image, sigma: gaussian(image, sigma, threads=threads),
        "rolling_ball": lambda image, r: rolling_ball(image, radius=r, threads=threads),
    }[operation]


def _copy(image, radius):
    return image.copy()


def our_tools(operation: str) -> list[Tool]:
    """Our filter with one thread and with two, and a plain copy of the image."""
    return [
        Tool("localbg", our_filter(operation)),
        Tool("localbg 2 threads", our_filter(operation, threads=2)),
        Tool("copy", _copy),
    ]


def _scikit_image(operation):
    options = {"mode": "nearest"}
    if operation == "median":
        yield Tool("scikit-image", lambda image, r: filters.median(image, disk(r), **options))
        yield Tool(
            "scikit-image rank",
            lambda image, r: filters.rank.median(image, disk(r)),
            "cuts the footprint off at the border",
            ("uint8", "uint16"),
        )
    elif operation == "tophat":
        yield Tool(
            "scikit-image", lambda image, r: morphology.white_tophat(image, disk(r), **options)
        )
    elif operation == "gaussian":
        options |= {"truncate": REACH, "preserve_range": True}
        yield Tool("scikit-image", lambda image, s: filters.gaussian(image, s, **options))
    else:
        yield Tool(
            "scikit-image",
            lambda image, r: restoration.rolling_ball(image, radius=r, workers=1),
            "a whole ball on the whole image; ImageJ's and ours shrink the image, trim the ball",
        )


def _scipy(operation):
    options = {"mode": "nearest"}
    if operation == "median":
        yield Tool(
            "scipy", lambda image, r: ndimage.median_filter(image, footprint=disk(r), **options)
        )
    elif operation == "tophat":
        yield Tool(
            "scipy",
            lambda image, r: image - ndimage.grey_opening(image, footprint=disk(r), **options),
        )
    elif operation == "gaussian":
        options |= {"truncate": REACH, "output": np.float32}
        yield Tool("scipy", lambda image, s: ndimage.gaussian_filter(image, s, **options))


def _opencv(operation):
    import cv2

    cv2.setNumThreads(1)
    if operation == "median":
        yield Tool(
            "OpenCV",
            lambda image, r: cv2.medianBlur(image, 2 * r + 1),
            "a square of 2 r + 1 pixels, not a disc; uint8 only",
            ("uint8",),
        )
    elif operation == "tophat":
        yield Tool("OpenCV", lambda image, r: cv2.morphologyEx(image, cv2.MORPH_TOPHAT, disk(r)))
    elif operation == "gaussian":

        def blur(image, sigma):
            size = (2 * REACH * sigma + 1,) * 2
            edges = cv2.BORDER_REPLICATE
            return cv2.GaussianBlur(image.astype(np.float32), size, sigma, borderType=edges)

        yield Tool("OpenCV", blur)


def _simpleitk(operation):
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    tool = functools.partial(
        Tool, "SimpleITK", prepare=sitk.GetImageFromArray, finish=sitk.GetArrayFromImage
    )
    if operation == "median":
        yield tool(
            lambda image, r: sitk.Median(image, [r, r]), "a square of 2 r + 1 pixels, not a disc"
        )
    elif operation == "tophat":
        yield tool(
            lambda image, r: (
                image - sitk.GrayscaleMorphologicalOpening(image, [r, r], sitk.sitkBall)
            ),
            "its ball is a larger disc: 97 pixels at r = 5, ours 81",
        )
    elif operation == "gaussian":
        yield tool(
            lambda image, sigma: sitk.SmoothingRecursiveGaussian(
                sitk.Cast(image, sitk.sitkFloat32), float(sigma)
            ),
            "a recursive filter, which approximates the Gaussian",
        )


def _imagej(operation, process):
    notes = {
        "median": "held against ours with footprint='imagej'",
        "tophat": "minimum, maximum, difference; held against ours with footprint='imagej'",
        "gaussian": "shrinks the image where sigma is large",
        "rolling_ball": "",
    }
    tool = JavaTool(
        "ImageJ", _copy, notes[operation], reference="imagej", process=process, operation=operation
    )
    tool.warm_up()
    yield tool


class Peers(contextlib.ExitStack):
    """The tools that are installed here, as a context manager.

    Parameters
    ----------
    only : list of str, optional
        Names of the tools that are wanted.

    Attributes
    ----------
    versions : dict of str to str
        Of each tool that takes part.
    absent : list of str
        Tools that are left out, and why.
    """

    def __init__(self, only: list[str] | None = None):
        super().__init__()
        self._only = only
        packages = {"scikit-image": _scikit_image, "scipy": _scipy}
        self.absent = []
        for module, package, makes in [
            ("cv2", "opencv-python-headless", _opencv),
            ("SimpleITK", "SimpleITK", _simpleitk),
        ]:
            try:
                importlib.import_module(module)
                packages[package] = makes
            except ImportError:
                self.absent.append(f"{package}: not installed (envs/requirements-benchmarks.txt)")
        self._makers = list(packages.values())
        self.versions = {name: importlib.metadata.version(name) for name in packages}
        if missing := what_is_missing():
            self.absent.append(missing)
        else:
            process = self.enter_context(ImageJ(threads=1, memory="6g"))
            self._makers.append(functools.partial(_imagej, process=process))
            self.versions["ImageJ"] = process.version
        # scikit-image warns that 12-bit images have many levels.
        warnings.filterwarnings("ignore", message="Bad rank filter performance")

    def tools(self, operation: str) -> list[Tool]:
        """What there is for an operation, without ours."""
        found = [tool for make in self._makers for tool in make(operation)]
        return [tool for tool in found if self._only is None or tool.name in self._only]
