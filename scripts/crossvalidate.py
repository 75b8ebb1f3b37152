"""Choose a method on some groups of images with truth, and score it on the group left out."""

import numpy as np

from localbg.accuracy import cross_validation, pooled
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import job


def main(accuracy: str, methods: str, table: str) -> None:
    """Write the table of cross-validation from those of accuracy and methods."""
    groups, images, sums, names = [], [], [], tables.fit_methods(accuracy)
    for image, rows in tables.without_failures(accuracy, names):
        images.append(image)
        groups.append(rows[0]["group"])
        sums.append([pooled.of_image(row) for row in rows])
    # Without groups, images are the best that can be left out.
    parts = groups if len(set(groups)) > 1 else images
    settings = [row for row in tables.read(methods) if row["method"] in names]
    choices = {
        sweep: [names.index(name) for name in members]
        for sweep, members in cross_validation.choices(settings).items()
    }
    rows = cross_validation.leave_one_out(np.array(sums), parts, choices)
    named = [row | {key: names[row[key]] for key in ("chosen", "best")} for row in rows]
    tables.write(table, COLUMNS["crossvalidation"], named)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.input.accuracy, snakemake.input.methods, snakemake.output[0])
