"""What became of injected spots, image by image, put together into curves of completeness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from localbg.assessment import completeness
from localbg.assessment.background_map import WHERE
from localbg.assessment.completeness import Curve, Point
from localbg.core.text import format_count

PLACES = ("all", *WHERE)
# Fewer injected spots than this say too little for a curve of an image.
FEWEST = 20


@dataclass(frozen=True)
class Tally:
    """Injected spots of one image, method and kind of local background."""

    injected: int
    recovered: int
    squares: float  # of position errors, summed
    bias: float  # of intensity, summed
    share: float = 0.0  # of the image's injected spots
    curve: Curve | None = None
    points: dict[str, Point] = field(default_factory=dict)


@dataclass
class Recovery:
    """Tallies of all images, and the images that gave none.

    Parameters
    ----------
    contrasts : list of float
        Of the injected spots.
    seed : int
        For the intervals.

    Notes
    -----
    Holds a dozen numbers for each image, method and kind of local background.
    """

    contrasts: list[float]
    seed: int
    tallies: dict[tuple, Tally] = field(default_factory=dict)
    failed: list[dict] = field(default_factory=list)

    def add(self, image: str, group: str, methods: list[str], rows: Iterable[dict]) -> None:
        """Take the rows of an image, as of the table ``recovery``."""
        by_key = {(image, group, method, where): [] for method in methods for where in PLACES}
        for row in rows:
            by_key[image, group, row["method"], row["where"]].append(row)
        for key, found in by_key.items():
            whole = self.tallies.get((image, group, key[2], "all"))
            self.tallies[key] = self._tally(found, whole)

    def _tally(self, rows, whole):
        injected, recovered = (
            np.array(
                [
                    [row[name] for row in rows if row["contrast"] == contrast] or [0]
                    for contrast in self.contrasts
                ]
            ).ravel()
            for name in ("injected", "recovered")
        )
        known = [row for row in rows if row["recovered"]]
        tally = {
            "injected": int(injected.sum()),
            "recovered": int(recovered.sum()),
            "squares": sum(row["recovered"] * row["position_error"] ** 2 for row in known),
            "bias": sum(row["recovered"] * row["intensity_bias"] for row in known),
        }
        if tally["injected"] < FEWEST:
            return Tally(**tally)
        tally["share"] = tally["injected"] / whole.injected if whole else 1.0
        curve, points = completeness.fit_completeness(
            self.contrasts, injected, recovered, seed=self.seed
        )
        return Tally(**tally, curve=curve, points=points)

    def add_failed(self, image: str, group: str, methods: list[str], reason: str) -> None:
        """Remember an image that gave nothing, and why."""
        self.failed += [
            {"image": image, "group": group, "method": name, "where": "all"}
            | {"images": 0, "injected": 0, "recovered": 0, "note": reason}
            for name in methods
        ]

    def rows(self) -> Iterator[dict]:
        """Rows of the table ``completeness``: all images together, each group, each image."""
        pooled, of_groups, single = {}, {}, []
        for (image, group, method, where), tally in self.tallies.items():
            pooled.setdefault(("", "", method, where), []).append(tally)
            of_groups.setdefault(("", group, method, where), []).append(tally)
            single.append(self._row((image, group, method, where), [tally]))
        if len({group for _, group, *_ in of_groups}) == 1:
            of_groups = {}
        for part in (pooled, of_groups):
            for key in sorted(part, key=_order):
                yield self._row(key, part[key])
        keys = ("image", "group", "method", "where")
        yield from sorted(single + self.failed, key=lambda row: _order([row[k] for k in keys]))

    def _row(self, key, tallies):
        injected = sum(tally.injected for tally in tallies)
        recovered = sum(tally.recovered for tally in tallies)
        row = dict(zip(("image", "group", "method", "where"), key, strict=True)) | {
            "images": sum(tally.injected > 0 for tally in tallies),
            "injected": injected,
            "recovered": recovered,
        }
        if recovered:
            squares = sum(tally.squares for tally in tallies)
            row["position_error"] = math.sqrt(squares / recovered)
            row["intensity_bias"] = sum(tally.bias for tally in tallies) / recovered
        fitted = [tally for tally in tallies if tally.curve]
        if not fitted:
            why = f"only {format_count(injected, 'spot')} injected"
            if not injected:
                why = "no spot injected: no such place clear of spots, or no noise"
            return row | {"note": why}
        points = fitted[0].points
        if len(fitted) > 1:
            curves, shares = zip(*((t.curve, t.share) for t in fitted), strict=True)
            points = completeness.together(self.contrasts, curves, shares, seed=self.seed)
        elif len(tallies) == 1:
            row |= vars(fitted[0].curve)
        for name, point in zip(("contrast50", "contrast90"), points.values(), strict=True):
            row |= {name: point.contrast, f"{name}_low": point.low, f"{name}_high": point.high}
        notes = (point.note for point in points.values())
        return row | {"note": "; ".join(filter(None, notes))}


def _order(key):
    image, group, method, where = key
    return image, group, method, PLACES.index(where)
