"""Clean the mask, split touching spots and measure each."""

from localbg.core import files
from localbg.detection.decision import Decision
from localbg.detection.measures import MEASURES
from localbg.io import images, tables
from localbg.io.cells import format_fields
from localbg.io.image_flags import saturated_at
from localbg.pipeline.steps.detect_spots import detect_spots
from localbg.workflow import job


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
    image, known = images.read(plane), files.read_json(facts)
    pixels, found = detect_spots(
        images.read(mask).pixels > 0,
        *(images.read(path).pixels for path in (foreground, background)),
        *(image.pixels, parameters),
        decision=Decision.from_record(files.read_json(threshold)),
        saturated_at=saturated_at(known),
        pixel_size_um=known["pixel_size_um"],
        **spot,
    )
    images.write(labels, pixels, pixel_size_um=image.pixel_size_um)
    with tables.Writer(table, MEASURES) as writer:
        writer.texts(format_fields(spot, MEASURES) for spot in found)
    files.write_json(record, {"n_spots": len(found)})


if __name__ == "__main__":
    job.run("spots", main, snakemake.input, snakemake.output, snakemake.params, snakemake.log[0])
