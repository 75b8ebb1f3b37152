"""Which jobs in a queue are a killed Snakemake's, whatever else is there. Slurm is played."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT
from localbg.workflow import slurm

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Play squeue and scancel: what is in the queue, and which jobs were cancelled."""
    listed = tmp_path / "queue.txt"
    cancelled = tmp_path / "cancelled.txt"
    programs = {
        "squeue": f'cat "{listed}"',
        "scancel": f'echo "$@" >> "{cancelled}"; : > "{listed}"',
    }
    (tmp_path / "bin").mkdir()
    for name, body in programs.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "PAUSE", 0)

    def put(*lines):
        listed.write_text("".join(f"{line}\n" for line in lines))
        return lambda: cancelled.read_text().split() if cancelled.exists() else []

    return put


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "a study | of mine"
    folder.mkdir()
    return folder


@pytest.mark.attack(kind="interruption", case="jobs of others in the queue", outcome="left alone")
def test_just_the_jobs_that_snakemake_submitted_from_the_folder(queue, study, tmp_path):
    (tmp_path / "link").symlink_to(study)
    cancelled = queue(
        f"1|RUNNING|localbg_{RUN}|rule_batch|{tmp_path}",
        f"2|RUNNING|localbg_{RUN}|rule_batch|{study}/below",
        f"3|RUNNING|localbg_by_hand|(null)|{study}",
        f"4|RUNNING|{RUN}_by_hand|(null)|{study}",
        f"5|RUNNING|localbg_{RUN}|rule_batch_wildcards_000001|{study}",
        f"6|PENDING|{RUN}|rule_read|{tmp_path}/link",
    )
    assert slurm.cancel(study) == [
        slurm.Job("5", "RUNNING", "rule_batch_wildcards_000001"),
        slurm.Job("6", "PENDING", "rule_read"),
    ]
    assert cancelled() == ["5", "6"]


def test_nothing_is_cancelled_where_slurm_does_not_answer(queue, study, tmp_path):
    queue()
    (tmp_path / "bin" / "squeue").write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    with pytest.raises(slurm.SlurmError, match="no controller"):
        slurm.cancel(study)
    # Nor can a run submit anything: it may start, and fails there if it needs Slurm.
    assert slurm.jobs_of(study) == []


def test_jobs_that_do_not_end_are_named(queue, study, tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "PATIENCE", 0)
    queue(f"11|COMPLETING|{RUN}|rule_batch|{study}")
    (tmp_path / "bin" / "scancel").write_text("#!/bin/sh\n")
    with pytest.raises(slurm.SlurmError, match=r"still not ended: 11 \(rule_batch, completing\)"):
        slurm.cancel(study)


def test_cancel_says_in_words_that_there_is_no_slurm(tmp_path):
    words = [sys.executable, ROOT / "scripts" / "cancel.py", tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr == "there is no squeue here: run this where jobs are submitted\n"
