"""What the engine on JAX does to Keras's layers: the same numbers by other loops and products, and rounded ones."""

import numpy as np
import pytest

from bench.engines.base import engines
from bench.models.linear import Linear
from bench.recipe import Recipe
from bench.task import Split
from tests.conftest import BACKEND
from tests.test_precision import ORDER, RATE, SPLITS, TASK, trained

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
def test_loops_are_unrolled_and_give_the_same(length):
    """A window shorter than what is unrolled is one step of the loop."""
    import jax
    import keras

    from bench.engines.jax_layers import unrolled
    from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
    from bench.layers.while_loop_rnn import WhileLoopRNN

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
    import jax

    from bench.engines import jax as engine

    scan, seen = jax.lax.scan, []

    def noted(*arguments, unroll=1, **named):
        seen.append(unroll)
        return scan(*arguments, unroll=unroll, **named)

    def loop(x):
        return jax.lax.scan(lambda carry, each: (carry + each, carry), x[0], x)[0]

    monkeypatch.setattr(jax.lax, "scan", noted)
    monkeypatch.setitem(engine.UNROLL, jax.default_backend(), 7)
    assert engine.Compiled().call(loop, np.arange(3.0, dtype=np.float32)) == 3.0
    assert seen == [7]
    assert jax.lax.scan is noted


@pytest.mark.variant
def test_lanes_of_a_stack_compute_in_bfloat16_too():
    """To the bit a lane is no run alone, since XLA may leave out a rounding between two operations."""
    whole, alone = trained(None), trained("bfloat16")
    recipe = Recipe(precision="bfloat16", learning_rate=RATE)
    stack = engines.get("jax").make_stack(Linear(), recipe, TASK, TASK, 2)
    stack.use([SPLITS.train] * 2)
    stack.reset([stack.fresh_weights(1)] * 2, [1] * 2)
    loss, _ = stack.train(np.stack([ORDER] * 2))
    forecast, _ = stack.forecast([SPLITS.valid.x] * 2)
    assert loss == pytest.approx(alone.loss, rel=1e-3)
    np.testing.assert_allclose(forecast, alone.last, atol=2**-6)
    assert loss != whole.loss
    assert np.abs(forecast - whole.last).max() > 2**-12


def test_each_lane_of_a_float16_stack_has_a_scale_of_its_own():
    """Lane 0 has targets that make no finite gradient, then weights that are no numbers; lane 1 knows nothing of it."""
    stack = engines.get("jax").make_stack(Linear(), Recipe(precision="float16", learning_rate=RATE), TASK, TASK, 2)
    fresh, orders = stack.fresh_weights(1), np.stack([ORDER[:3]] * 2)
    place = [v is stack._network._optimizer.dynamic_scale for v in stack._network._optimizer.variables].index(True)
    far = Split(TASK, SPLITS.train.x, np.full_like(SPLITS.train.y, 1e6), SPLITS.train.groups)

    def train(splits, first):
        stack.use(splits)
        stack.reset([first, fresh], [1, 1])
        losses = stack.train(orders)
        return losses, [weights for weights, *_ in stack.weights()], np.asarray(stack._state.optimizer[place])

    near = Split(TASK, SPLITS.train.x, SPLITS.train.y.copy(), SPLITS.train.groups)
    both, alike, scales = train([near, SPLITS.train], fresh)
    np.testing.assert_array_equal(scales, [2.0**15, 2.0**15])
    losses, skipped, scales = train([far, SPLITS.train], fresh)
    np.testing.assert_array_equal(scales, [2.0**12, 2.0**15])
    np.testing.assert_array_equal(skipped[0], fresh[0])
    ended, _, _ = train([near, SPLITS.train], [np.full_like(weight, np.nan) for weight in fresh])
    assert np.isnan(ended[0])
    assert losses[1] == ended[1] == both[1]
    np.testing.assert_array_equal(skipped[1], alike[1])
