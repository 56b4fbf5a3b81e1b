"""Each custom layer against its equation in plain NumPy, and under XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bench.layers.causal_conv import CausalConv1D
from bench.layers.gated_unit import GatedActivationUnit
from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
from bench.layers.residual_block import WaveNetResidualBlock
from bench.layers.while_loop_rnn import WhileLoopRNN
from tests.recurrent_layers import randomise, windows

EPSILON = 1e-3  # of keras.layers.LayerNormalization
CLOSE = {"rtol": 1e-5, "atol": 2e-6}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_cell_step(cell, x, h):
    kernel, recurrent_kernel, bias, gamma, beta = (w.numpy().astype(np.float64) for w in cell.weights)
    z = x @ kernel + h @ recurrent_kernel + bias
    centred = z - z.mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return np.tanh(gamma * normed + beta)


def numpy_rnn(cell, x):
    """Recur over axis 1 of ``(batch, steps, features)``; return every output, batch-major."""
    h = np.zeros((x.shape[0], cell.units))
    outputs = []
    for t in range(x.shape[1]):
        h = numpy_cell_step(cell, x[:, t], h)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def numpy_causal_conv(x, kernel, bias, dilation):
    taps = kernel.shape[0]
    y = np.zeros((*x.shape[:2], kernel.shape[2])) + bias
    for t in range(x.shape[1]):
        for tap in range(taps):
            source = t - (taps - 1 - tap) * dilation
            if source >= 0:
                y[:, t] += x[:, source] @ kernel[tap]
    return y


def test_layer_norm_cell_takes_the_step_of_its_equation():
    cell = LayerNormSimpleRNNCell(4)
    x, h = windows(3, 2), windows(3, 4, seed=2)
    cell(x, [h])
    randomise(cell)
    output, (state,) = cell(x, [h])
    np.testing.assert_allclose(output, numpy_cell_step(cell, x, h), **CLOSE)
    np.testing.assert_array_equal(output, state)


def test_layer_norm_cell_starts_from_zeros_and_names_its_sizes():
    cell = LayerNormSimpleRNNCell(4, activation="relu")
    (state,) = cell.get_initial_state(batch_size=3)
    np.testing.assert_array_equal(state, np.zeros((3, 4)))
    assert (cell.state_size, cell.output_size) == (4, 4)


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("loop", [keras.layers.RNN, WhileLoopRNN])
def test_loops_over_the_cell_agree_with_numpy(loop, return_sequences):
    layer = loop(LayerNormSimpleRNNCell(4), return_sequences=return_sequences)
    x = windows(3, 6, 2)
    layer(x)
    randomise(layer)
    expected = numpy_rnn(layer.cell, x)
    np.testing.assert_allclose(layer(x), expected if return_sequences else expected[:, -1], **CLOSE)


def test_while_loop_equals_keras_loop_over_an_lstm_cell():
    x = windows(3, 6, 2)
    own, theirs = (loop(keras.layers.LSTMCell(4), return_sequences=True) for loop in (WhileLoopRNN, keras.layers.RNN))
    own(x), theirs(x)
    theirs.set_weights(randomise(own).get_weights())
    np.testing.assert_allclose(own(x), theirs(x), **CLOSE)


def stacked_loops(time_major, input_length=6):
    network = keras.Sequential(
        [keras.Input((input_length, 2))]
        + [WhileLoopRNN(LayerNormSimpleRNNCell(4), True, time_major_output=time_major) for _ in range(2)]
    )
    return randomise(network)


def test_time_major_stack_recurs_over_the_batch():
    network, x = stacked_loops(time_major=True), windows(3, 6, 2)
    first, second = (layer.cell for layer in network.layers)
    over_time = numpy_rnn(first, x).transpose(1, 0, 2)  # (steps, batch, units)
    over_batch = numpy_rnn(second, over_time).transpose(1, 0, 2)  # steps taken for windows
    assert network(x).shape == (3, 6, 4)
    np.testing.assert_allclose(network(x), over_batch, **CLOSE)
    # So a window's forecast depends on the windows before it, and not on those after it.
    changed = x.copy()
    changed[1] += 1
    difference = np.abs(network(changed) - network(x)).max(axis=(1, 2))
    assert difference[0] == 0
    assert (difference[1:] > 1e-3).all()


def test_batch_major_stack_recurs_over_time():
    network, x = stacked_loops(time_major=False), windows(3, 6, 2)
    first, second = (layer.cell for layer in network.layers)
    np.testing.assert_allclose(network(x), numpy_rnn(second, numpy_rnn(first, x)), **CLOSE)


def test_while_loop_shapes_are_right_before_the_batch_is_known():
    assert [layer.output.shape for layer in stacked_loops(True).layers] == [(6, None, 4), (None, 6, 4)]
    assert [layer.output.shape for layer in stacked_loops(False).layers] == [(None, 6, 4), (None, 6, 4)]
    assert WhileLoopRNN(LayerNormSimpleRNNCell(4)).compute_output_shape((None, 6, 2)) == (None, 4)


def test_while_loop_takes_windows_of_any_length_and_any_batch():
    network, x = stacked_loops(False, input_length=None), windows(5, 9, 2)
    expected = network(x)
    assert network.output_shape == (None, None, 4)
    np.testing.assert_allclose(network.predict(x, batch_size=2, verbose=0), expected, **CLOSE)


@pytest.mark.parametrize("time_major", [False, True])
def test_while_loop_has_the_same_gradient_under_xla(time_major):
    network, x = stacked_loops(time_major), tf.constant(windows(3, 6, 2))

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(x) ** 2)
        return tape.gradient(loss, network.trainable_variables)

    compiled = tf.function(gradients, jit_compile=True)()
    for ours, plain in zip(compiled, gradients(), strict=True):
        assert np.isfinite(ours).all()
        assert np.abs(ours).max() > 0
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("twice", [False, True])
def test_gated_unit_is_the_papers_product(twice):
    x = windows(3, 5, 8)
    f = np.tanh(x[..., :4])
    expected = (np.tanh(f) if twice else f) * sigmoid(x[..., 4:])
    unit = GatedActivationUnit(activate_twice=twice)
    np.testing.assert_allclose(unit(x), expected, **CLOSE)
    assert unit.compute_output_shape((None, 5, 8)) == (None, 5, 4)


def test_gated_unit_refuses_an_odd_number_of_channels():
    with pytest.raises(ValueError, match="even number of channels, got 7"):
        GatedActivationUnit()(windows(3, 5, 7))


@pytest.mark.parametrize("dilation_rate", [1, 2, 4, 8])
@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_causal_conv_is_keras_conv1d(kernel_size, dilation_rate):
    x = windows(3, 20, 4)
    options = {"dilation_rate": dilation_rate, "activation": "relu"}
    ours = CausalConv1D(5, kernel_size, **options)
    theirs = keras.layers.Conv1D(5, kernel_size, padding="causal", **options)
    ours(x), theirs(x)
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    assert type(ours.kernel_initializer) is type(theirs.kernel_initializer)
    theirs.set_weights(randomise(ours).get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), **CLOSE)
    expected = np.maximum(numpy_causal_conv(x, *ours.get_weights(), dilation_rate), 0)
    np.testing.assert_allclose(ours(x), expected, **CLOSE)


def test_causal_conv_reaches_further_back_than_its_window_and_needs_no_bias():
    x = windows(2, 3, 1)
    layer = CausalConv1D(2, 2, dilation_rate=8, use_bias=False)
    layer(x)
    (kernel,) = layer.get_weights()
    np.testing.assert_allclose(layer(x), x @ kernel[1], **CLOSE)


@pytest.mark.parametrize("twice", [False, True])
def test_residual_block_adds_its_skip(twice):
    x = windows(3, 10, 4)
    block = WaveNetResidualBlock(4, dilation_rate=2, activate_twice=twice)
    block(x)
    randomise(block)
    dilated, dilated_bias, mix, mix_bias = block.get_weights()
    z = numpy_causal_conv(x, dilated, dilated_bias, 2)
    f = np.tanh(z[..., :4])
    gated = (np.tanh(f) if twice else f) * sigmoid(z[..., 4:])
    expected = numpy_causal_conv(gated, mix, mix_bias, 1)
    out, skip = block(x)
    np.testing.assert_allclose(skip, expected, **CLOSE)
    np.testing.assert_allclose(out, x + expected, **CLOSE)


def test_residual_block_refuses_other_channels():
    with pytest.raises(ValueError, match="4 filters got 3 channels"):
        WaveNetResidualBlock(4, dilation_rate=1)(windows(2, 5, 3))
