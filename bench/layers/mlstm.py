"""The mixer with exponential gates and a matrix of memory a head, for all steps at once."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from bench.layers.linear_scan import NEVER, largest_scan, linear_scan
from bench.layers.norms import HeadNorm

CHUNK = 16
"""Steps that are compared with one another; of a window that is no longer the form is the parallel one."""
EPSILON = 1e-6
LARGEST = 80.0
"""Of the floor's logarithm: past 88 its exponential is infinite in float32, and gradients are no numbers."""
BLOCK = 4
"""Channels that queries, keys and values mix among themselves, as in the authors' code."""


def matrix_memory(queries: Any, keys: Any, values: Any, take: Any, keep: Any) -> Any:
    """Return ``C_t q_t / max(|n_t q_t|, 1)`` of ``C_t = f C_{t-1} + i v k'`` and ``n_t = f n_{t-1} + i k``.

    Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, appendix A.3, in the chunks of Beck
    et al. (2025), "Tiled Flash Linear Attention", arXiv 2503.14376: within `CHUNK` steps each is compared with those
    before it, as in attention; what earlier chunks left comes from their C and n, so that the cost is linear in steps.
    Rows are kept times ``exp(-m_t)``, and the floor of 1 with them; the authors' code adds `EPSILON` to that.

    Args:
        queries: ``(batch, heads, steps, size)``, steps known.
        keys: Likewise.
        values: Likewise.
        take: Logarithms of the input gate ``(batch, heads, steps)``.
        keep: Logits of the forget gate, likewise.

    Returns:
        ``(batch, heads, steps, size)``.
    """
    *_, steps, size = keys.shape
    chunked = steps > CHUNK
    if chunked:
        queries, keys, values, take, keep = (_in_chunks(part) for part in (queries, keys, values, take, keep))
    past = np.tril(np.ones((take.shape[-1],) * 2, bool))
    kept = ops.cumsum(-ops.softplus(-keep), axis=-1)
    log = kept[..., :, None] - kept[..., None, :] + take[..., None, :]
    log = ops.where(past, log, NEVER)
    most = ops.max(log, axis=-1, keepdims=True)
    if chunked:
        memory, scale = _left_by_earlier_chunks(keys, values, take, kept)
        since = kept[..., None] + scale
        most = ops.maximum(most, since)
    shares = ops.matmul(queries, ops.swapaxes(keys, -1, -2)) * size**-0.5 * ops.exp(log - most)
    below = ops.sum(shares, axis=-1, keepdims=True)
    if chunked:
        recalled = ops.matmul(queries * ops.exp(since - most), memory)
        below = below + recalled[..., -1:]
    floor = ops.maximum(ops.abs(below), ops.exp(ops.minimum(-most, LARGEST))) + EPSILON
    answers = ops.matmul(shares / floor, values)
    if not chunked:
        return answers
    answers = answers + recalled[..., :-1] / floor
    return ops.reshape(answers, (-1, keys.shape[1], answers.shape[2] * CHUNK, size))[:, :, :steps]


def _in_chunks(x: Any) -> Any:
    """Return ``(batch, heads, steps, ...)`` as ``(batch, heads, chunks, CHUNK, ...)``, padded after the last step."""
    _, heads, steps, *rest = x.shape
    x = ops.pad(x, ((0, 0), (0, 0), (0, -steps % CHUNK), *[(0, 0)] * len(rest)))
    return ops.reshape(x, (-1, heads, -(-steps // CHUNK), CHUNK, *rest))


def _left_by_earlier_chunks(keys: Any, values: Any, take: Any, kept: Any) -> tuple[Any, Any]:
    """Return C, with n as its last column, times ``exp(-m)``, and m: as they are before each chunk.

    m is what C and n are scaled by alone; no gradient goes through it.

    Args:
        keys: ``(batch, heads, chunks, CHUNK, size)``.
        values: Likewise.
        take: ``(batch, heads, chunks, CHUNK)``.
        kept: Logarithms of what each step keeps of what was there before its chunk, likewise.

    Returns:
        ``(batch, heads, chunks, size, size + 1)`` and ``(batch, heads, chunks, 1, 1)``.
    """
    heads, size = keys.shape[1], keys.shape[-1]
    through = kept[..., -1]  # of what was there before a chunk, by its end
    log = through[..., None] - kept + take
    m = _by_head(heads, largest_scan, *(ops.stop_gradient(part) for part in (through, ops.max(log, axis=-1))))
    before = ops.concatenate([ops.full_like(m[:, :, :1], NEVER), m[:, :, :-1]], axis=2)
    shares = keys * (size**-0.5 * ops.exp(log - m[..., None]))[..., None]
    taken = ops.matmul(ops.swapaxes(shares, -1, -2), ops.concatenate([values, ops.ones_like(values[..., :1])], axis=-1))
    memory = _by_head(heads, linear_scan, ops.exp(through + before - m)[..., None, None], taken)
    memory = ops.concatenate([ops.zeros_like(memory[:, :, :1]), memory[:, :, :-1]], axis=2)
    return memory, before[..., None, None]


def _by_head(heads: int, scan: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Return a scan over the chunks of ``(batch, heads, chunks, ...)``, each head's by itself."""
    made = scan(*(ops.reshape(x, (-1, *x.shape[2:])) for x in (a, b)))
    return ops.reshape(made, (-1, heads, *made.shape[1:]))


class MatrixLSTM(keras.layers.Layer):  # type: ignore[misc]
    """In-projection, a short causal convolution a channel, the matrix memory, a gate, out-projection.

    Beck et al. (2024), arXiv 2405.04517, figure 11. Queries and keys come from the convolution, values from before it;
    gates from all three, their weights zero at first, forget biases from 3 to 6 over the heads, as in the code. In- and
    out-projection start as every dense layer here; in the code normal, by the width, the last by the number of blocks.

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
