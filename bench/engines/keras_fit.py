"""Keras's own ``fit``, as the reference that compiled engines are held to and timed against.

It is no registered backend: a contract test compares first steps, and `make microbench` times it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Network
from bench.recipe import Recipe
from bench.task import Array, Split

if TYPE_CHECKING:
    import keras


def compiled_network(model: Network, recipe: Recipe, split: Split, *, jit: bool) -> "keras.Model":
    """Return the network, compiled by Keras with the recipe's loss and optimizer, with or without XLA."""
    import keras

    network = model.build(split.task)
    optimizer = keras.optimizers.get(
        {"class_name": recipe.optimizer, "config": {"learning_rate": recipe.learning_rate}}
    )
    network.compile(loss=recipe.loss, optimizer=optimizer, jit_compile=jit)
    return network


def fit_in_order(
    network: "keras.Model", weights: Sequence[Array], x: Array, y: Array, order: NDArray[np.int32]
) -> list[float]:
    """Return the loss of each batch of ``order (steps, batch)``, trained by ``fit`` from ``weights``."""
    network.set_weights(weights)
    losses = []
    for rows in order:
        history = network.fit(x[rows], y[rows], batch_size=len(rows), epochs=1, shuffle=False, verbose=0)
        losses.append(float(history.history["loss"][0]))
    return losses
