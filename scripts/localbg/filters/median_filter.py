"""Median over a round footprint."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from localbg.core.checks import require_plane
from localbg.filters.compiled import compiled, in_bands

# Rows that slide along together, one histogram each: as many 16-bit numbers as a 256-bit register.
LANES = 16
# Levels that a histogram tells apart at most. A level is stored as LANES times itself, in 16 bits.
LEVELS = 65536 // LANES
# Rows of a tile, whose pixels share one table of levels.
TILE = 64
# Neighbours in sorted order that make a level where there are more grey levels than LEVELS: fewer
# and the pointer has more levels to walk, more and there are more to choose from in the end.
GROUP = 48


def median(image: np.ndarray, widths: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Median over a footprint, exact for every dtype.

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
    Costs O(r) per pixel: a histogram of the pixels under the footprint slides along the row, and a
    pointer follows its median [1]_. Sixteen rows slide together. Their pixels lie side by side, so
    one instruction compares sixteen of them with sixteen medians, and increments that follow each
    other never meet in the same place of memory.

    A histogram has 4096 levels. Where the pixels of a tile span no more grey levels than that, the
    levels are grey levels. Elsewhere (full 16-bit range, floats) the tile's pixels are sorted and a
    level is a few of them next to each other in that order; which of those few is the median is
    looked up at the end. Both ways are exact; the second takes up to twice as long.

    Working memory is a few tiles a thread, whatever the size of the image.

    References
    ----------
    .. [1] Huang, Yang, Tang, A fast two-dimensional median filtering algorithm, IEEE Trans. ASSP
       27, 1979, doi 10.1109/TASSP.1979.1163188.
    """
    require_plane(image)
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(f"expected uint8, uint16 or float32, found {image.dtype}")
    widths = np.ascontiguousarray(widths, np.int64)
    grey = np.ascontiguousarray(image)
    if image.dtype == np.float32:
        grey = _ordered(grey.view(np.uint32))
    result = np.empty_like(grey)
    in_bands(lambda *rows: _filter_band(grey, widths, result, *rows), len(grey), threads, TILE)
    return result if image.dtype != np.float32 else _unordered(result).view(np.float32)


def _ordered(bits):
    # As whole numbers, the bits of positive floats are in order, those of negative ones reversed.
    return bits ^ np.where(bits >> 31, np.uint32(0xFFFFFFFF), np.uint32(0x80000000))


def _unordered(bits):
    return bits ^ np.where(bits >> 31, np.uint32(0x80000000), np.uint32(0xFFFFFFFF))


def _filter_band(image, widths, result, start, stop):
    width = image.shape[1]
    reach = len(widths) // 2
    for top in range(start, stop, TILE):
        bottom = min(top + TILE, stop)
        # A tile should fit in the cache, and one that is sorted should hold few pixels.
        breadth = 16 * TILE
        if _span(image[max(top - reach, 0) : bottom + reach])[1] >= LEVELS:
            breadth = TILE if reach < 10 else 4 * TILE
        for left in range(0, width, breadth):
            _filter_tile(image, widths, top, left, result[top:bottom, left : left + breadth])


def _filter_tile(image, widths, top, left, out):
    reach = len(widths) // 2
    area = int((2 * widths + 1).sum())
    rows = slice(max(top - reach, 0), top + out.shape[0] + reach)
    columns = slice(max(left - reach, 0), left + out.shape[1] + reach)
    low, span = _span(image[rows, columns])
    # Whole groups of lanes: below the image, its last row is repeated.
    rows = -(-out.shape[0] // LANES) * LANES
    levels = np.empty((out.shape[1] + 2 * reach, rows + 2 * reach), np.uint16)
    medians = np.empty(out.shape, np.uint16)
    below = np.empty(out.shape, np.uint16 if area < 65536 else np.uint32)
    if span < LEVELS:
        _count_levels(image, top - reach, left - reach, low, levels)
        histogram = np.empty((span + 1) * LANES, below.dtype)
        _slide(levels, widths, area // 2, histogram, medians, below)
        np.add(medians, out.dtype.type(low), out=out, casting="unsafe")
    else:
        order = _sorted_tile(image, top - reach, left - reach, levels)
        group = max(GROUP, -(-levels.size // LEVELS))
        _rank_levels(order, group, levels)
        histogram = np.empty(-(-levels.size // group) * LANES, below.dtype)
        _slide(levels, widths, area // 2, histogram, medians, below)
        # The footprint is round: a pixel is in it if dy² + dx² is no more than this.
        square = int((widths**2 + np.arange(-reach, reach + 1) ** 2).max())
        _look_up(image, order, group, reach, square, medians, below, area // 2, top, left, out)


def _span(pixels):
    low = int(pixels.min())
    return low, int(pixels.max()) - low


@intrinsic
def _tally(context, levels, entering, leaving, medians, below):
    """Count for every lane how many pixels below its median enter and leave."""

    def generate(target, builder, signature, arguments):
        def load(index, place=None):
            return builder.load(
                _lanes(target, builder, signature, arguments, index, place), align=1
            )

        median = load(3)
        counters = _lanes(target, builder, signature, arguments, 4)
        change = builder.sub(
            builder.sext(builder.icmp_unsigned("<", load(0, arguments[2]), median), _vector(16)),
            builder.sext(builder.icmp_unsigned("<", load(0, arguments[1]), median), _vector(16)),
        )
        kind = counters.type.pointee
        change = change if kind == _vector(16) else builder.sext(change, kind)
        builder.store(builder.add(load(4), change), counters, align=1)
        return target.get_dummy_value()

    return types.void(levels, entering, leaving, medians, below), generate


@intrinsic
def _settle(context, histogram, medians, below, half):
    """Move the median of every lane by one level where it has to move; tell whether one moved."""

    def generate(target, builder, signature, arguments):
        def lanes(index):
            return _lanes(target, builder, signature, arguments, index)

        medians, counters = lanes(1), lanes(2)
        median, below = builder.load(medians, align=1), builder.load(counters, align=1)
        half = _filled(builder, below.type, builder.trunc(arguments[3], below.type.element))
        step = ir.Constant(_vector(16), [LANES] * LANES)
        down = builder.icmp_unsigned(">", below, half)
        passed = builder.select(down, builder.sub(median, step), median)
        count = ir.Constant(below.type, ir.Undefined)
        for lane in range(LANES):
            # Written out, as not all processors gather from sixteen places.
            number = ir.Constant(ir.IntType(32), lane)
            place = builder.zext(builder.extract_element(passed, number), ir.IntType(64))
            place = builder.add(place, ir.Constant(ir.IntType(64), lane))
            data = _data(target, builder, signature, arguments, 0)
            count = builder.insert_element(count, builder.load(builder.gep(data, [place])), number)
        through = builder.add(below, count)
        up = builder.and_(builder.not_(down), builder.icmp_unsigned("<=", through, half))
        builder.store(builder.select(up, builder.add(median, step), passed), medians, align=1)
        stay = builder.select(up, through, below)
        builder.store(builder.select(down, builder.sub(below, count), stay), counters, align=1)
        moved = builder.bitcast(builder.or_(down, up), ir.IntType(LANES))
        return builder.icmp_unsigned("!=", moved, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(histogram, medians, below, half), generate


@intrinsic
def _inside(context, places, start, x, y, square):
    """Which of sixteen places (column << 16 | row) are within a circle: one bit each."""

    def generate(target, builder, signature, arguments):
        def filled(value):
            return _filled(builder, _vector(32), builder.trunc(value, ir.IntType(32)))

        place = builder.load(
            _lanes(target, builder, signature, arguments, 0, arguments[1]), align=1
        )
        half = ir.Constant(_vector(32), [16] * LANES)
        dx = builder.sub(builder.lshr(place, half), filled(arguments[2]))
        dy = builder.lshr(builder.shl(place, half), half)
        dy = builder.sub(dy, filled(arguments[3]))
        distance = builder.add(builder.mul(dx, dx), builder.mul(dy, dy))
        near = builder.icmp_unsigned("<=", distance, filled(arguments[4]))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(places, start, x, y, square), generate


@intrinsic
def _ones(context, bits):
    """How many bits are set."""
    return types.int64(bits), lambda target, builder, signature, arguments: builder.ctpop(
        *arguments
    )


@intrinsic
def _zeros_below(context, bits):
    """Number of the lowest bit that is set."""

    def generate(target, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(bits), generate


def _vector(width):
    return ir.VectorType(ir.IntType(width), LANES)


def _data(target, builder, signature, arguments, index):
    array = target.make_array(signature.args[index])(target, builder, arguments[index])
    return array.data


def _lanes(target, builder, signature, arguments, index, place=None):
    data = _data(target, builder, signature, arguments, index)
    data = data if place is None else builder.gep(data, [place])
    return builder.bitcast(data, _vector(data.type.pointee.width).as_pointer())


def _filled(builder, kind, value):
    vector = ir.Constant(kind, ir.Undefined)
    for lane in range(LANES):
        vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
    return vector


@compiled(
    *(
        f"(uint16[:, ::1], int64[::1], int64, {counter}[::1], uint16[:, ::1], {counter}[:, ::1])"
        for counter in ("uint16", "uint32")
    )
)
def _slide(levels, widths, half, histogram, medians, below):
    """Levels of the medians, and how many pixels under the footprint are of lower levels."""
    rows = np.uint64(levels.shape[1])
    flat = levels.ravel()
    span = len(widths)
    reach = span // 2
    one = histogram.dtype.type(1)
    median = np.empty(LANES, np.uint16)
    count = np.empty(LANES, histogram.dtype)
    for top in range(0, medians.shape[0], LANES):
        histogram[:] = 0
        median[:] = 0
        count[:] = 0
        for row in range(span):
            for column in range(reach - widths[row], reach + widths[row] + 1):
                place = np.uint64(column) * rows + np.uint64(top + row)
                for lane in range(np.uint64(LANES)):
                    histogram[np.uint64(flat[place + lane]) + lane] += one
        for x in range(medians.shape[1]):
            if x:
                for row in range(span):
                    entering = np.uint64(x + reach + widths[row]) * rows + np.uint64(top + row)
                    leaving = np.uint64(x + reach - widths[row] - 1) * rows + np.uint64(top + row)
                    _tally(flat, entering, leaving, median, count)
                    for lane in range(np.uint64(LANES)):
                        histogram[np.uint64(flat[entering + lane]) + lane] += one
                        histogram[np.uint64(flat[leaving + lane]) + lane] -= one
            while _settle(histogram, median, count, half):
                pass
            for lane in range(min(LANES, medians.shape[0] - top)):
                medians[top + lane, x] = median[lane] // np.uint16(LANES)
                below[top + lane, x] = count[lane]


@compiled(
    "(uint8[:, ::1], int64, int64, int64, uint16[:, ::1])",
    "(uint16[:, ::1], int64, int64, int64, uint16[:, ::1])",
    "(uint32[:, ::1], int64, int64, int64, uint16[:, ::1])",
)
def _count_levels(image, top, left, low, levels):
    """Levels of a tile: grey levels above the lowest. A level is stored as LANES times itself."""
    height, width = image.shape
    for column in range(levels.shape[0]):
        x = min(max(left + column, 0), width - 1)
        for row in range(levels.shape[1]):
            y = min(max(top + row, 0), height - 1)
            levels[column, row] = (np.int64(image[y, x]) - low) * LANES


@compiled(
    "(uint16[:, ::1], int64, int64, uint16[:, ::1])",
    "(uint32[:, ::1], int64, int64, uint16[:, ::1])",
)
def _sorted_tile(image, top, left, levels):
    """Places (column << 16 | row) of a tile's pixels by grey level: radix sort, 11 bits at once."""
    height, width = image.shape
    columns, rows = levels.shape
    keys = np.empty(columns * rows, image.dtype)
    places = np.empty(columns * rows, np.uint32)
    k = 0
    for column in range(columns):
        x = min(max(left + column, 0), width - 1)
        for row in range(rows):
            keys[k] = image[min(max(top + row, 0), height - 1), x]
            places[k] = column << 16 | row
            k += 1
    other_keys = np.empty_like(keys)
    other_places = np.empty_like(places)
    starts = np.empty(2048, np.int64)
    for shift in range(0, 8 * keys.itemsize, 11):
        starts[:] = 0
        for key in keys:
            starts[key >> shift & 2047] += 1
        total = 0
        for digit in range(2048):
            total, starts[digit] = total + starts[digit], total
        for k in range(keys.size):
            digit = keys[k] >> shift & 2047
            other_keys[starts[digit]] = keys[k]
            other_places[starts[digit]] = places[k]
            starts[digit] += 1
        keys, other_keys = other_keys, keys
        places, other_places = other_places, places
    # What is looked up in groups may reach beyond the last: to a place far outside.
    order = np.full(places.size + LANES, 0xFFFFFFFF, np.uint32)
    order[: places.size] = places
    return order


@compiled("(uint32[::1], int64, uint16[:, ::1])")
def _rank_levels(order, group, levels):
    """Levels of a tile: ``group`` pixels in sorted order share one."""
    size = order.size - LANES
    for start in range(0, size, group):
        for k in range(start, min(start + group, size)):
            levels[order[k] >> 16, order[k] & 65535] = start // group * LANES


@compiled(
    *(
        f"({pixel}[:, ::1], uint32[::1], int64, int64, int64, uint16[:, ::1],"
        f" {counter}[:, ::1], int64, int64, int64, {pixel}[:, :])"
        for pixel in ("uint16", "uint32")
        for counter in ("uint16", "uint32")
    )
)
def _look_up(image, order, group, reach, square, medians, below, half, top, left, out):
    """Of the pixels of a median's level, the one that is the median."""
    height, width = image.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            # Coordinates in the tile, of the median's pixel in the end.
            missing = half - np.int64(below[y, x])
            k = np.int64(medians[y, x]) * group
            inside = _inside(order, k, x + reach, y + reach, square)
            while missing >= _ones(inside):
                missing -= _ones(inside)
                k += LANES
                inside = _inside(order, k, x + reach, y + reach, square)
            for _ in range(missing):
                inside &= inside - 1
            place = order[k + _zeros_below(inside)]
            row = min(max(top + np.int64(place & 65535) - reach, 0), height - 1)
            column = min(max(left + np.int64(place >> 16) - reach, 0), width - 1)
            out[y, x] = image[row, column]
