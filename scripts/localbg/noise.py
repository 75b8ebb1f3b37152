"""Level and noise of a foreground, robust against the spots in it."""

from __future__ import annotations

import numpy as np

# Quantiles of |N(0, 1)|: they turn an absolute deviation into a standard deviation.
HALF_NORMAL = {0.5: 0.6744897501960817, 0.95: 1.9599639845400545}


def noise_level(foreground: np.ndarray, *, grey_step: float = 0.0) -> tuple[float, float]:
    """Where a foreground lies without spots, and how far it scatters.

    Parameters
    ----------
    foreground : ndarray of float32
        Spots are positive.
    grey_step : float
        Smallest difference between grey levels of the raw image: 1 for integers, 0 for floats.

    Returns
    -------
    level : float
        Median, in grey levels.
    noise : float
        Standard deviation, in grey levels: the largest of three estimates.

    Notes
    -----
    1. The median absolute deviation of the pixels that differ from the level. The plain median
       absolute deviation is 0 as soon as half of the pixels are equal, as in a clipped
       foreground or around a cropped cell.
    2. The 95 % quantile of all absolute deviations. Where a twentieth of the image or more is
       textured, that texture is what spots must stand out from.
    3. The noise of rounding to whole grey levels, ``grey_step / sqrt(12)``.

    On pure Gaussian noise the first two agree with its standard deviation. Spots that cover more
    than a twentieth of the image raise the second. Costs a partial sort of the pixels.
    """
    level = float(np.median(foreground))
    deviation = np.abs(foreground - np.float32(level))
    scattered = deviation[deviation > 0]
    estimates = [grey_step * 12**-0.5, float(np.quantile(deviation, 0.95)) / HALF_NORMAL[0.95]]
    if scattered.size:
        estimates.append(float(np.median(scattered)) / HALF_NORMAL[0.5])
    return level, max(estimates)
