"""One worker process: a Pebble pool of one, the pipe of its events, and how it died.

A Pebble task gives one result and a job is many runs, so events travel by a pipe of the worker's own. The pipe ends
with its worker, because a process that dies may leave half a message.
"""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

from pebble import ProcessPool

from bench.child_process import cut
from bench.environment import now
from bench.jobs import Event, Job, RunEnded, RunStarted, Slot
from bench.record import RunSpec
from bench.worker import run_job, start


class Died(Exception):
    """The worker process is gone."""


class WorkerProcess:
    """One worker, for one slot.

    Args:
        slot: The device and the core that it gets.
        log: Takes what it prints.
        send: Takes its events, in a thread of their own.

    Attributes:
        at: The run that it is at; None between two.
        began: When that run began, as records write it.
        ended: Ids of the runs whose records it has sent.
    """

    def __init__(self, slot: Slot, log: Path, send: Callable[[Event], None]):
        self.at: RunSpec | None = None
        self.began = now()
        self.ended: set[str] = set()
        self._since = time.monotonic()
        self._send_on, self._log = send, log
        self._context = _Context()
        self._receive, self._send = self._context.Pipe(duplex=False)
        arguments = (slot, self._send, log)
        self._pool = ProcessPool(max_workers=1, context=self._context, initializer=start, initargs=arguments)
        self._forwarder = threading.Thread(target=self._forward, daemon=True)
        self._forwarder.start()

    def submit(self, job: Job) -> "Future[None]":
        """Hand the worker a job; the process is started with its first."""
        self._since = time.monotonic()
        done: Future[None] = self._pool.schedule(run_job, args=(job,))
        return done

    def time_left(self, run_s: float | None, start_s: float) -> float:
        """Return the seconds that its run, or its way to the first one, may still take."""
        limit = start_s if self.at is None else run_s
        return float("inf") if limit is None else self._since + limit - time.monotonic()

    def spent_s(self) -> float:
        """Return the seconds since its run began."""
        return time.monotonic() - self._since

    def death(self) -> str | None:
        """Return how the process ended, or None while it lives."""
        return next((_death(p.exitcode) for p in self._context.started if p.exitcode is not None), None)

    def end(self, *, now: bool) -> None:
        """End the process, at once or when it is idle, and forward all that it has sent."""
        if now:
            self._pool.stop()
            self._context.kill()
        else:
            self._pool.close()
        self._pool.join()
        self._send.close()
        self._forwarder.join()
        self._receive.close()
        cut(self._log)

    def _forward(self) -> None:
        while True:
            try:
                event = self._receive.recv()
            except (EOFError, OSError):  # the end, or a message that its sender did not live to finish
                return
            except Exception:  # what cannot be read is lost: its run is redone by another worker
                self._context.kill()
                return
            if isinstance(event, RunStarted):
                self._since, self.began, self.at = time.monotonic(), now(), event.spec
            elif isinstance(event, RunEnded):
                self._since, self.at = time.monotonic(), None
                self.ended.add(event.record.run_id)
            self._send_on(event)


class _Context(SpawnContext):
    """Starts processes afresh, and remembers them: Pebble does not say of every death what it was."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """Make a process."""
        process = SpawnProcess(*args, **kwargs)
        self.started.append(process)
        return process

    def kill(self) -> None:
        """End all of them at once."""
        for process in self.started:
            if process.pid is not None:
                process.kill()


def _death(exitcode: int) -> str:
    """Return in words how a process ended."""
    if exitcode >= 0:
        return f"the worker process ended by itself (exit code {exitcode})"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    memory = " (the system may have run out of memory)" if -exitcode == signal.SIGKILL else ""
    return f"the worker process was killed by {name}{memory}"
