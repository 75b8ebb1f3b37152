"""Draw count, and F1 or recovery where known, over the swept parameters of one sweep."""

import numpy as np

from localbg.comparison import sweeps
from localbg.core import bootstrap
from localbg.figures import style, sweep_charts
from localbg.io import tables
from localbg.ranking import criteria
from localbg.workflow import job


def main(
    *,
    sweep: str,
    counts: str,
    methods: str,
    stability: str,
    accuracy: str | None,
    injected: tuple[str, str] | None,
    seed: int,
    figure: str,
) -> None:
    """Write the figure.

    Parameters
    ----------
    sweep : str
        Name of the sweep.
    counts, methods, stability : str
        Paths of the tables.
    accuracy : str or None
        Path of the table of pooled accuracy, where truth is known.
    injected : tuple of str or None
        Paths of the tables of recovery and false positives, where spots were injected.
    seed : int
        Of the resampling.
    figure : str
        Path of the output.
    """
    names, found = tables.read_counts(counts)
    found = np.array(found).reshape(-1, len(names))
    means = dict(zip(names, bootstrap.means(found, seed=seed), strict=True))
    measures = [sweep_charts.Measure("spots per image", means)]
    if accuracy:
        known = criteria.judge_by_truth(tables.read(accuracy), [], [])
        measures.append(sweep_charts.Measure("F1", known.scores, (0, 1)))
    if injected:
        known = criteria.judge_by_injection(*map(tables.read, injected), seed=seed)
        measures.append(sweep_charts.Measure(known.measure, known.scores, (0, 1)))
    settings = tables.read(methods)
    plateaus = {
        row["parameter"]: (row["plateau_from"], row["plateau_to"])
        for row in tables.read(stability)
        if row["sweep"] == sweep and row["plateau_from"] and not row["fixed"]
    }
    lines = [line for line in sweeps.find_lines(settings) if line.sweep == sweep]
    axes = sweeps.axes(settings)[sweep]
    style.save(sweep_charts.draw_sweep(sweep, axes, measures, lines, plateaus), figure)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        sweep=snakemake.wildcards.sweep,
        counts=snakemake.input.counts,
        methods=snakemake.input.methods,
        stability=snakemake.input.stability,
        accuracy=snakemake.input.get("accuracy") or None,
        injected=(snakemake.input.recovery, snakemake.input.false_positives)
        if snakemake.input.recovery
        else None,
        seed=snakemake.params.seed,
        figure=snakemake.output.figure,
    )
