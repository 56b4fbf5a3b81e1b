"""Normalisations with PyTorch's epsilon, 1e-5, where Keras's is 1e-3: layer norm, and two that have no offset."""

from typing import Any

import keras
from keras import ops

EPSILON = 1e-5


def layer_norm() -> keras.layers.LayerNormalization:
    """Return ``gamma (x - mean) / sqrt(variance + epsilon) + beta`` over the last axis (Ba et al., 2016)."""
    return keras.layers.LayerNormalization(epsilon=EPSILON)


class _Scaled(keras.layers.Layer):  # type: ignore[misc]
    """What both share: gamma ``(features,)``, from ones."""

    gamma_initializer = keras.initializers.Ones()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make gamma ``(features,)``."""
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=self.gamma_initializer, name="gamma")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape


class HeadNorm(_Scaled):
    """``gamma (x - mean) / sqrt(variance + epsilon)`` over the numbers of each head at each step.

    Wu and He (2018), "Group Normalization", arXiv 1803.08494, in groups of channels, but never over steps.

    Args:
        heads: They share out the last axis.
    """

    def __init__(self, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads

    def call(self, inputs: Any) -> Any:
        """Normalise."""
        shape = inputs.shape[1:]
        heads = ops.reshape(inputs, (-1, *shape[:-1], self.heads, shape[-1] // self.heads))
        centred = heads - ops.mean(heads, axis=-1, keepdims=True)
        scaled = centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + EPSILON)
        return self.gamma * ops.reshape(scaled, (-1, *shape))


class RootMeanSquareNorm(_Scaled):
    """``gamma x / sqrt(mean(x^2) + epsilon)`` over the last axis.

    Zhang and Sennrich (2019), "Root Mean Square Layer Normalization", arXiv 1910.07467, equation 4.
    """

    def call(self, inputs: Any) -> Any:
        """Normalise."""
        square = ops.mean(ops.square(inputs), axis=-1, keepdims=True)
        return self.gamma * inputs * ops.rsqrt(square + EPSILON)
