"""Download an image that lies behind an address."""

import os
from functools import partial
from pathlib import Path

from localbg.io import web
from localbg.workflow import job, sheet


def main(image: str, file: str, config: dict) -> None:
    """Look the address up where the study says it, and write what lies there.

    Parameters
    ----------
    image : str
        Id of the image.
    file : str
        Where to write.
    config : dict
        Its ``images`` and ``base`` tell the address, which is in none of the job's parameters:
        these are kept, and shown.
    """
    # With local images, and what the study says of them, this has nothing to do.
    about = {"spot_radius": 1, "results": os.fspath(Path(file).parents[1])}
    rows, *_ = sheet.read_sheet(config["images"], base=config.get("base"), **about)
    web.download(rows[image].address, file)


if __name__ == "__main__":
    job.run(
        "download",
        partial(main, config=snakemake.config),
        snakemake.input,
        snakemake.output,
        snakemake.params,
        snakemake.log[0],
    )
