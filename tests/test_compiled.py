"""Kernels are compiled once, whatever processes want them at the same time."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from localbg.kernels import compiled
from localbg.kernels.compiled import in_bands

PROGRAM = """
import logging, sys
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=logging.INFO)
import numpy as np
from localbg.kernels import compiled
from localbg.kernels.ball import roll
compiled.PATIENCE = float(sys.argv[2])
image = np.arange(48, dtype=np.float32).reshape(6, 8) % 7
print(roll(image, np.zeros((3, 3), np.float32)).tolist())
"""


@pytest.fixture
def library(tmp_path):
    """A copy of the library without anything compiled."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts" / "localbg", tmp_path / "localbg", ignore=ignore)
    return tmp_path


def start(library, patience=100, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(library), str(patience)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def finish(process):
    result, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    return result, log


def folders(library):
    return sorted((library / "localbg" / "kernels" / "__pycache__").glob("ball._lowest-*"))


def test_of_many_processes_one_compiles_and_all_agree(library):
    done = [finish(process) for process in [start(library) for _ in range(5)]]
    expected, _ = finish(start(library))
    assert {result for result, _ in done} == {expected}
    assert sum(log.count("compiled _lowest in") for _, log in done) == 1
    assert len(folders(library)) == 1


def test_what_is_compiled_is_not_compiled_again_nor_touched(library):
    finish(start(library))
    (folder,) = folders(library)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    _, log = finish(start(library))
    assert "compiled" not in log
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_edit_of_the_source_is_compiled_anew(library):
    finish(start(library))
    source = library / "localbg" / "kernels" / "ball.py"
    source.write_text(source.read_text().replace("source[x] - rise", "source[x] - rise - 1"))
    result, log = finish(start(library))
    assert "compiled _lowest in" in log
    assert len(folders(library)) == 2
    # One less where the ball is let down, and one more where it is turned over: the same again.
    values = [float(v) for v in re.findall(r"-?\d+\.\d+", result)]
    assert min(values) == 0.0


def test_a_process_that_died_while_compiling_holds_up_the_others_for_a_while_only(library):
    finish(start(library))
    (folder,) = folders(library)
    shutil.rmtree(folder)
    folder.with_suffix(".claim").mkdir()
    _, log = finish(start(library, patience=0.5))
    assert "being compiled by another process" in log
    assert "compiled _lowest in" in log
    assert folders(library) == [folder]


def test_a_source_folder_that_cannot_be_written_leaves_the_user_s_cache(monkeypatch, tmp_path):
    source = tmp_path / "kernel.py"
    assert compiled._cache_root(source) == tmp_path / "__pycache__"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert compiled._cache_root(source) == tmp_path / "cache" / "localbg"


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 50])
@pytest.mark.parametrize("step", [1, 4, 64])
def test_bands_cover_each_row_once_and_begin_at_multiples(threads, step):
    for length in (1, 7, 64, 65, 300):
        seen, starts = np.zeros(length, int), []

        def work(start, stop, seen=seen, starts=starts):
            seen[start:stop] += 1
            starts.append(start)

        in_bands(work, length, threads, step)
        assert (seen == 1).all()
        assert all(start % step == 0 for start in starts)
        assert len(starts) <= threads


def test_an_error_in_a_thread_is_raised():
    def work(start, stop):
        if start:
            raise ValueError(f"row {start}")

    with pytest.raises(ValueError, match="row 5"):
        in_bands(work, 10, 2)
