"""Images to look at first: those that failed, that are flagged, or on which something is odd."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from localbg.detection import measured_radius
from localbg.io import image_flags

# Below these, an image is worth a look.
FAIR_AGREEMENT = 0.5
FAIR_F1 = 0.7
# How far a count may lie from its group's median, in robust standard deviations, and the images
# that it takes to say so.
FAR = 4.0
ENOUGH_IMAGES = 5
MAD_TO_SD = 1.4826
# Spots that the middle one of the other images must have for an image without any to be odd: by
# chance alone, one in 20,000 of such images has none.
MANY_SPOTS = 10


def typical(counts: Sequence[int]) -> tuple[float, float] | None:
    """Median and robust standard deviation of counts; None where there are too few.

    The deviation is no less than the chance of counting makes it, the root of the median.
    """
    if len(counts) < ENOUGH_IMAGES:
        return None
    median = statistics.median(counts)
    deviation = MAD_TO_SD * statistics.median(abs(n - median) for n in counts)
    return median, max(deviation, median**0.5, 1.0)


def median_of_others(counts: Sequence[int]) -> float:
    """Median of all counts but one that is 0: of the other images, for an image without spots."""
    others = sorted(counts)[1:]
    return statistics.median(others) if others else 0.0


def find_reasons(
    image: Mapping,
    counts: Mapping[str, int],
    usual: Mapping[str, tuple[float, float] | None],
    jaccards: Sequence[float],
    f1: Mapping[str, float],
    elsewhere: Mapping[str, float] | None = None,
    rows: Sequence[Mapping] = (),
) -> list[tuple[float, str]]:
    """What is odd about an image.

    Parameters
    ----------
    image : mapping
        Row of images.csv.
    counts : mapping of str to int
        Spots by method; empty where the image failed.
    usual : mapping of str to (float, float) or None
        By method, `typical` of the image's group.
    jaccards : sequence of float
        Agreement of each pair of methods.
    f1 : mapping of str to float
        By method, where truth is known.
    elsewhere : mapping of str to float, optional
        By method, `median_of_others` of the whole study; None where the image may well have no
        spots, as a blank control.
    rows : sequence of mappings
        Those of counts.csv of the image: what the shapes of its spots say.

    Returns
    -------
    list of (float, str)
        How odd, from 0 to 1, or 2 for a failure; and the reason in words. The oddest first.
    """
    if image["status"] != "ok":
        return [(2.0, f"failed: {image['reason']}")]
    found = image_flags.explained(image)
    if image.get("reason"):
        found.append((0.9, f"failed: {image['reason']}"))
    if image["axes_note"]:
        found.append((0.8, image["axes_note"]))
    if f1 and max(f1.values()) < FAIR_F1:
        best = max(f1, key=f1.get)
        found.append((1 - f1[best], f"no method does better than F1 {f1[best]:.2f} ({best})"))
    if jaccards and (mean := statistics.mean(jaccards)) < FAIR_AGREEMENT:
        found.append((1 - mean, f"two methods share {mean:.0%} of their spots on average"))
    found += measured_radius.find_reasons(rows)
    distances = {
        method: abs(n - usual[method][0]) / usual[method][1]
        for method, n in counts.items()
        if usual.get(method)
    }
    without_any = counts and not any(counts.values())
    many = max(elsewhere or (), key=lambda method: elsewhere[method], default=None)
    if without_any and many and elsewhere[many] >= MANY_SPOTS:
        found.append(
            (
                0.9,
                "no method finds a spot in it, where the middle one of the other images has "
                f"{elsewhere[many]:g} ({many}): it is empty, or out of focus",
            )
        )
    elif distances and distances[far := max(distances, key=distances.get)] > FAR:
        found.append(
            (
                1 - FAR / (2 * distances[far]),
                f"{counts[far]} spots ({far}), where the middle image of the group has "
                f"{usual[far][0]:g}",
            )
        )
    return sorted(found, reverse=True)


def order_images(found: Iterable[tuple[Mapping, list[tuple[float, str]]]]) -> list[dict]:
    """Rows of look_first.csv: images with reasons, the oddest first, equals by id."""
    odd = [(image, why) for image, why in found if why]
    odd.sort(key=lambda pair: (-pair[1][0][0], pair[0]["image"]))
    return [
        {"order": place, "image": image["image"], "group": image["group"]}
        | {"reasons": "; ".join(text for _, text in why)}
        for place, (image, why) in enumerate(odd, 1)
    ]
