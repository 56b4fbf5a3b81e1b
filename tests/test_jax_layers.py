"""What the engine on JAX does to Keras's layers: the same numbers by other loops and products, and rounded ones."""

import numpy as np
import pytest

from tests.conftest import BACKEND

pytestmark = pytest.mark.skipif(BACKEND != "jax", reason="tests.test_jax runs it, in a process of its own")


def by_hand(x, kernel, stride, dilation, left, right):
    """Every output's sum over taps and channels, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (left, right), (0, 0)))
    taps = len(kernel)
    starts = range(0, padded.shape[1] - (taps - 1) * dilation, stride)
    sums = [sum(padded[:, s + i * dilation] @ kernel[i].astype(np.float64) for i in range(taps)) for s in starts]
    return np.stack(sums, axis=1)


@pytest.mark.parametrize(
    ("padding", "taps", "stride", "dilation", "left", "right"),
    [
        ("valid", 4, 2, 1, 0, 0),
        ("valid", 3, 1, 2, 0, 0),
        ("valid", 1, 3, 1, 0, 0),
        ("causal", 3, 2, 1, 2, 0),
        ("causal", 2, 1, 4, 4, 0),
        ("same", 4, 1, 1, 1, 2),
        ("same", 3, 2, 1, 1, 1),
        ("same", 2, 5, 1, 0, 0),
    ],
)
def test_a_convolution_by_a_product_is_the_sum_that_it_stands_for(padding, taps, stride, dilation, left, right):
    import jax
    import keras

    from bench.engines.jax_layers import mend_convolutions

    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 13, 2)).astype(np.float32)
    layer = keras.layers.Conv1D(5, taps, strides=stride, dilation_rate=dilation, padding=padding)
    network = keras.Sequential([keras.Input((13, 2)), layer])
    layer.set_weights([rng.normal(size=(taps, 2, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)])
    usual = np.asarray(layer(x))
    mend_convolutions(network)
    mended = np.asarray(layer(x))
    assert "conv_general_dilated" not in str(jax.make_jaxpr(layer)(x))
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(mended, by_hand(x, kernel, stride, dilation, left, right) + bias, atol=1e-5)
    np.testing.assert_allclose(mended, usual, atol=1e-5)


def test_no_native_convolution_is_left_in_a_network():
    import jax

    from bench.datasets.waves import WavesEveryStep
    from bench.engines.jax_network import JaxNetwork
    from bench.models.convolutional import ConvGRU
    from bench.recipe import Recipe

    task = WavesEveryStep(n_series=20).task()
    network = JaxNetwork(ConvGRU(units=(3,)), Recipe(), task, task)
    text = str(jax.make_jaxpr(network.forecast)(network.fresh, np.zeros((2, 50, 1), np.float32)))
    assert "scan" in text
    assert "conv_general_dilated" not in text


@pytest.mark.parametrize("length", [4, 23])
def test_loops_are_unrolled_by_the_device_and_give_the_same(length, monkeypatch):
    """A window shorter than what is unrolled is one step of the loop."""
    import jax
    import keras

    from bench.engines.jax_layers import UNROLL, unrolled
    from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
    from bench.layers.while_loop_rnn import WhileLoopRNN

    assert (UNROLL["cpu"], UNROLL["gpu"]) == (1, 10)
    x, scan = np.random.default_rng(0).normal(size=(2, length, 1)).astype(np.float32), jax.lax.scan
    layers = [keras.layers.LSTM(3), keras.layers.GRU(3, return_sequences=True), keras.layers.SimpleRNN(3)]
    layers += [WhileLoopRNN(LayerNormSimpleRNNCell(3)), keras.layers.RNN(LayerNormSimpleRNNCell(3))]
    for layer in layers:
        usual = np.asarray(layer(x))
        assert "unroll=1\n" in str(jax.make_jaxpr(lambda x, layer=layer: layer(x))(x))
        with unrolled(10):
            assert "unroll=10\n" in str(jax.make_jaxpr(lambda x, layer=layer: layer(x))(x))
            np.testing.assert_allclose(np.asarray(layer(x)), usual, atol=1e-6)
    assert jax.lax.scan is scan


def test_a_program_is_traced_with_what_its_device_unrolls(monkeypatch):
    from bench.engines import jax as engine

    seen = []

    def loop(x):
        import jax

        seen.append(jax.lax.scan is not scan)
        return jax.lax.scan(lambda carry, each: (carry + each, carry), x[0], x)[0]

    import jax

    scan = jax.lax.scan
    assert engine.Compiled().call(loop, np.arange(3.0, dtype=np.float32)) == 3.0
    assert seen == [True]


def trained(precision, width=1):
    """Return loss, first forecasts, forecasts after an epoch, and weights, of a linear network and of its lanes."""
    from bench.datasets.waves import WavesNextStep
    from bench.engines.base import engines
    from bench.initial import window_order
    from bench.models.linear import Linear
    from bench.recipe import Recipe

    splits, recipe = WavesNextStep(n_series=200).load(1), Recipe(precision=precision, learning_rate=0.01)
    order = window_order(1, 0, len(splits.train.x), 32)
    task = splits.valid.task
    if width > 1:
        stack = engines.get("jax").make_stack(Linear(), recipe, task, task, width)
        stack.use([splits.train] * width)
        stack.reset([stack.fresh_weights(1)] * width, [1] * width)
        losses = stack.train(np.stack([order] * width))
        return losses[0], None, stack.forecast([splits.valid.x] * width)[0], stack.weights()[0], splits
    program = engines.get("jax").make_program(Linear(), recipe, splits.train, task)
    program.reset(program.fresh_weights(1), 1)
    first = program.forecast(splits.valid.x), program.weights()
    loss = program.train(order)
    return loss, first, program.forecast(splits.valid.x), program.weights(), splits


def test_bfloat16_rounds_what_layers_compute_and_leaves_float32_alone():
    import ml_dtypes

    half = ml_dtypes.bfloat16
    before, mixed, after = (trained(precision) for precision in (None, "bfloat16", "float32"))
    for a, b in zip((before[0], before[2], *before[3]), (after[0], after[2], *after[3]), strict=True):
        np.testing.assert_array_equal(a, b)  # whatever was built between

    (forecast, (kernel, bias)), x = mixed[1], mixed[4].valid.x[..., 0]
    assert forecast.dtype == kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, before[1][1][0])  # the same start
    rounded = x.astype(half).astype(np.float64) @ kernel.astype(half).astype(np.float64)
    np.testing.assert_array_equal(forecast, forecast.astype(half))
    np.testing.assert_allclose(forecast[:, 0], rounded[:, 0] + bias, rtol=2**-7, atol=2**-9)
    whole = x.astype(np.float64) @ kernel.astype(np.float64)
    np.testing.assert_allclose(before[1][0][:, 0], whole[:, 0], rtol=1e-5, atol=1e-6)

    assert mixed[0] != before[0]
    assert mixed[0] == pytest.approx(before[0], rel=0.02)
    assert mixed[0] != np.float32(mixed[0]).astype(half), "the loss is not rounded"
    for ours, theirs in zip(mixed[3], before[3], strict=True):
        assert not np.array_equal(ours, theirs)
        np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_lanes_of_a_stack_compute_in_it_too():
    """To the bit a lane is no run alone, since XLA may leave out a rounding between two operations."""
    stacked, whole, alone = trained("bfloat16", width=2), trained(None, width=2), trained("bfloat16")
    assert stacked[0] == pytest.approx(alone[0], rel=1e-3)
    np.testing.assert_allclose(stacked[2], alone[2], atol=2**-6)
    assert stacked[0] != whole[0]
    assert np.abs(stacked[2] - whole[2]).max() > 2**-12
