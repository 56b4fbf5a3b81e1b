"""This machine: one long-lived worker process a core or a GPU, each in a pool of its own.

Pebble's pools replace a worker that dies. A pool for each slot means that the replacement gets the
same core. Events travel by a pipe of each slot, because a Pebble task gives one result and a job
is many runs.
"""

import multiprocessing
import os
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from bench.devices import find_device, usable_cores
from bench.errors import BenchError
from bench.jobs import Event, Job, RunEnded, RunStarted, Slot
from bench.record import Failure, RunSpec, Status
from bench.worker import Trial, run_job, start


def make_slots(device_specs: Iterable[str], workers: int | None, jobs: int) -> list[Slot]:
    """Return places for workers: one a GPU, the rest of ``workers`` on the CPU, a core each.

    Args:
        device_specs: Devices that the runs ask for; repeats count once.
        workers: How many workers in all; None for as many as there are cores.
        jobs: No more workers than this are of use.

    Raises:
        BenchError: A device does not exist here.
    """
    cores = usable_cores()
    total = max(1, min(workers or len(cores), jobs))
    named = [(spec, find_device(spec)) for spec in dict.fromkeys(device_specs)]
    slots = [Slot(spec, device, None) for spec, device in named if device.kind != "cpu"]
    for spec, device in named:
        if device.kind == "cpu":
            count = max(1, total - len(slots))
            slots += [Slot(spec, device, cores[i % len(cores)]) for i in range(count)]
    return slots


@dataclass(frozen=True)
class Limits:
    """What a run may cost before its worker is ended, and how often a run whose worker died is tried again."""

    run_s: float | None = None
    crash_retries: int = 0


class LocalExecutor:
    """Runs jobs in worker processes of this machine.

    Args:
        slots: Where workers stand.
        logs: Folder for what workers print.
        limits: Of each run.
    """

    def __init__(self, slots: Sequence[Slot], logs: Path, limits: Limits | None = None):
        self._slots = slots
        self._logs = logs
        self._limits = limits or Limits()

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events as workers send them; closing the iterator ends the workers."""
        self._logs.mkdir(parents=True, exist_ok=True)
        events: queue.Queue[Event | _SlotDone] = queue.Queue()
        specs = {slot.device_spec for slot in self._slots}
        homeless = {job.device for job in jobs} - specs
        if homeless:
            raise BenchError(f"no worker for device {', '.join(sorted(homeless))}; name it in --device")
        waiting = {spec: deque(job for job in jobs if job.device == spec) for spec in specs}
        runners = [
            _SlotRunner(slot, waiting[slot.device_spec], events, self._logs / f"worker-{number}.log", self._limits)
            for number, slot in enumerate(self._slots)
        ]
        for runner in runners:
            runner.start()
        try:
            working = len(runners)
            while working:
                event = events.get()
                if isinstance(event, _SlotDone):
                    working -= 1
                    if event.error is not None:
                        raise event.error
                else:
                    yield event
        finally:
            for runner in runners:
                runner.stop()
            for runner in runners:
                runner.join()


class _TimedOut(Exception):
    """A run outlasted its limit."""


class _SlotDone:
    def __init__(self, error: BaseException | None):
        self.error = error


class _SlotRunner(threading.Thread):
    """Feeds one slot's worker with jobs and forwards its events; a worker that died is replaced."""

    def __init__(self, slot: Slot, waiting: deque[Job], events: "queue.Queue[Any]", log: Path, limits: Limits):
        super().__init__(daemon=True)
        self._limits = limits
        self._crashes: Counter[str] = Counter()
        self._slot, self._waiting, self._events, self._log = slot, waiting, events, log
        self._stopping = threading.Event()
        self._worker: _Worker | None = None
        self._current: Future[None] | None = None

    def run(self) -> None:
        """Work until no job waits, then say so."""
        error: BaseException | None = None
        try:
            while not self._stopping.is_set():
                try:
                    job: Job | None = self._waiting.popleft()
                except IndexError:
                    break
                while job is not None and not self._stopping.is_set():
                    job = self._work(job)
            if self._worker is not None:
                self._worker.end(now=self._stopping.is_set())
        except BaseException as raised:
            error = raised
        finally:
            self._events.put(_SlotDone(error))

    def stop(self) -> None:
        """End the worker now, whatever it does; `run` returns soon after."""
        self._stopping.set()
        if self._current is not None:
            self._current.cancel()

    def _work(self, job: Job) -> Job | None:
        """Run a job; return what is left of it when its worker died or had to be ended."""
        if self._worker is None:
            self._worker = _Worker(self._slot, self._log, self._events)
        worker = self._worker
        worker.since = time.monotonic()
        self._current = worker.pool.schedule(run_job, args=(job,))
        if self._stopping.is_set():  # asked to stop a moment before there was anything to cancel
            self._current.cancel()
        try:
            self._wait(self._current, worker)
            return None
        except CancelledError:
            return None
        except _TimedOut:
            limit = self._limits.run_s
            failure = Failure(reason=f"the run took longer than its limit of {limit:g} s", details=_tail(self._log))
            return self._replace(worker, job, "timed_out", failure)
        except Exception as error:  # the process died, or could not be started: its job's next run is the culprit
            return self._replace(worker, job, "crashed", _crash(error, self._log))

    def _wait(self, future: "Future[None]", worker: "_Worker") -> None:
        """Wait for a job's end, or for one of its runs to outlast the limit."""
        limit = self._limits.run_s
        while True:
            left = None if limit is None else worker.since + limit - time.monotonic()
            if left is not None and left <= 0:
                raise _TimedOut
            try:
                return future.result(timeout=left)
            except TimeoutError:
                continue  # a run may have ended meanwhile, and the next begun

    def _replace(self, worker: "_Worker", job: Job, status: Status, failure: Failure) -> Job | None:
        """End a worker, record the run that it was at, and return what is left of the job."""
        worker.end(now=True)
        self._worker = None
        if self._stopping.is_set():
            return None
        left = [s for s in job.specs if s.run_id not in worker.ended]
        if not left:
            return None
        culprit = worker.current if worker.current in left else left[0]
        self._events.put(RunEnded(Trial(culprit, self._slot, status=status, failure=failure).record()))
        rest = tuple(s for s in left if s.run_id != culprit.run_id)
        self._crashes[culprit.run_id] += 1
        if status == "crashed" and self._crashes[culprit.run_id] <= self._limits.crash_retries:
            rest = (*rest, culprit)
        return Job(rest) if rest else None


class _Worker:
    """One worker process: a pool of one, its pipe, and the thread that forwards what it sends."""

    def __init__(self, slot: Slot, log: Path, events: "queue.Queue[Any]"):
        context = multiprocessing.get_context("spawn")
        self._receive, self._send = context.Pipe(duplex=False)
        self.pool = ProcessPool(max_workers=1, context=context, initializer=start, initargs=(slot, self._send, log))
        self.current: RunSpec | None = None
        self.ended: set[str] = set()
        self.since = time.monotonic()
        self._events = events
        self._forwarder = threading.Thread(target=self._forward, daemon=True)
        self._forwarder.start()

    def end(self, *, now: bool) -> None:
        """End the process, at once or when it is idle, and forward all that it has sent."""
        if now:
            self.pool.stop()
        else:
            self.pool.close()
        self.pool.join()
        self._send.close()
        self._forwarder.join()
        self._receive.close()

    def _forward(self) -> None:
        while True:
            try:
                event = self._receive.recv()
            except (EOFError, OSError):  # the end, or a message that its sender did not live to finish
                return
            if isinstance(event, RunStarted):
                self.current = event.spec
                self.since = time.monotonic()
            elif isinstance(event, RunEnded):
                self.since = time.monotonic()
                self.ended.add(event.record.run_id)
            self._events.put(event)


def _crash(error: Exception, log: Path) -> Failure:
    if isinstance(error, ProcessExpired):
        return Failure(reason=f"the worker process ended by itself (exit code {error.exitcode})", details=_tail(log))
    return Failure(reason=f"the worker failed: {type(error).__name__}: {error}"[:300], details=_tail(log))


def _tail(log: Path, size: int = 2000) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
