"""Gather what all jobs found into the tables of images, spots, counts and failures."""

from localbg import job, tables
from localbg.parameters import in_pixels

UNKNOWN = dict.fromkeys(("axes", "shape", "dtype", "pixel_size_um"))


def main(images: list[dict], results: list[dict], outputs: dict) -> None:
    """Write the tables.

    Parameters
    ----------
    images : list of dict
        ``image``, ``path``, ``group``, ``spot_radius`` and the path of the image's ``facts``.
    results : list of dict
        One per image and method: ``image``, ``method`` and the paths of ``estimate``,
        ``subtract``, ``threshold`` (records) and ``spots`` (table).
    outputs : dict
        Paths of the tables by name.
    """
    failures = find_failures(images, results)
    image_rows = {row["image"]: image_row(row, failures.get(row["image"])) for row in images}
    counts, spots = [], []
    for result in results:
        image = image_rows[result["image"]]
        row = {"image": image["image"], "group": image["group"], "method": result["method"]}
        if image["status"] == "failed":
            counts.append(row | {"status": "failed"})
            continue
        found = tables.read(result["spots"])
        spots += [row | spot for spot in found]
        counts.append(row | count_row(result, image, len(found)))
    tables.write(outputs["images"], tables.COLUMNS["images"], map(shown, image_rows.values()))
    tables.write(outputs["spots"], tables.COLUMNS["spots"], spots)
    tables.write(outputs["counts"], tables.COLUMNS["counts"], counts)
    tables.write(outputs["failures"], tables.COLUMNS["failures"], failures.values())


def find_failures(images: list[dict], results: list[dict]) -> dict[str, dict]:
    """First failure of each image that has one, by image."""
    rows = {row["image"]: row for row in images}
    failures = {}
    for result in [*images, *results]:
        for key in ("facts", "estimate", "subtract", "threshold", "spots"):
            image = result["image"]
            record = job.failure(result[key]) if key in result else None
            if record and image not in failures:
                failures[image] = {
                    "image": image,
                    "path": rows[image]["path"],
                    "step": record["failed_step"],
                    "reason": record["reason"],
                }
    for image, row in rows.items():
        if image not in failures and (reason := unknown_radius(row)):
            failures[image] = {
                "image": image,
                "path": row["path"],
                "step": "read",
                "reason": reason,
            }
    return dict(sorted(failures.items()))


def unknown_radius(row: dict) -> str | None:
    """Why the spot radius of an image is not known in pixels, where it isn't."""
    try:
        in_pixels(row["spot_radius"], job.read_json(row["facts"])["pixel_size_um"])
    except ValueError as error:
        return str(error)
    return None


def image_row(row: dict, failure: dict | None) -> dict:
    """What is known of an image, whether it failed or not."""
    known = UNKNOWN if job.failure(row["facts"]) else job.read_json(row["facts"])
    result = {key: row[key] for key in ("image", "path", "group")} | {
        key: known[key] for key in UNKNOWN
    }
    if failure:
        return result | {"status": "failed", "reason": f"{failure['step']}: {failure['reason']}"}
    radius = float(in_pixels(row["spot_radius"], known["pixel_size_um"]))
    return result | {"status": "ok", "reason": "", "spot_radius": radius}


def shown(row: dict) -> dict:
    """An image's row with the shape as people write it."""
    return row | {"shape": "x".join(map(str, row["shape"] or ()))}


def count_row(result: dict, image: dict, n_spots: int) -> dict:
    """Number of spots of an image and method with what the threshold was."""
    sizes = dict(zip(image["axes"], image["shape"], strict=True))
    pixels = sizes["Y"] * sizes["X"]
    size = image["pixel_size_um"]
    return (
        {
            "status": "ok",
            "n_spots": n_spots,
            "density": 1e4 * n_spots / pixels,
            "density_um2": n_spots / (pixels * size**2) if size else None,
        }
        | job.read_json(result["estimate"])
        | job.read_json(result["subtract"])
        | job.read_json(result["threshold"])
    )


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.params.images, snakemake.params.results, dict(snakemake.output.items()))
