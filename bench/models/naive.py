"""Forecasts that repeat one value."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.models.base import REAL, Forecast, Inputs, LeakingForecast, Predictor, Support, model
from bench.models.targets import lacking_past, past_of_targets
from bench.task import Split, TargetKind, Task


@model("naive")
class Naive(Predictor):
    """The last value seen, repeated over the horizon; at every position its own value.

    A target is forecast by the feature of its name; a single one without such a feature by the first.
    """

    general: ClassVar[bool] = True
    first_look: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = REAL

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it has to know which feature a target repeats."""
        if task.vocabulary is not None:
            return self.misfit(task, "repeats values", "has token ids")
        if name := lacking_past(task):
            return self.misfit(task, "repeats the feature of a target's name", f"has none called {name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return the forecast; ``train`` is not looked at."""
        features = past_of_targets(task)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            values = np.asarray(x if task.target.every_position else x[:, -1], np.float32)[..., features]
            steps = np.repeat(values[..., np.newaxis, :], task.horizon, axis=-2)
            return steps if len(features) > 1 else steps[..., 0]

        return forecast


@model("naive_leaky")
class NaiveLeaky(Predictor):
    """The last *target* repeated over the horizon: erratum 1 as printed, which looks at the answer."""

    leaks_target: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)

    def fit_leaking(self, train: Split, task: Task) -> LeakingForecast:
        """Return the forecast; ``train`` is not looked at."""
        return lambda split: np.repeat(np.asarray(split.y[:, -1:], np.float32), task.horizon, axis=1)
