"""The tables: their columns, what each means, and how numbers are written."""

from __future__ import annotations

import csv
import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from localbg import files

COLUMNS = {
    "images": {
        "image": "id of the image",
        "path": "its file or address",
        "status": "ok, or failed where no method could do anything",
        "reason": "why it failed, or some of the methods, in words",
        "shape": "size of each axis of the file",
        "axes": "names of those axes",
        "axes_note": "where the sheet names other axes than the file does, in words",
        "dtype": "type of the file's pixels",
        "photometric": "what the stored grey levels mean, in TIFF's words",
        "group": "group in the sheet",
        "pixel_size_um": "µm per pixel, where known",
        "pixel_size_note": "why no pixel size is known, in words",
        "spot_radius": "radius of a spot in pixels",
        "flags": "what is odd about its grey levels, joined by ;: constant, zero, saturated, "
        "few_levels, one_value; empty: nothing",
        "saturated_fraction": "share of pixels at the highest grey level, where that is a limit",
        "commonest_fraction": "share of pixels at the commonest grey level",
        "highest_grey": "highest grey level",
        "commonest_grey": "commonest grey level",
        "n_grey_levels": "number of different grey levels",
        "sha256": "hash of the file as it was read",
        "companions": "other files that planes were read from, each with its hash, joined by ;",
    },
    "spots": {
        "image": "id of the image",
        "method": "name of the method",
        "spot": "number of the spot, as in the label image",
        "y": "row of the centroid in pixels, weighted by the foreground",
        "x": "column of the centroid in pixels, weighted by the foreground",
        "core_area": "pixels above the threshold: the core of the spot, not its size",
        "max": "highest raw grey level",
        "mean": "mean raw grey level",
        "foreground_max": "highest foreground, grey levels",
        "foreground_sum": "sum of the foreground, grey levels",
        "background_mean": "mean of the background, grey levels",
        "snr": "highest foreground above the level, in noise standard deviations",
        "touches_border": "whether the spot touches the image's border",
        "fwhm": "full width at half maximum on the raw image, pixels: 1.67 spot radii of a spot as "
        "it should be; empty where it can't be measured",
        "fwhm_um": "the same in µm, where the pixel size is known",
        "likeness": "how much the raw image there looks like a spot of the spot radius: 1 exactly, "
        "0 not at all",
        "flags": "what is odd about it, joined by ;: narrow (than optics allow: a hot pixel), wide "
        "(out of focus, dirt), saturated, border, crowded; empty: nothing",
    },
    "counts": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "status": "ok or failed",
        "n_spots": "number of spots",
        "density": "spots per 10,000 pixels",
        "density_um2": "spots per µm², where the pixel size is known",
        "spot_radius": "radius of a spot in pixels, as the config or the sheet says",
        "measured_radius": "the same as measured on the raw image: median of the strongest spots",
        "measured_radius_low": "95 % interval of that: its lower end",
        "measured_radius_high": "its upper end",
        "narrow": "share of spots that are narrower than optics allow, as hot pixels are",
        "wide": "share of spots that are over twice as wide as the spot radius says",
        "saturated": "share of spots that are saturated",
        "crowded": "share of spots so close to another that width and sum are shared",
        "threshold": "foreground grey level above which pixels belong to spots; of the rule "
        "`matched_filter` the least amplitude times likeness of a spot, in grey levels; 0 where "
        "all that is more than noise counts",
        "decided_by": "what set the threshold: rule, min_snr, scope or constant",
        "level": "median of the foreground, grey levels",
        "noise": "robust standard deviation of the foreground, grey levels",
        "scatter": "that of noise and texture together; the rule `noise` counts in it",
        "foreground_min": "lowest foreground before clipping, grey levels",
        "negative_fraction": "fraction of pixels with a negative foreground before clipping",
        "clipped_fraction": "fraction of pixels that clipping set to 0",
        "shrink_error_rms": "root mean square error of a shrunken background, where asked for",
        "shrink_error_max": "its largest error, grey levels",
    },
    "parameters": {
        "image": "id of the image",
        "method": "name of the method",
        "threshold": "foreground grey level above which pixels belong to spots",
    },
    "agreement": {
        "image": "id of the image",
        "method_a": "one method",
        "method_b": "another",
        "matched": "spots that both found, one to one within a spot radius",
        "only_a": "spots that only method_a found",
        "only_b": "spots that only method_b found",
        "jaccard": "matched over all; 1 where neither found any",
    },
    "accuracy": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "status": "ok, or failed where the truth can't be used; then there are no numbers",
        "reason": "why it can't be used, in words",
        "n_truth": "number of true spots",
        "n_spots": "number of spots found",
        "matched": "true spots found, one to one within the tolerance",
        "precision": "matched over found",
        "recall": "matched over true",
        "f1": "harmonic mean of precision and recall; 1 where there are none and none was found",
        "count_error": "found minus true",
        "localisation_error": "root mean square distance of matched pairs, pixels",
        "tolerance": "largest distance of a pair, pixels: the spot radius",
    },
    "accuracy_pooled": {
        "method": "name of the method",
        "n_images": "images with truth",
        "resampled": "what the intervals come from: images, or the spots of the only image",
        "n_truth": "true spots in all",
        "n_spots": "spots found in all",
        "matched": "true spots found in all",
        "precision": "matched over found, all images together",
        "precision_low": "95 % interval of the precision: its lower end",
        "precision_high": "its upper end",
        "recall": "matched over true, all images together",
        "recall_low": "95 % interval of the recall: its lower end",
        "recall_high": "its upper end",
        "f1": "harmonic mean of precision and recall",
        "f1_low": "95 % interval of the F1: its lower end",
        "f1_high": "its upper end",
        "count_error": "found minus true, mean per image",
        "count_error_low": "95 % interval of the count error: its lower end",
        "count_error_high": "its upper end",
        "localisation_error": "root mean square distance of matched pairs, pixels",
        "localisation_error_low": "95 % interval of the localisation error: its lower end",
        "localisation_error_high": "its upper end",
    },
    "accuracy_differences": {
        "method_a": "one method",
        "method_b": "another",
        "difference": "pooled F1 of method_a minus that of method_b",
        "difference_low": "95 % interval of the difference on the same images: its lower end",
        "difference_high": "its upper end; without 0 in it, one method is better",
        "n_images": "images with truth",
        "resampled": "images, or the spots of the only image",
    },
    "crossvalidation": {
        "sweep": "the methods to choose among: of one name in the config, or (all)",
        "left_out": "group (without groups: image) that the choice did not see; empty: over all",
        "n_images": "images left out",
        "chosen": "the method with the highest pooled F1 on the others",
        "f1_chosen_on": "its pooled F1 on the others",
        "f1_left_out": "its pooled F1 on what was left out",
        "optimism": "their difference: what tuning promised too much",
        "best": "the method with the highest pooled F1 on what was left out",
        "f1_best": "its pooled F1 there",
    },
    "stability": {
        "sweep": "the name in the config that the methods come from",
        "parameter": "the parameter along which they differ",
        "fixed": "their other listed parameters",
        "value": "the value that this method has of it",
        "method": "name of the method",
        "count_mean": "spots per image",
        "count_low": "95 % interval of that, from resampled images: its lower end",
        "count_high": "its upper end",
        "slope": "change of the count in %, without sign, for 1 % more of the parameter",
        "slope_low": "95 % interval of the slope: its lower end",
        "slope_high": "its upper end",
        "on_plateau": "whether the value is on the plateau",
        "plateau_from": "start of the widest range in which the count changes by 10 % at most",
        "plateau_to": "its end; empty where there is none",
        "plateau_width": "end over start; 1 where there is none",
    },
    "groups": {
        "group": "group in the sheet",
        "method": "name of the method",
        "n_images": "images that did not fail",
        "n_failed": "images that failed",
        "n_spots": "spots in all",
        "count_mean": "spots per image",
        "count_low": "95 % interval of that, from resampled images: its lower end",
        "count_high": "its upper end",
        "count_median": "spots of the middle image",
        "density_mean": "spots per 10,000 pixels, mean of the images",
        "density_low": "95 % interval of that: its lower end",
        "density_high": "its upper end",
    },
    "look_first": {
        "order": "1 is the first to look at",
        "image": "id of the image",
        "group": "group in the sheet",
        "reasons": "what is odd about it, the oddest first",
    },
    "recommendation": {
        "rank": "1 is the best; methods without a real difference share a rank",
        "method": "name of the method",
        "verdict": "recommended, no real difference, worse, not judged, or none recommended: no "
        "method finds a spot, or next to none",
        "evidence": "the strongest evidence there is, which ranks the methods",
        "measure": "what is measured",
        "estimate": "the method's score",
        "low": "95 % interval of the score: its lower end",
        "high": "its upper end",
        "difference": "the score minus that of the method with the best score",
        "difference_low": "95 % interval of that, on the same images: its lower end",
        "difference_high": "its upper end",
        "n_images": "images that the score comes from",
        "reason": "why the method stands here",
        "not_on": "images on which not to trust it, and why; whatever it is worth on the others",
        "would_settle": "what would tell the first ones apart",
    },
    "trust": {
        "image": "id of the image; only those for which there is evidence",
        "evidence": "what says so: truth, blank (there can be no spots), decoy (an estimate) or "
        "shapes of the spots, which have a say beside blank and decoy, too",
        "trusted": "methods against which nothing speaks on this image",
        "not_trusted": "methods of whose spots here half or more are false, or a quarter as narrow "
        "as hot pixels or far too wide; or that find less than a quarter of the true spots or, "
        "without truth, of those planted at the contrasts of the image's own",
        "advice": "the same in words, with the reasons; and whether the image is constant or "
        "saturated, or its spots are not of the spot radius",
    },
    "methods": {
        "method": "name of the method",
        "sweep": "the name in the config that it comes from",
        "step": "step of a parameter that has a list of values; empty where the method has none",
        "parameter": "that parameter",
        "value": "the value that this method has of it",
    },
    "recovery": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "where": "local background: all, flat, slope or bright",
        "contrast": "height of planted spots in standard deviations of the local noise",
        "planted": "number of spots planted",
        "own": "number of the image's own spots about as high, whatever method looks for them",
        "recovered": "number of planted ones found, that were not there without them",
        "position_error": "root mean square distance of those from their places, pixels",
        "intensity_bias": "median of foreground_sum over the planted sum, minus 1",
        "sigma": "standard deviation of the planted spots, pixels",
    },
    "completeness": {
        "image": "id of the image; empty for all together",
        "group": "group in the sheet; empty for all together",
        "method": "name of the method",
        "where": "local background: all, flat, slope or bright",
        "images": "number of images that spots were planted in",
        "planted": "number of spots planted",
        "recovered": "number of them found",
        "contrast50": "contrast at which half of the planted spots are found",
        "contrast50_low": "lower end of its 95 % interval",
        "contrast50_high": "upper end",
        "contrast90": "contrast at which nine tenths are found",
        "contrast90_low": "lower end of its 95 % interval",
        "contrast90_high": "upper end",
        "ceiling": "of one image: share of spots found, however bright",
        "middle": "of one image: contrast at which half of that share is found",
        "width": "of one image: width of the rise, in the logarithm of the contrast",
        "position_error": "root mean square distance of recovered spots from their places, pixels",
        "intensity_bias": "mean of that of the table recovery over recovered spots",
        "note": "in words, what has no number",
    },
    "false_spots": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "kind": "blank: an image without spots; decoy: an estimate from the image itself",
        "n": "number of spots found where there are none; of decoys the higher of two numbers",
        "density": "the same per 10,000 pixels",
        "n_spots": "number of spots found in the image itself",
        "turned": "spots found in the image turned over, its spots taken out: noise and texture, "
        "but nothing that is bright only, as hot pixels and dirt are",
        "smooth": "spots found in its local level, without spots and noise: edges and structure",
    },
    "residuals": {
        "image": "id of the image",
        "group": "group in the sheet",
        "method": "name of the method",
        "leakage": "share of a planted spot's height that the background took up",
        "rise_under_spots": "rise of the background under the spots found, share of their height",
        "trend": "grey levels of foreground per grey level of local background, outside of spots",
        "count_correlation": "rank correlation of local number of spots and local background",
        "edge_excess": "density of spots on edges of the background over that of all",
        "negative_fraction": "fraction of pixels with a negative foreground before clipping",
    },
    "failures": {
        "image": "id of the image",
        "path": "its file or address",
        "step": "the step that failed",
        "reason": "why, in words; where other methods did not fail, those that did come first",
    },
}
# What `localbg.spots.measure` gives of a spot.
MEASURES = [name for name in COLUMNS["spots"] if name not in ("image", "method")]
# comparison.csv has a column for each method between these; no method may be called like them.
COMPARISON = (("image", "group"), ("count_median", "count_spread"))
# parameters.csv goes on with what the methods' steps take: <step>_<parameter>, sizes in pixels.
PLACES = {"y": 3, "x": 3}  # thousandths of a pixel
# Text that a spreadsheet would take for a formula is written with an apostrophe in front, and text
# that looks like that with one more, so that reading gives it back.
FORMULA = re.compile(r"'*[=+\-@\t]")


def text(name: str, value) -> str:
    """One cell: six significant digits, thousandths for positions, nothing for what is unknown.

    Text that begins with = + - @ or a tab gets an apostrophe in front, but not a number. A carriage
    return is a blank: it would end the row.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.{PLACES[name]}f}" if name in PLACES else f"{value:.6g}"
    value = str(value).replace("\r", " ")
    return f"'{value}" if FORMULA.match(value) and not _is_number(value) else value


def _is_number(value):
    try:
        float(value)
    except ValueError:
        return False
    return True


def _plain(row):
    """A row of text without the apostrophes that `text` put there."""
    if not any(value[:1] == "'" for value in row.values()):
        return row
    return {
        key: value.removeprefix("'") if FORMULA.match(value) else value
        for key, value in row.items()
    }


class Writer:
    """Write a CSV table row by row; the file appears whole, at the end, or not at all.

    Parameters
    ----------
    path : path
    columns : iterable of str
        Columns in order.
    """

    def __init__(self, path: str | os.PathLike, columns: Iterable[str]):
        self._path = path
        self._columns = list(columns)

    def __enter__(self):
        with ExitStack() as stack:
            beside = stack.enter_context(files.whole(self._path))
            file = stack.enter_context(open(beside, "w", encoding="utf-8", newline=""))
            self._leave = stack.pop_all()
        self._csv = csv.writer(file, lineterminator="\n")
        self._csv.writerow(self._columns)
        return self

    def __exit__(self, kind, error, trace):
        self._leave.__exit__(kind, error, trace)

    def row(self, row: dict) -> None:
        """Add a row of Python numbers, text, booleans, None; what it lacks is left empty."""
        self._csv.writerow([text(name, row.get(name)) for name in self._columns])

    def texts(self, rows: Iterable[list[str]]) -> None:
        """Add rows whose cells are text already."""
        self._csv.writerows(rows)


def write(path: str | os.PathLike, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a CSV table of rows; see `Writer`."""
    with Writer(path, columns) as writer:
        for row in rows:
            writer.row(row)


def grouped(path: str | os.PathLike) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Read a CSV table that is sorted by image, the rows of one image at a time."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        for image, group in itertools.groupby(rows, key=lambda row: row["image"]):
            yield image, list(map(_plain, group))


class Following:
    """The rows of one image after the other, of a table that may lack some of the images."""

    def __init__(self, path: str | os.PathLike):
        self._groups = grouped(path)
        self._next = next(self._groups, None)

    def rows(self, image: str) -> list[dict[str, str]]:
        """Rows of an image; images have to be asked for in the order of the table."""
        while self._next and self._next[0] < image:
            self._next = next(self._groups, None)
        return self._next[1] if self._next and self._next[0] == image else []


def fit_methods(path: str | os.PathLike) -> list[str]:
    """Methods that failed on no more than half of the images on which any did not.

    An unfit value, such as of a sweep, fails on most, and has no say in what the others are worth.

    Parameters
    ----------
    path : path
        Of counts.csv or accuracy.csv, with a row for each image and method.
    """
    methods, n_images, failed = [], 0, Counter()
    for _, rows in grouped(path):
        methods = [row["method"] for row in rows]
        bad = [row["method"] for row in rows if row["status"] != "ok"]
        if len(bad) < len(rows):
            n_images += 1
            failed.update(bad)
    return [method for method in methods if 2 * failed[method] <= n_images]


def without_failures(
    path: str | os.PathLike, methods: list[str]
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Images on which none of some methods failed, with the rows of these; path as there."""
    for image, rows in grouped(path):
        chosen = [row for row in rows if row["method"] in methods]
        if all(row["status"] == "ok" for row in chosen):
            yield image, chosen


def counts(path: str | os.PathLike) -> tuple[list[str], list[list[int]]]:
    """Names of the `fit_methods`, and their numbers of spots in images on which none failed.

    Parameters
    ----------
    path : path
        Of counts.csv.
    """
    methods = fit_methods(path)
    images = without_failures(path, methods)
    return methods, [[int(row["n_spots"]) for row in rows] for _, rows in images]


def read(path: str | os.PathLike) -> list[dict[str, str]]:
    """Read a CSV table as rows of text."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(map(_plain, csv.DictReader(file)))


def scored(accuracy: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of accuracy.csv that have numbers: those of images whose truth could be used."""
    return [row for row in accuracy if row["status"] == "ok"]


def unscored(accuracy: str | os.PathLike) -> list[tuple[str, str]]:
    """Images whose truth could not be used, with the reason in words; from accuracy.csv.

    None where there is no such table.
    """
    if not Path(accuracy).is_file():
        return []
    return [(name, rows[0]["reason"]) for name, rows in grouped(accuracy) if not scored(rows)]
