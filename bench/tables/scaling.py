"""Scales of columns, fitted on the training part alone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

Float64 = NDArray[np.float64]
Scaling = Literal["none", "standard", "series"] | float


@dataclass(frozen=True)
class Scales:
    """What is taken from a column's values, and what they are divided by: ``(value - centre) / spread``.

    Attributes:
        centre: ``(1, columns)``, or ``(series, columns)`` where each series has its own.
        spread: Likewise; above 0.
    """

    centre: Float64
    spread: Float64

    def rows(self, series: NDArray[np.int64]) -> tuple[Float64, Float64]:
        """Return centre and spread as they go with rows of these series: ``(1, columns)`` or ``(rows, columns)``."""
        return (self.centre, self.spread) if len(self.centre) == 1 else (self.centre[series], self.spread[series])

    def scaled(self, values: Float64, series: NDArray[np.int64]) -> Float64:
        """Return values ``(rows, columns)`` on these scales."""
        centre, spread = self.rows(series)
        return (values - centre) / spread


def fit_scales(how: Scaling, values: Float64, series: NDArray[np.int64], names: tuple[str, ...]) -> Scales:
    """Fit scales on the rows of the training part.

    Args:
        how: ``"standard"`` takes each column's mean and divides by its standard deviation, ``"series"`` does so in each
            series; a number divides by it; ``"none"`` leaves values as they are. A column that does not vary is divided
            by 1.
        values: Of the training part ``(rows, columns)``.
        series: Of each row ``(rows,)``.
        names: Of all series.

    Raises:
        BenchError: A series has no row in the training part, and is to have a scale of its own.
    """
    columns = values.shape[1]
    if not isinstance(how, str) or how == "none":
        return Scales(np.zeros((1, columns)), np.full((1, columns), 1.0 if isinstance(how, str) else how))
    groups, count = (series, len(names)) if how == "series" else (np.zeros(len(values), np.int64), 1)
    rows = np.bincount(groups, minlength=count)
    if not rows.all():
        name = names[int((rows == 0).argmax())]
        raise BenchError(
            f"series {name!r} has no row in the training part to scale it by; leave it out, or set scale to 'standard'"
        )
    centre = np.stack([np.bincount(groups, column, count) for column in values.T], axis=1) / rows[:, np.newaxis]
    squares = np.square(values - centre[groups])
    variance = np.stack([np.bincount(groups, column, count) for column in squares.T], axis=1) / rows[:, np.newaxis]
    spread = np.sqrt(variance)
    flat = spread <= np.abs(centre) * 1e-12  # what rounding leaves of a constant
    return Scales(centre, np.where(flat, 1.0, spread))
