"""Plans of runs with any scores and texts, as hypothesis strategies, and the frames that a report is made from.

Everything that a report shows goes the product's own way, from records through `make_frames` and the text of a CSV.
Metrics of further scales are registered inside `more_metrics` alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from bench.cases.base import AS_PRINTED, CORRECTED, Case, Erratum, Published
from bench.datasets.base import Dataset
from bench.frames import Frames, make_frames, select, with_types
from bench.frames.schemas import ABOUT
from bench.measurement import measure_spec
from bench.metrics.base import CLASS, REAL, applicable, metric, metrics
from bench.metrics.traits import Axis, Direction, Scale, Traits
from bench.models.base import Model, Predictor
from bench.plan import Plan, Skip
from bench.recipe import Recipe
from bench.record import ForecastSample, LearningCurve, RunRecord, Score, Timing
from bench.suite import Suite
from bench.task import Target, TargetKind, Task
from tests.fakes import (
    ENVIRONMENT,
    FakeLeaky,
    FakeLeastSquares,
    FakeNaive,
    FakeNetwork,
    fake_measurement,
    fake_record,
    fake_spec,
)

NAN, INF = float("nan"), float("inf")
ODD_SCORES = (0.0, 0.0, -0.0, NAN, INF, 1e40, 1e-310, 1e308)
SIGNED = (*ODD_SCORES, -1.0, -1e40, -INF)
FURTHER: dict[str, dict[str, Any]] = {
    "gen_error": {},
    "gen_gain": {"direction": Direction.HIGHER, "scale": Scale.PLAIN},
    "gen_bias": {"scale": Scale.PLAIN, "unit": "MW"},
    "gen_percent": {"scale": Scale.PLAIN, "unit": "%"},
}
"""Metrics that a user may add: an error, more is better, a difference with a unit, a share of which less is better."""


@contextmanager
def more_metrics() -> Iterator[None]:
    """Register `FURTHER` for a while."""
    for name, traits in FURTHER.items():
        metric(name, *REAL, *CLASS, opt_in=True, per_epoch=True, **traits)(_of_nothing)
    try:
        yield
    finally:
        for name in FURTHER:
            metrics.remove(name)


def _of_nothing(_: Any) -> None:
    """A generated number."""


class FakeOracle(Predictor):
    name = "oracle"
    oracle = True


class Generated(Dataset):
    """Generated windows. Split as drawn."""

    name = "generated"
    groups_note = "Positions are counted from the end."
    asked: Task
    floors: dict[str, float]

    def task(self) -> Task:
        return self.asked

    @property
    def noise_floors(self) -> dict[str, float]:
        return self.floors


def words(*texts: str) -> st.SearchStrategy[str]:
    """One of some plain texts, or one with a number, so that there are enough unlike ones."""
    return st.sampled_from(texts) | st.builds("{} {}".format, st.sampled_from(texts), st.integers(2, 99))


class Texts(NamedTuple):
    """Where a plan's texts come from. Names of cases, of tasks and of a task's targets are drawn to differ."""

    title: st.SearchStrategy[str] = words("Generated networks")
    task: st.SearchStrategy[str] = words("next_step", "every_step", "parity")
    question: st.SearchStrategy[str] = words("the next day")
    case: st.SearchStrategy[str] = words("own/rnn", "own/gru", "own/naive", "lstm", "linear")
    label: st.SearchStrategy[str] = words("RNN", "GRU", "naive", "LSTM", "linear")
    target: st.SearchStrategy[str] = words("load", "price")
    unit: st.SearchStrategy[str] = st.sampled_from(["", "MW", "EUR/MWh"])
    group: st.SearchStrategy[str] = words("length", "day_of_week")
    reason: st.SearchStrategy[str] = words("out of memory", "no trace")


PLAIN = Texts()


@st.composite
def plans(draw: st.DrawFn, texts: Texts = PLAIN) -> Plan:
    """Plans of one to three tasks with one to five cases each, and records of some or all of their runs."""
    named = draw(st.lists(texts.task, min_size=1, max_size=draw(st.sampled_from([1, 1, 2, 3])), unique=True))
    question = draw(st.just("") | texts.question)
    tasks = [draw(_tasks(name, question, texts)) for name in named]
    seeds = draw(st.sampled_from([(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]))
    own_data = draw(st.sampled_from([False, False, True]))
    devices = draw(st.sampled_from([("cpu",), ("cpu",), ("cpu",), ("cpu", "gpu")]))
    cases = [case for task in tasks for case in draw(_cases(task, texts))]
    names = draw(st.lists(texts.case, min_size=len(cases), max_size=len(cases), unique=True))
    cases = [replace(case, name=name) for case, name in zip(cases, names, strict=True)]
    cases = _variants(cases, draw(st.sampled_from([(), (), (), (0.1,), (0.01, 0.1)])))
    draws = [draw(_scores(case.task)) for case in cases]
    named_metrics = draw(st.sampled_from([[], [], [*FURTHER], ["mae"]]))
    suite = Suite(
        name="generated", title=draw(texts.title), cases=["x"], seeds=[*seeds],
        data_seeds="seeds" if own_data else [42], rank="last",
        devices=[*devices], metrics=named_metrics,
    )  # fmt: skip
    specs, records = [], []
    for case, scores in zip(cases, draws, strict=True):
        trained = case.model.trained
        pairs = [(seed if own_data else 42, seed if trained else None) for seed in seeds]
        places = product(devices if trained else ("cpu",), dict.fromkeys(pairs))
        statuses = draw(st.just(["done"]) | st.lists(_statuses(), min_size=1, max_size=4))
        group, reason = draw(texts.group), draw(texts.reason)
        for number, (device, (data_seed, seed)) in enumerate(places):
            specs.append(fake_spec(case, seed, device, data_seed=data_seed))
            status = statuses[number % len(statuses)]
            if status != "absent" or not records:
                records.append(_record(case, seed, device, data_seed, status, reason, group, number, scores, suite))
    plan = Plan(suite, cases, specs, records)
    if draw(st.sampled_from([False, False, True])):
        timed = {(spec := measure_spec(run)).measure_id: fake_measurement(spec) for run in specs}
        plan = replace(plan, measurements=tuple(timed.values()))
    return replace(plan, skips=(Skip(cases[0], "it has no room"),)) if draw(st.booleans()) else plan


def frames_of(plan: Plan) -> Frames:
    """Return a plan's frames as a report reads them from its CSVs."""
    made = make_frames(select(plan))
    about = pd.DataFrame({"key": ["command"], "text": ["make bench"]})
    made["about"] = with_types(pd.concat([made["about"], about], ignore_index=True), ABOUT)
    for name in ("scores", "curves", "forecasts"):
        made[name] = made[name].assign(value=[float(f"{value:.6g}") for value in made[name]["value"]])
    return made


def _statuses() -> st.SearchStrategy[str]:
    return st.sampled_from(["done", "done", "done", "diverged", "failed", "crashed", "timed_out", "absent"])


@st.composite
def _tasks(draw: st.DrawFn, name: str, question: str, texts: Texts) -> Task:
    kind = draw(st.sampled_from(TargetKind))
    rank = draw(st.sampled_from(["", "", *FURTHER]))
    shared: dict[str, Any] = {"question": question, "rank": rank, "monitor": draw(st.sampled_from(["", rank]))}
    if kind.is_class:
        classes = draw(st.sampled_from([2, 5]))
        return Task(name, kind, 6, classes=classes, vocabulary=draw(st.sampled_from([None, 7])), **shared)
    names = draw(st.just(["value"]) | st.lists(texts.target, min_size=1, max_size=2, unique=True))
    targets = tuple(Target(each, draw(texts.unit)) for each in names)
    return Task(name, kind, 6, horizon=draw(st.sampled_from([1, 3])), targets=targets, **shared)


@st.composite
def _cases(draw: st.DrawFn, task: Task, texts: Texts) -> list[Case]:
    floors = draw(
        st.sampled_from(
            [{}, {}, {"mse": 0.001, "last_time_step_mse": 0.001}, {"mse": 0.0}, {"mse": 1e-310}, {"mse": NAN}]
        )
    )
    asked = Generated(asked=task, floors=floors)
    kinds = st.sampled_from([FakeNetwork, FakeNetwork, FakeNetwork, FakeNaive, FakeLeastSquares, FakeLeaky, FakeOracle])
    printed = st.sampled_from([{}, {}, {"mse": 0.01}, {"mse": 0.0}, {"accuracy": 1.0}, {"mse": 1e40}, {"mse": -1.0}])
    made = []
    for number, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4))):
        model: Model = FakeNetwork(kind=f"net{number}") if kind is FakeNetwork else kind()
        fault = draw(st.sampled_from([(), (), (), (AS_PRINTED,), (CORRECTED,)]))
        errata = tuple(Erratum(1, "it peeks", variant) for variant in fault)
        made.append(Case(asked, model, None, draw(texts.label), Published(values=draw(printed)), errata))
    return made


def _variants(cases: list[Case], rates: tuple[float, ...]) -> list[Case]:
    """Return the cases, each trained one followed by a variant a learning rate."""
    made = []
    for case in cases:
        made.append(case)
        if case.recipe is not None:
            made += [
                replace(case, name=f"{case.name} lr={rate:g}", label=f"{case.label} {rate:g}", variant_of=case.name,
                        recipe=Recipe(learning_rate=rate))
                for rate in rates
            ]  # fmt: skip
    return made


@dataclass(frozen=True)
class Drawn:
    """What the scores of a case are made of.

    Attributes:
        ranking: Of its runs by the metric that ranks, in turn.
        others: Of every other number; in place of None a number near the run's own.
        epochs: How many there are.
        partial: It leaves positions out.
    """

    ranking: list[float]
    others: list[float | None]
    epochs: int
    partial: bool


@st.composite
def _scores(draw: st.DrawFn, task: Task) -> Drawn:
    traits = next(m for m in applicable(task) if (m.name == task.rank if task.rank else m.ranks))
    one = _values(traits)
    base = draw(one)
    kind = draw(st.sampled_from(["equal", "near", "near", "free"]))
    ranking = [base]
    if kind == "near":
        ranking = [base * factor for factor in (1.0, 1.03, 0.99, 1.01)]
    elif kind == "free":
        ranking = draw(st.lists(one, min_size=1, max_size=4))
    others = draw(st.just([None]) | st.lists(st.none() | st.sampled_from(ODD_SCORES), min_size=1, max_size=5))
    partial = task.target.every_position and draw(st.sampled_from([False, False, True]))
    return Drawn(ranking, others, draw(st.sampled_from([1, 2, 4, 8])), partial)


def _values(traits: Traits) -> st.SearchStrategy[float]:
    """Scores of a metric: ordinary ones, odd ones, and for an error negative ones too, for its scale was forgotten."""
    if traits.share:
        return st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, NAN])
    if traits.log:
        return st.floats(1e-3, 10) | st.floats(1e-3, 10) | st.sampled_from(ODD_SCORES) | st.sampled_from(SIGNED)
    return st.floats(-10, 10) | st.sampled_from(SIGNED)


def _record(
    case: Case, seed: int | None, device: str, data_seed: int, status: str, reason: str, group: str, number: int,
    drawn: Drawn, suite: Suite,
) -> RunRecord:  # fmt: skip
    environment = ENVIRONMENT.model_copy(update={"device": "gpu", "device_name": "H100"}) if device == "gpu" else None
    given: dict[str, Any] = {"device": device, "data_seed": data_seed, "environment": environment}
    failed = fake_record(case, seed, status="failed", reason=reason, **given)
    if status not in ("done", "absent"):
        return failed.model_copy(update={"status": status})
    task, trained, own = case.task, case.model.trained, drawn.ranking[number % len(drawn.ranking)]
    known = applicable(task, tuple(suite.metrics))
    ranks = task.rank or next(m.name for m in known if m.ranks)
    numbers, turn = [], 0
    for each in known:
        if each.at_last == each.name and drawn.partial:
            continue
        for axis, index in _places(each, task, group):
            turn += 1
            other = drawn.others[turn % len(drawn.others)]
            counted = each.direction is Direction.NONE or other is None
            value = own if each.name == ranks else _near(each, own, turn) if counted else other
            numbers.append((each.name, axis, index, value))
    last = [Score(split, "last", *value) for split in ("valid", "test") for value in numbers]
    last += [s._replace(split="outer_only") for s in last if s.split == "test" and task.target.is_class]
    best = [s._replace(weights="best") for s in last] if trained else []
    fall = 1 + np.arange(drawn.epochs)[::-1] / 4
    singles = {name: value for name, axis, _, value in numbers if not axis and metrics.get(name).per_epoch}
    with np.errstate(all="ignore"):
        curve = {name: [float(v) for v in value * fall] for name, value in singles.items()}
    main = next(iter(curve.values()))
    epoch_s = [0.1] * drawn.epochs
    sample = None if task.target.is_class else _sample(task.horizon, own)
    return failed.model_copy(
        update={
            "status": "done",
            "failure": None,
            "positions": (1, 3, 5) if drawn.partial else None,
            "parameters": 1000 if trained else None,
            "train_windows": 64 if trained else 0,
            "windows": {"train": 70, "valid": 20, "test": 10},
            "scores": (*last, *best),
            "best_epoch": drawn.epochs if trained else None,
            "curve": LearningCurve(train_loss=main, valid=curve) if trained else LearningCurve(),
            "timing": Timing(epoch_s=epoch_s, train_s=sum(epoch_s), total_s=1.0, cpu_over_wall=1.0)
            if trained
            else Timing(total_s=0.1),
            "sample": sample,
        }
    )


def _places(each: Traits, task: Task, group: str) -> list[tuple[str, str]]:
    """Return axis and index of each number that a metric gives."""
    if each.axis is Axis.GROUP:
        return [(group, "-1"), (group, "3")]
    if each.axis is Axis.STEP:
        return [("step", str(step)) for step in range(1, task.horizon + 1)]
    if each.axis is Axis.TARGET:
        return [("target", target.name) for target in task.targets] if len(task.targets) > 1 else []
    return [("", "")]


def _near(each: Traits, own: float, turn: int) -> float:
    if each.direction is Direction.NONE:
        return 40.0
    if each.share:
        return min(max(own, 0.0), 1.0) if np.isfinite(own) else 0.5
    return own * (1 + 0.01 * turn)


def _sample(horizon: int, own: float) -> ForecastSample:
    """Return two windows, whose forecasts are off by a run's score."""
    truth = [[0.5 + step for step in range(horizon)]] * 2
    return ForecastSample(
        window=[0, 1], x=[[0.1 * n for n in range(6)]] * 2, truth=truth, forecast=[[v + own for v in w] for w in truth]
    )
