"""Estimate the background with the big-radius filter."""

from functools import partial

from localbg import backgrounds, images, job
from localbg.arrays import require_fit
from localbg.parameters import resolved


def main(source: str, background: str, record: str, parameters: dict, threads: int = 1) -> None:
    """Write the background of the raw or denoised plane as TIFF, and what is known of it."""
    image = images.read(source)
    parameters = resolved(parameters, image.pixel_size_um)
    require_fit(image.pixels, parameters)
    pixels, found = backgrounds.estimate_with_error(image.pixels, threads=threads, **parameters)
    images.write(background, pixels, pixel_size_um=image.pixel_size_um)
    job.write_json(record, found)


if __name__ == "__main__":
    job.run(
        "background",
        partial(main, threads=snakemake.threads),
        snakemake.input,
        snakemake.output,
        snakemake.params,
        snakemake.log[0],
    )
