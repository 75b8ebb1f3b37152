"""Subtract the background from the denoised plane."""

from localbg.core import files
from localbg.io import images
from localbg.pipeline.steps.subtract_background import subtract_background
from localbg.workflow import job


def main(denoised: str, background: str, foreground: str, record: str, parameters: dict) -> None:
    """Write the foreground as TIFF, and how much of it is negative as JSON."""
    image = images.read(denoised)
    pixels, negative = subtract_background(image.pixels, images.read(background).pixels, parameters)
    images.write(foreground, pixels, pixel_size_um=image.pixel_size_um)
    files.write_json(record, negative)


if __name__ == "__main__":
    job.run("subtract", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
