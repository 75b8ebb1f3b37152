"""Cancel the Slurm jobs that a Snakemake which was killed left behind in a study's folder."""

import argparse
import sys
from pathlib import Path

from localbg.workflow import slurm


def main(argv=None):
    """Cancel them and say so; return when none is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=".", help="of the study (default: this one)")
    folder = Path(parser.parse_args(argv).folder).resolve()
    try:
        cancelled = slurm.cancel(folder)
    except slurm.SlurmError as error:
        sys.exit(f"{error}")
    for job in cancelled:
        print(f"cancelled {job.number} ({job.what})")
    print(f"no Slurm job of {folder} is left")


if __name__ == "__main__":
    main()
