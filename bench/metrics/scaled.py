"""Errors of real values in the units of the data, and over those of a seasonal naive forecast."""

import numpy as np

from bench.metrics.base import REAL, Float64, Scored, WindowErrors, by_window, metric, squared_errors
from bench.metrics.errors import squared
from bench.metrics.traits import Axis


@metric("rmse", *REAL, heading="RMSE", opt_in=True, tabled=True, windows=squared, of_mean=np.sqrt)
def rmse(pair: Scored) -> float:
    """Root of the mean squared error over all windows, positions, forecast steps and targets."""
    return float(np.sqrt(np.mean(squared_errors(pair))))


def scaled_errors(pair: Scored) -> WindowErrors | None:
    """Return each window's mean absolute error, each target's over that of the seasonal naive forecast.

    A window of a series without such a scale, as of one that is constant in training, does not count. None where no
    window has one.
    """
    scale = pair.naive_error
    if scale is None:
        return None
    known = np.min(scale, axis=1) > 0
    if not known.any():
        return None
    each: Float64 = np.abs(pair.errors())
    each /= np.where(known[:, np.newaxis], scale, 1.0)[:, np.newaxis, np.newaxis]
    found = by_window(pair, each)
    return WindowErrors(np.where(known, found.values, 0.0), np.where(known, found.counts, 0))


@metric("mase", *REAL, heading="MASE", opt_in=True, tabled=True, windows=scaled_errors)
def mase(pair: Scored) -> float | None:
    """Mean absolute error over that of the seasonal naive forecast, one season ahead, in the training part.

    By series and target; below 1 is better than that forecast was there (Hyndman and Koehler 2006).
    """
    found = scaled_errors(pair)
    return None if found is None else float(np.average(found.values, weights=found.counts))


@metric("mae_per_step", *REAL, heading="MAE by step", axis=Axis.STEP, opt_in=True)
def mae_per_step(pair: Scored) -> list[float] | None:
    """MAE of each forecast step ``1..horizon`` at the last position."""
    last = pair.at_last
    if last is None:
        return None
    errors = last.scored(np.abs(last.errors())).reshape(-1, pair.task.horizon, len(pair.task.targets))
    return [float(v) for v in np.mean(errors, axis=(0, 2))]


@metric("mae_per_target", *REAL, heading="MAE by target", axis=Axis.TARGET, opt_in=True)
def mae_per_target(pair: Scored) -> list[float] | None:
    """MAE of each target, in its own unit, over windows, positions and steps; where there are several."""
    targets = len(pair.task.targets)
    if targets < 2:
        return None
    return [float(v) for v in np.mean(pair.scored(np.abs(pair.errors())).reshape(-1, targets), axis=0)]
