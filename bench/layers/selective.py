"""Mamba's mixer: a state space whose step size and maps follow the input."""

from typing import Any

import keras
import numpy as np
from keras import ops

from bench.layers.linear_scan import linear_scan

LEAST_STEP = 1e-4
"""Steps start from no less, as in the authors' code."""


class SelectiveStateSpace(keras.layers.Layer):  # type: ignore[misc]
    """In-projection, a short causal convolution a channel, the selective scan, a gate, out-projection.

    Gu and Dao (2023), "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752, algorithm 2
    and section 3.4, with the start of the step sizes of the authors' code (section 3.6): the inverse softplus of steps
    uniform in their logarithm. B is discretised as ``dt B``, as in the code, where equation 4 has the zero-order hold.
    Projections start as every dense layer here; in the code as PyTorch's, the last divided by the root of the number of
    layers.

    Args:
        state: Numbers in a channel's state (N).
        expand: Channels of the scan, by those of the input (E).
        taps: Of the convolution.

    Call arguments:
        inputs: ``(batch, steps, features)``, steps known.

    Returns:
        Likewise.
    """

    DRAWN = "conv_kernel", "conv_bias", "step_kernel", "step_bias", "a_log", "d"

    def __init__(self, state: int = 16, expand: int = 2, taps: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.state, self.expand, self.taps = state, expand, taps

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        features = input_shape[-1]
        assert features is not None
        self.channels, self.rank = self.expand * features, -(-features // 16)
        inner = (*input_shape[:-1], self.channels)
        self.into = keras.layers.Dense(2 * self.channels, use_bias=False)
        self.chosen = keras.layers.Dense(self.rank + 2 * self.state, use_bias=False)
        self.out = keras.layers.Dense(features, use_bias=False)
        for layer, shape in ((self.into, input_shape), (self.chosen, inner), (self.out, inner)):
            layer.build(shape)
        shapes = {
            "conv_kernel": (self.taps, self.channels),
            "step_kernel": (self.rank, self.channels),
            "a_log": (self.channels, self.state),
            **dict.fromkeys(("conv_bias", "step_bias", "d"), (self.channels,)),
        }
        for name, shape in shapes.items():
            setattr(self, name, self.add_weight(shape=shape, initializer="zeros", name=name))
        self.built = True

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the weights start from."""
        reach, spread = self.taps**-0.5, self.rank**-0.5
        steps = np.exp(rng.uniform(np.log(0.001), np.log(0.1), self.channels)).clip(LEAST_STEP)
        return {
            "conv_kernel": rng.uniform(-reach, reach, (self.taps, self.channels)),
            "conv_bias": rng.uniform(-reach, reach, self.channels),
            "step_kernel": rng.uniform(-spread, spread, (self.rank, self.channels)),
            "step_bias": steps + np.log(-np.expm1(-steps)),
            "a_log": np.broadcast_to(np.log(np.arange(1, self.state + 1)), (self.channels, self.state)),
            "d": np.ones(self.channels),
        }

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Mix over all steps."""
        x, gate = ops.split(self.into(inputs), 2, axis=-1)
        u = ops.silu(self.convolve(x))
        low, b, c = ops.split(self.chosen(u), [self.rank, self.rank + self.state], axis=-1)
        dt = ops.softplus(ops.matmul(low, self.step_kernel) + self.step_bias)
        return self.out(self.scan(u, dt, b, c) * ops.silu(gate))

    def convolve(self, x: Any) -> Any:
        """Return each channel's causal convolution; tap ``taps - 1`` is the present."""
        steps = x.shape[1]
        padded = ops.pad(x, ((0, 0), (self.taps - 1, 0), (0, 0)))
        taps = (padded[:, i : i + steps] * self.conv_kernel[i] for i in range(self.taps))
        return sum(taps, self.conv_bias)

    def scan(self, u: Any, dt: Any, b: Any, c: Any) -> Any:
        """Return ``y_t = C_t h_t + D u_t``, ``h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t`` with ``A = -exp(a_log)``.

        Args:
            u: ``(batch, steps, channels)``.
            dt: Likewise, above 0; 0 holds the state.
            b: ``(batch, steps, state)``.
            c: Likewise.
        """
        taken, dt, b, c = (ops.moveaxis(part, 1, 0) for part in (dt * u, dt, b, c))  # a state is larger than these
        kept = ops.exp(dt[..., None] * -ops.exp(self.a_log))
        states = linear_scan(kept, taken[..., None] * b[:, :, None, :], axis=0)
        return ops.moveaxis(ops.sum(states * c[:, :, None, :], axis=-1), 0, 1) + self.d * u
