"""Find the threshold that an image would get by itself, for those that share one."""

from localbg.core import files
from localbg.io import images
from localbg.pipeline.steps.threshold_foreground import threshold_foreground
from localbg.workflow import job


def main(
    foreground: str, denoised: str, plane: str, facts: str, record: str, parameters: dict
) -> None:
    """Write the threshold, and how it came about, as JSON."""
    image = images.read(foreground)
    _, decision = threshold_foreground(
        *(image.pixels, images.read(denoised).pixels, images.read(plane).pixels, parameters),
        grey_step=files.read_json(facts)["grey_step"],
        pixel_size_um=image.pixel_size_um,
    )
    files.write_json(record, decision.record)


if __name__ == "__main__":
    job.run(
        "threshold", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0]
    )
