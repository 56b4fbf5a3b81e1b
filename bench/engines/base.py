"""What training needs of a backend: one compiled epoch, forecasts, and state that can be set."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Network
from bench.recipe import Recipe
from bench.registry import Registry
from bench.task import Array, Split, Task


class Program(Protocol):
    """A network compiled for one case. It is reused by every seed: `reset`, train, forecast, again."""

    @property
    def build_s(self) -> float:
        """Seconds spent building the network."""

    @property
    def compile_s(self) -> float:
        """Seconds spent tracing and compiling what has been called so far."""

    @property
    def parameters(self) -> int:
        """Numbers in the network's weights."""

    @property
    def weight_bytes(self) -> int:
        """Size of the network's weights."""

    @property
    def compilations(self) -> int:
        """Programs traced and compiled so far."""

    @property
    def evaluations(self) -> int:
        """Calls of `forecast` so far."""

    @property
    def device_peak_bytes(self) -> int | None:
        """Most memory that the backend has held on an accelerator; None on the CPU."""

    def use(self, train: Split) -> None:
        """Train on these windows from now on; nothing is compiled where their shapes are the old ones."""

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made from the seed alone, in the order of `weights`."""

    def reset(self, weights: Sequence[Array]) -> None:
        """Put in these weights and a new optimizer's state."""

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights and leave the optimizer alone."""

    def train(self, order: NDArray[np.int32], steps: int | None = None) -> float:
        """Take the first ``steps`` batches (all by default) of ``order (steps, batch)``; return their mean loss."""

    def forecast(self, x: Array) -> Array:
        """Forecast windows ``x (windows, input_length, features)``, shaped as the scored task's targets."""

    def forecast_batch(self, x: Array) -> Array:
        """As `forecast`, but all of ``x`` is one batch: each number of windows is compiled once."""

    def close(self) -> None:
        """Free what the program holds."""


MakeProgram = Callable[[Network, Recipe, Split, Task], Program]
"""From a network, its recipe, the split to train on and the task that its forecasts answer."""

engines: Registry[MakeProgram] = Registry("backend", "bench.engines")


def engine(name: str) -> Callable[[MakeProgram], MakeProgram]:
    """Register the maker of a backend's programs under ``name``."""
    return engines.register(name)


FORECAST_BATCH = 1000
"""Windows in a forecast batch: it divides every split of the waves. The last batch is padded."""


def in_batches(x: Array, batch: int, compute: Callable[[Array], Array], *, pad: bool = True) -> Array:
    """Apply ``compute`` to batches of one static size, the last one padded with its own last window.

    With ``pad=False`` the last batch keeps its own, smaller size: what a network whose output
    depends on its batch must be given.
    """
    parts = []
    for start in range(0, len(x), batch):
        part = x[start : start + batch]
        size = len(part)
        if pad and size < batch:
            part = np.concatenate([part, np.repeat(part[-1:], batch - size, axis=0)])
        parts.append(np.asarray(compute(part))[:size])
    return np.concatenate(parts)
