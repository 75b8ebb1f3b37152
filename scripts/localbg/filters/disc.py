"""Projections of the image around many places onto four templates."""

from __future__ import annotations

import numpy as np

from localbg.filters.compiled import compiled


def projections(
    image: np.ndarray, places: np.ndarray, offsets: np.ndarray, templates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scalar products of the image around places with templates, and its own square.

    Parameters
    ----------
    image : ndarray, 2-D, uint8, uint16 or float32
        Other types are taken as float32. Edges are repeated.
    places : ndarray of int64, shape (n, 2)
        Pixels y, x inside the image.
    offsets : ndarray of int64, shape (k, 2)
        From a place to the pixels that count.
    templates : ndarray of float64, shape (4, k)

    Returns
    -------
    products : ndarray of float64, shape (n, 4)
    squares : ndarray of float64, shape (n,)
        Sums of squares.

    Notes
    -----
    The grey level of the place itself is subtracted from all, so that a large offset costs no
    precision. Costs 5 ns per place and pixel.
    """
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        image = image.astype(np.float32)
    products = np.zeros((len(places), len(templates)))
    squares = np.zeros(len(places))
    _project(
        np.ascontiguousarray(image),
        np.ascontiguousarray(places, np.int64),
        np.ascontiguousarray(offsets, np.int64),
        np.ascontiguousarray(np.asarray(templates, float).T),
        products,
        squares,
    )
    return products, squares


@compiled(
    *(
        f"({kind}[:, ::1], int64[:, ::1], int64[:, ::1], float64[:, ::1], float64[:, ::1], "
        "float64[::1])"
        for kind in ("uint8", "uint16", "float32")
    )
)
def _project(image, places, offsets, templates, products, squares):
    last_y, last_x = image.shape[0] - 1, image.shape[1] - 1
    for i in range(places.shape[0]):
        y, x = places[i, 0], places[i, 1]
        centre = np.float64(image[y, x])
        # Scalars, as sums in an array would be written to memory at each pixel.
        square, first, second, third, fourth = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(offsets.shape[0]):
            row = min(max(y + offsets[k, 0], 0), last_y)
            column = min(max(x + offsets[k, 1], 0), last_x)
            value = np.float64(image[row, column]) - centre
            square += value * value
            first += value * templates[k, 0]
            second += value * templates[k, 1]
            third += value * templates[k, 2]
            fourth += value * templates[k, 3]
        squares[i] = square
        products[i, 0], products[i, 1] = first, second
        products[i, 2], products[i, 3] = third, fourth
