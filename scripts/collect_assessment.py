"""Gather the assessments of all images into tables, and fit curves of completeness to it."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from localbg.assessment.recovery import Recovery
from localbg.core.failures import Failure
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import collected, job


def main(
    pieces: list[str],
    counts: str,
    blanks: list[str],
    settings: dict,
    outputs: dict,
    fingerprints: list[str] = (),
) -> None:
    """Write the tables.

    Parameters
    ----------
    pieces : list of str
        What `scripts/assess.py` wrote.
    counts : str
        Path of the table of counts, for the blank images.
    blanks : list of str
        Ids of images in which there can be no spots.
    settings : dict
        The config's ``assessment``, with a list of ``contrasts``.
    outputs : dict
        Paths of the tables ``recovery``, ``completeness``, ``false_positives`` and ``residuals``.
    fingerprints : list of str
        What each piece should carry.
    """
    recovery = Recovery(settings["contrasts"], settings["seed"])
    with ExitStack() as stack:
        write = {
            name: stack.enter_context(tables.Writer(path, COLUMNS[name]))
            for name, path in outputs.items()
        }
        blank = in_blanks(counts, set(blanks))
        decoys = taken(collected.lines(pieces, fingerprints), recovery, write)
        for row in heapq.merge(blank, decoys, key=lambda row: (row["image"], row["method"])):
            write["false_positives"].row(row)
        for row in recovery.rows():
            write["completeness"].row(row)


def in_blanks(counts: str, blanks: set[str]) -> Iterator[dict]:
    """What was found in the blank images, all of it false; nothing of those that failed."""
    for image, rows in tables.read_grouped(counts):
        if image not in blanks:
            continue
        for row in rows:
            if row["status"] == "ok":
                yield {
                    **{key: row[key] for key in ("image", "group", "method", "density")},
                    "kind": "blank",
                    "n_false": row["n_spots"],
                    "n_spots": row["n_spots"],
                }


def taken(lines: Iterable[list[dict]], recovery: Recovery, write: dict) -> Iterator[dict]:
    """Take what each image gave; what was found in its decoy comes back, row by row."""
    for (line,) in lines:
        key = {name: line[name] for name in ("image", "group")}
        if failure := Failure.from_record(line):
            reason = f"{failure.step} failed: {failure.reason}"
            recovery.add_failed(*key.values(), line["methods"], reason)
            continue
        failed = {row["method"]: row["reason"] for row in line.get("failed", ())}
        for method, reason in failed.items():
            recovery.add_failed(*key.values(), [method], reason)
        methods = [method for method in line["methods"] if method not in failed]
        recovery.add(*key.values(), methods, line["recovery"])
        for name in ("recovery", "residuals"):
            for row in line[name]:
                write[name].row(key | row)
        for row in line["false_positives"]:
            yield key | row


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        list(snakemake.input.pieces),
        snakemake.input.counts,
        snakemake.params.blanks,
        snakemake.params.settings,
        dict(snakemake.output.items()),
        snakemake.params.fingerprints,
    )
