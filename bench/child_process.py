"""The child's side of a `bench.process`: its start, its log, its core, and its end with its driver.

A new process imports this first, and with it the standard library alone: threads that a library starts when it is
loaded inherit the core.
"""

import contextlib
import ctypes
import faulthandler
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

LOG_BYTES, LOG_KEPT_BYTES = 2**20, 2**16
"""A worker's log that is longer than the first is cut to its last bytes: a flood of output does not fill the disk."""
WATCH_S = 0.25
"""How often a worker looks at the size of its log, and whether its driver is gone."""
ORPHAN = 3
"""Exit code of a process whose driver is gone."""
OF_THE_TERMINAL = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))
"""Signals that a terminal sends to all processes that it started."""
RUN_MARK = "=== run"
"""Begins the line of a worker's log that stands before what a run prints."""


def spawn_main(handle: int) -> None:
    """Be a process: get set up, then call what the driver sends, with this end of the pipe and its arguments."""
    os.set_inheritable(handle, False)
    connection = Connection(handle)
    try:
        driver, log, core = connection.recv()
    except (EOFError, OSError):  # the driver was killed before it could send it
        os._exit(ORPHAN)
    prepare_process(driver, log, core)
    target, arguments = connection.recv()
    target(connection, *arguments)


def prepare_process(driver: int, log: Path, core: int | None) -> None:
    """Set up a new process for work: its log, its core, and its end with its driver, a process of this number.

    Afterwards

    - what Python or C code prints goes to ``log``, in UTF-8 whatever the locale; it is cut to its last
      `LOG_KEPT_BYTES` whenever it is longer than `LOG_BYTES`; a fatal signal leaves a traceback there;
    - the process is pinned to ``core`` unless that is None;
    - Ctrl-C and the end of the terminal are for the driver alone, and SIGTERM ends the process;
    - the process ends when its driver has. A thread looks for that; on Linux the kernel does so too, and then C code
      that never lets go of the interpreter's lock ends as well. The kernel counts the *thread* that started the process
      as the driver, so that thread must live as long as the process.
    """
    for number in OF_THE_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    handle = _open(log)
    sys.stdout.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    cut(log)
    faulthandler.enable(2, all_threads=False)
    if core is not None and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {core})
    _end_with(driver, log)


def _open(log: Path) -> int:
    """Open a log for appending; one that another user left is put away first."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.open(log, flags, 0o666)
    except PermissionError:
        log.unlink()
        return os.open(log, flags, 0o666)


def requests(connection: Connection) -> Iterator[Any]:
    """Yield what the driver sends, until it sends None or is gone."""
    with contextlib.suppress(EOFError, OSError):
        while (request := connection.recv()) is not None:
            yield request


def cut(log: Path) -> None:
    """Cut a log that is longer than `LOG_BYTES` to its last `LOG_KEPT_BYTES`; one that cannot be cut stays as it is.

    Its writers append, so they go on behind what is kept.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            with log.open("r+b") as file:
                file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
                kept = file.read(LOG_KEPT_BYTES)
                file.truncate(0)
            with log.open("ab") as file:
                file.write(b"... (cut)\n" + kept)


def log_tail(log: Path, size: int = 2000) -> str:
    """Return the last bytes of a log as text: of its last run, where they reach back further."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            text = file.read(size).decode(errors="replace")
    except OSError:
        return ""
    _, mark, last = text.rpartition(f"{RUN_MARK} ")
    return last.partition("\n")[2] if mark else text


def _end_with(driver: int, log: Path) -> None:
    """Have the kernel kill this process when its parent ends, and watch for that, and over the log, in a thread."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(WATCH_S)
            cut(log)
        os._exit(ORPHAN)

    threading.Thread(target=watch, daemon=True, name="watch-driver").start()
