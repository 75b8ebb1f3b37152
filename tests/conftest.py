"""What all tests share: the library on the path, and finished runs of the workflow."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def shared(name):
    """A folder of real images beside the project; the test is skipped where there is none."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"real images are not here: no folder {name} beside the project")
    return folder


def command(folder, *options):
    """What starts the workflow in a folder of its own, as `subprocess` takes it."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    # Without the profile: its progress bars leave out which job ran.
    command += ["--directory", folder, "--cores", "2", "--workflow-profile", "none", *options]
    # Snakemake leaves its source cache in the home folder otherwise.
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")}
    return {"args": list(map(str, command)), "env": environment, "text": True}


def obey_permissions():
    """Take from the superuser's next program the right to read what no one may read."""
    if sys.platform == "linux" and os.geteuid() == 0:
        drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE and _READ_SEARCH
        for capability in (override, search):
            ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)


def snakemake(folder, *options, fails=False, before=None):
    """Run the workflow in a folder of its own and return what it said."""
    done = subprocess.run(
        **command(folder, *options), capture_output=True, timeout=900, preexec_fn=before
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
