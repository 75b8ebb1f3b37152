"""Draw the assessment without annotation: completeness, false positives and residuals."""

from localbg.figures import assessment_charts, style
from localbg.io import tables
from localbg.workflow import job


def main(
    *,
    recovery: str,
    completeness: str,
    false_positives: str,
    residuals: str,
    completeness_figure: str,
    false_positives_figure: str,
) -> None:
    """Write both figures from the tables, given by their paths."""
    drawn = assessment_charts.draw_completeness(tables.read(recovery), tables.read(completeness))
    style.save(drawn, completeness_figure)
    drawn = assessment_charts.draw_false_positives(
        tables.read(false_positives), tables.read(residuals)
    )
    style.save(drawn, false_positives_figure)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        recovery=snakemake.input.recovery,
        completeness=snakemake.input.completeness,
        false_positives=snakemake.input.false_positives,
        residuals=snakemake.input.residuals,
        completeness_figure=snakemake.output.completeness,
        false_positives_figure=snakemake.output.false_positives,
    )
