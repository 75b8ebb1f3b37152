"""Which methods to trust on an image, and which not, in words that need no knowledge of any.

What holds over all images need not hold on each: a method that is as good as others on most may
make spots of the rim of every cell in some. Truth says so where it is known; else what was found
in a blank image, or in decoys, and what became of planted spots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from localbg.captions import count
from localbg.verdict_evidence import by_height

# A method is not trusted on an image where this share of its spots is false, and no fewer than that
# many; nor where it finds less than this share of what is to be found.
FALSE_SHARE, FEWEST_FALSE, LEAST_FOUND = 0.5, 3, 0.25


@dataclass(frozen=True)
class Judged:
    """What one method did on one image.

    Attributes
    ----------
    n_spots, n_false : int
        Spots found, and how many of them are false.
    found : float
        Share of what is to be found.
    evidence : str
        ``truth``, ``blank`` or ``decoy``: what says so.
    of_edges : bool
        Whether edges of the image have much part in what is false.
    """

    n_spots: int
    n_false: int
    found: float
    evidence: str
    of_edges: bool = False

    @property
    def doubt(self) -> str:
        """Why not to trust it here, in words that go on with "where"; empty if nothing is wrong."""
        if self.n_false >= max(FEWEST_FALSE, FALSE_SHARE * self.n_spots):
            if self.evidence == "blank":
                return f"it finds {count(self.n_spots, 'spot')} and there are none"
            sure = self.evidence == "truth"
            some = "all" if self.n_false == self.n_spots else f"{self.n_false}"
            about = "" if sure or some == "all" else "about "
            are = "are" if sure or about else "may be"
            edges = ", many of them made of edges" if self.of_edges else ""
            return f"{about}{some} of its {self.n_spots} spots {are} false{edges}"
        if self.found < LEAST_FOUND:
            return f"it finds {self.found:.0%} of the spots that are to be found"
        return ""


def judged(
    accuracy: Iterable[Mapping], recovery: Iterable[Mapping], false_spots: Iterable[Mapping]
) -> dict[str, dict[str, Judged]]:
    """Judge each method on each image for which there is evidence.

    Parameters
    ----------
    accuracy, recovery, false_spots : iterable of mappings
        Rows of the tables of these names, as text; none where there is no such table.

    Returns
    -------
    dict of str to dict of str to Judged
        By image and method. Truth outweighs what decoys let expect.
    """
    result: dict[str, dict[str, Judged]] = {}
    heights = by_height(recovery)
    for row in false_spots:
        n, n_spots = int(row["n"]), int(row["n_spots"])
        edges = row["kind"] == "decoy" and int(row["smooth"] or 0) >= FALSE_SHARE * n
        of_image = result.setdefault(row["image"], {})
        found = recall(heights.get((row["image"], row["method"]), ()))
        of_image[row["method"]] = Judged(n_spots, min(n, n_spots), found, row["kind"], edges)
    for row in accuracy:
        n_spots, n_truth, matched = (int(row[name]) for name in ("n_spots", "n_truth", "matched"))
        found = matched / n_truth if n_truth else 1.0
        of_image = result.setdefault(row["image"], {})
        of_image[row["method"]] = Judged(n_spots, n_spots - matched, found, "truth")
    return result


def recall(heights) -> float:
    """Share found of planted spots as high as the image's own; 1 where it has none.

    Parameters
    ----------
    heights : sequence of (int, int, int)
        As `localbg.verdict_evidence.by_height` gives them.
    """
    planted, recovered, own = np.reshape(list(heights), (-1, 3)).T
    return float(np.average(recovered / planted, weights=own)) if own.any() else 1.0


def advice(of_images: Mapping[str, Mapping[str, Judged]]) -> list[dict]:
    """Rows of trust.csv.

    Parameters
    ----------
    of_images : mapping
        As `judged` gives it.
    """
    rows = []
    for image, methods in sorted(of_images.items()):
        doubts = {name: one.doubt for name, one in sorted(methods.items()) if one.doubt}
        good = [name for name in sorted(methods) if name not in doubts]
        words = [f"{name}, where {why}" for name, why in doubts.items()]
        say = [f"Do not trust {'; nor '.join(words)}."] if words else []
        if good:
            spots = (f"{name} ({count(methods[name].n_spots, 'spot')})" for name in good)
            say.insert(0, f"Nothing speaks against {listed(list(spots))}.")
        rows.append(
            {
                "image": image,
                "evidence": next(iter(methods.values())).evidence,
                "trusted": " ".join(good),
                "not_trusted": " ".join(doubts),
                "advice": " ".join(say),
            }
        )
    return rows


def doubts(of_images: Mapping[str, Mapping[str, Judged]]) -> dict[str, list[tuple[str, str]]]:
    """By method, the images on which not to trust it, the most false spots first, and why."""
    found: dict[str, list] = {}
    for image, methods in of_images.items():
        for name, one in methods.items():
            if one.doubt:
                found.setdefault(name, []).append((-one.n_false, image, one.doubt))
    return {name: [pair[1:] for pair in sorted(pairs)] for name, pairs in found.items()}


def said(of_method: list[tuple[str, str]]) -> str:
    """Where not to trust a method: ``a, where 9 of its 9 spots are false; nor on b and c``."""
    (image, why), *others = of_method
    rest = f"; nor on {listed([image for image, _ in others])}" if others else ""
    return f"{image}, where {why}{rest}"


def listed(words: list[str], most: int = 4) -> str:
    """Words as a list in a sentence; those beyond are counted."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
