"""A moving average of a window."""

from typing import Any

import keras
from keras import ops


class MovingAverage(keras.layers.Layer):  # type: ignore[misc]
    """The mean of ``steps`` neighbours, ``(steps - 1) // 2`` of them before; beyond an end its value is repeated.

    Wu et al. (2021), "Autoformer", arXiv 2106.13008, section 3.1, with the padding of its code.

    Call arguments:
        inputs: ``(..., length)``.

    Returns:
        Likewise.
    """

    def __init__(self, steps: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.steps = steps

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Average."""
        before = (self.steps - 1) // 2
        first = ops.repeat(inputs[..., :1], before, axis=-1)
        last = ops.repeat(inputs[..., -1:], self.steps - 1 - before, axis=-1)
        padded = ops.concatenate([first, inputs, last], axis=-1)
        length = inputs.shape[-1]
        return sum(padded[..., i : i + length] for i in range(self.steps)) / self.steps
