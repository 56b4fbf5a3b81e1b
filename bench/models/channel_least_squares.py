"""One linear map for all channels, in closed form: what DLinear, NLinear and their like are trained towards."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Forecast, Inputs, Predictor, Support, model
from bench.models.targets import lacking_past, past_of_targets
from bench.task import Split, TargetKind, Task
from bench.windows import chunks

Float64 = NDArray[np.float64]


@model("channel_least_squares", paper="Toner and Darlow 2024, arXiv 2403.14587")
class ChannelLeastSquares(Predictor):
    """The linear map from a channel's window to its horizon, with an intercept, that has the least squared error.

    One map for the windows of all targets together, from each target's own past alone. It is solved from sums over the
    windows of what they differ from the means by, so windows are never copied whole.

    Attributes:
        last: Take a window's last value off before, and add it again after, as NLinear does.
    """

    general: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)

    last: bool = False

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; each target is one of the features, and it forecasts what it is fitted on."""
        taught = train or task
        if task.vocabulary is not None or taught.value_shape != task.value_shape:
            return self.misfit(task, "forecasts the real values that it is fitted on", f"is fitted on {taught.name!r}")
        if name := lacking_past(task):
            return self.misfit(task, "continues the feature of a target's name", f"has none called {name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit on ``train``, which asks ``task``."""
        places, horizon = past_of_targets(task), task.horizon
        count = 0
        sums = np.zeros(train.x.shape[1] + horizon)
        squares = np.zeros((len(sums), len(sums)))
        for part in chunks(train.x):
            there = slice(None) if train.mask is None else train.mask[part]
            past, _ = self._channels(train.x[part][there], places)
            last = np.repeat(train.x[part][there][:, -1, places].astype(np.float64)[..., np.newaxis], horizon, axis=-1)
            ahead = np.moveaxis(train.y[part][there].reshape(-1, horizon, len(places)).astype(np.float64), 1, 2)
            rows = np.concatenate([past, (ahead - last if self.last else ahead).reshape(-1, horizon)], axis=1)
            count += len(rows)
            sums += rows.sum(axis=0)
            squares += rows.T @ rows
        means = sums / count
        covariance = squares / count - np.outer(means, means)
        steps = train.x.shape[1]
        slopes = np.linalg.lstsq(covariance[:steps, :steps], covariance[:steps, steps:], rcond=None)[0]
        start = means[steps:] - means[:steps] @ slopes

        def forecast(x: Inputs) -> NDArray[np.floating]:
            past, last = self._channels(np.asarray(x), places)
            made = (past @ slopes + start + last).reshape(len(x), len(places), horizon)
            return np.moveaxis(made, 1, 2).reshape(-1, *task.value_shape)

        return forecast

    def _channels(self, x: Inputs, places: list[int]) -> tuple[Float64, Float64]:
        """Return the pasts of all targets ``(windows * targets, steps)`` and what is taken off them ``(..., 1)``."""
        past = np.moveaxis(x[:, :, places].astype(np.float64), 1, 2).reshape(-1, x.shape[1])
        last = past[:, -1:] if self.last else np.zeros((len(past), 1))
        return past - last, last
