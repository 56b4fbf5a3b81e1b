"""A dataset that is as bad as the environment says, so that it can be mended between two commands."""

import os

import numpy as np

from bench.datasets.base import Dataset, dataset
from bench.task import Split, Splits, TargetKind, Task

FAULTS = "TEST_DATA_FAULTS"
"""Environment variable: names of datasets below that are bad, comma-separated."""


class _Walks(Dataset):
    """Random walks, 60/20/20 %."""

    windows: int = 100

    def task(self) -> Task:
        return Task("walk", TargetKind.LAST_STEP, 5)

    def load(self, data_seed: int) -> Splits:
        walks = np.random.default_rng(data_seed).normal(size=(self.windows, 6)).cumsum(axis=1).astype(np.float32)
        parts = np.split(walks, [self.windows * 6 // 10, self.windows * 8 // 10])
        splits = Splits(*(Split(self.task(), part[:, :5, np.newaxis].copy(), part[:, 5:].copy()) for part in parts))
        if self.name in os.environ.get(FAULTS, "").split(","):
            self.spoil(splits)
        return splits

    def spoil(self, splits: Splits) -> None:
        """Make them bad."""


@dataset("test_hole_in_valid")
class HoleInValid(_Walks):
    """Lacks a target of valid."""

    def spoil(self, splits):
        splits.valid.y[3] = np.nan


@dataset("test_load_raises")
class LoadRaises(_Walks):
    """Its load() raises."""

    def spoil(self, splits):
        raise FileNotFoundError("no such file: sales.csv")


@dataset("test_stuck")
class Stuck(_Walks):
    """Always five."""

    def spoil(self, splits):
        for split in (splits.train, *splits.evaluated().values()):
            split.y[:] = 5


@dataset("test_moody")
class Moody(_Walks):
    """Depends on the process that loads it."""

    def spoil(self, splits):
        splits.train.x[0] = os.getpid()
