"""A sweep: what is missing is run, and each record is stored and mirrored as it comes."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Protocol

from bench import faults
from bench.executors.base import Running
from bench.interrupt import Interrupts
from bench.jobs import Event, Job, RunEnded
from bench.record import FINISHED, RunRecord
from bench.store import Store

REFRESH_S = 60.0
"""A report that is refreshed as cases finish is not rendered more often than this."""
REFRESH_SHARE = 0.1
"""Nor more often than takes this share of the time: that of many runs takes minutes, in which no record is stored."""


class Sink(Protocol):
    """Where records are copied to; must return at once and never raise."""

    def send(self, record: RunRecord) -> None:
        """Take a record that is stored."""


@dataclass
class Sweep:
    """What a sweep has done so far."""

    records: list[RunRecord] = field(default_factory=list)
    interrupted: bool = False

    @property
    def recorded(self) -> int:
        """How many runs have a record; a run that was tried again counts once."""
        return len({r.run_id for r in self.records})

    @property
    def failed(self) -> list[RunRecord]:
        """The last record of each run that has no result."""
        return [r for r in {r.run_id: r for r in self.records}.values() if r.status not in FINISHED]


def run_sweep(
    jobs: Sequence[Job],
    executor: Running,
    store: Store,
    sink: Sink,
    *,
    keep: Callable[[RunRecord, bytes], object] = lambda record, weights: None,
    on_event: Callable[[Event], None] = lambda _: None,
    refresh: Callable[[], None] = lambda: None,
    stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.monotonic,
) -> Sweep:
    """Run every job; store and mirror each record as it comes.

    Args:
        jobs: What to run.
        executor: Where to run it.
        store: Takes each record first: it is the truth.
        sink: Takes each record next.
        keep: Takes a record with the weights that came with it.
        on_event: Told of every event, for progress.
        refresh: Called when a case has ended, at most every `REFRESH_S` and for `REFRESH_SHARE` of the time.
        stopped: Whether an interrupt was heard before the sweep heard any itself.
        now: A clock in seconds.

    Returns:
        What was recorded; ``interrupted`` when Ctrl-C or SIGTERM cut it short: every run that had ended is recorded,
        and those that were going on are done again by the next sweep. After a second one it does not return.

    Raises:
        OSError: The store could not take a record; its run is done again by the next sweep.
    """
    sweep = Sweep()
    open_runs: dict[str, set[str]] = {}
    for spec in (spec for job in jobs for spec in job.specs):
        open_runs.setdefault(spec.case, set()).add(spec.run_id)
    due = float("-inf")
    try:
        with Interrupts(executor.stop) as told, closing(executor.run(jobs)) as events:  # type: ignore[type-var]
            if stopped():
                executor.stop()
            for event in events:
                if isinstance(event, RunEnded):
                    faults.point("sweep.received")
                    weights, event = event.weights, RunEnded(store.write(event.record, event.kept))
                    if weights:
                        keep(event.record, weights)
                    sweep.records.append(event.record)
                    sink.send(event.record)
                    open_runs[event.record.spec.case].discard(event.record.run_id)
                on_event(event)
                if isinstance(event, RunEnded) and not open_runs[event.record.spec.case]:
                    due = _refresh(refresh, due, now)
        sweep.interrupted = told.heard or stopped()
    except KeyboardInterrupt:
        sweep.interrupted = True
    return sweep


def _refresh(refresh: Callable[[], None], due: float, now: Callable[[], float]) -> float:
    """Refresh once that is due; return when it is due next.

    A report that cannot be written now costs no run: the sweep goes on, and writing it at the end
    says what is wrong.
    """
    began = now()
    if began <= due:
        return due
    with suppress(Exception):
        refresh()
    return max(began + REFRESH_S, began + (now() - began) / REFRESH_SHARE)
