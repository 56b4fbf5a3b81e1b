"""One supervised process: where it runs, what it is told and says, and how it ended.

It is a fresh interpreter with a log and a pipe of its own. The pipe ends with it, because a process that dies may leave
half a message.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from bench.child_process import OF_THE_TERMINAL, cut, log_tail
from bench.devices import Device
from bench.engines.base import NO_ENGINE, engines
from bench.interrupt import CHILDREN
from bench.record import Failure
from bench.variables import OTHER_THREADS, THREADS

END_S = 5.0
"""So long a process that has nothing more to do may take to end; then it is killed."""
MESSAGE_S = 60.0
"""So long it may take from a message's first byte to its last; then it is killed."""
START = "import sys; sys.path[:] = {path!a}; from bench.child_process import spawn_main; spawn_main({handle})"
"""What a new interpreter does. It imports nothing of the driver's own script, whose imports would come first."""


@dataclass(frozen=True)
class Slot:
    """Where a process runs: on one device, with one backend.

    Attributes:
        device_spec: The device as runs ask for it, such as ``"gpu:1"``.
        device: That device.
        core: The core that the process is pinned to; None for any.
        backend: The one that the process may import, beside `NO_ENGINE`, which every process has.
        extra: Environment variables beside those that the device and the backend ask for.
    """

    device_spec: str
    device: Device
    core: int | None
    backend: str = NO_ENGINE
    extra: Mapping[str, str] = field(default_factory=dict)

    def serves(self, backend: str) -> bool:
        """Return whether a process here has a backend."""
        return backend in (NO_ENGINE, self.backend)

    @property
    def variables(self) -> dict[str, str | None]:
        """Environment variables that a process here has from its start; None for one that it must not have.

        Raises:
            BenchError: No engine serves the backend.
        """
        engine = None if self.backend == NO_ENGINE else engines.get(self.backend)
        threads: dict[str, str | None] = {}
        if self.device.threads:
            names = THREADS + (engine.thread_variables if engine else ())
            threads = dict.fromkeys(OTHER_THREADS) | dict.fromkeys(names, str(self.device.threads))
        return {**(engine.variables if engine else {}), **self.device.variables, **threads, **self.extra}


class Died(Exception):
    """A process is gone; says how, in words."""


class Process:
    """A process that runs ``target(connection, *arguments)``, from its start to its end.

    The thread that makes it counts as its parent (see `bench.child_process`), and must live as long. A process that
    nobody ends is killed when the interpreter winds up.

    Args:
        slot: Where it runs.
        log: Takes what it prints; several may share one.
        target: A function of a module, which gets the child's end of the pipe first.
        arguments: The rest; small, what is large is sent.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, slot: Slot, log: Path, target: Callable[..., object], *arguments: Any):
        self.slot = slot
        self._log = log
        self._pipe, theirs = Pipe()
        code = START.format(path=[str(folder) for folder in sys.path], handle=theirs.fileno())
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        environ = {**os.environ, **slot.variables}
        with theirs, _terminal_blocked():
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-c", code],
                env={name: value for name, value in environ.items() if value is not None},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        CHILDREN[self._process.pid] = self._process
        self.send((os.getpid(), log, slot.core))
        self.send((target, arguments))  # whose modules the process imports when it is set up

    @property
    def pid(self) -> int:
        """The system's number of it."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True until it has ended."""
        return self._process.poll() is None

    @property
    def death(self) -> str | None:
        """How it ended, in words; None while it lives."""
        code = self._process.poll()
        return None if code is None else _in_words(code)

    def log_tail(self) -> str:
        """Return the last lines that it printed."""
        return log_tail(self._log)

    def send(self, message: object) -> None:
        """Send a message; that the process has died is found out when it is listened to."""
        with suppress(OSError):
            self._pipe.send(message)

    def poll(self, seconds: float | None = 0.0) -> bool:
        """Wait at most so long (None: for ever); return whether it has sent a message or ended."""
        return bool(wait([self._pipe], seconds)) or not self.alive

    def receive(self, limit_s: float | None = None) -> Any:
        """Return its next message.

        Raises:
            TimeoutError: There was none within ``limit_s``.
            Died: It ended, within a message or before one, or sent what cannot be read.
        """
        if not self.poll(limit_s):
            raise TimeoutError
        watch = threading.Timer(MESSAGE_S, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            if self._pipe.poll():
                return self._pipe.recv()
        except (EOFError, OSError):  # the end, or a message that its sender did not live to finish
            pass
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise Died(f"the worker process sent what cannot be read ({reason})") from None
        finally:
            watch.cancel()
        self._wait()
        raise Died(self._end())

    def result(self, limit_s: float | None = None) -> Any:
        """Return its next message, or a `Failure` that says why there is none, and end the process."""
        try:
            return self.receive(limit_s)
        except TimeoutError:
            return Failure(reason=f"no answer in {limit_s:g} s", details=self.log_tail())
        except Died as died:
            return Failure(reason=str(died), details=self.log_tail())
        finally:
            self.kill()

    def end(self) -> None:
        """Let the process, which waits for a message, end by itself; one that does not is killed."""
        self.send(None)
        self._wait()
        self.kill()

    def kill(self) -> list[Any]:
        """End the process now; return what it had sent and nobody had received."""
        left: list[Any] = []
        if not self._pipe.closed:
            self._end()
            with suppress(Died):
                while self._pipe.poll():
                    left.append(self.receive())
            self._pipe.close()
            cut(self._log)
        return left

    def _wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)

    def _end(self) -> str:
        """Kill the process unless it has ended; return how it ended."""
        self._process.kill()
        code = self._process.wait()
        CHILDREN.pop(self.pid, None)
        return _in_words(code)


def begin(slot: Slot, log: Path, function: Callable[..., Any], *arguments: Any) -> Process:
    """Call a function in a fresh process; the process's `Process.result` is the function's, or a `Failure`."""
    return Process(slot, log, _answer, function, *arguments)


def ready(processes: Sequence[Process], seconds: float) -> list[Process]:
    """Return those that have sent a message or ended; wait at most so long for the first."""
    wait([process._pipe for process in processes], seconds)
    return [process for process in processes if process.poll()]


def _answer(connection: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        result = function(*arguments)
    except Exception as error:
        result = Failure.of(error)
    connection.send(result)


@contextmanager
def _terminal_blocked() -> Iterator[None]:
    """Block Ctrl-C and SIGHUP in this thread; a process that starts meanwhile inherits that: they are not for it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_words(exitcode: int) -> str:
    if exitcode >= 0:
        return f"the worker process ended by itself (exit code {exitcode})"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    memory = " (the system may have run out of memory)" if -exitcode == signal.SIGKILL else ""
    return f"the worker process was killed by {name}{memory}"
