"""Errors on the test set by window and by forecast step, of all runs of a task: what scores are sliced from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.cases.base import component, make_dataset, make_model
from bench.datasets.loaded import load
from bench.frames.selection import Shown
from bench.frames.windows import Place
from bench.kept import Kept, KeptForecasts, truth_digest
from bench.metrics.base import Metric, Scored, metrics, ranking, scored
from bench.record import Component, RunRecord
from bench.slices import Held
from bench.stats import Float64
from bench.task import Split, Task

SPLIT = "test"


class NoErrors(Exception):
    """A run's errors cannot be had; says why."""


@dataclass(frozen=True)
class TestSet:
    """A test set that runs were scored on.

    Attributes:
        split: Its windows.
        held: What it can be sliced by.
        truth: Digest of its targets, as forecasts that were kept name them.
    """

    split: Split
    held: Held
    truth: str


@dataclass(frozen=True)
class Erred:
    """A run's errors.

    Attributes:
        test: Of which test set.
        values: The metric of each step of each window, float64 ``(windows, horizon)``; of whole windows
            ``(windows, 1)``.
        counts: How many positions of each window are scored ``(windows,)``.
    """

    record: RunRecord
    test: TestSet
    values: Float64
    counts: Float64


class TestSets:
    """Test sets by data set and data seed, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], TestSet] = {}

    def of(self, record: RunRecord) -> TestSet:
        """Return the one that a run was scored on.

        Raises:
            BenchError: The data cannot be loaded.
            NoErrors: They, or the dataset, are others today.
        """
        then, seed = record.spec.dataset, record.spec.data_seed
        key = then.model_dump_json(), seed
        if key not in self._known:
            self._known[key] = _test_set(then, seed)
        return self._known[key]


def by_task(shown: Shown) -> dict[str, tuple[Task, dict[Place, list[RunRecord]]]]:
    """Return of each task the runs that ended with scores, by place; no oracle, and no model that sees its targets."""
    cases = {case.name: case for case in shown.plan.cases if not case.model.leaks_target and not case.model.oracle}
    found: dict[str, tuple[Task, dict[Place, list[RunRecord]]]] = {}
    for record in shown.records:
        if record.status == "done" and record.spec.case in cases:
            task = cases[record.spec.case].task
            place = record.spec.case, record.spec.device, record.spec.backend
            found.setdefault(task.name, (task, {}))[1].setdefault(place, []).append(record)
    return found


def errors_by_step(shown: Shown, record: RunRecord, tests: TestSets) -> tuple[Metric, Erred]:
    """Return a run's errors at each step of its forecasts at the last position, and the metric that they are of.

    Raises:
        BenchError: The data cannot be loaded.
        NoErrors: It kept no forecasts, or those of other data, or the metric is no mean over windows.
    """
    metric, pair = forecast_pair(shown, record, tests)
    steps = []
    for step in range(pair.task.horizon):
        at = slice(step, step + 1)
        truth, forecast = pair.given_truth[:, :, at], pair.given_forecast[:, :, at]
        found = metric.windows(replace(pair, given_truth=truth, given_forecast=forecast))
        if found is None:
            raise NoErrors(f"{metric.heading} is no mean over windows")
        steps.append(found)
    values = np.stack([found.values for found in steps], axis=1)
    return metric, Erred(record, tests.of(record), values, steps[0].counts.astype(np.float64))


def errors_by_window(shown: Shown, record: RunRecord, tests: TestSets) -> tuple[Metric, Erred]:
    """Return the errors of whole windows that a run kept; as `errors_by_step`."""
    test = tests.of(record)
    metric = ranking(test.split.task)
    kept = _kept(shown, record)
    found = kept.errors_of(SPLIT, shown.plan.suite.rank, metric.name)
    if found is None:
        raise NoErrors(f"{metric.heading} is no mean over windows, or a run did not keep it of each")
    if len(found.values) != len(test.split.x):
        raise NoErrors("the data are others today than those that a run was scored on")
    counts = np.ones(len(found.values)) if found.counts is None else found.counts
    return metric, Erred(record, test, found.values[:, np.newaxis].astype(np.float64), counts.astype(np.float64))


def forecast_pair(shown: Shown, record: RunRecord, tests: TestSets) -> tuple[Metric, Scored]:
    """Return a run's forecasts at the last position beside the truth, and the metric that ranks these; likewise."""
    test = tests.of(record)
    task = test.split.task
    own = ranking(task)
    metric = metrics.get(own.at_last) if task.target.every_position and own.at_last else own
    if task.target.is_class:
        raise NoErrors("classes have no steps ahead")
    forecasts = _forecasts(_kept(shown, record), shown.plan.suite.rank)
    if forecasts is None:
        raise NoErrors("a run kept no forecasts of its test set")
    if forecasts.truth != test.truth:
        raise NoErrors("the data are others today than those that a run was scored on")
    model = make_model(record.spec.model.name, record.spec.model.all_params)
    positions = slice(-1, None) if forecasts.last else model.positions(task)
    pair = scored(test.split, forecasts.values, positions).at_last
    if pair is None:
        raise NoErrors("a model forecasts nothing at the last position")
    return metric, pair


def errors_of(
    shown: Shown, task: Task, places: Mapping[Place, list[RunRecord]], tests: TestSets
) -> tuple[Metric, dict[Place, list[Erred]]]:
    """Return the errors of all runs of a task: by step where all kept what that takes, else of whole windows.

    Raises:
        BenchError: The data cannot be loaded.
        NoErrors: A run kept neither.
    """
    if task.target.every_position and ranking(task).at_last != ranking(task).name:
        whole = {place: runs for place, runs in places.items() if runs[0].positions is None}
    else:
        whole = dict(places)  # at the last position all are alike
    try:
        if task.horizon > 1:
            return _read(errors_by_step, shown, places, tests)
    except NoErrors:
        pass
    return _read(errors_by_window, shown, whole, tests)


def _read(
    read: Callable[[Shown, RunRecord, TestSets], tuple[Metric, Erred]],
    shown: Shown,
    places: Mapping[Place, list[RunRecord]],
    tests: TestSets,
) -> tuple[Metric, dict[Place, list[Erred]]]:
    found = {place: [read(shown, record, tests) for record in runs] for place, runs in places.items()}
    if not found:
        raise NoErrors("every model leaves positions out")
    metrics_of = [metric for runs in found.values() for metric, _ in runs]
    return metrics_of[0], {place: [erred for _, erred in runs] for place, runs in found.items()}


def records_of(places: Mapping[Place, list[RunRecord]]) -> Iterator[RunRecord]:
    """Yield every run."""
    for runs in places.values():
        yield from runs


def _test_set(then: Component, seed: int) -> TestSet:
    dataset = make_dataset(then.name, then.all_params)
    if component(dataset).contents != then.contents or dataset.version != then.version:
        raise NoErrors("the data are others today than those that a run was scored on")
    split = load(dataset, seed).splits.test
    held = Held(f"task {split.task.name!r}", split.task, len(split.x), dataset.facts(seed), split.groups)
    return TestSet(split, held, truth_digest([split.y, split.mask, split.series]))


def _kept(shown: Shown, record: RunRecord) -> Kept:
    found = shown.kept.get(record.key)
    if found is None:
        raise NoErrors("a run kept no errors of its windows")
    return found


def _forecasts(kept: Kept, weights: str) -> KeptForecasts | None:
    return next((each for each in kept.forecasts if (each.split, each.weights) == (SPLIT, weights)), None)


def series_of(split: Split) -> NDArray[np.intp]:
    """Return the number of each window's series, from 0 on ``(windows,)``; each its own where the split has none."""
    return np.arange(len(split.x)) if split.series is None else np.unique(split.series, return_inverse=True)[1]
