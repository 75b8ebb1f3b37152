"""Find the thresholds that the images of a batch would get by themselves, in memory."""

from localbg.core import failures
from localbg.io import planned_image
from localbg.pipeline import chain
from localbg.pipeline.shards import write_shard
from localbg.workflow import job


def main(
    sources: list[str],
    piece: str,
    rows: list[dict],
    methods: list[dict],
    steps: dict,
    masks: dict[str, list[str]],
    stamps: list[list],
    fingerprint: str,
    threads: int = 1,
) -> None:
    """Write a line of JSON for each image that has a say in a shared threshold.

    Parameters
    ----------
    sources : list of str
        Files of the batch's images, in the order of ``rows``.
    piece : str
        Where to write; appears whole or not at all.
    rows, methods, steps
        As `scripts/batch.py` takes them.
    masks : dict of str to list of str
        By image, labels of the masks whose threshold it has a say in.
    stamps, fingerprint
        As `scripts/batch.py` takes them.
    """

    chain_methods = chain.make_methods(methods, steps)

    def done(source, row, stamp):
        asked = masks[row["image"]]
        return process(source, row, stamp, chain_methods, asked, threads) if asked else None

    write_shard(piece, sources, rows, stamps, fingerprint, done)


def process(source, row, stamp, methods, masks, threads) -> dict:
    """One image: its thresholds by label of the mask, or why they failed."""
    try:
        plane = planned_image.read(source, row["picks"], stamp)
    except Exception as error:
        failure = failures.record_failure("read", row["image"], error)
        return {"thresholds": dict.fromkeys(masks, failure.record)}
    found = chain.find_thresholds(plane, row["spot_radius"], methods, masks, threads=threads)
    return {"thresholds": {mask: said.record for mask, said in found.items()}}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    work = snakemake.params.work
    main(
        snakemake.params.sources,
        snakemake.output.piece,
        work["rows"],
        work["methods"],
        work["steps"],
        snakemake.params.masks,
        snakemake.params.stamps,
        snakemake.params.fingerprint,
        threads=snakemake.threads,
    )
