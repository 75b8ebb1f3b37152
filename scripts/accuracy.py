"""Score each method against true positions, where the sheet gives them."""

from collections import defaultdict

from localbg import job, scoring, sheet, tables


def main(images: str, spots: str, counts: str, accuracy: str, truth: dict[str, str]) -> None:
    """Write the accuracy of each method on each image that has truth and did not fail."""
    radius = {
        row["image"]: float(row["spot_radius"])
        for row in tables.read(images)
        if row["status"] == "ok"
    }
    points = defaultdict(list)
    for row in tables.read(spots):
        points[row["image"], row["method"]].append((float(row["y"]), float(row["x"])))
    tables.write(
        accuracy,
        tables.COLUMNS["accuracy"],
        (
            {"image": image, "method": row["method"]}
            | scoring.accuracy(
                sheet.points(truth[image]), points[image, row["method"]], radius[image]
            )
            for row in tables.read(counts)
            if (image := row["image"]) in truth and image in radius
        ),
    )


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(*snakemake.input[:3], snakemake.output[0], snakemake.params.truth)
