"""Forecasts that repeat one value."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.models.base import Forecast, PeekingForecast, Predictor, model
from bench.task import Array, Split, TargetKind, Task


@model("naive")
class Naive(Predictor):
    """The last value seen, repeated over the horizon; of several features the first is forecast.

    On an EVERY_STEP task each position repeats its own value.
    """

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return the forecast; ``train`` is not looked at.

        Raises:
            BenchError: The task asks for a label.
        """
        if task.target is TargetKind.LABEL:
            raise BenchError(f"model 'naive' forecasts numbers; task {task.name!r} asks for a label")

        def forecast(x: Array) -> NDArray[np.floating]:
            values = x[:, :, :1] if task.target is TargetKind.EVERY_STEP else x[:, -1, :1]
            return np.repeat(values, task.horizon, axis=-1)

        return forecast


@model("naive_leaky")
class NaiveLeaky(Predictor):
    """The last *target* repeated over the horizon: erratum 1 as printed, which peeks at the answer."""

    peeks: ClassVar[bool] = True

    def fit_peeking(self, train: Split, task: Task) -> PeekingForecast:
        """Return the forecast; ``train`` is not looked at.

        Raises:
            BenchError: The task is not a LAST_STEP one.
        """
        if task.target is not TargetKind.LAST_STEP:
            raise BenchError(f"model 'naive_leaky' needs a last_step task; {task.name!r} is {task.target}")
        return lambda split: np.repeat(split.y[:, -1:], task.horizon, axis=1)
