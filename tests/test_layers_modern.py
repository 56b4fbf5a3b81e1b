"""Layers of modern architectures against the formulas of their papers, in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from bench.layers.lru import LRU
from bench.layers.minimal_recurrent import MinGRU, MinLSTM
from bench.layers.moving_average import MovingAverage
from bench.layers.norms import EPSILON, RootMeanSquareNorm
from bench.layers.s4d import S4D
from bench.layers.selective import SelectiveStateSpace
from bench.layers.weight_norm_conv import WeightNormCausalConv1D
from bench.models.channel_least_squares import ChannelLeastSquares
from bench.models.decomposition import DLinear, NLinear
from bench.models.temporal_convolution import TCN
from bench.models.transformer import CausalTransformer
from bench.task import Split, Target, TargetKind, Task
from tests import by_hand
from tests.built import dense, network, numbers, own, sigmoid, started
from tests.by_hand import drawn

RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 9, 3)).astype(np.float32)
LAST = Task("last", TargetKind.LAST_STEP, 9, 1, 5)


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM])
def test_minimal_layers_are_their_loops(kind):
    layer = started(kind(5, return_sequences=True), X)
    mapped = [dense(d, X) for d in layer.dense]
    *gates, candidate = mapped
    candidate = np.where(candidate >= 0, candidate + 0.5, sigmoid(candidate))
    if kind is MinGRU:
        take = sigmoid(gates[0])
        keep = 1 - take
    else:
        keep, take = (sigmoid(gate) / (sigmoid(gates[0]) + sigmoid(gates[1])) for gate in gates)
    h, states = 0.0, []
    for t in range(9):
        h = keep[:, t] * h + take[:, t] * candidate[:, t]
        states.append(h)
    np.testing.assert_allclose(numbers(layer(X)), np.stack(states, 1), atol=1e-5)
    layer.return_sequences = False
    np.testing.assert_allclose(numbers(layer(X)), states[-1], atol=1e-5)


def test_a_min_gru_whose_gates_are_open_copies_and_one_whose_gates_are_shut_holds():
    layer = started(MinGRU(5, return_sequences=True), X)
    gate, candidate = layer.dense
    mapped = dense(candidate, X)
    copied = np.where(mapped >= 0, mapped + 0.5, sigmoid(mapped))
    gate.kernel.assign(np.zeros(gate.kernel.shape))
    for bias, known in ((50, copied), (-50, np.zeros_like(copied))):
        gate.bias.assign(np.full(5, bias))
        np.testing.assert_allclose(numbers(layer(X)), known, atol=1e-5)


def test_an_impulse_into_an_lru_rings_as_its_eigenvalues_say():
    layer = started(LRU(6, least=0.4, most=0.9), X)
    w = drawn(layer)
    lam = np.exp(-np.exp(w["nu"]) + 1j * np.exp(w["theta"]))
    assert ((np.abs(lam) >= 0.4) & (np.abs(lam) <= 0.9)).all()
    np.testing.assert_allclose(np.exp(w["gamma_log"]), np.sqrt(1 - np.abs(lam) ** 2), rtol=1e-5)
    impulse = np.zeros((1, 9, 3), np.float32)
    impulse[0, 0, 1] = 1
    b, c = w["b_real"][1] + 1j * w["b_imaginary"][1], w["c_real"] + 1j * w["c_imaginary"]
    rung = np.stack([((lam**t * np.exp(w["gamma_log"]) * b) @ c).real for t in range(9)])
    rung[0, 1] += w["d"][1]
    np.testing.assert_allclose(numbers(layer(impulse)[0]), rung, atol=1e-5)


def test_an_s4d_convolution_is_its_recurrence():
    layer = started(S4D(8), X)
    w = drawn(layer)
    dt = np.exp(w["log_dt"])[:, None]
    assert ((dt >= 0.001) & (dt <= 0.1)).all()
    a = -np.exp(w["log_decay"]) + 1j * w["frequency"]
    np.testing.assert_allclose(a, np.broadcast_to(-0.5 + 1j * np.pi * np.arange(4), a.shape), rtol=1e-5)
    np.testing.assert_allclose(numbers(layer(X)), by_hand.s4d(layer, X), atol=1e-4)


def test_a_selective_scan_is_its_recurrence_and_a_step_of_zero_holds_the_state():
    layer = started(SelectiveStateSpace(state=5, expand=2, taps=4), X)
    w = drawn(layer)
    np.testing.assert_allclose(np.exp(w["a_log"]), np.broadcast_to(np.arange(1.0, 6), (6, 5)), rtol=1e-5)
    start = np.log1p(np.exp(w["step_bias"]))
    assert ((start > 0.00099) & (start < 0.101)).all(), "softplus of the bias is the first step"
    u, dt = RNG.normal(size=(4, 9, 6)), RNG.uniform(0, 1, (4, 9, 6))
    dt[:, 4] = 0
    b, c = RNG.normal(size=(2, 4, 9, 5))
    h, states = np.zeros((4, 6, 5)), []
    for t in range(9):
        h = np.exp(dt[:, t, :, None] * -np.exp(w["a_log"])) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
        states.append(h)
    np.testing.assert_array_equal(states[4], states[3])
    y = np.stack([(h * c[:, t, None]).sum(-1) + w["d"] * u[:, t] for t, h in enumerate(states)], 1)
    given = (ops.convert_to_tensor(part.astype(np.float32)) for part in (u, dt, b, c))
    np.testing.assert_allclose(numbers(layer.scan(*given)), y, atol=1e-4)


def test_the_short_convolution_before_it_is_causal_and_a_channel_each():
    layer = started(SelectiveStateSpace(state=5, expand=1, taps=4), X)
    w = drawn(layer)
    known = by_hand.short_convolution(X.astype(np.float64), w["conv_kernel"], w["conv_bias"])
    np.testing.assert_allclose(numbers(layer.convolve(ops.convert_to_tensor(X))), known, atol=1e-5)


def test_a_weight_normalised_kernel_has_the_length_and_the_direction():
    layer = started(WeightNormCausalConv1D(4, 2), X)
    v, g = own(layer, "kernel", "length")
    np.testing.assert_allclose(g, np.sqrt((v**2).sum((0, 1))), rtol=1e-5, err_msg="an output channel each")
    np.testing.assert_allclose(numbers(layer.matrix()), v, rtol=1e-5, err_msg="the kernel itself, at the start")
    before = numbers(layer(X))
    layer.kernel.assign(3 * v)
    np.testing.assert_allclose(numbers(layer(X)), before, atol=1e-5, err_msg="the length of v does not matter")
    layer.length.assign(2 * g)
    np.testing.assert_allclose(numbers(layer.matrix()), 2 * v, rtol=1e-5)


def test_root_mean_square_norm_by_hand():
    layer = started(RootMeanSquareNorm(), X)
    known = X / np.sqrt((X.astype(np.float64) ** 2).mean(-1, keepdims=True) + EPSILON)
    np.testing.assert_allclose(numbers(layer(X)), known, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 4, 25])
def test_a_moving_average_repeats_the_ends(steps):
    before = (steps - 1) // 2
    padded = np.pad(X, ((0, 0), (0, 0), (before, steps - 1 - before)), mode="edge")
    known = np.stack([padded[..., i : i + steps].astype(np.float64).mean(-1) for i in range(3)], -1)
    np.testing.assert_allclose(numbers(MovingAverage(steps)(X)), known, atol=1e-5)


def test_d_linear_is_linear_and_n_linear_moves_with_the_level():
    x, z = RNG.normal(size=(2, 6, 9, 1)).astype(np.float32)
    linear = network(DLinear(average=4), LAST)
    np.testing.assert_allclose(numbers(linear(x + 2 * z)), numbers(linear(x)) + 2 * numbers(linear(z)), atol=1e-5)
    moved = network(NLinear(), LAST)
    np.testing.assert_allclose(numbers(moved(x + 7)), numbers(moved(x)) + 7, atol=1e-4)


THREE = Task("t", TargetKind.LAST_STEP, 9, 3, 2, feature_names=("a", "b", "c"), targets=tuple(map(Target, "abc")))


@pytest.mark.parametrize(("model", "less_last"), [(DLinear(average=4), False), (NLinear(), True)], ids=["d", "n"])
def test_linear_networks_have_their_least_loss_where_they_are_least_squares(model, less_last):
    x = RNG.normal(size=(40, 9, 3)).astype(np.float32)
    y = x[:, -2:] + RNG.normal(size=(40, 2, 3)).astype(np.float32) + 1
    known = ChannelLeastSquares(less_last=less_last).fit(Split(THREE, x, y), THREE)
    maps = known(np.eye(10, 9, dtype=np.float32)[..., None].repeat(3, axis=-1))[..., 0]
    bias, kernel = maps[-1], maps[:-1] - maps[-1]
    if less_last:
        kernel[-1] = 0  # of the last value less itself
    made = network(model, THREE)
    begun = made.get_weights()
    each = len(begun) // 2
    least = [kernel, bias / each] * each
    made.set_weights(least)
    np.testing.assert_allclose(numbers(made(x)), known(x), atol=1e-4)
    made.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False, run_eagerly=True)
    made.train_on_batch(x, y)
    moved = [np.abs(now - then).max() for now, then in zip(made.get_weights(), least, strict=True)]
    assert max(moved) < 1e-5, "the gradient is zero"
    made.set_weights(begun)
    made.train_on_batch(x, y)
    assert all(np.abs(now - then).max() > 1e-2 for now, then in zip(made.get_weights(), begun, strict=True))


def test_channels_are_forecast_by_one_map_and_chosen_by_their_names():
    two = (Target("c"), Target("a"))
    task = Task("t", TargetKind.LAST_STEP, 9, 3, 5, feature_names=("a", "b", "c"), targets=two)
    made = network(NLinear(), task)
    y = numbers(made(X))
    assert y.shape == (4, 5, 2)
    kernel, bias = made.get_weights()
    for place, channel in ((0, 2), (1, 0)):
        series = X[..., channel].astype(np.float64)
        np.testing.assert_allclose(y[..., place], (series - series[:, -1:]) @ kernel + bias + series[:, -1:], atol=1e-5)
    other = Task("t", TargetKind.LAST_STEP, 9, 3, 5, feature_names=("a", "b", "c"), targets=(Target("a"), Target("d")))
    assert "forecasts its own features" in NLinear().supports(other).reason


@pytest.mark.parametrize(("blocks", "taps"), [(1, 2), (2, 3), (3, 2)])
def test_a_tcn_reaches_as_far_as_its_paper_says(blocks, taps):
    model = TCN(channels=(4,) * blocks, kernel_size=taps)
    reach = 1 + 2 * (taps - 1) * (2**blocks - 1)
    task = Task("t", TargetKind.LAST_STEP, 20, 1)
    made = network(model, task)
    x = RNG.normal(size=(64, 20, 1)).astype(np.float32)
    y = numbers(made(x))
    moved = []
    for step in range(20):
        other = x.copy()
        other[:, step] += RNG.normal(size=(64, 1))
        moved += [step] if np.any(numbers(made(other)) != y) else []
    assert moved == list(range(20 - reach, 20))
    assert model.receptive_field(task) == reach


def test_a_block_of_attention_without_positions_knows_no_order_of_what_came_before():
    x = RNG.normal(size=(5, 9, 1)).astype(np.float32)
    turned = np.concatenate([x[:, 7::-1], x[:, 8:]], axis=1)
    blind, sees = (network(CausalTransformer(layers=1, ordered=ordered), LAST) for ordered in (False, True))
    np.testing.assert_allclose(numbers(blind(x)), numbers(blind(turned)), atol=1e-5)
    assert np.abs(numbers(sees(x)) - numbers(sees(turned))).max() > 1e-3
