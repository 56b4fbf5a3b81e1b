"""What this process may use of the machine: the limits of its control groups, version 1 and 2, and of its own.

A group is limited by itself and by every group above it. In a container the groups above are often not to be seen; what
is there is read, and what is not limits nothing.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

ROOT = Path("/")
MEMORY_SHARE = 0.7
"""Of the free memory, what processes that live at once may hold together."""
UNLIMITED = 2**60
"""Version 1 says "no limit" with a number of bytes above this."""


@dataclass(frozen=True)
class Room:
    """What a limit gives and what of it is left; in bytes, or in tasks."""

    limit: int
    free: int


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return how many processors' time the groups of this process may use; None where that is not limited.

    Args:
        root: Holds ``proc`` and ``sys``; for tests.
    """
    quotas = []
    for folder in _groups(root, "cpu"):
        two = _text(folder / "cpu.max").split()
        quota, period = two if len(two) == 2 else (_text(folder / f"cpu.cfs_{n}_us") for n in ("quota", "period"))
        if quota.isdecimal() and period.isdecimal() and int(quota) > 0 and int(period) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory(root: Path = ROOT) -> Room | None:
    """Return the memory of the group with the least left; None where none is limited.

    What a group's files hold of it and nobody uses counts as free: the system takes it back.
    """
    rooms = []
    for folder in _groups(root, "memory"):
        limits = [_number(folder / name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes")]
        limit = min((n for n in limits if n is not None and n < UNLIMITED), default=None)
        if limit is not None:
            used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
            rooms.append(Room(limit, max(0, limit - max(0, used - _inactive_files(folder)))))
    return min(rooms, key=lambda room: room.free, default=None)


def free_memory() -> int:
    """Return the bytes that the machine has and the groups of this process leave."""
    free, room = int(psutil.virtual_memory().available), memory()
    return free if room is None else min(free, room.free)


def room_for(process_bytes: int) -> int:
    """Return how many processes of a size the free memory holds; one at least."""
    return held(free_memory(), process_bytes)


def held(free_bytes: int, process_bytes: int) -> int:
    """Return how many processes of a size so much free memory holds; one at least."""
    return max(1, int(MEMORY_SHARE * free_bytes / process_bytes))


def own(name: str) -> int | None:
    """Return this process's own limit of a kind, such as ``"NOFILE"``; None where it has none."""
    try:
        import resource

        soft, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return None if soft == resource.RLIM_INFINITY else soft


def tasks(root: Path = ROOT) -> Room | None:
    """Return how many processes and threads the groups of this process may have; None where that is not limited."""
    rooms = []
    for folder in _groups(root, "pids"):
        limit = _number(folder / "pids.max")
        if limit is not None:
            rooms.append(Room(limit, max(0, limit - (_number(folder / "pids.current") or 0))))
    return min(rooms, key=lambda room: room.free, default=None)


def processors(cores: int, root: Path = ROOT) -> int:
    """Return how many of so many cores the quota keeps busy all the time; one at least."""
    quota = cpu_quota(root)
    return cores if quota is None else max(1, min(cores, math.floor(quota)))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders that may hold a controller's files: of this process's group, and of each above it."""
    for version_2, mount, top in _mounts(root, controller):
        path = _group(root, "" if version_2 else controller)
        if path is None:
            continue
        inside = PurePosixPath(path)
        below = inside.relative_to(top) if inside.is_relative_to(top) else PurePosixPath()
        parts = [] if ".." in below.parts else [p for p in below.parts if p != "/"]
        folder = root / mount.lstrip("/")
        yield folder
        for part in parts:
            folder /= part
            yield folder


def _mounts(root: Path, controller: str) -> Iterator[tuple[bool, str, str]]:
    """Yield each hierarchy that has a controller: whether it is of version 2, where it is, and the group at its top."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), (*after.split(), "", "", "")[:3]
        if len(fields) < 5 or not (kind == "cgroup2" or (kind == "cgroup" and controller in options.split(","))):
            continue
        top, mount = (_unescaped(field) for field in fields[3:5])
        yield kind == "cgroup2", mount, top


def _group(root: Path, controller: str) -> str | None:
    """Return the group of this process in a controller's hierarchy of version 1, or (without one) in that of 2."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if controller in names.split(","):
            return path
    return None


def _inactive_files(folder: Path) -> int:
    """Return the bytes of files that a group keeps in memory and nobody has used lately, those of its parts too."""
    found = dict(line.split()[:2] for line in _text(folder / "memory.stat").splitlines() if len(line.split()) >= 2)
    number = found.get("total_inactive_file", found.get("inactive_file", "0"))
    return int(number) if number.isdecimal() else 0


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    return ""


def _unescaped(field: str) -> str:
    r"""Return a field of mountinfo, which writes a blank as ``\040``."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, letter)
    return field
