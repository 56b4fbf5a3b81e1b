"""Rounds on a fake clock: in which order they are taken, when they end, and which of them count."""

import math
from statistics import median

import numpy as np
import pytest

from bench.measurement import Round
from bench.throughput.work import Nothing, TakeRound, Work, timed_round
from bench.timing import (
    CAP_CONTENDED,
    CAP_ROUNDS,
    LATENCY_BLOCKS,
    LATENCY_CALLS,
    LEAST_ROUNDS,
    WARM_UP_ROUNDS,
    Gone,
    all_settled,
    median_interval,
    settled,
    shared_core,
    take_latencies,
    take_rounds,
)

STEADY = (1.0,)


class FakeSubject:
    """Its rounds take the scripted seconds in turn, and a share of them is process time."""

    def __init__(self, name, log, seconds=STEADY, kinds=("train", "infer"), cpu_share=lambda number: 1.0, dies_at=None):
        self.name, self.log, self.seconds, self.kinds = name, log, seconds, kinds
        self.cpu_share, self.dies_at = cpu_share, dies_at

    def round(self, kind, number, warm_up):
        if number == self.dies_at:
            raise Gone
        self.log.append((self.name, kind, number))
        wall = self.seconds[number % len(self.seconds)]
        cpu = wall * self.cpu_share(number)
        return Round(kind=kind, number=number, warm_up=warm_up, windows=32, wall_s=wall, cpu_s=cpu, contended=False)

    def latencies(self, calls):
        if self.dies_at is not None:
            raise Gone
        self.log.append((self.name, calls))
        return [0.001] * calls


def test_rounds_go_in_turn_and_end_when_all_have_settled():
    """The steady one would be done after the least number; it goes on with the other."""
    log = []
    restless = tuple(1.0 + 0.05 * (n < 13) * (n % 2) for n in range(1000))
    subjects = {"steady": FakeSubject("steady", log), "late": FakeSubject("late", log, restless, ("train",))}
    passes = []
    rounds = take_rounds(subjects, shared_core, passes.append)
    assert log[:6] == [
        ("steady", "train", 0), ("steady", "infer", 0), ("late", "train", 0),
        ("steady", "train", 1), ("steady", "infer", 1), ("late", "train", 1),
    ]  # fmt: skip
    taken = {name: [r for r in rounds[name] if r.kind == "train"] for name in subjects}
    assert len(taken["steady"]) == len(taken["late"]) == len(passes) > LEAST_ROUNDS + WARM_UP_ROUNDS
    assert all_settled(rounds["steady"], ("train", "infer"))
    assert all_settled(rounds["late"], ("train",))
    assert not all_settled(rounds["late"][:-1], ("train",)), "it went on no longer than it had to"


def test_warm_up_rounds_stand_apart():
    slow_start = (9.0,) * WARM_UP_ROUNDS + (1.0,) * 998
    rounds = take_rounds({"a": FakeSubject("a", [], slow_start, ("infer",))}, shared_core)["a"]
    assert [r.number for r in rounds] == list(range(WARM_UP_ROUNDS + LEAST_ROUNDS))
    assert [r.warm_up for r in rounds] == [True] * WARM_UP_ROUNDS + [False] * LEAST_ROUNDS
    assert {r.wall_s for r in rounds if r.counts} == {1.0}


def test_what_never_settles_ends_at_the_cap_and_is_unstable():
    rounds = take_rounds({"a": FakeSubject("a", [], (1.0, 1.1), ("train",))}, shared_core)["a"]
    assert sum(r.counts for r in rounds) == CAP_ROUNDS
    assert not all_settled(rounds, ("train",))


def test_contended_rounds_are_kept_and_repeated():
    """Every third round shares its core, and would be twice as slow."""

    def share(number):
        return 0.5 if number % 3 == 2 else 0.999

    seconds = tuple(2.0 if share(n) < 0.98 else 1.0 for n in range(999))
    rounds = take_rounds({"a": FakeSubject("a", [], seconds, ("train",), share)}, shared_core)["a"]
    assert [r.contended for r in rounds] == [share(r.number) < 0.98 for r in rounds]
    assert sum(r.counts for r in rounds) == LEAST_ROUNDS
    assert {r.wall_s for r in rounds if r.counts} == {1.0}
    assert any(r.contended and not r.warm_up for r in rounds)


def test_a_machine_that_is_never_ours_alone_is_not_waited_for():
    rounds = take_rounds({"a": FakeSubject("a", [], STEADY, ("train",), lambda _: 0.5)}, shared_core)["a"]
    assert len(rounds) == WARM_UP_ROUNDS + CAP_CONTENDED
    assert not any(r.counts for r in rounds)
    assert not all_settled(rounds, ("train",))


def test_a_process_on_the_gpu_makes_a_round_contended_whatever_its_own_time():
    seen = iter([False] * WARM_UP_ROUNDS + [True, False, True] + [False] * 99)
    rounds = take_rounds({"a": FakeSubject("a", [], STEADY, ("infer",))}, lambda _: next(seen))["a"]
    assert [r.number - WARM_UP_ROUNDS for r in rounds if r.contended] == [0, 2]


def test_a_subject_that_is_gone_does_not_hold_up_the_others():
    log = []
    subjects = {"a": FakeSubject("a", log, dies_at=3), "b": FakeSubject("b", log)}
    rounds = take_rounds(subjects, shared_core)
    assert len(rounds["a"]) == 3 * 2
    assert all_settled(rounds["b"], ("train", "infer"))
    assert take_rounds({"a": FakeSubject("a", log, dies_at=0)}, shared_core) == {"a": []}


def test_single_calls_are_timed_in_turn():
    log = []
    found = take_latencies({"a": FakeSubject("a", log), "gone": FakeSubject("gone", log, dies_at=0)})
    assert {name: len(v) for name, v in found.items()} == {"a": LATENCY_CALLS, "gone": 0}
    assert len(log) == LATENCY_BLOCKS


def test_a_round_counts_what_happened_inside_its_clock_only():
    """The clock ticks one second a call of it; what happens before the work is outside."""

    class Counters:
        compilations, evaluations = 5, 7

    counters, ticks, order = Counters(), iter(range(100)), []

    def work():
        order.append("work")
        counters.compilations += 1
        counters.evaluations += 2

    def before():
        order.append("before")
        counters.compilations += 10

    def clock():
        order.append("clock")
        return float(next(ticks))

    taken = timed_round(Work(64, [work, work], before), TakeRound("train", 4, False), counters, clock, cpu=None)
    assert order == ["before", "clock", "work", "work", "clock"]
    assert (taken.wall_s, taken.cpu_s, taken.windows, taken.number) == (1.0, None, 64, 4)
    assert (taken.compilations, taken.evaluations) == (2, 4)
    busy = timed_round(Work(1, []), TakeRound("infer", 0, True), Nothing(), clock, cpu=lambda: float(next(ticks)))
    assert busy.cpu_s == 3.0  # read outside the wall clock's two readings
    assert busy.warm_up


@pytest.mark.parametrize(("n", "k"), [(6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (20, 6), (40, 14), (100, 40)])
def test_the_interval_of_the_median_by_the_binomial(n, k):
    """k is known from tables, and the coverage from counting: P(k <= X <= n - k)."""
    low, high = median_interval([float(v) for v in np.random.default_rng(0).permutation(n)])
    assert (low, high) == (k - 1, n - k)
    covered = sum(math.comb(n, i) for i in range(k, n - k + 1)) / 2**n
    one_tighter = sum(math.comb(n, i) for i in range(k + 1, n - k)) / 2**n
    assert covered >= 0.95 > one_tighter


@pytest.mark.parametrize("n", range(6))
def test_too_few_values_have_no_interval(n):
    assert median_interval([1.0] * n) is None


def test_settled_needs_enough_rounds_and_a_narrow_interval():
    assert settled([1.0] * LEAST_ROUNDS)
    assert not settled([1.0] * (LEAST_ROUNDS - 1))
    spread = np.linspace(0.98, 1.02, 10)
    low, high = median_interval(list(spread))
    assert (high - low) / median(spread) > 0.02
    assert not settled(list(spread))
    assert settled(list(1 + (spread - 1) / 2))
    assert not settled([])


def test_the_median_lies_between_order_statistics():
    values = [float(v) for v in np.random.default_rng(0).permutation(20) + 1]
    # Fewer than 6 of 20 below the median: binomial 2.07 %; fewer than 7: 5.8 %.
    assert median_interval(values) == (6.0, 15.0)
    assert median_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0]) == (1.0, 6.0)
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([]) is None
