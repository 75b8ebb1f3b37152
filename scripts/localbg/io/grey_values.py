"""Turn the numbers of a file into those that the chain takes, without a silent loss."""

from __future__ import annotations

import os

import numpy as np

from localbg.io.tiff_structure import ImageError

# Rounding may move a pixel by so much of what nearly all neighbours that differ differ by at most:
# 0.2 standard deviations of white noise.
MOST_ROUNDING = 0.1
SHARE_OF_DIFFERENCES = 90  # percentile
MOST_ROWS_COMPARED = 512


def supported(plane: np.ndarray, path: str | os.PathLike) -> np.ndarray:
    """Keep uint8 and uint16; turn other real numbers into float32.

    Parameters
    ----------
    plane : ndarray, 2-D
    path : path
        For messages.

    Returns
    -------
    ndarray, 2-D, uint8, uint16 or float32
        In C order.

    Raises
    ------
    ImageError
        If pixels are NaN, infinite or complex, or if float32 cannot hold their differences.
    """
    if plane.dtype == np.bool_:
        return plane.astype(np.uint8)
    if plane.dtype.kind not in "uif":
        raise ImageError(f"{path} has pixels of type {plane.dtype}; expected whole or real numbers")
    if plane.dtype.kind == "f":
        bad = plane.size - np.count_nonzero(np.isfinite(plane))
        if bad == plane.size:
            raise ImageError(f"{path}: all pixels are NaN or infinite")
        if bad:
            raise ImageError(f"{path}: {bad} of {plane.size} pixels are NaN or infinite")
    native = plane.dtype.newbyteorder("=")
    if native in (np.uint8, np.uint16):
        return np.ascontiguousarray(plane, native)
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(plane, np.float32)
    if native.itemsize > 2 and native != np.float32:
        _require_differences(np.asarray(plane, native), rounded, path)
    return rounded


def _require_differences(plane, rounded, path):
    """Refuse numbers whose differences are lost in float32.

    Lost means that rounding moves a pixel by more than a tenth of the 90th percentile of the
    differences between neighbours in a row or column, of those that differ at all. Of large images
    evenly spaced rows are compared.
    """
    if not plane.size:
        return
    low, high = plane.min(), plane.max()
    error = np.abs(rounded.astype(np.float64) - plane.astype(np.float64)).max()
    if plane.dtype.kind in "iu" and max(-int(low), int(high)) > 2**53:
        error = _spacing(low, high) / 2  # there 64-bit floats are inexact themselves
    if error == 0:
        return
    step = max(1, len(plane) // MOST_ROWS_COMPARED)
    # Whole numbers of 64 bits are exact only as differences.
    shifted = (plane - low).astype(np.float64) if plane.dtype.kind == "u" else plane
    if plane.dtype.kind == "i":
        shifted = (plane.astype(np.uint64) - np.uint64(int(low) % 2**64)).astype(np.float64)
    pairs = [np.abs(np.diff(shifted[::step], axis=1)).ravel()]
    pairs.append(np.abs(shifted[1::step] - shifted[:-1:step]).ravel())
    differences = np.concatenate(pairs)
    differences = differences[differences > 0]
    typical = np.percentile(differences, SHARE_OF_DIFFERENCES) if differences.size else np.inf
    if not np.isfinite(error) or error > MOST_ROUNDING * typical:
        raise ImageError(
            f"{path} has pixels of type {plane.dtype} from {low:.10g} to {high:.10g}, in which "
            f"neighbours differ by {typical:.3g} or less, but 32-bit floats there are "
            f"{_spacing(low, high):.3g} apart: the differences would be lost. Subtract the offset "
            f"(such as {low:.10g}) and save the image as 32-bit floats or 16 bits"
        )


def _spacing(low, high):
    """Distance of neighbouring 32-bit floats at the largest magnitude; infinite beyond them."""
    with np.errstate(over="ignore"):
        return float(np.spacing(np.float32(max(abs(float(low)), abs(float(high))))))
