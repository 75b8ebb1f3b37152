"""Tables are those of the study as it is now, whatever was killed, lost or changed."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress

import psutil
import pytest

import batch
from conftest import command, snakemake
from localbg.core import failures, files
from localbg.io.images import ImageError
from localbg.io.planned_image import read
from localbg.workflow import collected, ownership, run_lock
from small_study import NO_FIGURES, PLACES, configure, ran, read_text, spotted

pytestmark = pytest.mark.long

MODES = {"steps": {"mode": "steps"}, "batch": {"mode": "batch", "images_per_job": 1}}
CONFIG = {"images": "raw", "compare": ["median"], "assessment": {"images": 1, "injected": 4}}
OPTIONS = (*NO_FIGURES, "results/tables/false_positives.csv", "--rerun-incomplete")


def attack(case, outcome):
    return pytest.mark.attack(kind="belonging", case=case, outcome=outcome)


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def prepare(folder, mode, images=2, **config):
    folder.mkdir(exist_ok=True)
    for k in range(images):
        spotted(folder / "raw" / f"{k}.tif", PLACES[k:], seed=k)
    configure(folder, CONFIG | {"run": MODES[mode]} | config)
    return folder


def contents(folder):
    """All tables, byte for byte."""
    return {path.name: path.read_bytes() for path in (folder / "results" / "tables").iterdir()}


def expected(tmp_path, mode, **how):
    """Tables of a study that nothing has happened to."""
    folder = prepare(tmp_path / "undisturbed", mode, **how)
    snakemake(folder, *OPTIONS)
    return contents(folder)


def start(folder, *options):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = command(folder, *OPTIONS, *options)
    return subprocess.Popen(**start, **quiet, start_new_session=True)


def workers(leader):
    """The scripts that a run is at work on: Python, and none of Snakemake's own processes."""
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(leader.pid).children(recursive=True)
        lines = {process: " ".join(process.cmdline()) for process in below if process.is_running()}
        return [p for p, line in lines.items() if "python" in p.name() and "scripts" in line]
    return []


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.01)
    return value


def locks(folder):
    """Whether a job of the run in a folder holds its lock already."""
    lock = folder / "results" / ".localbg" / "jobs.lock"
    return lock.exists() and run_lock_is_held(lock)


def run_lock_is_held(path):
    with path.open() as file:
        return not run_lock._taken(file.fileno(), run_lock.fcntl.LOCK_EX)


@attack(
    "kill -9 of Snakemake alone while a job is suspended; other parameters; run again; job goes on",
    "the new run waits, the old job ends without a result, the tables are the new parameters'",
)
def test_a_job_that_outlives_its_run_puts_nothing_into_the_next(tmp_path, mode):
    folder = prepare(tmp_path / "study", mode)
    run = start(folder, "--cores", "1")
    wait_for(lambda: locks(folder))
    (worker, *_) = wait_for(lambda: workers(run))
    worker.suspend()
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    prepare(folder, mode, spot_radius=2)
    snakemake(folder, "--unlock")
    again = start(folder)
    time.sleep(4)
    assert again.poll() is None
    assert worker.status() == psutil.STATUS_STOPPED
    worker.resume()
    assert again.wait(timeout=300) == 0
    assert not worker.is_running()
    assert contents(folder) == expected(tmp_path, mode, spot_radius=2)


@attack("kill -9 of Snakemake alone, two jobs at work", "the jobs end within seconds")
def test_jobs_end_with_the_process_that_leads_their_run(tmp_path):
    folder = prepare(tmp_path / "study", "batch", assessment={"images": 2, "injected": 64})
    run = start(folder)
    left = wait_for(lambda: len(found := workers(run)) == 2 and locks(folder) and found)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    gone, alive = psutil.wait_procs(left, timeout=10)
    assert (len(gone), alive) == (2, [])
    # They ended before they were done, not because they were.
    assert not list((folder / "results").glob("tables/false_positives.csv"))


@attack("a second run in the same folder while one is at work (--nolock)", "refused in words")
def test_two_runs_at_once_are_refused(tmp_path):
    folder = prepare(tmp_path / "study", "batch")
    ownership.claim(folder / "results", folder)
    holder = (
        "import sys, time; from localbg.workflow import run_lock; run_lock.lead(sys.argv[1]); "
        "print('held', flush=True); time.sleep(600)"
    )
    path = {"PYTHONPATH": os.fspath(os.path.dirname(batch.__file__))}
    start = [shutil.which("python3"), "-c", holder, os.fspath(folder / "results")]
    with subprocess.Popen(start, env=os.environ | path, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            said = snakemake(folder, *OPTIONS, "--nolock", fails=True)
            assert f"another run writes to results (process {other.pid} on " in said
            assert not (folder / "results" / "tables").exists()
        finally:
            other.kill()
    snakemake(folder, *OPTIONS)


@attack("a job that is started by a run which has ended", "writes nothing")
def test_a_job_of_an_earlier_run_writes_nothing(tmp_path, monkeypatch):
    ownership.claim(tmp_path, tmp_path)
    monkeypatch.setattr(files, "checks", [])
    monkeypatch.setattr(run_lock, "_held", [])
    (tmp_path / ".localbg" / "run.json").write_text('{"token": "new"}', encoding="utf-8")
    monkeypatch.setenv(run_lock.VARIABLE, "new")
    run_lock.join(tmp_path)
    files.write_text(tmp_path / "early", "in time")
    (tmp_path / ".localbg" / "run.json").write_text('{"token": "newer"}', encoding="utf-8")
    with pytest.raises(run_lock.Superseded, match="another run writes to"):
        files.write_text(tmp_path / "late", "too late")
    with pytest.raises(run_lock.Superseded):
        run_lock.join(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".localbg", "early"]
    assert failures.is_system_error(run_lock.Superseded("late"))


@attack(".snakemake lost, another spot_radius", "tables of the new radius")
def test_lost_records_and_another_radius(tmp_path, mode):
    folder = prepare(tmp_path / "study", mode)
    snakemake(folder, *OPTIONS)
    shutil.rmtree(folder / ".snakemake")
    prepare(folder, mode, spot_radius=2)
    snakemake(folder, *OPTIONS)
    assert contents(folder) == expected(tmp_path, mode, spot_radius=2)
    assert ran(snakemake(folder, *OPTIONS)) == {}


@attack(".snakemake lost, an image taken out", "the image is in no table")
def test_lost_records_and_an_image_less(tmp_path, mode):
    folder = prepare(tmp_path / "study", mode, images=3)
    snakemake(folder, *OPTIONS)
    shutil.rmtree(folder / ".snakemake")
    (folder / "raw" / "2.tif").unlink()
    said = snakemake(folder, *OPTIONS)
    # What proves by itself that it is right is not made again.
    made = ran(said)
    assert (made["read"], made["batch"], made["denoise"]) == (0, 0, 0)
    assert made["collect"] == 1
    assert contents(folder) == expected(tmp_path, mode, images=2)


@attack(".snakemake lost, another seed", "every table that draws random numbers is made again")
def test_lost_records_and_another_seed(tmp_path):
    targets = ("results/tables/groups.csv", *OPTIONS)
    folder = prepare(tmp_path / "study", "batch")
    snakemake(folder, *targets)
    shutil.rmtree(folder / ".snakemake")
    configure(folder, CONFIG | {"run": MODES["batch"], "seed": 7})
    made = ran(snakemake(folder, *targets))
    assert (made["groups"], made["collect"], made["collect_assessment"]) == (1, 1, 1)
    assert (made["batch"], made["assess"]) == (0, 1)
    other = prepare(tmp_path / "other", "batch", seed=7)
    snakemake(other, *targets)
    assert contents(folder) == contents(other)


@attack("a piece of a run with other parameters in the place of ours", "made again, tables right")
def test_a_strangers_piece_is_noticed(tmp_path, mode):
    folder = prepare(tmp_path / "study", mode)
    snakemake(folder, *OPTIONS)
    right = contents(folder)
    other = prepare(tmp_path / "other", mode, spot_radius=2)
    snakemake(other, *OPTIONS)
    pattern = {"steps": "mask/**/0.json", "batch": "batches/000001/**/*.jsonl"}[mode]
    (ours,) = (folder / "results").glob(pattern)
    (theirs,) = (other / "results").glob(pattern)
    when = ours.stat()
    shutil.copyfile(theirs, ours)
    os.utime(ours, ns=(when.st_atime_ns, when.st_mtime_ns))
    snakemake(folder, *OPTIONS)
    assert contents(folder) == right


def test_whoever_gathers_checks_each_piece(tmp_path):
    piece = tmp_path / "one.jsonl"
    own, other = "0123456789abcdef", "fedcba9876543210"
    piece.write_text(
        f'{{"image": "a", "fingerprint": "{own}"}}\n{{"image": "b", "fingerprint": "{other}"}}\n',
        encoding="utf-8",
    )
    assert collected.recorded(piece) == own
    with pytest.raises(collected.StaleResults, match="was made from other images or parameters"):
        list(collected.lines([str(piece)], [own]))
    rows = [{"image": "a", "facts": str(piece), "fingerprint": other}]
    with pytest.raises(collected.StaleResults):
        list(collected.from_steps(rows, []))


@attack("an image replaced between the plan and its job", "that image fails and says so")
def test_an_image_that_changed_since_the_plan_is_refused(tmp_path):
    path = spotted(tmp_path / "a.tif")
    status = path.stat()
    stamp = [[str(path), status.st_size, status.st_mtime_ns]]
    assert read(path, {}, stamp).pixels.shape == (64, 60)
    spotted(path, seed=1)
    os.utime(path, ns=(0, status.st_mtime_ns + 1))
    with pytest.raises(ImageError, match="has changed since the run was planned; run again"):
        read(path, {}, stamp)
    assert read(path, {}, []).pixels.shape == (64, 60)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(
            [],
            ["--rerun-triggers", "mtime"],
            marks=attack("another truth, Snakemake told to look at times only", "accuracy is new"),
        ),
        pytest.param(
            ["--touch"], [], marks=attack("another truth, --touch, then a run", "accuracy is new")
        ),
    ],
)
def test_another_truth_gives_another_accuracy(tmp_path, first, then):
    truth = tmp_path / "truth.csv"
    truth.write_text("y,x\n" + "".join(f"{y},{x}\n" for y, x in PLACES), encoding="utf-8")
    folder = prepare(tmp_path, "batch", images=1, assessment={"images": 0})
    rows = {"a": {"path": "raw/0.tif", "truth": "truth.csv"}}
    one = CONFIG | {"images": rows, "run": MODES["batch"], "assessment": {"images": 0}}
    configure(folder, one)
    targets = ("results/tables/accuracy.csv", *NO_FIGURES)
    snakemake(folder, *targets)
    (row,) = read_text(folder / "results" / "tables" / "accuracy.csv")
    assert (row["n_truth"], row["matched"]) == ("3", "3")
    truth.write_text("y,x\n14,15\n", encoding="utf-8")
    if first:
        snakemake(folder, *targets, *first)
    snakemake(folder, *targets, *then)
    (row,) = read_text(folder / "results" / "tables" / "accuracy.csv")
    assert (row["n_truth"], row["matched"]) == ("1", "1")
    assert ran(snakemake(folder, *targets, *then)) == {}


@attack(
    "another list of methods and an image less, Snakemake told to look at times only or to touch",
    "tables of the methods and images of now",
)
@pytest.mark.parametrize("how", ["mtime", "touch"])
def test_tables_are_those_of_now_whatever_snakemake_is_told(tmp_path, mode, how):
    none = {"assessment": {"images": 0}}
    folder = prepare(tmp_path / "study", mode, **none, compare=["median", "tophat"])
    snakemake(folder, *NO_FIGURES)
    (folder / "raw" / "1.tif").unlink()
    configure(folder, CONFIG | none | {"run": MODES[mode], "compare": ["tophat"]})
    if how == "touch":
        snakemake(folder, *NO_FIGURES, "--touch")
        snakemake(folder, *NO_FIGURES)
    else:
        snakemake(folder, *NO_FIGURES, "--rerun-triggers", "mtime")
    other = prepare(tmp_path / "other", mode, images=1, **none, compare=["tophat"])
    snakemake(other, *NO_FIGURES)
    assert contents(folder) == contents(other)


@attack("an intermediate image damaged on the disk", "that image fails, and the next run mends it")
def test_a_damaged_intermediate_is_made_again(tmp_path):
    folder = prepare(tmp_path / "study", "steps", images=1, assessment={"images": 0})
    snakemake(folder, *NO_FIGURES)
    right = contents(folder)
    (mask,) = (folder / "results" / "mask").rglob("0.tif")
    (foreground,) = (folder / "results" / "foreground").rglob("0.tif")
    foreground.write_bytes(b"")
    mask.unlink()
    said = snakemake(folder, *NO_FIGURES, fails=True)
    assert "0.tif is empty (0 bytes)" in said
    snakemake(folder, *NO_FIGURES)
    assert contents(folder) == right
