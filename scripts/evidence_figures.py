"""Draw the evidence that needs no annotation: completeness, false spots and residuals."""

from localbg.figures import assessment_charts, style
from localbg.io import tables
from localbg.workflow import job

WORDS = ("image", "group", "method", "where", "kind", "note")


def main(
    *,
    recovery: str,
    completeness: str,
    false_spots: str,
    residuals: str,
    completeness_figure: str,
    false_spots_figure: str,
) -> None:
    """Write both figures from the tables, given by their paths."""
    drawn = assessment_charts.draw_completeness(numbers(recovery), numbers(completeness))
    style.save(drawn, completeness_figure)
    drawn = assessment_charts.draw_doubts(numbers(false_spots), numbers(residuals))
    style.save(drawn, false_spots_figure)


def numbers(path: str) -> list[dict]:
    """Rows of a table with numbers as numbers, and None where a cell is empty."""
    return [
        {
            key: cell
            if key in WORDS
            else float(cell)
            if "." in cell or "e" in cell
            else int(cell)
            if cell
            else None
            for key, cell in row.items()
        }
        for row in tables.read(path)
    ]


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        recovery=snakemake.input.recovery,
        completeness=snakemake.input.completeness,
        false_spots=snakemake.input.false_spots,
        residuals=snakemake.input.residuals,
        completeness_figure=snakemake.output.completeness,
        false_spots_figure=snakemake.output.false_spots,
    )
