"""A causal convolution over time as one matrix product."""

from typing import Any

import keras


class CausalConv1D(keras.layers.Layer):  # type: ignore[misc]
    """``y_t = activation(sum_i W_i x_{t - (kernel_size - 1 - i) * dilation_rate} + b)``, x zero before t = 0.

    The same numbers as ``keras.layers.Conv1D(padding="causal")``, with its kernel shape and
    initialiser, for XLA on the CPU, whose own convolutions are ten times slower inside a compiled
    epoch: pad on the left, shift once a tap, concatenate, multiply once. The dilated causal
    convolution is that of van den Oord et al. (2016), "WaveNet", section 2.1.

    Args:
        filters: Output channels.
        kernel_size: Taps; 1 is a plain matrix product at every step.
        dilation_rate: Steps between two taps.
        activation: Applied last; None for none.
        use_bias: Add b.

    Call arguments:
        inputs: ``(batch, steps, channels)``.

    Returns:
        ``(batch, steps, filters)``.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel ``(kernel_size, channels, filters)`` and the bias ``(filters,)``."""
        shape = (self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer=self.bias_initializer, name="bias")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape with ``filters`` channels."""
        return (*input_shape[:-1], self.filters)

    def matrix(self) -> Any:
        """Return what is multiplied with: the kernel ``(kernel_size, channels, filters)``."""
        return self.kernel

    def call(self, inputs: Any) -> Any:
        """Convolve."""
        reach = (self.kernel_size - 1) * self.dilation_rate
        padded = keras.ops.pad(inputs, ((0, 0), (reach, 0), (0, 0))) if reach else inputs
        # Tap i starts i * dilation late and ends as much before the end as the last tap starts after it.
        starts = range(0, reach + 1, self.dilation_rate)
        taps = [padded[:, start : start - reach or None] for start in starts]
        x = keras.ops.concatenate(taps, axis=-1) if reach else inputs
        y = keras.ops.matmul(x, keras.ops.reshape(self.matrix(), (-1, self.filters)))
        return self.activation(y if self.bias is None else y + self.bias)
