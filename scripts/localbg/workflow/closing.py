"""The last word of a run: where the results are, what failed, and what was left out."""

from __future__ import annotations

import shutil
from pathlib import Path

from localbg.core import failures, files
from localbg.detection import measured_radius
from localbg.io import tables
from localbg.pipeline.signatures import KINDS
from localbg.report import summary
from localbg.workflow.plan import Plan

MOST_LINES = 10


class RunFailed(Exception):
    """More images failed than the config allows."""


def report(plan: Plan) -> str:
    """Say where the results are; make the run fail where too many images did.

    Parameters
    ----------
    plan : localbg.workflow.plan.Plan

    Returns
    -------
    str
        The closing line.

    Raises
    ------
    RunFailed
        With the closing line, which names the images.
    """
    folder = Path(plan.results)
    files.remove_leftovers(folder)
    if not (folder / "complete").is_file() or not (folder / "tables" / "failures.csv").is_file():
        return f"done as far as asked; results are in {folder}"
    failed_rows = tables.read(folder / "tables" / "failures.csv")
    total = sum(1 for _ in tables.read_grouped(folder / "tables" / "images.csv"))
    failed = {row["image"] for row in failed_rows}
    done = f"{total - len(failed)} of {total} images done; tables are in {folder / 'tables'}"
    aside = _listed(plan.notes)
    if unscored := tables.unscored(folder / "tables" / "accuracy.csv"):
        aside += ["truth that could not be used, so that nothing is said of accuracy there:"]
        aside += _listed([f"{image}: {reason}" for image, reason in unscored])
    if not (folder / "tables" / "recommendation.csv").is_file():
        # Whose first row would say it.
        counts = tables.read_grouped(folder / "tables" / "counts.csv")
        aside += filter(None, [measured_radius.warning(counts)])
    aside += summary.summarise(folder)
    aside += _where(plan)
    if not failed_rows:
        return _noted(folder, [done, *aside])
    # A step that could not read what another one left is done again from the start.
    torn = {
        row["image"]
        for row in failed_rows
        if row["step"] not in ("download", "read") and f"{plan.results}/" in row["reason"]
    }
    try_again(plan, failed, torn)
    lines = _listed([f"{row['image']}, {row['step']}: {row['reason']}" for row in failed_rows])
    done = f"{done}, failures in {folder / 'tables' / 'failures.csv'}:"
    text = _noted(folder, [done, *lines, *aside])
    if len(failed) > plan.max_failed:
        raise RunFailed(f"{text}\nMend them and run again: only what is missing is done.")
    return text


def _where(plan):
    """Where there is more to see, and what makes one page of it."""
    figures = Path(plan.results, "figures").absolute()
    if not figures.is_dir():
        return []
    return [
        f"Figures: {figures.as_uri()}",
        "All on one page: the same command with --report report.html",
    ]


def _noted(folder, lines):
    """The lines as one text, which is kept beside the tables."""
    text = "\n".join(lines)
    files.write_text(folder / "summary.txt", f"{text}\n")
    return text


def _listed(lines):
    """Ten lines at most, and how many more there are."""
    shown = [f"- {line}" for line in lines[:MOST_LINES]]
    more = len(lines) - len(shown)
    return [*shown, f"- … and {more} more"] if more else shown


def unsaid(plan: Plan) -> bool:
    """Whether a run was stopped between its tables and a last word about failures."""
    folder = Path(plan.results)
    table = folder / "tables" / "failures.csv"
    if not (folder / "complete").is_file() or not table.is_file():
        return False
    return next(tables.read_grouped(table), None) is not None


def try_again(plan: Plan, failed: set[str], torn: set[str] = frozenset()) -> None:
    """Forget that images failed, so that the next run takes them up; the tables still tell.

    Parameters
    ----------
    plan : localbg.workflow.plan.Plan
    failed : set of str
        Ids of all images that failed.
    torn : set of str
        Ids of those of which intermediate results are damaged: all of theirs go.

    Notes
    -----
    Whatever stops this half-way, the next run goes on from it: the file ``complete`` goes first,
    without which the tables are made again, and then what came first goes first.
    """
    folder = Path(plan.results)
    (folder / "complete").unlink(missing_ok=True)
    for batch, members in plan.batches.items():
        if not failed.isdisjoint(members):
            for kind in ("thresholds", "batches"):
                shutil.rmtree(folder / kind / batch, ignore_errors=True)
    for image in failed:
        (folder / "downloads" / image).unlink(missing_ok=True)
    for part, members in plan.sampled.items():
        if not failed.isdisjoint(members):
            (folder / "assessment" / f"{part}.jsonl").unlink(missing_ok=True)
    for kind in ("image", *KINDS, "spots"):
        for path in (folder / kind).rglob("*"):
            of_failed = path.stem in failed and path.is_file()
            if of_failed and (path.stem in torn or failures.read_failure(path)):
                path.unlink()
