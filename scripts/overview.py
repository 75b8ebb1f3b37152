"""Draw the number of spots of all images and methods, and how far the methods agree."""

from localbg.figures import overview_charts, style
from localbg.io import tables
from localbg.workflow import job


def main(
    *, counts: str, agreement: str, accuracy: str | None, counts_figure: str, agreement_figure: str
) -> None:
    """Write both figures from the tables.

    Parameters
    ----------
    counts, agreement : str
        Paths of the tables.
    accuracy : str or None
        Path of the table of accuracy, where the truth of any image is known.
    counts_figure, agreement_figure : str
        Paths of the outputs.
    """
    rows = tables.read(counts)
    known = tables.scored(tables.read(accuracy)) if accuracy else []
    truth = {row["image"]: row["n_truth"] for row in known}
    style.save(overview_charts.draw_counts(rows, truth), counts_figure)
    methods = sorted({row["method"] for row in rows})
    style.save(overview_charts.draw_agreement(tables.read(agreement), methods), agreement_figure)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        counts=snakemake.input.counts,
        agreement=snakemake.input.agreement,
        accuracy=snakemake.input.get("accuracy"),
        counts_figure=snakemake.output.counts,
        agreement_figure=snakemake.output.agreement,
    )
