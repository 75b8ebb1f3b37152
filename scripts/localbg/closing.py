"""The last word of a run: where the results are, and what failed."""

from __future__ import annotations

import shutil
from pathlib import Path

from localbg import job, tables
from localbg.plan import Plan


class RunFailed(Exception):
    """More images failed than the config allows."""


def report(plan: Plan) -> str:
    """Say where the results are; make the run fail where too many images did.

    Failure records are in the tables by now. They are removed, and with them the file `complete`
    that asks for them, so that the next run tries those images again.

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
    if not (folder / "tables" / "failures.csv").is_file():
        return f"done as far as asked; results are in {folder}"
    failures = tables.read(folder / "tables" / "failures.csv")
    total = len(tables.read(folder / "tables" / "images.csv"))
    done = f"{total - len(failures)} of {total} images done; tables are in {folder / 'tables'}"
    if not failures:
        return done
    failed = {row["image"] for row in failures}
    for image in failed:
        _forget(folder, image)
    for batch, members in plan.batches.items():
        if failed.intersection(members):
            for kind in ("batches", "thresholds"):
                shutil.rmtree(folder / kind / batch, ignore_errors=True)
    (folder / "complete").unlink(missing_ok=True)
    lines = [f"- {row['image']}, {row['step']}: {row['reason']}" for row in failures[:10]]
    if len(failures) > len(lines):
        lines.append(f"- … and {len(failures) - len(lines)} more")
    text = "\n".join([f"{done}, failures in {folder / 'tables' / 'failures.csv'}:", *lines])
    if len(failures) > plan.max_failed:
        raise RunFailed(f"{text}\nMend them and run again: only what is missing is done.")
    return text


def _forget(folder, image):
    for path in folder.glob(f"*/**/{image}.*"):
        if path.is_file() and job.failure(path):
            path.unlink()
