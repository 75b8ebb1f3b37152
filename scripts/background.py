"""Estimate the background with the big-radius filter."""

from localbg import backgrounds, images, job
from localbg.arrays import require_fit
from localbg.parameters import resolved


def main(source: str, background: str, parameters: dict) -> None:
    """Write the background of the raw or denoised plane as TIFF."""
    image = images.read(source)
    parameters = resolved(parameters, image.pixel_size_um)
    require_fit(image.pixels, parameters)
    pixels = backgrounds.estimate(image.pixels, **parameters)
    images.write(background, pixels, pixel_size_um=image.pixel_size_um)


if __name__ == "__main__":
    job.run(
        "background", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0]
    )
