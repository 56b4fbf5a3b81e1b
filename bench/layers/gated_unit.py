"""WaveNet's gated activation unit."""

from typing import Any

import keras


class GatedActivationUnit(keras.layers.Layer):  # type: ignore[misc]
    """``z = activation(f) * sigmoid(g)``, where f and g are the two halves of the channels.

    Van den Oord et al. (2016), "WaveNet: A Generative Model for Raw Audio", equation 2; the
    convolution that makes f and g is the layer before this one.

    Args:
        activation: Applied to the filter half; tanh in the paper.
        activate_twice: Apply ``activation`` to the filter half twice, which is the printed unit's fault.

    Call arguments:
        inputs: ``(..., 2 * channels)``: filter first, gate second.

    Returns:
        ``(..., channels)``.
    """

    def __init__(self, activation: Any = "tanh", activate_twice: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.activate_twice = activate_twice

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check that the channels split in two.

        Raises:
            ValueError: Their number is odd or unknown.
        """
        if input_shape[-1] is None or input_shape[-1] % 2:
            raise ValueError(f"GatedActivationUnit needs an even number of channels, got {input_shape[-1]}")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape with half the channels."""
        *leading, channels = input_shape
        return (*leading, None if channels is None else channels // 2)

    def call(self, inputs: Any) -> Any:
        """Gate the filter half by the other."""
        f, g = keras.ops.split(inputs, 2, axis=-1)
        f = self.activation(f)
        if self.activate_twice:
            f = self.activation(f)
        return f * keras.ops.sigmoid(g)
