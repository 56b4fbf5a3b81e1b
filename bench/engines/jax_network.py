"""A network that Keras runs on JAX, as pure functions of its state: an epoch of training, and a forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bench.engines.jax_layers import mend_convolutions
from bench.engines.keras_engine import fix_settings
from bench.engines.keras_recipe import batch_loss, scaling_optimizer
from bench.initial import initial_weights, random_states, seed_generators
from bench.models.base import Network
from bench.recipe import Recipe
from bench.task import Array, Task
from bench.windows import take

Arrays = list[Any]
"""Of NumPy or of JAX."""
SETTINGS: Mapping[str, Any] = {
    "jax_enable_x64": False,
    "jax_default_matmul_precision": "highest",
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_device": None,
    "jax_disable_jit": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
}
"""JAX's global settings, as every network is built and trained with them: its own, but products in whole float32."""


def fix_jax_settings() -> None:
    """Set JAX's global settings to `SETTINGS`."""
    import jax

    for name, value in SETTINGS.items():
        jax.config.update(name, value)


class State(NamedTuple):
    """All that training changes, as lists of arrays in Keras's order.

    Attributes:
        trainable: Weights that gradients change.
        others: What else the network keeps: moving averages, states of random layers.
        optimizer: The optimizer's variables.
    """

    trainable: Arrays
    others: Arrays
    optimizer: Arrays


class JaxNetwork:
    """A network, its optimizer and its loss; what they change is handed in and out.

    Attributes:
        fresh: The state that Keras built, in NumPy.

    Args:
        model: Builds the network.
        recipe: Gives optimizer and loss.
        taught: The task of the training windows.
        scored: The task that is forecast.
    """

    def __init__(self, model: Network, recipe: Recipe, taught: Task, scored: Task):
        fix_settings(recipe.precision)
        fix_jax_settings()
        self._mixed = recipe.precision is not None
        self._horizon, self._iterates = scored.horizon, model.iterates
        # An iterated network reads windows that grow: one network of open length serves them and training.
        self._network = model.build(replace(taught, input_length=None) if model.iterates else taught)
        fix_settings()
        mend_convolutions(self._network)
        self._optimizer = scaling_optimizer(recipe)
        self._optimizer.build(self._network.trainable_variables)
        self._loss = batch_loss(recipe, taught.quantiles)
        trainable, others = self._network.trainable_variables, self._network.non_trainable_variables
        # Of NumPy, since JAX's would lie on the device, and be the network's own.
        self.fresh = State(
            *([np.array(v.value) for v in variables] for variables in (trainable, others, self._optimizer.variables))
        )
        places = {id(v): (part, i) for part, found in enumerate((trainable, others)) for i, v in enumerate(found)}
        self._weights = [places[id(weight)] for weight in self._network.weights]
        self._random = [places[id(g.state)] for g in seed_generators(self._network)]
        (self._rate,) = (
            i for i, v in enumerate(self._optimizer.variables) if v is self._optimizer.learning_rate
        )  # which of them is the learning rate
        self.parameters = int(self._network.count_params())
        self.weight_bytes: int = sum(self.fresh[part][i].nbytes for part, i in self._weights)

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made in NumPy from the seed alone."""
        return initial_weights(self._network, model_seed)

    def state(self, weights: Sequence[Array], model_seed: int) -> State:
        """Return the state that training starts from, in NumPy: these weights, and what the seed alone makes."""
        state = self.loaded(self.fresh, weights)
        for (part, i), random in zip(self._random, random_states(len(self._random), model_seed), strict=True):
            state[part][i] = random.astype(state[part][i].dtype)
        return state

    def loaded(self, state: State, weights: Sequence[Array]) -> State:
        """Return a state with these weights in it."""
        state = State(*(list(part) for part in state))
        for (part, i), weight in zip(self._weights, weights, strict=True):
            state[part][i] = np.asarray(weight, self.fresh[part][i].dtype)
        return state

    def weights(self, state: State) -> Arrays:
        """Return the weights of a state, in the order of `fresh_weights`."""
        return [state[part][i] for part, i in self._weights]

    def epoch(self, state: State, steps: Any, data: list[Arrays], order: Any, rates: Any) -> tuple[State, Any]:
        """Take the first ``steps`` batches of an epoch; return the new state and the mean loss.

        Args:
            state: From where.
            steps: How many; an argument of the compiled program, so that any number is the same one.
            data: Inputs, targets and, for a masked task, the mask, each as `bench.windows.parts`.
            order: Which windows each batch has, ``(steps, batch)``.
            rates: A learning rate a step ``(steps,)``; None leaves the optimizer's own.
        """
        import jax
        import keras

        def scaled_loss(trainable: Arrays, others: Arrays, optimizer: Arrays, *batch: Any) -> tuple[Any, Any]:
            x, y, mask = batch
            forecast, others = self._network.stateless_call(trainable, others, x, training=True)
            loss = self._loss(y, self._whole(forecast), mask)
            with keras.StatelessScope(list(zip(self._optimizer.variables, optimizer, strict=True))):
                return self._optimizer.scale_loss(loss), (loss, others)

        gradient = jax.grad(scaled_loss, has_aux=True)

        def step(i: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
            (trainable, others, optimizer), total = carry
            x, y, *mask = (take(held, order[i], _gather) for held in data)
            if rates is not None:
                optimizer = [*optimizer[: self._rate], rates[i], *optimizer[self._rate + 1 :]]
            gradients, (loss, others) = gradient(trainable, others, optimizer, x, y, mask[0] if mask else None)
            trainable, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trainable)
            return State(trainable, others, optimizer), total + loss

        start = state, jax.numpy.zeros((), keras.config.floatx())
        state, total = jax.lax.fori_loop(0, steps, step, start)
        return state, total / jax.numpy.maximum(steps, 1)

    def forecast(self, state: State, x: Any) -> Any:
        """Forecast windows; a network that iterates appends each forecast to the window and forecasts again."""
        import jax.numpy as jnp

        def forward(x: Any) -> Any:
            return self._whole(self._network.stateless_call(state.trainable, state.others, x, training=False)[0])

        if not self._iterates:
            return forward(x)
        for _ in range(self._horizon):
            x = jnp.concatenate([x, forward(x)[:, :, None]], axis=1)
        return x[:, -self._horizon :, 0]

    def _whole(self, forecast: Any) -> Any:
        """Return a network's output in float32."""
        return forecast.astype("float32") if self._mixed else forecast


def _gather(array: Any, index: Any) -> Any:
    return array.at[index].get(mode="promise_in_bounds")
