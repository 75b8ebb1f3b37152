"""Number of spots of each group and method, with its interval."""

import statistics

from localbg import bootstrap, job, tables


def main(counts: str, table: str, seed: int) -> None:
    """Write the table of groups from that of counts."""
    found: dict[tuple[str, str], list[dict]] = {}
    for _, rows in tables.grouped(counts):
        for row in rows:
            kept = {key: row[key] for key in ("status", "n_spots", "density")}
            found.setdefault((row["group"], row["method"]), []).append(kept)
    tables.write(
        table,
        tables.COLUMNS["groups"],
        (
            {"group": group, "method": method} | summary(rows, seed)
            for (group, method), rows in sorted(found.items())
        ),
    )


def summary(rows: list[dict], seed: int) -> dict:
    """Counts of the images of a group; the interval of a single image is unknown."""
    known = [row for row in rows if row["status"] == "ok"]
    counts = [int(row["n_spots"]) for row in known]
    result = {
        "n_images": len(known),
        "n_failed": len(rows) - len(known),
        "n_spots": sum(counts) if counts else None,
    }
    if counts:
        result["count_median"] = float(statistics.median(counts))
    for name, values in (
        ("count", counts),
        ("density", [float(row["density"]) for row in known]),
    ):
        estimate, low, high = bootstrap.mean(values, seed=seed)
        result |= {f"{name}_mean": estimate, f"{name}_low": low, f"{name}_high": high}
    return result


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.input.counts, snakemake.output[0], snakemake.params.seed)
