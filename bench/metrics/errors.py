"""Errors of numeric forecasts."""

import numpy as np

from bench.metrics.base import Scored, metric
from bench.task import TargetKind

NUMERIC = (TargetKind.LAST_STEP, TargetKind.EVERY_STEP)


@metric("mse", *NUMERIC, per_epoch=True)
def mse(pair: Scored) -> float:
    """Mean squared error over all windows, positions and forecast steps."""
    return float(np.mean((pair.truth - pair.forecast) ** 2))


@metric("last_time_step_mse", *NUMERIC, per_epoch=True)
def last_time_step_mse(pair: Scored) -> float:
    """Mean squared error of the forecast made at the window's last position.

    For a LAST_STEP task this is the MSE itself.
    """
    if pair.target is TargetKind.LAST_STEP:
        return mse(pair)
    return float(np.mean((pair.truth[:, -1] - pair.forecast[:, -1]) ** 2))


@metric("mae", *NUMERIC)
def mae(pair: Scored) -> float:
    """Mean absolute error over all windows, positions and forecast steps."""
    return float(np.mean(np.abs(pair.truth - pair.forecast)))


@metric("mse_per_step", *NUMERIC)
def mse_per_step(pair: Scored) -> list[float]:
    """MSE of each forecast step ``1..horizon`` at the last position (what the common table compares)."""
    truth, forecast = pair.truth, pair.forecast
    if pair.target is TargetKind.EVERY_STEP:
        truth, forecast = truth[:, -1], forecast[:, -1]
    return [float(v) for v in np.mean((truth - forecast) ** 2, axis=0)]


@metric("mse_odd_positions", TargetKind.EVERY_STEP)
def mse_odd_positions(pair: Scored) -> float:
    """MSE on target positions ``3::2`` alone, the only ones that a stride-2 convolution forecasts."""
    chosen = (pair.positions >= 3) & (pair.positions % 2 == 1)
    return float(np.mean((pair.truth[:, chosen] - pair.forecast[:, chosen]) ** 2))
