"""How batch mode grows: against a plain script, against a naive one, and with the number of images.

    python benchmarks/scale.py [--quick] [--sections pool growth plan collect memory]

Every section prints a table and writes `benchmarks/results/scale_<section>.csv`. Times are wall
times of whole runs; runs that are compared take turns. Memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import scenes
import tifffile
import yaml

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
sys.path.insert(0, str(ROOT / "scripts"))

METHODS = ["gaussian", "median", "tophat"]
SPOT_RADIUS = 2
CORES = 2
DISTINCT = 20  # scenes that the images of a study are links to
TARGETS = ["results/complete", "results/tables/comparison.csv"]


def make_study(folder: Path, count: int, side: int, mode: str = "batch", size="auto") -> Path:
    """Write a study of ``count`` images of ``side`` x ``side`` pixels, uint16."""
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
    config = {"images": "raw", "spot_radius": SPOT_RADIUS, "compare": METHODS}
    config["run"] = {"mode": mode, "images_per_job": size}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def run_workflow(study: Path, *options: str) -> dict:
    """Run the workflow; returns seconds, seconds until the first job began, and peak memory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(study), "--cores", str(CORES), "--workflow-profile", "none"]
    start = time.perf_counter()
    with subprocess.Popen(
        [*command, *TARGETS, *options, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watch = Watch(process.pid, study / "results" / "logs")
        said = process.stderr.read()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(said[-3000:])
    return {"seconds": seconds, "after_start": seconds - watch.first_job} | watch.stop()


class Watch(threading.Thread):
    """Watch a process and its children: the most memory that the first and any other takes."""

    def __init__(self, pid: int, logs: Path):
        super().__init__(daemon=True)
        self._process, self._logs = psutil.Process(pid), logs
        self._start = time.perf_counter()
        self._done = threading.Event()
        self.first_job = 0.0
        self.controller = self.job = 0
        self.start()

    def run(self):
        """Look every twentieth of a second until told to stop."""
        while not self._done.wait(0.05):
            if not self.first_job and any(self._logs.rglob("*.log")):
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


def one_image(path: str) -> list:
    """What the workflow does with one image, by the same functions, and no workflow around it."""
    from localbg import chain, images, tables
    from localbg.plan import make_plan

    if path not in WORK:
        plan = make_plan({"images": {"a": path}, "spot_radius": SPOT_RADIUS, "compare": METHODS})
        plan.batches = {"1": ["a"]}
        parts = [plan.batch("1", m.background) for m in plan.methods.values()]
        methods = [method for part in parts for method in part["methods"]]
        steps = {kind: {} for part in parts for kind in part["steps"]}
        for part in parts:
            for kind, known in part["steps"].items():
                steps[kind] |= known
        WORK[path] = methods, steps
    methods, steps = WORK[path]
    rows = []
    for method, found in chain.results(images.read(path), SPOT_RADIUS, methods, steps):
        texts = [[tables.text(k, spot[k]) for k in tables.MEASURES] for spot in found["spots"]]
        rows.append((method["method"], found["record"]["threshold"], texts))
    return rows


WORK: dict = {}


def run_pool(study: Path) -> float:
    """Seconds of a plain script: the same functions in a pool of processes, tables at the end."""
    start = time.perf_counter()
    paths = sorted(map(str, (study / "raw").iterdir()))
    with (
        multiprocessing.get_context("spawn").Pool(CORES) as pool,
        open(study / "pool_spots.csv", "w", newline="") as spots,
        open(study / "pool_counts.csv", "w", newline="") as counts,
    ):
        spots_csv, counts_csv = csv.writer(spots), csv.writer(counts)
        for path, rows in zip(paths, pool.imap(one_image, paths, chunksize=8), strict=True):
            for method, value, found in rows:
                counts_csv.writerow([path, method, len(found), value])
                spots_csv.writerows([path, method, *spot] for spot in found)
    return time.perf_counter() - start


def naive_seconds(study: Path, images: int) -> float:
    """Seconds that an image takes in plain scikit-image, three backgrounds, one process."""
    from skimage import filters, measure, morphology

    start = time.perf_counter()
    disk = morphology.disk(2 * SPOT_RADIUS)
    for path in sorted((study / "raw").iterdir())[:images]:
        image = tifffile.imread(path)
        quiet = filters.gaussian(image, 0.4 * SPOT_RADIUS, preserve_range=True)
        for background in (
            filters.median(quiet, disk),
            morphology.opening(quiet, disk),
            filters.gaussian(quiet, 1.5 * SPOT_RADIUS, preserve_range=True),
        ):
            above = quiet - background
            labels = measure.label(above > filters.threshold_otsu(above))
            measure.regionprops_table(
                labels,
                np.stack([image, above, background], axis=-1),
                properties=("label", "centroid", "area", "intensity_max", "intensity_mean"),
            )
    return (time.perf_counter() - start) / images


def measure_pool(quick: bool) -> list[dict]:
    """Batch mode, a process pool over the same functions, scikit-image, and the steps mode."""
    rows = []
    for count, side in ((60, 256), (6, 2048)) if quick else ((2000, 256), (200, 2048)):
        ours, pool = [], []
        for _ in range(1 if quick or side > 1000 else 3):
            with tempfile.TemporaryDirectory() as folder:
                study = make_study(Path(folder, "study"), count, side)
                pool.append(run_pool(study))
                ours.append(run_workflow(study))
        with tempfile.TemporaryDirectory() as folder:
            study = make_study(Path(folder, "study"), count, side)
            naive = naive_seconds(study, 3 if side > 1000 else 20) * count / CORES
        wall = statistics.median(row["after_start"] for row in ours)
        rows.append(
            {
                "images": count,
                "side": side,
                "batch_s": statistics.median(row["seconds"] for row in ours),
                "after_start_s": wall,
                "pool_s": statistics.median(pool),
                "ratio_to_pool": wall / statistics.median(pool),
                "scikit_image_s": naive,
                "scikit_image_ratio": naive / wall,
                "job_mb": max(row["job_mb"] for row in ours),
            }
        )
    return rows


def measure_steps(quick: bool) -> list[dict]:
    """The steps mode beside batch mode."""
    count = 4 if quick else 100
    rows = []
    for mode in ("steps", "batch"):
        with tempfile.TemporaryDirectory() as folder:
            study = make_study(Path(folder, "study"), count, 256, mode)
            rows.append({"mode": mode, "images": count} | run_workflow(study))
    for row in rows:
        row["ratio"] = row["seconds"] / rows[-1]["seconds"]
    return rows


def measure_growth(quick: bool) -> list[dict]:
    """Small images, ever more of them."""
    rows = []
    for count in (20, 100) if quick else (100, 1000, 10000):
        with tempfile.TemporaryDirectory() as folder:
            found = run_workflow(make_study(Path(folder, "study"), count, 64))
        per_image = 1000 * found["after_start"] / count
        rows.append({"images": count} | found | {"ms_per_image": per_image})
    return rows


def measure_plan(quick: bool) -> list[dict]:
    """Dry runs of long sheets, 500 images a job; and the plan alone of a million rows."""
    rows = []
    for count in (1000,) if quick else (10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            study = make_study(Path(folder, "study"), count, 16, size=500)
            found = run_workflow(study, "-n")
            rows.append({"what": "snakemake -n", "rows": count} | found)
    for count in (10_000,) if quick else (100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder, "sheet.csv")
            with sheet.open("w") as file:
                file.write("image,path\n")
                file.writelines(f"i{k:07d},{k}.tif\n" for k in range(count))
            code = (
                "import time; start = time.perf_counter()\n"
                "from localbg import job\n"
                "from localbg.plan import make_plan\n"
                f"plan = make_plan({{'images': {str(sheet)!r}, "
                "'run': {'mode': 'batch', 'images_per_job': 500}})\n"
                "print(len(plan.batches), time.perf_counter() - start, "
                "job.peak_mb())"
            )
            said = subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT / "scripts",
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            rows.append(
                {
                    "what": "plan alone",
                    "rows": count,
                    "seconds": float(said[1]),
                    "controller_mb": float(said[2]),
                }
            )
    return rows


def measure_collect(quick: bool) -> list[dict]:
    """Gather made-up spots: time and memory of the one process that does it."""
    count = 100_000 if quick else 10_000_000
    per_image, per_batch = 1000, 500
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import sys; sys.path[:0] = sys.argv[1:3]\n"
            "from localbg import job; import scale; scale.collect(sys.argv[3])\n"
            "print(job.peak_mb())"
        )
        command = [sys.executable, "-c", code, str(ROOT / "scripts"), str(ROOT / "benchmarks")]
        made_up_pieces(Path(folder), count, per_image, per_batch)
        start = time.perf_counter()
        said = subprocess.run([*command, folder], check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
        stored = Path(folder, "spots.csv").stat().st_size
    return [{"spots": count, "seconds": seconds, "mb": float(said), "spots_csv_mb": stored / 1e6}]


def made_up_pieces(folder: Path, spots: int, per_image: int, per_batch: int) -> None:
    """Pieces as batches leave them, with made-up spots of one method."""
    import json

    spot = ["1", "12.345", "67.891", "21", "1234", "987.654", "321.123", "4567.89", "123.456"]
    spot += ["12.3456", "false"]
    record = {"threshold": 12.5, "level": 0.1, "noise": 2.5, "scatter": 3.5, "decided_by": "rule"}
    found = {"record": record, "spots": [spot] * per_image}
    facts = {"axes": "YX", "shape": [512, 512], "dtype": "uint16", "pixel_size_um": None}
    facts["sha256"] = "0" * 64
    names = [f"i{k:07d}" for k in range(spots // per_image)]
    for start in range(0, len(names), per_batch):
        with open(folder / f"{start:07d}.jsonl", "w", encoding="utf-8") as file:
            for name in names[start : start + per_batch]:
                row = {"image": name, "path": f"{name}.tif", "group": "", "spot_radius": 2}
                file.write(json.dumps(row | {"facts": facts, "methods": {"m": found}}) + "\n")


def collect(folder: str) -> None:
    """Gather the pieces of a folder."""
    import collect as script
    from localbg import gathered
    from localbg.plan import make_plan

    names = ("images", "spots", "counts", "parameters", "failures")
    outputs = {name: f"{folder}/{name}.csv" for name in names}
    plan = make_plan({"images": {"a": "a.tif"}, "compare": ["median"]})
    pieces = sorted(map(str, Path(folder).glob("*.jsonl")))
    script.main(gathered.from_batches(pieces), {"m": plan.methods["median"].recipe}, outputs)


def measure_memory(quick: bool) -> list[dict]:
    """The memory that the model asks for a job, against what a job of each method takes."""
    from localbg import batches

    rows = []
    for side in (256, 1024) if quick else (256, 1024, 2048, 4096):
        image = scenes.image("scene", "uint16", max(side, 2048))[:side, :side]
        for dtype in ("uint8", "uint16", "float32"):
            for method in [*METHODS, "rolling_ball"]:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder, "a.tif")
                    tifffile.imwrite(path, (image / (16 if dtype == "uint8" else 1)).astype(dtype))
                    used, seconds = _job(path, method)
                    asked = batches.memory_mb([str(path)], 1)
                rows.append(
                    {
                        "side": side,
                        "dtype": dtype,
                        "method": method,
                        "asked_mb": asked,
                        "used_mb": used,
                        "used_of_asked": used / asked,
                        "s_per_image": seconds,
                        "s_expected": batches.image_seconds(side * side),
                    }
                )
    return rows


def _job(path, method):
    """Memory of a process that does what a job does with one image; seconds of a second image."""
    code = (
        "import sys, time; sys.path[:0] = sys.argv[1:2]\n"
        "from localbg import chain, images, job\n"
        "from localbg.plan import make_plan\n"
        "methods = {'rolling_ball': {'background': {'filter': 'rolling_ball', 'radius': '4x'}}}\n"
        "plan = make_plan({'images': {'a': sys.argv[3]}, 'spot_radius': 2,\n"
        "    'methods': methods, 'compare': [sys.argv[4]]})\n"
        "plan.batches = {'1': ['a']}\n"
        "work = plan.batch('1', next(iter(plan.methods.values())).background)\n"
        "def once():\n"
        "    plane = images.read(sys.argv[3])\n"
        "    for found in chain.results(plane, 2, work['methods'],\n"
        "            work['steps']): pass\n"
        "once(); start = time.process_time(); once()\n"
        "print(job.peak_mb(), time.process_time() - start)"
    )
    command = [sys.executable, "-c", code, str(ROOT / "scripts"), "", str(path), method]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


SECTIONS = {
    "memory": measure_memory,
    "collect": measure_collect,
    "plan": measure_plan,
    "growth": measure_growth,
    "steps": measure_steps,
    "pool": measure_pool,
}


def print_and_write(name: str, rows: list[dict]) -> None:
    """Print a section's rows as a table, and write them as csv."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns] + [
        [f"{v:.3g}" if isinstance(v := row.get(key, ""), float) else str(v) for key in columns]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{name}")
    for line in lines:
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)))
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"scale_{name}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Measure the sections that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in options.sections:
        print_and_write(name, SECTIONS[name](options.quick))


if __name__ == "__main__":
    main()
