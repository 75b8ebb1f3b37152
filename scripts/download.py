"""Download an image that lies behind an address."""

from functools import partial

from localbg import job, sheet, web


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
    rows, _ = sheet.images(config["images"], base=config.get("base"), spot_radius=1)
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
