"""Suppress noise with the small-radius filter."""

from functools import partial

from localbg.core import files
from localbg.io import images
from localbg.pipeline.steps.denoise_image import denoise_image
from localbg.workflow import job


def main(plane: str, denoised: str, record: str, parameters: dict, threads: int = 1) -> None:
    """Write the denoised plane as TIFF, and what the filter took, in pixels, as JSON."""
    image = images.read(plane)
    size = image.pixel_size_um
    pixels, used = denoise_image(image.pixels, parameters, pixel_size_um=size, threads=threads)
    images.write(denoised, pixels, pixel_size_um=size)
    files.write_json(record, used)


if __name__ == "__main__":
    job.run(
        "denoise",
        partial(main, threads=snakemake.threads),
        snakemake.input,
        snakemake.output,
        snakemake.params,
        snakemake.log[0],
    )
