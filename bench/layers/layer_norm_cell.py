"""A simple recurrent cell that normalises its state before the activation."""

from typing import Any

import keras


class LayerNormSimpleRNNCell(keras.layers.Layer):  # type: ignore[misc]
    """``h_t = activation(LN(W x_t + U h_{t-1} + b))``; the output is the new state.

    Ba, Kiros and Hinton (2016), "Layer Normalization", section 3.1, with the bias inside the
    normalisation and the gain and shift of `keras.layers.LayerNormalization` outside it.

    Args:
        units: Numbers in the state.
        activation: Applied after the normalisation.

    Call arguments:
        inputs: ``(batch, features)``.
        states: One tensor ``(batch, units)``, in a list.

    Returns:
        The output ``(batch, units)`` and the new states, a list of the same tensor.
    """

    def __init__(self, units: int, activation: Any = "tanh", **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        self.output_size = units
        self.activation = keras.activations.get(activation)
        self.linear = keras.layers.SimpleRNNCell(units, activation=None)
        self.layer_norm = keras.layers.LayerNormalization()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for steps of shape ``(batch, features)``."""
        self.linear.build(input_shape)
        self.layer_norm.build((input_shape[0], self.units))
        self.built = True

    def call(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Take one step."""
        z, _ = self.linear(inputs, states)
        h = self.activation(self.layer_norm(z))
        return h, [h]

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return zeros ``(batch_size, units)``, in a list."""
        return [keras.ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]
