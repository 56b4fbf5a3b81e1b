"""Random numbers inside a network (dropout, noise) are a function of the model seed alone."""

import keras
import numpy as np
import pytest

from bench.datasets.waves import WavesEveryStep
from bench.initial import initial_weights, random_states, seed_generators, window_order
from bench.models.recurrent import GRU, SimpleRNN
from bench.recipe import Recipe
from bench.training import make_program, train
from tests.conftest import BACKEND
from tests.keras_fit import compiled_network, fit_in_order

SPLITS = WavesEveryStep(n_series=100).load(42)
RECIPE = Recipe(epochs=2, learning_rate=0.01)
RANDOM = SimpleRNN(units=(4, 3), dropout=0.4, noise=0.1)
PLAIN = SimpleRNN(units=(4, 3))


def outcome(program, seed, model=RANDOM):
    """What a run leaves: its scores, its curve and its weights, bit for bit."""
    left = train(model, RECIPE, SPLITS, program, seed)
    return left.curve, [array.tobytes() for array in program.weights()]


@pytest.fixture(scope="module")
def program():
    return make_program(BACKEND, RANDOM, RECIPE, SPLITS)


def test_a_seed_gives_the_same_bits_whatever_ran_before(program):
    first, second = outcome(program, 1), outcome(program, 2)
    assert outcome(program, 2) == second
    assert outcome(program, 1) == first != second
    keras.utils.set_random_seed(99)  # what else runs in a process may do so
    stranger = make_program(BACKEND, GRU(units=(2,), dropout=0.5), RECIPE, SPLITS)
    stranger.reset(stranger.fresh_weights(1), 1)
    stranger.train(window_order(1, 0, len(SPLITS.train.x), RECIPE.batch_size))
    assert outcome(make_program(BACKEND, RANDOM, RECIPE, SPLITS), 1) == first


def test_it_is_not_the_network_without_and_forecasts_without(program):
    plain = make_program(BACKEND, PLAIN, RECIPE, SPLITS)
    assert outcome(plain, 1, PLAIN) != outcome(program, 1)
    assert [w.shape for w in plain.weights()] == [w.shape for w in program.weights()]
    plain.load(program.weights())
    np.testing.assert_array_equal(plain.forecast(SPLITS.valid.x), program.forecast(SPLITS.valid.x))
    np.testing.assert_array_equal(program.forecast(SPLITS.valid.x), program.forecast(SPLITS.valid.x))


def test_masks_differ_from_step_to_step(program):
    order = window_order(1, 0, len(SPLITS.train.x), RECIPE.batch_size)[:1].repeat(2, axis=0)
    sgd = make_program(BACKEND, RANDOM, Recipe(optimizer="sgd", learning_rate=1e-12), SPLITS)
    sgd.reset(sgd.fresh_weights(1), 1)
    first, mean = sgd.train(order, 1), None
    sgd.reset(sgd.fresh_weights(1), 1)
    mean = sgd.train(order)
    assert abs(2 * mean - 2 * first) > 1e-3, "the same windows and weights, another draw"


@pytest.mark.variant
def test_the_draws_are_those_of_keras_from_the_same_states():
    network = compiled_network(RANDOM, RECIPE, SPLITS.train, jit=BACKEND != "torch")
    generators = seed_generators(network)
    assert len(generators) == 5, "noise, two dropouts, and one of each recurrent layer's cell"
    for generator, state in zip(generators, random_states(5, 7), strict=True):
        generator.state.assign(state)
    order = window_order(7, 0, len(SPLITS.train.x), RECIPE.batch_size)
    weights, data = initial_weights(network, 7), SPLITS.train
    if BACKEND == "torch":  # Keras's dropout draws from PyTorch's own generator there, and so does `fit`, to load data
        import torch

        order = order[:1]
        network.set_weights(weights)
        torch.manual_seed(int(random_states(6, 7)[5][0]))
        reference = (network(data.x[order[0]], training=True).detach().numpy() - data.y[order[0]]) ** 2
    else:
        reference = fit_in_order(network, weights, data.x, data.y, order)
    program = make_program(BACKEND, RANDOM, RECIPE, SPLITS)
    program.reset(program.fresh_weights(7), 7)
    assert program.train(order) == pytest.approx(np.mean(reference), rel=1e-5)


def test_dropout_of_nothing_adds_no_layer():
    task = SPLITS.train.task
    assert len(PLAIN.build(task).layers) == 3
    assert len(RANDOM.build(task).layers) == 6
    assert len(SimpleRNN(units=(4,), head="recurrent", dropout=0.1).build(task).layers) == 3


def test_a_cells_own_dropout_is_found_once():
    layer = keras.layers.GRU(3, dropout=0.1, recurrent_dropout=0.1)
    network = keras.Sequential([keras.Input((5, 1)), layer, keras.layers.Dropout(0.2)])
    states = {id(generator.state) for generator in seed_generators(network)}
    random = {id(v) for v in network.variables if "seed_generator" in v.path}
    assert states == random
    assert len(states) >= 2


def test_states_are_a_stream_of_the_seed_and_the_layer():
    first, second, third = random_states(3, 5)
    assert [s.tolist() for s in random_states(2, 5)] == [first.tolist(), second.tolist()]
    seeds = [int(s[0]) for s in (first, second, third, *random_states(3, 6))]
    assert len(set(seeds)) == 6
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert {int(s[1]) for s in (first, second, third)} == {0}
