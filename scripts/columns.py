"""Say of every table what its rows are, and of every column what it means."""

from dataclasses import asdict

from localbg.core import files
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.io.table_summaries import SUMMARIES
from localbg.workflow import job

HEAD = """Tables
======

Comma-separated values in UTF-8, with a header. A decimal point, an empty cell for what is unknown.
Positions are pixels counted from 0, y is the row and x the column. `columns.csv` has the type, unit
and meaning of every column; a column that is named after a method holds its numbers of spots.

"""


def main(table: str, readme: str) -> None:
    """Write the table of columns, and a text on the tables for who opens the folder."""
    rows = (
        {"table": name, "column": column} | asdict(of_column)
        for name, columns in sorted(COLUMNS.items())
        for column, of_column in columns.items()
    )
    tables.write(table, COLUMNS["columns"], rows)
    lines = [f"- `{name}.csv`: {text}\n" for name, text in sorted(SUMMARIES.items())]
    files.write_text(readme, HEAD + "".join(lines))


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(snakemake.output.table, snakemake.output.readme)
