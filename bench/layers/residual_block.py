"""WaveNet's residual block."""

from typing import Any

import keras

from bench.layers.causal_conv import CausalConv1D
from bench.layers.gated_unit import GatedActivationUnit


class WaveNetResidualBlock(keras.layers.Layer):  # type: ignore[misc]
    """``skip = W (gated unit of a dilated causal convolution of x)`` and ``out = x + skip``.

    Van den Oord et al. (2016), "WaveNet: A Generative Model for Raw Audio", section 2.4 and figure 4.

    Args:
        filters: Channels of the input and of both outputs.
        dilation_rate: Steps between the convolution's two taps.
        activate_twice: Passed on to `GatedActivationUnit`.

    Call arguments:
        inputs: ``(batch, steps, filters)``.

    Returns:
        ``out`` and ``skip``, each ``(batch, steps, filters)``.
    """

    def __init__(self, filters: int, dilation_rate: int, activate_twice: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters
        self.dilation_rate = dilation_rate
        self.activate_twice = activate_twice
        self.dilated = CausalConv1D(2 * filters, kernel_size=2, dilation_rate=dilation_rate)
        self.gated = GatedActivationUnit(activate_twice=activate_twice)
        self.mix = CausalConv1D(filters, kernel_size=1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the two convolutions.

        Raises:
            ValueError: The input has another number of channels than ``filters``.
        """
        if input_shape[-1] != self.filters:
            raise ValueError(f"a residual block of {self.filters} filters got {input_shape[-1]} channels")
        for layer in (self.dilated, self.gated, self.mix):
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, Any]:
        """Return the input's shape twice."""
        return tuple(input_shape), tuple(input_shape)

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Apply the block."""
        skip = self.mix(self.gated(self.dilated(inputs)))
        return inputs + skip, skip
