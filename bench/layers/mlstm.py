"""The mixer with exponential gates and a matrix of memory a head, all steps at once."""

from typing import Any

import keras
import numpy as np
from keras import ops

from bench.layers.head_norm import HeadNorm

NEVER = -1e30
"""The logarithm of what a later step gives an earlier one."""
EPSILON = 1e-6
BLOCK = 4
"""Channels that queries, keys and values mix among themselves, as in the authors' code."""


def matrix_memory(queries: Any, keys: Any, values: Any, take: Any, keep: Any) -> Any:
    """Return ``C_t q_t / max(|n_t q_t|, 1)`` of ``C_t = f C_{t-1} + i v k'`` and ``n_t = f n_{t-1} + i k``.

    Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, appendix A.3: the parallel form,
    which compares each step with those before it as attention does, so that its cost grows with their number squared.
    Rows are kept times ``exp(-m_t)``, and the floor of 1 with them; the authors' code adds `EPSILON` to that.

    Args:
        queries: ``(batch, heads, steps, size)``.
        keys: Likewise.
        values: Likewise.
        take: Logarithms of the input gate ``(batch, heads, steps)``.
        keep: Logits of the forget gate, likewise.

    Returns:
        ``(batch, heads, steps, size)``.
    """
    *_, steps, size = keys.shape
    past = np.tril(np.ones((steps, steps), bool))
    kept = ops.cumsum(-ops.softplus(-keep), axis=-1)
    log = kept[..., :, None] - kept[..., None, :] + take[..., None, :]
    log = ops.where(past, log, NEVER)
    most = ops.max(log, axis=-1, keepdims=True)
    shares = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) * size**-0.5 * ops.exp(log - most)
    floor = ops.maximum(ops.abs(ops.sum(shares, axis=-1, keepdims=True)), ops.exp(-most))
    return ops.matmul(shares / (floor + EPSILON), values)


class MatrixLSTM(keras.layers.Layer):  # type: ignore[misc]
    """In-projection, a short causal convolution a channel, the matrix memory, a gate, out-projection.

    Beck et al. (2024), arXiv 2405.04517, figure 11. Queries and keys come from the convolution, values from before it;
    gates from all three, their weights zero at first, forget biases from 3 to 6 over the heads, as in the code.

    Args:
        heads: Memories, which share out the channels.
        expand: Channels of the memory, by those of the input; their number is a multiple of `BLOCK`.
        taps: Of the convolution.

    Call arguments:
        inputs: ``(batch, steps, features)``, steps known.

    Returns:
        Likewise.
    """

    DRAWN = (
        *("conv_kernel", "conv_bias", "query_kernel", "key_kernel", "value_kernel", "skip"),
        *("take_kernel", "take_bias", "keep_kernel", "keep_bias"),
    )

    def __init__(self, heads: int = 4, expand: int = 2, taps: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads, self.expand, self.taps = heads, expand, taps

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        features = input_shape[-1]
        assert features is not None
        self.features, self.channels = features, self.expand * features
        inner = (*input_shape[:-1], self.channels)
        self.into = keras.layers.Dense(2 * self.channels, use_bias=False)
        self.norm = HeadNorm(self.heads)
        self.out = keras.layers.Dense(features, use_bias=False)
        for layer, shape in ((self.into, input_shape), (self.norm, inner), (self.out, inner)):
            layer.build(shape)
        shapes = {
            "conv_kernel": (self.taps, self.channels),
            **dict.fromkeys(("conv_bias", "skip"), (self.channels,)),
            **dict.fromkeys(("query_kernel", "key_kernel", "value_kernel"), (self.channels // BLOCK, BLOCK, BLOCK)),
            **dict.fromkeys(("take_kernel", "keep_kernel"), (3 * self.channels, self.heads)),
            **dict.fromkeys(("take_bias", "keep_bias"), (self.heads,)),
        }
        for name in self.DRAWN:
            setattr(self, name, self.add_weight(shape=shapes[name], initializer="zeros", name=name))
        self.built = True

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the weights start from."""
        reach, spread = self.taps**-0.5, (2 / (5 * self.features)) ** 0.5
        maps = rng.normal(0, spread, (3, self.channels // BLOCK, BLOCK, BLOCK))
        return {
            "conv_kernel": rng.uniform(-reach, reach, (self.taps, self.channels)),
            "conv_bias": rng.uniform(-reach, reach, self.channels),
            **dict(zip(("query_kernel", "key_kernel", "value_kernel"), maps, strict=True)),
            "skip": np.ones(self.channels),
            **dict.fromkeys(("take_kernel", "keep_kernel"), np.zeros((3 * self.channels, self.heads))),
            "take_bias": rng.normal(0, 0.1, self.heads),
            "keep_bias": np.linspace(3, 6, self.heads),
        }

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Mix over all steps."""
        steps = inputs.shape[1]
        x, gate = ops.split(self.into(inputs), 2, axis=-1)
        padded = ops.pad(x, ((0, 0), (self.taps - 1, 0), (0, 0)))
        u = ops.silu(sum((padded[:, i : i + steps] * self.conv_kernel[i] for i in range(self.taps)), self.conv_bias))
        mapped = [self.mixed(u, self.query_kernel), self.mixed(u, self.key_kernel), self.mixed(x, self.value_kernel)]
        seen = ops.concatenate(mapped, axis=-1)
        take = ops.matmul(seen, self.take_kernel) + self.take_bias
        keep = ops.matmul(seen, self.keep_kernel) + self.keep_bias
        gates = (ops.transpose(logits, (0, 2, 1)) for logits in (take, keep))
        h = matrix_memory(*(self.shared_out(part) for part in mapped), *gates)
        h = self.norm(ops.reshape(ops.transpose(h, (0, 2, 1, 3)), (-1, steps, self.channels)))
        return self.out((h + self.skip * u) * ops.silu(gate))

    def mixed(self, x: Any, kernel: Any) -> Any:
        """Return a map within each block of channels ``(batch, steps, channels)``."""
        steps = x.shape[1]
        blocks = ops.reshape(x, (-1, steps, self.channels // BLOCK, BLOCK))
        return ops.reshape(ops.einsum("bsnd,nde->bsne", blocks, kernel), (-1, steps, self.channels))

    def shared_out(self, x: Any) -> Any:
        """Return each head's channels ``(batch, heads, steps, size)``."""
        steps = x.shape[1]
        return ops.transpose(ops.reshape(x, (-1, steps, self.heads, self.channels // self.heads)), (0, 2, 1, 3))
