"""Read the plane that the sheet asks for; everything downstream works on it."""

from localbg.core import files
from localbg.io import images, planned_image
from localbg.workflow import job


def main(source: str, plane: str, record: str, picks: dict, when_planned: list) -> None:
    """Write the plane as TIFF, and what the file says of it as JSON."""
    image = planned_image.read(source, picks, when_planned)
    images.write(plane, image.pixels, pixel_size_um=image.pixel_size_um)
    files.write_json(record, image.facts)


if __name__ == "__main__":
    job.run("read", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
