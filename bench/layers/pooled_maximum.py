"""The largest value of each stretch of a window."""

from typing import Any

import keras
from keras import ops


class PooledMaximum(keras.layers.Layer):  # type: ignore[misc]
    """The maximum of each ``steps`` neighbours, one after another; the last stretch may be shorter.

    Call arguments:
        inputs: ``(..., length)``, length known.

    Returns:
        ``(..., ceil(length / steps))``.
    """

    def __init__(self, steps: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.steps = steps

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape with a number a stretch."""
        return (*input_shape[:-1], -(-int(input_shape[-1] or 0) // self.steps))

    def call(self, inputs: Any) -> Any:
        """Pool; the last value, repeated, fills the last stretch."""
        *shape, length = inputs.shape[1:]
        stretches = -(-length // self.steps)
        more = ops.repeat(inputs[..., -1:], stretches * self.steps - length, axis=-1)
        whole = ops.concatenate([inputs, more], axis=-1)
        return ops.max(ops.reshape(whole, (-1, *shape, stretches, self.steps)), axis=-1)
