"""List the methods, with the values that tell those of a sweep apart."""

from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.workflow import job


def main(settings: list[dict], table: str) -> None:
    """Write the table of methods."""
    tables.write(table, COLUMNS["methods"], settings)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.params.settings, snakemake.output[0])
