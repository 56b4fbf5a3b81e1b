"""Normalisation by the root mean square."""

from typing import Any

import keras
from keras import ops

EPSILON = 1e-5


class RootMeanSquareNorm(keras.layers.Layer):  # type: ignore[misc]
    """``gamma x / sqrt(mean(x^2) + epsilon)`` over the last axis.

    Zhang and Sennrich (2019), "Root Mean Square Layer Normalization", arXiv 1910.07467, equation 4.
    """

    gamma_initializer = keras.initializers.Ones()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make gamma ``(features,)``."""
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=self.gamma_initializer, name="gamma")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Normalise."""
        square = ops.mean(ops.square(inputs), axis=-1, keepdims=True)
        return self.gamma * inputs * ops.rsqrt(square + EPSILON)
