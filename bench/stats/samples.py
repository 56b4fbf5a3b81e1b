"""Scores over seeds, and what describes one model's alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
SAME = 1e-12
"""Differences and standard errors below this are rounding."""
LARGEST = 700.0
"""Logs above this are cut to it, so that no interval's end overflows."""


@dataclass(frozen=True)
class Summary:
    """Arithmetic mean, sample standard deviation (None below two values) and count."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Sample:
    """One model's scores over seeds; ``exact`` where a seed cannot change them (a predictor)."""

    values: Float64
    exact: bool = False


def summarise(values: ArrayLike) -> Summary | None:
    """Return the summary of the finite values, or None where there are none."""
    known = finite(values)
    if not len(known):
        return None
    return Summary(float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None, len(known))


def geometric_mean(values: ArrayLike) -> float | None:
    """Return the geometric mean of the finite values; None for none, or where one is not positive."""
    known = finite(values)
    if not len(known) or np.any(known <= 0):
        return None
    return float(np.exp(np.mean(np.log(known))))


def skill(mse: float, baseline_mse: float) -> float | None:
    """Return ``1 - mse / baseline``: 1 is perfect, 0 the baseline, below 0 worse than it."""
    return 1 - mse / baseline_mse if baseline_mse > 0 else None


def multiple_of_floor(mse: float, floor_mse: float | None) -> float | None:
    """Return how many times the noise floor an MSE is; 1 is the best that any forecast can expect."""
    return mse / floor_mse if floor_mse else None


def stuck(values: ArrayLike, factor: float = 3.0) -> NDArray[np.intp]:
    """Return the places of values above ``factor`` times the median, where three or more are known."""
    array = np.asarray(values, dtype=np.float64)
    known = finite(array)
    if len(known) < 3:
        return np.array([], dtype=np.intp)
    return np.flatnonzero(np.isfinite(array) & (array > factor * np.median(known)))


def finite(values: ArrayLike) -> Float64:
    """Return the finite values as a flat array."""
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def scaled(values: ArrayLike, log: bool) -> Float64:
    """Return the values as they are compared: their logs (a score of zero as 1e-300), or as they are."""
    array = np.asarray(values, dtype=np.float64)
    return np.log(np.maximum(array, 1e-300)) if log else array


def unscaled(value: float, log: bool) -> float:
    """Return a centre or an interval's end on the scale of the scores."""
    return float(np.exp(np.clip(value, -LARGEST, LARGEST))) if log else float(value)
