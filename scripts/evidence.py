"""Gather what speaks for and against each method on a few images, without annotation."""

import json

from localbg import chain, evidence, files, images, job


def main(
    sources: list[str],
    piece: str,
    rows: list[dict],
    methods: list[dict],
    steps: dict,
    settings: dict,
    results: str,
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
    methods, steps, settings
        As `localbg.evidence.of_image` takes them.
    results : str
        Folder of the results.
    """
    with files.whole(piece) as beside, open(beside, "w", encoding="utf-8") as file:
        for source, row in zip(sources, rows, strict=True):
            found = process(source, row, methods, steps, settings, results, threads)
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
            job.log.info("%s done", row["image"])


def process(source, row, methods, steps, settings, results, threads) -> dict:
    """One image: the rows of tables that it gives, or why it gives none."""
    said = {key: row[key] for key in ("image", "group")}
    said["methods"] = [method["method"] for method in methods]
    step = "read"
    try:
        job.require_downloaded(source)
        plane = images.read(source, **row["picks"])
        step = "evidence"
        return said | evidence.of_image(
            plane,
            row["image"],
            row["spot_radius"],
            methods,
            steps,
            settings,
            shared=chain.shared_thresholds(results, row["pools"]),
            threads=threads,
        )
    except chain.StepFailed as failed:
        return said | failed.record
    except Exception as error:
        return said | job.failed(step, row["image"], error)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.params.sources,
        snakemake.output.piece,
        **snakemake.params.work,
        threads=snakemake.threads,
    )
