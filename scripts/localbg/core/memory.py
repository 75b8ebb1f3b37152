"""How much memory this process may have, whatever sets the limit."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None

CGROUPS = Path("/sys/fs/cgroup")
# How much more memory a job is given at its last attempt, less what its process may differ by.
LAST_ATTEMPT = 2.9
# What a cgroup's file says where there is no limit: "max", or in version 1 about 2**63.
NO_LIMIT = 2**60


def limit_bytes() -> int:
    """The least of all limits of this process's memory.

    Returns
    -------
    int
        Of the process's address space and data (``ulimit -v``, ``-d``), its cgroup and those
        around it, the memory that Slurm gave, and the machine's.
    """
    return min(limit for limit, _ in _limits())


def free_bytes() -> int:
    """Memory that this process may still claim: the least of what each limit leaves it."""
    used = _used()
    return max(0, min(limit - used[kind] for limit, kind in _limits()))


def is_given_more_later(needed: int) -> bool:
    """Whether a Slurm job that lacks memory gets enough where it is run again.

    Jobs ask for twice and three times as much at their second and third attempt.

    Parameters
    ----------
    needed : int
        Bytes to be claimed.
    """
    limit = limit_bytes()
    lacking = max(0, needed - free_bytes())
    return "SLURM_JOB_ID" in os.environ and limit + lacking <= LAST_ATTEMPT * limit


def _limits():
    """Limits in bytes, each with what of this process counts against it."""
    limits = [(_machine(), "resident"), *((limit, "resident") for limit in _lasting())]
    if resource is None:
        return limits
    for kind, name in ((resource.RLIMIT_AS, "address space"), (resource.RLIMIT_DATA, "data")):
        soft = resource.getrlimit(kind)[0]
        if soft != resource.RLIM_INFINITY:
            limits.append((soft, name))
    return limits


def _used():
    """Bytes of this process: in memory, of address space, and of data."""
    try:
        size, resident, _, _, _, data, _ = map(int, Path("/proc/self/statm").read_text().split())
    except (OSError, ValueError):
        return dict.fromkeys(("resident", "address space", "data"), 0)
    page = os.sysconf("SC_PAGE_SIZE")
    return {"resident": resident * page, "address space": size * page, "data": data * page}


@cache
def _machine():
    if not hasattr(os, "sysconf"):  # Windows does not say.
        return NO_LIMIT
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@cache
def _lasting():
    """Limits that stay the same as long as the process lives."""
    return (*_cgroups(), *_slurm(os.environ))


def _cgroups(listed: Path = Path("/proc/self/cgroup"), root: Path = CGROUPS) -> list[int]:
    """Limits of this process's cgroups of memory, versions 1 and 2, and of those around them."""
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    limits = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the group may be one of the host, of which only the top is seen.
        folder = top / group.lstrip("/")
        for place in (folder, *folder.parents):
            limits += _number(place / name)
            if place == top:
                break
    return limits


def _number(path):
    try:
        number = int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [number] if number < NO_LIMIT else []


def _slurm(environment) -> list[int]:
    """What Slurm gave this job on this node; it counts in MB of 2**20 bytes."""
    try:
        if whole := int(environment.get("SLURM_MEM_PER_NODE", 0)):
            return [whole * 2**20]
        each = int(environment.get("SLURM_MEM_PER_CPU", 0))
        on_task = environment.get("SLURM_CPUS_PER_TASK", 1)
        cores = int(environment.get("SLURM_CPUS_ON_NODE", on_task))
        return [each * cores * 2**20] if each else []
    except ValueError:
        return []
