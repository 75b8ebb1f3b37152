"""Put the methods side by side: counts per image, and which spots two methods share."""

import itertools
import statistics

from localbg.accuracy import scoring
from localbg.io import tables
from localbg.io.columns import COLUMNS, columns_of_comparison
from localbg.workflow import job


def main(images: str, spots: str, counts: str, comparison: str, agreement: str) -> None:
    """Write the tables of comparison and agreement from those of collect, image by image."""
    methods = first_methods(counts)
    known, found = tables.Following(images), tables.Following(spots)
    with (
        tables.Writer(comparison, columns_of_comparison(methods)) as compare,
        tables.Writer(agreement, COLUMNS["agreement"]) as agree,
    ):
        for image, rows in tables.read_grouped(counts):
            by_method = {
                row["method"]: row["n_spots"] for row in rows if row["n_spots"] is not None
            }
            compare.row({"image": image, "group": rows[0]["group"]} | compared(by_method))
            radius = known.rows(image)[0]["spot_radius"]
            if not by_method:
                continue
            points = {method: [] for method in by_method}
            for row in found.rows(image):
                points[row["method"]].append((row["y"], row["x"]))
            for a, b in itertools.combinations(points, 2):
                agree.row(
                    {"image": image, "method_a": a, "method_b": b}
                    | scoring.compare_spots(points[a], points[b], radius)
                )


def first_methods(counts: str) -> list[str]:
    """Names of the methods: every image has a row for each."""
    _, rows = next(tables.read_grouped(counts), (None, []))
    return [row["method"] for row in rows]


def compared(found: dict[str, int]) -> dict:
    """Counts of one image by method, with their median and spread (highest minus lowest)."""
    counts = found.values()
    if not counts:
        return found
    median, spread = float(statistics.median(counts)), max(counts) - min(counts)
    return found | {"count_median": median, "count_spread": spread}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(*snakemake.input[:3], *snakemake.output)
