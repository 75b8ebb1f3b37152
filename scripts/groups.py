"""Number of spots of each group and method, with its interval."""

import numpy as np

from localbg.core import bootstrap
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import job


def main(counts: str, table: str, seed: int) -> None:
    """Write the table of groups from that of counts."""
    methods: list[str] = []
    # By group, of each image the count and the density of each method; None where it failed.
    found: dict[str, list] = {}
    for _, rows in tables.read_grouped(counts):
        methods = [row["method"] for row in rows]
        values = [
            (row["n_spots"], row["density"]) if row["status"] == "ok" else None for row in rows
        ]
        found.setdefault(rows[0]["group"], []).append(values)
    with tables.Writer(table, COLUMNS["groups"]) as writer:
        for group, images in sorted(found.items()):
            for row in summary(methods, images, seed):
                writer.row({"group": group} | row)


def summary(methods: list[str], images: list, seed: int) -> list[dict]:
    """Counts of the images of a group by method; the interval of a single image is unknown."""
    rows = []
    for k, method in enumerate(methods):
        known = np.array([values[k] for values in images if values[k]], float).reshape(-1, 2)
        row = {"method": method, "n_images": len(known), "n_failed": len(images) - len(known)}
        if len(known):
            row["n_spots"] = int(known[:, 0].sum())
            row["count_median"] = float(np.median(known[:, 0]))
        spread = bootstrap.means(known, seed=seed)
        for name, values in zip(("count", "density"), spread, strict=True):
            ends = (f"{name}_{end}" for end in ("mean", "low", "high"))
            row |= dict(zip(ends, values, strict=True))
        rows.append(row)
    return rows


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.input.counts, snakemake.output[0], snakemake.params.seed)
