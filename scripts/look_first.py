"""List the images to look at first, each with the reason."""

from localbg import job, look_first, tables


def main(images: str, counts: str, agreement: str, accuracy: str | None, table: str) -> None:
    """Write the list from the tables; each is read an image at a time."""
    usual = usual_counts(counts)
    pairs = tables.Following(agreement)
    known = tables.Following(accuracy) if accuracy else None
    of_images = tables.Following(images)

    def judged():
        for image, rows in tables.grouped(counts):
            (facts,) = of_images.rows(image)
            of_truth = known.rows(image) if known else []
            scored = tables.scored(of_truth)
            unusable = [(1.5, row["reason"]) for row in of_truth[:1] if not scored]
            yield (
                facts,
                unusable
                + look_first.reasons(
                    facts,
                    {row["method"]: int(row["n_spots"]) for row in rows if row["n_spots"]},
                    {row["method"]: usual.get((row["group"], row["method"])) for row in rows},
                    [float(row["jaccard"]) for row in pairs.rows(image)],
                    {row["method"]: float(row["f1"]) for row in scored},
                ),
            )

    tables.write(table, tables.COLUMNS["look_first"], look_first.ordered(judged()))


def usual_counts(counts: str) -> dict[tuple[str, str], tuple[float, float] | None]:
    """What is typical of each group and method."""
    found: dict[tuple[str, str], list[int]] = {}
    for _, rows in tables.grouped(counts):
        for row in rows:
            if row["n_spots"]:
                found.setdefault((row["group"], row["method"]), []).append(int(row["n_spots"]))
    return {key: look_first.typical(values) for key, values in found.items()}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.input.images,
        snakemake.input.counts,
        snakemake.input.agreement,
        snakemake.input.get("accuracy") or None,
        snakemake.output[0],
    )
