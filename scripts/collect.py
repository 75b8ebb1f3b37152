"""Gather what all jobs found into the tables of images, spots, counts and failures."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import lru_cache

from localbg.core.parameters import to_pixels
from localbg.detection import measured_radius
from localbg.detection.measures import MEASURES
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import collected, job, recipes
from localbg.workflow.collected import ImageResults

TABLES = ("images", "spots", "counts", "parameters", "failures")
FACTS = (
    *("axes", "axes_note", "shape", "dtype", "photometric", "pixel_size_um", "pixel_size_note"),
    *("sha256", "companions"),
    *("flags", "saturated_fraction", "commonest_fraction"),
    *("highest_grey", "commonest_grey", "n_grey_levels"),
)


def main(found: Iterable[ImageResults], methods: dict[str, dict], outputs: dict) -> None:
    """Write the tables, one image after the other.

    Parameters
    ----------
    found : iterable of localbg.workflow.collected.ImageResults
        Sorted by image.
    methods : dict of str to dict
        Recipes of all methods by name, sorted.
    outputs : dict
        Paths of the tables by name.
    """
    columns = {name: list(COLUMNS[name]) for name in TABLES}
    columns["parameters"] += recipes.list_columns(methods)
    # Most images share their settings.
    settings = lru_cache(1000)(lambda method, *of: recipes.list_settings(methods[method], *of))
    with ExitStack() as stack:
        write = {
            name: stack.enter_context(tables.Writer(outputs[name], columns[name]))
            for name in TABLES
        }
        for image in found:
            row = image_row(image)
            others = [f"{of['path']} {of['sha256']}" for of in row["companions"] or ()]
            as_text = {
                "shape": "x".join(map(str, row["shape"] or ())),
                "companions": "; ".join(others),
            }
            write["images"].row(row | as_text)
            for failure in image.failures:
                write["failures"].row(
                    {key: row[key] for key in ("image", "path")}
                    | {"step": failure.step, "reason": failure.reason}
                )
            for method in methods:
                key = {"image": row["image"], "group": row["group"], "method": method}
                if image.failure or method in image.failed:
                    write["counts"].row(key | {"status": "failed"})
                    write["parameters"].row(key)
                    continue
                made = image.methods[method]
                counted = count_row(made, row)
                write["counts"].row(key | counted)
                write["parameters"].row(
                    key
                    | {"threshold": counted["threshold"]}
                    | settings(method, image.row["spot_radius"], row["pixel_size_um"])
                )
                start = [row["image"], method]
                write["spots"].texts(start + spot for spot in made["spots"])


def image_row(image: ImageResults) -> dict:
    """What is known of an image, whether it failed or not."""
    row = {key: image.row[key] for key in ("image", "path", "group")}
    row |= {key: image.facts.get(key) for key in FACTS}
    if image.failure:
        return row | {"status": "failed", "reason": str(image.failure)}
    radius = float(to_pixels(image.row["spot_radius"], row["pixel_size_um"]))
    of_methods = (f"{failure.step} of {failure.reason}" for failure in image.failures)
    return row | {"status": "ok", "reason": "; ".join(of_methods), "spot_radius": radius}


def count_row(made: dict, image: dict) -> dict:
    """Number of spots of an image and method with what the steps said."""
    sizes = dict(zip(image["axes"], image["shape"], strict=True))
    size = image["pixel_size_um"]
    n_spots = len(made["spots"])
    spots = [dict(zip(MEASURES, spot, strict=True)) for spot in made["spots"]]
    return {
        "status": "ok",
        "n_spots": n_spots,
        "spot_radius": image["spot_radius"],
        "density": 1e4 * n_spots / (sizes["Y"] * sizes["X"]),
        "density_um2": n_spots / (sizes["Y"] * sizes["X"] * size**2) if size else None,
        **measured_radius.summarise_shapes(spots),
    } | made["record"]


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    found = (
        collected.from_batches(list(snakemake.input.pieces), snakemake.params.fingerprints)
        if snakemake.input.pieces
        else collected.from_steps(snakemake.params.images, snakemake.params.results)
    )
    main(found, snakemake.params.methods, dict(snakemake.output.items()))
