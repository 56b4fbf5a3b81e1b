"""Layers with exponential gates against their recurrences without a stabiliser, which float64 can hold."""

import keras
import numpy as np
import pytest
from keras import ops

from bench.layers.mlstm import CHUNK, MatrixLSTM, matrix_memory
from bench.layers.norms import HeadNorm
from bench.layers.slstm import SLSTMCell
from tests import by_hand
from tests.built import gradients_of, own, started

RNG = np.random.default_rng(12)
X = RNG.normal(size=(4, 9, 8)).astype(np.float32)


@pytest.mark.parametrize("scale", [1, 60])
def test_an_slstm_is_its_recurrence_where_float32_would_overflow_too(scale):
    layer = started(keras.layers.RNN(SLSTMCell(6, heads=2), return_sequences=True), X)
    layer.cell.recurrent_kernel.assign(RNG.normal(size=(2, 3, 12)))
    known, gates = by_hand.scalar_memory(layer.cell, scale * X)
    assert bool(gates.max() > 89) is (scale > 1), "exp(89) is no float32"
    np.testing.assert_allclose(ops.convert_to_numpy(layer(scale * X)), known, atol=1e-4)


def test_an_slstm_forgets_less_in_units_that_come_first_and_starts_without_recurrence():
    for place, power in ((0.0, 0.3), (1.0, 1.6)):
        layer = started(keras.layers.RNN(SLSTMCell(10, heads=2, place=place)), X)
        recurrent, bias = own(layer.cell, "recurrent_kernel", "bias")
        assert not recurrent.any()
        gates = bias.reshape(4, 2, 5)
        assert not gates[[0, 2, 3]].any()
        np.testing.assert_allclose(gates[1], np.tile(5 - 12 * (np.arange(5) / 4) ** power, (2, 1)), rtol=1e-6)


@pytest.mark.parametrize("level", [-2, 120])
@pytest.mark.parametrize("steps", [9, CHUNK, CHUNK + 1, 3 * CHUNK + 7], ids=["short", "one", "one and a step", "three"])
def test_a_matrix_memory_in_chunks_is_its_recurrence(level, steps):
    queries, keys, values = RNG.normal(size=(3, 2, 2, steps, 5))
    take, keep = level + RNG.normal(size=(2, 2, steps)), RNG.normal(2, 2, size=(2, 2, steps))
    keep[:, 0] += 6  # so that what the first chunk saw is still there in the last
    known = by_hand.matrix_memory(queries, keys, values, take, keep)
    if level < 0:
        floored = np.abs(by_hand.matrix_memory(queries, keys, 0 * values + 1, take, keep)) < 0.999
        assert floored.any(), "the floor of the denominator is reached"
        assert not floored.all()
    assert steps < CHUNK or np.abs(known - by_hand.matrix_memory(queries, keys, values, take, keep - 50)).max() > 0.1
    parts = queries, keys, values, take, keep
    if keras.backend.backend() == "tensorflow":  # Keras's operations on the others round to float32
        ours = matrix_memory(*(ops.convert_to_tensor(part, "float64") for part in parts))
        np.testing.assert_allclose(ops.convert_to_numpy(ours), known, rtol=1e-9, atol=1e-11)
    single = matrix_memory(*(ops.convert_to_tensor(part.astype(np.float32)) for part in parts))
    np.testing.assert_allclose(ops.convert_to_numpy(single), known, rtol=2e-3, atol=2e-3)


def test_a_matrix_memory_has_the_gradient_of_its_recurrence_and_sees_no_later_step():
    steps = 2 * CHUNK + 5
    parts = [*RNG.normal(size=(3, 1, 1, steps, 3)), RNG.normal(-1, 2, size=(1, 1, steps)), np.full((1, 1, steps), 5.0)]
    weights = RNG.normal(size=(1, 1, steps, 3))
    gradients = gradients_of(lambda weights, *parts: ops.sum(weights * matrix_memory(*parts)))
    for number, (part, ours) in enumerate(zip(parts, gradients(weights, *parts)[1:], strict=True)):
        for _ in range(3):
            way = 1e-5 * RNG.normal(size=part.shape)
            ends = ([*parts[:number], part + sign * way, *parts[number + 1 :]] for sign in (1, -1))
            up, down = (np.sum(weights * by_hand.matrix_memory(*end)) for end in ends)
            np.testing.assert_allclose(1e5 * np.sum(ours * way), 1e5 * (up - down) / 2, rtol=1e-2, atol=1e-2)
    at = CHUNK + 3
    for part in gradients(np.where(np.arange(steps)[:, None] <= at, weights, 0), *parts)[1:]:
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
    known = by_hand.matrix_lstm(layer, X.astype(np.float64))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), known, atol=1e-3)


def test_a_head_is_normalised_by_its_own_numbers_at_its_own_step():
    layer = started(HeadNorm(4), X)
    gamma = RNG.normal(size=8)
    layer.gamma.assign(gamma)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(X)), by_hand.head_norm(X.astype(np.float64), 4, gamma), atol=1e-4
    )


def test_a_matrix_memory_that_takes_nothing_has_a_gradient():
    steps = CHUNK + 3
    parts = [*RNG.normal(size=(3, 1, 1, steps, 3)), np.full((1, 1, steps), -200.0), np.full((1, 1, steps), 3.0)]
    for ours in gradients_of(lambda *parts: ops.sum(matrix_memory(*parts)))(*parts):
        np.testing.assert_allclose(ours, 0, atol=1e-30)
