"""Ctrl-C, SIGTERM and the end of the terminal: the first asks a sweep to end, the second ends the process."""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from bench.streams import is_screen

INTERRUPTED = 3
"""Exit code of a process that was told twice."""
HANG_UP = getattr(signal, "SIGHUP", None)
"""Its terminal has gone; None on a system without it."""
SIGNALS = tuple(number for number in (signal.SIGINT, signal.SIGTERM, HANG_UP) if number is not None)
SHOW_CURSOR = "\x1b[?25h"
CHILDREN: "dict[int, subprocess.Popen[bytes]]" = {}
"""Processes that end with this one, by their number."""


class Interrupts:
    """While entered, the first signal calls ``stop``; the second kills the workers and leaves with code 3.

    Signals are Ctrl-C, SIGTERM and SIGHUP. A terminal that closes may send SIGHUP more than once, so that it is never
    the second; where it was ignored from the start, as under nohup, it stays so.

    A handler that raised instead could do so between the two halves of anything. Once one was heard, the handlers stay
    when this is left, so that a second one ends whatever is done last. In a thread that is not the main one, where
    Python allows no handlers, nothing is caught.

    Args:
        stop: Called in the handler: it must return at once and take no lock.
        leave: Ends the process; for tests.
    """

    def __init__(self, stop: Callable[[], None], leave: Callable[[int], Any] = os._exit):
        self._stop, self._leave = stop, leave
        self._before: dict[int, Any] = {}
        self.heard = False

    def __enter__(self) -> Self:
        """Install the handlers."""
        if threading.current_thread() is threading.main_thread():
            kept = {HANG_UP} if ignores_hang_up() else set()
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS if number not in kept}
        return self

    def __exit__(self, *_: object) -> None:
        """Put back the handlers that were there before, unless an interrupt was heard."""
        if not self.heard:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.heard:
            self.heard = True
            self._stop()
            return
        if number == HANG_UP:
            return
        kill_children()
        with contextlib.suppress(OSError):
            shown = SHOW_CURSOR if is_screen(sys.stderr) else ""
            os.write(2, f"{shown}bench: stopped at once; what was recorded is kept\n".encode())
        self._leave(INTERRUPTED)


def ignores_hang_up() -> bool:
    """Return whether this process is to outlive its terminal, as under nohup."""
    return HANG_UP is not None and signal.getsignal(HANG_UP) is signal.SIG_IGN


@atexit.register
def kill_children() -> None:
    """Kill what this process has started and that still lives; takes no lock, so that a handler may call it."""
    for process in list(CHILDREN.values()):
        with contextlib.suppress(OSError):
            process.kill()


def say_so() -> None:
    """Be the ``stop`` of a command that looks by itself whether it was told to end: say that it was heard."""
    with contextlib.suppress(OSError):
        os.write(2, b"bench: stopping; a second Ctrl-C leaves at once\n")


def keep_exit_code() -> None:
    """Let no signal change this process's exit code from its last moments on.

    The interpreter gives up handlers before it has wound up, so that a second Ctrl-C would end it there as if it had
    caught none. What is registered first is called last, so call this before there is work to do.
    """

    def ignore() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    atexit.register(ignore)
