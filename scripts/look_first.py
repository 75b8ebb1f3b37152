"""List the images to look at first, each with the reason."""

from collections.abc import Collection

from localbg.comparison import look_first
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import job


def main(
    images: str,
    counts: str,
    agreement: str,
    accuracy: str | None,
    table: str,
    blanks: Collection[str] = (),
) -> None:
    """Write the list from the tables; each is read an image at a time.

    Parameters
    ----------
    images, counts, agreement, accuracy : str
        Paths of these tables; ``accuracy`` is None where no truth is known.
    table : str
        Where to write.
    blanks : collection of str
        Images in which there can be no spots, so that to count none is not odd.
    """
    blanks = set(blanks)
    usual, elsewhere = usual_counts(counts, blanks)
    pairs = tables.Following(agreement)
    known = tables.Following(accuracy) if accuracy else None
    of_images = tables.Following(images)

    def judged():
        for image, rows in tables.read_grouped(counts):
            (facts,) = of_images.rows(image)
            of_truth = known.rows(image) if known else []
            scored = tables.scored(of_truth)
            unusable = [(1.5, row["reason"]) for row in of_truth[:1] if not scored]
            yield (
                facts,
                unusable
                + look_first.find_reasons(
                    facts,
                    {row["method"]: row["n_spots"] for row in rows if row["n_spots"] is not None},
                    {
                        row["method"]: usual.get((row["group"], row["method"]))
                        for row in rows
                        if image not in blanks or row["n_spots"] != 0
                    },
                    [row["jaccard"] for row in pairs.rows(image)],
                    {row["method"]: row["f1"] for row in scored},
                    None if image in blanks else elsewhere,
                    rows,
                ),
            )

    tables.write(table, COLUMNS["look_first"], look_first.order_images(judged()))


def usual_counts(
    counts: str, blanks: Collection[str] = ()
) -> tuple[dict[tuple[str, str], tuple[float, float] | None], dict[str, float]]:
    """What is typical of each group and method, and of each method in images that are not blank."""
    of_group: dict[tuple[str, str], list[int]] = {}
    of_study: dict[str, list[int]] = {}
    for image, rows in tables.read_grouped(counts):
        for row in rows:
            if (n := row["n_spots"]) is not None:
                of_group.setdefault((row["group"], row["method"]), []).append(n)
                if image not in blanks:
                    of_study.setdefault(row["method"], []).append(n)
    return (
        {key: look_first.typical(values) for key, values in of_group.items()},
        {method: look_first.median_of_others(values) for method, values in of_study.items()},
    )


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.input.images,
        snakemake.input.counts,
        snakemake.input.agreement,
        snakemake.input.get("accuracy") or None,
        snakemake.output[0],
        snakemake.params.blanks,
    )
