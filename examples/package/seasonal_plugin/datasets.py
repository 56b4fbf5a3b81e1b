"""Data of the plug-in."""

import numpy as np
from pydantic import PositiveInt

from bench.datasets.base import Dataset, dataset
from bench.task import Split, Splits, Target, TargetKind, Task


@dataset("seasonal_orders")
class SeasonalOrders(Dataset):
    """Daily orders of made-up shops, with a weekly pattern and a level that drifts; tomorrow's from four weeks.

    Each shop is one window. Split 60/20/20 by shop.
    """

    synthetic = True
    shops: PositiveInt = 500
    days: PositiveInt = 28

    def task(self) -> Task:
        """Return what is asked."""
        return Task(
            "orders_tomorrow",
            TargetKind.LAST_STEP,
            self.days,
            question=f"orders of day {self.days} from days 0-{self.days - 1}",
            feature_names=("orders",),
            targets=(Target("orders", "thousands"),),
        )

    def load(self, data_seed: int) -> Splits:
        """Make the shops."""
        rng = np.random.default_rng(data_seed)
        level = 5 + rng.normal(scale=0.1, size=(self.shops, self.days + 1)).cumsum(axis=1)
        week = rng.normal(size=(self.shops, 7))[:, np.arange(self.days + 1) % 7]
        orders = (level + week + rng.normal(scale=0.1, size=level.shape)).astype(np.float32)
        x, y = orders[:, :-1, None], orders[:, -1:]
        cut = [self.shops * 6 // 10, self.shops * 8 // 10]
        return Splits(*(Split(self.task(), a, b) for a, b in zip(np.split(x, cut), np.split(y, cut), strict=True)))
