"""Networks of channels for long horizons against the formulas of their papers, in NumPy."""

import keras
import numpy as np
import pytest

from bench.datasets.adding import Adding
from bench.layers.interpolation import Interpolation
from bench.layers.pooled_maximum import PooledMaximum
from bench.layers.residual_attention import ResidualAttention
from bench.models.backcasts import NBeats, NHits
from bench.models.base import models
from bench.models.channel_attention import ITransformer, PatchTST
from bench.models.channel_blocks import EPSILON
from bench.models.channel_perceptrons import TiDE, TSMixer
from bench.models.decomposition import ChannelNetwork, DLinear
from bench.task import Target, TargetKind, Task
from tests.built import dense, network, own, weighted
from tests.by_hand import gelu, layer_norm, relu

RNG = np.random.default_rng(13)
STEPS, HORIZON = 9, 5
X = RNG.normal(size=(6, STEPS, 3)).astype(np.float32)
SERIES = X.transpose(0, 2, 1).astype(np.float64)
NAMES = "a", "b", "c"
ALL = Task("t", TargetKind.LAST_STEP, STEPS, 3, HORIZON, feature_names=NAMES, targets=tuple(map(Target, NAMES)))
CHANNEL_NETWORKS = [models.get(name)() for name in models.names() if issubclass(models.get(name), ChannelNetwork)]


def forecast(made, x=X):
    """Return forecasts ``(windows, horizon, channels)``."""
    return keras.ops.convert_to_numpy(made(x, training=False))


def holds(made, known):
    """Hold a network to forecasts ``(windows, channels, horizon)``."""
    np.testing.assert_allclose(forecast(made), known.transpose(0, 2, 1), rtol=1e-3, atol=2e-4)


def moved(made):
    """Return a network whose normalisations do not start as the identity."""
    made.set_weights([np.abs(w + RNG.normal(0, 0.1, w.shape)) if w.ndim == 1 else w for w in made.get_weights()])
    return made


def batch_norm(layer, x):
    gamma, beta, mean, variance = own(layer, "gamma", "beta", "moving_mean", "moving_variance")
    return gamma * (x - mean) / np.sqrt(variance + layer.epsilon) + beta


def attention(layer, x, before=0.0):
    """Return what a `ResidualAttention` makes of tokens, and its scores."""

    def headed(part):
        return dense(part, x).reshape(*x.shape[:2], layer.heads, -1).transpose(0, 2, 1, 3)

    queries, keys, values = map(headed, (layer.query, layer.key, layer.value))
    scores = queries @ keys.transpose(0, 1, 3, 2) / np.sqrt(queries.shape[-1]) + before
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    return dense(layer.out, (shares @ values).transpose(0, 2, 1, 3).reshape(x.shape)), scores


def scaled():
    mean, spread = SERIES.mean(-1, keepdims=True), np.sqrt(SERIES.var(-1, keepdims=True) + EPSILON)
    return (SERIES - mean) / spread, mean, spread


@pytest.mark.parametrize("model", CHANNEL_NETWORKS, ids=lambda model: model.name)
def test_channels_change_places_and_mix_where_a_model_says_so(model):
    made = network(model, ALL)
    y, places = forecast(made), [2, 0, 1]
    assert y.shape == (6, HORIZON, 3)
    assert np.allclose(forecast(made, X[..., places]), y[..., places], atol=1e-4) is model.permutes
    other = X.copy()
    other[..., 1] = RNG.normal(size=other.shape[:2])
    changed = np.abs(forecast(made, other) - y).max(axis=(0, 1)) > 1e-5
    assert list(changed) == [model.mixes, True, model.mixes]
    two = Task("t", TargetKind.LAST_STEP, STEPS, 3, HORIZON, feature_names=NAMES, targets=(Target("c"), Target("a")))
    np.testing.assert_allclose(forecast(network(model, two)), y[..., [2, 0]], atol=1e-5)


@pytest.mark.parametrize("model", CHANNEL_NETWORKS, ids=lambda model: model.name)
def test_every_weight_has_a_gradient_where_channels_are_many(model):
    made = network(model, ALL)
    before = made.get_weights()
    made.compile("adam", "mse", jit_compile=False, run_eagerly=True)
    made.train_on_batch(X, RNG.normal(size=(6, HORIZON, 3)))
    changed = [w.path for w, old in zip(made.weights, before, strict=True) if np.array_equal(w.numpy(), old)]
    assert changed == []


@pytest.mark.parametrize(("length", "steps"), [(9, 1), (9, 3), (9, 4), (3, 5)])
def test_the_maximum_of_each_stretch(length, steps):
    x = X[:, :length].transpose(0, 2, 1)
    known = np.stack([x[..., i : i + steps].max(-1) for i in range(0, length, steps)], -1)
    np.testing.assert_array_equal(PooledMaximum(steps)(x), known)


@pytest.mark.parametrize(("knots", "length"), [(1, 4), (2, 4), (3, 10), (5, 5), (4, 3)])
def test_interpolation_between_knots_half_a_spacing_from_the_ends(knots, length):
    x = RNG.normal(size=(2, 3, knots)).astype(np.float32)
    at, of = (np.arange(length) + 0.5) / length, (np.arange(knots) + 0.5) / knots
    known = [[np.interp(at, of, line) for line in lines] for lines in x]
    np.testing.assert_allclose(Interpolation(length)(x), known, atol=1e-5)


def test_interpolation_by_hand():
    np.testing.assert_allclose(Interpolation(4)(np.array([[0.0, 1.0]], np.float32)), [[0, 0.25, 0.75, 1]])


@pytest.mark.parametrize(
    ("model", "knots"), [(NBeats(width=7, stack=3, layers=2), None), (NHits(width=7), (1, 2, 5))], ids=["beats", "hits"]
)
def test_a_block_sees_the_window_less_all_backcasts_before_it_and_forecasts_add_up(model, knots):
    made = network(model, ALL)
    layers = weighted(made, keras.layers.Dense)
    hidden = [layer for layer in layers if layer.units == 7]
    back = [layer for layer in layers if layer.units == STEPS]
    parts = [layer for layer in layers if layer not in hidden + back]
    assert (len(hidden), len(back), len(parts)) == (6, 2, 3), "the last block has no backcast"
    assert [layer.units for layer in parts] == list(knots or (HORIZON,) * 3)
    backcasts, total = [], SERIES[..., -1:]
    for number, part in enumerate(parts):
        h = SERIES[..., ::-1] - sum(backcasts)
        if knots:
            pool = model.pools[number]
            h = np.stack([h[..., i : i + pool].max(-1) for i in range(0, STEPS, pool)], -1)
        for layer in hidden[2 * number : 2 * number + 2]:
            h = relu(dense(layer, h))
        total = total + dense(part, h) @ Interpolation(HORIZON).matrix(part.units)
        backcasts += [dense(layer, h) for layer in back[number : number + 1]]
    holds(made, total)


@pytest.mark.parametrize("reversibly", [False, True])
def test_a_ts_mixer_by_hand(reversibly):
    model = TSMixer(width=7, scaled=reversibly)
    made = moved(network(model, ALL))
    layers = iter(weighted(made))
    x, mean, spread = scaled() if reversibly else (SERIES, 0.0, 1.0)
    for _ in range(model.layers):
        y = batch_norm(next(layers), x.reshape(6, -1)).reshape(x.shape)
        x = x + relu(dense(next(layers), y))
        y = batch_norm(next(layers), x.reshape(6, -1)).reshape(x.shape).transpose(0, 2, 1)
        y = _perceptron(layers, y)
        x = x + y.transpose(0, 2, 1)
    holds(made, dense(next(layers), x) * spread + mean)


def _perceptron(layers, x, activation=relu):
    first, second = next(layers), next(layers)
    return dense(second, activation(dense(first, x)))


def test_an_inverted_transformer_by_hand():
    model = ITransformer(width=6)
    made = moved(network(model, ALL))
    layers = iter(weighted(made))
    x, mean, spread = scaled()
    x = dense(next(layers), x)
    for _ in range(model.layers):
        x = x + attention(next(layers), x)[0]
        x = layer_norm(next(layers), x)
        x = x + _perceptron(layers, x, gelu)
        x = layer_norm(next(layers), x)
    x = layer_norm(next(layers), x)
    holds(made, dense(next(layers), x) * spread + mean)


def test_patches_overlap_repeat_the_last_value_and_hand_their_scores_on():
    model = PatchTST(width=6, layers=2, patch=4, stride=2)
    made = moved(network(model, ALL))
    layers = iter(weighted(made))
    series, mean, spread = scaled()
    padded = np.concatenate([series, np.repeat(series[..., -1:], 2, axis=-1)], axis=-1)
    patches = np.stack([padded[..., start : start + 4] for start in (0, 2, 4, 6)], axis=2)
    x = dense(next(layers), patches.reshape(18, 4, 4)) + own(next(layers), "embeddings")[0]
    scores = 0.0
    for _ in range(2):
        y, scores = attention(next(layers), x, scores)
        x = batch_norm(next(layers), x + y)
        x = x + _perceptron(layers, x, gelu)
        x = batch_norm(next(layers), x)
    holds(made, dense(next(layers), x.reshape(6, 3, 24)) * spread + mean)


def test_a_tide_by_hand():
    made = moved(network(TiDE(width=7, layers=2, vector=3), ALL))
    layers, norms = weighted(made), iter(weighted(made, keras.layers.LayerNormalization))

    def block(tensor, x):
        """Return a block's output in the network, and by hand."""
        fed = [layer for layer in layers if layer.input is tensor]
        (first,) = (layer for layer in fed if layer.activation is keras.activations.relu)
        (second,) = (layer for layer in layers if layer.input is first.output)
        (across,) = (layer for layer in fed if layer is not first and layer.units == second.units)
        y = dense(second, relu(dense(first, x))) + dense(across, x)
        norm = next(norms, None)
        return (norm.output, layer_norm(norm, y)) if norm else (None, y)

    first = layers[0].input
    tensor, x = first, SERIES
    for _ in range(3):
        tensor, x = block(tensor, x)
    folded = next(layer for layer in made.layers if layer.input is tensor)
    _, y = block(folded.output, x.reshape(6, 3, HORIZON, 3))
    (beside,) = (layer for layer in layers if layer.input is first and layer.units == HORIZON)
    holds(made, y[..., 0] + dense(beside, SERIES))


def test_a_norm_of_each_step_leaves_of_a_tide_its_linear_map_and_one_number():
    made = moved(network(TiDE(width=7, vector=3, scaled=True, step_norm=True), ALL))
    norm = weighted(made, keras.layers.LayerNormalization)[-1]
    (beta,) = own(norm, "beta")
    (beside,) = (layer for layer in weighted(made, keras.layers.Dense) if layer.units == HORIZON)
    x, mean, spread = scaled()
    holds(made, (dense(beside, x) + beta) * spread + mean)


@pytest.mark.parametrize("name", ["transformer", "lru", "s4d", "s_lstm", "m_lstm", "i_transformer", "patch_tst"])
def test_norms_of_networks_from_pytorch_have_its_epsilon_and_momentum(name):
    task = ALL if issubclass(models.get(name), ChannelNetwork) else Task("t", TargetKind.LAST_STEP, STEPS, 1)
    found = [layer for layer in models.get(name)().build(task).layers if hasattr(layer, "epsilon")]
    assert found
    assert {layer.epsilon for layer in found} == {1e-5}
    assert {getattr(layer, "momentum", 0.9) for layer in found} == {0.9}


def test_one_token_has_no_queries_and_keys():
    layer = ResidualAttention(2)
    x = RNG.normal(size=(4, 1, 6)).astype(np.float32)
    y, scores = layer(x)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(y), dense(layer.out, dense(layer.value, x)), atol=1e-5)
    assert (len(layer.weights), scores.shape) == (4, (4, 2, 1, 1))


def test_a_network_of_channels_does_not_take_a_target_that_is_no_channel():
    """It would forecast the sum of marked numbers from the numbers alone."""
    adding = Adding(steps=10).task()
    for model in CHANNEL_NETWORKS:
        assert "has 'sum' as a target alone" in model.supports(adding).reason, model
    assert DLinear().supports(Task("t", TargetKind.LAST_STEP, 10, 1)).reason == "", "one nameless target is the series"


def test_what_does_not_fit_is_said():
    assert "needs 8 steps at least" in PatchTST().supports(Task("t", TargetKind.LAST_STEP, 7, 1)).reason
    for wrong, why in (({"heads": 5}, "shared out"), ({"stride": 20}, "leaves out")):
        with pytest.raises(ValueError, match=why):
            PatchTST(**wrong)
    with pytest.raises(ValueError, match="one of each a block"):
        NHits(pools=(2,))
