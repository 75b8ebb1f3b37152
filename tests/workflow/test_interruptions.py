"""Runs that are killed, stopped, or out of disk go on to the tables of an undisturbed run."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from conftest import command, snakemake
from localbg.core import failures
from small_study import NO_FIGURES, PLACES, configure, spotted

MODES = {
    "steps": {"mode": "steps"},
    "batch": {"mode": "batch", "images_per_job": 1},
}
IMAGES = {"steps": 1, "batch": 2}
MOMENTS = 10
OPTIONS = (*NO_FIGURES, "--rerun-incomplete", "--cores", "1")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="no process groups on Windows"),
]


def prepare(folder, mode):
    for k in range(IMAGES[mode]):
        spotted(folder / "raw" / f"{k}.tif", PLACES[k:], seed=k)
    configure(folder, {"images": "raw", "compare": ["median"], "run": MODES[mode]})
    return folder


def start(folder):
    """Start a run as the first process of a group of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(**command(folder, *OPTIONS), **quiet, start_new_session=True)


def first_job(folder, run):
    """Wait for the first job of a run to start: only then there is something to disturb."""
    while not (folder / "results" / "logs").exists() and run.poll() is None:
        time.sleep(0.01)
    return time.monotonic()


def contents(results):
    """All tables, byte for byte."""
    found = {path.name: path.read_bytes() for path in (results / "tables").iterdir()}
    assert len(found) == 7
    return found


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, mode):
    """Tables of a run that nothing stopped, and how long its jobs took."""
    folder = prepare(tmp_path_factory.mktemp("undisturbed"), mode)
    run = start(folder)
    begin = first_job(folder, run)
    assert run.wait(timeout=600) == 0
    return contents(folder / "results"), time.monotonic() - begin


def disturbed(root, mode, seconds, moment, how):
    """Tables of a run that was stopped at a moment and then run again."""
    folder = prepare(root / str(moment), mode)
    run = start(folder)
    first_job(folder, run)
    with suppress(subprocess.TimeoutExpired):
        run.wait(timeout=moment * seconds)
    if run.poll() is None:
        os.killpg(run.pid, how)
        run.wait(timeout=120)
        if how == signal.SIGKILL:
            snakemake(folder, "--unlock")
    snakemake(folder, *OPTIONS)
    assert list(folder.rglob("*.part")) == []
    return contents(folder / "results")


@pytest.mark.attack(
    kind="interruption",
    case="killed or interrupted at random moments, ten in each mode",
    outcome="the next run ends in the same tables, to the byte",
)
def test_a_run_that_was_stopped_goes_on_to_the_same_tables(undisturbed, mode, tmp_path):
    expected, seconds = undisturbed
    moments = random.Random(f"moments of {mode}")
    jobs = [
        (round(moments.random(), 3), (signal.SIGKILL, signal.SIGINT)[k % 2]) for k in range(MOMENTS)
    ]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda j: disturbed(tmp_path, mode, seconds, *j), jobs)
        different = [job for job, tables in zip(jobs, found, strict=True) if tables != expected]
    assert different == []


@pytest.fixture
def small_disk(tmp_path):
    """A place for results with room for one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by the superuser only")
    (place / "results").mkdir()
    (tmp_path / "results").symlink_to(place / "results", target_is_directory=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("room", [0, 24_000])
@pytest.mark.attack(
    kind="interruption",
    case="the disk is full",
    outcome="the job fails, no image does; with room again the tables are the same",
)
def test_a_full_disk_is_no_images_failure(undisturbed, mode, tmp_path, small_disk, room):
    prepare(tmp_path, mode)
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        for block in iter(partial(bytes, 4096), None):
            file.write(block)
    os.truncate(filler, filler.stat().st_size - room)

    said = snakemake(tmp_path, *OPTIONS, fails=True)
    assert re.search("results/.* could not be written: .*; the disk is full", said)
    files = [path for path in (small_disk / "results").rglob("*") if path.is_file()]
    assert [path for path in files if failures.read_failure(path)] == []
    assert not (small_disk / "results" / "tables" / "failures.csv").exists()

    filler.unlink()
    snakemake(tmp_path, *OPTIONS)
    assert contents(small_disk / "results") == undisturbed[0]
