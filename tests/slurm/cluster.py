"""A real Slurm on this machine for the length of the tests: one controller and a few nodes.

All daemons are children of the test session, listen on loopback only, end with the session and
leave nothing behind. An installation of Slurm that is in use is not touched.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil

# Job steps look for the configuration in its default place only.
ETC = Path("/etc/slurm")
OURS = "# Written by tests/slurm, removed at their end.\n"
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "squeue", "setpriv")
DAEMONS = ("slurmctld", "slurmd", "slurmdbd")
NODES = ("n1", "n2", "n3")
CORES = 4
MEMORY_MB = 6000
PORT = 16817

# Nodes have names of their own, one address, and a port each. Slurm counts a job's memory itself,
# as there may be no cgroups here.
CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SrunPortRange=18000-18999
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
PropagateResourceLimits=NONE
ReturnToService=2
MinJobAge=3600
KillWait=2
SlurmdTimeout=30
{nodes}
PartitionName=tests Nodes=ALL Default=YES MaxTime=1-0 State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port} CPUs={cores}"
    " RealMemory={memory} State=UNKNOWN"
)


def why_not() -> str | None:
    """What keeps Slurm from being started here; None where nothing does."""
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=_path())]:
        return f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    if os.getuid() != 0:
        return "only root can start its daemons"
    conf = ETC / "slurm.conf"
    if conf.exists() and not conf.read_text().startswith(OURS):
        return f"{conf} belongs to an installation that may be in use"
    running = [p.info["name"] for p in psutil.process_iter(["name"]) if p.info["name"] in DAEMONS]
    if running:
        return f"already running here: {', '.join(sorted(set(running)))}"
    return None


def command(*words: str) -> str:
    """What a command of Slurm says."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def wait_for(condition, what: str, seconds: float = 60):
    """Wait until something is the case, and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return found


def _path():
    # Daemons are not on everybody's path.
    return os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"])


class Cluster:
    """Slurm's daemons, and what can happen to a cluster.

    Parameters
    ----------
    folder : path
        For state and logs; Munge asks for a short path that only root can write to.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start all daemons and wait until the nodes are ready for jobs."""
        self.folder.chmod(0o755)
        for name in ("state", "log", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        self._start_munge()
        self._configure()
        self._start("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        try:
            wait_for(self._idle, "nodes to be idle")
        except AssertionError as error:
            logs = sorted((self.folder / "log").iterdir())
            ends = "\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in logs)
            raise RuntimeError(f"Slurm did not start: {error}\n{ends}") from error

    def stop(self) -> None:
        """End all jobs, then all daemons, and remove what was written."""
        try:
            if self._daemons.get("slurmctld"):
                self.cancel_all()
        finally:
            for daemon in reversed(self._daemons.values()):
                daemon.terminate()
            for daemon in self._daemons.values():
                try:
                    daemon.wait(10)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
            for name in ("slurm.conf", "cgroup.conf"):
                path = ETC / name
                if path.exists() and path.read_text().startswith(OURS):
                    path.unlink()
            shutil.rmtree(self.folder, ignore_errors=True)

    def jobs(self, *, states: str = "all") -> list[dict[str, str]]:
        """All jobs, or those in some states: id, state, node, memory, minutes, comment, folder."""
        form = {"id": "%A", "state": "%T", "node": "%N", "memory": "%m", "limit": "%l"}
        form |= {"comment": "%k", "folder": "%Z", "name": "%j"}
        said = command(
            "squeue", "-h", "--states", states, "--sort=i", "-o", "|".join(form.values())
        )
        return [dict(zip(form, line.split("|"), strict=True)) for line in said.splitlines()]

    def active(self) -> list[dict[str, str]]:
        """Jobs that wait, run or are about to end."""
        return self.jobs(states="PENDING,RUNNING,COMPLETING,SUSPENDED")

    def cancel_all(self) -> None:
        """Leave no job behind."""
        if ids := [job["id"] for job in self.active()]:
            command("scancel", *ids)
            wait_for(lambda: not self.active(), "jobs to end")

    def hold(self) -> None:
        """Take jobs, but start none."""
        command("scontrol", "update", "PartitionName=tests", "State=DOWN")

    def release(self) -> None:
        """Start jobs again."""
        command("scontrol", "update", "PartitionName=tests", "State=UP")

    def start_node(self, node: str) -> None:
        """Start a node, or start it again after its death."""
        self._start(node, "slurmd", "-D", "-N", node)
        wait_for(lambda: node in self._idle_nodes(), f"{node} to be idle")

    def kill_node(self, node: str) -> None:
        """Sudden death of a node: its daemon, its jobs' processes, and no word to anybody."""
        daemon = self._daemons.pop(node)
        victims = []
        for job in self.jobs(states="RUNNING"):
            if job["node"] == node:
                for process in psutil.process_iter(["cmdline"]):
                    line = " ".join(process.info["cmdline"] or ())
                    if line.startswith(f"slurmstepd: [{job['id']}."):
                        victims += [process, *process.children(recursive=True)]
        daemon.kill()
        daemon.wait()
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # The controller finds out by itself after SlurmdTimeout; a health check would tell at once.
        command("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")

    def _start_munge(self):
        munge = pwd.getpwnam("munge")
        folder = self.folder / "munge"
        folder.mkdir(mode=0o755)
        key = folder / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        for path in (folder, key):
            os.chown(path, munge.pw_uid, munge.pw_gid)
        options = {"socket": "socket", "key-file": "key", "pid-file": "pid"}
        options |= {"log-file": "log", "seed-file": "seed"}
        arguments = [f"--{name}={folder / file}" for name, file in options.items()]
        self._start("munged", "munged", "--foreground", *arguments, user="munge")
        wait_for((folder / "socket").exists, "munged")

    def _configure(self):
        ETC.mkdir(exist_ok=True)
        nodes = [
            NODE.format(name=name, port=PORT + 1 + k, cores=CORES, memory=MEMORY_MB)
            for k, name in enumerate(NODES)
        ]
        host = socket.gethostname().partition(".")[0]
        text = CONF.format(host=host, port=PORT, folder=self.folder, nodes="\n".join(nodes))
        (ETC / "slurm.conf").write_text(OURS + text)
        version = re.search(r"(\d+)\.(\d+)", command(shutil.which("slurmd", path=_path()), "-V"))
        # Before 23.02 Slurm did not know how to do without; what it loads instead is not used.
        plugin = "disabled" if tuple(map(int, version.groups())) >= (23, 2) else "cgroup/v1"
        (ETC / "cgroup.conf").write_text(f"{OURS}CgroupPlugin={plugin}\n")

    def _start(self, name, program, *arguments, user=None):
        # Should the session be killed, its daemons are as well.
        words = ["setpriv", "--pdeathsig", "KILL"]
        if user:
            words += ["--reuid", user, "--regid", user, "--clear-groups"]
        with (self.folder / "log" / f"{name}.log").open("a") as log:
            self._daemons[name] = subprocess.Popen(
                [*words, shutil.which(program, path=_path()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _idle_nodes(self):
        done = subprocess.run(["sinfo", "-hN", "-o", "%N %t"], capture_output=True, text=True)
        pairs = (line.split() for line in done.stdout.splitlines())
        return {node for node, state in pairs if state in ("idle", "mix", "alloc")}

    def _idle(self):
        return self._idle_nodes() == set(NODES)
