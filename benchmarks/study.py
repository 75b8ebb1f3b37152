"""A study of many images, and ways to take it through the chain: the workflow, and without one."""

from __future__ import annotations

import csv
import functools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import scenes
import tifffile
import yaml

from localbg.detection.measures import MEASURES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

METHODS = {"compare": ["gaussian", "median", "tophat"], "spot_radius": 2}
CORES = 2
DISTINCT = 20  # scenes that the images of a study are links to
TABLES = "results/complete"


def make_study(folder, count, side, config=METHODS, mode="batch", size="auto") -> Path:
    """Write a study with a config of ``count`` images of ``side`` x ``side`` pixels, uint16."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    whole = scenes.image("scene", "uint16", 2048)
    rng = np.random.default_rng(0)
    width = len(str(count))
    for k in range(count):
        path = raw / f"{k:0{width}d}.tif"
        if k < DISTINCT:
            y, x = rng.integers(0, 2048 - side + 1, 2)
            tifffile.imwrite(path, whole[y : y + side, x : x + side])
        else:
            os.link(raw / f"{k % DISTINCT:0{width}d}.tif", path)
    run = {"mode": mode, "images_per_job": size}
    config = config | {"images": "raw", "run": run}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def run_workflow(study: Path, *options: str) -> dict:
    """Run the workflow; returns seconds, seconds until the first job began, and peak memory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(study), "--cores", str(CORES), "--workflow-profile", "none"]
    start = time.perf_counter()
    with subprocess.Popen(
        [*command, TABLES, *options, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watch = Watch(process.pid, study / "results")
        said = process.stderr.read()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(said[-3000:])
    return {"seconds": seconds, "after_start": seconds - watch.first_job} | watch.stop()


class Watch(threading.Thread):
    """Watch a process and its children: the most memory that the first and any other takes."""

    def __init__(self, pid: int, results: Path):
        super().__init__(daemon=True)
        self._process, self._results = psutil.Process(pid), results
        self._start = time.perf_counter()
        self._done = threading.Event()
        self.first_job = 0.0
        self.controller = self.job = 0
        self.start()

    def run(self):
        """Look every twentieth of a second until told to stop."""
        while not self._done.wait(0.05):
            if not self.first_job and self._results.exists():
                self.first_job = time.perf_counter() - self._start
            try:
                self.controller = max(self.controller, self._process.memory_info().rss)
                for child in self._process.children(recursive=True):
                    self.job = max(self.job, child.memory_info().rss)
            except psutil.Error:
                continue

    def stop(self) -> dict:
        """End, and tell the memory in MB."""
        self._done.set()
        self.join()
        return {"controller_mb": self.controller / 1e6, "job_mb": self.job / 1e6}


def one_image(path: str, config: dict) -> list:
    """What the workflow does with one image, by the same functions, and no workflow around it."""
    from localbg.io import images
    from localbg.io.cells import format_fields
    from localbg.pipeline import chain
    from localbg.workflow.plan import make_plan

    if not WORK:
        plan = make_plan(config | {"images": {"a": path}})
        plan.batches = {"1": ["a"]}
        for background in {method.background for method in plan.methods.values()}:
            part = plan.batch("1", background)
            WORK.extend(chain.make_methods(part["methods"], part["steps"]))
    rows = []
    for method, found in chain.run_methods(images.read(path), config["spot_radius"], WORK):
        texts = [format_fields(spot, MEASURES) for spot in found.spots]
        rows.append((method.name, found.record["threshold"], texts))
    return rows


# The methods, which a process of the pool knows after its first image.
WORK: list = []


def run_pool(study: Path, config: dict = METHODS) -> float:
    """Seconds of a plain script: the same functions in a pool of processes, tables at the end."""
    start = time.perf_counter()
    paths = sorted(map(str, (study / "raw").iterdir()))
    with (
        multiprocessing.get_context("spawn").Pool(CORES) as pool,
        open(study / "pool_spots.csv", "w", newline="") as spots,
        open(study / "pool_counts.csv", "w", newline="") as counts,
    ):
        spots_csv, counts_csv = csv.writer(spots), csv.writer(counts)
        work = functools.partial(one_image, config=config)
        for path, rows in zip(paths, pool.imap(work, paths, chunksize=8), strict=True):
            for method, value, found in rows:
                counts_csv.writerow([path, method, len(found), value])
                spots_csv.writerows([path, method, *spot] for spot in found)
    return time.perf_counter() - start


def naive_seconds(study: Path, images: int, radius: float) -> float:
    """Seconds that an image takes in plain scikit-image, three backgrounds, one process."""
    from skimage import filters, measure, morphology

    start = time.perf_counter()
    disk, wider = morphology.disk(round(2.5 * radius)), morphology.disk(3 * radius)
    for path in sorted((study / "raw").iterdir())[:images]:
        image = tifffile.imread(path)
        quiet = filters.gaussian(image, 0.4 * radius, preserve_range=True)
        for background in (
            filters.median(quiet, wider),
            morphology.opening(quiet, disk),
            filters.gaussian(quiet, 2 * radius, preserve_range=True),
        ):
            above = quiet - background
            labels = measure.label(above > filters.threshold_otsu(above))
            measure.regionprops_table(
                labels,
                np.stack([image, above, background], axis=-1),
                properties=("label", "centroid", "area", "intensity_max", "intensity_mean"),
            )
    return (time.perf_counter() - start) / images
