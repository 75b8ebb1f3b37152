"""What became of planted spots, image by image, put together into curves of completeness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from localbg import completeness
from localbg.captions import count
from localbg.ground import WHERE

PLACES = ("all", *WHERE)
# Fewer planted spots than this say too little for a curve.
FEWEST = 50


@dataclass
class Tally:
    """Planted spots of one image and method, by local background and contrast."""

    image: str
    group: str
    counts: np.ndarray  # of int, (places, planted or recovered, contrasts)
    sums: np.ndarray  # (places, squared distance or bias): summed over recovered spots


@dataclass
class Recovery:
    """Tallies of all images, and the images that gave none.

    Parameters
    ----------
    contrasts : list of float
        Of the planted spots.
    seed : int
        For the intervals.

    Notes
    -----
    Holds a few hundred numbers for each image and method.
    """

    contrasts: list[float]
    seed: int
    tallies: dict[str, list[Tally]] = field(default_factory=dict)
    failed: list[dict] = field(default_factory=list)

    def add(self, image: str, group: str, methods: list[str], rows: Iterable[dict]) -> None:
        """Take the rows of an image, as of the table ``recovery``."""
        here = {
            name: Tally(
                image,
                group,
                np.zeros((len(PLACES), 2, len(self.contrasts)), np.int32),
                np.zeros((len(PLACES), 2)),
            )
            for name in methods
        }
        number = {contrast: i for i, contrast in enumerate(self.contrasts)}
        for row in rows:
            tally, place = here[row["method"]], PLACES.index(row["where"])
            planted, recovered = row["planted"], row["recovered"]
            tally.counts[place, :, number[row["contrast"]]] = planted, recovered
            if recovered:
                each = row["position_error"] ** 2, row["intensity_bias"]
                tally.sums[place] += np.multiply(each, recovered)
        for name, tally in here.items():
            self.tallies.setdefault(name, []).append(tally)

    def add_failed(self, image: str, group: str, methods: list[str], reason: str) -> None:
        """Remember an image that gave nothing, and why."""
        self.failed += [
            {"image": image, "group": group, "method": name, "where": "all", "note": reason}
            for name in methods
        ]

    def rows(self) -> Iterator[dict]:
        """Rows of the table ``completeness``: all images together, each group, each image."""
        for method, tallies in sorted(self.tallies.items()):
            yield from self._pooled({"image": "", "group": "", "method": method}, tallies)
        groups = sorted({t.group for tallies in self.tallies.values() for t in tallies})
        for group in groups if len(groups) > 1 else ():
            for method, tallies in sorted(self.tallies.items()):
                chosen = [t for t in tallies if t.group == group]
                yield from self._pooled({"image": "", "group": group, "method": method}, chosen)
        single = [
            self._row({"image": t.image, "group": t.group, "method": method}, [t], "all")
            for method, tallies in self.tallies.items()
            for t in tallies
        ]
        yield from sorted(single + self.failed, key=lambda row: (row["image"], row["method"]))

    def _pooled(self, key, tallies):
        for where in PLACES:
            yield self._row(key, tallies, where)

    def _row(self, key, tallies, where):
        place = PLACES.index(where)
        counts = np.array([t.counts[place] for t in tallies])
        there = counts[counts[:, 0].any(1)]
        planted, recovered = (int(n) for n in counts.sum((0, 2)))
        row = key | {"where": where, "images": len(there), "planted": planted}
        if recovered:
            squares, bias = np.sum([t.sums[place] for t in tallies], axis=0) / recovered
            row |= {"position_error": math.sqrt(squares), "intensity_bias": float(bias)}
        if planted < FEWEST:
            few = "no spot" if not planted else f"only {count(planted, 'spot')}"
            why = " (no room clear of spots, or no noise)" if where == "all" and not planted else ""
            return row | {"note": f"{few} planted{why}"}
        curve = completeness.fit(self.contrasts, there[:, 0], there[:, 1], seed=self.seed)
        notes = (curve.half.note, curve.nearly_all.note)
        return row | {
            "contrast50": curve.half.contrast,
            "contrast50_low": curve.half.low,
            "contrast50_high": curve.half.high,
            "contrast90": curve.nearly_all.contrast,
            "contrast90_low": curve.nearly_all.low,
            "contrast90_high": curve.nearly_all.high,
            "ceiling": curve.ceiling,
            "middle": curve.middle,
            "width": curve.width,
            "note": "; ".join(filter(None, notes)),
        }
