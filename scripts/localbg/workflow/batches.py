"""Which images a job takes together, and what memory and time it needs."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path

from localbg.core import files

# What one job should take, in seconds, where the user leaves its size to us.
AIM = 60
MOST_IMAGES = 2000
# What it costs to start the jobs of one more batch, in seconds of a core.
SECONDS_TO_ADD = 2
# Measured by benchmarks/scale.py. What is asked for is more than was used, by a quarter of the
# memory and several times the time, since a job that is killed for either has to run again.
SECONDS_PER_IMAGE = 0.003
SECONDS_PER_PIXEL = 1e-7
SECONDS_TO_START = 10
# How often all methods see an image that is assessed, and the memory it takes besides.
ASSESSMENT_RUNS = 30
ASSESSMENT_BYTES_PER_PIXEL = 80
BYTES_PER_PIXEL = 45
# The script takes 190 MB, and on a cluster the two Snakemakes around it count as well.
BYTES_TO_START = 700e6
# A file whose header cannot be read fails in its job; until then it counts as this, in pixels.
UNKNOWN_PIXELS = 2048 * 2048
# A file that promises more than so many bytes for each of its own may be made up. A job that asked
# for as much would never start; with less, the image fails in it, and no other.
PLAUSIBLE = 100
MOST_DOUBTFUL = 8 * UNKNOWN_PIXELS
SAMPLE = 25
NAME = re.compile("[0-9]{6,}")


def compose(images: Iterable[str], recorded: dict[str, list[str]], size: int) -> dict[str, list]:
    """Images of each batch. Batches that were recorded keep theirs, so that they stay done.

    Parameters
    ----------
    images : iterable of str
        Ids of all images.
    recorded : dict of str to list of str
        Batches of an earlier run.
    size : int
        Images in a new batch.

    Returns
    -------
    dict of str to list of str
        Sorted ids by name of the batch. Images that are gone are left out, new ones are in batches
        of their own.
    """
    waiting = set(images)
    batches = {}
    for name, members in recorded.items():
        if still := sorted(waiting.intersection(members)):
            batches[name] = still
            waiting.difference_update(still)
    new = sorted(waiting)
    number = max(map(int, recorded), default=0)
    for k, start in enumerate(range(0, len(new), size), number + 1):
        batches[f"{k:06d}"] = new[start : start + size]
    return batches


def record_of(results: str) -> Path:
    """The file that says which images are in which batch."""
    return Path(results) / "batches" / "images.json"


def recorded(results: str) -> dict[str, list[str]]:
    """Batches of an earlier run; none where there was none, or where their record is damaged."""
    try:
        record = files.read_json(record_of(results))
    except (FileNotFoundError, ValueError):
        return {}
    is_sound = isinstance(record, dict) and all(map(NAME.fullmatch, record))
    return record if is_sound and all(isinstance(ids, list) for ids in record.values()) else {}


def write_record(results: str, batches: dict[str, list[str]]) -> None:
    """Remember the composition of batches for the next run."""
    path = record_of(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, batches)


def images_per_job(paths: list[str]) -> int:
    """So many images that a job takes about a minute, from the headers of a few of them.

    A small study is cut more finely, or all cores but one would wait for the last job; but not so
    finely that starting jobs costs more than such waiting. Batches are of one size, and their
    number is a power of two, as that of cores is.
    """
    step = max(1, len(paths) // SAMPLE)
    sizes = [_pixels(path)[0] for path in paths[::step][:SAMPLE]]
    seconds = len(paths) * image_seconds(sum(sizes) / len(sizes))
    few = 2 ** int(math.log2(max(1, seconds / SECONDS_TO_ADD)) / 2)
    number = math.ceil(max(few, seconds / AIM, len(paths) / MOST_IMAGES))
    return math.ceil(len(paths) / number)


def memory_mb(paths: list[str], methods: int) -> int:
    """Memory of a job: that of its largest image, however many images and methods there are.

    The largest file is taken for it, so that only one header is read.
    """
    pixels, stored = _pixels(max(paths, key=_file_size))
    return int((BYTES_TO_START + stored + BYTES_PER_PIXEL * pixels) / 1e6) + 1


def minutes(paths: list[str], methods: int) -> int:
    """Time of a job, several times what it should take on an idle machine."""
    pixels, _ = _pixels(max(paths, key=_file_size))
    seconds = SECONDS_TO_START + len(paths) * methods * image_seconds(pixels)
    return 5 + int(5 * seconds / 60)


def assessment_memory_mb(paths: list[str], methods: int) -> int:
    """Memory of a job that assesses images."""
    pixels, _ = _pixels(max(paths, key=_file_size))
    return memory_mb(paths, methods) + int(ASSESSMENT_BYTES_PER_PIXEL * pixels / 1e6)


def assessment_minutes(paths: list[str], methods: int) -> int:
    """Time of a job that assesses images."""
    return minutes(paths, methods * ASSESSMENT_RUNS)


def image_seconds(pixels: float) -> float:
    """Time that a core takes for one image and method."""
    return SECONDS_PER_IMAGE + SECONDS_PER_PIXEL * pixels


def _file_size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _pixels(path):
    """Pixels of a plane, and bytes of all that the file holds."""
    from localbg.io.images import ImageError, promised

    # An address has no header to look at, and a pipe would wait for its writer.
    if not os.path.isfile(path):
        return UNKNOWN_PIXELS, 4 * UNKNOWN_PIXELS
    try:
        pixels, stored = promised(path)
    except (ImageError, OSError):
        return UNKNOWN_PIXELS, 4 * UNKNOWN_PIXELS
    if stored > PLAUSIBLE * _file_size(path):
        return min(pixels, MOST_DOUBTFUL), min(stored, 4 * MOST_DOUBTFUL)
    return pixels, stored
