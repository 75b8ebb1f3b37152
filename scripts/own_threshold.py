"""Find the threshold that an image would get by itself, for those that share one."""

from localbg import images, job
from localbg.threshold import threshold


def main(foreground: str, facts: str, record: str, parameters: dict) -> None:
    """Write the threshold, and how it came about, as JSON."""
    grey_step = job.read_json(facts)["grey_step"]
    _, found = threshold(images.read(foreground).pixels, grey_step, **parameters)
    job.write_json(record, found)


if __name__ == "__main__":
    job.run(
        "threshold", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0]
    )
