"""One writer at a time on a results folder, and who it is."""

import errno
import fcntl
import json
import math
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from bench.errors import BenchError
from bench.files import written_whole
from bench.pasting import shell

LOCK, HOLDER = ".lock", ".lock.json"
SOFT_LOCK = ".lock.held"
"""Stands for the lock, while it is held, on a file system that has no locks."""
HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
"""Errors of a lock that another process holds; any other says that there are none here."""
LOCAL = frozenset({"nolock", "local_lock=all", "local_lock=flock"})
"""Options of a mount of NFS whose locks no other machine sees."""
TOLD_WITHIN_S = 1.0
"""A holder says who it is right after it has the lock; so long it is waited for to say so."""
POLL_S = 0.1
CLOCK_S = 2.0
"""By how much a process may seem younger than what it wrote: the system counts its start in ticks."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a results folder.

    Attributes:
        pid: Its number.
        host: The machine that it runs on.
        since: When it got the lock: UTC, ISO 8601.
        command: What was typed.
    """

    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        when = datetime.fromisoformat(self.since).strftime("%Y-%m-%d %H:%M UTC")
        return f"process {self.pid} on host {self.host} since {when} ({self.command})"


@contextmanager
def hold(
    results: Path,
    *,
    wait_s: float = 0.0,
    on_wait: Callable[[Holder | None], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    what: str = "the results folder",
) -> Iterator[None]:
    """Hold a folder, which is made where it is missing; no other process can hold it meanwhile.

    The lock of a process that dies, however it dies, is given up: by the system; where the file system has no locks, by
    the next process on the same machine that asks for it.

    Args:
        results: The folder.
        wait_s: How long to wait for another holder to end; 0 to leave at once, infinity to wait as long as it takes.
        on_wait: Called once before waiting, with the holder (None where it does not say who it is).
        cancelled: Asked while it waits, several times a second; once it says yes, it waits no longer.
        what: What the folder is, for messages.

    Raises:
        BenchError: Another process holds it, or the folder cannot be written.
        InterruptedError: It was cancelled while it waited.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = lock_of(results)
        _acquire(lock, results, wait_s, on_wait, cancelled)
    except InterruptedError:
        raise
    except OSError as error:
        raise BenchError(
            f"cannot write to {what} {results} ({error.strerror or error}); "
            "make it writable or name another with --results"
        ) from None
    try:
        _say_who(results)
        yield
    finally:
        with suppress(OSError):
            (results / HOLDER).unlink(missing_ok=True)
        with suppress(OSError):
            lock.release()


def lock_of(results: Path) -> BaseFileLock:
    """Return the lock of a folder that is there: the system's, or a file that stands for it.

    That is where there are none, or none that other machines see which share the folder.

    Raises:
        OSError: The folder cannot be written.
    """
    handle = os.open(results / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    if of_this_machine_alone(results):
        os.close(handle)
        return SoftFileLock(results / SOFT_LOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in HELD:
            return SoftFileLock(results / SOFT_LOCK)
    finally:
        os.close(handle)
    return FileLock(results / LOCK)


def of_this_machine_alone(results: Path) -> bool:
    """Return whether other machines share a folder and not its locks, as of NFS that is mounted so."""
    where = results.resolve()
    around = [part for part in psutil.disk_partitions(all=True) if where.is_relative_to(part.mountpoint)]
    mount = max(around, key=lambda part: len(part.mountpoint), default=None)
    return mount is not None and mount.fstype.startswith("nfs") and bool(LOCAL & set(mount.opts.split(",")))


def read_holder(results: Path) -> Holder | None:
    """Return the process that holds a results folder, by its own word.

    None where it has not said so, and where who said so is gone: a dead process misleads nobody. A process on another
    machine cannot be looked for, and is believed.
    """
    try:
        holder = Holder(**json.loads((results / HOLDER).read_text(encoding="utf-8")))
        since = datetime.fromisoformat(holder.since).timestamp()
        if holder.host == socket.gethostname() and psutil.Process(holder.pid).create_time() > since + CLOCK_S:
            return None  # the number went to a younger process
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return holder


def _acquire(
    lock: BaseFileLock,
    results: Path,
    wait_s: float,
    on_wait: Callable[[Holder | None], None] | None,
    cancelled: Callable[[], bool],
) -> None:
    holder = None
    for _ in range(round(TOLD_WITHIN_S / POLL_S)):
        with suppress(Timeout):
            lock.acquire(timeout=0)
            return
        holder = read_holder(results)
        if holder is not None:
            break
        with suppress(Timeout):
            lock.acquire(timeout=POLL_S, poll_interval=POLL_S)
            return
    if wait_s > 0:
        if on_wait is not None:
            on_wait(holder)
        with suppress(Timeout):
            lock.acquire(timeout=-1 if math.isinf(wait_s) else wait_s, poll_interval=POLL_S, cancel_check=cancelled)
            return
        if cancelled():
            raise InterruptedError
        holder = read_holder(results)
    who = holder or "another process"
    gone = f"; where that is gone, {shell(['rm', lock.lock_file])}" if isinstance(lock, SoftFileLock) else ""
    raise BenchError(f"{results} is held by {who}; wait for it with --wait, or name another --results{gone}")


def _say_who(results: Path) -> None:
    """Write the holder beside the lock, whole or not at all. A full disk costs others this word, and us nothing."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(os.getpid(), socket.gethostname(), since, _command())
    with suppress(OSError), written_whole(results / HOLDER) as new:
        new.write_text(json.dumps(asdict(holder)), encoding="utf-8")


def _command() -> str:
    """Return what was typed, on one line and not too long."""
    name = Path(sys.argv[0]).name
    return shell(["bench" if name in ("bench", "__main__.py") else name, *sys.argv[1:]], encoding="utf-8")[:200]
