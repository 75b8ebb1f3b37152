"""Score each method against true positions, where the sheet gives them."""

from localbg import job, scoring, sheet, tables


def main(images: str, spots: str, counts: str, accuracy: str, truth: dict[str, str]) -> None:
    """Write the accuracy of each method on each image that has truth and did not fail."""
    known, found = tables.Following(images), tables.Following(spots)
    with tables.Writer(accuracy, tables.COLUMNS["accuracy"]) as table:
        for image, rows in tables.grouped(counts):
            radius = known.rows(image)[0]["spot_radius"]
            if image not in truth or not radius:
                continue
            points = {row["method"]: [] for row in rows}
            for row in found.rows(image):
                points[row["method"]].append((float(row["y"]), float(row["x"])))
            for method, places in points.items():
                table.row(
                    {"image": image, "method": method}
                    | scoring.accuracy(sheet.points(truth[image]), places, float(radius))
                )


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(*snakemake.input[:3], snakemake.output[0], snakemake.params.truth)
