"""Kernels are compiled once, whatever processes want them at the same time."""

import errno
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT, obey_permissions
from localbg.filters import compiled
from localbg.filters.compiled import in_bands

PROGRAM = """
import logging, sys
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=logging.INFO)
import numpy as np
from localbg.filters import compiled
from localbg.filters.ball import roll
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


def attack(case, outcome):
    return pytest.mark.attack(kind="cache", case=case, outcome=outcome)


def start(library, patience=100, before=None, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(library), str(patience)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=before,
    )


def finish(process):
    result, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    return result, log


def folders(library):
    return sorted((library / "localbg" / "filters" / "__pycache__").glob("ball._lowest-*"))


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
    source = library / "localbg" / "filters" / "ball.py"
    source.write_text(source.read_text().replace("source[x] - rise", "source[x] - rise - 1"))
    result, log = finish(start(library))
    assert "compiled _lowest in" in log
    assert len(folders(library)) == 2
    # One less where the ball is let down, and one more where it is turned over: the same again.
    values = [float(v) for v in re.findall(r"-?\d+\.\d+", result)]
    assert min(values) == 0.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A library with compiled code, the result, and what lies in its folder."""
    library = tmp_path_factory.mktemp("made")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts" / "localbg", library / "localbg", ignore=ignore)
    result, _ = finish(start(library))
    (folder,) = folders(library)
    return library, result, folder, {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def truncate(content):
    return content[: len(content) // 2]


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def empty(content):
    return b""


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        pytest.param(".nbc", truncate, marks=attack("compiled code cut short", "made afresh")),
        pytest.param(".nbc", empty, marks=attack("an empty file of compiled code", "made afresh")),
        pytest.param(
            ".nbc", flip_a_bit, marks=attack("a bit flipped in compiled code", "made afresh")
        ),
        pytest.param(".nbi", truncate, marks=attack("an index cut short", "made afresh")),
        pytest.param(".nbi", empty, marks=attack("an empty index", "made afresh")),
        pytest.param(
            ".nbc", None, marks=attack("an index that names a missing file", "made afresh")
        ),
        pytest.param(".json", None, marks=attack("compiled code without checksums", "made afresh")),
        pytest.param(".json", truncate, marks=attack("checksums cut short", "made afresh")),
    ],
)
def test_damaged_code_is_named_and_made_afresh(made, suffix, damage):
    library, expected, folder, before = made
    path = next(path for path in before if path.suffix == suffix)
    if damage:
        path.write_bytes(damage(before[path]))
    else:
        path.unlink()
    result, log = finish(start(library))
    assert result == expected
    assert f"compiled code in {folder} is damaged" in log
    assert "compiled _lowest in" in log
    # The next one has nothing to complain of, and nothing else is left there.
    result, log = finish(start(library))
    assert (result, "damaged" in log, "compiled _lowest" in log) == (expected, False, False)
    assert folders(library) == [folder]


@attack("damaged code that several processes want at once", "one makes it afresh, all agree")
def test_of_many_processes_one_repairs(made):
    library, expected, folder, _ = made
    for path in folder.rglob("*.nbc"):
        path.write_bytes(b"no code")
    done = [finish(process) for process in [start(library) for _ in range(4)]]
    assert {result for result, _ in done} == {expected}
    assert sum(log.count("compiled _lowest in") for _, log in done) == 1
    assert folders(library) == [folder]


@attack("a source file with another time of change", "compiled anew, not into the old folder")
def test_a_touched_source_leaves_the_old_folder_alone(made):
    library, expected, folder, _ = made
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    source = library / "localbg" / "filters" / "ball.py"
    times = source.stat()
    os.utime(source, (times.st_atime, times.st_mtime + 10))
    try:
        result, log = finish(start(library))
        assert (result, "damaged" in log) == (expected, False)
        assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
        (other,) = set(folders(library)) - {folder}
        shutil.rmtree(other)
    finally:
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("private", [True, False])
@attack(
    "no folder for compiled code may be written", "kept in a private one, or compiled each time"
)
def test_without_a_place_for_code_it_is_compiled_all_the_same(library, made, private):
    (library / "localbg" / "filters" / "__pycache__").mkdir(mode=0o500)
    temporary = library / "tmp"
    temporary.mkdir()
    # What others may look into is not trusted.
    (temporary / f"localbg-{os.getuid()}").mkdir(mode=0o700 if private else 0o755)
    places = {"XDG_CACHE_HOME": "/proc/none", "TMPDIR": str(temporary)}
    # Python itself may not write there either.
    result, log = finish(start(library, before=obey_permissions, **places))
    assert result == made[1]
    assert "_lowest: no place for compiled code ([Errno 2] No such file" in log
    kept = list(temporary.glob("localbg-*/ball._lowest-*/*.json"))
    assert len(kept) == private
    assert ("compiled for this process only, which takes time" in log) == (not private)
    if private:
        _, log = finish(start(library, before=obey_permissions, **places))
        assert "compiled _lowest" not in log


@attack("a disk that fills up while code is compiled", "compiled for this process only, said so")
def test_a_full_disk_costs_time_only(monkeypatch, tmp_path, caplog):
    def full(folder, new):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(compiled, "_roots", lambda source: [lambda: tmp_path])
    monkeypatch.setattr(compiled, "_replace", full)
    double = compiled.compiled("(int64,)")(_double)
    assert double(21) == 42
    assert "_double: no place for compiled code ([Errno 28] No space left" in caplog.text
    assert "_double is compiled for this process only" in caplog.text
    assert list(tmp_path.iterdir()) == []


def _double(number):
    return 2 * number


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
    assert next(compiled._roots(source))() == tmp_path / "__pycache__"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert next(compiled._roots(source))() == tmp_path / "cache" / "localbg"


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
