"""Exponential smoothing, the Theta method and ARIMA, by statsforecast: the extra ``classical``.

Parameters are fitted once, to the training part; a window is forecast with them from its own steps. Each target is
forecast from its own past alone.
"""

import sys
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from bench.errors import BenchError
from bench.models.base import Forecast, Inputs, Support, model
from bench.models.forecasters import Repeating, shaped
from bench.models.series import Float64, stretches
from bench.models.targets import past_of_targets
from bench.task import Split, Task

Continue = Callable[[Float64], Float64]
"""From a window's past ``(steps,)`` to the steps after it ``(horizon,)``."""
NO_WHEELS = (3, 13)
"""The first Python for which statsforecast that goes with pandas 3 and scipy 1.17 has no wheels."""
SHORTEST = 6
"""Steps that a window without a season has at least."""
FLAT = 1e-9
"""A window that varies by so small a share besides its season is its season, at one level."""
JUDGED = 100
"""Windows of validation, evenly spread, that choose among the fits to several series."""


class Classical(Repeating):
    """Fits its parameters to the training part of each series, and continues windows with them.

    A window does not say which series it is of: of the fits to several series the one is kept that forecasts validation
    windows, 100 at most, with the least squared error, a choice for each target. A window whose values are all equal is
    continued by them. Forms are additive: values are taken from their mean in training, as scaled ones have no zero.

    Attributes:
        most_series: So many are fitted, those with most training steps.
        most_steps: So many are fitted of each, the last ones of its training part.
    """

    module: ClassVar[str] = "statsforecast"
    libraries: ClassVar[tuple[str, ...]] = ("statsforecast",)
    first_look: ClassVar[bool] = False

    most_series: PositiveInt = 5
    most_steps: PositiveInt = 1000

    @classmethod
    def installed(cls) -> Support:
        """As `Model.installed`; what goes with this package's other requirements is not made for every Python."""
        found = super().installed()
        if not found and sys.version_info >= NO_WHEELS:
            version = ".".join(map(str, NO_WHEELS))
            return Support(f"model {cls.name!r} needs {cls.module}, which is not to be had for Python {version} beside "
                           "this pandas and scipy; use an older Python")  # fmt: skip
        return found

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Repeating.supports`; a window tells where the season stands, and the level."""
        least = max(2 * task.season, SHORTEST)
        if task.input_length is not None and task.input_length < least:
            return self.misfit(task, f"needs windows of two seasons, {least} steps or more", f"has {task.input_length}")
        return super().supports(task, train)

    def fitted(self, series: Float64, season: int, horizon: int) -> Continue:
        """Return how a window is continued with parameters that are fitted to a series ``(steps,)`` about 0."""
        raise NotImplementedError

    def fit(self, train: Split, task: Task) -> Forecast:
        """Fit to the longest series, where there is no validation to choose by.

        Raises:
            BenchError: statsforecast is not installed.
        """
        return self._forecast([fits[0] for fits in self._fits(train, task, 1)], task)

    def fit_choosing(self, train: Split, valid: Split, task: Task) -> Forecast:
        """Fit to each series, and keep for each target what validation prefers.

        Raises:
            BenchError: statsforecast is not installed.
        """
        found = self._fits(train, task, self.most_series)
        chosen = np.unique(np.linspace(0, len(valid.x) - 1, JUDGED).astype(np.int64))
        x, y = valid.x[chosen], valid.y[chosen]
        answers = (y[:, -1] if task.target.every_position else y).reshape(len(y), task.horizon, -1)
        best = []
        for target, (feature, fits) in enumerate(zip(past_of_targets(task), found, strict=True)):
            errors = [0.0] if len(fits) == 1 else [
                float(np.mean((_continued(fit, x[:, :, feature], task) - answers[:, :, target]) ** 2)) for fit in fits
            ]  # fmt: skip
            best.append(fits[int(np.argmin(errors))])
        return self._forecast(best, task)

    def _fits(self, train: Split, task: Task, most: int) -> list[list[Continue]]:
        """Return the fits to each series, of each target; a constant series gives none unless all are."""
        if lacking := self.installed().reason:
            raise BenchError(lacking)
        series = stretches(train, task, most, self.most_steps)
        found: list[list[Continue]] = []
        for target in range(len(task.targets)):
            varying = [each[:, target] for each in series if np.ptp(each[:, target]) > 0]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of searches that end before they converge: the best found is taken
                fits = [self._about_its_mean(each, task) for each in varying]
            found.append(fits or [lambda past: np.full(task.horizon, past[-1])])
        return found

    def _about_its_mean(self, series: Float64, task: Task) -> Continue:
        mean = float(series.mean())
        fit = self.fitted(series - mean, task.season, task.horizon)
        return lambda past: fit(past - mean) + mean

    def _forecast(self, fits: list[Continue], task: Task) -> Forecast:
        features = past_of_targets(task)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            steps = [_continued(fit, x[:, :, at], task) for fit, at in zip(fits, features, strict=True)]
            return shaped(np.stack(steps, axis=-1), task)

        return forecast


def _continued(fit: Continue, past: NDArray[Any], task: Task) -> Float64:
    """Return ``(windows, horizon)`` from the pasts of one target ``(windows, steps)``."""
    made = np.empty((len(past), task.horizon))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # likewise
        for window, steps in enumerate(past.astype(np.float64)):
            made[window] = fit(steps) if np.ptp(steps) > 0 else steps[-1]
    return made


@model("auto_ets", paper="Hyndman, Koehler, Snyder and Grose 2002")
class AutoETS(Classical):
    """Exponential smoothing: trend and season by AICc, on the training part (statsforecast's ``AutoETS``).

    Form and smoothing parameters are those of the fit. The states that a window begins with are those that forecast
    its own steps with the least squared error, one step ahead: as all is linear, a forecast is one matrix times the
    window. Fitted to the last 1,000 steps of five series at most.
    """

    def fitted(self, series: Float64, season: int, horizon: int) -> Continue:
        """Fit, as `Classical.fitted`."""
        from statsforecast.models import AutoETS as Fitting

        found = Fitting(season_length=season).fit(series).model_
        maps: dict[int, Float64] = {}

        def continued(past: Float64) -> Float64:
            steps = len(past)
            if steps not in maps:
                maps[steps] = smoothing_maps(found["components"], found["par"], season, steps, horizon)[1]
            return np.asarray(past @ maps[steps])

        return continued


def smoothing_maps(form: str, parameters: Float64, season: int, steps: int, horizon: int) -> tuple[Float64, Float64]:
    """Return what windows are multiplied by, for the forecast of additive exponential smoothing.

    The first states ``(steps, states)`` that leave the least squared errors, and from these the forecast ``(steps,
    horizon)``.

    Hyndman et al., Forecasting with Exponential Smoothing (2008), chapter 3: the state x holds level, trend and the
    last seasons, latest first; ``y_t = w x_t-1 + e_t`` and ``x_t = F x_t-1 + g e_t``.

    Args:
        form: Error, trend, season and damping, such as ``"AANN"`` or ``"AAAD"``.
        parameters: alpha, beta, gamma and phi first; NaN for one that the form has not.
        season: In steps.
        steps: Of the window.
        horizon: Steps ahead.
    """
    alpha, beta, gamma, phi = np.nan_to_num(parameters[:4])
    trend, cycle = form[1] != "N", season if form[2] != "N" else 0
    damped = phi if form[3] == "D" else 1.0
    size = 1 + trend + cycle
    w, g, forward = np.zeros(size), np.zeros(size), np.zeros((size, size))
    w[0], g[0], forward[0, 0] = 1.0, alpha, 1.0
    if trend:
        w[1], g[1] = damped, beta
        forward[:2, 1] = damped
    if cycle:
        first = 1 + trend
        w[-1], g[first], forward[first, -1] = 1.0, gamma, 1.0
        forward[np.arange(first + 1, size), np.arange(first, size - 1)] = 1.0
    begun, seen = np.eye(size), np.zeros((size, steps))  # the state, as it follows from the first one and the window
    by_state, by_window = np.empty((steps, size)), np.empty((steps, steps))
    for step in range(steps):
        by_state[step], by_window[step] = -w @ begun, -w @ seen
        by_window[step, step] += 1.0
        begun = forward @ begun + np.outer(g, by_state[step])
        seen = forward @ seen + np.outer(g, by_window[step])
    first_states = -np.linalg.lstsq(by_state, by_window, rcond=None)[0]
    last = seen + begun @ first_states
    ahead = []
    for _ in range(horizon):
        ahead.append(w @ last)
        last = forward @ last
    return np.asarray(first_states.T, np.float64), np.stack(ahead, axis=1)


@model("auto_theta", paper="Fiorucci et al. 2016")
class AutoTheta(Classical):
    """The Theta method, of four forms the one with the least error in training (statsforecast's ``AutoTheta``).

    Form, parameters and whether there is a season are those of the fit; a window's first level and its season (by the
    usual decomposition, added back as the last one) are fitted to its own steps. Fitted to the last 1,000 steps of five
    series at most.
    """

    libraries: ClassVar[tuple[str, ...]] = ("statsforecast", "statsmodels")

    def fitted(self, series: Float64, season: int, horizon: int) -> Continue:
        """Fit, as `Classical.fitted`."""
        from statsforecast.models import AutoTheta as Fitting
        from statsforecast.theta import auto_theta, forecast_theta
        from statsmodels.tsa.seasonal import seasonal_decompose

        found = Fitting(season_length=season).fit(series).model_
        chosen = {"model": found["modeltype"], "alpha": found["par"]["alpha"], "theta": found["par"]["theta"]}
        seasonal = found.get("decompose", False)

        def continued(past: Float64) -> Float64:
            cycle = seasonal_decompose(past, period=season).seasonal if seasonal else np.zeros(len(past))
            rest = past - cycle
            ahead = cycle[len(cycle) - season + np.arange(horizon) % season]
            if np.ptp(rest) <= FLAT * np.ptp(past):
                return np.asarray(rest[-1] + ahead)
            return np.asarray(forecast_theta(auto_theta(rest, 1, **chosen), horizon)["mean"] + ahead)

        return continued


@model("auto_arima", paper="Hyndman and Khandakar 2008")
class AutoARIMA(Classical):
    """Seasonal ARIMA, its orders by AICc in a stepwise search with approximate likelihoods (statsforecast).

    Up to p, q = 3 and P, Q = 1, so that a season of 24 costs seconds. A window is forecast by statsforecast's
    ``forward``: the coefficients are those of the fit, the states those of the window. Fitted to the last 1,000 steps
    of five series at most.

    Attributes:
        most_order: The most of p and of q.
        most_seasonal_order: The most of P and of Q.
    """

    most_order: PositiveInt = 3
    most_seasonal_order: PositiveInt = 1

    def fitted(self, series: Float64, season: int, horizon: int) -> Continue:
        """Fit, as `Classical.fitted`."""
        from statsforecast.models import AutoARIMA as Fitting

        order, seasonal = self.most_order, self.most_seasonal_order
        orders = {"max_p": order, "max_q": order, "max_P": seasonal, "max_Q": seasonal}
        found = Fitting(season_length=season, approximation=True, **orders).fit(series)
        return lambda past: np.asarray(found.forward(past, horizon)["mean"])
