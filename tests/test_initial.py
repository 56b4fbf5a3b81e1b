"""NumPy-made initial weights against Keras's own initialisers, and the order of windows."""

import keras
import numpy as np
import pytest

from bench.cases.base import make_model
from bench.errors import BenchError
from bench.initial import initial_weights, window_order
from bench.task import TargetKind, Task

LAST = Task("last", TargetKind.LAST_STEP, 50, 1, 10)
EVERY = Task("every", TargetKind.EVERY_STEP, 50, 1, 10)
LABEL = Task("label", TargetKind.LABEL, 30, 7)

NETWORKS = {
    "linear": ("linear", {}, LAST),
    "one_unit": ("simple_rnn", {"units": (), "head": "recurrent"}, LAST),
    "deep": ("simple_rnn", {"head": "recurrent"}, LAST),
    "batch_norm": ("simple_rnn", {"batch_norm": True}, EVERY),
    "iterated": ("iterated_rnn", {}, Task("any", TargetKind.LAST_STEP, None, 1)),
    "layer_norm": ("layer_norm_rnn", {}, EVERY),
    "while_loop": ("while_loop_rnn", {}, EVERY),
    "while_loop_time_major": ("while_loop_rnn", {"time_major": True}, EVERY),
    "lstm": ("lstm", {}, EVERY),
    "gru": ("gru", {}, LAST),
    "conv_gru": ("conv_gru", {}, EVERY),
    "wavenet": ("wavenet", {}, EVERY),
    "gated_wavenet": ("gated_wavenet", {}, EVERY),
    "gated_wavenet_as_printed": ("gated_wavenet", {"activate_twice": True, "softmax_head": True}, EVERY),
    "gru_classifier": ("gru_classifier", {}, LABEL),
}

SEEDS = 60
"""Seeds whose numbers are pooled for each weight."""


def build(name):
    model, params, task = NETWORKS[name]
    return make_model(model, params).build(task)


class Recorder:
    """Notes the initialiser that Keras was handed for each weight, whatever attribute it came from."""

    def __init__(self, monkeypatch):
        self.initializers = {}
        original = keras.layers.Layer.add_weight

        def add_weight(layer, *args, **kwargs):
            variable = original(layer, *args, **kwargs)
            self.initializers[id(variable)] = keras.initializers.get(kwargs["initializer"])
            return variable

        monkeypatch.setattr(keras.layers.Layer, "add_weight", add_weight)


def keras_draws(initializer, shape, draws, cache={}):  # noqa: B006 - shared by all tests on purpose
    """Return ``draws`` samples of a Keras initialiser; those that take no seed are constant."""
    if not isinstance(initializer, keras.initializers.Initializer) or "seed" not in initializer.get_config():
        return np.asarray(initializer(shape))[None]
    config = {**initializer.get_config(), "seed": None}
    key = (type(initializer).__name__, str(config), shape, draws)
    if key not in cache:
        make = type(initializer).from_config
        cache[key] = np.stack([np.asarray(make({**config, "seed": seed})(shape)) for seed in range(draws)])
    return cache[key]


def assert_same_distribution(ours, theirs, label):
    """Hold means, variances and tails of two pools together, within five standard errors.

    A variance's relative standard error is below sqrt(2 / n) for these distributions, whose tails
    are no heavier than a normal's.
    """
    tolerance = 5 * np.sqrt(2 / ours.size + 2 / theirs.size)
    scale = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < tolerance * scale, label
    assert abs(ours.var() / theirs.var() - 1) < tolerance, label
    if theirs.size > 1000:
        deciles = np.linspace(0.1, 0.9, 9)
        gap = np.abs(np.quantile(ours, deciles) - np.quantile(theirs, deciles)).max()
        assert gap < 2 * tolerance * scale, label


def assert_orthogonal(matrix, gain=1.0):
    flat = matrix.reshape(-1, matrix.shape[-1]).astype(np.float64)
    square = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
    np.testing.assert_allclose(square, gain**2 * np.eye(len(square)), atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_follow_keras_initialisers(name, monkeypatch):
    recorder = Recorder(monkeypatch)
    network = build(name)
    pools = list(zip(*(initial_weights(network, seed) for seed in range(SEEDS)), strict=True))
    assert len(pools) == len(network.weights)
    for variable, pool in zip(network.weights, pools, strict=True):
        initializer = recorder.initializers[id(variable)]
        ours, theirs = np.stack(pool), keras_draws(initializer, tuple(variable.shape), SEEDS)
        assert ours.dtype == np.float32
        assert ours.shape[1:] == tuple(variable.shape) == theirs.shape[1:]
        if len(theirs) == 1:
            np.testing.assert_array_equal(ours, np.broadcast_to(theirs, ours.shape))
            continue
        assert_same_distribution(ours, theirs, variable.path)
        if isinstance(initializer, keras.initializers.Orthogonal):
            for matrix in ours:
                assert_orthogonal(matrix)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_a_function_of_the_seed(name):
    network, again = build(name), build(name)
    keras.utils.set_random_seed(7)
    first = initial_weights(network, 42)
    keras.utils.set_random_seed(8)
    second, other = initial_weights(again, 42), initial_weights(again, 43)
    for ours, same, differs in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(ours, same)
        assert np.unique(ours).size <= 2 or (ours != differs).any()
    network.set_weights(first)


def test_a_weight_of_one_layer_differs_from_its_twin_in_the_next():
    weights = initial_weights(build("wavenet"), 0)
    assert weights[2].shape == weights[4].shape
    assert (weights[2] != weights[4]).any()


def test_lstm_forget_gate_starts_open():
    network = build("lstm")
    for variable, array in zip(network.weights, initial_weights(network, 3), strict=True):
        if variable.name == "bias" and "lstm" in variable.path:
            np.testing.assert_array_equal(array, np.repeat([0, 1, 0, 0], 20))


def dense(initializer, shape=(40, 30), bias="zeros"):
    layer = keras.layers.Dense(shape[1], kernel_initializer=initializer, bias_initializer=bias)
    return keras.Sequential([keras.Input((shape[0],)), layer])


@pytest.mark.parametrize(
    "initializer",
    [
        keras.initializers.GlorotNormal(),
        keras.initializers.GlorotUniform(),
        keras.initializers.HeNormal(),
        keras.initializers.HeUniform(),
        keras.initializers.LecunNormal(),
        keras.initializers.LecunUniform(),
        keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        keras.initializers.VarianceScaling(0.5, "fan_avg", "truncated_normal"),
        keras.initializers.RandomNormal(0.5, 0.2),
        keras.initializers.RandomUniform(-0.1, 0.3),
        keras.initializers.TruncatedNormal(0.5, 0.2),
        keras.initializers.Orthogonal(gain=1.5),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_every_supported_initialiser_follows_keras(initializer):
    network = dense(initializer)
    ours = np.stack([initial_weights(network, seed)[0] for seed in range(20)])
    theirs = keras_draws(initializer, (40, 30), 20)
    assert_same_distribution(ours, theirs, type(initializer).__name__)
    unbounded = isinstance(initializer, (keras.initializers.RandomNormal, keras.initializers.Orthogonal))
    if not unbounded and getattr(initializer, "distribution", "") != "untruncated_normal":
        # 24,000 numbers come close to the ends of a bounded range.
        assert abs(np.ptp(ours) / np.ptp(theirs) - 1) < 0.01


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (1, 20), (20, 1)])
def test_orthogonal_holds_for_any_shape_and_gain(shape):
    (kernel, _) = initial_weights(dense(keras.initializers.Orthogonal(gain=1.5), shape), 0)
    assert_orthogonal(kernel, gain=1.5)


def test_orthogonal_takes_both_signs():
    network = dense(keras.initializers.Orthogonal(), (1, 1))
    assert {float(initial_weights(network, seed)[0][0, 0]) for seed in range(20)} == {-1.0, 1.0}


def test_truncated_normal_stays_within_two_standard_deviations():
    kernel, _ = initial_weights(dense(keras.initializers.TruncatedNormal(0.0, 0.2), (100, 100)), 0)
    assert 0.39 < np.abs(kernel).max() <= 0.4


def test_constants_and_embeddings():
    kernel, bias = initial_weights(dense(keras.initializers.Constant(0.25), bias="ones"), 0)
    assert (kernel == np.float32(0.25)).all()
    assert (bias == 1).all()
    embedding = keras.Sequential([keras.Input((5,)), keras.layers.Embedding(50, 40)])
    (table,) = initial_weights(embedding, 0)
    assert_same_distribution(table, keras_draws(keras.initializers.RandomUniform(), (50, 40), 1), "embeddings")


def test_an_unknown_initialiser_is_named():
    network = dense(keras.initializers.Identity(), (4, 4))
    layer = network.layers[0].name
    with pytest.raises(BenchError, match=rf"layer '{layer}': .*Identity.* for 'kernel'"):
        initial_weights(network, 0)


def test_a_weight_outside_the_convention_is_named():
    class Scale(keras.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight(shape=(), name="factor")

        def call(self, inputs):
            return inputs * self.factor

    with pytest.raises(BenchError, match=r"no layer of .* holds '.*factor'"):
        initial_weights(keras.Sequential([keras.Input((4,)), Scale()]), 0)


def test_window_order_is_a_new_permutation_each_epoch_and_seed():
    order = window_order(42, 0, windows=7000, batch_size=32)
    assert order.shape == (218, 32)
    assert order.dtype == np.int32
    assert np.unique(order).size == order.size
    assert order.min() >= 0
    assert order.max() < 7000
    np.testing.assert_array_equal(order, window_order(42, 0, 7000, 32))
    assert (order != window_order(42, 1, 7000, 32)).any()
    assert (order != window_order(43, 0, 7000, 32)).any()


def test_window_order_leaves_other_windows_out_each_epoch():
    left_out = [set(range(70)) - set(window_order(1, epoch, 70, 32).flat) for epoch in range(3)]
    assert [len(windows) for windows in left_out] == [6, 6, 6]
    assert left_out[0] != left_out[1] != left_out[2]


def test_window_order_needs_one_full_batch():
    assert window_order(0, 0, 32, 32).shape == (1, 32)
    with pytest.raises(BenchError, match="31 windows do not fill a batch of 32"):
        window_order(0, 0, 31, 32)
