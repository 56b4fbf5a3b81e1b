"""What forward and gradient cost in the number of steps: our loops on TensorFlow, and Keras's own beside them.

The benchmark's own time is ours at the longest; the others come from the same rounds, on the same pinned core.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pytest

LENGTHS = 130, 260, 520, 1040
BATCH, FEATURES, UNITS, ROUNDS = 32, 1, 50, 5
LOOPS = "ours", "keras"

pytestmark = pytest.mark.usefixtures("one_core")


def layer_of(kind: str) -> Any:
    """Return a recurrent layer that returns every step's output."""
    import keras

    from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell

    if kind == "layer_norm":
        return keras.layers.RNN(LayerNormSimpleRNNCell(UNITS), return_sequences=True)
    options = {} if kind == "SimpleRNN" else {"use_cudnn": False}
    return getattr(keras.layers, kind)(UNITS, return_sequences=True, **options)


def compiled(kind: str, loop: str, steps: int) -> Callable[[], Any]:
    """Return a compiled forward pass with its gradient, that has run once."""
    import keras
    import tensorflow as tf

    from bench.engines.tensorflow_loops import mend_loops

    network = keras.Sequential([keras.Input((steps, FEATURES)), layer_of(kind)])
    if loop == "ours":
        mend_loops(network)

    @tf.function(jit_compile=True, autograph=False)
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(x) ** 2)
        return tape.gradient(loss, network.trainable_variables)

    x = tf.constant(np.random.default_rng(0).normal(size=(BATCH, steps, FEATURES)), tf.float32)
    gradient(x)
    return lambda: gradient(x)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "layer_norm"])
def test_gradient_by_length(kind, benchmark):
    functions = {(loop, steps): compiled(kind, loop, steps) for loop in LOOPS for steps in LENGTHS}
    longest = functions.pop(("ours", LENGTHS[-1]))
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in functions}

    def others() -> None:
        for key, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[key].append(time.perf_counter() - started)

    benchmark.pedantic(longest, setup=others, rounds=ROUNDS, warmup_rounds=0)
    middle = {key: median(values) for key, values in seconds.items()}
    middle["ours", LENGTHS[-1]] = benchmark.stats.stats.median
    benchmark.extra_info["loop"] = kind
    benchmark.extra_info |= {f"{loop}_{steps}_steps_s": value for (loop, steps), value in middle.items()}
