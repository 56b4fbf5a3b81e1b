"""One linear map from window to horizon for all channels, in closed form: the floor of linear networks of channels."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from bench.models.base import Forecast, Inputs, LeakingForecast, Predictor, Support, model
from bench.models.targets import continues_features, past_of_targets
from bench.task import Split, TargetKind, Task
from bench.windows import chunks

Float64 = NDArray[np.float64]


@model("channel_least_squares", paper="Toner and Darlow 2024, arXiv 2403.14587")
class ChannelLeastSquares(Predictor):
    """The least squares map, with an intercept, from a channel's past to its next steps; the same for all channels.

    DLinear and NLinear train this map over other features of the window (Toner and Darlow 2024, "An Analysis of Linear
    Time Series Forecasting Models", arXiv 2403.14587), so that neither has a smaller training error. RLinear and FITS
    nearly do: they scale by the window's deviation, and their intercept with it.

    Attributes:
        less_last: Take the window's last value off inputs and targets, as NLinear does.
        look_backs: Steps back from the window's end that the map may read; of several the one with the least error on
            validation. Empty for the whole window, which none is longer than.
    """

    general: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)

    less_last: bool = False
    look_backs: tuple[PositiveInt, ...] = ()

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; a target has to be among the features."""
        return continues_features(self, task) and super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit the longest look-back, where there is no validation to choose by."""
        return self._forecast(self._maps(train, task)[-1], task)

    def fit_choosing(self, train: Split, valid: Split, task: Task) -> Forecast:
        """Fit each look-back, and keep the one that validation prefers."""
        return self._forecast(self._best(self._maps(train, task), valid, task), task)

    def _maps(self, train: Split, task: Task) -> list[Float64]:
        """Return weights ``(1 + steps, horizon)`` for each look-back, the shortest first."""
        gram: Float64 | float = 0.0
        moment: Float64 | float = 0.0
        for x, y in self._rows(train, task):
            gram, moment = gram + x.T @ x, moment + x.T @ y
        gram, moment = np.asarray(gram), np.asarray(moment)
        found = []
        longest = len(gram) - 1
        for steps in sorted({min(each, longest) for each in self.look_backs or (longest,)}):
            kept = np.r_[0, len(gram) - steps : len(gram)]
            found.append(np.linalg.lstsq(gram[np.ix_(kept, kept)], moment[kept], rcond=None)[0].astype(np.float64))
        return found

    def _best(self, maps: list[Float64], split: Split, task: Task) -> Float64:
        """Return the map with the least squared error on a split."""
        if len(maps) == 1:
            return maps[0]
        squares = np.zeros(len(maps))
        for x, y in self._rows(split, task):
            squares += [float(np.square(y - _applied(x, weights)).sum()) for weights in maps]
        return maps[int(squares.argmin())]

    def _forecast(self, weights: Float64, task: Task) -> Forecast:
        def forecast(x: Inputs) -> NDArray[np.floating]:
            design, last = self._design(np.asarray(x), task)
            steps = _applied(design, weights) + last  # (windows * channels, horizon)
            shaped = steps.reshape(len(x), -1, task.horizon).swapaxes(1, 2)
            return shaped if len(task.targets) > 1 else shaped[..., 0]

        return forecast

    def _rows(self, split: Split, task: Task) -> Iterator[tuple[Float64, Float64]]:
        """Yield inputs with a one in front, and targets, of some windows, a row a channel."""
        for part in chunks(split.x):
            there = slice(None) if split.mask is None else split.mask[part]
            x, last = self._design(np.asarray(split.x[part][there]), task)
            y = np.asarray(split.y[part][there], np.float64).reshape(-1, task.horizon, len(task.targets))
            yield x, y.swapaxes(1, 2).reshape(-1, task.horizon) - last

    def _design(self, x: Inputs, task: Task) -> tuple[Float64, Float64]:
        series = x[..., past_of_targets(task)].astype(np.float64).swapaxes(1, 2).reshape(-1, x.shape[1])
        last = series[:, -1:] * self.less_last
        return np.concatenate([np.ones_like(last), series - last], axis=1), last


@model("channel_least_squares_peeking")
class PeekingChannelLeastSquares(ChannelLeastSquares):
    """As printed where the look-back is chosen on the reported score: that with the least error on what is scored."""

    leaks_target: ClassVar[bool] = True
    general: ClassVar[bool] = False

    def fit_leaking(self, train: Split, task: Task) -> LeakingForecast:
        """Fit each look-back; the forecast of a split is that of the best on it."""
        maps = self._maps(train, task)

        def forecast(split: Split) -> NDArray[np.floating]:
            made = self._forecast(self._best(maps, split, task), task)
            return np.concatenate([made(np.asarray(split.x[part])) for part in chunks(split.x)])

        return forecast


def _applied(design: Float64, weights: Float64) -> Float64:
    """Return what weights of the last steps make of rows that hold all steps."""
    made: Float64 = weights[0] + design[:, len(design[0]) - len(weights) + 1 :] @ weights[1:]
    return made
