"""Recurrent layers of the PyTorch engine: Keras's own numbers and gradients, by PyTorch's operations alone.

In float32: Keras's products are that on PyTorch, whatever goes in.
"""

import keras
import numpy as np
import pytest

from tests.conftest import BACKEND

if BACKEND != "torch":
    pytest.skip("Keras runs on another backend in this process; see tests.test_torch", allow_module_level=True)

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.engines.torch_layers import mend_recurrence
from bench.layers import torch_recurrence
from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
from bench.layers.while_loop_rnn import WhileLoopRNN
from tests.recurrent_layers import (
    BATCH,
    FEATURES,
    LAYERS,
    STEPS,
    UNITS,
    CellThatDraws,
    Embeds,
    assert_equal,
    gru,
    masked_windows,
    network_of,
    randomise,
    windows,
)

CLOSE = {"rtol": 1e-4, "atol": 5e-5}
BOTH = (mend_recurrence, None)
OWN_LOOP = {"own_loop": lambda **options: WhileLoopRNN(LayerNormSimpleRNNCell(UNITS), **options)}
FUSED = {
    "simple_rnn": LAYERS["simple_rnn"],
    "lstm": LAYERS["lstm"],
    "gru": LAYERS["gru"],
    "lstm_no_bias": lambda **options: LAYERS["lstm"](use_bias=False, **options),
    "gru_no_bias": lambda **options: gru(use_bias=False, **options),
}
OTHERS = {
    "relu": lambda **options: keras.layers.SimpleRNN(UNITS, activation="relu", **options),
    "hard_sigmoid": lambda **options: LAYERS["lstm"](recurrent_activation="hard_sigmoid", **options),
}


@pytest.fixture
def calls(monkeypatch):
    """Calls of Keras's cells and of PyTorch's fused functions, by name."""
    made = []

    def noted(place, name, what):
        function = getattr(place, name)

        def call(*arguments, **named):
            made.append(what)
            return function(*arguments, **named)

        monkeypatch.setattr(place, name, call)

    for name in ("rnn_tanh", "lstm", "gru"):
        noted(torch, name, name)
    for kind in (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell):
        noted(kind, "call", "cell")
    return made


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def assert_close(ours, theirs):
    assert_equal(ours, theirs, **CLOSE)


def gradients(network, x, training=False):
    """The output, and the gradients of a loss that weighs each number of it otherwise, to inputs and weights."""
    x = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    output = network(x, training=training)
    loss = (output**2 * torch.arange(output.numel()).reshape(output.shape)).sum()
    trained = [variable.value for variable in network.trainable_variables]
    return [part.detach().numpy() for part in (output, *torch.autograd.grad(loss, [x, *trained]))]


def by_hand(name, x, w, u, b, c):
    """The last state after all steps, of Keras's weights with a bias beside each product."""
    h = cell = np.zeros((len(x), UNITS))
    for t in range(x.shape[1]):
        gates, carried = x[:, t] @ w + b, h @ u + c
        if name == "simple_rnn":
            h = np.tanh(gates + carried)
        elif name == "lstm":  # Hochreiter and Schmidhuber (1997), forget gate of Gers et al. (2000)
            i, f, g, o = np.split(gates + carried, 4, axis=1)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(cell)
        else:  # Cho et al. (2014), version 1
            (z, r, n), (uz, ur, un) = np.split(gates, 3, axis=1), np.split(carried, 3, axis=1)
            z = sigmoid(z + uz)
            h = (1 - z) * np.tanh(n + sigmoid(r + ur) * un) + z * h
    return h


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_fused_cells_are_their_equations_in_float64(name):
    x = windows(BATCH, STEPS, FEATURES).astype(np.float64)
    layer = (LAYERS | FUSED)[name](dtype="float64")
    network = randomise(keras.Sequential([keras.Input((STEPS, FEATURES), dtype="float64"), layer]))
    mend_recurrence(network)
    w, u, bias = network.get_weights()
    biases = bias if bias.ndim == 2 else (bias, 0)
    found = network(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, by_hand(name, x, w, u, *biases), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "whole"])
@pytest.mark.parametrize("return_sequences", [True, False], ids=["every_step", "last_step"])
@pytest.mark.parametrize("name", LAYERS | FUSED | OTHERS)
def test_numbers_and_gradients_are_those_of_kerass_loop(name, return_sequences, masked):
    x, make = masked_windows() if masked else windows(BATCH, STEPS, FEATURES), (LAYERS | FUSED | OTHERS)[name]
    ours, theirs = (network_of(make, mend, masked, return_sequences=return_sequences) for mend in BOTH)
    assert_close(gradients(ours, x), gradients(theirs, x))


@pytest.mark.parametrize(
    ("option", "masked"),
    [("go_backwards", True), ("go_backwards", False), ("zero_output_for_mask", True), ("unroll", False)],
)
@pytest.mark.parametrize("name", ["lstm", "layer_norm"])
def test_backwards_unrolled_and_with_zeros_for_what_is_masked(name, option, masked):
    x = masked_windows() if masked else windows(BATCH, STEPS, FEATURES)
    ours, theirs = (network_of(LAYERS[name], mend, masked, return_sequences=True, **{option: True}) for mend in BOTH)
    assert_close(gradients(ours, x), gradients(theirs, x))


@pytest.mark.parametrize("name", ["simple_rnn", "gru", "lstm", "layer_norm"])
def test_first_states_have_a_gradient_and_last_ones_are_returned(name):
    def build(mend):
        x = keras.Input((STEPS, FEATURES))
        output, *states = LAYERS[name](return_state=True)(x)
        again = LAYERS[name]()(x, initial_state=[keras.ops.tanh(state) for state in states])
        network = randomise(keras.Model(x, keras.ops.concatenate([output, again, *states])))
        if mend:
            mend(network)
        return network

    x = windows(BATCH, STEPS, FEATURES)
    assert_close(*(gradients(build(mend), x) for mend in BOTH))


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "layer_norm"])
def test_a_stateful_layer_goes_on_from_its_last_states(name):
    def build(mend):
        layers = [keras.Input(batch_shape=(BATCH, STEPS, FEATURES)), LAYERS[name](stateful=True)]
        network = keras.Sequential(layers)
        rng = np.random.default_rng(0)
        for weight in network.trainable_variables:
            weight.assign(rng.normal(0, 0.5, weight.shape))
        if mend:
            mend(network)
        return network

    x = windows(BATCH, STEPS, FEATURES)
    ours, theirs = (build(mend) for mend in BOTH)
    first = gradients(ours, x)
    assert_close(first, gradients(theirs, x))
    second = gradients(ours, x)
    assert_close(second, gradients(theirs, x))
    assert not np.allclose(first[0], second[0])


@pytest.mark.parametrize("return_sequences", [True, False], ids=["every_step", "last_step"])
def test_our_own_loop_has_the_numbers_too(return_sequences):
    ours, theirs = (
        network_of(make, None, return_sequences=return_sequences)
        for make in (OWN_LOOP["own_loop"], LAYERS["layer_norm"])
    )
    x = windows(BATCH, STEPS, FEATURES)
    assert_close(gradients(ours, x), gradients(theirs, x))


def test_integers_in_have_no_gradient():
    tokens, found = np.arange(BATCH * STEPS).reshape(BATCH, STEPS, 1) % 5, []
    for mend in BOTH:
        network = randomise(keras.Sequential([keras.Input((STEPS, 1), dtype="int32"), keras.layers.RNN(Embeds())]))
        if mend:
            mend(network)
        output = network(torch.tensor(tokens, dtype=torch.int32))
        (gradient,) = torch.autograd.grad((output**2).sum(), [network.trainable_variables[0].value])
        found.append([output.detach().numpy(), gradient.numpy()])
    assert_close(*found)


def test_frozen_weights_get_no_gradient():
    ours, theirs = (network_of(LAYERS["lstm"], mend) for mend in BOTH)
    for network in (ours, theirs):
        network.layers[0].cell.trainable = False
    x = windows(BATCH, STEPS, FEATURES)
    found = gradients(ours, x)
    assert len(found) == 2
    assert_close(found, gradients(theirs, x))


# What computes them


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple_rnn", "rnn_tanh"),
        ("lstm", "lstm"),
        ("gru", "gru"),
        ("lstm_no_bias", "lstm"),
        ("gru_no_bias", "gru"),
        *((name, "") for name in ("gru_reset_before", *OTHERS)),
    ],
)
def test_usual_cells_are_fused_and_others_traced_once(name, expected, calls):
    network = network_of((LAYERS | FUSED | OTHERS)[name], mend_recurrence)
    x = windows(BATCH, STEPS, FEATURES)
    calls.clear()
    gradients(network, x)
    if expected:
        assert calls == [expected]
        return
    once = len(calls)
    assert once == 2, "as it is written, and as it is traced"
    gradients(network, x)
    assert len(calls) == once
    gradients(network, x[:1])
    assert len(calls) == 2 * once, "another number of windows has a trace of its own"


class Numbers(TorchDispatchMode):
    """Notes the operations that take numbers from PyTorch to Python, or from Python to where tensors lie."""

    TRAFFIC = ("_local_scalar_dense", "lift_fresh", "_to_copy", "is_nonzero")

    def __init__(self):
        super().__init__()
        self.found, self.seen = [], 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        self.seen += 1
        self.found += [part for part in self.TRAFFIC if part in str(function)]
        return function(*arguments, **(named or {}))


@pytest.mark.parametrize("name", [*LAYERS, *OWN_LOOP])
def test_no_number_goes_between_python_and_the_device(name):
    """A CUDA graph captures no such traffic. What was traced is called, forward and backward."""
    network = network_of((LAYERS | OWN_LOOP)[name], mend_recurrence, return_sequences=True)
    x = torch.tensor(windows(BATCH, STEPS, FEATURES), dtype=torch.float32)
    network(x)
    with Numbers() as numbers:
        network(x).sum().backward()
    assert numbers.seen > 0
    assert numbers.found == []
    with Numbers() as numbers:
        float(x.sum()), torch.tensor(2.0)
    assert set(numbers.found) == {"_local_scalar_dense", "lift_fresh"}


def test_a_trace_changes_no_later_number():
    network = network_of(LAYERS["layer_norm"], mend_recurrence)
    before = torch.get_rng_state()
    network(torch.tensor(windows(BATCH, STEPS, FEATURES), dtype=torch.float32))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_step_that_is_traced_is_forgotten_with_its_cell():
    cell = LayerNormSimpleRNNCell(UNITS)
    keras.layers.RNN(cell)
    cell.build((BATCH, FEATURES))
    x = torch.zeros((STEPS, BATCH, FEATURES), dtype=torch.float32)
    torch_recurrence.recur(cell, x, cell.get_initial_state(BATCH))
    known = len(torch_recurrence._TRACED)
    assert list(torch_recurrence._TRACED[cell].values()) != [None]
    del cell
    import gc

    gc.collect()
    assert len(torch_recurrence._TRACED) < known


# Cells that no trace stands for: they are called as they are written


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: keras.layers.RNN(CellThatDraws(), **options),
        lambda **options: gru(dropout=0.5, recurrent_dropout=0.25, seed=3, **options),
    ],
    ids=["in_the_step", "before_the_loop"],
)
def test_a_cell_that_draws_random_numbers_keeps_them(make, training):
    x = windows(BATCH, STEPS, FEATURES)
    ours, theirs = (network_of(make, mend, return_sequences=True) for mend in BOTH)
    # Keras takes a step before its loop, to learn the output's shape, and so draws once more.
    for network, drawn in ((ours, 1 if training else 0), (theirs, 0)):
        for layer in network._flatten_layers():
            for generator in layer._seed_generators:
                generator.state.assign([5, drawn if isinstance(layer, keras.layers.Dropout) else 0])
    found, plain = (gradients(network, x, training) for network in (ours, theirs))
    if training:
        assert not np.array_equal(found[0], gradients(ours, x)[0])
    assert_close(found, plain)


class Branches(keras.layers.SimpleRNNCell):
    """Doubles the state where its numbers say so."""

    def call(self, inputs, states, training=False):
        output, new = super().call(inputs, states)
        return (output, new) if float(output.detach().sum()) > 0 else (2 * output, [2 * state for state in new])


class Stops(keras.layers.SimpleRNNCell):
    """Lets no gradient through the state, by a way that leaves no operation behind."""

    def call(self, inputs, states, training=False):
        with torch.no_grad():
            states = [2 * state for state in states]
        return super().call(inputs, states)


@pytest.mark.parametrize("kind", [Branches, Stops])
def test_a_cell_whose_trace_is_not_the_same_function_is_not_traced(kind):
    x = windows(BATCH, STEPS, FEATURES)
    ours, theirs = (network_of(lambda **_: keras.layers.RNN(kind(UNITS)), mend) for mend in BOTH)
    assert_close(gradients(ours, x), gradients(theirs, x))
    assert list(torch_recurrence._TRACED[ours.layers[0].cell].values()) == [None]


def test_what_asks_for_cudnn_or_has_a_loop_of_its_own_is_left_alone():
    class Own(keras.layers.RNN):
        def inner_loop(self, *arguments, **options):
            return super().inner_loop(*arguments, **options)

    layers = [Own(keras.layers.GRUCell(UNITS), return_sequences=True), keras.layers.LSTM(UNITS, use_cudnn=True)]
    network = keras.Sequential([keras.Input((STEPS, FEATURES)), *layers])
    mend_recurrence(network)
    assert not [layer for layer in network.layers if "inner_loop" in vars(layer)]


@pytest.mark.parametrize("name", ["seq2seq_lstm", "reber_exercise_gru"])
def test_the_engine_mends_every_recurrent_layer(name):
    from tests.test_engines import NETWORKS, few_windows
    from tests.torch_fakes import program_of

    case = NETWORKS[name]
    program = program_of(case.model, case.recipe, few_windows(case, 64))
    recurrent = [layer for layer in program._network._network._flatten_layers() if isinstance(layer, keras.layers.RNN)]
    assert recurrent
    assert all("inner_loop" in vars(layer) for layer in recurrent)
