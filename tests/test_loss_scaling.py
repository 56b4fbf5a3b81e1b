"""float16 on this process's backend: the course of the loss scale, skipped steps, and the loss that is reached."""

from itertools import pairwise

import numpy as np
import pytest

from bench.datasets.waves import WavesNextStep
from bench.engines.base import engines
from bench.initial import window_order
from bench.models.linear import Linear
from bench.models.recurrent import SimpleRNN
from bench.recipe import Recipe
from bench.task import Split
from tests.conftest import BACKEND

SPLITS = WavesNextStep(n_series=200).load(1)
TASK = SPLITS.valid.task
RECIPE = Recipe(precision="float16", learning_rate=0.01)
START, GROWTH_STEPS = 2.0**15, 2000
"""Keras's."""


def course(finite, scale=START, growth_steps=GROWTH_STEPS):
    """The scale after each step, whose gradients are finite or not, as Micikevicius et al. (2018) and Keras have it."""
    scales, row = [], 0
    for good in finite:
        row = row + 1 if good else 0
        scale = scale if good else scale / 2
        if row == growth_steps:
            scale, row = scale * 2, 0
        scales.append(scale)
    return scales


def test_the_course_by_hand():
    assert course([True, True, False, True, True, True, False], 8.0, 3) == [8, 8, 4, 4, 4, 8, 4]


def planted(rows):
    """The windows, of which these have a target that float16 cannot tell the error of, though float32 can."""
    y = SPLITS.train.y.copy()
    y[rows] = 1e6
    return Split(TASK, SPLITS.train.x, y, SPLITS.train.groups)


def scale_of(program):
    """The scale on the device, wherever the engine keeps it."""
    if BACKEND == "torch":
        return float(program._optimizer.scale)
    if BACKEND == "tensorflow":
        return float(program._optimizer.dynamic_scale.numpy())
    network = program._network
    place = [v is network._optimizer.dynamic_scale for v in network._optimizer.variables].index(True)
    return np.asarray(program._state.optimizer[place])[()]


@pytest.fixture(scope="module")
def program():
    return engines.get(BACKEND).make_program(Linear(), RECIPE, SPLITS.train, TASK)


def test_a_step_whose_gradient_is_not_finite_changes_the_scale_alone(program):
    order = np.arange(5 * 20, dtype=np.int32).reshape(5, 20)
    finite = [True, False, True, False, False]
    fresh = program.fresh_weights(1)
    program.use(planted([25, 70, 99]))
    program.reset(fresh, 1)
    assert scale_of(program) == START
    scales, weights = [], [fresh]
    for rows in order:
        loss = program.train(np.stack([rows] * 5), 1)
        assert np.isfinite(loss)
        scales.append(scale_of(program))
        weights.append(program.weights())
    assert scales == course(finite)
    same = [all(map(np.array_equal, *pair)) for pair in pairwise(weights)]
    assert same == [not good for good in finite]

    once = program.weights()
    program.reset(fresh, 1)
    assert scale_of(program) == START, "a new run has a new scale"
    program.train(order)
    assert scale_of(program) == course(finite)[-1]
    for ours, theirs in zip(program.weights(), once, strict=True):
        np.testing.assert_array_equal(ours, theirs)

    program.use(SPLITS.train)  # the optimizer has not counted the steps that were none
    program.reset(fresh, 1)
    program.train(order[[0, 2, 0, 0, 0]], 2)
    for ours, theirs in zip(program.weights(), once, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.variant
def test_the_scale_doubles_after_as_many_finite_steps_as_keras_waits(program):
    program.use(SPLITS.train)
    program.reset(program.fresh_weights(1), 1)
    order = np.resize(np.arange(100, dtype=np.int32), (5, 20))
    for _ in range(GROWTH_STEPS // 5 - 1):
        program.train(order)
    program.train(order, 4)
    assert scale_of(program) == START
    program.train(order, 1)
    assert scale_of(program) == 2 * START == course([True] * GROWTH_STEPS)[-1]


@pytest.mark.variant
@pytest.mark.parametrize(
    ("model", "options"),
    [
        (SimpleRNN(units=(4,)), {}),
        (Linear(), {"optimizer": "sgd", "keep_gradients": True, "clip_norm": 0.5}),
    ],
    ids=["recurrent", "gradients that are kept"],
)
def test_it_trains_to_about_the_loss_of_float32(model, options):
    losses = []
    for precision in ("float16", None):
        recipe = Recipe(learning_rate=0.01, precision=precision, **options)
        program = engines.get(BACKEND).make_program(model, recipe, SPLITS.train, TASK)
        program.reset(program.fresh_weights(1), 1)
        losses.append([program.train(window_order(1, epoch, len(SPLITS.train.x), 32)) for epoch in range(3)])
    mixed, whole = losses
    assert mixed != whole
    assert whole[-1] < 0.9 * whole[0]
    np.testing.assert_allclose(mixed, whole, rtol=0.01)
