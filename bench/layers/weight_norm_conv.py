"""A causal convolution with weight normalisation."""

from typing import Any

import numpy as np
from keras import ops

from bench.layers.causal_conv import CausalConv1D


class WeightNormCausalConv1D(CausalConv1D):
    """A `CausalConv1D` of kernel ``g v / |v|``, a length g and a direction v an output channel.

    Salimans and Kingma (2016), "Weight Normalization", arXiv 1602.07868, section 2, as the temporal convolutional
    network uses it. At the start g is the length of v, and v uniform within ``1 / sqrt(taps * channels)``: PyTorch's
    own start, which the network's code runs with, since the normalisation undoes the start that its paper names.

    Args:
        deviation: Draw v from a normal distribution of mean 0 and this deviation in its place; None for PyTorch's.
        arguments: Of `CausalConv1D`.
    """

    DRAWN = "kernel", "bias", "length"

    def __init__(self, *arguments: Any, deviation: float | None = None, **named: Any):
        super().__init__(*arguments, **named)
        self.deviation = deviation

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make v, the bias and g."""
        super().build(input_shape)
        self.length = self.add_weight(shape=(self.filters,), initializer="ones", name="length")

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the weights start from."""
        shape = tuple(self.kernel.shape)
        reach = (shape[0] * shape[1]) ** -0.5
        v = rng.uniform(-reach, reach, shape) if self.deviation is None else rng.normal(0, self.deviation, shape)
        return {"kernel": v, "bias": rng.uniform(-reach, reach, shape[2]), "length": np.sqrt((v**2).sum(axis=(0, 1)))}

    def matrix(self) -> Any:
        """Return the kernel ``(taps, channels, filters)``."""
        return self.length * self.kernel / ops.sqrt(ops.sum(ops.square(self.kernel), axis=(0, 1), keepdims=True))
