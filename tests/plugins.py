"""Plug-ins that only tests register: a data set of a few windows and predictors that misbehave."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from bench.datasets.base import Dataset, dataset
from bench.models.base import Predictor, model
from bench.task import Split, Splits, TargetKind, Task


@dataset("test_ramps")
class Ramps(Dataset):
    """Straight lines; the next value is forecast."""

    windows: int = 20

    def task(self) -> Task:
        return Task("ramp", TargetKind.LAST_STEP, 5, 1)

    def load(self, data_seed: int) -> Splits:
        rng = np.random.default_rng(data_seed)
        lines = np.cumsum(np.ones((3, self.windows, 6)) * rng.random((3, self.windows, 1)), axis=2)
        parts = [Split(self.task(), v[:, :5, None].astype(np.float32), v[:, 5:].astype(np.float32)) for v in lines]
        return Splits(*parts)


@model("test_constant")
class Constant(Predictor):
    """Forecasts one value, after a while, or does what its name says instead."""

    value: float = 0.0
    wait_s: float = 0.0
    fault: str = ""

    def fit(self, train, task):
        time.sleep(self.wait_s)
        while self.fault == "gate" and Path(os.environ["TEST_GATE"]).exists():
            time.sleep(0.05)
        if self.fault == "say":
            print("×", flush=True)
        if self.fault == "raise":
            raise RuntimeError("on purpose\nsecond line")
        if self.fault == "kill":
            print("last words", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        value = np.nan if self.fault == "nan" else self.value
        return lambda x: np.full((len(x), 1), value)
