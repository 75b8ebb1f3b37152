"""Files appear whole or not at all, and what cannot be written is no image's failure."""

import errno
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from conftest import ROOT
from localbg.core import failures, files
from localbg.figures import style
from localbg.io import images, tables
from localbg.workflow import job


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def writers():
    """Every way in which the library writes a file."""
    yield "figure", lambda path: style.save(Figure(figsize=(1, 1)), path)
    yield "image", lambda path: images.write(path, np.ones((9, 9), np.uint8), pixel_size_um=None)
    yield "json", lambda path: files.write_json(path, {"a": 1})
    yield "table", lambda path: tables.write(path, ["a"], [{"a": 1}])


WRITERS = dict(writers())


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.attack(
    kind="interruption",
    case="a writer is stopped before the end",
    outcome="what was there stays, whole",
)
def test_a_writer_that_is_stopped_before_the_end_leaves_what_was_there(
    write, tmp_path, monkeypatch
):
    path = tmp_path / "result"
    path.write_text("before")

    def stop(beside, place):
        assert place == path
        assert os.path.getsize(beside) > 0
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    assert path.read_text() == "before"
    assert left_in(tmp_path) == ["result"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.attack(
    kind="interruption",
    case="a result cannot be written",
    outcome="the job fails, not the image",
)
def test_what_cannot_be_written_is_the_machines_failure(write, tmp_path):
    with pytest.raises(files.NotWritten, match=r"could not be written: .*No such file or dir") as e:
        write(tmp_path / "no folder" / "result")
    assert failures.is_system_error(e.value)
    assert failures.describe_error(e.value) == str(e.value)


def test_a_full_disk_is_the_machines_failure_though_numpy_gives_no_number(tmp_path):
    with pytest.raises(files.NotWritten) as error, files.whole(tmp_path / "a"):
        raise OSError("131072 requested and 0 written")
    assert error.value.errno is None
    assert failures.is_system_error(error.value)
    assert not failures.is_system_error(OSError(errno.EACCES, "an image that may not be read"))


def test_an_error_of_the_work_is_passed_on_as_it_is(tmp_path):
    with pytest.raises(ValueError, match="of the image"), files.whole(tmp_path / "a"):
        raise ValueError("of the image")
    assert left_in(tmp_path) == []


@pytest.mark.attack(
    kind="interruption",
    case="two jobs write the same file",
    outcome="one of them is there, whole",
)
def test_two_jobs_that_write_the_same_file_do_not_mix(tmp_path):
    path = tmp_path / "a"
    with files.whole(path) as orphan:
        orphan.write_text("half of")
        with files.whole(path) as beside:
            beside.write_text("second")
        assert path.read_text() == "second"
        orphan.write_text("first")
    assert path.read_text() == "first"
    assert left_in(tmp_path) == ["a"]


@pytest.mark.attack(
    kind="interruption",
    case="a killed job leaves a half-written file",
    outcome="it goes, results stay",
)
def test_leftovers_go_and_results_stay(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.csv", "download.part", "deep/b.tif.0123abcd.part", "deep/b.tif"):
        (tmp_path / name).touch()
    files.remove_leftovers(tmp_path)
    assert left_in(tmp_path) == ["a.csv", "deep", "download.part"]
    assert left_in(tmp_path / "deep") == ["b.tif"]


JOB = """
import sys
sys.path.insert(0, sys.argv[1])
from localbg.core import files
from localbg.workflow import job
job.start_log("failures.log")
held = bytearray(300_000_000)
with files.whole("no folder/a") as beside:
    beside.write_text("")
"""


def test_a_job_says_in_its_log_what_it_took_and_on_the_terminal_what_stopped_it(tmp_path):
    command = [sys.executable, "-c", JOB, ROOT / "scripts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("stopped: no folder/a could not be written: ")
    assert len(done.stderr.splitlines()) == 1
    log = (tmp_path / "failures.log").read_text(encoding="utf-8")
    assert "CRITICAL stopped by an error\nTraceback" in log
    seconds, peak = job.took(tmp_path / "failures.log")
    assert seconds >= 0
    assert 300 < peak < 400
    assert job.took(tmp_path / "none.log") is None


@pytest.mark.attack(
    kind="interruption",
    case="library code that would write in place",
    outcome="there is none",
)
def test_nothing_is_written_but_beside_its_place():
    writes = re.compile(r"\.write_text\(|\.write_bytes\(|imwrite\(|savefig\(|open\([^)]*\"w")
    # These write no results: the example images, and compiled code that has a way of its own.
    others = {"simulate.py", "compiled.py"}
    found = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "scripts").rglob("*.py")
        if path.name not in others
        for line in path.read_text(encoding="utf-8").splitlines()
        if writes.search(line) and not re.search(r"\bbeside\b|def write|files\.write_text\(", line)
    ]
    assert found == []
