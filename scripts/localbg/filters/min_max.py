"""Minimum and maximum over a round footprint: erosion and dilation."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from localbg.core.checks import require_plane
from localbg.filters.compiled import compiled, in_bands

# Columns that are worked on together, so that all rows under the footprint stay in the cache.
BREADTH = 1024
# Bytes that the registers hold while the rows under the footprint go by.
BLOCK = 256


def erode(image: np.ndarray, widths: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Minimum over a footprint.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
    widths : ndarray of int
        Half-widths of the footprint's rows, from `localbg.filters.footprint.half_widths`.
    threads : int
        The result is the same for any number.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    ValueError
        If the image is not 2-D, is empty, or has values that are not finite.
    TypeError
        If it has another dtype.

    Notes
    -----
    Minima of 2, 4, 8, ... neighbours in a row are made by doubling, once a row. Of two that overlap
    comes the minimum of any longer run [1]_, so a pixel costs two comparisons for each row of the
    footprint, sixteen or more pixels at a time. Rows of the same width are joined in the same way.
    Working memory does not grow with the image.

    References
    ----------
    .. [1] van Droogenbroeck and Talbot, Fast computation of morphological operations with
       arbitrary structuring elements, Pattern Recognition Letters 17, 1996,
       doi 10.1016/S0167-8655(96)00113-7.
    """
    return _extreme(image, widths, threads, turned=False)


def dilate(image: np.ndarray, widths: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Maximum over a footprint; the twin of `erode`."""
    return _extreme(image, widths, threads, turned=True)


def _extreme(image, widths, threads, turned):
    require_plane(image)
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(f"expected uint8, uint16 or float32, found {image.dtype}")
    image = np.ascontiguousarray(image)
    widths = np.ascontiguousarray(widths, np.int64)
    result = np.empty_like(image)
    # A maximum is the minimum of the image turned over, `offset` less the image. In unsigned
    # arithmetic, which goes round, the sign is the largest number.
    one, zero = image.dtype.type(1), image.dtype.type(0)
    sign, offset = one, zero
    if turned:
        sign = -one if image.dtype == np.float32 else np.iinfo(image.dtype).max * one
        offset = zero if image.dtype == np.float32 else sign

    def band(start, stop):
        _lowest(image, widths, offset, sign, result, start, stop)

    in_bands(band, len(image), threads)
    return result


@intrinsic
def _lowest_of(context, runs, first, second, x, result):
    """Lowest of pairs of runs, for a block of pixels that stays in registers until all are seen."""

    def generate(target, builder, signature, arguments):
        def data(index):
            array = target.make_array(signature.args[index])
            return array(target, builder, arguments[index]).data

        pixel = data(0).type.pointee
        kind = ir.VectorType(pixel, BLOCK // target.get_abi_sizeof(pixel))

        def block(starts, number):
            place = builder.add(builder.load(builder.gep(starts, [number])), arguments[3])
            address = builder.bitcast(builder.gep(data(0), [place]), kind.as_pointer())
            return builder.load(address, align=1)

        def lower(one, other):
            compare = builder.icmp_unsigned if "int" in str(runs.dtype) else builder.fcmp_ordered
            return builder.select(compare("<", one, other), one, other)

        size = target.make_array(signature.args[1])(target, builder, arguments[1]).nitems
        lowest = cgutils.alloca_once_value(builder, block(data(1), ir.Constant(size.type, 0)))
        with cgutils.for_range(builder, size) as loop:
            pair = lower(block(data(1), loop.index), block(data(2), loop.index))
            builder.store(lower(builder.load(lowest), pair), lowest)
        address = builder.bitcast(builder.gep(data(4), [arguments[3]]), kind.as_pointer())
        builder.store(builder.load(lowest), address, align=1)
        return target.get_dummy_value()

    return types.void(runs, first, second, x, result), generate


@compiled(
    *(
        f"({pixel}[:, ::1], int64[::1], {pixel}, {pixel}, {pixel}[:, ::1], int64, int64)"
        for pixel in ("uint8", "uint16", "float32")
    )
)
def _lowest(image, widths, offset, sign, result, start, stop):
    """Minima over the footprint of ``offset + sign * image``, turned back, for some rows."""
    height, width = image.shape
    span = len(widths)
    reach = span // 2
    parts, steps, tall = _parts(widths)
    # runs[row, step, x] is the minimum of 2**step neighbours of a row, x the first of them; beyond
    # the longest of these, that of 2, 4, ... such runs one above the other, this row the last.
    planes = steps + tall
    breadth = BREADTH + 2 * reach + BLOCK
    runs = np.empty((span, planes, breadth), image.dtype)
    flat = runs.ravel()
    lowest = np.empty(BREADTH + BLOCK, image.dtype)
    first = np.empty(len(parts), np.int64)
    second = np.empty(len(parts), np.int64)
    for left in range(0, width, BREADTH):
        here = min(BREADTH, width - left)
        for y in range(start - reach, stop + reach):
            run = runs[(y + span) % span]
            _load(image[min(max(y, 0), height - 1)], left - reach, here + 2 * reach, run[0])
            for x in range(here + 2 * reach):
                run[0, x] = offset + sign * run[0, x]
            for plane in range(1, planes):
                if plane < steps:
                    above, shift = run[plane - 1], 1 << (plane - 1)
                else:
                    above = runs[(y - (1 << (plane - steps)) + span) % span, plane - 1]
                    shift = 0
                shorter, other, longer = run[plane - 1], above[shift:], run[plane]
                for x in range(here + 2 * reach - shift):
                    longer[x] = shorter[x] if shorter[x] < other[x] else other[x]
            if y < start + reach:
                continue
            for part in range(len(parts)):
                row, plane, before, behind = parts[part]
                slot = ((y - 2 * reach + row + span) % span * planes + plane) * breadth + reach
                first[part] = slot - before
                second[part] = slot + behind
            for x in range(0, here, BLOCK // image.itemsize):
                _lowest_of(flat, first, second, x, lowest)
            # A view of its own, or the loop is not made to do many pixels at once.
            row_of_result = result[y - reach, left : left + here]
            for x in range(here):
                row_of_result[x] = offset + sign * lowest[x]


@njit
def _parts(widths):
    """Cut the footprint into pairs of blocks that overlap, all sides of them powers of two.

    Returns the last row, the plane of `_lowest` and the columns, counted from the middle, where
    the two blocks of each part begin; and the number of planes of runs and of higher blocks.
    """
    steps = 1
    while 2 << (steps - 1) <= 2 * widths.max() + 1:
        steps += 1
    parts = []
    tall = 0
    start = 0
    for row in range(len(widths)):
        step = 0
        while 2 << step <= 2 * widths[row] + 1:
            step += 1
        behind = widths[row] + 1 - (1 << step)
        if row + 1 < len(widths) and widths[row + 1] == widths[row] and step == steps - 1:
            continue
        rows = row + 1 - start
        double = 0
        while 2 << double <= rows:
            double += 1
        tall = max(tall, double)
        parts.append((row, step + double, widths[row], behind))
        if 1 << double < rows:
            parts.append((start + (1 << double) - 1, step + double, widths[row], behind))
        start = row + 1
    return parts, steps, tall


@njit
def _load(source, start, count, target):
    """Copy ``count`` pixels from ``start`` on; beyond the ends, the last one is repeated."""
    width = source.size
    inner = max(start, 0)
    stop = min(start + count, width)
    for x in range(inner - start):
        target[x] = source[0]
    shifted = target[inner - start :]
    for x in range(stop - inner):
        shifted[x] = source[inner + x]
    for x in range(stop - start, count):
        target[x] = source[width - 1]
