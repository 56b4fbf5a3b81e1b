"""Windows that a program draws, as many as one asks for, each of its own."""

from typing import ClassVar

import numpy as np
from pydantic import PositiveInt

from bench.datasets.base import Dataset
from bench.task import Split, Splits


class Generated(Dataset):
    """Independent windows; a subclass says how they are drawn.

    Train, valid and test are drawn from random streams of their own, so that one more window of one of them leaves the
    others as they are.

    Attributes:
        train_windows: To fit on, drawn once: an epoch shows the same ones again.
        valid_windows: To choose the epoch by.
        test_windows: To report on.
    """

    synthetic: ClassVar[bool] = True

    train_windows: PositiveInt = 10_000
    valid_windows: PositiveInt = 1_000
    test_windows: PositiveInt = 1_000

    def draw(self, rng: np.random.Generator, windows: int) -> Split:
        """Draw windows and their targets."""
        raise NotImplementedError

    def load(self, data_seed: int) -> Splits:
        """Draw the three splits; see the class for the streams."""
        sizes = self.train_windows, self.valid_windows, self.test_windows
        train, valid, test = (self.draw(stream(data_seed, number), size) for number, size in enumerate(sizes))
        return Splits(train, valid, test)


def stream(data_seed: int, number: int) -> np.random.Generator:
    """Return a split's random numbers."""
    return np.random.default_rng((number, data_seed))
