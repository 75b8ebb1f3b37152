"""Take a batch of images through every method that shares a background, in memory."""

import os
import time

from localbg.core import failures
from localbg.core.failures import Failure
from localbg.detection.measures import MEASURES
from localbg.io import images, planned_image
from localbg.io.cells import format_fields
from localbg.pipeline import chain, shared_thresholds
from localbg.pipeline.shards import write_shard
from localbg.workflow import job


def main(
    sources: list[str],
    piece: str,
    rows: list[dict],
    methods: list[dict],
    steps: dict,
    keep: list[str],
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
    keep : list of str
        Kinds of images to write as TIFF under ``results``.
    stamps : list of list
        What told each image's file from other versions of it when the run was planned.
    fingerprint : str
        Of all this; each line carries it.
    """
    start, failed = time.monotonic(), 0
    chain_methods = chain.make_methods(methods, steps)

    def done(source, row, stamp):
        nonlocal failed
        found = process(source, row, stamp, chain_methods, keep, results, threads)
        failed += any(map(Failure.from_record, (found, *found["methods"].values())))
        return found

    write_shard(piece, sources, rows, stamps, fingerprint, done)
    seconds = time.monotonic() - start
    failures.log.info(
        "%d images, %d failed, %d methods: %.1f s, %.3f s an image, %.0f MB at most",
        *(len(rows), failed, len(methods), seconds, seconds / len(rows), job.peak_mb()),
    )


def process(source, row, stamp, methods, keep, results, threads) -> dict:
    """One image: what the sheet and the file say, and what each method found or why it failed."""
    said = {key: row[key] for key in ("image", "path", "group", "spot_radius")}
    try:
        plane = planned_image.read(source, row["picks"], stamp)
    except Exception as error:
        failure = failures.record_failure("read", row["image"], error)
        return said | failure.record | {"methods": {}}
    found = {}
    shared = shared_thresholds.read(results, row["pools"])
    for method, made in chain.run_methods(
        plane, row["spot_radius"], methods, shared=shared, threads=threads
    ):
        if isinstance(made, Failure):
            found[method.name] = made.record
            continue
        found[method.name] = {
            "record": made.record,
            "spots": [format_fields(spot, MEASURES) for spot in made.spots],
        }
        for kind in keep:
            path = f"{results}/{kind}/{getattr(method, kind).label}/{row['image']}.tif"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            images.write(path, getattr(made, kind), pixel_size_um=plane.pixel_size_um)
    return said | {"facts": plane.facts, "methods": found}


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
