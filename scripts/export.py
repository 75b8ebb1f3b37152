"""Write the spots of some images as Fiji, napari and QuPath open them."""

from pathlib import Path

from localbg.io import exports, tables
from localbg.workflow import job


def main(
    images: str,
    spots: str,
    counts: str,
    formats: list[str],
    chosen: dict[str, dict],
    folder: str,
) -> None:
    """Write the exports, image by image.

    Parameters
    ----------
    images, spots, counts : str
        Paths of these tables.
    formats : list of str
        Of ``fiji``, ``napari`` and ``qupath``.
    chosen : dict of str to dict
        By image: ``plane`` as of `localbg.io.exports.write_fiji`, and ``layers`` as of
        `localbg.io.exports.write_viewer`.
    folder : str
        Where to write.
    """
    top = Path(folder)
    for name in formats:
        (top / name).mkdir(parents=True, exist_ok=True)
    known, found, viewed = tables.Following(images), tables.Following(spots), {}
    for image, rows in tables.read_grouped(counts):
        by_method = {row["method"]: [] for row in rows if row["status"] == "ok"}
        if image not in chosen or not by_method:
            continue
        for row in found.rows(image):
            by_method[row["method"]].append(row)
        if "fiji" in formats:
            exports.write_fiji(top / "fiji" / f"{image}.zip", by_method, chosen[image]["plane"])
        if "qupath" in formats:
            exports.write_qupath(top / "qupath" / f"{image}.geojson", by_method)
        if "napari" in formats:
            (top / "napari" / image).mkdir()
            exports.write_napari(top / "napari" / image, by_method)
            viewed[image] = {
                "layers": chosen[image]["layers"],
                "pixel_size_um": known.rows(image)[0]["pixel_size_um"],
                "methods": list(by_method),
            }
    if viewed:
        exports.write_viewer(top / "napari", viewed)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.input.images,
        snakemake.input.spots,
        snakemake.input.counts,
        snakemake.params.formats,
        snakemake.params.chosen,
        snakemake.output[0],
    )
