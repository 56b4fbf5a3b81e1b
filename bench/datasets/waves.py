"""Two sine waves and uniform noise: chapter 15's series, drawn bit for bit as its notebook draws them."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from bench.datasets.base import Dataset, dataset
from bench.task import Array, Split, Splits, TargetKind, Task

WINDOW = 50
"""Time steps in a window."""
NOISE_WIDTH = 0.1
"""The noise is uniform on plus or minus half of this."""
TEN_STEPS_QUESTION = "waves: steps 50-59 from 0-49"

SCORED_TOO = ("mse_odd_positions",)
"""Metrics that the chapter's models need to be compared by: one of them forecasts at these positions alone."""

NEXT_STEP = Task("next_step", TargetKind.LAST_STEP, WINDOW, features=1, horizon=1)
NEXT_STEP_OF_60 = Task("next_step_of_60", TargetKind.LAST_STEP, WINDOW, features=1, horizon=1)
TEN_STEPS = Task("ten_steps", TargetKind.LAST_STEP, WINDOW, 1, horizon=10, question=TEN_STEPS_QUESTION)
EVERY_STEP = Task(
    "every_step", TargetKind.EVERY_STEP, WINDOW, 1, horizon=10, question=TEN_STEPS_QUESTION, metrics=SCORED_TOO
)


def draw_waves(data_seed: int, n_series: int, points: int) -> Array:
    """Draw ``n_series`` series on ``points`` equally spaced times from 0 to 1.

    Uses NumPy's legacy generator and one fixed order of calls. Frequencies and offsets are drawn
    before the noise, so series ``i`` has the same two waves on every grid; only its noise differs.

    Args:
        data_seed: The generator's seed.
        n_series: Series to draw.
        points: Points of the time grid.

    Returns:
        float32 ``(n_series, points, 1)``.
    """
    rng = np.random.RandomState(data_seed)
    slow, fast, slow_offset, fast_offset = rng.rand(4, n_series, 1)
    time = np.linspace(0, 1, points)
    values: NDArray[np.float64] = 0.5 * np.sin((time - slow_offset) * (slow * 10 + 10))
    values += 0.2 * np.sin((time - fast_offset) * (fast * 20 + 20))
    values += NOISE_WIDTH * (rng.rand(n_series, points) - 0.5)
    return values[..., np.newaxis].astype(np.float32)


class _Waves(Dataset):
    """Windows of the series; a subclass says on which grid and for which task.

    The first 70 % of the series are train, the next 20 % valid, the last 10 % test.

    Attributes:
        n_series: Series to draw, a window each.
    """

    n_series: int = Field(default=10_000, ge=10)

    synthetic: ClassVar[bool] = True
    quick: ClassVar[bool] = True
    points: ClassVar[int]
    asked: ClassVar[Task]
    train_points: ClassVar[int | None] = None
    """The grid of the training windows where it is another one."""
    taught: ClassVar[Task | None] = None
    """The task of the training windows where it is another one."""

    def task(self) -> Task:
        """Return what is asked."""
        return self.asked

    def train_task(self) -> Task:
        """Return what is learnt."""
        return self.taught or self.asked

    @property
    def noise_floors(self) -> Mapping[str, float]:
        """Return ``0.1**2 / 12``, about 0.000833, for every mean squared error.

        Each target carries noise of its own, uniform on an interval of width 0.1 and independent of
        everything in the window. Such noise has variance width squared over twelve, and that part of
        the squared error stays for any forecast, even one that knows both waves exactly.
        """
        return dict.fromkeys(("mse", "last_time_step_mse"), NOISE_WIDTH**2 / 12)

    def load(self, data_seed: int) -> Splits:
        """Draw the series and cut them into windows; see the class for the split."""
        first_valid, first_test = self.n_series * 7 // 10, self.n_series * 9 // 10
        asked = draw_waves(data_seed, self.n_series, self.points)
        taught = draw_waves(data_seed, self.n_series, self.train_points) if self.train_points else asked
        return Splits(
            train=_cut(taught[:first_valid], self.train_task()),
            valid=_cut(asked[first_valid:first_test], self.task()),
            test=_cut(asked[first_test:], self.task()),
        )


@dataset("waves_next_step")
class WavesNextStep(_Waves):
    """Step 50 from steps 0-49, on a grid of 51 points.

    Split by series, 70/20/10 %. Noise floor: MSE 0.1²/12.
    """

    points = WINDOW + 1
    asked = NEXT_STEP


@dataset("waves_ten_steps")
class WavesTenSteps(_Waves):
    """Steps 50-59 from steps 0-49, on a grid of 60 points.

    Split by series, 70/20/10 %. Noise floor: MSE 0.1²/12.
    """

    points = WINDOW + 10
    asked = TEN_STEPS


@dataset("waves_every_step")
class WavesEveryStep(_Waves):
    """The ten steps after each of the steps 0-49, on a grid of 60 points.

    Split by series, 70/20/10 %. Noise floor: MSE 0.1²/12.
    """

    points = WINDOW + 10
    asked = EVERY_STEP


@dataset("waves_iterated_across_grids")
class WavesIteratedAcrossGrids(_Waves):
    """Train on one step of the 51-point grid, forecast ten steps of the 60-point grid, as printed.

    Both grids span the times 0 to 1, so a step of the second is shorter than those that were
    learnt (erratum 5). Split by series, 70/20/10 %; a series' waves stand in one split on both
    grids. Noise floor: MSE 0.1²/12.
    """

    points = WINDOW + 10
    asked = TEN_STEPS
    train_points = WINDOW + 1
    taught = NEXT_STEP


@dataset("waves_iterated_one_grid")
class WavesIteratedOneGrid(_Waves):
    """Train on step 50 from steps 0-49 of the 60-point grid, forecast its steps 50-59.

    Erratum 5 corrected. Split by series, 70/20/10 %. Noise floor: MSE 0.1²/12.
    """

    points = WINDOW + 10
    asked = TEN_STEPS
    taught = NEXT_STEP_OF_60


def _cut(series: Array, task: Task) -> Split:
    if task.target is TargetKind.EVERY_STEP:
        y = sliding_window_view(series[:, 1:, 0], task.horizon, axis=1)
    else:
        y = series[:, WINDOW : WINDOW + task.horizon, 0]
    return Split(task, np.ascontiguousarray(series[:, :WINDOW]), np.ascontiguousarray(y))
