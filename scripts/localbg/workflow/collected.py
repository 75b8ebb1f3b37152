"""What all jobs found, image by image, whichever way the work was cut.

Each record carries the fingerprint of the question that it answers, and is checked when it is
gathered: a table is made of the results of one plan, or not at all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from localbg.core import failures, files
from localbg.core.failures import Failure
from localbg.core.names import first_of
from localbg.core.parameters import radius_in_pixels
from localbg.io import tables

# Files that are kept open between images.
MOST_OPEN = 100
# Near the start of every record, whatever follows.
RECORDED = re.compile(rb'"fingerprint": "([0-9a-f]{16})"')
START = 1024
# How a line of a shard begins; ids have no quotation marks.
IMAGE = re.compile(rb'\{"image": "([^"]+)"')


class StaleResults(RuntimeError):
    """Results of other images or parameters than those of the run that gathers them."""


def recorded(path: str | os.PathLike) -> str:
    """The fingerprint that a record, or the first line of a piece, carries; empty without one."""
    with open(path, "rb") as file:
        return _fingerprint(file.read(START))


def _fingerprint(start):
    match = RECORDED.search(start)
    return match[1].decode() if match else ""


def require(path: str | os.PathLike, expected: str, carried: str | None = None) -> None:
    """Raise `StaleResults` unless a record carries the fingerprint that the plan expects.

    Parameters
    ----------
    path : path
    expected : str
        Nothing is checked where it is empty.
    carried : str, optional
        What was read already.
    """
    if expected and (recorded(path) if carried is None else carried) != expected:
        raise StaleResults(
            f"{path} was made from other images or parameters than those of this run; run again, "
            "and it is made anew"
        )


@dataclass
class ImageResults:
    """All that is known of one image.

    Attributes
    ----------
    row : dict
        ``image``, ``path``, ``group`` and ``spot_radius``, as the sheet says.
    facts : dict
        What the file says; empty where it could not be read.
    failure : localbg.core.failures.Failure or None
        Where no method could do anything.
    methods : dict of str to dict
        By name, those that did not fail: ``record``, what the steps said, and ``spots``, a row of
        text for each, the `localbg.detection.measures.MEASURES`.
    failed : dict of str to localbg.core.failures.Failure
        By name, those that did.
    """

    row: dict
    facts: dict = field(default_factory=dict)
    failure: Failure | None = None
    methods: dict[str, dict] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)

    def __post_init__(self):
        if self.failure is None and self.failed and not self.methods:
            self.failure = next(iter(self.failed.values()))
        if self.failure is None:
            self.failure = self._unknown_radius()

    @property
    def failures(self) -> list[Failure]:
        """What failed, and why: the image, or each method that did, those alike together."""
        if self.failure:
            return [self.failure]
        alike: dict[Failure, list[str]] = {}
        for name, failure in self.failed.items():
            alike.setdefault(failure, []).append(name)
        return [
            Failure(failure.step, f"{first_of(names)}: {failure.reason}")
            for failure, names in alike.items()
        ]

    def _unknown_radius(self):
        try:
            radius_in_pixels(self.row["spot_radius"], self.facts["pixel_size_um"])
        except ValueError as error:
            return Failure("read", str(error))
        return None


def from_steps(images: list[dict], results: list[dict]) -> Iterator[ImageResults]:
    """What the jobs of single steps left, in the order of the images.

    Parameters
    ----------
    images : list of dict
        ``image``, ``path``, ``group``, ``spot_radius`` and the path of the image's ``facts``; the
        ``fingerprint`` that these should carry.
    results : list of dict
        One per image and method, in their order: ``image``, ``method`` and the paths of
        ``estimate``, ``subtract``, ``threshold`` (records) and ``spots`` (table, with a record of
        the same name beside it); by the same names ``fingerprints``.

    Raises
    ------
    StaleResults
    """
    by_image = {row["image"]: [] for row in images}
    for result in results:
        by_image[result["image"]].append(result)
    for row in images:
        require(row["facts"], row.get("fingerprint", ""))
        failure = failures.read_failure(row["facts"])
        facts = {} if failure else files.read_json(row["facts"])
        methods, failed = {}, {}
        for result in by_image[row["image"]]:
            keys = ("estimate", "subtract", "threshold", "spots")
            paths = [result[key] for key in keys]
            for key, expected in result.get("fingerprints", {}).items():
                require(os.path.splitext(result[key])[0] + ".json", expected)
            wrong = failure or next(filter(None, map(failures.read_failure, paths)), None)
            if wrong:
                failed[result["method"]] = wrong
            else:
                records = map(files.read_json, paths[:3])
                methods[result["method"]] = {
                    "record": {k: v for record in records for k, v in record.items()},
                    "spots": tables.read_cells(paths[3]),
                }
        yield ImageResults(row, facts, failure, methods, failed)


def from_batches(pieces: list[str], fingerprints: Sequence[str] = ()) -> Iterator[ImageResults]:
    """What the jobs of batches left, in the order of the images.

    Parameters
    ----------
    pieces : list of str
        Files with a line of JSON for each image, as `scripts/batch.py` writes them; those of one
        image may be in several.
    fingerprints : sequence of str
        What each of these should carry.

    Raises
    ------
    StaleResults
    """
    return map(_merged, lines(pieces, fingerprints))


def lines(pieces: list[str], fingerprints: Sequence[str] = ()) -> Iterator[list[dict]]:
    """The lines of JSON of one image after the other, in the order of the images.

    Parameters
    ----------
    pieces : list of str
        Files with a line for each image, whose first key is ``image``.
    fingerprints : sequence of str
        What the lines of each piece should carry; nothing is checked where it is empty.

    Raises
    ------
    StaleResults

    Notes
    -----
    Only the places of the lines are held in memory.
    """
    places = {}
    for number, path in enumerate(pieces):
        expected = fingerprints[number] if fingerprints else ""
        with open(path, "rb") as file:
            start = 0
            for line in file:
                require(path, expected, _fingerprint(line[:START]))
                image = IMAGE.match(line)[1].decode()
                places.setdefault(image, []).append((number, start))
                start += len(line)
    opened = {}
    for image in sorted(places):
        found = []
        for number, start in places[image]:
            if number not in opened:
                if len(opened) == MOST_OPEN:
                    opened.pop(next(iter(opened))).close()
                opened[number] = open(pieces[number], "rb")  # noqa: SIM115
            opened[number].seek(start)
            found.append(json.loads(opened[number].readline()))
        yield found
    for file in opened.values():
        file.close()


def _merged(lines):
    row = {key: lines[0][key] for key in ("image", "path", "group", "spot_radius")}
    found = sorted(pair for line in lines for pair in line["methods"].items())
    failed = {name: wrong for name, made in found if (wrong := Failure.from_record(made))}
    methods = {name: made for name, made in found if name not in failed}
    failure = next(filter(None, map(Failure.from_record, lines)), None)
    facts = [line["facts"] for line in lines if "facts" in line]
    if not failure and any(other != facts[0] for other in facts):
        failure = Failure("read", f"{row['path']} changed during the run")
    return ImageResults(row, facts[0] if facts else {}, failure, methods, failed)
