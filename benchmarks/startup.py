"""What a job costs before and beside its work, step by step.

    python benchmarks/startup.py [--repeats 7]

Each step's script is started and ended without work, interleaved with the others, and the median
is printed next to that of a Python that does nothing. The last line is a whole run of the workflow
on one shipped image (256 x 256 pixels) per job, work and Snakemake's own share included.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("read", "denoise", "background", "subtract", "threshold", "spots")
IMPORT = "import sys; sys.path.append(sys.argv[1]); import {step}"
STUDY = """
images: {{cell: {{path: {root}/data/cell.tif, spot_radius: 2}}}}
methods: {{median: {{background: {{radius: 4}}}}}}
denoise: {{sigma: 1}}
compare: [median]
"""


def seconds(command: list[str]) -> float:
    """Wall time of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def workflow(folder: Path) -> tuple[float, int]:
    """Wall time and number of jobs of a run of the workflow on one image and method."""
    (folder / "config.yaml").write_text(STUDY.format(root=ROOT))
    command = [sys.executable, "-m", "snakemake", "--snakefile", f"{ROOT}/Snakefile"]
    command += ["--directory", str(folder), "--cores", "1"]
    return seconds(command), len(list((folder / "results" / "logs").rglob("*.log")))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    programs = {"(bare Python)": "pass"} | {step: IMPORT.format(step=step) for step in STEPS}
    times = {name: [] for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            times[name].append(seconds([sys.executable, "-c", program, f"{ROOT}/scripts"]))
    print(f"{'step':<16}{'start-up, ms':>14}")
    for name, values in times.items():
        print(f"{name:<16}{1000 * statistics.median(values):>14.0f}")
    with tempfile.TemporaryDirectory() as folder:
        wall, jobs = workflow(Path(folder))
    print(f"whole run: {wall:.1f} s for {jobs} jobs one after the other, {wall / jobs:.2f} s a job")


if __name__ == "__main__":
    main()
