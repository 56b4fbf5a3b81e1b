"""What limits this process here, and what that costs; a limit that costs nothing has no line."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from bench import limits
from bench.devices import WORKER_BYTES
from bench.doctor.check import Check

GIB = 2**30
WORKER_TASKS = 40
"""Threads that a worker has: its own, and those that a backend starts whatever it is told; about 25."""
SHARED_BYTES = 2**26
"""Less shared memory than this, which is what a container has unless it is told otherwise, is too little for others."""
OWN = (
    ("AS", 4 * GIB, "GiB of addresses a process (ulimit -v)", "a backend may not start: it takes about 3"),
    ("DATA", 2 * GIB, "GiB of data a process (ulimit -d)", "a backend may not start: it takes about 1"),
    ("FSIZE", GIB, "GiB a file (ulimit -f)", "MLflow's database or a log may not grow further, and a process ends"),
    ("NOFILE", 128, "open files (ulimit -n)", "workers or MLflow may not start"),
    ("NPROC", 256, "processes and threads of this user (ulimit -u)", "workers may not start"),
    ("CPU", 3600, "s of computing a process (ulimit -t)", "workers are killed when they have had it"),
)
"""Limits of a process itself: its name, what is enough, its unit, and what less of it costs."""


def check_limits(
    cores: int,
    root: Path = limits.ROOT,
    own: Callable[[str], int | None] = limits.own,
    free_bytes: Callable[[], int] = lambda: psutil.virtual_memory().available,
) -> list[Check]:
    """Return a line for each limit that costs something where so many cores may be used.

    Args:
        cores: Cores that this process may run on.
        root: Holds ``proc``, ``sys`` and ``dev``.
        own: Gives a limit of the process itself by its name; None where it has none.
        free_bytes: Of the machine's memory.
    """
    found = (
        *(_cores(cores), _quota(cores, root), _memory(cores, root, free_bytes()), _tasks(cores, root)),
        *(_shared(root), *(_own(row, own) for row in OWN)),
    )
    return [check for check in found if check is not None]


def _cores(cores: int) -> Check | None:
    there = os.cpu_count() or cores
    if cores >= there:
        return None
    return Check("cores", "ok", f"{cores} of this machine's {there} may be used: a worker each, on no other core")


def _quota(cores: int, root: Path) -> Check | None:
    quota = limits.cpu_quota(root)
    if quota is None or quota >= cores:
        return None
    workers = limits.processors(cores, root)
    cost = f"{_workers(workers)} at once" + ("" if quota >= 1 else ", often waiting: timings will be marked contended")
    advice = "raise it (docker run --cpus, CPUQuota=) for more; --workers names another number"
    return Check("CPU quota", "warn", f"the time of {quota:.3g} of {cores} cores: {cost}", advice)


def _memory(cores: int, root: Path, free: int) -> Check | None:
    room = limits.memory(root)
    least = free if room is None else min(free, room.free)
    workers = limits.held(least, WORKER_BYTES)
    if workers >= limits.processors(cores, root) and least > WORKER_BYTES:
        return None
    of = f" of the {room.limit / GIB:.1f} GiB that a control group gives" if room and room.free <= free else ""
    few = "" if least > WORKER_BYTES else "; it may be killed for want of memory"
    found = f"{least / GIB:.1f} GiB free{of}: {_workers(workers)} of 1 GB at once{few}"
    advice = "raise the limit (docker run --memory, MemoryMax=)" if of else "end what else holds memory"
    return Check("memory", "warn", found, advice)


def _tasks(cores: int, root: Path) -> Check | None:
    room = limits.tasks(root)
    wanted = WORKER_TASKS * (limits.processors(cores, root) + 1)
    if room is None or room.free >= wanted:
        return None
    found = f"{room.free} of {room.limit} processes and threads that a control group gives are left"
    return Check("tasks", "warn", f"{found}: workers may not start", "raise it (docker run --pids-limit, TasksMax=)")


def _shared(root: Path) -> Check | None:
    folder, free = root / "dev/shm", 0
    with suppress(OSError):
        free = shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0
    if free >= SHARED_BYTES or not (root / "proc/self").exists():  # other systems share memory without such a folder
        return None
    cost = "plug-ins whose processes share arrays may fail; the bench's own do not share any"
    return Check(
        "/dev/shm", "warn", f"{free / 2**20:.0f} MiB free: {cost}", "raise it (docker run --shm-size) for them"
    )


def _own(row: tuple[str, int, str, str], own: Callable[[str], int | None]) -> Check | None:
    name, enough, unit, cost = row
    limit = own(name)
    if limit is None or limit >= enough or (name == "NPROC" and hasattr(os, "geteuid") and os.geteuid() == 0):
        return None
    number = f"{limit / GIB:.3g}" if unit.startswith("GiB") else str(limit)
    return Check(unit[unit.index("(") + 1 : -1], "warn", f"{number} {unit.partition(' (')[0]}: {cost}", "raise it")


def _workers(number: int) -> str:
    return f"{number} worker{'s' if number > 1 else ''}"
