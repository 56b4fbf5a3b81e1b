"""A reference that knows how the waves were made: two sine waves fitted to each window."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bench.models.base import Forecast, Inputs, Predictor, Support, model
from bench.task import Split, TargetKind, Task

Float64 = NDArray[np.float64]

WINDOWS_AT_ONCE = 500
"""Windows fitted together; bounds memory and changes no number but by rounding."""
STARTS = 2
"""Minima of each first search that a window's fit goes on from."""
PHASES = 16
"""Values of each phase in the search where the two bands meet."""
GRID_STEP = 1.0
"""Radians per unit of time between two frequencies of the first search."""
STEPS = 60
"""Steps of a fit at most; nearly all settle within fifteen."""
SETTLED = 1e-12
"""Relative fall of a window's squared error below which its fit has ended."""


@model("wave_oracle")
class WaveOracle(Predictor):
    """An achievable reference: the family of curves that the windows come from, fitted by least squares.

    Each window is taken for ``a sin(f t + p) + b sin(g t + q)`` plus noise. Amplitudes and the bands of
    the two frequencies are known; frequencies and phases are fitted to that window alone, and the curve is
    read off at the steps after it. The training split is not looked at.

    It is a reference and no optimum. The noise is uniform, so the least squared error is not the maximum
    of the likelihood; and a curve read off at one estimate is not the posterior mean, which has the least
    expected squared error. A fit may also end in a local minimum, since the squared error has many.

    The fit: ridge regression on sine and cosine of each pair of a grid of frequencies, scaled to the known
    amplitudes, gives the starts; where the bands come closest, and regression cannot tell two waves of one
    frequency apart, a grid of their phases gives some more. Levenberg's method with Marquardt's scaling
    (Marquardt, "An Algorithm for Least-Squares Estimation of Nonlinear Parameters", SIAM J. Appl. Math. 11,
    1963) goes on from the best local minima of both grids; the best end is kept. A frequency stays within its
    band.

    Attributes:
        points: Points of the time grid from 0 to 1 that the series lie on; the window is its first part.
        amplitudes: Of the slow and the fast wave.
        slow: The slow wave's band of frequencies, in radians per unit of time.
        fast: The fast wave's.
        oracle: It knows how its data were made.
    """

    oracle: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)

    points: int = Field(default=51, ge=2)
    amplitudes: tuple[float, float] = (0.5, 0.2)
    slow: tuple[float, float] = (10.0, 20.0)
    fast: tuple[float, float] = (20.0, 40.0)

    @model_validator(mode="after")
    def _bands(self) -> "WaveOracle":
        if min(self.amplitudes) <= 0 or not (0 < self.slow[0] < self.slow[1] and 0 < self.fast[0] < self.fast[1]):
            raise ValueError("amplitudes must be positive, and a band goes from a positive frequency to a higher one")
        return self

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; one series is forecast, and no further than its time grid reaches."""
        if task.features != 1 or len(task.targets) != 1 or task.vocabulary is not None or task.input_length is None:
            return self.misfit(task, "forecasts the steps after one series", "asks other")
        last = task.input_length + task.horizon
        if last > self.points:
            grid = f"has a grid of {self.points} points (give points = {last} or more, as the dataset has)"
            return self.misfit(task, grid, f"reaches step {last - 1}")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return the forecast; ``train`` is not looked at."""
        assert task.input_length is not None
        extend = self.extension(task.input_length, task.horizon)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            return extend(x[:, :, 0].astype(np.float32))[0]

        return forecast

    def extension(self, length: int, horizon: int) -> Callable[[NDArray[np.floating]], tuple[Float64, Float64]]:
        """Return a function that fits windows ``(n, length)``.

        It returns the next steps ``(n, horizon)`` and the mean squared error ``(n,)`` that each fit leaves.
        """
        time = np.arange(length + horizon) / (self.points - 1)
        time -= time[:length].mean()  # so that a frequency and its phase hardly depend on each other
        search = _Search.over(time[:length], self.amplitudes, self.slow, self.fast)

        def extend(windows: NDArray[np.floating]) -> tuple[Float64, Float64]:
            steps, errors = [np.empty((0, horizon))], [np.empty(0)]
            for first in range(0, len(windows), WINDOWS_AT_ONCE):
                at, squared = search.fit(windows[first : first + WINDOWS_AT_ONCE].astype(np.float64))
                steps.append(_curves(at, time[length:], self.amplitudes))
                errors.append(squared / length)
            return np.concatenate(steps), np.concatenate(errors)

        return extend


def _curves(at: Float64, time: Float64, amplitudes: tuple[float, float]) -> Float64:
    """Return the curves ``(n, times)`` of parameters ``(n, 4)``: slow frequency and phase, fast ones."""
    a, b = amplitudes
    slow, fast = (at[:, i, np.newaxis] * time + at[:, i + 1, np.newaxis] for i in (0, 2))
    return np.asarray(a * np.sin(slow) + b * np.sin(fast), dtype=np.float64)


def _lowest(surface: Float64, *, around: bool) -> NDArray[np.int64]:
    """Return flat indices ``(n, STARTS)`` of each ``(rows, columns)`` surface's deepest local minima.

    Other places fill up where there are fewer minima. ``around``: the edges of a surface meet.
    """
    n, rows, columns = surface.shape
    rim = ((0, 0), (1, 1), (1, 1))
    wide = np.pad(surface, rim, mode="wrap") if around else np.pad(surface, rim, constant_values=np.inf)
    nearby = [wide[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    minimum = (surface <= np.minimum.reduce(nearby)).reshape(n, -1)
    return np.lexsort((surface.reshape(n, -1), ~minimum), axis=1)[:, :STARTS]


@dataclass(frozen=True)
class _Search:
    """What every window's fit shares: the grid of frequency pairs and, for each, its ridge regression.

    Attributes:
        time: ``(length,)``, zero in the middle of the window.
        pairs: ``(pairs, 2)`` frequencies; ``shape`` is the grid's.
        columns: ``(pairs, length, 4)``: sine and cosine of the slow, then of the fast frequency.
        weights: ``(pairs, 4, length)``: from a window to the coefficients of its columns.
        low: Lower and ``high`` upper bounds of the parameters ``(4,)``.
    """

    time: Float64
    amplitudes: tuple[float, float]
    pairs: Float64
    shape: tuple[int, int]
    columns: Float64
    weights: Float64
    low: Float64
    high: Float64

    @classmethod
    def over(
        cls, time: Float64, amplitudes: tuple[float, float], slow: tuple[float, float], fast: tuple[float, float]
    ) -> "_Search":
        """Prepare the search over two bands."""
        grids = [np.linspace(lo, hi, max(2, round((hi - lo) / GRID_STEP) + 1)) for lo, hi in (slow, fast)]
        pairs = np.array(list(product(*grids)))
        angle = pairs[:, np.newaxis, :] * time[:, np.newaxis]
        columns = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(pairs), len(time), 4)
        gram = columns.transpose(0, 2, 1) @ columns
        ridge = 1e-3 * len(time) * np.eye(4)  # where both frequencies are one, the columns are too
        weights = np.linalg.solve(gram + ridge, columns.transpose(0, 2, 1))
        inf = np.inf
        return cls(
            time,
            amplitudes,
            pairs,
            (len(grids[0]), len(grids[1])),
            columns,
            weights,
            np.array([slow[0], -inf, fast[0], -inf]),
            np.array([slow[1], inf, fast[1], inf]),
        )

    def fit(self, x: Float64) -> tuple[Float64, Float64]:
        """Return each window's parameters ``(n, 4)`` and their squared error ``(n,)``."""
        starts = self._starts(x)
        n, k = starts.shape[:2]
        at, squared = self._descend(np.repeat(x, k, axis=0), starts.reshape(n * k, 4))
        squared = squared.reshape(n, k)
        best = squared.argmin(axis=1)
        rows = np.arange(n)
        return at.reshape(n, k, 4)[rows, best], squared[rows, best]

    def _starts(self, x: Float64) -> Float64:
        """Return ``(n, 2 STARTS, 4)`` parameters: half of them the deepest minima of the grid of frequency pairs."""
        n = len(x)
        phases = np.empty((n, len(self.pairs), 2))
        squared = np.empty((n, len(self.pairs)))
        for i, (columns, weights) in enumerate(zip(self.columns, self.weights, strict=True)):
            sines = (x @ weights.T).reshape(n, 2, 2)
            phases[:, i] = np.arctan2(sines[:, :, 1], sines[:, :, 0])
            # a sin(f t + p) = a cos(p) sin(f t) + a sin(p) cos(f t)
            known = np.stack([np.cos(phases[:, i]), np.sin(phases[:, i])], axis=-1)
            known *= np.array(self.amplitudes)[:, np.newaxis]
            squared[:, i] = ((x - known.reshape(n, 4) @ columns.T) ** 2).sum(axis=1)
        chosen = _lowest(squared.reshape(n, *self.shape), around=False)
        frequencies = self.pairs[chosen]
        phase = np.take_along_axis(phases, chosen[:, :, np.newaxis], axis=1)
        found = np.stack([frequencies[..., 0], phase[..., 0], frequencies[..., 1], phase[..., 1]], axis=-1)
        return np.concatenate([found, self._starts_where_bands_meet(x)], axis=1)

    def _starts_where_bands_meet(self, x: Float64) -> Float64:
        """Return ``(n, STARTS, 4)`` more, all at the end of the slow band and the beginning of the fast one."""
        circle = np.arange(PHASES) * (2 * np.pi / PHASES)
        slow, fast = np.meshgrid(circle, circle, indexing="ij")
        every = np.full(slow.size, 1.0)
        corner = np.stack([self.high[0] * every, slow.ravel(), self.low[2] * every, fast.ravel()], axis=-1)
        curves = _curves(corner, self.time, self.amplitudes)
        squared = (curves**2).sum(axis=1) - 2 * x @ curves.T  # and the window's own, the same for all
        return corner[_lowest(squared.reshape(len(x), PHASES, PHASES), around=True)]

    def _descend(self, x: Float64, start: Float64) -> tuple[Float64, Float64]:
        """Follow each ``(n, length)`` window from its start to a local minimum within the bounds."""
        at = start.copy()
        squared = ((x - _curves(at, self.time, self.amplitudes)) ** 2).sum(axis=1)
        damping = np.full(len(x), 1e-2)
        going = np.arange(len(x))
        for _ in range(STEPS):
            if not len(going):
                break
            here = at[going]
            tried = np.clip(here + self._step(x[going], here, damping[going]), self.low, self.high)
            then = squared[going]
            now = ((x[going] - _curves(tried, self.time, self.amplitudes)) ** 2).sum(axis=1)
            better = now < then
            at[going[better]], squared[going[better]] = tried[better], now[better]
            damping[going] *= np.where(better, 0.2, 5.0)
            settled = np.where(better, then - now <= SETTLED * then, damping[going] > 1e8)
            going = going[~settled]
        return at, squared

    def _step(self, x: Float64, at: Float64, damping: Float64) -> Float64:
        """Return the damped Gauss-Newton step ``(n, 4)``; a frequency at its bound is not pushed past it."""
        a, b = self.amplitudes
        slow, fast = (at[:, i, np.newaxis] * self.time + at[:, i + 1, np.newaxis] for i in (0, 2))
        left = x - a * np.sin(slow) - b * np.sin(fast)
        by_slow, by_fast = a * np.cos(slow), b * np.cos(fast)
        slopes = np.stack([by_slow * self.time, by_slow, by_fast * self.time, by_fast], axis=1)
        pull = (slopes @ left[:, :, np.newaxis])[:, :, 0]
        held = ((at <= self.low) & (pull < 0)) | ((at >= self.high) & (pull > 0))
        slopes[held] = 0.0
        pull[held] = 0.0
        square = slopes @ slopes.transpose(0, 2, 1)
        diagonal = np.einsum("nii->ni", square)  # a view
        diagonal *= 1 + damping[:, np.newaxis]
        diagonal += 1e-12
        return np.asarray(np.linalg.solve(square, pull[:, :, np.newaxis])[:, :, 0], dtype=np.float64)
