"""How rounds are taken in turn, and when enough are taken. Pure: clocks and what is timed are arguments.

Each *subject* (a case) is timed in rounds of equal work. A pass takes one round of each kind from every subject, so
that a drift of the machine hits all alike; passes go on until every subject has settled, or stands at a cap.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Protocol

import numpy as np
from scipy.stats import binom

from bench.measurement import Kind, Round
from bench.record import LEAST_CPU_SHARE

WARM_UP_ROUNDS = 2
"""First rounds, which count for nothing: caches and the processor's clock settle in them."""
LEAST_ROUNDS = 10
"""Rounds before a subject may settle; the interval of the median exists from six on."""
CAP_ROUNDS = 40
"""Counted rounds after which a subject that has not settled is called unstable."""
CAP_CONTENDED = 15
"""Contended rounds after which a subject is waited for no longer: the machine is not ours alone."""
WIDEST = 0.02
"""A median has settled when its 95 % interval, over itself, is narrower than this."""
LATENCY_CALLS = 1000
"""Single calls timed for each subject: ten of them lie above p99."""
LATENCY_BLOCKS = 10
"""Turns in which these calls are made, so that a drift hits all subjects alike."""


class Gone(Exception):
    """A subject can be timed no more; those beside it can."""


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

    def latencies(self, calls: int) -> Sequence[float]:
        """Return the seconds that each of so many calls of one window took.

        Raises:
            Gone: It cannot make them.
        """


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return an interval that holds the median with at least this probability, whatever the distribution.

    Its ends are the k-th smallest and the k-th largest value, k the largest whole number with
    P(Binomial(n, 1/2) < k) <= (1 - level) / 2 (David and Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1).
    None where there is no such k: under six values at 95 %.
    """
    ordered = sorted(values)
    k = int(binom.ppf((1 - level) / 2, len(ordered), 0.5)) if ordered else 0
    return (ordered[k - 1], ordered[-k]) if k > 0 else None


def settled(speeds: Sequence[float]) -> bool:
    """Return whether the median is known well enough: at least `LEAST_ROUNDS`, and an interval under `WIDEST`."""
    interval = median_interval(speeds)
    if len(speeds) < LEAST_ROUNDS or interval is None:
        return False
    low, high = interval
    return (high - low) / median(speeds) < WIDEST


def all_settled(rounds: Sequence[Round], kinds: Sequence[Kind]) -> bool:
    """Return whether each kind's counted rounds have settled."""
    return all(settled([r.windows / r.wall_s for r in rounds if r.kind == kind and r.counts]) for kind in kinds)


def shared_core(taken: Round) -> bool:
    """Return whether a CPU round's process had to share its core."""
    return taken.cpu_s is not None and taken.cpu_s < LEAST_CPU_SHARE * taken.wall_s


def take_rounds(
    subjects: Mapping[str, Subject],
    contended: Callable[[Round], bool],
    on_pass: Callable[[int], None] = lambda number: None,
) -> dict[str, list[Round]]:
    """Take rounds of all subjects in turn until each has settled or stands at a cap.

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
                    taken = subject.round(kind, number, number < WARM_UP_ROUNDS)
                    rounds[name].append(taken.model_copy(update={"contended": contended(taken)}))
            except Gone:
                del alive[name]
        on_pass(number)
        if all(_at_end(rounds[name], kind) for name, subject in alive.items() for kind in subject.kinds):
            return rounds
        number += 1


def take_latencies(subjects: Mapping[str, Subject]) -> dict[str, list[float]]:
    """Time `LATENCY_CALLS` single calls of each subject, a block of each in turn."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    alive = dict(subjects)
    for block in np.array_split(np.arange(LATENCY_CALLS), LATENCY_BLOCKS):
        for name, subject in list(alive.items()):
            try:
                found[name] += subject.latencies(len(block))
            except Gone:
                del alive[name]
    return found


def _at_end(rounds: Sequence[Round], kind: Kind) -> bool:
    ours = [r for r in rounds if r.kind == kind and not r.warm_up]
    speeds = [r.windows / r.wall_s for r in ours if not r.contended]
    return settled(speeds) or len(speeds) >= CAP_ROUNDS or len(ours) - len(speeds) >= CAP_CONTENDED
