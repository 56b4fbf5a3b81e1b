"""The diagonal structured state space, computed as a convolution over the whole window."""

from typing import Any

import keras
import numpy as np
from keras import ops


class S4D(keras.layers.Layer):  # type: ignore[misc]
    """``h' = A h + B u``, ``y = Re(C h) + D u``, a state a channel, discretised by a zero-order hold.

    Gu et al. (2022), "On the Parameterization and Initialization of Diagonal State Space Models", arXiv 2206.11893:
    S4D-Lin (section 4.2), where A starts as ``-1/2 + i pi n`` and B is 1. The kernel's convolution is by FFT, padded to
    twice the length so that nothing comes round. As FFTs do, it computes in float32, whatever a recipe asks layers for.
    The authors train log dt and A at a rate of 0.001 at most and without weight decay; a recipe here is of all weights.

    Args:
        state: Complex numbers in a channel's state, of which half stand for their conjugates too.
        fastest, slowest: Between these the steps dt start, uniform in their logarithm.

    Call arguments:
        inputs: ``(batch, steps, channels)``, steps known.

    Returns:
        Likewise.
    """

    DRAWN = "log_dt", "log_decay", "frequency", "c_real", "c_imaginary", "d"

    def __init__(self, state: int = 64, fastest: float = 0.001, slowest: float = 0.1, **kwargs: Any):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.half, self.fastest, self.slowest = state // 2, fastest, slowest

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.channels = int(input_shape[-1] or 0)
        each, all_of = (self.channels,), (self.channels, self.half)
        for name in self.DRAWN:
            shape = each if name in ("log_dt", "d") else all_of
            setattr(self, name, self.add_weight(shape=shape, initializer="zeros", name=name))
        self.built = True

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the weights start from."""
        shape = self.channels, self.half
        return {
            "log_dt": rng.uniform(np.log(self.fastest), np.log(self.slowest), self.channels),
            "log_decay": np.full(shape, np.log(0.5)),
            "frequency": np.broadcast_to(np.pi * np.arange(self.half), shape),
            "c_real": rng.normal(size=shape) * 0.5**0.5,
            "c_imaginary": rng.normal(size=shape) * 0.5**0.5,
            "d": rng.normal(size=self.channels),
        }

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def kernel_of(self, steps: int) -> Any:
        """Return what an impulse gives ``(channels, steps)``.

        ``2 Re(sum_n C_n (exp(dt A_n) - 1) / A_n exp(dt A_n t))``, the sum over one of each pair of conjugates.
        """
        dt = ops.exp(self.log_dt)[:, None]
        real, imaginary = -ops.exp(self.log_decay), self.frequency
        grown = ops.exp(dt * real)
        up_real, up_imaginary = grown * ops.cos(dt * imaginary) - 1, grown * ops.sin(dt * imaginary)
        size = real * real + imaginary * imaginary
        held_real = (up_real * real + up_imaginary * imaginary) / size
        held_imaginary = (up_imaginary * real - up_real * imaginary) / size
        c_real = self.c_real * held_real - self.c_imaginary * held_imaginary
        c_imaginary = self.c_real * held_imaginary + self.c_imaginary * held_real
        at = ops.arange(steps, dtype=self.compute_dtype)
        size, angle = ops.exp((dt * real)[..., None] * at), (dt * imaginary)[..., None] * at
        wave = c_real[..., None] * ops.cos(angle) - c_imaginary[..., None] * ops.sin(angle)
        return 2 * ops.sum(size * wave, axis=1)

    def call(self, inputs: Any) -> Any:
        """Convolve."""
        steps = inputs.shape[1]
        pad = ((0, 0), (0, 0), (0, steps))
        u = ops.pad(ops.transpose(inputs, (0, 2, 1)), pad)
        kernel = ops.pad(self.kernel_of(steps)[None], pad)
        (u_real, u_imaginary), (k_real, k_imaginary) = ops.rfft(u), ops.rfft(kernel)
        y = ops.irfft((u_real * k_real - u_imaginary * k_imaginary, u_real * k_imaginary + u_imaginary * k_real))
        return ops.transpose(y[..., :steps], (0, 2, 1)) + self.d * inputs
