"""The equal work of a round, and how one round of it or a block of single calls is timed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from bench.energy import Meter
from bench.measurement import Kind, Round
from bench.timing import Calls


@dataclass(frozen=True)
class TakeRound:
    """Asks for a round; answered by a `Round`."""

    kind: Kind
    number: int
    warm_up: bool


class Counters(Protocol):
    """What must not move inside the clock."""

    @property
    def compilations(self) -> int:
        """Programs compiled so far."""

    @property
    def evaluations(self) -> int:
        """Calls of an accuracy run's forecast so far."""


@dataclass(frozen=True)
class Nothing:
    """Counters of a predictor, which compiles nothing."""

    compilations: int = 0
    evaluations: int = 0


@dataclass(frozen=True)
class Work:
    """The equal work of a round.

    Attributes:
        windows: That go through it.
        calls: Made one after another inside the clock; each returns when its result is in NumPy.
        before: Called outside the clock; puts things back to where the work starts, and waits for the device.
    """

    windows: int
    calls: Sequence[Callable[[], object]]
    before: Callable[[], object] = lambda: None


def timed_round(
    work: Work,
    request: TakeRound,
    counters: Counters,
    wall: Callable[[], float] = time.perf_counter,
    cpu: Callable[[], float] | None = time.process_time,
    energy: Meter = lambda: None,
) -> Round:
    """Take one round; whether it was contended is for the driver to say.

    Args:
        work: What is done inside the clock.
        request: Which round it is.
        counters: Read at both ends.
        wall: A clock in seconds.
        cpu: Process time in seconds; None where it says nothing, as on a GPU.
        energy: Joules that the device has used so far; read outside the clock.
    """
    work.before()
    compilations, evaluations = counters.compilations, counters.evaluations
    spent = energy()
    used = cpu() if cpu else 0.0
    started = wall()
    for call in work.calls:
        call()
    wall_s = wall() - started
    cpu_s = cpu() - used if cpu else None
    after = energy()
    return Round(
        kind=request.kind,
        number=request.number,
        warm_up=request.warm_up,
        windows=work.windows,
        wall_s=wall_s,
        cpu_s=cpu_s,
        energy_j=None if spent is None or after is None else after - spent,
        contended=False,
        compilations=counters.compilations - compilations,
        evaluations=counters.evaluations - evaluations,
    )


def timed_calls(
    call: Callable[[], object],
    number: int,
    wall: Callable[[], float] = time.perf_counter,
    cpu: Callable[[], float] | None = time.process_time,
) -> Calls:
    """Make so many calls one after another and time each; clocks as of `timed_round`."""
    used = cpu() if cpu else 0.0
    at = [wall()]
    for _ in range(number):
        call()
        at.append(wall())
    seconds = tuple(after - before for before, after in pairwise(at))
    return Calls(seconds, at[-1] - at[0], cpu() - used if cpu else None)
