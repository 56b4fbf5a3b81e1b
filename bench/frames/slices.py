"""The frame of slices: where each model is good, and where it loses, on the test set."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bench import stats
from bench.frames.base import frame
from bench.frames.held import Erred, NoErrors, TestSets, by_task, errors_of, records_of, series_of
from bench.frames.schemas import SLICES
from bench.frames.selection import Shown
from bench.frames.windows import Place, working_of
from bench.metrics.base import Metric
from bench.slices import Slices, Unsliceable, sliced
from bench.stats import Float64
from bench.stats.crossed import Difference, HeldOut, Sampled, difference, sampled

LEVEL = 0.95
Cut = tuple[Float64, Float64]
"""Of a run on one value of a slice: the sums of its errors over each series, and the weights of these."""


@frame("slices", SLICES, optional=True)
def slices_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a task, slice, value and place; where a task has no such slice, one that says why.

    Raises:
        BenchError: Data cannot be loaded.
    """
    if not shown.slices or not shown.kept:
        return
    tests = TestSets()
    for name, (task, places) in by_task(shown).items():
        try:
            metric, errors = errors_of(shown, task, places, tests)
        except NoErrors as error:
            yield from ({"task": name, "slice": each, "reason": str(error)} for each in shown.slices)
            continue
        metric = metric.suited(s.value for r in records_of(places) for s in r.scores if s.metric == metric.name)
        for each in shown.slices:
            try:
                made = list(_of_slice(each, metric, errors))
            except Unsliceable as error:
                made = [{"reason": str(error)}]
            told = {"task": name, "slice": each, "metric": metric.name, "weights": shown.plan.suite.rank}
            yield from ({**told, **row} for row in made)


def _of_slice(name: str, metric: Metric, errors: Mapping[Place, list[Erred]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one slice of a task.

    Raises:
        Unsliceable: A test set has no such values.
    """
    tests = {id(run.test): run.test for runs in errors.values() for run in runs}
    by_step = all(run.values.shape[1] == run.test.held.task.horizon for runs in errors.values() for run in runs)
    found = {key: sliced(test.held, name, steps=by_step) for key, test in tests.items()}
    labels = list(dict.fromkeys(label for slices in found.values() for label in slices.names))
    for order, label in enumerate(labels):
        windows = max(_windows(slices, label, by_step) for slices in found.values())
        if windows:
            cuts = {place: [_cut(run, found[id(run.test)], label) for run in runs] for place, runs in errors.items()}
            for row in _compared(metric, errors, cuts, f"{name}/{label}"):
                yield {"order": order, "label": label, "n_windows": windows, **row}


def _has(slices: Slices, label: str, by_step: bool) -> Float64:
    """Return 1 for each step that has a value ``(windows, horizon)``; of whole windows for their first step."""
    number = slices.names.index(label) if label in slices.names else len(slices.names)
    has: Float64 = (slices.of[:, : None if by_step else 1] == number).astype(np.float64)
    return has


def _windows(slices: Slices, label: str, by_step: bool) -> int:
    return int(_has(slices, label, by_step).any(axis=1).sum())


def _cut(run: Erred, slices: Slices, label: str) -> Cut:
    has = _has(slices, label, run.values.shape[1] > 1) * run.counts[:, np.newaxis]
    series = series_of(run.test.split)
    sums, weights = (np.bincount(series, each.sum(axis=1)) for each in (run.values * has, has))
    return sums.astype(np.float64), weights.astype(np.float64)


def _compared(
    metric: Metric, errors: Mapping[Place, list[Erred]], cuts: Mapping[Place, list[Cut]], name: str
) -> Iterator[dict[str, Any]]:
    """Yield each place's score on one value, and how far it lies behind the best."""
    scores = {place: _scores(metric, own) for place, own in cuts.items()}
    intervals = {
        place: found for place, own in scores.items() if (found := stats.interval(own, log=metric.log)) is not None
    }
    if not intervals:
        return
    best = min(intervals, key=lambda place: metric.sign * intervals[place].centre)
    tests: dict[int, HeldOut] = {}
    models = {place: _sampled(metric, errors[place], cuts[place], tests, name) for place in intervals}
    for place, interval in intervals.items():
        one, other = models[place], models[best]
        gap = difference(one, other) if one and other and place != best else None
        yield {
            **dict(zip(("case", "device", "backend"), place, strict=True)),
            "n_runs": interval.n,
            "value": interval.centre,
            "low": interval.low,
            "high": interval.high,
            "best": place == best,
            **(_behind(gap, metric) if gap else {}),
        }


def _scores(metric: Metric, cuts: list[Cut]) -> Float64:
    """Return each run's score, NaN where none of its windows has the value."""
    totals = np.array([(sums.sum(), weights.sum()) for sums, weights in cuts])
    with np.errstate(invalid="ignore"):
        return np.asarray(metric.of_mean(totals[:, 0] / totals[:, 1]), np.float64)


def _sampled(
    metric: Metric, runs: list[Erred], cuts: list[Cut], tests: dict[int, HeldOut], name: str
) -> Sampled | None:
    """Return a place's runs on one value, a series a unit; None where that says nothing of other series."""
    errors = []
    for run, (sums, weights) in zip(runs, cuts, strict=True):
        there = weights > 0
        tests.setdefault(id(run.test), HeldOut(f"{run.test.truth}/{name}", weights[there]))
        errors.append(sums[there] / weights[there])
    held = [tests[id(run.test)] for run in runs]
    if any(test.n_series < 2 for test in held):
        return None
    exact = runs[0].record.spec.model_seed is None
    draws = [run.record.spec.data_seed for run in runs]
    with np.errstate(divide="ignore", invalid="ignore"):
        made = sampled(errors, held, draws, exact=exact, working=working_of(metric))
        return made if np.isfinite(made.scores).all() and np.isfinite(made.resampled).all() else None


def _behind(gap: Difference, metric: Metric) -> dict[str, float]:
    reach = stats.critical(2, gap.freedom, LEVEL) * gap.error
    ends = np.array([gap.value, gap.value - reach, gap.value + reach])
    return dict(zip(("behind", "behind_low", "behind_high"), np.exp(ends) if metric.log else ends, strict=True))
