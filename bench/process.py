"""One supervised process: where it runs, what it is told and says, and how it ended.

It is a fresh interpreter with a log and a pipe of its own. The pipe ends with it, because a process that dies may leave
half a message.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from bench.child_process import cut, log_tail, prepare_process
from bench.devices import Device
from bench.engines.base import NO_ENGINE, engines
from bench.record import Failure

END_S = 5.0
"""So long a process that has nothing more to do may take to end; then it is killed."""
MESSAGE_S = 60.0
"""So long it may take from a message's first byte to its last; then it is killed."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Limit the threads of the libraries under NumPy."""


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
    def variables(self) -> dict[str, str]:
        """Environment variables that a process here needs before it imports its backend.

        Raises:
            BenchError: No engine serves the backend.
        """
        engine = None if self.backend == NO_ENGINE else engines.get(self.backend)
        names = THREAD_VARIABLES + (engine.thread_variables if engine else ())
        threads = dict.fromkeys(names, str(self.device.threads)) if self.device.threads else {}
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
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        setup = (log, slot.variables, slot.core)
        self._process = context.Process(target=_serve, args=(setup, target, (theirs, *arguments)), daemon=True)
        with _ctrl_c_blocked():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The system's number of it."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True until it has ended."""
        return self._process.is_alive()

    @property
    def death(self) -> str | None:
        """How it ended, in words; None while it lives."""
        code = self._process.exitcode
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
        return bool(wait([self._pipe, self._process.sentinel], seconds))

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
        self._process.join(END_S)
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
        self._process.join(END_S)
        self.kill()

    def kill(self) -> list[Any]:
        """End the process now; return what it had sent and nobody had received."""
        left: list[Any] = []
        if not self._pipe.closed:
            self._end()
            with suppress(Died):
                while True:
                    left.append(self.receive())
            self._pipe.close()
            cut(self._log)
        return left

    def _end(self) -> str:
        """Kill the process unless it has ended; return how it ended."""
        self._process.kill()
        self._process.join()
        for _ in range(
            100
        ):  # another thread that starts a process may have taken note of this one's end, and not said so
            if self.death is not None:
                break
            time.sleep(0.01)
        return self.death or "the worker process is gone"


def begin(slot: Slot, log: Path, function: Callable[..., Any], *arguments: Any) -> Process:
    """Call a function in a fresh process; the process's `Process.result` is the function's, or a `Failure`."""
    return Process(slot, log, _answer, function, *arguments)


def ready(processes: Sequence[Process], seconds: float) -> list[Process]:
    """Return those that have sent a message or ended; wait at most so long for the first."""
    wait([handle for p in processes for handle in (p._pipe, p._process.sentinel)], seconds)
    return [process for process in processes if process.poll()]


def _serve(setup: tuple[Path, Mapping[str, str], int | None], target: Callable[..., object], arguments: Any) -> None:
    prepare_process(*setup)
    target(*arguments)


def _answer(connection: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        result = function(*arguments)
    except Exception as error:
        result = Failure.of(error)
    connection.send(result)


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread; a process that starts meanwhile inherits that: it is none of its business."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it is started it lets Ctrl-C through again, so that comes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
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
