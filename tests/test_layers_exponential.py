"""Layers with exponential gates against their recurrences without a stabiliser, which float64 can hold."""

import keras
import numpy as np
import pytest
from keras import ops

from bench.layers.mlstm import CHUNK, MatrixLSTM, matrix_memory
from bench.layers.mlstm import EPSILON as MEMORY_EPSILON
from bench.layers.norms import EPSILON, HeadNorm
from bench.layers.slstm import SLSTMCell
from tests.built import own, sigmoid, started

RNG = np.random.default_rng(12)
X = RNG.normal(size=(4, 9, 8)).astype(np.float32)


def head_norm(x, heads, gamma):
    parts = x.reshape(*x.shape[:-1], heads, -1)
    return gamma * ((parts - parts.mean(-1, keepdims=True)) / np.sqrt(parts.var(-1, keepdims=True) + EPSILON)).reshape(
        x.shape
    )


@pytest.mark.parametrize("scale", [1, 60])
def test_an_slstm_is_its_recurrence_where_float32_would_overflow_too(scale):
    layer = started(keras.layers.RNN(SLSTMCell(6, heads=2), return_sequences=True), X)
    layer.cell.recurrent_kernel.assign(RNG.normal(size=(2, 3, 12)))
    kernel, recurrent, bias = own(layer.cell, "kernel", "recurrent_kernel", "bias")
    h = c = n = np.zeros((4, 6))
    outputs, largest = [], 0.0
    for t in range(9):
        heads = [h[:, :3] @ recurrent[0], h[:, 3:] @ recurrent[1]]
        fed = np.concatenate([head.reshape(4, 4, 3) for head in heads], axis=-1).reshape(4, 24)
        i, f, z, o = np.split(scale * X[:, t] @ kernel + fed + bias, 4, axis=-1)
        largest = max(largest, i.max())
        c, n = sigmoid(f) * c + np.exp(i) * np.tanh(z), sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        outputs.append(h)
    assert bool(largest > 89) is (scale > 1), "exp(89) is no float32"
    np.testing.assert_allclose(ops.convert_to_numpy(layer(scale * X)), np.stack(outputs, 1), atol=1e-4)


def test_an_slstm_forgets_less_in_units_that_come_first_and_starts_without_recurrence():
    for place, power in ((0.0, 0.3), (1.0, 1.6)):
        layer = started(keras.layers.RNN(SLSTMCell(10, heads=2, place=place)), X)
        recurrent, bias = own(layer.cell, "recurrent_kernel", "bias")
        assert not recurrent.any()
        gates = bias.reshape(4, 2, 5)
        assert not gates[[0, 2, 3]].any()
        np.testing.assert_allclose(gates[1], np.tile(5 - 12 * (np.arange(5) / 4) ** power, (2, 1)), rtol=1e-6)


def recurrent_memory(queries, keys, values, take, keep):
    """Carry the matrix C and the vector n of each head from step to step; m is what the authors' epsilon is times."""
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


@pytest.mark.parametrize("level", [-2, 120])
@pytest.mark.parametrize("steps", [9, CHUNK, CHUNK + 1, 3 * CHUNK + 7], ids=["short", "one", "one and a step", "three"])
def test_a_matrix_memory_in_chunks_is_its_recurrence(level, steps):
    queries, keys, values = RNG.normal(size=(3, 2, 2, steps, 5))
    take, keep = level + RNG.normal(size=(2, 2, steps)), RNG.normal(2, 2, size=(2, 2, steps))
    keep[:, 0] += 6  # so that what the first chunk saw is still there in the last
    known = recurrent_memory(queries, keys, values, take, keep)
    if level < 0:
        floored = np.abs(recurrent_memory(queries, keys, 0 * values + 1, take, keep)) < 0.999
        assert floored.any(), "the floor of the denominator is reached"
        assert not floored.all()
    assert steps < CHUNK or np.abs(known - recurrent_memory(queries, keys, values, take, keep - 50)).max() > 0.1
    parts = queries, keys, values, take, keep
    if keras.backend.backend() == "tensorflow":  # Keras's operations on the others round to float32
        ours = matrix_memory(*(ops.convert_to_tensor(part, "float64") for part in parts))
        np.testing.assert_allclose(ops.convert_to_numpy(ours), known, rtol=1e-9, atol=1e-11)
    single = matrix_memory(*(ops.convert_to_tensor(part.astype(np.float32)) for part in parts))
    np.testing.assert_allclose(ops.convert_to_numpy(single), known, rtol=2e-3, atol=2e-3)


def memory_and_gradients():
    """Return a function from weights and parts to the gradients of ``sum(weights * matrix_memory(*parts))``.

    It is compiled where the backend compiles.
    """

    def loss(weights, parts):
        return ops.sum(weights * matrix_memory(*parts))

    match keras.backend.backend():
        case "jax":
            import jax

            return jax.jit(jax.grad(loss, argnums=1))
        case "tensorflow":
            import tensorflow as tf

            @tf.function(jit_compile=True)
            def compiled(weights, parts):
                with tf.GradientTape() as tape:
                    tape.watch(parts)
                    made = loss(weights, parts)
                return tape.gradient(made, parts)

            return compiled
        case _:
            import torch

            return lambda weights, parts: torch.autograd.grad(loss(weights, [p.requires_grad_() for p in parts]), parts)


def test_a_matrix_memory_has_the_gradient_of_its_recurrence_and_sees_no_later_step():
    steps = 2 * CHUNK + 5
    parts = [*RNG.normal(size=(3, 1, 1, steps, 3)), RNG.normal(-1, 2, size=(1, 1, steps)), np.full((1, 1, steps), 5.0)]
    weights = RNG.normal(size=(1, 1, steps, 3))
    compiled = memory_and_gradients()

    def gradients(weights):
        given = [ops.convert_to_tensor(part.astype(np.float32)) for part in (weights, *parts)]
        return [ops.convert_to_numpy(part) for part in compiled(given[0], given[1:])]

    for number, (part, ours) in enumerate(zip(parts, gradients(weights), strict=True)):
        for _ in range(3):
            way = 1e-5 * RNG.normal(size=part.shape)
            ends = ([*parts[:number], part + sign * way, *parts[number + 1 :]] for sign in (1, -1))
            up, down = (np.sum(weights * recurrent_memory(*end)) for end in ends)
            np.testing.assert_allclose(1e5 * np.sum(ours * way), 1e5 * (up - down) / 2, rtol=1e-2, atol=1e-2)
    at = CHUNK + 3
    for part in gradients(np.where(np.arange(steps)[:, None] <= at, weights, 0)):
        assert not part[:, :, at + 1 :].any()
        assert part[:, :, :CHUNK].any()


def test_an_mlstm_gates_its_memory_of_what_a_short_convolution_saw():
    layer = started(MatrixLSTM(heads=2, expand=1, taps=4), X)
    w = dict(zip(layer.DRAWN, own(layer, *layer.DRAWN), strict=True))
    np.testing.assert_allclose(w["keep_bias"], [3, 6])
    assert not w["keep_kernel"].any()
    for name in ("take_kernel", "keep_kernel"):
        w[name] = RNG.normal(0, 0.3, size=w[name].shape)
        getattr(layer, name).assign(w[name])
    x, gate = np.split(X.astype(np.float64) @ own(layer.into, "kernel")[0], 2, axis=-1)
    padded = np.pad(x, ((0, 0), (3, 0), (0, 0)))
    u = sum(padded[:, i : i + 9] * w["conv_kernel"][i] for i in range(4)) + w["conv_bias"]
    u = u * sigmoid(u)
    queries, keys, values = (
        np.concatenate([part[..., :4] @ w[name][0], part[..., 4:] @ w[name][1]], axis=-1)
        for part, name in ((u, "query_kernel"), (u, "key_kernel"), (x, "value_kernel"))
    )
    seen = np.concatenate([queries, keys, values], axis=-1)
    take, keep = ((seen @ w[f"{g}_kernel"] + w[f"{g}_bias"]).transpose(0, 2, 1) for g in ("take", "keep"))
    heads = (part.reshape(4, 9, 2, 4).transpose(0, 2, 1, 3) for part in (queries, keys, values))
    h = recurrent_memory(*heads, take, keep).transpose(0, 2, 1, 3).reshape(4, 9, 8)
    h = head_norm(h, 2, *own(layer.norm, "gamma")) + w["skip"] * u
    known = (h * gate * sigmoid(gate)) @ own(layer.out, "kernel")[0]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), known, atol=1e-3)


def test_a_head_is_normalised_by_its_own_numbers_at_its_own_step():
    layer = started(HeadNorm(4), X)
    gamma = RNG.normal(size=8)
    layer.gamma.assign(gamma)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), head_norm(X.astype(np.float64), 4, gamma), atol=1e-4)


def test_a_matrix_memory_that_takes_nothing_has_a_gradient():
    steps = CHUNK + 3
    parts = [*RNG.normal(size=(3, 1, 1, steps, 3)), np.full((1, 1, steps), -200.0), np.full((1, 1, steps), 3.0)]
    given = [ops.convert_to_tensor(part.astype(np.float32)) for part in (np.ones((1, 1, steps, 3)), *parts)]
    for ours in (matrix_memory(*given[1:]), *memory_and_gradients()(given[0], given[1:])):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), 0, atol=1e-30)
