"""What all tests share: the library on the path, and finished runs of the workflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(ROOT / "scripts"))


def shared(name):
    """A folder of real images beside the project; the test is skipped where there is none."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"real images are not here: no folder {name} beside the project")
    return folder


def snakemake(folder, *options, fails=False):
    """Run the workflow in a folder of its own and return what it said."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    # Without the profile: its progress bars leave out which job ran.
    command += ["--directory", folder, "--cores", "2", "--workflow-profile", "none", *options]
    # Snakemake leaves its source cache in the home folder otherwise.
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, timeout=900
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, said[-6000:]
    return said


@pytest.fixture(scope="session")
def default_run(tmp_path_factory):
    """Folder of a finished run of the shipped config; tests must not write to it."""
    folder = tmp_path_factory.mktemp("default")
    snakemake(
        folder,
        "--configfile",
        ROOT / "config.yaml",
        "--config",
        f"images={ROOT / 'data' / 'images.csv'}",
    )
    return folder
