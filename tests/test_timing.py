"""Rounds on a fake clock: in which order they are taken, when they end, which count, and whether they drift."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from bench.measurement import Round
from bench.throughput.work import Nothing, TakeRound, Work, timed_calls, timed_round
from bench.timing import (
    CAP_CONTENDED,
    LATENCY_BLOCKS,
    LATENCY_CALLS,
    ROUNDS,
    WARM_UP_ROUNDS,
    Calls,
    Gone,
    drift,
    shared_core,
    take_latencies,
    take_rounds,
)
from tests.simulate.throughput import APART, BOOTSTRAP, COVERS, DRIFTS, ROUNDS_ALONE, TOLD_APART, Machine, simulate

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
        wall = 0.001 * calls
        return Calls((0.001,) * calls, wall, wall * self.cpu_share(len(self.log) - 1))


def test_rounds_go_in_turn_and_end_when_all_have_as_many_as_are_planned():
    """However they scatter; the one that shared its core twice takes two more, the others wait for it."""
    log = []
    restless = tuple(1.0 + 0.5 * (n % 2) for n in range(1000))
    held_up = FakeSubject("held up", log, kinds=("train",), cpu_share=lambda number: 0.5 if number in (3, 4) else 1.0)
    subjects = {"restless": FakeSubject("restless", log, restless), "held up": held_up}
    passes = []
    rounds = take_rounds(subjects, shared_core, passes.append)
    assert log[:6] == [
        ("restless", "train", 0), ("restless", "infer", 0), ("held up", "train", 0),
        ("restless", "train", 1), ("restless", "infer", 1), ("held up", "train", 1),
    ]  # fmt: skip
    planned = WARM_UP_ROUNDS + ROUNDS
    assert [r.number for r in rounds["restless"]] == [n for n in range(planned) for _ in range(2)]
    assert [r.number for r in rounds["held up"]] == list(range(planned + 2))
    assert passes == list(range(planned + 2))


def test_warm_up_rounds_stand_apart():
    slow_start = (9.0,) * WARM_UP_ROUNDS + (1.0,) * 998
    rounds = take_rounds({"a": FakeSubject("a", [], slow_start, ("infer",))}, shared_core)["a"]
    assert [r.number for r in rounds] == list(range(WARM_UP_ROUNDS + ROUNDS))
    assert [r.warm_up for r in rounds] == [True] * WARM_UP_ROUNDS + [False] * ROUNDS
    assert {r.wall_s for r in rounds if r.counts} == {1.0}


def test_contended_rounds_are_kept_and_repeated():
    """Every third round shares its core, and would be twice as slow."""

    def share(number):
        return 0.5 if number % 3 == 2 else 0.999

    seconds = tuple(2.0 if share(n) < 0.98 else 1.0 for n in range(999))
    rounds = take_rounds({"a": FakeSubject("a", [], seconds, ("train",), share)}, shared_core)["a"]
    assert [r.contended for r in rounds] == [share(r.number) < 0.98 for r in rounds]
    assert sum(r.counts for r in rounds) == ROUNDS
    assert {r.wall_s for r in rounds if r.counts} == {1.0}
    assert any(r.contended and not r.warm_up for r in rounds)


def test_a_machine_that_is_never_ours_alone_is_not_waited_for():
    rounds = take_rounds({"a": FakeSubject("a", [], STEADY, ("train",), lambda _: 0.5)}, shared_core)["a"]
    assert len(rounds) == WARM_UP_ROUNDS + CAP_CONTENDED
    assert not any(r.counts for r in rounds)


def test_a_process_on_the_gpu_makes_a_round_contended_whatever_its_own_time():
    seen = iter([False] * WARM_UP_ROUNDS + [True, False, True] + [False] * 99)
    rounds = take_rounds({"a": FakeSubject("a", [], STEADY, ("infer",))}, lambda _: next(seen))["a"]
    assert [r.number - WARM_UP_ROUNDS for r in rounds if r.contended] == [0, 2]


def test_a_subject_that_is_gone_does_not_hold_up_the_others():
    log = []
    subjects = {"a": FakeSubject("a", log, dies_at=3), "b": FakeSubject("b", log)}
    rounds = take_rounds(subjects, shared_core)
    assert len(rounds["a"]) == 3 * 2
    assert [sum(r.counts for r in rounds["b"] if r.kind == kind) for kind in ("train", "infer")] == [ROUNDS] * 2
    assert take_rounds({"a": FakeSubject("a", log, dies_at=0)}, shared_core) == {"a": []}


def test_single_calls_are_timed_in_turn():
    log = []
    subjects = {"a": FakeSubject("a", log), "b": FakeSubject("b", log), "gone": FakeSubject("gone", log, dies_at=0)}
    found = take_latencies(subjects, shared_core)
    assert {name: len(v.seconds) for name, v in found.items()} == {"a": LATENCY_CALLS, "b": LATENCY_CALLS, "gone": 0}
    assert log == [(name, LATENCY_CALLS // LATENCY_BLOCKS) for _ in range(LATENCY_BLOCKS) for name in "ab"]


def test_calls_that_shared_their_core_are_left_out_repeated_and_counted():
    block = LATENCY_CALLS // LATENCY_BLOCKS
    held_up = FakeSubject("a", [], cpu_share=lambda number: 0.5 if number == 1 else 1.0)
    found = take_latencies({"a": held_up}, shared_core)["a"]
    assert (len(found.seconds), found.contended) == (LATENCY_CALLS, block)
    never = take_latencies({"a": FakeSubject("a", [], cpu_share=lambda number: 0.5)}, shared_core)["a"]
    assert (never.seconds, never.contended) == ((), CAP_CONTENDED * block)


def test_each_call_of_a_block_is_timed_between_two_readings():
    ticks = iter([0.0, 1.0, 3.0, 6.0])
    calls = []
    made = timed_calls(lambda: calls.append(1), 3, lambda: next(ticks), iter([10.0, 15.0]).__next__)
    assert (made.seconds, made.wall_s, made.cpu_s, len(calls)) == ((1.0, 2.0, 3.0), 6.0, 5.0, 3)
    assert timed_calls(lambda: None, 1, cpu=None).cpu_s is None


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
    assert (taken.energy_j, busy.energy_j) == (None, None)
    told = iter([(3.5, "read"), (10.0, "read")])
    order.clear()

    def joules():
        value, what = next(told)
        order.append(what)
        return value

    metered = timed_round(Work(1, [work]), TakeRound("train", 0, False), counters, clock, cpu=None, energy=joules)
    assert metered.energy_j == 6.5
    assert order == ["read", "clock", "work", "clock", "read"]


def test_drift_within_one_process_is_kendalls_tau():
    """S and p by counting, and by SciPy for a process in random order."""
    rising = drift([[1.0, 1.01, 1.02, 1.03, 1.04]])
    z = (10 - 1) / np.sqrt(5 * 4 * 15 / 18)
    assert rising.p_value == pytest.approx(2 * stats.norm.sf(z))
    assert rising.change == pytest.approx(0.04, rel=0.01)
    values = np.random.default_rng(0).random(30) + 1
    s = sum(np.sign(values[j] - values[i]) for i in range(30) for j in range(i + 1, 30))
    tau = stats.kendalltau(range(30), values).statistic
    assert s == pytest.approx(tau * 30 * 29 / 2)
    assert drift([list(values)]).p_value == pytest.approx(2 * stats.norm.sf((abs(s) - 1) / np.sqrt(30 * 29 * 65 / 18)))
    slopes = [np.log(values[j] / values[i]) / (j - i) for i in range(30) for j in range(i + 1, 30)]
    assert drift([list(values)]).change == pytest.approx(np.expm1(29 * np.median(slopes)))


def test_what_differs_between_processes_is_no_drift():
    steps = [[speed] * ROUNDS for speed in (1.0, 2.0, 3.0, 4.0)]
    assert (drift(steps).change, drift(steps).p_value) == (0.0, 1.0)
    falling = [[speed * 0.99**n for n in range(ROUNDS)] for speed in (1.0, 2.0, 3.0, 4.0)]
    assert drift(falling).p_value < 1e-5
    assert drift(falling).change == pytest.approx(0.99 ** (ROUNDS - 1) - 1)
    assert drift([[1.0], [2.0]]) is None
    assert drift([]) is None


@cache
def shares(machine, **options):
    return {what: held.mean() for what, held in simulate(machine, 2_000, **options).items()}


@pytest.mark.parametrize("rho", [0.0, 0.25, 0.5])
def test_the_interval_over_processes_covers_what_it_says(rho):
    """Whether or not rounds resemble their neighbours; taken as independent, they cover less.

    Over 2,000 measurements the standard error of a coverage of 95 % is half a point.
    """
    found = shares(Machine(rho=rho))
    assert 0.935 <= found[COVERS] <= 0.965
    assert found[ROUNDS_ALONE] < 0.92
    assert found[TOLD_APART] <= 0.06
    assert found[APART] <= 0.02, "two intervals of 95 % hardly ever lie apart by chance"


def test_few_processes_cover_too_with_wider_intervals_where_a_bootstrap_does_not():
    found = shares(Machine(between=0.03, rho=0.25), processes=3, rounds=10)
    assert 0.935 <= found[COVERS] <= 0.965
    assert found[BOOTSTRAP] < 0.87


def test_steady_rounds_seem_to_drift_no_more_often_than_said():
    assert shares(Machine())[DRIFTS] <= 0.06
    assert shares(Machine(rho=0.5))[DRIFTS] > 0.06, "neighbours that resemble each other: said in the report"
