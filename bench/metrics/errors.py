"""Errors of real values."""

import numpy as np

from bench.metrics.base import REAL, Scored, WindowErrors, by_window, metric, squared_errors
from bench.metrics.traits import Axis


def squared(pair: Scored | None) -> WindowErrors | None:
    """Return the mean squared error of each window."""
    return None if pair is None else by_window(pair, np.square(pair.errors()))


@metric("mse", *REAL, heading="MSE", tabled=True, ranks=True, monitors=True, per_epoch=True,
        at_last="last_time_step_mse", windows=squared)  # fmt: skip
def mse(pair: Scored) -> float:
    """Mean squared error over all windows, positions, forecast steps and targets."""
    return float(np.mean(squared_errors(pair)))


@metric("last_time_step_mse", *REAL, heading="last-step MSE", tabled=True, per_epoch=True,
        at_last="last_time_step_mse", windows=lambda pair: squared(pair.at_last))  # fmt: skip
def last_time_step_mse(pair: Scored) -> float | None:
    """Mean squared error of the forecast made at the window's last position.

    For a task that asks for no other this is the MSE itself.
    """
    last = pair.at_last
    return None if last is None else mse(last)


@metric("mae", *REAL, heading="MAE", windows=lambda pair: by_window(pair, np.abs(pair.errors())))
def mae(pair: Scored) -> float:
    """Mean absolute error over all windows, positions, forecast steps and targets."""
    return float(np.mean(pair.scored(np.abs(pair.errors()))))


@metric("mse_per_step", *REAL, heading="MSE by step", axis=Axis.STEP, at_last="mse_per_step")
def mse_per_step(pair: Scored) -> list[float] | None:
    """MSE of each forecast step ``1..horizon`` at the last position."""
    last = pair.at_last
    if last is None:
        return None
    errors = squared_errors(last).reshape(-1, pair.task.horizon, len(pair.task.targets))
    return [float(v) for v in np.mean(errors, axis=(0, 2))]


@metric("mse_per_target", *REAL, heading="MSE by target", axis=Axis.TARGET)
def mse_per_target(pair: Scored) -> list[float] | None:
    """MSE of each target, in its own unit squared, over windows, positions and steps; where there are several."""
    if len(pair.task.targets) < 2:
        return None
    errors = squared_errors(pair).reshape(-1, len(pair.task.targets))
    return [float(v) for v in np.mean(errors, axis=0)]
