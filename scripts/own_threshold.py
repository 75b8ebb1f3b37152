"""Find the threshold that an image would get by itself, for those that share one."""

from localbg import images, job
from localbg.arrays import require_within
from localbg.parameters import resolved
from localbg.threshold import threshold


def main(
    foreground: str, denoised: str, plane: str, facts: str, record: str, parameters: dict
) -> None:
    """Write the threshold, and how it came about, as JSON."""
    image = images.read(foreground)
    parameters = resolved(parameters, image.pixel_size_um)
    require_within(image.pixels, parameters)
    made_of = (images.read(path).pixels for path in (denoised, plane))
    grey_step = job.read_json(facts)["grey_step"]
    _, found = threshold(image.pixels, grey_step, *made_of, **parameters)
    job.write_json(record, found)


if __name__ == "__main__":
    job.run(
        "threshold", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0]
    )
