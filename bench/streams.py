"""Standard output and standard error as a command needs them: open, for every character, and never in its way."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


def prepare_streams() -> None:
    r"""Bring the standard streams into order, whatever the process was started with.

    A closed one is opened on the null device: the next file that is opened would get its number, and what is printed
    would go there. What an encoding lacks is written as ``\xd7``. One that another process made non-blocking waits
    again until its reader has read.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
        if sys.platform != "win32":
            with suppress(OSError, ValueError):
                os.set_blocking(stream.fileno(), True)


def is_screen(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can redraw a line; no variable that forces colours makes it one."""
    term = os.environ.get("TERM", "" if os.name == "posix" else "windows").lower()
    refused = "0" in (os.environ.get("TTY_COMPATIBLE"), os.environ.get("TTY_INTERACTIVE"))
    return stream.isatty() and term not in ("", "dumb", "unknown") and not refused


def say(text: str) -> None:
    """Print a line on standard error; where that cannot be written, nothing."""
    with dropped(sys.stderr):
        print(text, file=sys.stderr, flush=True)


class Lasting:
    """A stream for work that goes on when nobody reads it any more: what it cannot take is dropped, nothing is raised.

    That its reader is gone needs no word; that its disk is full is said once on standard error.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it; return its length."""
        with dropped(self._stream, said=True):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back, or drop it."""
        with dropped(self._stream, said=True):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def drop(stream: TextIO) -> None:
    """Send what a stream holds back, and all that follows, to the null device."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextmanager
def dropped(stream: TextIO, said: bool = False) -> Iterator[None]:
    """Within it, drop a stream that cannot be written any more.

    Args:
        stream: Standard output or error.
        said: Whether to say so on standard error, unless its reader is gone.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        drop(stream)
        if said and isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            say(f"bench: standard output cannot be written ({error.strerror}); the work goes on without it")
