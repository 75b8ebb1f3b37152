"""How the count depends on the parameters of a sweep, and where it hardly does."""

import numpy as np

from localbg.comparison import sweeps
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import job


def main(counts: str, methods: str, table: str, seed: int) -> None:
    """Write the table of stability from those of counts and methods."""
    names, found = tables.read_counts(counts)
    rows = sweeps.measure_stability(tables.read(methods), names, np.array(found), seed=seed)
    tables.write(table, COLUMNS["stability"], rows)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.input.counts, snakemake.input.methods, snakemake.output[0], snakemake.params.seed
    )
