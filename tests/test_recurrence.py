"""Recurrent loops of the TensorFlow engine: Keras's own numbers, and the automatic gradient in float64."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf

from bench.engines.tensorflow import TensorFlow
from bench.engines.tensorflow_loops import mend_loops
from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
from bench.layers.while_loop_rnn import WhileLoopRNN
from tests.conftest import with_variants
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

WAYS = [
    pytest.param(*way, marks=() if way in ((True, True, True), (False, False, False)) else pytest.mark.variant)
    for way in product([True, False], repeat=3)
]
"""Every step or the last, masked or not, under XLA or not: each value is in one of the two that `make test` tries."""


@pytest.fixture(autouse=True)
def float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # which an engine fixed
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def gradients(network, x, jit, training=False):
    """The output, and the gradients of a loss that weighs each number of it otherwise, to inputs and weights."""
    x = tf.constant(x, tf.float64)

    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = network(x, training=training)
            loss = tf.reduce_sum(output**2 * tf.reshape(tf.range(tf.size(output), dtype=tf.float64), tf.shape(output)))
        return output, tape.gradient(loss, [x, *network.trainable_variables])

    output, found = (tf.function(compute, jit_compile=True) if jit else tf.function(compute))(x)
    return [output.numpy(), *(g.numpy() for g in found)]


@pytest.mark.parametrize(("return_sequences", "masked", "jit"), WAYS)
@pytest.mark.parametrize("name", with_variants(LAYERS, {"gru_reset_before", "gru_in_parts"}))
def test_the_gradient_is_tensorflows_own(name, return_sequences, masked, jit):
    x = masked_windows() if masked else windows(BATCH, STEPS, FEATURES)
    ours, theirs = (
        network_of(LAYERS[name], mend, masked, return_sequences=return_sequences) for mend in (mend_loops, None)
    )
    assert [w.path.rpartition("/")[2] for w in ours.weights] == [w.path.rpartition("/")[2] for w in theirs.weights]
    assert_equal(gradients(ours, x, jit), gradients(theirs, x, jit=False))


@pytest.mark.parametrize("options", [{"go_backwards": True}, {"zero_output_for_mask": True}], ids=str)
@pytest.mark.parametrize("name", with_variants(["lstm", "layer_norm"], {"layer_norm"}))
def test_backwards_and_with_zeros_for_what_is_masked(name, options):
    ours, theirs = (
        network_of(LAYERS[name], mend, True, return_sequences=True, **options) for mend in (mend_loops, None)
    )
    assert_equal(gradients(ours, masked_windows(), jit=True), gradients(theirs, masked_windows(), jit=False))


@pytest.mark.parametrize("name", with_variants(["gru", "lstm"], {"gru"}))
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
    assert_equal(gradients(build(mend_loops), x, jit=True), gradients(build(None), x, jit=False))


def test_both_directions_of_a_bidirectional_layer_are_mended():
    def build(mend):
        layers = [keras.Input((STEPS, FEATURES)), keras.layers.Bidirectional(gru(return_sequences=True))]
        network = randomise(keras.Sequential(layers))
        if mend:
            mend(network)
        return network

    x = windows(BATCH, STEPS, FEATURES)
    assert_equal(gradients(build(mend_loops), x, jit=True), gradients(build(None), x, jit=False))
    kinds = [layer for layer in build(mend_loops)._flatten_layers() if isinstance(layer, keras.layers.RNN)]
    assert len([layer for layer in kinds if "inner_loop" in vars(layer)]) == len(kinds) == 2


@pytest.mark.parametrize(
    ("return_sequences", "jit"),
    [
        pytest.param(True, True, id="every_step_xla"),
        pytest.param(True, False, id="every_step_plain", marks=pytest.mark.variant),
        pytest.param(False, True, id="last_step_xla", marks=pytest.mark.variant),
        pytest.param(False, False, id="last_step_plain"),
    ],
)
def test_our_own_loop_has_it_too(return_sequences, jit):
    ours = network_of(
        lambda **o: WhileLoopRNN(LayerNormSimpleRNNCell(UNITS), **o), None, return_sequences=return_sequences
    )
    theirs = network_of(LAYERS["layer_norm"], None, return_sequences=return_sequences)
    x = windows(BATCH, STEPS, FEATURES)
    static = keras.Sequential([keras.Input((STEPS, FEATURES)), *ours.layers])
    assert_equal(gradients(static, x, jit), gradients(theirs, x, jit=False))


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
    ours, theirs = (network_of(make, mend, return_sequences=True) for mend in (mend_loops, None))
    # Keras takes a step before its loop, to learn the output's shape, and so draws once more.
    for network, drawn in ((ours, 1 if training else 0), (theirs, 0)):
        for layer in network._flatten_layers():
            for generator in layer._seed_generators:
                generator.state.assign([5, drawn if isinstance(layer, keras.layers.Dropout) else 0])
    found, plain = (gradients(network, x, False, training) for network in (ours, theirs))
    if training:
        assert not np.array_equal(found[0], gradients(ours, x, False)[0])
    assert_equal(found, plain)


def test_what_is_unrolled_or_has_a_loop_of_its_own_is_left_alone():
    class Own(keras.layers.RNN):
        def inner_loop(self, *arguments, **options):
            return super().inner_loop(*arguments, **options)

    network = keras.Sequential(
        [
            keras.Input((STEPS, FEATURES)),
            keras.layers.SimpleRNN(UNITS, unroll=True, return_sequences=True),
            Own(keras.layers.GRUCell(UNITS), return_sequences=True),
            keras.layers.LSTM(UNITS, use_cudnn=True),
        ]
    )
    mend_loops(network)
    assert not [layer for layer in network.layers if "inner_loop" in vars(layer)]


def test_frozen_weights_get_no_gradient_and_change_none():
    ours, theirs = (network_of(LAYERS["lstm"], mend) for mend in (mend_loops, None))
    for network in (ours, theirs):
        network.layers[0].cell.trainable = False
    x = windows(BATCH, STEPS, FEATURES)
    found, plain = (gradients(network, x, jit=False) for network in (ours, theirs))
    assert len(found) == 2
    assert_equal(found, plain)


def test_integers_in_have_no_gradient():
    tokens = np.arange(BATCH * STEPS).reshape(BATCH, STEPS, 1) % 5
    found = []
    for mend in (mend_loops, None):
        network = randomise(keras.Sequential([keras.Input((STEPS, 1), dtype="int32"), keras.layers.RNN(Embeds())]))
        if mend:
            mend(network)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(tokens) ** 2)
        gradient = tape.gradient(loss, network.trainable_variables)
        found.append([loss.numpy(), *(tf.convert_to_tensor(g).numpy() for g in gradient)])
    assert_equal(*found)


def accumulates(network):
    """Whether a gradient keeps what each step computed in lists, as TensorFlow's own of a while loop does."""

    def compute(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(x))
        return tape.gradient(loss, network.trainable_variables)

    shape = tf.TensorSpec((BATCH, STEPS, FEATURES), tf.float64)
    graph = tf.function(compute).get_concrete_function(shape).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert any(node.op in ("While", "StatelessWhile") for node in nodes)
    return any(node.op == "TensorListPushBack" for node in nodes)


@pytest.mark.parametrize("name", with_variants(LAYERS, {*LAYERS} - {"lstm", "stacked_cells"}))
def test_what_steps_compute_is_computed_again_and_not_kept(name):
    assert accumulates(network_of(LAYERS[name], mend=None))
    assert not accumulates(network_of(LAYERS[name], mend=mend_loops))


def test_our_own_loop_keeps_none_of_it_either():
    network = network_of(lambda **options: WhileLoopRNN(LayerNormSimpleRNNCell(UNITS), **options), mend=None)
    assert not accumulates(network)


@pytest.mark.parametrize("name", ["seq2seq_lstm", "reber_exercise_gru"])
def test_the_engine_mends_every_recurrent_layer(name):
    from tests.test_engines import NETWORKS, few_windows

    case = NETWORKS[name]
    splits = few_windows(case, 64)
    program = TensorFlow().make_program(case.model, case.recipe, splits.train, splits.valid.task)
    recurrent = [layer for layer in program._network._flatten_layers() if isinstance(layer, keras.layers.RNN)]
    assert recurrent
    assert all("inner_loop" in vars(layer) for layer in recurrent)
