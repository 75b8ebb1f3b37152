"""Suppress noise with the small-radius filter."""

from functools import partial

from localbg import images, job
from localbg.arrays import require_fit
from localbg.denoise import denoise
from localbg.parameters import resolved


def main(plane: str, denoised: str, record: str, parameters: dict, threads: int = 1) -> None:
    """Write the denoised plane as TIFF, and what the filter took, in pixels, as JSON."""
    image = images.read(plane)
    parameters = resolved(parameters, image.pixel_size_um)
    require_fit(image.pixels, parameters)
    pixels = denoise(image.pixels, threads=threads, **parameters)
    images.write(denoised, pixels, pixel_size_um=image.pixel_size_um)
    job.write_json(record, {"parameters": parameters})


if __name__ == "__main__":
    job.run(
        "denoise",
        partial(main, threads=snakemake.threads),
        snakemake.input,
        snakemake.output,
        snakemake.params,
        snakemake.log[0],
    )
