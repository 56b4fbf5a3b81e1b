"""Linear forecasts in closed form: the least squares fit with an intercept, in float64."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.models.base import REAL, Forecast, Inputs, Predictor, Support, model
from bench.task import Split, TargetKind, Task

Float64 = NDArray[np.float64]


@model("least_squares")
class LeastSquares(Predictor):
    """The linear map from window to targets with the least squared error on the training windows.

    On an EVERY_STEP task each position has its own map, from the steps up to it. What a mask leaves out is not fitted.
    """

    kinds: ClassVar[tuple[TargetKind, ...]] = REAL

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it forecasts what it is fitted on."""
        if task.vocabulary is not None:
            return self.misfit(task, "needs values to add up", "has token ids")
        taught = train or task
        if (taught.target, taught.value_shape) != (task.target, task.value_shape):
            return self.misfit(task, "forecasts what it is fitted on", f"is fitted on {taught.name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit on ``train``, which asks ``task``."""
        shape = task.value_shape
        there = np.ones(train.y.shape[: -len(shape)], bool) if train.mask is None else train.mask
        if not task.target.every_position:
            weights = _solve(train.x[there], train.y[there])
            return lambda x: (_design(x) @ weights).reshape(-1, *shape)

        steps = range(train.x.shape[1])
        causal = [_solve(train.x[there[:, t], : t + 1], train.y[there[:, t], t]) for t in steps]
        return lambda x: np.stack([(_design(x[:, : t + 1]) @ causal[t]).reshape(-1, *shape) for t in steps], axis=1)


@model("iterated_least_squares")
class IteratedLeastSquares(Predictor):
    """A one-step fit that forecasts more steps by sliding its window over its own forecasts."""

    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it is fitted on one step of one series, and forecasts any number of them."""
        taught = train or task
        series = all(len(t.targets) == t.features == 1 and t.vocabulary is None for t in (taught, task))
        if taught.target is not TargetKind.LAST_STEP or taught.horizon != 1 or not series:
            return self.misfit(task, "is fitted on the next step of one series", f"is fitted on {taught.name!r}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit one step on ``train``; the forecast takes as many steps as ``task`` asks."""
        there = slice(None) if train.mask is None else train.mask
        weights = _solve(train.x[there], train.y[there])

        def forecast(x: Inputs) -> NDArray[np.floating]:
            window, steps = x[:, :, 0].astype(np.float64), []
            for _ in range(task.horizon):
                steps.append(_design(window) @ weights)
                window = np.concatenate([window[:, 1:], steps[-1]], axis=1)
            return np.concatenate(steps, axis=1)

        return forecast


def _design(x: NDArray[np.floating | np.integer]) -> Float64:
    """Return ``(windows, 1 + inputs)``: a column of ones, then the flattened windows."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.concatenate([np.ones((len(x), 1)), flat], axis=1)


def _solve(x: NDArray[np.floating | np.integer], y: NDArray[np.floating | np.integer]) -> Float64:
    """Return weights ``(1 + inputs, outputs)``."""
    flat = y.reshape(len(y), -1).astype(np.float64)
    weights: Float64 = np.linalg.lstsq(_design(x), flat, rcond=None)[0].astype(np.float64)
    return weights
