"""Gather what speaks for and against each method on a few images, without annotation."""

from localbg.assessment import assess
from localbg.core import failures
from localbg.io import planned_image
from localbg.pipeline import chain, shared_thresholds
from localbg.pipeline.shards import write_shard
from localbg.workflow import job


def main(
    sources: list[str],
    piece: str,
    rows: list[dict],
    methods: list[dict],
    steps: dict,
    settings: dict,
    results: str,
    stamps: list[list],
    fingerprint: str,
    threads: int = 1,
) -> None:
    """Write what was found as one line of JSON per image, failures included.

    Parameters
    ----------
    sources : list of str
        The images' files, in the order of ``rows``.
    piece : str
        Where to write; appears whole or not at all.
    rows : list of dict
        What the sheet says of each image, ``picks`` (how to read it) among it.
    methods, steps
        As `localbg.pipeline.chain.make_methods` takes them.
    settings
        As `localbg.assessment.assess.assess_image` takes it.
    results : str
        Folder of the results.
    stamps, fingerprint
        As `scripts/batch.py` takes them.
    """

    chain_methods = chain.make_methods(methods, steps)

    def done(source, row, stamp):
        return process(source, row, stamp, chain_methods, settings, results, threads)

    write_shard(piece, sources, rows, stamps, fingerprint, done)


def process(source, row, stamp, methods, settings, results, threads) -> dict:
    """One image: the rows of tables that it gives, or why it gives none."""
    said = {key: row[key] for key in ("image", "group")}
    said["methods"] = [method.name for method in methods]
    step = "read"
    try:
        plane = planned_image.read(source, row["picks"], stamp)
        step = "assess"
        return said | assess.assess_image(
            plane,
            row["image"],
            row["spot_radius"],
            methods,
            settings,
            shared=shared_thresholds.read(results, row["pools"]),
            threads=threads,
        )
    except failures.StepFailed as failed:
        return said | failed.failure.record
    except Exception as error:
        return said | failures.record_failure(step, row["image"], error).record


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.params.sources,
        snakemake.output.piece,
        **snakemake.params.work,
        stamps=snakemake.params.stamps,
        fingerprint=snakemake.params.fingerprint,
        threads=snakemake.threads,
    )
