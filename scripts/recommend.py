"""Rank the methods by the strongest criterion there is, and recommend one."""

from localbg.accuracy import cross_validation
from localbg.detection import measured_radius
from localbg.figures import recommendation_chart, style
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.ranking import criteria, recommendation, reliability
from localbg.workflow import job

# Tables of criteria that a run may have.
OPTIONAL = {
    "false_positives": criteria.judge_by_false_positives,
    "residuals": criteria.judge_by_residuals,
}


def main(
    *,
    images: str,
    counts: str,
    found: dict[str, str],
    n_parameters: dict[str, int],
    seed: int,
    table: str,
    of_images: str,
    figure: str,
) -> None:
    """Write the tables and the figure.

    Parameters
    ----------
    images, counts : str
        Paths of these tables: odd grey levels, and what the shapes of the spots say.
    found : dict of str to str
        Paths of the tables that hold criteria, by name. Each is optional, but those of accuracy and
        cross-validation come together, and those of recovery and false positives.
    n_parameters : dict of str to int
        How many parameters each method sets.
    seed : int
        Of the resampling.
    table, of_images, figure : str
        Paths of the outputs: the recommendation over all images, which methods to trust on each,
        and the figure of the recommendation.
    """
    read = {name: tables.read(path) for name, path in found.items()}
    known, tuned = [], None
    if "accuracy" in read:
        read["accuracy"] = tables.scored(read["accuracy"])
        names = ("accuracy_pooled", "accuracy_differences", "accuracy")
        known.append(criteria.judge_by_truth(*(read[name] for name in names)))
        tuned = choice_among_all(read["crossvalidation"])
    if "recovery" in read:
        injected = read["recovery"], read["false_positives"]
        known.append(criteria.judge_by_injection(*injected, seed=seed))
    for name, of_rows in OPTIONAL.items():
        if name in read:
            known.append(of_rows(read[name], seed=seed))
    if "stability" in read:
        _, spots = tables.read_counts(counts)
        known.append(criteria.judge_by_stability(read["stability"], len(spots)))
    counted = tables.read(counts)
    known_of_images = (read.get(name, []) for name in ("accuracy", "recovery", "false_positives"))
    judged = reliability.judge_images(*known_of_images, counted)
    remarks = reliability.remarks(tables.read(images), counted)
    tables.write(of_images, COLUMNS["reliability"], reliability.advise(judged, remarks))
    faults = reliability.find_faults(judged)
    n_spots = [row["n_spots"] for row in counted if row["n_spots"] is not None]
    total = sum(n_spots) if n_spots else None
    rows = recommendation.recommend(n_parameters, known, n_parameters, tuned, faults, total)
    if warning := measured_radius.warning(tables.read_grouped(counts)):
        rows[0]["reason"] += f" {warning}"
    tables.write(table, COLUMNS["recommendation"], rows)
    style.save(recommendation_chart.draw_recommendation(rows, known), figure)


def choice_among_all(rows: list[dict]) -> dict[str, float] | None:
    """What the choice among all methods is worth, where there were groups to leave out."""
    totals = {row["sweep"]: row for row in rows if not row["left_out"]}
    # With one sweep and nothing else, its methods are all there are.
    row = totals.get(cross_validation.ALL) or next(iter(totals.values()), None)
    return row and {key: row[key] for key in ("f1_chosen_on", "f1_left_out")}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        images=snakemake.input.images,
        counts=snakemake.input.counts,
        found={
            name: path
            for name, path in snakemake.input.items()
            if name not in ("images", "counts", "modules") and path
        },
        n_parameters=snakemake.params.n_parameters,
        seed=snakemake.params.seed,
        table=snakemake.output.table,
        of_images=snakemake.output.of_images,
        figure=snakemake.output.figure,
    )
