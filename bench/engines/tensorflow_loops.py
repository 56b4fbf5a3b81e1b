"""Keras's recurrent layers on TensorFlow, in loops whose gradient costs no more in the length than they do."""

from functools import partial
from inspect import signature
from typing import Any

from bench.engines.keras_engine import loops_of_keras


def mend_loops(network: Any) -> None:
    """Let every recurrent layer of a network loop by `bench.layers.recurrence`; its weights stay as they are.

    A layer that is unrolled, asks for cuDNN, has a loop of its own or no Keras cell is left alone.
    """
    for layer in loops_of_keras(network):
        if not layer.unroll:
            layer.inner_loop = partial(_inner_loop, layer)


def _inner_loop(
    layer: Any, sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
) -> tuple[Any, Any, Any]:
    """As `keras.layers.RNN.inner_loop`, of ``(batch, steps, ...)`` and a mask ``(batch, steps)``."""
    import keras
    import tensorflow as tf

    from bench.layers.recurrence import recur

    def time_major(x: Any) -> Any:
        x = tf.transpose(x, (1, 0, *range(2, len(x.shape))))
        return tf.reverse(x, [0]) if layer.go_backwards else x

    masks = [time_major(tf.cast(one, tf.bool)) for one in keras.tree.flatten(mask) if one is not None]
    arguments = {"training": training} if "training" in signature(layer.cell.call).parameters else {}
    last, outputs, states = recur(
        layer.cell,
        time_major(sequences),
        initial_state,
        masks[0] if masks else None,
        layer.zero_output_for_mask,
        **arguments,
    )
    return last, tf.transpose(outputs, (1, 0, *range(2, len(outputs.shape)))), states
