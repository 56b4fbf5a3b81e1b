"""The test windows that each leader forecasts worst, beside the forecasts of its runner-up: from kept forecasts."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.frames.held import Erred, NoErrors, TestSet, TestSets, errors_by_step, forecast_pair
from bench.frames.selection import Shown
from bench.metrics.base import Metric, Scored
from bench.record import RunRecord
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.stats import Float64
from bench.task import Split
from bench.windows import Windows

WINDOWS = 5
HORIZONS, LEAST = 3, 28
"""Steps of a window that are kept for drawing at most: so many horizons, and this number at least."""


def worst_rows(shown: Shown, results: Results) -> Iterator[dict[str, Any]]:
    """Yield the rows of the frame, where something is sliced: of each task's leader and its runner-up."""
    if not shown.slices or not shown.kept:
        return
    tests = TestSets()
    for board in results.tasks:
        rows = board.ranked[:2]
        try:
            if rows:
                yield from _of_board(shown, board, rows, tests)
        except NoErrors:
            continue


def _of_board(shown: Shown, board: Leaderboard, rows: list[Row], tests: TestSets) -> Iterator[dict[str, Any]]:
    """Yield those of one task, on the first draw of the data that both have runs on.

    Raises:
        NoErrors: A run kept no forecasts.
    """
    runs = [_runs(shown, row) for row in rows]
    draws = sorted(set.intersection(*({record.spec.data_seed for record in own} for own in runs)))
    if not draws:
        return
    runs = [[record for record in own if record.spec.data_seed == draws[0]] for own in runs]
    erred = [[errors_by_step(shown, record, tests) for record in own] for own in runs]
    pairs = [[forecast_pair(shown, record, tests)[1] for record in own] for own in runs]
    metric, test = erred[0][0][0], tests.of(runs[0][0])
    errors = [_error(metric, [each for _, each in own]) for own in erred]
    told = {"task": board.rows[0].info["task"], "metric": metric.name, "weights": shown.plan.suite.rank}
    for order, window in enumerate(_worst(metric.sign * errors[0], test.split, test.held.task.horizon), start=1):
        target = _target(pairs[0], window)
        at = {"order": order, "window": window, **_words(test, window, target)}
        made = [list(_shared(test, pairs[0][0], window, target))]
        for row, own, error in zip(rows, pairs, errors, strict=True):
            place = dict(zip(("case", "device", "backend"), row.place, strict=True))
            made.append([{**place, **each} for each in _forecast(own, window, target, float(error[window]))])
        yield from ({**told, **at, **each} for each in chain(*made))


def _runs(shown: Shown, row: Row) -> list[RunRecord]:
    """Return the runs of a row that ended with scores."""
    specs = ((record, record.spec) for record in shown.records if record.status == "done")
    return [record for record, spec in specs if (spec.case, spec.device, spec.backend) == row.place]


def _error(metric: Metric, runs: list[Erred]) -> Float64:
    """Return the metric in each window, mean over runs ``(windows,)``."""
    return np.asarray(metric.of_mean(np.mean([run.values.mean(axis=1) for run in runs], axis=0)), np.float64)


def _worst(errors: Float64, split: Split, horizon: int) -> list[int]:
    """Return the windows with the largest errors, of which no two forecast the same step of a series."""
    chosen: list[int] = []
    starts = split.y.starts.astype(np.int64) if isinstance(split.y, Windows) else None
    for window in map(int, np.argsort(-errors, kind="stable")):
        apart = starts is None or all(abs(int(starts[window] - starts[other])) >= horizon for other in chosen)
        chosen += [window] if apart else []
        if len(chosen) == WINDOWS:
            break
    return chosen


def _target(pairs: list[Scored], window: int) -> int:
    """Return the target that is off most in a window, for its spread there over all windows."""
    off = np.mean([np.abs(pair.truth[window, 0] - pair.forecast[window, 0]).mean(axis=0) for pair in pairs], axis=0)
    spread = pairs[0].truth.std(axis=(0, 1, 2))
    return int(np.argmax(off / np.where(spread > 0, spread, 1.0)))


def _words(test: TestSet, window: int, target: int) -> dict[str, str]:
    asked = test.held.task.targets[target]
    times = test.held.times
    if times is None:
        return {"target": asked.name, "unit": asked.unit}
    from bench.tables.times import shown

    return {"first": shown(times[window, 0]), "target": asked.name, "unit": asked.unit}


def _shared(test: TestSet, pair: Scored, window: int, target: int) -> Iterator[dict[str, Any]]:
    """Yield the end of a window's input, where a feature is the target's past, and the truth."""
    task = test.held.task
    name = task.targets[target].name
    feature = task.feature_names.index(name) if name in task.feature_names else 0 if task.features == 1 else None
    if feature is not None and task.vocabulary is None:
        past = np.asarray(test.split.x[window], np.float64)[-max(HORIZONS * task.horizon, LEAST) :, feature]
        past = _back(test.split, past, window, target)
        yield from ({"part": "input", "step": step + 1, "value": past[step]} for step in range(-len(past), 0))
    yield from _steps("truth", pair.truth[window, 0, :, target])


def _back(split: Split, values: Float64, window: int, target: int) -> Float64:
    """Return a target's values in one window, in the units that are scored."""
    if split.rescaling is None:
        return values
    spread, centre = (
        each[window] if each.ndim > 1 else each for each in (split.rescaling.spread, split.rescaling.centre)
    )
    return np.asarray(values * spread[target] + centre[target], np.float64)


def _forecast(pairs: list[Scored], window: int, target: int, error: float) -> Iterator[dict[str, Any]]:
    """Yield a place's forecast, its least and most over runs where there are several, and its error."""
    made = np.stack([pair.forecast[window, 0, :, target] for pair in pairs])
    yield from _steps("forecast", made.mean(axis=0))
    if len(made) > 1:
        yield from _steps("least", made.min(axis=0))
        yield from _steps("most", made.max(axis=0))
    yield {"part": "error", "step": 1, "value": error}


def _steps(part: str, values: NDArray[Any]) -> Iterator[dict[str, Any]]:
    yield from ({"part": part, "step": step, "value": float(value)} for step, value in enumerate(values, 1))
