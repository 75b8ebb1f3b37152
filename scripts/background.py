"""Estimate the background with the big-radius filter."""

from functools import partial

from localbg.core import files
from localbg.io import images
from localbg.pipeline.steps.estimate_background import estimate_background
from localbg.workflow import job


def main(source: str, background: str, record: str, parameters: dict, threads: int = 1) -> None:
    """Write the background of the raw or denoised plane as TIFF, and what is known of it."""
    image = images.read(source)
    size = image.pixel_size_um
    pixels, known = estimate_background(
        image.pixels, parameters, pixel_size_um=size, threads=threads
    )
    images.write(background, pixels, pixel_size_um=size)
    files.write_json(record, known)


if __name__ == "__main__":
    job.run(
        "background",
        partial(main, threads=snakemake.threads),
        snakemake.input,
        snakemake.output,
        snakemake.params,
        snakemake.log[0],
    )
