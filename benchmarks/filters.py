"""How fast the filters are, against a plain copy of the image and against other tools.

    python benchmarks/filters.py [--quick] [--figure filters.png]

All tools take turns on the same image, so that what slows the machine down slows all of them, and
the median of their times counts. Other tools run with one thread and are optional
(`envs/requirements-benchmarks.txt`; ImageJ and a JDK). A tool that would take longer than `--limit`
is left out, by its time on a smaller image. Writes `benchmarks/results/filters.csv`.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import logging
import os
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import filters_figure
import fresh_process
import numpy as np
import scenes
import whole_chain
from peers import DTYPES, OPERATIONS, Peers, Tool, our_filter, our_tools

RESULTS = Path(__file__).resolve().parent / "results" / "filters.csv"
SECTIONS = ("filters", "first", "chain", "objects")
SIZES = (512, 1024, 2048, 8192)
RADII = (5, 15, 30, 50)
PROBE = 256  # pixels of a side of the image that a tool is first tried on
MOST_RUNS = 7
COLUMNS = (
    *("operation", "content", "dtype", "size", "radius", "tool", "ms", "runs", "ratio", "copies"),
    *("ms_per_megapixel", "difference", "memory", "left_out_s", "note"),
)

logger = logging.getLogger("benchmark")


@dataclass(frozen=True)
class Case:
    """One operation on one image."""

    operation: str
    content: str
    dtype: str
    size: int
    radius: int

    def __str__(self) -> str:
        content = "" if self.content == "scene" else f", {self.content}"
        return f"{self.operation} {self.size}² {self.dtype}{content}, radius {self.radius}"


def choose_cases(options: argparse.Namespace) -> list[Case]:
    """All combinations, or those that differ in one thing from a central one; and sweeps of radii.

    The radii are swept on the central image and, with the slow tools in mind, on the smallest.
    """
    centre = 2048 if 2048 in options.sizes else max(options.sizes)
    smallest = min(options.sizes)

    def is_chosen(case):
        if case.content == "random":  # what a median's time may depend on
            at = (case.size, case.dtype) == (centre, "uint16")
            return at and case.operation == "median" and case.radius in (15, max(options.radii))
        differs = (case.size != centre) + (case.radius != 15) + (case.dtype != "uint16")
        sweep = case.dtype == "uint16" or (case.dtype, case.operation) == ("uint8", "median")
        return options.every or differs <= 1 or (sweep and case.size == smallest)

    crossed = itertools.product(
        options.operations, ("scene", "random"), options.dtypes, options.sizes, options.radii
    )
    return [case for case in itertools.starmap(Case, crossed) if is_chosen(case)]


class Clock:
    """Times tools in turns, and knows from earlier times how long a tool will take.

    Parameters
    ----------
    limit : float
        Seconds that a call may be expected to take.
    budget : float
        Seconds that a tool may spend on one case's repeats.
    """

    def __init__(self, limit: float, budget: float):
        self.limit, self.budget = limit, budget
        self._seen = {}

    def expected(self, tool: Tool, case: Case, image: np.ndarray) -> float:
        """Seconds that a tool will take, at most, if its cost grows as pixels times radius²."""
        key = (tool.name, case.operation, case.content, case.dtype)
        if key not in self._seen:
            seconds, _ = tool.run(image[:PROBE, :PROBE].copy(), case.radius)  # compiles, loads
            seconds, _ = tool.run(image[:PROBE, :PROBE].copy(), case.radius)
            self._seen[key] = {(PROBE, case.radius): seconds}
        return min(
            seconds * (case.size / size) ** 2 * max(1, case.radius / radius) ** 2
            for (size, radius), seconds in self._seen[key].items()
        )

    def measure(self, case: Case, tools: list[Tool]) -> list[dict]:
        """Measure all tools on one case; returns a row each."""
        image = scenes.image(case.content, case.dtype, case.size)
        rows, runs = {}, {}
        for tool in tools:
            seconds = self.expected(tool, case, image)
            rows[tool.name] = vars(case) | {"tool": tool.name, "note": tool.note}
            ours = tool.name == "copy" or tool.name.startswith("localbg")
            if seconds > self.limit and not ours:
                rows[tool.name]["left_out_s"] = seconds
            else:
                runs[tool] = min(max(int(self.budget / max(seconds, 1e-6)), 1), MOST_RUNS)
        times = {tool.name: [] for tool in runs}
        references = {}
        for turn in range(max(runs.values())):
            for tool in (tool for tool in runs if turn < runs[tool]):
                seconds, result = tool.run(image, case.radius)
                times[tool.name].append(seconds)
                if turn == 0 and tool.name == "localbg":
                    references[tool.reference] = result
                elif turn == 0 and tool.name != "copy":
                    if tool.reference not in references:
                        ours = our_filter(case.operation, tool.reference)
                        references[tool.reference] = ours(image, case.radius)
                    difference = largest_difference(result, references[tool.reference])
                    rows[tool.name]["difference"] = difference
        for tool in runs:
            seconds = statistics.median(times[tool.name])
            key = (tool.name, case.operation, case.content, case.dtype)
            self._seen[key][case.size, case.radius] = seconds
            rows[tool.name] |= {
                "ms": 1000 * seconds,
                "runs": runs[tool],
                "ratio": seconds / statistics.median(times["localbg"]),
                "copies": seconds / statistics.median(times["copy"]),
                "ms_per_megapixel": 1e9 * seconds / image.size,
            }
        return list(rows.values())


def largest_difference(result: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference of two images, in grey levels; 0 if they are identical."""
    return float(np.abs(np.subtract(result, expected, dtype=np.float64)).max())


def measure_filters(options: argparse.Namespace) -> list[dict]:
    """Measure every case with every tool; prints a table per operation."""
    cases = choose_cases(options)
    clock = Clock(options.limit, 0.4 if options.quick else 2.0)
    table, done = [], 0
    with Peers(options.tools) as peers:
        versions = ", ".join(f"{name} {version}" for name, version in peers.versions.items())
        print(f"against {versions}")
        for line in peers.absent:
            print(f"left out: {line}")
        for operation in options.operations:
            tools = our_tools(operation) + peers.tools(operation)
            rows = []
            for case in (case for case in cases if case.operation == operation):
                done += 1
                logger.info("%d of %d: %s", done, len(cases), case)
                fitting = [tool for tool in tools if case.dtype in tool.dtypes]
                found = clock.measure(case, fitting)
                if options.memory:
                    found[0]["memory"] = fresh_process.peak_memory(*vars(case).values())
                rows += found
            print_filters(operation, rows, [tool.name for tool in tools])
            table += rows
    return table


def print_filters(operation: str, rows: list[dict], tools: list[str]) -> None:
    """Print an operation's table: a line for each image, a column for each tool."""
    others = [name for name in tools if name not in ("localbg", "copy")]
    heads = ["image", "radius", "localbg, ms", "copies", "memory", *others]
    lines = []
    for _, group in itertools.groupby(rows, key=lambda row: [row[name] for name in COLUMNS[1:5]]):
        found = {row["tool"]: row for row in group}
        ours = found["localbg"]
        name = f"{ours['size']}² {ours['dtype']}"
        name += "" if ours["content"] == "scene" else f" {ours['content']}"
        line = [name, str(ours["radius"]), short(ours["ms"]), short(ours["copies"])]
        line.append(short(ours["memory"]) if "memory" in ours else "")
        lines.append(line + [_cell(found.get(name)) for name in others])
    print(f"\n{operation}")
    print_table(heads, lines)
    for name, note in {row["tool"]: row["note"] for row in rows if row["note"]}.items():
        print(f"  {name}: {note}")


def _cell(row):
    if row is None:
        return "-"
    if "ms" not in row:
        return f"out, {row['left_out_s']:.0f} s"
    difference = row["difference"]
    if not difference:
        return f"{short(row['ratio'])} ="
    return f"{short(row['ratio'])} ±" + f"{difference:{'.0f' if difference >= 100 else '.2g'}}"


def short(value: float) -> str:
    """Three digits or so, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "0"


def print_table(heads: list[str], lines: list[list[str]]) -> None:
    """Print a table, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    for line in [heads, *lines]:
        cells = [f"{word:>{width}}" for word, width in zip(line, widths, strict=True)]
        print("  ".join([f"{line[0]:<{widths[0]}}", *cells[1:]]))


def measure_first_use() -> list[dict]:
    """Measure the first call of each filter in a fresh process; prints the table."""
    found = fresh_process.first_use()
    times = ("compile", "load", "again")
    lines = [[row["filter"], *(f"{row[name]:.3f}" for name in times)] for row in found]
    print("\nfirst call in a process, s: nothing compiled yet, compiled before; a further call")
    print_table(["filter", "compile", "load", "again"], lines)
    return [
        {"operation": f"first use of {row['filter']}", "tool": name, "ms": 1000 * row[name]}
        for row in found
        for name in times
    ]


def take_turns(name: str, functions: dict, budget: float) -> tuple[list[dict], dict]:
    """Time functions in turns while their time lasts; returns rows and the first results."""
    results, times = {}, {key: [] for key in functions}
    for turn in range(MOST_RUNS):
        for key, function in functions.items():
            if turn == 0 or sum(times[key]) * (turn + 1) / turn < budget:
                logger.info("%s, turn %d: %s", name, turn + 1, key)
                start = time.perf_counter()
                result = function()
                times[key].append(time.perf_counter() - start)
                results.setdefault(key, result)
    middle = {key: statistics.median(values) for key, values in times.items()}
    rows = [
        {
            "operation": name,
            "tool": key,
            "ms": 1000 * middle[key],
            "runs": len(times[key]),
            "ratio": middle[key] / middle["localbg"],
        }
        for key in functions
    ]
    return rows, results


def measure_chain(options: argparse.Namespace) -> list[dict]:
    """Measure the whole chain on one image; prints the table."""
    size = 512 if options.quick else 2048
    with tempfile.TemporaryDirectory() as folder:
        for function in whole_chain.chains(PROBE, Path(folder)).values():
            function()
        rows, counts = take_turns("chain", whole_chain.chains(size, Path(folder)), 10)
    if counts["localbg"] != counts["scikit-image"]:
        raise RuntimeError(f"the chains count different numbers of spots: {counts}")
    print(f"\nread, median r {whole_chain.RADIUS}, subtract, otsu, label, measure, write: {size}²")
    lines = [
        [row["tool"], short(row["ms"]), short(row["ratio"]), str(counts[row["tool"]])]
        for row in rows
    ]
    print_table(["tool", "ms", "ratio", "spots"], lines)
    return [row | {"size": size, "radius": whole_chain.RADIUS} for row in rows]


def measure_objects(options: argparse.Namespace) -> list[dict]:
    """Measure the labelling and measuring of many objects; prints the table."""
    count = whole_chain.OBJECTS // (10 if options.quick else 1)
    rows, results = take_turns("objects", whole_chain.objects(count), 10)
    ours, theirs = results["localbg"], results["scikit-image"]
    for name, column in ours.items():
        np.testing.assert_allclose(column, theirs[name], rtol=1e-6, err_msg=name)
    print(f"\nlabel and measure {len(ours['core_area']):,} objects, with equal results")
    lines = [[row["tool"], short(row["ms"]), short(row["ratio"])] for row in rows]
    print_table(["tool", "ms", "ratio"], lines)
    return rows


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two minutes instead of half an hour")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=OPERATIONS)
    parser.add_argument("--tools", nargs="+", help="names of other tools; all of them otherwise")
    parser.add_argument("--sizes", nargs="+", type=int, help="pixels of a side of the image")
    parser.add_argument("--radii", nargs="+", type=int, help="pixels; of a Gaussian, sigma")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES)
    parser.add_argument("--every", action="store_true", help="every combination of these")
    parser.add_argument("--limit", type=float, help="seconds that a call may take")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--figure", type=Path, help="PNG of time against radius")
    parser.add_argument("--csv", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    options.sizes = options.sizes or (SIZES[:1] if options.quick else SIZES)
    options.radii = options.radii or (RADII[:2] if options.quick else RADII)
    options.dtypes = options.dtypes or (("uint16",) if options.quick else DTYPES)
    options.limit = options.limit or (4 if options.quick else 60)
    return options


def main(argv: list[str] | None = None) -> None:
    """Measure, print, write."""
    options = parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    start = time.perf_counter()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; ", end="")
    print(f"Python {platform.python_version()}, numpy {np.__version__}")
    print("Columns of tools: their time as a multiple of ours with one thread; = the same result,")
    print(
        "± the largest difference in grey levels. copies: our time as a multiple of a copy of the"
    )
    print("image. memory: bytes per byte of the image, result included.")
    sections = {
        "filters": lambda: measure_filters(options),
        "first": measure_first_use,
        "chain": lambda: measure_chain(options),
        "objects": lambda: measure_objects(options),
    }
    rows = [row for name in options.sections for row in sections[name]()]
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with open(options.csv, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"\nwrote {options.csv} after {(time.perf_counter() - start) / 60:.1f} minutes")
    if options.figure:
        filters_figure.draw(rows, options.figure)
        print(f"wrote {options.figure}")


if __name__ == "__main__":
    main()
