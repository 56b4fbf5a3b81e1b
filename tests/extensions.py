"""What a user may add from outside the package, one of each kind: see tests/test_extensions.py."""

import numpy as np

from bench.datasets.base import Dataset, dataset
from bench.metrics.base import REAL, metric
from bench.models.base import Predictor, Support, model
from bench.task import Split, Splits, Target, TargetKind, Task

CLASSES = 10


@dataset("test_counter")
class Counter(Dataset):
    """Digits at every step: the running sum of the inputs so far, modulo ten. Split 60/20/20."""

    windows: int = 300
    steps: int = 6

    def task(self) -> Task:
        return Task(
            "counter",
            TargetKind.LABEL_EVERY_STEP,
            self.steps,
            classes=CLASSES,
            vocabulary=3,
            masked=True,
            targets=(Target("digit"),),
        )

    def load(self, data_seed: int) -> Splits:
        x = np.random.default_rng(data_seed).integers(0, 3, size=(self.windows, self.steps)).astype(np.int32)
        y = (x.cumsum(axis=1) % CLASSES).astype(np.int32)
        mask = np.ones(y.shape, dtype=np.bool_)
        mask[:, 0] = False  # the first sum is the input itself
        cut = [self.windows * 6 // 10, self.windows * 8 // 10]
        parts = zip(*(np.split(a, cut) for a in (x, y, mask)), strict=True)
        return Splits(*(Split(self.task(), a, b, mask=m) for a, b, m in parts))


@dataset("test_grid_load")
class GridLoad(Dataset):
    """Two quantities of a fictitious grid, three hours ahead. Split 60/20/20."""

    windows: int = 300

    def task(self) -> Task:
        return Task(
            "grid_load",
            TargetKind.LAST_STEP,
            8,
            features=2,
            horizon=3,
            feature_names=("load", "price"),
            targets=(Target("load", "MW"), Target("price", "EUR/MWh")),
        )

    def load(self, data_seed: int) -> Splits:
        rng = np.random.default_rng(data_seed)
        series = rng.normal(size=(self.windows, 11, 2)).cumsum(axis=1).astype(np.float32)
        cut = np.split(series, [self.windows * 6 // 10, self.windows * 8 // 10])
        return Splits(
            *(Split(self.task(), np.ascontiguousarray(s[:, :8]), np.ascontiguousarray(s[:, 8:])) for s in cut)
        )


@metric("test_worst_error", *REAL, heading="worst error", opt_in=True)
def worst_error(pair) -> float:
    """Largest absolute error of all."""
    return float(np.max(np.abs(pair.truth - pair.forecast)))


@model("test_last_of_each")
class LastOfEach(Predictor):
    """The last value of each target, repeated; it answers one task alone."""

    def supports(self, task: Task, train: Task | None = None) -> Support:
        named = [target.name for target in task.targets]
        if task.target is TargetKind.LAST_STEP and list(task.feature_names) == named:
            return Support()
        return Support(f"it repeats a feature a target, and task {task.name!r} has no feature for each")

    def fit(self, train, task):
        return lambda x: np.repeat(x[:, -1:, :], task.horizon, axis=1)
