"""Propose a config for the images: spot radius, denoising and size of the background filters."""

from pathlib import Path

import numpy as np

from localbg.core import failures, files
from localbg.figures import proposal_chart, style
from localbg.io import images, tables
from localbg.suggest import proposal
from localbg.workflow import job

# Of larger images the middle is taken.
MOST_PIXELS = 1024
IMAGES = ("image", "n_blobs", "radius", "radius_low", "radius_high", "snr")
BACKGROUNDS = ("filter", "multiple", "spots_left", "structure_lost", "worst_error")


def main(
    sources: list[str],
    rows: list[dict],
    polarity: str,
    config: str,
    of_images: str,
    tried: str,
    figure: str,
) -> None:
    """Write the proposal, and what it rests on as two tables and a figure.

    Parameters
    ----------
    sources : list of str
        Files of the images, in the order of ``rows``.
    rows : list of dict
        ``image`` and ``picks`` (how to read it).
    polarity : str
        ``bright`` or ``dark``.
    config, of_images, tried, figure : str
        Paths of the outputs.
    """
    planes, left_out = {}, []
    for source, row in zip(sources, rows, strict=True):
        try:
            failures.require_downloaded(source)
            planes[row["image"]] = images.read(source, **row["picks"])
        except Exception as error:
            left_out.append(f"{row['image']}: {failures.describe_error(error)}")
    if not planes:
        raise ValueError("none of the images can be read:\n" + "\n".join(left_out))
    pixels = [middle(plane.pixels) for plane in planes.values()]
    if polarity == "dark":
        pixels = [plane.max() - plane for plane in pixels]
    found = [
        proposal.detect_blobs(pixel, plane.grey_step)
        for pixel, plane in zip(pixels, planes.values(), strict=True)
    ]
    names = list(planes)
    tables.write(
        of_images,
        IMAGES,
        (
            {"image": name, "n_blobs": len(one.radii), "radius": one.radius, "snr": one.snr}
            | dict(zip(("radius_low", "radius_high"), one.quartiles, strict=True))
            for name, one in zip(names, found, strict=True)
        ),
    )
    judged = proposal.propose_radius(found)
    trials = []
    sigma = proposal.choose_sigma(found)
    if any(len(one.radii) for one in found):
        trials = proposal.try_backgrounds(pixels, found, sigma=sigma)
    tables.write(tried, BACKGROUNDS, trials)
    proposed = proposal.propose_backgrounds(trials)
    drawn = proposal_chart.draw_proposal(names, pixels, found, judged, proposed, sigma=sigma)
    style.save(drawn, figure)
    text = proposal.write_snippet(names, found, judged, trials)
    text += "".join(f"# Left out: {' '.join(line.split())}\n" for line in left_out)
    files.write_text(config, text)
    failures.log.info("proposal in %s:\n%s", Path(config), text)


def middle(pixels: np.ndarray) -> np.ndarray:
    """The middle of an image, so that large ones cost no more than others."""
    starts = [max(0, (length - MOST_PIXELS) // 2) for length in pixels.shape]
    return pixels[tuple(slice(start, start + MOST_PIXELS) for start in starts)]


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        snakemake.params.sources,
        snakemake.params.rows,
        snakemake.params.polarity,
        snakemake.output.config,
        snakemake.output.images,
        snakemake.output.backgrounds,
        snakemake.output.figure,
    )
