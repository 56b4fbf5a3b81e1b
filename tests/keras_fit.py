"""Keras's own ``fit``, as the reference that compiled engines are held to and timed against.

Tests compare first steps with it, and `make microbench` times it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.engines.keras_recipe import keras_loss, keras_optimizer
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.task import Array, Split

if TYPE_CHECKING:
    import keras


def compiled_network(model: Network, recipe: Recipe, split: Split, *, jit: bool) -> "keras.Model":
    """Return the network, compiled by Keras with the recipe's loss and optimizer, with or without XLA."""
    network = model.build(split.task)
    network.compile(loss=keras_loss(recipe), optimizer=keras_optimizer(recipe), jit_compile=jit)
    return network


def fit_in_order(
    network: "keras.Model",
    weights: Sequence[Array],
    x: Inputs,
    y: Inputs,
    order: NDArray[np.int32],
    mask: NDArray[np.bool_] | None = None,
) -> list[float]:
    """Return the loss of each batch of ``order (steps, batch)``, trained by one ``fit`` from ``weights``.

    A ``mask`` is handed to Keras as sample weights of 0 and 1; the loss that the network was compiled with says how it
    is averaged. Keras tells the mean over the batches so far.
    """
    import keras

    means: list[float] = []
    told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: means.append(float(logs["loss"])))
    rows = order.reshape(-1)
    counted = None if mask is None else mask[rows].astype(np.float32)
    network.set_weights(weights)
    network.optimizer.build(network.trainable_variables)  # or TensorFlow traces a step twice, to make its variables
    network.fit(
        x[rows], y[rows], batch_size=order.shape[1], shuffle=False, verbose=0, sample_weight=counted, callbacks=[told]
    )
    return np.diff(np.array([0.0, *means]) * np.arange(len(order) + 1)).tolist()
