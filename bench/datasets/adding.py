"""The adding problem: the sum of two marked numbers among many."""

from collections.abc import Mapping

import numpy as np
from pydantic import Field, PositiveInt

from bench.datasets.base import dataset
from bench.datasets.generated import Generated
from bench.task import Split, Target, TargetKind, Task


@dataset("adding")
class Adding(Generated):
    """The sum of the two marked numbers of a window, forecast after its last step.

    A step holds a number, uniform on [0, 1), and a mark: 1 at two steps, which are drawn evenly among all pairs of
    distinct ones, 0 elsewhere (Hochreiter and Schmidhuber 1997, in the form of Bai, Kolter and Koltun 2018, arXiv
    1803.01271, section 4). Split: independent draws, 50,000 train, 1,000 valid, 1,000 test.

    Source: 200, 400 or 600 steps, here 100; 50,000 train, 1,000 test and no valid windows, batches of 32, ten epochs,
    read at the last step, MSE. Chance: the best constant, 1, has MSE 1/6, the variance of the sum (the source prints
    0.1767 in its place). Noise floor: none, the sum follows from the window. Solved: MSE of 0.01 or less, 6 % of
    chance; the source prints 5.8e-5 for its TCN.

    Attributes:
        steps: Of a window.
    """

    train_windows: PositiveInt = 50_000
    steps: int = Field(default=100, ge=2)

    def task(self) -> Task:
        """Return the question: what is the sum of the two marked numbers?"""
        names = ("number", "mark")
        named = self.name if self.steps == 100 else f"{self.name}_{self.steps}"
        return Task(named, TargetKind.LAST_STEP, self.steps, 2, feature_names=names, targets=(Target("sum"),))

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what forecasting 1 gives: of a sum of two uniform numbers, variance and mean absolute deviation."""
        return {"mse": 1 / 6, "last_time_step_mse": 1 / 6, "mae": 1 / 3}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return an MSE of 0.01."""
        return {"mse": 0.01}

    def draw(self, rng: np.random.Generator, windows: int) -> Split:
        """Draw numbers, then the first mark's step, then how far the second is behind it, around the end."""
        rows = np.arange(windows)
        x = np.zeros((windows, self.steps, 2), np.float32)
        x[:, :, 0] = rng.random((windows, self.steps), np.float32)
        first = rng.integers(self.steps, size=windows)
        second = (first + rng.integers(1, self.steps, size=windows)) % self.steps
        x[rows, first, 1] = x[rows, second, 1] = 1
        return Split(self.task(), x, (x[rows, first, :1] + x[rows, second, :1]))
