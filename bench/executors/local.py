"""This machine: one long-lived worker process a core or a GPU, and a thread that feeds it and replaces it when it dies.

A replacement gets its predecessor's slot, and so its core. Its process and its pipe are `bench.executors.process`'s.
"""

import signal
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from queue import SimpleQueue

from bench.child_process import log_tail
from bench.devices import find_device, usable_cores
from bench.errors import BenchError
from bench.executors.process import Died, WorkerProcess
from bench.jobs import Event, Job, RunEnded, Slot
from bench.record import Failure, Status
from bench.worker import Trial

START_S = 300.0
"""A worker that has not begun a run in this time is replaced."""
IDLE_DEATHS = 2
"""How many workers in a row may die before they begin a run; the next one's first run is called the culprit."""
POLL_S = 0.5
"""How often the driver looks whether a worker is still alive, beside being told."""


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
        self._events: SimpleQueue[Event | _Stop | _SlotDone] = SimpleQueue()

    def stop(self) -> None:
        """End the workers; `run` yields what they had sent before, and ends."""
        self._events.put(_Stop())  # the one put that may interrupt another: see queue.SimpleQueue

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events as workers send them; closing the iterator ends the workers."""
        self._logs.mkdir(parents=True, exist_ok=True)
        specs = {slot.device_spec for slot in self._slots}
        homeless = {job.device for job in jobs} - specs
        if homeless:
            raise BenchError(f"no worker for device {', '.join(sorted(homeless))}; name it in --device")
        waiting = {spec: deque(job for job in jobs if job.device == spec) for spec in specs}
        runners = [
            _SlotRunner(slot, waiting[slot.device_spec], self._events, self._logs / f"worker-{n}.log", self._limits)
            for n, slot in enumerate(self._slots)
        ]
        for runner in runners:
            runner.start()
        try:
            working = len(runners)
            while working:
                event = self._events.get()
                if isinstance(event, _Stop):
                    for runner in runners:
                        runner.stop()
                elif isinstance(event, _SlotDone):
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


class _Stop:
    """Asks the executor to end."""


@dataclass(frozen=True)
class _SlotDone:
    error: BaseException | None


class _Stopped(Exception):
    """The executor is to end."""


class _TimedOut(Exception):
    """A run outlasted its limit."""


class _SlotRunner(threading.Thread):
    """Feeds one slot's worker with jobs and forwards its events; a worker that died is replaced."""

    def __init__(
        self,
        slot: Slot,
        waiting: deque[Job],
        events: "SimpleQueue[Event | _Stop | _SlotDone]",
        log: Path,
        limits: Limits,
    ):
        super().__init__(daemon=True)
        self._slot, self._waiting, self._events, self._log = slot, waiting, events, log
        self._limits = limits
        self._crashes: Counter[str] = Counter()
        self._idle_deaths = 0
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._worker: WorkerProcess | None = None

    def run(self) -> None:
        """Work until no job waits, then say so."""
        if hasattr(signal, "pthread_sigmask"):
            # Workers inherit it: a Ctrl-C while one starts is none of its business. The tracker lets it through again
            # when it is started, so that comes first.
            resource_tracker.ensure_running()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        error: BaseException | None = None
        try:
            while not self._stopping.is_set():
                try:
                    job: Job | None = self._waiting.popleft()
                except IndexError:
                    break
                while job is not None and not self._stopping.is_set():
                    job = self._work(job)
        except BaseException as raised:
            error = raised
        try:
            if self._worker is not None:
                self._worker.end(now=error is not None or self._stopping.is_set())
        except BaseException as raised:
            error = error or raised
        finally:
            self._events.put(_SlotDone(error))

    def stop(self) -> None:
        """End the worker now, whatever it does; `run` returns soon after."""
        self._stopping.set()
        self._wake.set()

    def _work(self, job: Job) -> Job | None:
        """Run a job; return what is left of it when its worker died or had to be ended."""
        if self._worker is None:
            self._worker = WorkerProcess(self._slot, self._log, self._events.put)
        worker = self._worker
        try:
            self._wait(worker.submit(job), worker)
            return None
        except _Stopped:
            return None
        except _TimedOut:
            reason = f"the run took longer than its limit of {self._limits.run_s:g} s"
            return self._replace(worker, job, "timed_out", reason)
        except Exception as error:  # the process died, could not be started, or what it sent cannot be read
            return self._replace(worker, job, "crashed", worker.death() or f"the worker failed: {_line(error)}")

    def _wait(self, future: "Future[None]", worker: WorkerProcess) -> None:
        """Wait for a job's end, for its worker's, or for one of its runs to outlast the limit."""
        self._wake.clear()
        future.add_done_callback(lambda _: self._wake.set())
        while True:
            if self._stopping.is_set():
                raise _Stopped
            if future.done():
                return future.result()
            if worker.death() is not None:
                raise Died
            left = worker.time_left(self._limits.run_s, START_S)
            if left <= 0:
                raise _TimedOut if worker.at is not None else TimeoutError("it did not begin a run")
            self._wake.wait(min(left, POLL_S))

    def _replace(self, worker: WorkerProcess, job: Job, status: Status, reason: str) -> Job | None:
        """End a worker, record the run that it was at, and return what is left of the job."""
        worker.end(now=True)
        self._worker = None
        left = [s for s in job.specs if s.run_id not in worker.ended]
        if self._stopping.is_set() or not left:
            return None
        culprit = worker.at
        if worker.ended:
            self._idle_deaths = 0
        if culprit is None:  # between two runs, or before the first: nobody's fault, unless it happens again and again
            self._idle_deaths += status == "crashed"
            if self._idle_deaths <= IDLE_DEATHS:
                return Job(tuple(left))
            culprit = left[0]
        self._idle_deaths = 0
        failure = Failure(reason=reason[:300], details=log_tail(self._log))
        trial = Trial(culprit, self._slot, worker.began, status=status, failure=failure, total_s=worker.spent_s())
        self._events.put(RunEnded(trial.record()))
        rest = tuple(s for s in left if s.run_id != culprit.run_id)
        self._crashes[culprit.run_id] += 1
        if status == "crashed" and self._crashes[culprit.run_id] <= self._limits.crash_retries:
            rest = (*rest, culprit)
        return Job(rest) if rest else None


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
