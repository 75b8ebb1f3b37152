"""What is measured of a spot."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Spot:
    """A row of spots.csv; more on each column in `localbg.io.columns`.

    Attributes
    ----------
    spot : int
        Its number, and its grey level in the image of labels.
    y, x : float
        Centroid in pixels, weighted by the foreground.
    core_area : int
        Pixels of the label: the core above the threshold, not the size of the spot.
    max, mean : float
        Of the raw image, in grey levels.
    foreground_max, foreground_sum : float
        Grey levels.
    background_mean : float
        Grey levels.
    snr : float
        Highest foreground above its level, in noise standard deviations; NaN without noise.
    touches_border : bool
    fwhm, fwhm_um : float
        Full width at half maximum in pixels, NaN where it can't be measured, and in µm, NaN where
        the pixel size is unknown.
    likeness : float
        Cosine between the raw image there and a Gaussian spot, from -1 to 1.
    flags : str
        What is odd about it, joined by "; ".
    """

    spot: int
    y: float
    x: float
    core_area: int
    max: float
    mean: float
    foreground_max: float
    foreground_sum: float
    background_mean: float
    snr: float
    touches_border: bool
    fwhm: float
    fwhm_um: float
    likeness: float
    flags: str


# The columns of spots.csv, in order.
MEASURES = tuple(field.name for field in fields(Spot))
