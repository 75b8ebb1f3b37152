"""The pins of the environments agree, and what is said beside the code agrees with it."""

import re
import shutil
import subprocess

import yaml

from conftest import ROOT
from localbg.workflow import config

CONDA_NAMES = {"matplotlib-base": "matplotlib"}
PINNED = [f"requirements{kind}.txt" for kind in ("", "-slurm", "-test", "-docs")]


def pins(name):
    """Names and versions of a requirements file."""
    text = (ROOT / "envs" / name).read_text()
    return {
        m[1].lower(): m[2]
        for m in re.finditer(r"^([A-Za-z0-9_.-]+)==([^\s#]+)", text, re.MULTILINE)
    }


def test_conda_environment_has_the_pins_of_requirements():
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
    conda = dict(pin.split("=") for pin in environment["dependencies"])
    assert conda.pop("python") == "3.11"
    pip = pins("requirements.txt")
    for name, version in conda.items():
        assert (name, version) == (name, pip[CONDA_NAMES.get(name, name)])


def test_conda_environment_has_all_that_the_scripts_import():
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
    conda = {pin.split("=")[0] for pin in environment["dependencies"]}
    imported = set()
    for path in (ROOT / "scripts").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
    packages = {"skimage": "scikit-image", "matplotlib": "matplotlib-base", "yaml": "pyyaml"}
    known = {"numpy", "scipy", "numba", "llvmlite", "skimage", "tifffile", "matplotlib", "pandas"}
    known |= {"yaml", "requests"}
    assert {packages.get(name, name) for name in imported & known} <= conda


def test_every_requirement_is_pinned():
    for name in PINNED:
        lines = (ROOT / "envs" / name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
        assert len(wanted) == len(pins(name))


def test_no_two_files_pin_unlike_versions():
    both = {(name, version) for file in PINNED for name, version in pins(file).items()}
    assert len(both) == len({name for name, _ in both})


def test_config_shows_every_key_with_its_default():
    shown = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert {key: value for key, value in shown.items() if key != "images"} == config.defaults()


def test_schema_describes_every_key():
    properties = yaml.safe_load(config.SCHEMA.read_text())["properties"]
    assert [key for key, spec in properties.items() if not spec.get("description")] == []


def test_profile_for_slurm_names_rules_that_exist():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text())
    text = "".join(path.read_text() for path in (ROOT / "Snakefile", *ROOT.glob("rules/*.smk")))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    assert set(profile["groups"]) | set(profile["set-resources"]) <= rules


def test_git_ignores_the_environment_also_where_it_is_a_link(tmp_path):
    shutil.copy(ROOT / ".gitignore", tmp_path)
    (tmp_path / ".venv").symlink_to(tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    status = ["git", "-C", tmp_path, "status", "--porcelain"]
    untracked = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert untracked.split() == ["??", ".gitignore"]
