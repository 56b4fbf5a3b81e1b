"""Plug-ins for sweeps under faults: a predictor that takes its time, and predictors that misbehave."""

import ctypes
import os
import resource
import signal
import time

import numpy as np

from bench.engines.base import Engine, engine
from bench.models.base import Network, Predictor, model


@model("torture_constant")
class Constant(Predictor):
    """Forecasts the mean of the targets that it was shown, times a factor, after a while."""

    factor: float = 1.0
    wait_s: float = 0.0

    def fit(self, train, task):
        time.sleep(self.wait_s)
        value = float(train.y.mean()) * self.factor
        return lambda x: np.full((len(x), 1), value)


@model("torture_saboteur")
class Saboteur(Predictor):
    """Does what its fault says, and where it comes back forecasts 0.

    A fault named in ``once`` happens only while the file of that name does not exist, and makes it.
    """

    fault: str = ""
    once: str = ""
    megabytes: int = 0
    seconds: float = 600.0

    def fit(self, train, task):
        if not self.once or not os.path.exists(self.once):  # noqa: PTH110
            if self.once:
                open(self.once, "w").close()  # noqa: PTH123
            print("last words", flush=True)
            FAULTS[self.fault](self)
        return lambda x: np.zeros((len(x), 1))


def flood(model: Saboteur) -> None:
    for _ in range(model.megabytes):
        os.write(1, b"x" * 2**20)


def flood_and_die(model: Saboteur) -> None:
    flood(model)
    os.write(1, b"\nthe end of the flood\n")
    os.kill(os.getpid(), signal.SIGKILL)


def run_out_of_memory(model: Saboteur) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**30, before[1]))
    try:
        np.ones(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def hang_in_c(model: Saboteur) -> None:
    """Sleep without letting go of the interpreter's lock: no thread of this process runs."""
    ctypes.PyDLL(None).sleep(int(model.seconds))


def exit_cleanly(model: Saboteur) -> None:
    raise SystemExit(0)


def raise_error(model: Saboteur) -> None:
    raise RuntimeError("on purpose")


FAULTS = {
    "": lambda model: None,
    "segv": lambda model: os.kill(os.getpid(), signal.SIGSEGV),
    "kill": lambda model: os.kill(os.getpid(), signal.SIGKILL),
    "vanish": lambda model: os._exit(0),
    "hang": lambda model: time.sleep(model.seconds),
    "hang_in_c": hang_in_c,
    "flood": flood,
    "flood_and_die": flood_and_die,
    "memory": run_out_of_memory,
    "exit": exit_cleanly,
    "raise": raise_error,
}


class Seeded:
    """A program that forecasts its seed over the epochs that it trained, and takes its time."""

    build_s = compile_s = 0.0
    parameters = weight_bytes = compilations = evaluations = 0
    device_peak_bytes = None

    def use(self, train):
        pass

    def fresh_weights(self, model_seed):
        return [np.float32([model_seed, 0])]

    def reset(self, weights, model_seed=0):
        self.load(weights)

    def load(self, weights):
        self._state = [weight.copy() for weight in weights]

    def weights(self):
        return [weight.copy() for weight in self._state]

    def train(self, order, steps=None, rates=None):
        time.sleep(0.1)
        self._state[0][1] += 1
        return float(1 / self._state[0][1])

    def forecast(self, x):
        return np.full((len(x), 1), self._state[0][0] / (1 + self._state[0][1]), np.float32)

    forecast_batch = forecast

    def close(self):
        pass


@engine("torture_seeded")
class SeededEngine(Engine):
    """NumPy as a backend that trains nothing, but has seeds: a case's are one job."""

    distributions = ("numpy",)

    def load(self):
        pass

    def count_gpus(self):
        return 0

    def make_program(self, model, recipe, train, scored):
        return Seeded()


@model("torture_network")
class Unbuilt(Network):
    """A network that is never built."""

    number: int = 0
