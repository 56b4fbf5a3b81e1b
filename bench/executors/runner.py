"""What keeps one slot at work: a thread that feeds its worker with jobs, and replaces it when it dies.

A replacement gets its predecessor's core. A worker serves one backend, so that a job of another gets a new worker too.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.child_process import log_tail
from bench.engines.base import NO_ENGINE
from bench.environment import now
from bench.jobs import Event, Idle, Job, RunEnded, RunStarted
from bench.process import Died, Process, Slot
from bench.record import Failure, RunSpec, Status
from bench.trial import Trial
from bench.worker import work

START_S = 300.0
"""A worker that has not begun a run in this time is replaced."""
IDLE_DEATHS = 2
"""How many workers in a row may die before they begin a run; the next one's first run is called the culprit."""
POLL_S = 0.2
"""How often a runner that listens to its worker looks whether it is to stop."""


@dataclass(frozen=True)
class Limits:
    """What a run may cost before its worker is ended, and how often a run whose worker died is tried again."""

    run_s: float | None = None
    crash_retries: int = 0

    def of(self, runs: int) -> float | None:
        """Return how long so many runs may take together: in a stack each has its share."""
        return None if self.run_s is None else runs * self.run_s


class Waiting:
    """The jobs of one device that no worker has taken yet."""

    def __init__(self, jobs: Iterable[Job]):
        self._jobs = list(jobs)
        self._lock = threading.Lock()

    def take(self, slot: Slot | None) -> Job | None:
        """Take the first job whose backend a worker's slot serves, else the first of all; None where none is left."""
        with self._lock:
            fits = (i for i, job in enumerate(self._jobs) if slot is not None and slot.serves(job.backend))
            return self._jobs.pop(next(fits, 0)) if self._jobs else None

    def backend_for(self, job: Job) -> str:
        """Return the backend to start a worker with: the job's, or one that a later job needs where it needs none."""
        with self._lock:
            return next((j.backend for j in (job, *self._jobs) if j.backend != NO_ENGINE), NO_ENGINE)


class _Stopped(Exception):
    """The executor is to end."""


class _TimedOut(Exception):
    """A run outlasted its limit."""


@dataclass
class _Progress:
    """How far a worker is.

    Attributes:
        at: The run that it is at, or the runs of a stack, until each has ended; empty between two.
        began: When they began, as records write it.
        since: When it was last heard of, or got its job, by the monotonic clock.
        ended: Ids of the runs whose records it has sent.
        idle: It waits for a job.
    """

    at: tuple[RunSpec, ...] = ()
    began: str = field(default_factory=now)
    since: float = field(default_factory=time.monotonic)
    ended: set[str] = field(default_factory=set)
    idle: bool = False

    def note(self, event: Event) -> None:
        """Take note of what the worker has sent."""
        if isinstance(event, RunStarted):
            self.since, self.began, self.at = time.monotonic(), now(), event.specs
        elif isinstance(event, RunEnded):
            self.since, self.at = time.monotonic(), tuple(s for s in self.at if s.run_id != event.record.run_id)
            self.ended.add(event.record.run_id)


class SlotRunner(threading.Thread):
    """Feeds one slot's worker with jobs and forwards its events, until no job waits.

    Args:
        slot: A device and a core; its backend is chosen with each worker.
        waiting: Where jobs come from.
        send: Takes events.
        done: Called at the end, with the error that ended the thread if one did.
        log: Takes what workers print.
        limits: Of each run.
    """

    def __init__(
        self,
        slot: Slot,
        waiting: Waiting,
        send: Callable[[Event], None],
        done: Callable[[BaseException | None], None],
        log: Path,
        limits: Limits,
    ):
        super().__init__(daemon=True)
        self._slot, self._waiting, self._send, self._done, self._log = slot, waiting, send, done, log
        self._limits = limits
        self._crashes: Counter[str] = Counter()
        self._idle_deaths = 0
        self._stopping = threading.Event()
        self._worker: Process | None = None
        self._progress = _Progress()

    def run(self) -> None:
        """Work until no job waits, then say so."""
        error: BaseException | None = None
        try:
            while not self._stopping.is_set():
                job = self._waiting.take(self._worker.slot if self._worker is not None else None)
                if job is None:
                    break
                while job is not None and not self._stopping.is_set():
                    job = self._work(job)
            if self._worker is not None and not self._stopping.is_set():
                self._worker.end()
        except BaseException as raised:
            error = raised
        try:
            self._kill()
        except BaseException as raised:
            error = error or raised
        finally:
            self._done(error)

    def stop(self) -> None:
        """Have the worker ended soon, whatever it does; `run` returns after that."""
        self._stopping.set()

    def _work(self, job: Job) -> Job | None:
        """Run a job; return what is left of it when its worker died or had to be ended."""
        try:
            self._drive(self._worker_for(job), job)
        except _Stopped:
            return None
        except _TimedOut:
            reason = f"the run took longer than its limit of {self._limits.run_s:g} s"
            return self._replace(job, "timed_out", reason)
        except Died as died:
            return self._replace(job, "crashed", str(died))
        except Exception as error:  # the process could not be started, or did not begin
            line = " ".join(f"{type(error).__name__}: {error}".split())
            return self._replace(job, "crashed", f"the worker failed: {line}")
        return None

    def _worker_for(self, job: Job) -> Process:
        """Return the worker, or a new one where there is none or it serves another backend."""
        if self._worker is not None and not self._worker.slot.serves(job.backend):
            self._worker.end()
            self._worker = None
        if self._worker is None:
            self._progress = _Progress()
            slot = replace(self._slot, backend=self._waiting.backend_for(job))
            self._worker = Process(slot, self._log, work, slot)
        return self._worker

    def _drive(self, worker: Process, job: Job) -> None:
        """Give the worker a job as soon as it is idle, and forward what it sends until it is idle again."""
        progress, given = self._progress, False
        progress.since = time.monotonic()
        while not (given and progress.idle):
            if progress.idle:
                worker.send(job)
                progress.idle, given = False, True
            limit_s = self._limits.of(len(progress.at)) if progress.at else START_S
            left_s = float("inf") if limit_s is None else progress.since + limit_s - time.monotonic()
            if self._stopping.is_set():
                raise _Stopped
            if left_s <= 0:
                raise _TimedOut if progress.at else TimeoutError("it did not begin a run")
            if worker.poll(min(left_s, POLL_S)):
                self._forward(worker.receive())

    def _forward(self, message: Event | Idle) -> None:
        if isinstance(message, Idle):
            self._progress.idle = True
        else:
            self._progress.note(message)
            self._send(message)

    def _kill(self) -> None:
        """End the worker now, and forward what it had sent."""
        if self._worker is not None:
            for message in self._worker.kill():
                self._forward(message)
            self._worker = None

    def _replace(self, job: Job, status: Status, reason: str) -> Job | None:
        """End the worker, record the runs that it was at, and return what is left of the job."""
        self._kill()
        progress = self._progress
        left = [s for s in job.specs if s.run_id not in progress.ended]
        if self._stopping.is_set() or not left:
            return None
        culprits = progress.at
        if progress.ended:
            self._idle_deaths = 0
        if not culprits:  # between two runs, or before the first: nobody's fault, unless it happens again and again
            self._idle_deaths += status == "crashed"
            if self._idle_deaths <= IDLE_DEATHS:
                return replace(job, specs=tuple(left))
            culprits = tuple(left[:1])
        self._idle_deaths = 0
        failure = Failure(reason=reason[:300], details=log_tail(self._log))
        share_s = (time.monotonic() - progress.since) / len(culprits)
        rest = [s for s in left if s not in culprits]
        for spec in culprits:
            trial = Trial(spec, self._slot, progress.began, job.stack, status=status, failure=failure, total_s=share_s)
            self._send(RunEnded(trial.record()))
            self._crashes[spec.run_id] += 1
            if status == "crashed" and self._crashes[spec.run_id] <= self._limits.crash_retries:
                rest.append(spec)
        return replace(job, specs=tuple(rest)) if rest else None
