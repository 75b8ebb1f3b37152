"""Number of spots of each group and method, with its interval."""

import numpy as np

from localbg import bootstrap, job, tables


def main(counts: str, table: str, seed: int) -> None:
    """Write the table of groups from that of counts."""
    methods: list[str] = []
    # By group, of each image the counts of all methods and the densities; None where it failed.
    found: dict[str, list] = {}
    for _, rows in tables.grouped(counts):
        methods = [row["method"] for row in rows]
        known = rows[0]["status"] == "ok"
        values = [[float(row[key]) for row in rows] for key in ("n_spots", "density") if known]
        found.setdefault(rows[0]["group"], []).append(values or None)
    with tables.Writer(table, tables.COLUMNS["groups"]) as writer:
        for group, images in sorted(found.items()):
            for row in summary(methods, images, seed):
                writer.row({"group": group} | row)


def summary(methods: list[str], images: list, seed: int) -> list[dict]:
    """Counts of the images of a group by method; the interval of a single image is unknown."""
    known = [values for values in images if values]
    array = np.array(known, float).reshape(len(known), 2, len(methods))
    spread = bootstrap.means(array.reshape(len(known), 2 * len(methods)), seed=seed)
    rows = []
    for k, method in enumerate(methods):
        row = {"method": method, "n_images": len(known), "n_failed": len(images) - len(known)}
        if known:
            row["n_spots"] = int(array[:, 0, k].sum())
            row["count_median"] = float(np.median(array[:, 0, k]))
        for name, values in (("count", spread[k]), ("density", spread[len(methods) + k])):
            ends = (f"{name}_{end}" for end in ("mean", "low", "high"))
            row |= dict(zip(ends, values, strict=True))
        rows.append(row)
    return rows


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.input.counts, snakemake.output[0], snakemake.params.seed)
