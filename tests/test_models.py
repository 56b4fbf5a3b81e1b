"""Every network on every kind of task: it says what it supports, and answers that in its shape."""

from dataclasses import replace

import numpy as np
import pytest

from bench.initial import initial_weights, window_order
from bench.models.base import models
from bench.models.decomposition import ChannelNetwork
from bench.models.recurrent import GRU, IteratedRNN, SimpleRNN, WhileLoopRNN
from bench.recipe import Recipe
from bench.task import Split, Splits, Target, TargetKind, Task
from bench.training import make_program
from tests.conftest import with_variants
from tests.keras_fit import compiled_network, fit_in_order
from tests.younger import VARIANTS

WINDOWS, LENGTH = 32, 8
PAIR = (Target("load", "MW"), Target("price", "EUR"))
TASKS = [
    Task("last", TargetKind.LAST_STEP, LENGTH, 2, horizon=3),
    Task("pair_last", TargetKind.LAST_STEP, LENGTH, 2, horizon=3, targets=PAIR, feature_names=("load", "price")),
    Task("every", TargetKind.EVERY_STEP, LENGTH, 2, horizon=3),
    Task("pair_every", TargetKind.EVERY_STEP, LENGTH, 2, horizon=3, targets=PAIR),
    Task("two", TargetKind.LABEL, LENGTH, 2),
    Task("four", TargetKind.LABEL, LENGTH, 2, classes=4),
    Task("two_every", TargetKind.LABEL_EVERY_STEP, LENGTH, 2),
    Task("four_every", TargetKind.LABEL_EVERY_STEP, LENGTH, 2, classes=4),
    Task("ids_last", TargetKind.LAST_STEP, LENGTH, vocabulary=7),
    Task("ids_four", TargetKind.LABEL, LENGTH, classes=4, vocabulary=7),
    Task("ids_next", TargetKind.LABEL_EVERY_STEP, LENGTH, classes=7, vocabulary=7),
]
BY_NAME = {task.name: task for task in TASKS}
AT_LAST = {"last", "pair_last", "two", "four", "ids_last", "ids_four"}
LESS = {
    "linear": AT_LAST,
    "gru_classifier": {"two", "four"},
    "iterated_rnn": set(),
    "conv_gru": set(BY_NAME) - AT_LAST,
}
LESS |= {name: {"last", "pair_last"} for name in models.names() if issubclass(models.get(name), ChannelNetwork)}
NETWORKS = [name for name in models.names() if models.get(name).trained and not models.get(name).backends]


def split_of(task: Task, windows: int = WINDOWS) -> Split:
    rng = np.random.default_rng(5)
    shape = task.target_shape(windows)
    x = rng.normal(size=task.input_shape(windows)).astype(np.float32)
    if task.vocabulary is not None:
        x = rng.integers(task.vocabulary, size=task.input_shape(windows)).astype(np.int32)
    y = rng.normal(size=shape).astype(np.float32)
    if task.target.is_class:
        y = rng.integers(task.classes, size=shape).astype(np.int32 if task.classes > 2 else np.float32)
    return Split(task, x, y)


def recipe_for(task: Task) -> Recipe:
    several = "sparse_categorical_crossentropy" if task.classes > 2 else "binary_crossentropy"
    return Recipe(loss=several if task.target.is_class else "mse", batch_size=8)


@pytest.mark.parametrize("name", with_variants(NETWORKS, VARIANTS))
def test_a_network_answers_what_it_supports_and_says_of_the_rest_why_not(name):
    network = models.get(name)()
    found = {task.name: network.supports(task) for task in TASKS}
    assert {key for key, support in found.items() if support} == LESS.get(name, set(BY_NAME))
    for key, support in found.items():
        task = BY_NAME[key]
        if not support:
            assert repr(name) in support.reason
            assert repr(key) in support.reason
            assert "\n" not in support.reason
            continue
        output = np.asarray(network.build(task)(split_of(task, 3).x))
        places = np.empty(task.mask_shape(3))[:, network.positions(task)] if task.target.every_position else np.empty(3)
        assert output.shape == (*places.shape, *task.output_shape)
        if task.target.is_class:
            assert ((output >= 0) & (output <= 1)).all()
        if task.target.is_class and task.classes > 2:
            np.testing.assert_allclose(output.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("key", ["pair_every", pytest.param("two_every", marks=pytest.mark.variant), "ids_next"])
def test_such_a_network_takes_fits_first_steps(key):
    """Several targets, labels at every position and token ids, whose gradient is sparse and is clipped here."""
    split, network = split_of(BY_NAME[key]), GRU(units=(4,))
    recipe = recipe_for(split.task).model_copy(update={"clip_norm": 0.1, "learning_rate": 0.01})
    order = window_order(7, 0, WINDOWS, recipe.batch_size)
    program = make_program("tensorflow", network, recipe, Splits(split, split, split))
    program.reset(program.fresh_weights(7), 7)
    loss = program.train(order)
    reference = compiled_network(network, recipe, split, jit=False)
    losses = fit_in_order(reference, initial_weights(reference, 7), split.x, split.y, order)
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert program.forecast(split.x).shape == (WINDOWS, LENGTH, *split.task.output_shape)


def test_what_is_trained_on_another_task_is_refused_or_iterated():
    ten, one = Task("ten", TargetKind.LAST_STEP, LENGTH, horizon=10), Task("one", TargetKind.LAST_STEP, LENGTH)
    assert "is trained on 'one'" in SimpleRNN().supports(ten, one).reason
    assert SimpleRNN().supports(ten, replace(ten, name="another_grid"))
    assert IteratedRNN().supports(ten, one)
    assert IteratedRNN().supports(one)
    assert "is trained on 'ten'" in IteratedRNN().supports(ten).reason
    assert not IteratedRNN().supports(ten, replace(one, features=2))


def test_what_a_parameter_excludes_is_said_too():
    every, four = BY_NAME["every"], BY_NAME["four_every"]
    assert "time_major" in WhileLoopRNN(time_major=True).supports(BY_NAME["last"]).reason
    assert WhileLoopRNN(time_major=True).supports(every)
    assert "recurrent head" in SimpleRNN(head="recurrent").supports(four).reason
    assert "printed head" in models.get("gated_wavenet")(softmax_head=True).supports(four).reason
    assert "windows of 9 steps" in models.get("conv_gru")(kernel_size=9).supports(every).reason
    pair = BY_NAME["pair_every"]
    assert SimpleRNN(units=(3,), head="recurrent").build(pair).output_shape == (None, LENGTH, 3, 2)
