"""Score each method against true positions, image by image and over all of them.

A truth that cannot be of its image costs that image its scores, and no other.
"""

import numpy as np

from localbg.accuracy import pooled, scoring
from localbg.core import failures
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.io.truth import read_points
from localbg.workflow import job


def main(
    *,
    images: str,
    spots: str,
    counts: str,
    truth: dict[str, str],
    seed: int,
    outputs: dict[str, str],
) -> None:
    """Write the accuracy of each method on each image that has truth and did not fail.

    Where the truth cannot be used, the image's rows say why in place of numbers.

    Parameters
    ----------
    images, spots, counts : str
        Paths of the tables.
    truth : dict of str to str
        Paths of true positions by image.
    seed : int
        Of the resampling.
    outputs : dict of str to str
        Paths of the tables ``accuracy``, ``accuracy_pooled`` and ``accuracy_differences``.
    """
    known, found = tables.Following(images), tables.Following(spots)
    methods, sums, of_spots = tables.fit_methods(counts), [], None
    with tables.Writer(outputs["accuracy"], COLUMNS["accuracy"]) as table:
        for image, rows in tables.read_grouped(counts):
            facts = known.rows(image)[0]
            radius = facts["spot_radius"]
            if image not in truth or not radius:
                continue
            keys = [
                {"image": image, "group": rows[0]["group"], "method": row["method"]} for row in rows
            ]
            try:
                true = read_points(truth[image], field(facts))
            except (ValueError, OSError) as error:
                if failures.is_system_error(error):
                    raise
                reason = f"truth {truth[image]}: {getattr(error, 'strerror', None) or error}"
                failures.log.warning("%s: %s", image, reason)
                for key in keys:
                    table.row(key | {"status": "failed", "reason": reason})
                continue
            places = {row["method"]: [] for row in rows if row["status"] == "ok"}
            for row in found.rows(image):
                places[row["method"]].append((row["y"], row["x"]))
            scored = {
                method: scoring.score_spots(true, of_method, radius)
                for method, of_method in places.items()
            }
            failed = {"status": "failed", "reason": "the method failed: see failures.csv"}
            for key in keys:
                row = scored.get(key["method"])
                table.row(key | ({"status": "ok", "reason": ""} | row if row else failed))
            if scored.keys() >= set(methods):
                sums.append([pooled.of_image(scored[method]) for method in methods])
                chosen = {method: places[method] for method in methods}
                of_spots = pooled.of_spots(true, chosen, radius) if len(sums) == 1 else None
    together, differences = pooled.summary(methods, np.array(sums), of_spots, seed=seed)
    for name, rows in (("accuracy_pooled", together), ("accuracy_differences", differences)):
        tables.write(outputs[name], COLUMNS[name], rows)


def field(facts: dict) -> tuple[int, int]:
    """Rows and columns of an image, from its row of images.csv."""
    sizes = dict(zip(facts["axes"], map(int, facts["shape"].split("x")), strict=True))
    return sizes["Y"], sizes["X"]


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        images=snakemake.input.images,
        spots=snakemake.input.spots,
        counts=snakemake.input.counts,
        truth=snakemake.params.truth,
        seed=snakemake.params.seed,
        outputs=dict(snakemake.output.items()),
    )
