"""How the rounds of processes are taken in turn, and what they say of drift. Pure: clocks and subjects are given.

Each *subject* (one process of a case) is timed in a fixed number of rounds of equal work. A pass takes one round of
each kind from every subject, so that a drift of the machine hits all alike. Nothing stops early: a rule that looks at
an interval and stops when it is narrow covers less than it says, and rounds of one process follow each other too
closely to count as independent. What is independent is the process, so a case is measured in `PROCESSES` of them, one
after another over the whole benchmark, and the interval of its speed is Student's t over the logs of their medians.

How many of each: with a standard deviation w between rounds, b between processes, and costs of a round and of starting
a process, the least variance for the time is at (w / b) * sqrt(start / round) rounds a process (Kalibera and Jones,
Rigorous benchmarking in reasonable time, ISMM 2013). `tests/simulate/throughput.py` finds what the interval covers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import erfc, expm1, log, sqrt
from statistics import median
from typing import Protocol

from bench.measurement import PROCESSES, Kind, Round
from bench.record import LEAST_CPU_SHARE

WARM_UP_ROUNDS = 2
"""First rounds of a process, which count for nothing: caches and the processor's clock settle in them."""
ROUNDS = 5
"""Rounds of each kind that count, a process."""
CAP_CONTENDED = 10
"""Contended rounds or blocks after which a process is waited for no longer: the machine is not ours alone."""
WIDEST = 0.1
"""A speed is called unsettled where its 95 % interval, over itself, is wider than this."""
LATENCY_CALLS = 1000 // PROCESSES
"""Single calls timed in each process: over all of them ten lie above p99."""
LATENCY_BLOCKS = 4
"""Turns in which these calls are made, so that a drift hits all subjects alike."""


class Gone(Exception):
    """A subject can be timed no more; those beside it can."""


class Timed(Protocol):
    """A stretch that was timed."""

    @property
    def wall_s(self) -> float:
        """Seconds by the clock on the wall."""

    @property
    def cpu_s(self) -> float | None:
        """Process time; None on a GPU, where the process waits."""


@dataclass(frozen=True)
class Calls:
    """A block of calls of one window: the seconds of each, and those of the block as of a `Round`."""

    seconds: tuple[float, ...]
    wall_s: float
    cpu_s: float | None


class Subject(Protocol):
    """Something that is timed."""

    @property
    def kinds(self) -> Sequence[Kind]:
        """What is timed of it."""

    def round(self, kind: Kind, number: int, warm_up: bool) -> Round:
        """Take one round.

        Raises:
            Gone: It cannot.
        """

    def latencies(self, calls: int) -> Calls:
        """Make so many calls of one window.

        Raises:
            Gone: It cannot make them.
        """


@dataclass
class Latencies:
    """Single calls of a subject: the seconds of those that count, and how many shared their core or GPU."""

    seconds: tuple[float, ...] = ()
    contended: int = 0


@dataclass(frozen=True)
class Drift:
    """A trend within processes.

    Attributes:
        change: Of the speed from a process's first counted round to its last, over the speed.
        p_value: That rounds in no order have such a trend. Rounds that resemble their neighbours have one more often
            (`tests/simulate/throughput.py` finds how often).
    """

    change: float
    p_value: float


def shared_core(taken: Timed) -> bool:
    """Return whether a CPU round's process had to share its core."""
    return taken.cpu_s is not None and taken.cpu_s < LEAST_CPU_SHARE * taken.wall_s


def take_rounds(
    subjects: Mapping[str, Subject],
    contended: Callable[[Timed], bool],
    on_pass: Callable[[int], None] = lambda number: None,
) -> dict[str, list[Round]]:
    """Take rounds of all subjects in turn until each has `ROUNDS` that count of each kind, or stands at the cap.

    A contended round is kept, marked, and counts for nothing, so that another is taken. A subject that is `Gone`
    is left out from then on.

    Args:
        subjects: What is timed, under names.
        contended: Whether a round that was just taken shared its core or its GPU.
        on_pass: Told the number of each pass that has ended, from 0.

    Returns:
        All rounds of each subject, as they were taken.
    """
    rounds: dict[str, list[Round]] = {name: [] for name in subjects}
    alive = dict(subjects)
    number = 0
    while True:
        for name, subject in list(alive.items()):
            try:
                for kind in subject.kinds:
                    if not _enough(rounds[name], kind):
                        taken = subject.round(kind, number, number < WARM_UP_ROUNDS)
                        rounds[name].append(taken.model_copy(update={"contended": contended(taken)}))
            except Gone:
                del alive[name]
        on_pass(number)
        if all(_enough(rounds[name], kind) for name, subject in alive.items() for kind in subject.kinds):
            return rounds
        number += 1


def take_latencies(subjects: Mapping[str, Subject], contended: Callable[[Timed], bool]) -> dict[str, Latencies]:
    """Time `LATENCY_CALLS` single calls of each subject, a block of each in turn; a contended block is repeated."""
    found = {name: Latencies() for name in subjects}
    alive = dict(subjects)
    size = LATENCY_CALLS // LATENCY_BLOCKS
    while alive:
        for name, subject in list(alive.items()):
            try:
                calls = subject.latencies(size)
            except Gone:
                del alive[name]
                continue
            ours = found[name]
            if contended(calls):
                ours.contended += size
            else:
                ours.seconds += tuple(calls.seconds)
            if len(ours.seconds) >= LATENCY_CALLS or ours.contended >= CAP_CONTENDED * size:
                del alive[name]
    return found


def drift(processes: Sequence[Sequence[float]]) -> Drift | None:
    """Return the trend of speeds within processes; None where no process has two rounds.

    Kendall's rank correlation of the rounds with their order, summed over processes as over seasons, so that what
    differs between processes is no trend; p from the normal approximation with continuity correction. The change is the
    median slope of log speed over all pairs of one process, times the rounds between its first and its last.

    Source: Hirsch, Slack and Smith, Techniques of trend analysis for monthly water quality data, Water Resources
    Research 18 (1982).

    Args:
        processes: Windows per second of each one's rounds in order.
    """
    pairs = [
        ((later - earlier), log(speeds[later] / speeds[earlier]))
        for speeds in processes
        for earlier, later in combinations(range(len(speeds)), 2)
    ]
    if not pairs:
        return None
    s = sum((rise > 0) - (rise < 0) for _, rise in pairs)
    variance = sum(n * (n - 1) * (2 * n + 5) / 18 for n in map(len, processes))
    z = max(0, abs(s) - 1) / sqrt(variance)
    longest = max(map(len, processes))
    return Drift(expm1(median(rise / steps for steps, rise in pairs) * (longest - 1)), erfc(z / sqrt(2)))


def _enough(rounds: Sequence[Round], kind: Kind) -> bool:
    ours = [r for r in rounds if r.kind == kind and not r.warm_up]
    contended = sum(r.contended for r in ours)
    return len(ours) - contended >= ROUNDS or contended >= CAP_CONTENDED
