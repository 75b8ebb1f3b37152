"""The workflow on a real Slurm: same tables, whatever happens to jobs, nodes and Snakemake."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from conftest import ROOT, snakemake
from slurm import cluster as slurm_here
from slurm.cluster import Cluster, command, wait_for, why_not
from small_study import PLACES, TABLES, configure, spotted

pytestmark = pytest.mark.long

METHODS = {"threshold": {"rule": "noise", "k": 4}, "compare": ["median", "tophat"]}
# Without assessment, whose jobs are others' besides: what is looked at are the images' own.
ONE_METHOD = METHODS | {"compare": ["median"], "assessment": {"images": 0}}
BATCH = {"run": {"mode": "batch", "images_per_job": 1}}
STEPS = {"run": {"mode": "steps"}}
# What a study's first batch is called by its job.
FIRST, SECOND = "rule_batch_wildcards_000001", "rule_batch_wildcards_000002"


@pytest.fixture(scope="session")
def slurm():
    """A cluster for all tests."""
    reason = why_not()
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        reason = "the plugin is not installed (envs/requirements-slurm.txt)"
    if reason:
        pytest.skip(f"NOT TESTED ON A REAL SLURM: {reason}")
    made = Cluster(Path(tempfile.mkdtemp(prefix="slurm-", dir="/run")))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def cluster(slurm):
    """The cluster without jobs of other tests."""
    yield slurm
    slurm.release()
    slurm.cancel_all()


class Study:
    """A folder with two small images, one of them with known spots, and runs of it on Slurm."""

    def __init__(self, folder, config):
        self.folder = folder
        spotted(folder / "a.tif", seed=1)
        spotted(folder / "b.tif", seed=2)
        truth = "".join(f"{y},{x}\n" for y, x in PLACES)
        (folder / "truth.csv").write_text(f"y,x\n{truth}", encoding="utf-8")
        sheet = "image,path,truth\na,a.tif,truth.csv\nb,b.tif,\n"
        (folder / "images.csv").write_text(sheet, encoding="utf-8")
        configure(folder, config | {"images": "images.csv"})
        self.said = folder / "said.txt"

    def start(self, *options):
        """A Snakemake with the shipped profile; what differs only makes the tests faster."""
        words = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
        words += ["--directory", self.folder, "--workflow-profile", "slurm"]
        words += ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20"]
        # There is no accounting on this cluster.
        words += ["--slurm-status-command", "squeue", *options]
        with self.said.open("w") as said:
            return subprocess.Popen(
                list(map(str, words)),
                stdout=said,
                stderr=said,
                env=os.environ | {"XDG_CACHE_HOME": str(self.folder / ".cache")},
            )

    def finish(self, running, fails=False):
        """Wait for a Snakemake and return what it said."""
        code = running.wait(600)
        said = self.said.read_text()
        assert (code != 0) == fails, said[-6000:]
        return said

    def run(self, *options, fails=False):
        return self.finish(self.start(*options), fails)

    def tables(self):
        """All tables, byte for byte."""
        folder = self.folder / "results" / "tables"
        return {name: (folder / f"{name}.csv").read_bytes() for name in (*TABLES, "accuracy")}

    def start_held(self, cluster, *options):
        """Start a run whose first batch is in the middle of reading image a, and stays there.

        Its script is suspended as soon as it starts; all other jobs go on.
        """
        cluster.hold()
        running = self.start(*options)
        wait_for(lambda: len(self.active(cluster)) == 2, "two jobs in the queue")
        held = (self.jobs(cluster, FIRST) or self.jobs(cluster))[0]["id"]
        cluster.release()
        return running, wait_for(lambda: _suspended(held), "the job to start its script", 120)

    def jobs(self, cluster, what=""):
        """Jobs of this study's folder in the order of their submission, those of a rule."""
        return [
            job
            for job in cluster.jobs()
            if job["folder"] == str(self.folder) and job["comment"].startswith(what)
        ]

    def active(self, cluster):
        numbers = {job["id"] for job in cluster.active()}
        return [job for job in self.jobs(cluster) if job["id"] in numbers]

    def cancel(self):
        """The documented way to get rid of what a killed Snakemake left."""
        words = [sys.executable, ROOT / "scripts" / "cancel.py", self.folder]
        return subprocess.run(words, capture_output=True, text=True, timeout=300)


def _suspended(job):
    """The script of a job, suspended; None where it has not started yet."""
    for process in psutil.process_iter(["cmdline"]):
        with suppress(psutil.Error):
            program, *words = process.info["cmdline"] or [""]
            is_script = "python" in program and ".snakemake/scripts/" in " ".join(words)
            if is_script and process.environ().get("SLURM_JOB_ID") == job:
                process.suspend()
                return process
    return None


def let_go(process):
    """Let a suspended process end, if it is still there."""
    with suppress(psutil.Error):
        process.resume()


def column(jobs, name):
    return [job[name] for job in jobs]


@pytest.fixture(scope="session")
def local_tables(tmp_path_factory):
    """Tables of a run without Slurm, by configuration."""
    found = {}

    def tables(config):
        key = str(config)
        if key not in found:
            study = Study(tmp_path_factory.mktemp("local"), config | BATCH)
            snakemake(study.folder)
            found[key] = study.tables()
        return found[key]

    return tables


def test_a_slurm_that_may_be_in_use_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(slurm_here, "ETC", tmp_path)
    monkeypatch.setattr(slurm_here, "PROGRAMS", ())
    monkeypatch.setattr(os, "getuid", lambda: 0)
    (tmp_path / "slurm.conf").write_text("ClusterName=theirs\n")
    assert slurm_here.why_not() == (
        f"{tmp_path / 'slurm.conf'} belongs to an installation that may be in use"
    )


def test_whole_workflow_in_steps(cluster, local_tables, tmp_path):
    study = Study(tmp_path, METHODS | STEPS)
    study.run()
    assert study.tables() == local_tables(METHODS)
    # An image is one job, its assessment another, and the tables are one: no job of a second waits.
    assert column(study.jobs(cluster), "state") == ["COMPLETED"] * 5
    assert {p.name for p in (tmp_path / "results" / "figures").rglob("*.png")} == {
        *("a.png", "b.png"),
        *("counts.png", "agreement.png", "recommendation.png"),
        *("completeness.png", "false_positives.png"),
    }


def test_whole_workflow_in_batches(cluster, local_tables, tmp_path):
    study = Study(tmp_path, METHODS | BATCH)
    study.run()
    assert study.tables() == local_tables(METHODS)
    # Two images, each with two backgrounds and assessment; and the tables.
    assert column(study.jobs(cluster), "state") == ["COMPLETED"] * 7


@pytest.mark.attack(
    kind="memory",
    case="a job needs more than it asked for",
    outcome="run again with more",
)
def test_job_beyond_its_memory_or_time_gets_more(cluster, tmp_path):
    study = Study(tmp_path, ONE_METHOD | BATCH)
    # More than 500 MB for many seconds, as Slurm looks but once in a while; never 2000.
    pixels = np.random.default_rng(3).integers(90, 110, (5000, 5000), np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", pixels)
    running, held = study.start_held(
        cluster, "--set-resources", "batch:mem_mb=500 * attempt**2", "batch:runtime=attempt"
    )
    study.finish(running)
    let_go(held)
    late = study.jobs(cluster, FIRST)
    assert column(late, "state") == ["TIMEOUT", "COMPLETED"]
    assert column(late, "limit") == ["1:00", "2:00"]
    big = study.jobs(cluster, SECOND)
    # Where memory is counted by cgroups the first says OUT_OF_MEMORY.
    assert big[0]["state"] in ("FAILED", "OUT_OF_MEMORY")
    assert column(big[1:], "state") == ["COMPLETED"]
    assert column(big, "memory") == ["500M", "2000M"]
    assert b"\na,a.tif,ok," in study.tables()["images"]
    assert b"\nb,b.tif,ok," in study.tables()["images"]


@pytest.mark.parametrize("mode", [BATCH, STEPS], ids=["batches", "steps"])
@pytest.mark.attack(
    kind="interruption",
    case="a node of the cluster dies",
    outcome="its jobs run elsewhere; the same tables",
)
def test_death_of_a_node_costs_nothing_but_time(cluster, local_tables, tmp_path, mode):
    study = Study(tmp_path, ONE_METHOD | mode)
    running, held = study.start_held(cluster)
    # Nodes are filled one by one: all jobs of the study are there.
    node = study.active(cluster)[0]["node"]
    cluster.kill_node(node)
    try:
        study.finish(running)
    finally:
        let_go(held)
        cluster.start_node(node)
    ended = study.jobs(cluster)
    # One job an image at first; those that died are run again elsewhere, then come the tables.
    dead = column(ended[:2], "state").count("NODE_FAIL")
    later = ended[2:]
    assert dead > 0
    assert column(later, "state") == ["COMPLETED"] * (dead + 1)
    assert node not in column(later, "node")
    # An attempt more is a model's memory more, whatever the first one died of.
    first = int(ended[0]["memory"].removesuffix("M"))
    assert column(later[:dead], "memory") == [f"{2 * first}M"] * dead
    assert study.tables() == local_tables(ONE_METHOD)


def test_job_that_fails_for_good_is_reported_with_its_logs(cluster, tmp_path):
    study = Study(tmp_path, ONE_METHOD | BATCH)
    said = study.run("--set-resources", "batch:mem_mb=100", "--retries", "1", fails=True)
    failed = study.jobs(cluster)
    # Both batches, each tried twice; nothing that needs them was tried.
    assert len(failed) == len(study.jobs(cluster, "rule_batch")) == 4
    for job in failed:
        (log,) = tmp_path.glob(f".snakemake/slurm_logs/**/{job['id']}.log")
        assert str(log) in said
        assert "memory" in log.read_text()
    for batch in ("000001", "000002"):
        assert f"log: results/logs/batch/{batch}/" in said
    assert not (tmp_path / "results" / "tables").exists()


@pytest.mark.attack(
    kind="interruption",
    case="Snakemake is killed, its jobs go on in the queue",
    outcome="no second job writes the same file",
)
def test_killed_snakemake_is_resumed_without_two_jobs_at_one_file(cluster, local_tables, tmp_path):
    study = Study(tmp_path / "study with blanks", ONE_METHOD | BATCH)
    running, held = study.start_held(cluster)

    refused = study.cancel()
    assert refused.returncode == 1
    assert f"still runs in {study.folder} (process {running.pid})" in refused.stderr

    running.kill()
    running.wait()
    # A job of another study, and one that the user submitted from this folder by hand.
    submit = ["sbatch", "--parsable", "--mem=50", "--output=/dev/null", "--wrap=sleep 600"]
    run = f"--job-name={study.jobs(cluster)[0]['name']}"
    other = command(*submit, run, "-D", str(tmp_path)).strip()
    by_hand = command(*submit, "--job-name=localbg_by_hand", "-D", str(study.folder)).strip()
    (orphan,) = column(study.jobs(cluster, FIRST), "id")

    study.run("--unlock")
    said = study.run(fails=True)
    assert f"{orphan} (rule_batch" in said
    assert len(study.jobs(cluster, FIRST)) == 1

    done = study.cancel()
    let_go(held)
    assert done.returncode == 0, done.stderr
    assert f"cancelled {orphan} (rule_batch" in done.stdout
    assert set(column(cluster.active(), "id")) == {other, by_hand}

    study.run()
    assert column(study.jobs(cluster, FIRST), "state") == ["CANCELLED", "COMPLETED"]
    assert study.tables() == local_tables(ONE_METHOD)
