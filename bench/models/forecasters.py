"""Forecasts that a forecaster would try first, in closed form: seasonal naive, drift, and ridge regression.

Each is made at the window's last position, whatever the task asks at others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.models.base import REAL, Forecast, Inputs, Predictor, Support, model
from bench.models.targets import lacking_past, past_of_targets
from bench.task import Split, TargetKind, Task, Values
from bench.windows import chunks

Float64 = NDArray[np.float64]


class Forecaster(Predictor):
    """Forecasts real values from what stands in a window, at its last position."""

    kinds: ClassVar[tuple[TargetKind, ...]] = REAL
    general: ClassVar[bool] = True
    first_look: ClassVar[bool] = True

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it counts with values."""
        if task.vocabulary is not None:
            return self.misfit(task, "counts with values", "has token ids")
        return super().supports(task, train)

    def positions(self, task: Task) -> slice:
        """As `Model.positions`: the last one."""
        return slice(-1, None)


class Repeating(Forecaster):
    """Continues the past of each target, which is the feature of its name."""

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Forecaster.supports`; a target has to be among the features."""
        if name := lacking_past(task):
            return self.misfit(task, "continues the feature of a target's name", f"has none called {name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return the forecast; ``train`` is not looked at."""
        features, ahead = past_of_targets(task), np.arange(1, task.horizon + 1)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            return shaped(self.continued(x[:, :, features].astype(np.float64), ahead, task), task)

        return forecast

    def continued(self, past: Float64, ahead: NDArray[np.int64], task: Task) -> Float64:
        """Return ``(windows, horizon, targets)`` from the past ``(windows, steps, targets)``, so many steps ahead."""
        raise NotImplementedError


@model("seasonal_naive")
class SeasonalNaive(Repeating):
    """The value one season before, or as many seasons as it takes to lie in the window; the season is the task's.

    Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2.
    """

    baseline_of_seasons: ClassVar[bool] = True

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Repeating.supports`; there is a season, and a window holds one."""
        if task.season == 1:
            return self.misfit(task, "repeats a season", "has none")
        if task.input_length is not None and task.input_length < task.season:
            return self.misfit(task, f"needs windows of a season, {task.season} steps", f"has {task.input_length}")
        return super().supports(task, train)

    def continued(self, past: Float64, ahead: NDArray[np.int64], task: Task) -> Float64:
        """Return the last season, again and again."""
        return past[:, past.shape[1] - task.season + (ahead - 1) % task.season]


@model("drift")
class Drift(Repeating):
    """The line through the first and the last value of the window, continued.

    Hyndman and Athanasopoulos, as above, where it is the line through the whole past.
    """

    def continued(self, past: Float64, ahead: NDArray[np.int64], task: Task) -> Float64:
        """Return the line."""
        slope = (past[:, -1:] - past[:, :1]) / max(past.shape[1] - 1, 1)
        line: Float64 = past[:, -1:] + slope * ahead[:, np.newaxis]
        return line


@model("ridge")
class Ridge(Forecaster):
    """Linear maps from window to targets, in closed form, with a penalty on squared weights.

    Each target is forecast from the whole window, or from its own past and what is no target's; which, and with which
    of the penalties, is what has the least squared error on the validation windows. The intercept is not penalised. The
    windows are never copied whole: what is needed of them are sums.

    Attributes:
        penalties: In units of the mean variance of an input.
    """

    penalties: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (
        *(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        *(1.0, 10.0, 100.0),
    )

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Forecaster.supports`; it forecasts what it is fitted on."""
        taught = train or task
        if (taught.target, taught.value_shape) != (task.target, task.value_shape):
            return self.misfit(task, "forecasts what it is fitted on", f"is fitted on {taught.name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit from the whole window with the first penalty, where there is no validation to choose by."""
        path = _Path(_Moments(train), slice(None))
        return _linear([path.weights(self.penalties[0], outputs) for outputs in _outputs(task)], task)

    def fit_choosing(self, train: Split, valid: Split, task: Task) -> Forecast:
        """Fit each way, and keep for each target the one that validation prefers."""
        moments = _Moments(train)
        whole, past = _Path(moments, slice(None)), past_of_targets(task)
        chosen = []
        for target, outputs in enumerate(_outputs(task)):
            others = np.array([f not in past or f == past[target] for f in range(task.features)])
            paths = [whole] if others.all() else [whole, _Path(moments, np.tile(others, len(whole.x) // task.features))]
            fits = [path.weights(penalty, outputs) for path in paths for penalty in self.penalties]
            squares = np.zeros(len(fits))
            for x, y in _passes(valid):
                squares += [float(np.sum(np.square(y[:, outputs] - fit(x)))) for fit in fits]
            chosen.append(fits[int(np.argmin(squares))])
        return _linear(chosen, task)


class _Moments:
    """Means and covariances over the windows of a split.

    Of what they differ from the first one by: sums of squares of large numbers that hardly differ lose digits.
    """

    def __init__(self, train: Split):
        n, sums, origin = 0, [np.zeros(())] * 4, None
        for x, y in _passes(train):
            origin = origin or (x[0], y[0])
            n, x, y = n + len(x), x - origin[0], y - origin[1]
            sums = [a + b for a, b in zip(sums, (x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y), strict=True)]
        assert origin is not None, "a split has windows"
        x, y, xx, xy = (each / n for each in sums)
        self.x, self.y = x + origin[0], y + origin[1]
        self.xx, self.xy = xx - np.outer(x, x), xy - np.outer(x, y)


@dataclass(frozen=True)
class _Fit:
    """A linear map of some inputs of a window: from ``(windows, all inputs)`` to ``(windows, outputs)``."""

    inputs: slice | NDArray[np.bool_]
    slopes: Float64
    start: Float64

    def __call__(self, x: Float64) -> Float64:
        made: Float64 = x[:, self.inputs] @ self.slopes + self.start
        return made


class _Path:
    """What the fits from some inputs with any penalty follow from."""

    def __init__(self, moments: _Moments, inputs: slice | NDArray[np.bool_]):
        self._inputs, self._moments = inputs, moments
        self.x: Float64 = moments.x[inputs]
        values, self._vectors = np.linalg.eigh(moments.xx[inputs][:, inputs])
        self._values = np.maximum(values, 0.0)

    def weights(self, penalty: float, outputs: slice) -> _Fit:
        """Return the fit of some outputs."""
        shrunk = self._values + penalty * max(float(self._values.mean()), np.finfo(np.float64).tiny)
        along = self._vectors.T @ self._moments.xy[self._inputs, outputs]
        slopes: Float64 = self._vectors @ (along / shrunk[:, np.newaxis])
        return _Fit(self._inputs, slopes, self._moments.y[outputs] - self.x @ slopes)


def _outputs(task: Task) -> list[slice]:
    """Return where each target's steps stand among flat targets."""
    return [slice(target, None, len(task.targets)) for target in range(len(task.targets))]


def _linear(fits: list[_Fit], task: Task) -> Forecast:
    """Return the forecast that one map a target makes."""

    def forecast(x: Inputs) -> NDArray[np.floating]:
        flat = _flat(x)
        return shaped(np.stack([fit(flat) for fit in fits], axis=-1), task)

    return forecast


def _passes(split: Split) -> Iterator[tuple[Float64, Float64]]:
    """Yield inputs and targets of the last position that count, some windows at a time, flat ``(windows, ...)``."""
    every = split.task.target.every_position
    for part in chunks(split.x):
        x, y = split.x[part], split.y[part]
        if every:
            y = y[:, -1]
        if split.mask is not None:
            there = split.mask[part][:, -1] if every else split.mask[part]
            x, y = x[there], y[there]
        yield _flat(x), _flat(y)


def _flat(values: Values) -> Float64:
    return values.reshape(len(values), -1).astype(np.float64)


def shaped(values: Float64, task: Task) -> NDArray[np.floating]:
    """Return forecasts ``(windows, horizon, targets)`` as the task has them, at the last position of several."""
    made = values.reshape(len(values), *task.value_shape)
    return made[:, np.newaxis] if task.target.every_position else made
