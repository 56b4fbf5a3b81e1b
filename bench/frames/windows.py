"""Errors a window of what a report shows, arranged by what is compared: places that answer one task or question."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.frames.scores import Key
from bench.frames.selection import Shown
from bench.metrics.base import Metric, metrics, ranking
from bench.record import RANKED, RunRecord
from bench.stats import Float64
from bench.stats.crossed import HeldOut, Sampled, sampled

Place = tuple[str, str, str]
"""Case, device and backend."""


@dataclass(frozen=True)
class Placed:
    """A place's runs by one score."""

    place: Place
    records: list[RunRecord]
    sampled: Sampled


@dataclass(frozen=True)
class Compared:
    """Places that are compared by one score, which all their runs kept errors of."""

    metric: Metric
    key: Key
    placed: list[Placed]


def compared(shown: Shown) -> Iterator[Compared]:
    """Yield what is compared: for each task by the metric that ranks, for each question by that of the last position.

    Each by the score that ranks, its twin on test, and the score that would rank otherwise. A place of which a run kept
    no errors, or has a score without a log where logs are compared, is left out.
    """
    if not shown.kept:
        return
    rank = shown.plan.suite.rank
    places = dict.fromkeys([RANKED[rank], ("test", rank), *RANKED.values()])
    for metric, cases in _groups(shown):
        suited = metric.suited(s.value for r in shown.records for s in r.scores if s.metric == metric.name)
        for split, weights in places:
            key = Key(metric.name, split, weights)
            yield Compared(suited, key, list(_placed(shown, suited, key, cases)))


def working_of(metric: Metric) -> Callable[[Float64], Float64]:
    """Return what makes a metric on its working scale of means over windows."""

    def working(mean: Float64) -> Float64:
        whole = np.asarray(metric.of_mean(mean), dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(whole) if metric.log else whole

    return working


def _groups(shown: Shown) -> Iterator[tuple[Metric, set[str]]]:
    """Yield each task's cases that may rank with its metric, and each question's with that of the last position."""
    tasks: dict[tuple[str, str], set[str]] = {}
    questions: dict[tuple[str, str], set[str]] = {}
    for case in shown.plan.cases:
        if case.model.leaks_target or case.model.oracle:
            continue
        metric = ranking(case.task)
        tasks.setdefault((metric.name, case.task.name), set()).add(case.name)
        if case.task.question and metric.at_last not in ("", metric.name):
            questions.setdefault((metric.at_last, case.task.question), set()).add(case.name)
    for (name, _), cases in (*tasks.items(), *questions.items()):
        yield metrics.get(name), cases


def _placed(shown: Shown, metric: Metric, key: Key, cases: set[str]) -> Iterator[Placed]:
    places: dict[Place, list[RunRecord]] = {}
    for record in shown.records:
        if record.status == "done" and record.spec.case in cases:
            place = (record.spec.case, record.spec.device, record.spec.backend)
            places.setdefault(place, []).append(record)
    sets: dict[str, HeldOut] = {}
    for place, records in places.items():
        # Scored on fewer positions it ranks with nothing but at the last one.
        if records[0].positions is None or metric.at_last == metric.name:
            made = _sampled(shown, metric, key, records, sets)
            if made is not None:
                yield Placed(place, records, made)


def _sampled(
    shown: Shown, metric: Metric, key: Key, records: list[RunRecord], sets: dict[str, HeldOut]
) -> Sampled | None:
    """Return a place's runs; None where one kept no errors, or has a score that cannot be worked on."""
    errors = []
    for record in records:
        kept = shown.kept.get(record.key)
        found = kept.errors_of(key.split, key.weights, key.metric) if kept else None
        if found is None:
            return None
        counts = np.ones(len(found.values)) if found.counts is None else found.counts.astype(np.float64)
        sets.setdefault(found.truth, HeldOut(found.truth, counts, found.series))
        errors.append(found)

    tests = [sets[each.truth] for each in errors]
    if any(test.n_series < 2 for test in tests):
        return None
    draws = [record.spec.data_seed for record in records]
    exact = records[0].spec.model_seed is None
    with np.errstate(divide="ignore", invalid="ignore"):
        made = sampled([each.values for each in errors], tests, draws, exact=exact, working=working_of(metric))
    return made if np.isfinite(made.scores).all() and np.isfinite(made.resampled).all() else None
