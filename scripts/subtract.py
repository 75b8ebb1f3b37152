"""Subtract the background from the denoised plane."""

from localbg import images, job
from localbg.subtract import subtract


def main(denoised: str, background: str, foreground: str, record: str, parameters: dict) -> None:
    """Write the foreground as TIFF, and how much of it is negative as JSON."""
    image = images.read(denoised)
    pixels, facts = subtract(image.pixels, images.read(background).pixels, **parameters)
    images.write(foreground, pixels, pixel_size_um=image.pixel_size_um)
    job.write_json(record, facts)


if __name__ == "__main__":
    job.run("subtract", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
