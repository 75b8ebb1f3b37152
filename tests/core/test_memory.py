"""The memory that a job may have is the least of all its limits."""

import subprocess
import sys

import pytest

from conftest import ROOT
from localbg.core import memory


@pytest.mark.parametrize(
    ("environment", "limits"),
    [
        ({}, []),
        ({"SLURM_MEM_PER_NODE": "3000"}, [3000 * 2**20]),
        ({"SLURM_MEM_PER_CPU": "1000", "SLURM_CPUS_ON_NODE": "4"}, [4000 * 2**20]),
        ({"SLURM_MEM_PER_CPU": "1000", "SLURM_CPUS_PER_TASK": "2"}, [2000 * 2**20]),
        ({"SLURM_MEM_PER_CPU": "1000"}, [1000 * 2**20]),
        ({"SLURM_MEM_PER_NODE": "0"}, []),
        ({"SLURM_MEM_PER_NODE": "much"}, []),
    ],
)
def test_what_slurm_gave_is_known(environment, limits):
    assert memory._slurm(environment) == limits


@pytest.mark.parametrize(
    ("listed", "files", "limits"),
    [
        ("0::/a/b\n", {"a/memory.max": "5000", "a/b/memory.max": "max"}, [5000]),
        ("0::/a/b\n", {"memory.max": "900", "a/b/memory.max": "5000"}, [5000, 900]),
        ("0::/host/only\n", {"memory.max": "900"}, [900]),
        (
            "5:cpu,cpuacct:/x\n4:memory:/job\n",
            {
                "memory/job/memory.limit_in_bytes": "700",
                "memory/memory.limit_in_bytes": "9223372036854771712",
            },
            [700],
        ),
        ("", {}, []),
    ],
)
def test_limits_of_cgroups_are_found_on_the_way_up(tmp_path, listed, files, limits):
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(f"{text}\n")
    (tmp_path / "fs").mkdir(exist_ok=True)
    (tmp_path / "cgroup").write_text(listed)
    assert memory._cgroups(tmp_path / "cgroup", tmp_path / "fs") == limits


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_limits_of_the_process_count(kind):
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "from localbg.core import memory\n"
        "limit = 600 * 10**6\n"
        f"resource.setrlimit(resource.{kind}, (limit, limit))\n"
        "print(memory.limit_bytes() == limit, 300e6 < memory.free_bytes() < limit)\n"
    )
    command = [sys.executable, "-c", code, str(ROOT / "scripts")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_what_is_used_is_not_free():
    assert 0 < memory.free_bytes() < memory.limit_bytes()


@pytest.mark.attack(
    kind="memory",
    case="a Slurm job that was given less than an image needs",
    outcome="run again with more where that helps, else the image fails",
)
def test_a_slurm_job_is_run_again_where_that_helps(monkeypatch):
    monkeypatch.setattr(memory, "limit_bytes", lambda: 500)
    monkeypatch.setattr(memory, "free_bytes", lambda: 300)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert not memory.is_given_more_later(1000)
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    # 200 are in use already; the third attempt has 1500.
    assert memory.is_given_more_later(1240)
    assert not memory.is_given_more_later(1260)
