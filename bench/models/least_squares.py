"""Linear forecasts in closed form: the least squares fit with an intercept, in float64."""

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.models.base import Forecast, Predictor, model
from bench.task import Array, Split, TargetKind, Task

Float64 = NDArray[np.float64]


@model("least_squares")
class LeastSquares(Predictor):
    """The linear map from window to target with the least squared error on the training windows.

    On an EVERY_STEP task each position has its own map, from the steps up to it.
    """

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit on ``train``, which must ask ``task``.

        Raises:
            BenchError: The task asks for a label, or ``train`` asks another task.
        """
        if task.target is TargetKind.LABEL or train.task.target_shape(1) != task.target_shape(1):
            raise BenchError(f"least squares cannot learn task {task.name!r} from {train.task.name!r}")
        if task.target is TargetKind.LAST_STEP:
            weights = _solve(train.x, train.y)
            return lambda x: _design(x) @ weights

        steps = range(train.x.shape[1])
        causal = [_solve(train.x[:, : t + 1], train.y[:, t]) for t in steps]
        return lambda x: np.stack([_design(x[:, : t + 1]) @ causal[t] for t in steps], axis=1)


@model("iterated_least_squares")
class IteratedLeastSquares(Predictor):
    """A one-step fit that forecasts more steps by sliding its window over its own forecasts."""

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit one step on ``train``; the forecast takes as many steps as ``task`` asks.

        Raises:
            BenchError: A task is not a LAST_STEP one of one feature, or ``train`` asks more than a step.
        """
        asked = {train.task.target, task.target}
        if asked != {TargetKind.LAST_STEP} or train.task.horizon != 1 or train.task.features != 1:
            raise BenchError(f"least squares cannot iterate from task {train.task.name!r}")
        weights = _solve(train.x, train.y)

        def forecast(x: Array) -> NDArray[np.floating]:
            window, steps = x[:, :, 0].astype(np.float64), []
            for _ in range(task.horizon):
                steps.append(_design(window) @ weights)
                window = np.concatenate([window[:, 1:], steps[-1]], axis=1)
            return np.concatenate(steps, axis=1)

        return forecast


def _design(x: NDArray[np.floating]) -> Float64:
    """Return ``(windows, 1 + inputs)``: a column of ones, then the flattened windows."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.concatenate([np.ones((len(x), 1)), flat], axis=1)


def _solve(x: NDArray[np.floating], y: NDArray[np.floating]) -> Float64:
    """Return weights ``(1 + inputs, outputs)``."""
    weights: Float64 = np.linalg.lstsq(_design(x), y.astype(np.float64), rcond=None)[0].astype(np.float64)
    return weights
