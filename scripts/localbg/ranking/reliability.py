"""Which methods to trust on an image, and which not, in words that need no knowledge of any.

What holds over all images need not hold on each: a method that is as good as others on most may
make spots of the rim of every cell in some. Truth says so where it is known; else what was found
in a blank image, or in decoys, and what became of injected spots. Decoys are blind to hot pixels,
to dirt and to texture that is bright only, so the shapes of the spots have a say too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from localbg.core.text import format_count, format_number, join_words
from localbg.detection import measured_radius
from localbg.io import image_flags
from localbg.ranking.criteria import by_amplitude

# A method is not trusted on an image where this share of its spots is false, and no fewer than that
# many; nor where it finds less than this share of what is to be found.
FALSE_SHARE, FEWEST_FALSE, LEAST_FOUND = 0.5, 3, 0.25
# How odd grey levels have to be to be spoken of: an image without light, or saturated.
SERIOUS = 0.5


@dataclass(frozen=True)
class Judged:
    """What one method did on one image.

    Attributes
    ----------
    n_spots, n_false : int
        Spots found, and how many of them are false.
    found : float
        Share of what is to be found: true spots, or injected ones as high as the image's own.
    criterion : str
        ``truth``, ``blank``, ``decoy`` or ``shapes``: what says so.
    of_edges : bool
        Whether edges of the image have much part in what is false.
    shapes : str
        What the spots' shapes say against them, in words; see
        `localbg.detection.measured_radius.find_fault`.
    contrasts : (float, float) or None
        Lowest and highest contrast of the injected spots that are as high as the image's own.
    """

    n_spots: int
    n_false: int
    found: float
    criterion: str
    of_edges: bool = False
    shapes: str = ""
    contrasts: tuple[float, float] | None = None

    @property
    def fault(self) -> str:
        """Why not to trust it here, in words that go on with "where"; empty if nothing is wrong."""
        # Where truth is known, shapes have nothing to add.
        shapes = self.shapes if self.criterion != "truth" else ""
        return ", and ".join(filter(None, [self._count_fault(), shapes]))

    def _count_fault(self):
        if self.n_false >= max(FEWEST_FALSE, FALSE_SHARE * self.n_spots):
            if self.criterion == "blank":
                return f"it finds {format_count(self.n_spots, 'spot')} and there are none"
            sure = self.criterion == "truth"
            some = "all" if self.n_false == self.n_spots else f"{self.n_false}"
            about = "" if sure or some == "all" else "about "
            are = "are" if sure or about else "may be"
            edges = ", many of them made of edges" if self.of_edges else ""
            return f"{about}{some} of its {self.n_spots} spots {are} false{edges}"
        if self.found < LEAST_FOUND:
            return f"it finds {self.found:.0%} of {self._sought()}"
        return ""

    def _sought(self):
        if self.criterion == "truth" or not self.contrasts:
            return "the true spots"
        low, high = map(format_number, self.contrasts)
        contrasts = low if low == high else f"{low} to {high}"
        return (
            f"the spots injected as high as the image's own (contrast {contrasts}, in standard "
            "deviations of the local noise)"
        )


def judge_images(
    accuracy: Iterable[Mapping],
    recovery: Iterable[Mapping],
    false_positives: Iterable[Mapping],
    counts: Iterable[Mapping] = (),
) -> dict[str, dict[str, Judged]]:
    """Judge each method on each image that anything judges.

    Parameters
    ----------
    accuracy, recovery, false_positives, counts : iterable of mappings
        Rows of the tables of these names; none where there is no such table.

    Returns
    -------
    dict of str to dict of str to Judged
        By image and method. Truth outweighs what decoys let expect, and what shapes do. An image
        that nothing else judges is judged where the shapes of some method's spots speak against it.
    """
    result: dict[str, dict[str, Judged]] = {}
    recovery = list(recovery)
    amplitudes, contrasts = by_amplitude(recovery), _own_contrasts(recovery)
    for row in false_positives:
        n, n_spots = row["n_false"], row["n_spots"]
        edges = row["kind"] == "decoy" and (row["smoothed"] or 0) >= FALSE_SHARE * n
        of_image = result.setdefault(row["image"], {})
        key = row["image"], row["method"]
        of_image[row["method"]] = Judged(
            *(n_spots, min(n, n_spots), recall(amplitudes.get(key, ())), row["kind"], edges),
            contrasts=contrasts.get(key),
        )
    for row in accuracy:
        n_spots, n_truth, matched = (row[name] for name in ("n_spots", "n_truth", "matched"))
        found = matched / n_truth if n_truth else 1.0
        of_image = result.setdefault(row["image"], {})
        of_image[row["method"]] = Judged(n_spots, n_spots - matched, found, "truth")
    for image, rows in itertools.groupby(counts, key=lambda row: row["image"]):
        counted = [row for row in rows if row["n_spots"] is not None]
        shapes = {row["method"]: measured_radius.find_fault(row) for row in counted}
        if image not in result and any(shapes.values()):
            result[image] = {
                row["method"]: Judged(row["n_spots"], 0, 1.0, "shapes") for row in counted
            }
        for method in shapes.keys() & result.get(image, {}).keys():
            result[image][method] = replace(result[image][method], shapes=shapes[method])
    return result


def remarks(images: Iterable[Mapping], counts: Iterable[Mapping]) -> dict[str, str]:
    """What is to be said of images whatever the method: odd grey levels, another spot radius.

    Parameters
    ----------
    images, counts : iterable of mappings
        Rows of the tables of these names; those of counts sorted by image.

    Returns
    -------
    dict of str to str
        Sentences, by image; no others than those of which there is something to say.
    """
    said = {}
    for row in images:
        odd = image_flags.explained(row) if row["status"] == "ok" else []
        said[row["image"]] = [
            f"{text[0].upper()}{text[1:]}." for weight, text in odd if weight >= SERIOUS
        ]
    for image, rows in itertools.groupby(counts, key=lambda row: row["image"]):
        said.setdefault(image, []).append(measured_radius.remark(list(rows)))
    return {image: text for image, words in said.items() if (text := " ".join(filter(None, words)))}


def recall(amplitudes) -> float:
    """Share found of injected spots as high as the image's own; 1 where it has none.

    Parameters
    ----------
    amplitudes : sequence of (int, int, int)
        As `localbg.ranking.criteria.by_amplitude` gives them.
    """
    injected, recovered, own = np.reshape(list(amplitudes), (-1, 3)).T
    return float(np.average(recovered / injected, weights=own)) if own.any() else 1.0


def _own_contrasts(recovery):
    """By image and method, the lowest and highest contrast at which the image has own spots."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in recovery:
        if row["where"] == "all" and row["own"]:
            found.setdefault((row["image"], row["method"]), []).append(row["contrast"])
    return {key: (min(contrasts), max(contrasts)) for key, contrasts in found.items()}


def advise(
    of_images: Mapping[str, Mapping[str, Judged]], remarks: Mapping[str, str] | None = None
) -> list[dict]:
    """Rows of reliability.csv.

    Parameters
    ----------
    of_images : mapping
        As `judge_images` gives it.
    remarks : mapping, optional
        As `remarks` gives them.
    """
    remarks = remarks or {}
    rows = []
    for image, methods in sorted(of_images.items()):
        faults = {name: one.fault for name, one in sorted(methods.items()) if one.fault}
        good = [name for name in sorted(methods) if name not in faults]
        words = [f"{name}, where {why}" for name, why in faults.items()]
        say = [f"Do not trust {'; nor '.join(words)}."] if words else []
        if good:
            spots = (f"{name} ({format_count(methods[name].n_spots, 'spot')})" for name in good)
            what = "Nothing but what follows" if image in remarks else "Nothing"
            say.insert(0, f"{what} speaks against {join_words(list(spots))}.")
        rows.append(
            {
                "image": image,
                "criterion": next(iter(methods.values())).criterion,
                "reliable": " ".join(good),
                "unreliable": " ".join(faults),
                "advice": " ".join([*say, *filter(None, [remarks.get(image)])]),
            }
        )
    return rows


def find_faults(of_images: Mapping[str, Mapping[str, Judged]]) -> dict[str, list[tuple[str, str]]]:
    """By method, the images on which not to trust it, the most false positives first, and why."""
    found: dict[str, list] = {}
    for image, methods in of_images.items():
        for name, one in methods.items():
            if one.fault:
                found.setdefault(name, []).append((-one.n_false, image, one.fault))
    return {name: [pair[1:] for pair in sorted(pairs)] for name, pairs in found.items()}


def said(of_method: list[tuple[str, str]]) -> str:
    """Where not to trust a method: ``a, where 9 of its 9 spots are false; nor on b and c``."""
    (image, why), *others = of_method
    rest = f"; nor on {join_words([image for image, _ in others])}" if others else ""
    return f"{image}, where {why}{rest}"
