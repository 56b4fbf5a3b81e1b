"""Many seeds of one case in one program on JAX: lanes, which train side by side and know nothing of each other."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import FORECAST_BATCH, in_batches, training_arrays
from bench.engines.jax import OnJax
from bench.engines.jax_network import State
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.task import Array, Split, Task, Windows
from bench.windows import joined, parts

T = TypeVar("T")


class SideBySide:
    """Windows of several draws ``(windows, draws, ...)``, put side by side as they are asked for."""

    def __init__(self, draws: Sequence[Inputs | Windows]):
        self._draws = draws

    def __len__(self) -> int:
        return len(self._draws[0])

    def __getitem__(self, index: slice) -> Inputs:
        return np.stack([draw[index] for draw in self._draws], axis=1)


class JaxStack(OnJax):
    """One network with ``width`` states, each a lane that trains one seed; see `bench.engines.base.Stack`.

    Where there are fewer seeds than lanes, the last one trains in what is left, and is not shown. The draws of the
    data that lanes train on lie one after the other on the device, each once; a lane counts windows from its own.

    Attributes:
        width: Lanes of the compiled programs.
        lanes: Seeds in use, at most the width.
    """

    def __init__(self, model: Network, recipe: Recipe, taught: Task, scored: Task, width: int):
        super().__init__(model, recipe, taught, scored)
        self.width, self.lanes = width, 0
        self._state = State([], [], [])
        self._first = np.zeros(0, np.int32)

    def use(self, trains: Sequence[Split]) -> None:
        """Train lanes on these windows from now on; those of other shapes, or more draws, compile another program."""
        import jax

        draws, which = self._draws(trains)
        self._first = which * np.int32(len(trains[0].x))
        arrays = (training_arrays(self._model, draw) for draw in draws)
        self._data = [jax.device_put(parts(joined(list(each)))) for each in zip(*arrays, strict=True)]

    def reset(self, weights: Sequence[Sequence[Array]], model_seeds: Sequence[int]) -> None:
        """Put in each lane's weights, a new optimizer's state, and its seed's states of random layers.

        Raises:
            ValueError: There are more seeds than lanes, or none.
        """
        if not 1 <= len(weights) <= self.width:
            raise ValueError(f"{len(weights)} seeds for a stack of {self.width}")
        self.lanes = len(weights)
        self._put([self._network.state(w, seed) for w, seed in zip(weights, model_seeds, strict=True)])

    def weights(self) -> list[list[Array]]:
        """Return a copy of each lane's weights."""
        stacked = [np.asarray(weight) for weight in self._network.weights(self._state)]
        return [[weight[lane].copy() for weight in stacked] for lane in range(self.lanes)]

    def load(self, weights: Sequence[Sequence[Array]]) -> None:
        """Put in each lane's weights and leave the optimizers alone."""
        import jax

        columns = [self._padded(list(column)) for column in zip(*weights, strict=True)]
        self._state = jax.device_put(self._network.loaded(self._state, columns))

    def train(
        self,
        order: NDArray[np.int32],
        steps: int | None = None,
        rates: Array | None = None,
        active: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """Take the first ``steps`` batches (all by default) in every lane; return each lane's mean loss.

        Args:
            order: ``(lanes, steps, batch)``.
            steps: How many.
            rates: ``(lanes, steps)``, for a recipe whose learning rate `varies`.
            active: ``(lanes,)``: a lane that is not keeps its state, bit for bit; its loss says nothing. None: all are.
        """
        if self._varies and rates is None:
            rates = np.full(order.shape[:2], self._rate, np.float32)
        chosen = np.ones(self.lanes, bool) if active is None else active
        self._state, losses = self._compiled.call(
            self._epoch,
            self._state,
            np.int32(order.shape[1] if steps is None else steps),
            self._data,
            self._padded(order + self._first[:, None, None]),
            None if rates is None else self._padded(rates),
            self._padded(chosen),
        )
        return np.asarray(losses)[: self.lanes]

    def forecast(self, x: Sequence[Inputs | Windows]) -> Array:
        """Forecast each lane's windows: ``(lanes, windows, ...)``."""
        self.evaluations += 1
        draws, which = self._draws(x)
        lanes = self._padded(which)

        def forecast(part: Inputs) -> Array:
            return np.asarray(self._compiled.call(self._forecast, self._state, part, lanes))[: self.lanes]

        size, pad = (self._batch, False) if self._model.batch_dependent else (FORECAST_BATCH, True)
        return in_batches(SideBySide(draws), size, forecast, pad=pad, axis=1)

    def _epoch(self, state: State, steps: Any, data: Any, order: Any, rates: Any, active: Any) -> tuple[State, Any]:
        import jax

        each = jax.vmap(self._network.epoch, in_axes=(0, None, None, 0, None if rates is None else 0))
        after, losses = each(state, steps, data, order, rates)

        def kept(new: Any, old: Any) -> Any:
            return jax.numpy.where(active.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        return jax.tree.map(kept, after, state), losses

    def _forecast(self, state: State, x: Any, draws: Any) -> Any:
        """Forecast windows ``(windows, draws, ...)``, in each lane those of its draw."""
        import jax

        return jax.vmap(lambda each, draw: self._network.forecast(each, x[:, draw]))(state, draws)

    def _draws(self, each: Sequence[T]) -> tuple[list[T], NDArray[np.int32]]:
        """Return the objects of a list once each, one or as many as the width, and which of these each lane has."""
        found = list({id(one): one for one in each}.values())
        place = {id(one): i for i, one in enumerate(found)}
        idle = self.width - len(found) if len(found) > 1 else 0
        return found + found[-1:] * idle, np.array([place[id(one)] for one in each], np.int32)

    def _put(self, states: Sequence[State]) -> None:
        import jax

        self._state = jax.device_put(jax.tree.map(lambda *leaves: self._padded(leaves), *states))

    def _padded(self, lanes: Any) -> NDArray[Any]:
        """Return one array of the width: the last lane is repeated."""
        rows = np.asarray(lanes)
        return np.concatenate([rows, np.repeat(rows[-1:], self.width - len(rows), axis=0)])
