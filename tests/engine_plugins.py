"""Engines that only tests register, beside a network that notes which process built it; see `tests.conftest`."""

import os
import signal
import sys
import time

import numpy as np

from bench.engines.base import Engine, engine
from bench.models.base import Network, model

NOTES = "BENCH_TEST_NOTES"
"""Environment variable: the file that `note` adds lines to."""
FAULT = "BENCH_TEST_LANES"
"""Environment variable: what `Lanes` does in place of training."""


def note(backend: str) -> None:
    """Write which backend's program is built, in which process, and whether that has imported TensorFlow."""
    with open(os.environ[NOTES], "a") as file:  # noqa: PTH123
        file.write(f"{backend} {os.getpid()} {'tensorflow' in sys.modules}\n")


@model("test_noted_linear")
class NotedLinear(Network):
    """A dense layer over the window."""

    units: int = 1

    def build(self, task):
        import keras

        note(keras.backend.backend())
        return keras.Sequential([keras.Input((task.input_length, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])


class Zeros:
    """A program that forecasts zeros."""

    build_s = compile_s = 0.0
    parameters = weight_bytes = compilations = evaluations = 0
    device_peak_bytes = None

    def __init__(self):
        note("test_zeros")

    def use(self, train):
        pass

    def fresh_weights(self, model_seed):
        return []

    def weights(self):
        return []

    def reset(self, weights, model_seed=0):
        pass

    def load(self, weights):
        pass

    def train(self, order, steps=None, rates=None):
        return 0.5

    def forecast(self, x):
        return np.zeros((len(x), 1), np.float32)

    forecast_batch = forecast

    def close(self):
        pass


@engine("test_zeros")
class ZerosEngine(Engine):
    """NumPy as a backend that trains nothing."""

    distributions = ("numpy",)
    version = "7"

    def load(self):
        pass

    def count_gpus(self):
        return 0

    def make_program(self, model, recipe, train, scored):
        return Zeros()


class Lanes(Zeros):
    """A stack whose lanes forecast their seed over the epochs that they trained, and which does what `FAULT` says."""

    def __init__(self, width):
        self.width = width

    def fresh_weights(self, model_seed):
        return [np.float32([model_seed, 0])]

    def reset(self, weights, model_seeds=()):
        self.load(weights)

    def weights(self):
        return [[weight.copy() for weight in each] for each in self._state]

    def load(self, weights):
        self._state = [[weight.copy() for weight in each] for each in weights]

    def train(self, order, steps=None, rates=None, active=None):
        fault, _, number = os.environ.get(FAULT, "").partition(":")
        if fault == "fits" and self.width > int(number):
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate\nso many bytes")
        if fault == "raise":
            raise RuntimeError("on purpose")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while fault == "hang" and self._state[0][0][0] == int(number):
            time.sleep(0.05)
        for (state,), goes in zip(self._state, active, strict=True):
            state[1] += goes
        return np.array([np.nan if fault == "nan" and s[0] == int(number) else 1 / s[1] for (s,) in self._state])

    def forecast(self, x):
        return np.stack([np.full((len(each), 1), s[0] / (1 + s[1])) for each, (s,) in zip(x, self._state, strict=True)])


@engine("test_lanes")
class LanesEngine(ZerosEngine):
    """NumPy as a backend that trains nothing, many seeds at once."""

    stacks = True
    no_memory = ("RESOURCE_EXHAUSTED",)

    def make_stack(self, model, recipe, taught, scored, width):
        return Lanes(width)


@engine("test_broken")
class Broken(ZerosEngine):
    """An engine whose backend cannot be imported."""

    def load(self):
        raise ImportError("no such library")


@engine("test_absent")
class Absent(ZerosEngine):
    """An engine whose backend is not installed."""

    distributions = ("no-such-distribution",)
