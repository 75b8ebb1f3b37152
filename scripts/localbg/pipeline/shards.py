"""Shards: what a job leaves of many images, one line of JSON for each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence

from localbg.core import files
from localbg.core.failures import log

# Seconds between two lines of progress in the log.
PROGRESS_S = 10


def write_shard(
    path: str | os.PathLike,
    sources: Sequence[str],
    rows: Sequence[Mapping],
    stamps: Sequence[list],
    fingerprint: str,
    process: Callable[[str, Mapping, list], dict | None],
) -> None:
    """Process images one after the other and write what comes of each.

    Parameters
    ----------
    path : path
        Appears whole or not at all, and in the place of none of the sources.
    sources : sequence of str
        The images' files.
    rows : sequence of mapping
        What the sheet says of each image, its id ``image`` among it.
    stamps : sequence of list
        What told each image's file from other versions of it when the run was planned.
    fingerprint : str
        Of all that the shard comes from; each line carries it.
    process : callable
        Takes the source, row and stamp of an image; returns plain data, failures included, or None
        where there is nothing to write.
    """
    files.protect(sources)
    last = time.monotonic()
    with files.whole(path) as beside, open(beside, "w", encoding="utf-8") as file:
        for done, (source, row, stamp) in enumerate(zip(sources, rows, stamps, strict=True), 1):
            if (found := process(source, row, stamp)) is not None:
                line = {"image": row["image"], "fingerprint": fingerprint} | found
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            if time.monotonic() - last > PROGRESS_S:
                last = time.monotonic()
                log.info("%d of %d images", done, len(rows))
