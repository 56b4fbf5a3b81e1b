"""From forecasts to scores: each split forecast once, every metric computed, a few windows kept for plotting."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.kept import Kept, KeptErrors, KeptForecasts, truth_digest
from bench.metrics.base import Metric, Scored, evaluate, metrics, ranking, scored
from bench.models.base import Model
from bench.record import ForecastSample, Score, Scores, Weights, score_of
from bench.task import Split, Splits, Task, Windows

SAMPLE_WINDOWS = 4
KEPT_BYTES = 2**18
"""The forecasts of a test split that are larger are kept at the last position alone."""
MOST_KEPT_BYTES = 2**24
"""Those that are larger still, of many windows at the last position and many steps ahead, are not kept."""
ForecastSplit = Callable[[Split], NDArray[np.floating]]
"""From a split to its forecasts, shaped as `bench.metrics.base.scored` takes them."""


class Scoring(NamedTuple):
    """What came of scoring one state of a model's weights.

    Attributes:
        scores: Every score of every split.
        sample: Of the validation split's forecasts.
        kept: Errors a window of every split, and the forecasts of the test splits.
    """

    scores: Scores
    sample: ForecastSample | None
    kept: Kept

    def called(self, weights: Weights) -> "Scoring":
        """Return the same as that of other weights, which are equal."""
        scores = tuple(score._replace(weights=weights) for score in self.scores)
        return Scoring(scores, self.sample, self.kept.called(weights))


class Truths:
    """Digests of what forecasts of a model are held to, each computed once: a stack holds many seeds to the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[Split, str]] = {}

    def digest(self, split: Split, part: str, arrays: Callable[[], list[NDArray[Any] | Windows | None]]) -> str:
        """Return the digest of a part of a split, whose ``arrays`` are asked for the first time alone."""
        key = id(split), part
        if key not in self._known:
            self._known[key] = split, truth_digest(arrays())
        return self._known[key][1]


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
    forecast: ForecastSplit,
    model: Model,
    splits: Splits,
    weights: Weights,
    named: tuple[str, ...] = (),
    truths: Truths | None = None,
) -> Scoring:
    """Forecast and score every split that is scored.

    Args:
        forecast: Forecasts a split.
        model: Whose forecasts they are: it says at which positions it forecasts.
        splits: All that are scored.
        weights: What the scores are called.
        named: Metrics that are computed besides those of the task.
        truths: What earlier calls for the same model have left.

    Raises:
        NotFinite: A forecast is no finite number, or the score that ranks is none.
    """
    scores: list[Score] = []
    sample, kept, truths = None, Kept(), truths or Truths()
    for name, split in splits.evaluated().items():
        pair = _paired(forecast, model, split, name)
        scores += [Score(name, weights, *value) for value in evaluate(pair, named)]
        rank = ranking(split.task)
        value = score_of(tuple(scores), rank.name, name, weights)
        if value is not None and not math.isfinite(value):
            raise NotFinite(f"the {rank.heading} on {name} is {value}")
        if split is splits.valid:
            sample = sample_of(split, pair)
        kept += kept_of(split, pair, truths, name, weights)
    return Scoring(tuple(scores), sample, kept)


def positions_of(model: Model, task: Task) -> tuple[int, ...] | None:
    """Return the positions that a model forecasts at; None where these are all that the task asks for."""
    if not task.target.every_position or task.input_length is None:
        return None
    every = range(task.input_length)
    covered = tuple(every[model.positions(task)])
    return None if len(covered) == len(every) else covered


def kept_of(split: Split, pair: Scored, truths: Truths, name: str, weights: Weights) -> Kept:
    """Return the errors a window of a split by the metric that ranks, and of a test split the forecasts."""
    rank = ranking(split.task)
    twin = [metrics.get(rank.at_last)] if rank.at_last not in ("", rank.name) else []
    made = (_errors_of(each, split, pair, truths, name, weights) for each in (rank, *twin))
    errors = [each for each in made if each is not None]
    forecasts = _forecasts_of(split, pair, truths, name, weights) if name != "valid" else None
    return Kept(tuple(errors), () if forecasts is None else (forecasts,))


def _errors_of(
    metric: Metric, split: Split, pair: Scored, truths: Truths, name: str, weights: Weights
) -> KeptErrors | None:
    """Return a metric in each window; None where it says none."""
    found = metric.windows(pair)
    if found is None:
        return None
    alike = len(np.unique(found.counts)) == 1
    last = metric.at_last == metric.name
    seen = pair.at_last if last else pair
    assert seen is not None
    with np.errstate(over="ignore"):
        values = found.values.astype(np.float32)
    counts = None if alike else found.counts.astype(np.int32)
    part = "last position" if last else "positions"
    where = None if last else seen.positions  # windows of unlike length that end alike forecast the same
    truth = truths.digest(split, part, lambda: [seen.truth, where, seen.mask, split.series])
    return KeptErrors(name, weights, metric.name, truth, values, counts, split.series)


def _forecasts_of(split: Split, pair: Scored, truths: Truths, name: str, weights: Weights) -> KeptForecasts | None:
    """Return the forecasts of a split; None where they are large and none is made at the last position."""
    every = split.task.target.every_position
    size = pair.given_forecast.size * np.dtype(np.float32).itemsize
    last = every and size > KEPT_BYTES
    seen = pair.at_last if last else pair
    if seen is None or (not last and size > MOST_KEPT_BYTES):
        return None
    values = seen.given_forecast
    if split.task.target.is_class and split.task.classes == 2:
        values = values[..., 1]
    places = values.shape[:2] if every else values.shape[:1]
    task = split.task
    shape = task.output_shape if task.target.is_class else task.value_shape  # of quantiles the median
    shaped = values.reshape(*places, *shape).astype(np.float32)
    truth = truths.digest(split, "all", lambda: [split.y, split.mask, split.series])
    return KeptForecasts(name, weights, truth, shaped, last)


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
    ends = [last.truth - errors for _, errors in last.errors_of_levels()] if last.given_quantiles is not None else []
    return ForecastSample(
        window=list(range(n)),
        x=_rows(_in_units(split, split.x[:n, :, feature], n)),
        truth=_rows(last.truth[:n, 0, :, 0]),
        forecast=_rows(last.forecast[:n, 0, :, 0]),
        low=_rows(ends[0][:n, 0, :, 0]) if ends else [],
        high=_rows(ends[-1][:n, 0, :, 0]) if ends else [],
    )


def _in_units(split: Split, values: NDArray[Any], n: int) -> NDArray[Any]:
    """Return values ``(n, steps)`` of the first target in the first windows, in the units that are scored."""
    if split.rescaling is None or split.task.targets[0].name not in split.task.feature_names:
        return values
    back = split.rescaling
    spread, centre = (each[:n, :1] if each.ndim > 1 else each[:1] for each in (back.spread, back.centre))
    return values * spread + centre


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
