"""The recurrent cell with exponential gates and a scalar memory a unit."""

from typing import Any

import keras
import numpy as np
from keras import ops

NOTHING = -1e30
"""The stabiliser before the first step: nothing is remembered, so that the first input gate alone sets it."""


class SLSTMCell(keras.layers.Layer):  # type: ignore[misc]
    """``c_t = f c_{t-1} + i z``, ``n_t = f n_{t-1} + i``, ``h_t = o c_t / n_t``, where ``i = exp(~i)``.

    Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, section 2.2: c and n are kept times
    ``exp(-m_t)``, ``m_t = max(log f + m_{t-1}, ~i)``, which h does not depend on. Each head's state sees its own head
    alone. Of the two forget gates that the paper allows this is the sigmoid, as in the authors' code, whose start it
    has too: recurrent weights zero, and forget biases from 5 to -7 over the units of a head, by a power law that grows
    with the depth of the layer. Weights of the input start as every dense layer's here; in the code normal.

    Args:
        units: Numbers in the state.
        heads: They share out the units.
        place: The layer's place in its stack, from 0 for the first to 1 for the last.

    Call arguments:
        inputs: ``(batch, features)``.
        states: h, c, n and m, each ``(batch, units)``, in a list.

    Returns:
        h ``(batch, units)`` and the new states.
    """

    DRAWN = ("bias",)

    def __init__(self, units: int, heads: int = 1, place: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.heads, self.place = units, heads, place
        self.state_size = [units] * 4
        self.output_size = units
        self.kernel_initializer = keras.initializers.GlorotUniform()
        self.recurrent_initializer = keras.initializers.Zeros()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights; gates are input, forget, cell, output, of the recurrent kernel within each head."""
        size = self.units // self.heads
        shapes = {
            "kernel": ((input_shape[-1], 4 * self.units), self.kernel_initializer),
            "recurrent_kernel": ((self.heads, size, 4 * size), self.recurrent_initializer),
            "bias": ((4 * self.units,), "zeros"),
        }
        for name, (shape, initializer) in shapes.items():
            setattr(self, name, self.add_weight(shape=shape, initializer=initializer, name=name))
        self.built = True

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the bias starts from; it is not drawn."""
        size = self.units // self.heads
        forget = 5 - 12 * (np.arange(size) / max(1, size - 1)) ** (0.3 + 1.3 * self.place)
        bias = np.zeros((4, self.heads, size))
        bias[1] = forget
        return {"bias": bias.reshape(-1)}

    def call(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Take one step."""
        h, c, n, m = states
        mine = ops.reshape(h, (-1, self.heads, self.units // self.heads))
        own = ops.reshape(ops.einsum("bhd,hde->bhe", mine, self.recurrent_kernel), (-1, self.heads, 4, mine.shape[-1]))
        own = ops.reshape(ops.transpose(own, (0, 2, 1, 3)), (-1, 4 * self.units))
        i, f, z, o = ops.split(ops.matmul(inputs, self.kernel) + own + self.bias, 4, axis=-1)
        kept = m - ops.softplus(-f)
        m = ops.maximum(kept, i)
        take, keep = ops.exp(i - m), ops.exp(kept - m)
        c, n = keep * c + take * ops.tanh(z), keep * n + take
        h = ops.sigmoid(o) * c / n
        return h, [h, c, n, m]

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return zeros ``(batch_size, units)``, and for m as good as minus infinity, in a list."""
        empty = ops.zeros((batch_size, self.units), dtype=self.compute_dtype)
        return [empty, empty, empty, empty + NOTHING]
