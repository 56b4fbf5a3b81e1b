"""Layers in NumPy and in float64, step by step, from the weights of ours: what known answers are computed with."""

import numpy as np
from scipy.special import erf

from bench.layers.mlstm import EPSILON as MEMORY_EPSILON
from bench.layers.norms import EPSILON
from tests.built import own, sigmoid


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def silu(x):
    return x * sigmoid(x)


def softplus(x):
    return np.log1p(np.exp(x))


def softmax(x):
    grown = np.exp(x - x.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def normalised(x, epsilon=EPSILON):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


def layer_norm(layer, x):
    gamma, beta = own(layer, "gamma", "beta")
    return gamma * normalised(x, layer.epsilon) + beta


def root_mean_square_norm(layer, x):
    return own(layer, "gamma")[0] * x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON)


def head_norm(x, heads, gamma):
    return gamma * normalised(x.reshape(*x.shape[:-1], heads, -1)).reshape(x.shape)


def drawn(layer):
    """Return a layer's own weights by their names."""
    return dict(zip(layer.DRAWN, own(layer, *layer.DRAWN), strict=True))


def convolution(x, kernel, dilation=1):
    """Return what a causal convolution ``kernel (taps, channels, filters)`` makes of ``x (batch, steps, channels)``."""
    taps, steps = len(kernel), x.shape[1]
    padded = np.pad(x, ((0, 0), ((taps - 1) * dilation, 0), (0, 0)))
    return sum(padded[:, tap * dilation : tap * dilation + steps] @ kernel[tap] for tap in range(taps))


def short_convolution(x, kernel, bias):
    """Return the same of a channel each, ``kernel (taps, channels)``."""
    return convolution(x, kernel[:, :, None] * np.eye(x.shape[-1])) + bias


def lru(layer, x):
    """Orvieto et al. (2023), sections 3.2 to 3.4."""
    w = drawn(layer)
    kept = np.exp(-np.exp(w["nu"]) + 1j * np.exp(w["theta"]))
    b, c = w["b_real"] + 1j * w["b_imaginary"], w["c_real"] + 1j * w["c_imaginary"]
    h, outputs = np.zeros((len(x), len(kept)), complex), []
    for t in range(x.shape[1]):
        h = kept * h + np.exp(w["gamma_log"]) * (x[:, t] @ b)
        outputs.append((h @ c).real + w["d"] * x[:, t])
    return np.stack(outputs, 1)


def s4d(layer, x):
    """Gu et al. (2022), section 4.2, with the zero-order hold; a number of the state stands for its conjugate, too."""
    w = drawn(layer)
    dt, a = np.exp(w["log_dt"])[:, None], -np.exp(w["log_decay"]) + 1j * w["frequency"]
    kept, taken = np.exp(dt * a), (np.exp(dt * a) - 1) / a
    h, outputs = np.zeros((len(x), *a.shape), complex), []
    for t in range(x.shape[1]):
        h = kept * h + taken * x[:, t, :, None]
        outputs.append(2 * (h * (w["c_real"] + 1j * w["c_imaginary"])).sum(-1).real + w["d"] * x[:, t])
    return np.stack(outputs, 1)


def selective_state_space(layer, x):
    """Gu and Dao (2023), algorithm 2 and figure 3."""
    w = drawn(layer)
    x, gate = np.split(x @ own(layer.into, "kernel")[0], 2, axis=-1)
    u = silu(short_convolution(x, w["conv_kernel"], w["conv_bias"]))
    low, b, c = np.split(u @ own(layer.chosen, "kernel")[0], [layer.rank, layer.rank + layer.state], axis=-1)
    dt, a = softplus(low @ w["step_kernel"] + w["step_bias"]), -np.exp(w["a_log"])
    h, outputs = np.zeros((len(x), *a.shape)), []
    for t in range(x.shape[1]):
        h = np.exp(dt[:, t, :, None] * a) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
        outputs.append((h * c[:, t, None]).sum(-1) + w["d"] * u[:, t])
    return (np.stack(outputs, 1) * silu(gate)) @ own(layer.out, "kernel")[0]


def scalar_memory(cell, x):
    """Return the outputs of an `SLSTMCell` (Beck et al., 2024, section 2.2), without a stabiliser, and input gates."""
    kernel, recurrent, bias = own(cell, "kernel", "recurrent_kernel", "bias")
    batch, heads = len(x), len(recurrent)
    h = c = n = np.zeros((batch, len(bias) // 4))
    outputs, taken = [], []
    for t in range(x.shape[1]):
        fed = [part @ own_kernel for part, own_kernel in zip(np.split(h, heads, axis=-1), recurrent, strict=True)]
        fed = np.concatenate([head.reshape(batch, 4, -1) for head in fed], axis=-1).reshape(batch, -1)
        i, f, z, o = np.split(x[:, t] @ kernel + fed + bias, 4, axis=-1)
        c, n = sigmoid(f) * c + np.exp(i) * np.tanh(z), sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        outputs.append(h)
        taken.append(i)
    return np.stack(outputs, 1), np.stack(taken, 1)


def matrix_memory(queries, keys, values, take, keep):
    """Carry the matrix C and the vector n of each head from step to step; m is what the authors' epsilon is times.

    Beck et al. (2024), section 2.3; shapes as in `bench.layers.mlstm.matrix_memory`.
    """
    batch, heads, steps, size = queries.shape
    c, n, outputs = np.zeros((batch, heads, size, size)), np.zeros((batch, heads, size)), []
    m = np.full((batch, heads), -np.inf)
    for t in range(steps):
        k, v, q = keys[:, :, t] / np.sqrt(size), values[:, :, t], queries[:, :, t]
        f, i = sigmoid(keep[..., t])[..., None], np.exp(take[..., t])[..., None]
        c, n = f[..., None] * c + i[..., None] * v[..., :, None] * k[..., None, :], f * n + i * k
        m = np.maximum(np.log(sigmoid(keep[..., t])) + m, take[..., t])
        below = (np.maximum(np.abs((n * q).sum(-1)), 1) + MEMORY_EPSILON * np.exp(m))[..., None]
        outputs.append((c @ q[..., None])[..., 0] / below)
    return np.stack(outputs, axis=2)


def matrix_lstm(layer, x):
    """Beck et al. (2024), figure 11."""
    w = drawn(layer)
    batch, steps, _ = x.shape
    x, gate = np.split(x @ own(layer.into, "kernel")[0], 2, axis=-1)
    u = silu(short_convolution(x, w["conv_kernel"], w["conv_bias"]))

    def mixed(part, kernels):
        blocks = zip(np.split(part, len(kernels), axis=-1), kernels, strict=True)
        return np.concatenate([block @ kernel for block, kernel in blocks], axis=-1)

    parts = mixed(u, w["query_kernel"]), mixed(u, w["key_kernel"]), mixed(x, w["value_kernel"])
    seen = np.concatenate(parts, axis=-1)
    take, keep = ((seen @ w[f"{g}_kernel"] + w[f"{g}_bias"]).transpose(0, 2, 1) for g in ("take", "keep"))
    heads = (part.reshape(batch, steps, layer.heads, -1).transpose(0, 2, 1, 3) for part in parts)
    h = matrix_memory(*heads, take, keep).transpose(0, 2, 1, 3).reshape(x.shape)
    h = head_norm(h, layer.heads, *own(layer.norm, "gamma")) + w["skip"] * u
    return (h * silu(gate)) @ own(layer.out, "kernel")[0]


def attention(layer, x):
    """Return what Keras's `MultiHeadAttention` makes of ``x (batch, steps, features)``, each step seeing none later."""
    queries, keys, values = (
        np.einsum("btf,fhd->bhtd", x, kernel) + bias[None, :, None, :]
        for kernel, bias in (
            own(getattr(layer, f"{part}_dense"), "kernel", "bias") for part in ("query", "key", "value")
        )
    )
    scores = queries @ keys.transpose(0, 1, 3, 2) / np.sqrt(queries.shape[-1])
    seen = np.tril(np.ones(scores.shape[-2:], bool))
    kernel, bias = own(layer.output_dense, "kernel", "bias")
    return np.einsum("bhtd,hdf->btf", softmax(np.where(seen, scores, -np.inf)) @ values, kernel) + bias
