"""Read the plane that the sheet asks for; everything downstream works on it."""

from localbg import files, images, job


def main(source: str, plane: str, record: str, picks: dict) -> None:
    """Write the plane as TIFF, and what the file says of it as JSON."""
    job.require_downloaded(source)
    found = images.read(source, **picks)
    images.write(plane, found.pixels, pixel_size_um=found.pixel_size_um)
    job.write_json(record, found.facts | {"sha256": files.sha256(source)})


if __name__ == "__main__":
    job.run("read", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
