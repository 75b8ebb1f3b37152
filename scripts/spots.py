"""Clean the mask, split touching spots and measure each."""

from localbg import images, job, spots, tables
from localbg.arrays import require_within
from localbg.parameters import radius_in_pixels, resolved


def main(
    plane: str,
    background: str,
    foreground: str,
    mask: str,
    threshold: str,
    facts: str,
    labels: str,
    table: str,
    record: str,
    parameters: dict,
    spot: dict,
) -> None:
    """Write the label image as TIFF, the spots as CSV and how many there are as JSON."""
    image = images.read(plane)
    signal = images.read(foreground).pixels
    parameters = resolved(parameters, image.pixel_size_um)
    require_within(signal, parameters)
    found = job.read_json(threshold)
    radius = float(radius_in_pixels(spot["spot_radius"], image.pixel_size_um))
    pixels = spots.label(images.read(mask).pixels > 0, signal, found["noise"], **parameters)
    rows = spots.measured(
        *(pixels, image.pixels, signal, images.read(background).pixels),
        *(found, job.read_json(facts)),
        spot_radius=radius,
        polarity=spot["polarity"],
    )
    images.write(labels, pixels, pixel_size_um=image.pixel_size_um)
    tables.write(table, tables.MEASURES, rows)
    job.write_json(record, {"n_spots": len(rows)})


if __name__ == "__main__":
    job.run("spots", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
