"""Scores over seeds, and what describes one model's alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
SAME = 1e-12
"""Differences and standard errors below this are rounding."""
LARGEST = float(np.finfo(np.float64).max)
"""No interval's end lies beyond the largest number."""
ZERO = float(np.nextafter(0.0, 1.0))
"""What a score of zero counts as where logs are compared: it lies below every other, and has a log."""


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
    scale = scale_of(known, log=False)
    there = scale.to(known)
    deviation = scale.length(float(np.std(there, ddof=1))) if len(known) > 1 else None
    return Summary(scale.back(float(np.mean(there))), deviation, len(known))


def geometric_mean(values: ArrayLike) -> float | None:
    """Return the geometric mean of the finite values, 0 where one is 0; None for none, or where one is negative."""
    known = finite(values)
    if not len(known) or np.any(known < 0):
        return None
    return 0.0 if np.any(known == 0) else float(np.exp(np.mean(np.log(known))))


def skill(mse: float, baseline_mse: float) -> float | None:
    """Return ``1 - mse / baseline``: 1 is perfect, 0 the baseline, below 0 worse than it; None over a baseline of 0."""
    return 1 - float(mse) / float(baseline_mse) if baseline_mse > 0 else None


def multiple_of_floor(mse: float, floor_mse: float | None) -> float | None:
    """Return how many times the noise floor an MSE is; 1 is the best that any forecast can expect."""
    return float(mse) / float(floor_mse) if floor_mse else None


def finite(values: ArrayLike) -> Float64:
    """Return the finite values as a flat array."""
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


@dataclass(frozen=True)
class Scale:
    """The scale that scores are worked on: their logs, or the scores over a power of two near the largest of them.

    Over that power no square of a score of 1e200 overflows, and none of 1e-200 vanishes; nothing is rounded by it.

    Attributes:
        log: Differences are ratios.
        exponent: Of that power; 0 for logs.
    """

    log: bool
    exponent: int = 0

    def to(self, values: ArrayLike) -> Float64:
        """Return scores on it; of logs a score of zero as that of `ZERO`."""
        array = np.asarray(values, dtype=np.float64)
        return np.log(np.maximum(array, ZERO)) if self.log else np.ldexp(array, -self.exponent)

    def back(self, value: float) -> float:
        """Return a centre or an interval's end as a score, cut to `LARGEST`."""
        return float(np.clip(self.length(value), -LARGEST, LARGEST))

    def length(self, distance: float) -> float:
        """Return a distance on it as a ratio or a difference, infinite where no number is so large."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.exp(distance) if self.log else np.ldexp(distance, self.exponent))


def scale_of(*values: Float64, log: bool) -> Scale:
    """Return the scale that these scores are worked on."""
    if log:
        return Scale(True)
    largest = max((float(np.max(np.abs(each))) for each in values if len(each)), default=0.0)
    return Scale(False, int(np.frexp(largest)[1]))
