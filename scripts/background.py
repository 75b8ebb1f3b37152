"""Estimate the background with the big-radius filter."""

from functools import partial

from localbg import backgrounds, images, job
from localbg.arrays import require_fit
from localbg.parameters import resolved


def main(source: str, background: str, record: str, parameters: dict, threads: int = 1) -> None:
    """Write the background of the raw or denoised plane as TIFF, and what is known of it."""
    image = images.read(source)
    parameters = resolved(parameters, image.pixel_size_um) | {"threads": threads}
    require_fit(image.pixels, parameters)
    measure_error = parameters.pop("shrink_error", False)
    pixels = backgrounds.estimate(image.pixels, **parameters)
    found = backgrounds.shrink_error(image.pixels, pixels, **parameters) if measure_error else {}
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
