"""Gradient-boosted trees on the lags that a window holds, by scikit-learn: the extra ``classical``."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from bench.errors import BenchError
from bench.models.base import Forecast, Inputs, Support, model
from bench.models.forecasters import Forecaster, shaped
from bench.models.series import Float64
from bench.models.targets import lacking_past, past_of_targets
from bench.task import Split, Task

Share = Annotated[float, Field(gt=0, lt=1)]


@model("boosted_lags", paper="Friedman 2001; scikit-learn's HistGradientBoostingRegressor")
class BoostedLags(Forecaster):
    """Trees on a window's numbers and on how many steps ahead is asked: one ensemble a target, for all steps.

    Each feature that is a target's past is told as the difference from its last value, and the forecast is one from
    the target's: trees do not reach beyond the values that they have seen. Squared error; boosting ends where
    validation has got no better for ten rounds. Fitted to 5,000 training windows at most, spread evenly, each at every
    step ahead, and judged by 1,000 of validation.

    Attributes:
        most_windows: So many training windows are fitted; a fifth as many of validation end it.
        rounds: Trees at most.
        learning_rate: Of each tree.
    """

    module: ClassVar[str] = "sklearn"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    first_look: ClassVar[bool] = False

    most_windows: PositiveInt = 5000
    rounds: PositiveInt = 300
    learning_rate: Share = 0.1

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Forecaster.supports`; a target has to be among the features, and what is forecast is what is fitted."""
        taught = train or task
        if name := lacking_past(task):
            return self.misfit(task, "counts from the feature of a target's name", f"has none called {name!r}")
        if (taught.target, taught.value_shape) != (task.target, task.value_shape):
            return self.misfit(task, "forecasts what it is fitted on", f"is fitted on {taught.name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit all rounds, where there is no validation to end by.

        Raises:
            BenchError: scikit-learn is not installed.
        """
        return self._fit(train, None, task)

    def fit_choosing(self, train: Split, valid: Split, task: Task) -> Forecast:
        """Fit until validation gets no better.

        Raises:
            BenchError: scikit-learn is not installed.
        """
        return self._fit(train, valid, task)

    def _fit(self, train: Split, valid: Split | None, task: Task) -> Forecast:
        if lacking := self.installed().reason:
            raise BenchError(lacking)
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        taught = _rows(train, task, self.most_windows)
        judged = _rows(valid, task, max(1, self.most_windows // 5)) if valid else None
        fits = []
        for target in range(len(task.targets)):
            trees = HistGradientBoostingRegressor(
                max_iter=self.rounds,
                learning_rate=self.learning_rate,
                early_stopping=judged is not None,
                random_state=0,
            )
            told = {"X_val": judged[0], "y_val": judged[1][:, target]} if judged else {}
            with threadpool_limits(1, "openmp"):  # sums in one order; waiting threads cost more than they bring
                fits.append(trees.fit(taught[0], taught[1][:, target], **told))

        def forecast(x: Inputs) -> NDArray[np.floating]:
            inputs, last = _inputs(x, task)
            made = np.stack([fit.predict(inputs) for fit in fits], axis=-1).reshape(len(x), task.horizon, -1)
            return shaped(made + last[:, np.newaxis], task)

        return forecast


def _rows(split: Split, task: Task, most: int) -> tuple[Float64, Float64]:
    """Return inputs ``(windows * horizon, inputs)`` and targets less the last values, of some windows of a split."""
    there = np.arange(len(split.x))
    if split.mask is not None:
        there = np.flatnonzero(split.mask[:, -1] if task.target.every_position else split.mask)
    chosen = there[np.unique(np.linspace(0, len(there) - 1, min(most, len(there))).astype(np.int64))]
    inputs, last = _inputs(split.x[chosen], task)
    y = split.y[chosen].astype(np.float64)
    answers = (y[:, -1] if task.target.every_position else y).reshape(len(chosen), task.horizon, -1)
    return inputs, (answers - last[:, np.newaxis]).reshape(len(inputs), -1)


def _inputs(x: Inputs, task: Task) -> tuple[Float64, Float64]:
    """Return inputs ``(windows * horizon, numbers of a window + 1)``, and the targets' last values."""
    features, values = past_of_targets(task), x.astype(np.float64)
    last = values[:, -1, features]
    values[:, :, features] -= last[:, np.newaxis]
    flat = np.repeat(values.reshape(len(x), -1), task.horizon, axis=0)
    return np.column_stack([flat, np.tile(np.arange(1.0, task.horizon + 1), len(x))]), last
