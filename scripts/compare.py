"""Put the methods side by side: counts per image, and which spots two methods share."""

import itertools
import statistics
from collections import defaultdict

from localbg import job, scoring, tables


def main(images: str, spots: str, counts: str, comparison: str, agreement: str) -> None:
    """Write the tables of comparison and agreement from those of collect."""
    radius = {
        row["image"]: float(row["spot_radius"])
        for row in tables.read(images)
        if row["status"] == "ok"
    }
    by_image = defaultdict(dict)
    groups = {}
    for row in tables.read(counts):
        groups[row["image"]] = row["group"]
        by_image[row["image"]][row["method"]] = int(row["n_spots"]) if row["n_spots"] else None
    methods = sorted({name for found in by_image.values() for name in found})
    first, last = tables.COMPARISON
    tables.write(
        comparison,
        (*first, *methods, *last),
        ({"image": i, "group": groups[i]} | compared(found) for i, found in by_image.items()),
    )
    points = defaultdict(list)
    for row in tables.read(spots):
        points[row["image"], row["method"]].append((float(row["y"]), float(row["x"])))
    tables.write(
        agreement,
        tables.COLUMNS["agreement"],
        (
            {"image": image, "method_a": a, "method_b": b}
            | scoring.agreement(points[image, a], points[image, b], radius[image])
            for image in sorted(radius)
            for a, b in itertools.combinations(methods, 2)
        ),
    )


def compared(found: dict[str, int | None]) -> dict:
    """Counts of one image by method, with their median and spread (highest minus lowest)."""
    counts = [n for n in found.values() if n is not None]
    if not counts:
        return found
    median, spread = float(statistics.median(counts)), max(counts) - min(counts)
    return found | {"count_median": median, "count_spread": spread}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(*snakemake.input[:3], *snakemake.output)
