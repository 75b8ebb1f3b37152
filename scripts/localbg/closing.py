"""The last word of a run: where the results are, and what failed."""

from __future__ import annotations

import shutil
from pathlib import Path

from localbg import files, job, tables
from localbg.plan import KINDS, Plan


class RunFailed(Exception):
    """More images failed than the config allows."""


def report(plan: Plan) -> str:
    """Say where the results are; make the run fail where too many images did.

    Parameters
    ----------
    plan : localbg.plan.Plan

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
    failures = tables.read(folder / "tables" / "failures.csv")
    total = sum(1 for _ in tables.grouped(folder / "tables" / "images.csv"))
    done = f"{total - len(failures)} of {total} images done; tables are in {folder / 'tables'}"
    if not failures:
        return done
    try_again(plan, {row["image"] for row in failures})
    lines = [f"- {row['image']}, {row['step']}: {row['reason']}" for row in failures[:10]]
    if len(failures) > len(lines):
        lines.append(f"- … and {len(failures) - len(lines)} more")
    text = "\n".join([f"{done}, failures in {folder / 'tables' / 'failures.csv'}:", *lines])
    if len(failures) > plan.max_failed:
        raise RunFailed(f"{text}\nMend them and run again: only what is missing is done.")
    return text


def unsaid(plan: Plan) -> bool:
    """Whether a run was stopped between its tables and a last word about failures."""
    folder = Path(plan.results)
    failures = folder / "tables" / "failures.csv"
    if not (folder / "complete").is_file() or not failures.is_file():
        return False
    return next(tables.grouped(failures), None) is not None


def try_again(plan: Plan, failed: set[str]) -> None:
    """Forget that images failed, so that the next run takes them up; the tables still tell.

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
            (folder / "evidence" / f"{part}.jsonl").unlink(missing_ok=True)
    for kind in ("image", *KINDS, "spots"):
        for path in (folder / kind).rglob("*"):
            if path.stem in failed and path.is_file() and job.failure(path):
                path.unlink()
