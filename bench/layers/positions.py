"""A learned vector a position."""

from typing import Any

import keras

SPREAD = 0.02


class LearnedPositions(keras.layers.Layer):  # type: ignore[misc]
    """Adds a vector of its own to each step of ``(batch, steps, features)``, steps known.

    Gehring et al. (2017), "Convolutional Sequence to Sequence Learning", arXiv 1705.03122, section 3.1; they start
    normal with a standard deviation of 0.02, as in GPT-2.
    """

    embeddings_initializer = keras.initializers.RandomNormal(stddev=SPREAD)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the vectors ``(steps, features)``."""
        shape = input_shape[1:]
        self.embeddings = self.add_weight(shape=shape, initializer=self.embeddings_initializer, name="embeddings")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Add them."""
        return inputs + self.embeddings
