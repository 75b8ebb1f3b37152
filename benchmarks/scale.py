"""How batch mode grows: against a plain script, against a naive one, and with the number of images.

    python benchmarks/scale.py [--quick] [--sections pool steps growth ...]

Every section prints a table and writes `benchmarks/results/scale_<section>.csv`. Times are wall
times of whole runs; runs that are compared take turns. Memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scenes
import tifffile
from study import CORES, METHODS, ROOT, make_study, naive_seconds, run_pool, run_workflow

RESULTS = ROOT / "benchmarks" / "results"

# Images, side, spot radius and how often.
STUDIES = ((2000, 256, 2, 3), (200, 2048, 2, 1), (40, 2048, 5, 1))
QUICK_STUDIES = ((60, 256, 2, 1), (6, 2048, 5, 1))
FACTORS = ["1.5x", "2x", "2.5x", "3x", "4x"]
RULE = {"rule": "noise", "k": [4, 6, 8, 12]}
SWEEP = METHODS | {
    "methods": {
        "gaussian": {"background": {"filter": "gaussian", "sigma": FACTORS}, "threshold": RULE},
        "median": {"background": {"filter": "median", "radius": FACTORS}, "threshold": RULE},
        "tophat": {"background": {"filter": "opening", "radius": FACTORS}, "threshold": RULE},
    }
}
COMPARISON = "results/tables/comparison.csv"


def measure_pool(quick: bool) -> list[dict]:
    """Batch mode, a process pool over the same functions, and scikit-image."""
    rows = []
    for count, side, radius, repeats in QUICK_STUDIES if quick else STUDIES:
        ours, pool = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                config = METHODS | {"spot_radius": radius}
                study = make_study(Path(folder, "study"), count, side, config)
                pool.append(run_pool(study, config))
                ours.append(run_workflow(study))
        with tempfile.TemporaryDirectory() as folder:
            study = make_study(Path(folder, "study"), count, side)
            naive = naive_seconds(study, 3 if side > 1000 else 20, radius) * count / CORES
        wall = statistics.median(row["after_start"] for row in ours)
        rows.append(
            {
                "images": count,
                "side": side,
                "spot_radius": radius,
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
            study = make_study(Path(folder, "study"), count, 256, mode=mode)
            rows.append({"mode": mode, "images": count} | run_workflow(study, COMPARISON))
    for row in rows:
        row["ratio"] = row["seconds"] / rows[-1]["seconds"]
    return rows


def measure_sweep(quick: bool) -> list[dict]:
    """Three methods, five sizes, four thresholds: each background is made once for all thresholds.

    Beside it a pool that does so too, and one that makes them again for each threshold.
    """
    rows = []
    for count, side in ((4, 256),) if quick else ((20, 512), (20, 1024)):
        with tempfile.TemporaryDirectory() as folder:
            study = make_study(Path(folder, "study"), count, side, SWEEP)
            pool, ours = run_pool(study, SWEEP), run_workflow(study)
            again = sum(run_pool(study, single) for single in single_thresholds())
        ratios = {"ratio": ours["after_start"] / pool, "again_ratio": again / ours["after_start"]}
        rows.append({"images": count, "side": side} | ours | {"pool_s": pool} | ratios)
    return rows


def single_thresholds():
    """The sweep as four configs, of a threshold each."""
    for k in RULE["k"]:
        methods = {
            name: method | {"threshold": RULE | {"k": k}}
            for name, method in SWEEP["methods"].items()
        }
        yield SWEEP | {"methods": methods}


def measure_growth(quick: bool) -> list[dict]:
    """Small images, ever more of them."""
    rows = []
    for count in (20, 100) if quick else (100, 1000, 10000):
        with tempfile.TemporaryDirectory() as folder:
            found = run_workflow(make_study(Path(folder, "study"), count, 64), COMPARISON)
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
                "from localbg.workflow import job\n"
                "from localbg.workflow.plan import make_plan\n"
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
            "from localbg.workflow import job; import scale; scale.collect(sys.argv[3])\n"
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
    from localbg.workflow import collected
    from localbg.workflow.plan import make_plan

    names = ("images", "spots", "counts", "parameters", "failures")
    outputs = {name: f"{folder}/{name}.csv" for name in names}
    plan = make_plan({"images": {"a": "a.tif"}, "compare": ["median"]})
    pieces = sorted(map(str, Path(folder).glob("*.jsonl")))
    script.main(collected.from_batches(pieces), {"m": plan.methods["median"].recipe}, outputs)


def measure_memory(quick: bool) -> list[dict]:
    """The memory that the model asks for a job, against what a job of each method takes."""
    from localbg.workflow import batches

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
        "from localbg.io import images\n"
        "from localbg.pipeline import chain\n"
        "from localbg.workflow import job\n"
        "from localbg.workflow.plan import make_plan\n"
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
    "sweep": measure_sweep,
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
