"""Clean the mask, split touching spots and measure each."""

from localbg import images, job, spots, tables
from localbg.parameters import resolved


def main(
    plane: str,
    background: str,
    foreground: str,
    mask: str,
    facts: str,
    labels: str,
    table: str,
    parameters: dict,
) -> None:
    """Write the label image as TIFF and the spots as CSV."""
    image = images.read(plane)
    signal = images.read(foreground).pixels
    parameters = resolved(parameters, image.pixel_size_um)
    found = job.read_json(facts)
    pixels = spots.label(images.read(mask).pixels > 0, signal, found["noise"], **parameters)
    columns = spots.measure(
        pixels,
        image.pixels,
        signal,
        images.read(background).pixels,
        level=found["level"],
        noise=found["noise"],
    )
    images.write(labels, pixels, pixel_size_um=image.pixel_size_um)
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    tables.write(table, columns, (dict(zip(columns, row, strict=True)) for row in values))


if __name__ == "__main__":
    job.run("spots", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
