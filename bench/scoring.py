"""From forecasts to scores: each split forecast once, every metric computed, a few windows kept for plotting."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Scored, evaluate, ranking, scored
from bench.models.base import Model
from bench.record import ForecastSample, Score, Weights, score_of
from bench.task import Split, Splits, Task

SAMPLE_WINDOWS = 4
ForecastSplit = Callable[[Split], NDArray[np.floating]]
"""From a split to its forecasts, shaped as `bench.metrics.base.scored` takes them."""


class NotFinite(Exception):
    """A forecast, or the score that ranks, is not a finite number; says of which split, and where first."""


def score_epoch(forecast: ForecastSplit, model: Model, split: Split, named: tuple[str, ...] = ()) -> dict[str, float]:
    """Return the metrics that are computed after every epoch, those ``named`` among them.

    Raises:
        NotFinite: A forecast is no finite number.
    """
    pair = _paired(forecast, model, split, "valid")
    return {name: value for name, _, _, value in evaluate(pair, named, per_epoch=True)}


def score_all(
    forecast: ForecastSplit, model: Model, splits: Splits, weights: Weights, named: tuple[str, ...] = ()
) -> tuple[tuple[Score, ...], ForecastSample | None]:
    """Return every score of every split that is scored, and a sample of the validation split's forecasts.

    Args:
        forecast: Forecasts a split.
        model: Whose forecasts they are: it says at which positions it forecasts.
        splits: All that are scored.
        weights: What the scores are called.
        named: Metrics that are computed besides those of the task.

    Raises:
        NotFinite: A forecast is no finite number, or the score that ranks is none.
    """
    scores: list[Score] = []
    sample = None
    for name, split in splits.evaluated().items():
        pair = _paired(forecast, model, split, name)
        scores += [Score(name, weights, *value) for value in evaluate(pair, named)]
        rank = ranking(split.task)
        value = score_of(tuple(scores), rank.name, name, weights)
        if value is not None and not math.isfinite(value):
            raise NotFinite(f"the {rank.heading} on {name} is {value}")
        if split is splits.valid:
            sample = sample_of(split, pair)
    return tuple(scores), sample


def positions_of(model: Model, task: Task) -> tuple[int, ...] | None:
    """Return the positions that a model forecasts at; None where these are all that the task asks for."""
    if not task.target.every_position or task.input_length is None:
        return None
    every = range(task.input_length)
    covered = tuple(every[model.positions(task)])
    return None if len(covered) == len(every) else covered


def sample_of(split: Split, pair: Scored) -> ForecastSample | None:
    """Return the first windows with what was forecast at their last position, of the first target.

    None of classes or token ids, or where the model forecasts nothing at the last position.
    """
    task, last = split.task, pair.at_last
    if task.target.is_class or task.vocabulary is not None or last is None or not len(split.x):
        return None
    names = task.feature_names
    feature = names.index(task.targets[0].name) if task.targets[0].name in names else 0
    n = min(SAMPLE_WINDOWS, len(split.x))
    return ForecastSample(
        window=list(range(n)),
        x=_rows(split.x[:n, :, feature]),
        truth=_rows(last.truth[:n, 0, :, 0]),
        forecast=_rows(last.forecast[:n, 0, :, 0]),
    )


def _paired(forecast: ForecastSplit, model: Model, split: Split, name: str) -> Scored:
    values = forecast(split)
    finite = np.isfinite(values)
    if not finite.all():
        windows = np.unique(np.argwhere(~finite)[:, 0])
        raise NotFinite(
            f"the forecast of {name} is not finite in {len(windows)} of {len(split.x)} windows, "
            f"the first {windows[0]} (counted from 0)"
        )
    return scored(split, values, model.positions(split.task))


def _rows(array: NDArray[np.floating]) -> list[list[float]]:
    return [[float(f"{v:.6g}") for v in row] for row in array]
