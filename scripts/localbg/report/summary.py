"""The results of a run in a few lines: which method, how many spots, and which images to doubt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localbg.core.text import format_count, format_number
from localbg.io import tables

MOST_METHODS = 6
MOST_IMAGES = 5


def summarise(results: Path) -> list[str]:
    """Say what a finished run found.

    Parameters
    ----------
    results : path
        Folder of the results. A table that is not there is not spoken of.

    Returns
    -------
    list of str
        Lines: the recommendation with its reason; the number of spots by method, the recommended
        one first; images on which some method is unreliable; images to look at first. What there is
        nothing to say of has no line.

    Notes
    -----
    Tables with a row for each image are read an image at a time.
    """
    folder = results / "tables"
    ranked = _read(folder / "recommendation.csv")
    return [
        *_recommendation(ranked),
        *_counts(folder / "counts.csv", [row["method"] for row in ranked]),
        *_unreliable(folder / "reliability.csv"),
        *_look_first(folder / "look_first.csv"),
    ]


def _recommendation(ranked) -> Iterator[str]:
    for row in ranked[:1]:
        if row["recommendation"].startswith("recommended"):
            yield f"Recommended: {row['method']}. {row['reason']}"
        elif row["reason"]:
            yield row["reason"]


def _counts(path, methods) -> Iterator[str]:
    counts: dict[str, list[int]] = {method: [] for method in methods}
    for _, rows in tables.read_grouped(path) if path.is_file() else ():
        for row in rows:
            if row["n_spots"] is not None:
                counts.setdefault(row["method"], []).append(row["n_spots"])
    texts = [
        f"{method} {sum(of_method)} ({format_number(sum(of_method) / len(of_method))} per image)"
        for method, of_method in counts.items()
        if of_method
    ]
    if texts:
        yield f"Spots: {', '.join(_shortened(texts, MOST_METHODS, 'method'))}"


def _unreliable(path) -> Iterator[str]:
    judged = _read(path)
    doubtful = [row for row in judged if row["unreliable"]]
    if doubtful:
        images = format_count(len(judged), "image")
        yield f"Some method is unreliable on {len(doubtful)} of {images} that could be judged:"
        texts = [f"- {row['image']}: {row['advice']}" for row in doubtful]
        yield from _shortened(texts, MOST_IMAGES, "image", "- ")


def _look_first(path) -> Iterator[str]:
    names = [row["image"] for row in _read(path)]
    if names:
        listed = ", ".join(_shortened(names, MOST_IMAGES, "image"))
        yield f"Look first at {listed}: {path} says why"


def _read(path):
    return tables.read(path) if path.is_file() else []


def _shortened(texts, most, what, before=""):
    """Some texts, and how many more there are."""
    more = len(texts) - most
    rest = [f"{before}{format_count(more, f'more {what}')}"] if more > 0 else []
    return [*texts[:most], *rest]
