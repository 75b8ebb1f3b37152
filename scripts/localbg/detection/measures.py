"""What is measured of a spot."""

# In the order of the columns of spots.csv; what each means stands in `localbg.io.columns`.
MEASURES = (
    *("spot", "y", "x", "core_area", "max", "mean", "foreground_max", "foreground_sum"),
    *("background_mean", "snr", "touches_border", "fwhm", "fwhm_um", "likeness", "flags"),
)
