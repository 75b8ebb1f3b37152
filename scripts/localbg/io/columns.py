"""The columns of each table: what they mean, their types and units; declared here, once.

A column of one name has one type in all tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

NOISE = "noise SD"
GREY = "grey levels"
DENSITY = "spots per 10,000 px"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    meaning : str
    type : {"text", "int", "float", "number", "bool"}
        A number is an integer or a decimal number, as the image's type has it. An empty cell of
        any but text is an unknown value.
    unit : str
        Empty where the value has none.
    """

    meaning: str
    type: Literal["text", "int", "float", "number", "bool"] = "text"
    unit: str = ""


IMAGE = Column("id of the image")
GROUP = Column("group in the sheet")
METHOD = Column("name of the method")
WHERE = Column("local background: all, flat, slope or bright")
INJECTED = Column("number of injected spots", "int")


def _with_interval(
    name: str, meaning: str, unit: str = "", *, ends: str | None = None
) -> dict[str, Column]:
    """A number and both ends of its 95 % interval, which are called after it or ``ends``."""
    stem = ends or name
    return {
        name: Column(meaning, "float", unit),
        f"{stem}_low": Column(f"95 % interval of `{name}`: lower end", "float", unit),
        f"{stem}_high": Column("its upper end", "float", unit),
    }


# parameters.csv goes on with what the methods' steps take: <step>_<parameter>, sizes in pixels.
COLUMNS: dict[str, dict[str, Column]] = {
    "images": {
        "image": IMAGE,
        "path": Column("its file or address"),
        "status": Column("ok, or failed where no method gave a result"),
        "reason": Column("why it failed, or some of the methods, in words"),
        "shape": Column("size of each axis of the file", unit="px"),
        "axes": Column("names of those axes"),
        "axes_note": Column("where the sheet names other axes than the file does, in words"),
        "dtype": Column("type of the file's pixels"),
        "photometric": Column("what the stored grey levels mean, in TIFF's words"),
        "group": GROUP,
        "pixel_size_um": Column("pixel size, where known", "float", "µm/px"),
        "pixel_size_note": Column("why no pixel size is known, in words"),
        "spot_radius": Column("radius of a spot, as the config or the sheet says", "float", "px"),
        "flags": Column(
            "what is odd about its grey levels, joined by ;: constant, zero, saturated, "
            "few_levels, one_value; empty: nothing"
        ),
        "saturated_fraction": Column(
            "fraction of pixels at the highest grey level, where that is a limit", "float"
        ),
        "commonest_fraction": Column("fraction of pixels at the commonest grey level", "float"),
        "highest_grey": Column("highest grey level", "number", GREY),
        "commonest_grey": Column("commonest grey level", "number", GREY),
        "n_grey_levels": Column("number of different grey levels", "int"),
        "sha256": Column("hash of the file as it was read"),
        "companions": Column(
            "other files that planes were read from, each with its hash, joined by ;"
        ),
    },
    "spots": {
        "image": IMAGE,
        "method": METHOD,
        "spot": Column("number of the spot, as in the label image", "int"),
        "y": Column("row of the centroid, weighted by the foreground", "float", "px"),
        "x": Column("column of the centroid, weighted by the foreground", "float", "px"),
        "core_area": Column(
            "area above the threshold: the core of the spot, not its size", "int", "px"
        ),
        "max": Column("highest raw grey level", "number", GREY),
        "mean": Column("mean raw grey level", "float", GREY),
        "foreground_max": Column("highest foreground", "float", GREY),
        "foreground_sum": Column("sum of the foreground", "float", GREY),
        "background_mean": Column("mean of the background", "float", GREY),
        "snr": Column("highest foreground above its level", "float", NOISE),
        "touches_border": Column("whether the spot touches the image's border", "bool"),
        "fwhm": Column(
            "full width at half maximum on the raw image: 1.67 spot radii of a spot of the given "
            "radius; empty where it cannot be measured",
            "float",
            "px",
        ),
        "fwhm_um": Column("the same, where the pixel size is known", "float", "µm"),
        "likeness": Column(
            "how much the raw image there looks like a spot of the spot radius: 1 exactly, "
            "0 not at all",
            "float",
        ),
        "flags": Column(
            "what is odd about it, joined by ;: narrow (than optics allow: a hot pixel), wide "
            "(out of focus, dirt), saturated, border, crowded; empty: nothing"
        ),
    },
    "counts": {
        "image": IMAGE,
        "group": GROUP,
        "method": METHOD,
        "status": Column("ok or failed"),
        "n_spots": Column("number of spots", "int"),
        "density": Column("density of spots", "float", DENSITY),
        "density_um2": Column(
            "density of spots, where the pixel size is known", "float", "spots/µm²"
        ),
        "spot_radius": Column("radius of a spot, as the config or the sheet says", "float", "px"),
        **_with_interval(
            "measured_radius",
            "radius of a spot as measured on the raw image: median of the strongest spots",
            "px",
        ),
        "narrow": Column(
            "fraction of spots that are narrower than optics allow, as hot pixels are", "float"
        ),
        "wide": Column(
            "fraction of spots that are over twice as wide as the spot radius says", "float"
        ),
        "saturated": Column("fraction of spots that are saturated", "float"),
        "crowded": Column(
            "fraction of spots so close to another that width and sum are shared", "float"
        ),
        "threshold": Column(
            "foreground above which pixels belong to spots; of the rule `matched_filter` the least "
            "amplitude times likeness of a spot; 0 where all that is more than noise counts",
            "float",
            GREY,
        ),
        "decided_by": Column("what set the threshold: rule, min_snr, scope or constant"),
        "level": Column("median of the foreground", "float", GREY),
        "noise": Column("robust standard deviation of the foreground", "float", GREY),
        "scatter": Column(
            "that of noise and texture together; the rule `noise` counts in it", "float", GREY
        ),
        "foreground_min": Column("lowest foreground before clipping", "float", GREY),
        "negative_fraction": Column(
            "fraction of pixels with a negative foreground before clipping", "float"
        ),
        "clipped_fraction": Column("fraction of pixels that clipping set to 0", "float"),
        "shrink_error_rms": Column(
            "root mean square error of a shrunken background, where asked for", "float", GREY
        ),
        "shrink_error_max": Column("its largest error", "float", GREY),
    },
    "parameters": {
        "image": IMAGE,
        "method": METHOD,
        "threshold": Column("foreground above which pixels belong to spots", "float", GREY),
    },
    "agreement": {
        "image": IMAGE,
        "method_a": Column("one method"),
        "method_b": Column("another"),
        "matched": Column("spots of both methods, one to one within a spot radius", "int"),
        "only_a": Column("spots of method_a only", "int"),
        "only_b": Column("spots of method_b only", "int"),
        "jaccard": Column("matched over all; 1 where neither has any", "float"),
    },
    "accuracy": {
        "image": IMAGE,
        "group": GROUP,
        "method": METHOD,
        "status": Column("ok, or failed where the truth cannot be used; then without numbers"),
        "reason": Column("why it cannot be used, in words"),
        "n_truth": Column("number of true spots", "int"),
        "n_spots": Column("number of spots", "int"),
        "matched": Column("true spots detected, one to one within the tolerance", "int"),
        "precision": Column("matched over detected", "float"),
        "recall": Column("matched over true", "float"),
        "f1": Column(
            "harmonic mean of precision and recall; 1 where there are none and none was detected",
            "float",
        ),
        "count_error": Column("detected minus true", "float", "spots"),
        "localisation_error": Column("root mean square distance of matched pairs", "float", "px"),
        "tolerance": Column("largest distance of a pair: the spot radius", "float", "px"),
    },
    "accuracy_pooled": {
        "method": METHOD,
        "n_images": Column("images with truth", "int"),
        "resampled": Column("what the intervals come from: images, or the spots of the only image"),
        "n_truth": Column("true spots in all", "int"),
        "n_spots": Column("detected spots in all", "int"),
        "matched": Column("true spots detected in all", "int"),
        **_with_interval("precision", "matched over detected, all images together"),
        **_with_interval("recall", "matched over true, all images together"),
        **_with_interval("f1", "harmonic mean of precision and recall"),
        **_with_interval("count_error", "detected minus true, mean per image", "spots"),
        **_with_interval("localisation_error", "root mean square distance of matched pairs", "px"),
    },
    "accuracy_differences": {
        "method_a": Column("one method"),
        "method_b": Column("another"),
        **_with_interval(
            "difference",
            "pooled F1 of method_a minus that of method_b, on the same images; without 0 in the "
            "interval one method is better",
        ),
        "n_images": Column("images with truth", "int"),
        "resampled": Column("images, or the spots of the only image"),
    },
    "crossvalidation": {
        "sweep": Column("the methods to choose among: of one name in the config, or (all)"),
        "left_out": Column(
            "group (without groups: image) that the choice did not see; empty: over all"
        ),
        "n_images": Column("images left out", "int"),
        "chosen": Column("the method with the highest pooled F1 on the others"),
        "f1_chosen_on": Column("its pooled F1 on the others", "float"),
        "f1_left_out": Column("its pooled F1 on what was left out", "float"),
        "optimism": Column("their difference: what tuning promised too much", "float"),
        "best": Column("the method with the highest pooled F1 on what was left out"),
        "f1_best": Column("its pooled F1 there", "float"),
    },
    "stability": {
        "sweep": Column("the name in the config that the methods come from"),
        "parameter": Column("the parameter along which they differ"),
        "fixed": Column("their other listed parameters"),
        "value": Column("the value that this method has of it"),
        "method": METHOD,
        **_with_interval("count_mean", "mean number of spots per image", "spots", ends="count"),
        **_with_interval(
            "slope", "change of the count, without sign, for 1 % more of the parameter", "%"
        ),
        "on_plateau": Column("whether the value is on the plateau", "bool"),
        "plateau_from": Column(
            "start of the widest range in which the count changes by 10 % at most"
        ),
        "plateau_to": Column("its end; empty where there is none"),
        "plateau_width": Column("end over start; 1 where there is none", "float"),
    },
    "groups": {
        "group": GROUP,
        "method": METHOD,
        "n_images": Column("images that did not fail", "int"),
        "n_failed": Column("images that failed", "int"),
        "n_spots": Column("spots in all", "int"),
        **_with_interval("count_mean", "mean number of spots per image", "spots", ends="count"),
        "count_median": Column("median number of spots per image", "float", "spots"),
        **_with_interval("density_mean", "mean density of the images", DENSITY, ends="density"),
    },
    "look_first": {
        "order": Column("1 is the first to look at", "int"),
        "image": IMAGE,
        "group": GROUP,
        "reasons": Column("what is odd about it, the oddest first"),
    },
    "recommendation": {
        "rank": Column("1 is the best; methods without a real difference share a rank", "int"),
        "method": METHOD,
        "recommendation": Column(
            "recommended, no real difference, worse, not judged, or none recommended: no "
            "method detects a spot, or next to none"
        ),
        "criterion": Column("the strongest criterion there is, which ranks the methods"),
        "measure": Column("what is measured"),
        "estimate": Column("the method's score", "float"),
        "low": Column("95 % interval of `estimate`: lower end", "float"),
        "high": Column("its upper end", "float"),
        **_with_interval(
            "difference", "the score minus the highest score of a method, on the same images"
        ),
        "n_images": Column("images that the score comes from", "int"),
        "reason": Column("why the method stands here"),
        "not_on": Column(
            "images on which it is unreliable, and why; whatever it is worth on the others"
        ),
        "would_settle": Column("what would tell the first ones apart"),
    },
    "reliability": {
        "image": Column("id of the image; only those that can be judged"),
        "criterion": Column(
            "what it is judged by: truth, blank (there can be no spots), decoy (an estimate) or "
            "the shapes of the spots, which count beside blank and decoy, too"
        ),
        "reliable": Column("methods against which nothing speaks on this image"),
        "unreliable": Column(
            "methods of whose spots here half or more are false, or a quarter as narrow as hot "
            "pixels or far too wide; or that detect less than a quarter of the true spots or, "
            "without truth, of those injected at the contrasts of the image's own"
        ),
        "advice": Column(
            "the same in words, with the reasons; and whether the image is constant or saturated, "
            "or its spots are not of the spot radius"
        ),
    },
    "methods": {
        "method": METHOD,
        "sweep": Column("the name in the config that it comes from"),
        "step": Column(
            "step of a parameter that has a list of values; empty where the method has none"
        ),
        "parameter": Column("that parameter"),
        "value": Column("the value that this method has of it"),
    },
    "recovery": {
        "image": IMAGE,
        "group": GROUP,
        "method": METHOD,
        "where": WHERE,
        "contrast": Column("amplitude of the injected spots over the local noise", "float", NOISE),
        "injected": INJECTED,
        "own": Column(
            "number of the image's own spots of about that amplitude, whatever the method", "int"
        ),
        "recovered": Column(
            "number of injected spots detected where nothing is without them", "int"
        ),
        "position_error": Column(
            "root mean square distance of those from their true positions", "float", "px"
        ),
        "intensity_bias": Column(
            "median of foreground_sum over the injected sum, minus 1", "float"
        ),
        "sigma": Column("standard deviation of the injected spots", "float", "px"),
    },
    "completeness": {
        "image": Column("id of the image; empty for all together"),
        "group": Column("group in the sheet; empty for all together"),
        "method": METHOD,
        "where": WHERE,
        "images": Column("number of images with injected spots", "int"),
        "injected": INJECTED,
        "recovered": Column("number of them detected", "int"),
        **_with_interval(
            "contrast50", "contrast at which half of the injected spots are detected", NOISE
        ),
        **_with_interval("contrast90", "contrast at which nine tenths are detected", NOISE),
        "ceiling": Column("of one image: fraction of spots detected, however bright", "float"),
        "middle": Column(
            "of one image: contrast at which half of that fraction is detected", "float", NOISE
        ),
        "width": Column(
            "of one image: width of the curve's rise, in the logarithm of the contrast", "float"
        ),
        "position_error": Column(
            "root mean square distance of recovered spots from their true positions", "float", "px"
        ),
        "intensity_bias": Column(
            "mean of that of the table recovery over recovered spots", "float"
        ),
        "note": Column("in words, what has no number"),
    },
    "false_positives": {
        "image": IMAGE,
        "group": GROUP,
        "method": METHOD,
        "kind": Column("blank: an image without spots; decoy: an estimate from the image itself"),
        "n_false": Column(
            "number of spots detected where there are none; of decoys the higher of two numbers",
            "int",
        ),
        "density": Column("density of those", "float", DENSITY),
        "n_spots": Column("number of spots detected in the image itself", "int"),
        "inverted": Column(
            "spots detected in the inverted image, its spots taken out: noise and texture, but "
            "nothing that is bright only, as hot pixels and dirt are",
            "int",
        ),
        "smoothed": Column(
            "spots detected in the smoothed background, without spots and noise: edges and "
            "structure",
            "int",
        ),
    },
    "residuals": {
        "image": IMAGE,
        "group": GROUP,
        "method": METHOD,
        "self_subtraction": Column(
            "spot signal in the background: fraction of an injected spot's amplitude", "float"
        ),
        "excess_under_spots": Column(
            "excess of the background under detected spots, as a fraction of their amplitude",
            "float",
        ),
        "trend": Column("foreground per local background, outside of spots", "float"),
        "count_correlation": Column(
            "rank correlation of local number of spots and local background", "float"
        ),
        "edge_excess": Column(
            "density of spots on edges of the background over that of all", "float"
        ),
        "negative_fraction": Column(
            "fraction of pixels with a negative foreground before clipping", "float"
        ),
    },
    "failures": {
        "image": IMAGE,
        "path": Column("its file or address"),
        "step": Column("the step that failed"),
        "reason": Column(
            "why, in words; where other methods did not fail, those that did come first"
        ),
    },
    # Between these comparison.csv has a column for each method: `columns_of_comparison`.
    "comparison": {
        "image": IMAGE,
        "group": GROUP,
        "count_median": Column("median of the methods' numbers of spots", "float", "spots"),
        "count_spread": Column("the highest of these minus the lowest", "float", "spots"),
    },
    "columns": {
        "table": Column("name of a table"),
        "column": Column("name of one of its columns"),
        "type": Column("text, int, float, number (either, as the image's type) or bool"),
        "unit": Column("of the values; empty: none"),
        "meaning": Column("what it is"),
    },
}
# Of each column the type; a column that is not listed, such as of a method's parameters, is text.
TYPES = {name: column.type for table in COLUMNS.values() for name, column in table.items()}


def columns_of_comparison(methods: Iterable[str]) -> list[str]:
    """The columns of comparison.csv; no method may be called like the others."""
    image, group, *others = COLUMNS["comparison"]
    return [image, group, *methods, *others]
