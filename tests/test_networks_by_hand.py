"""Whole networks that forecast at every position, against the formulas of their papers in NumPy."""

import keras
import numpy as np
import pytest

from bench.layers.weight_norm_conv import WeightNormCausalConv1D
from bench.models.state_space import LRUNetwork, Mamba, S4DNetwork
from bench.models.temporal_convolution import TCN
from bench.models.transformer import CausalTransformer
from bench.models.xlstm import MLSTM, SLSTM
from bench.task import TargetKind, Task
from tests import by_hand
from tests.built import dense, network, numbers, own, sigmoid, weighted

RNG = np.random.default_rng(17)
STEPS = 12
TASK = Task("every", TargetKind.EVERY_STEP, STEPS, 2, horizon=3)
X = RNG.normal(size=(4, STEPS, 2)).astype(np.float32)
WINDOWS = X.astype(np.float64)


def moved(model):
    """Return a model's network in which no bias is zero, and no norm or gate starts as the identity."""
    made = network(model, TASK)
    made.set_weights([w + RNG.normal(0, 0.1, w.shape) for w in made.get_weights()])
    return made


def holds(made, known):
    ours = numbers(made(X, training=False))
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, known, rtol=1e-3, atol=1e-4)


def gate_and_map(layers, gate):
    """Return the next two dense layers, which one layer feeds: that with the gate's activation first."""
    pair = next(layers), next(layers)
    return sorted(pair, key=lambda layer: layer.activation is not gate)


def test_a_tcn():
    made = moved(TCN(channels=(5, 5), kernel_size=3))
    convolutions = iter(weighted(made, WeightNormCausalConv1D))
    across, head = weighted(made, keras.layers.Dense)

    def convolved(x, dilation):
        v, g, bias = own(next(convolutions), "kernel", "length", "bias")
        return by_hand.relu(by_hand.convolution(x, g * v / np.sqrt((v**2).sum((0, 1))), dilation) + bias)

    x = by_hand.relu(convolved(convolved(WINDOWS, 1), 1) + dense(across, WINDOWS))
    x = by_hand.relu(convolved(convolved(x, 2), 2) + x)
    holds(made, dense(head, x))


def gated_blocks(made, recurrence):
    layers = iter(weighted(made))
    x = dense(next(layers), WINDOWS)
    for _ in range(2):
        y = by_hand.layer_norm(next(layers), x)
        y = by_hand.gelu(recurrence(next(layers), y))
        gate, plain = gate_and_map(layers, keras.activations.sigmoid)
        x = x + sigmoid(dense(gate, y)) * dense(plain, y)
    return dense(next(layers), x)


def test_an_lru():
    made = moved(LRUNetwork(width=6, state=5))
    holds(made, gated_blocks(made, by_hand.lru))


def test_an_s4d():
    made = moved(S4DNetwork(width=6, state=8))
    holds(made, gated_blocks(made, by_hand.s4d))


def test_a_mamba():
    made = moved(Mamba(width=6, state=4))
    layers = iter(weighted(made))
    x = dense(next(layers), WINDOWS)
    for _ in range(2):
        y = by_hand.root_mean_square_norm(next(layers), x)
        x = x + by_hand.selective_state_space(next(layers), y)
    x = by_hand.root_mean_square_norm(next(layers), x)
    holds(made, dense(next(layers), x))


def test_a_causal_transformer():
    made = moved(CausalTransformer(width=6))
    layers = iter(weighted(made))
    x = dense(next(layers), WINDOWS) + own(next(layers), "embeddings")[0]
    for _ in range(2):
        y = by_hand.layer_norm(next(layers), x)
        x = x + by_hand.attention(next(layers), y)
        y = by_hand.layer_norm(next(layers), x)
        y = by_hand.gelu(dense(next(layers), y))
        x = x + dense(next(layers), y)
    x = by_hand.layer_norm(next(layers), x)
    holds(made, dense(next(layers), x))


def test_an_slstm():
    made = moved(SLSTM(width=8, heads=2))
    layers = iter(weighted(made))
    x = dense(next(layers), WINDOWS)
    for _ in range(2):
        y = by_hand.layer_norm(next(layers), x)
        y, _gates = by_hand.scalar_memory(next(layers).cell, y)
        x = x + by_hand.head_norm(y, 2, *own(next(layers), "gamma"))
        y = by_hand.layer_norm(next(layers), x)
        gate, plain = gate_and_map(layers, keras.activations.gelu)
        y = by_hand.gelu(dense(gate, y)) * dense(plain, y)
        x = x + dense(next(layers), y)
    x = by_hand.layer_norm(next(layers), x)
    holds(made, dense(next(layers), x))


def test_an_mlstm():
    made = moved(MLSTM(width=4, heads=2))
    layers = iter(weighted(made))
    x = dense(next(layers), WINDOWS)
    for _ in range(2):
        y = by_hand.layer_norm(next(layers), x)
        x = x + by_hand.matrix_lstm(next(layers), y)
    x = by_hand.layer_norm(next(layers), x)
    holds(made, dense(next(layers), x))


def test_parameters_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match=r"least 0\.9 is above most 0\.5"):
        LRUNetwork(least=0.9, most=0.5)
    for state in (1, 7):  # conjugates are counted
        with pytest.raises(ValueError, match="state"):
            S4DNetwork(state=state)
