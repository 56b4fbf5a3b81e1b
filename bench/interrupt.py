"""Ctrl-C and SIGTERM: the first asks a sweep to end, the second ends the process."""

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

INTERRUPTED = 3
"""Exit code of a process that was told twice."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHOW_CURSOR = "\x1b[?25h"


class Interrupts:
    """While entered, the first Ctrl-C or SIGTERM calls ``stop``; the second kills the workers and leaves with code 3.

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
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
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
        with contextlib.suppress(Exception):
            for process in multiprocessing.active_children():
                process.kill()
        with contextlib.suppress(OSError):
            shown = SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(2, f"{shown}bench: stopped at once; what was recorded is kept\n".encode())
        self._leave(INTERRUPTED)


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
