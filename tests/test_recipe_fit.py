"""Each loss, optimizer, schedule and mask: a few compiled steps held to Keras's own fit, and to plain NumPy."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from bench.engines.keras_recipe import batch_loss
from bench.initial import window_order
from bench.models.base import Network
from bench.models.linear import Linear
from bench.models.recurrent import SimpleRNN
from bench.recipe import Recipe
from bench.schedules import learning_rates, varies
from bench.task import Split, Splits, TargetKind, Task
from bench.training import make_program
from tests.conftest import BACKEND, with_variants
from tests.keras_fit import fit_in_order

STEPS, BATCH, WINDOWS, LENGTH = 6, 8, 64, 5
NUMBERS = Task("numbers", TargetKind.LAST_STEP, LENGTH, features=2, horizon=3)
EVERY = Task("every", TargetKind.EVERY_STEP, LENGTH, features=2, horizon=3)
TWO = Task("two", TargetKind.LABEL, LENGTH, features=2)
FOUR = Task("four", TargetKind.LABEL_EVERY_STEP, LENGTH, features=2, classes=4)


def splits_of(task: Task) -> Splits:
    rng = np.random.default_rng(3)

    def split() -> Split:
        x = rng.normal(size=task.input_shape(WINDOWS)).astype(np.float32)
        shape = task.target_shape(WINDOWS)
        labels = rng.integers(task.classes, size=shape)
        y = labels.astype(np.float32 if task.classes == 2 else np.int32)
        mask = rng.random(task.mask_shape(WINDOWS)) < 0.6 if task.masked else None
        return Split(task, x, y if task.target.is_class else rng.normal(size=shape).astype(np.float32), mask=mask)

    return Splits(split(), split(), split())


def model_of(task: Task) -> Network:
    return Linear() if task.target is TargetKind.LAST_STEP else SimpleRNN(units=(3,))


def held_to_fit(recipe: Recipe, task: Task, loss: object, optimizer: keras.optimizers.Optimizer) -> None:
    """Train both from one start; hold each step's loss and the last weights together, and both runs of ours."""
    model, splits = model_of(task), splits_of(task)
    order = window_order(7, 0, WINDOWS, BATCH)[:STEPS]
    program = make_program(BACKEND, model, recipe, splits)
    weights = program.fresh_weights(7)
    rates = {"rates": learning_rates(recipe, 0, STEPS)} if varies(recipe) else {}
    means = []
    for steps in range(1, STEPS + 1):  # the mean of the first k steps, each k from the start
        program.reset(weights, 7)
        means.append(program.train(order, steps, **rates))
    ours, trained = np.diff(np.array([0, *means]) * np.arange(STEPS + 1)), program.weights()
    program.reset(weights, 7)
    assert program.train(order, **rates) == means[-1], "all of the optimizer's state is put back"

    network = model.build(task)
    network.compile(loss=loss, optimizer=optimizer, jit_compile=False)
    train = splits.train
    reference = fit_in_order(network, weights, train.x, train.y, order, train.mask)
    np.testing.assert_allclose(ours, reference, rtol=5e-6)
    for mine, theirs in zip(trained, network.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-6)
    program.close()


def pinball(level: float) -> Callable:
    def loss(y, forecast):
        error = y - forecast
        return keras.ops.mean(keras.ops.where(error > 0, level * error, (level - 1) * error), axis=-1)

    return loss


LOSSES = {
    "mse": (Recipe(loss="mse"), NUMBERS, "mean_squared_error"),
    "mae": (Recipe(loss="mae"), NUMBERS, "mean_absolute_error"),
    "huber": (Recipe(loss="huber"), NUMBERS, keras.losses.Huber()),
    "huber_delta": (Recipe(loss="huber", huber_delta=0.3), NUMBERS, keras.losses.Huber(delta=0.3)),
    "median": (Recipe(loss="quantile"), NUMBERS, pinball(0.5)),
    "quantile": (Recipe(loss="quantile", quantile=0.9), NUMBERS, pinball(0.9)),
    "two_classes": (Recipe(loss="binary_crossentropy"), TWO, "binary_crossentropy"),
    "two_classes_mse": (Recipe(loss="mse"), TWO, "mean_squared_error"),
    "four_classes": (
        Recipe(loss="sparse_categorical_crossentropy"),
        FOUR,
        keras.losses.SparseCategoricalCrossentropy(),
    ),
}


@pytest.mark.parametrize("name", with_variants(LOSSES, {*LOSSES} - {"quantile", "four_classes"}))
def test_a_loss_is_that_of_fit(name):
    recipe, task, loss = LOSSES[name]
    held_to_fit(recipe, task, loss, keras.optimizers.Adam(0.001))


of = keras.optimizers
OPTIMIZERS = {
    "adam": ({}, lambda: of.Adam(0.01)),
    "adam_options": (
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "amsgrad": True},
        lambda: of.Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3, amsgrad=True),
    ),
    "adam_decay": ({"weight_decay": 0.3}, lambda: of.Adam(0.01, weight_decay=0.3)),
    "adamw": ({"optimizer": "adamw"}, lambda: of.AdamW(0.01)),
    "adamw_decay": ({"optimizer": "adamw", "weight_decay": 0.3}, lambda: of.AdamW(0.01, weight_decay=0.3)),
    "nadam": ({"optimizer": "nadam", "beta_1": 0.5}, lambda: of.Nadam(0.01, beta_1=0.5)),
    "rmsprop": ({"optimizer": "rmsprop"}, lambda: of.RMSprop(0.01)),
    "rmsprop_options": (
        {"optimizer": "rmsprop", "rho": 0.5, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
        lambda: of.RMSprop(0.01, rho=0.5, momentum=0.5, centered=True, epsilon=1e-3),
    ),
    "sgd": ({"optimizer": "sgd"}, lambda: of.SGD(0.01)),
    "sgd_options": (
        {"optimizer": "sgd", "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        lambda: of.SGD(0.01, momentum=0.8, nesterov=True, weight_decay=0.1),
    ),
    "clip_norm": ({"optimizer": "sgd", "clip_norm": 0.1}, lambda: of.SGD(0.01, global_clipnorm=0.1)),
    "clip_value": ({"optimizer": "sgd", "clip_value": 0.1}, lambda: of.SGD(0.01, clipvalue=0.1)),
}


@pytest.mark.parametrize(
    "name",
    with_variants(OPTIMIZERS, {*OPTIMIZERS} - {"adam_options", "sgd_options", "clip_norm"}),
)
def test_an_optimizer_is_that_of_fit(name):
    fields, make = OPTIMIZERS[name]
    held_to_fit(Recipe(learning_rate=0.01, **fields), NUMBERS, "mse", make())


class WarmedUp(keras.optimizers.schedules.LearningRateSchedule):
    """A straight line up to ``rate``, then another of Keras's schedules from its own beginning."""

    def __init__(self, rate, steps, after):
        self.rate, self.steps, self.after = rate, steps, after

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        line = self.rate * (step + 1) / self.steps
        return keras.ops.where(step < self.steps, line, self.after(step - self.steps))


after = keras.optimizers.schedules
SCHEDULES = {
    "cosine": (
        {"schedule": "cosine", "min_learning_rate": 0.01, "steps": 8},
        after.CosineDecay(0.1, decay_steps=8, alpha=0.1),
    ),
    "step": (
        {"schedule": "step", "step_epochs": 1, "decay_factor": 0.5},
        after.ExponentialDecay(0.1, decay_steps=STEPS, decay_rate=0.5, staircase=True),
    ),
    "warm_up": ({"warmup_steps": 4}, WarmedUp(0.1, 4, lambda step: 0.1)),
    "warm_up_then_cosine": (
        {"schedule": "cosine", "warmup_steps": 3, "epochs": 1},
        WarmedUp(0.1, 3, after.CosineDecay(0.1, decay_steps=3)),
    ),
}


@pytest.mark.parametrize("name", with_variants(SCHEDULES, {*SCHEDULES} - {"warm_up_then_cosine"}))
def test_a_schedule_is_that_of_fit(name):
    """With a decay of the weights, which follows the schedule too."""
    fields, schedule = SCHEDULES[name]
    recipe = Recipe(learning_rate=0.1, weight_decay=0.1, **fields)
    held_to_fit(recipe, NUMBERS, "mse", of.Adam(schedule, weight_decay=0.1))


# Keras's own callback reads TensorFlow variables the way NumPy 2 warns about.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("fields", "schedule"),
    [
        ({"schedule": "step", "step_epochs": 2, "decay_factor": 0.5}, "step"),
        ({"schedule": "plateau", "plateau_epochs": 2, "decay_factor": 0.5, "min_learning_rate": 0.3}, "plateau"),
    ],
)
def test_a_schedule_over_epochs_is_that_of_fit(fields, schedule):
    """A learning rate that is too high: the validation loss goes up and down, and a plateau is seen in it."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.9, epochs=9, **fields)
    splits, per_epoch = splits_of(NUMBERS), WINDOWS // BATCH
    order = np.arange(WINDOWS, dtype=np.int32).reshape(per_epoch, BATCH)
    program = make_program(BACKEND, Linear(), recipe, splits)
    program.reset(program.fresh_weights(7), 7)

    network = Linear().build(NUMBERS)
    network.set_weights(program.fresh_weights(7))
    rate, callbacks = 0.9, []
    if schedule == "plateau":
        callbacks = [keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5, min_lr=0.3, min_delta=0.0)]
    else:
        rate = after.ExponentialDecay(0.9, decay_steps=2 * per_epoch, decay_rate=0.5, staircase=True)
    network.compile(loss="mse", optimizer=of.SGD(rate))
    history = network.fit(
        splits.train.x, splits.train.y, batch_size=BATCH, epochs=9, shuffle=False, verbose=0, callbacks=callbacks,
        validation_data=(splits.valid.x, splits.valid.y),
    ).history  # fmt: skip

    losses, watched, used = [], [], []
    for epoch in range(9):
        rates = learning_rates(recipe, epoch, per_epoch, watched)
        losses.append(program.train(order, rates=rates))
        watched.append(float(np.mean((program.forecast(splits.valid.x) - splits.valid.y) ** 2)))
        used.append(float(rates[0]))
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-4)
    np.testing.assert_allclose(watched, history["val_loss"], rtol=1e-4)
    assert len(set(used)) > 2
    if schedule == "plateau":
        np.testing.assert_allclose(used, history["learning_rate"], rtol=1e-6)


MASKED_LOSSES = {
    "mse": (EVERY, Recipe(loss="mse"), keras.losses.MeanSquaredError),
    "huber": (EVERY, Recipe(loss="huber"), keras.losses.Huber),
    "last_step": (NUMBERS, Recipe(loss="mae"), keras.losses.MeanAbsoluteError),
    "four_classes": (
        FOUR,
        Recipe(loss="sparse_categorical_crossentropy"),
        keras.losses.SparseCategoricalCrossentropy,
    ),
}


@pytest.mark.parametrize("name", with_variants(MASKED_LOSSES, {*MASKED_LOSSES} - {"four_classes"}))
def test_a_mask_is_that_of_fits_sample_weights(name):
    task, recipe, loss = MASKED_LOSSES[name]
    masked = replace(task, masked=True)
    held_to_fit(recipe, masked, loss(reduction="mean_with_sample_weight"), keras.optimizers.Adam(0.001))


# Known answers in plain NumPy


def loss_of(recipe: Recipe, y: np.ndarray, forecast: np.ndarray, mask: np.ndarray | None = None) -> float:
    return float(batch_loss(recipe)(y.astype(np.float32), forecast.astype(np.float32), mask))


def test_known_answers_of_the_pinball_and_the_huber_loss():
    y, forecast = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 4.0], [3.5, 1.0]])  # errors 1, -2, -0.5, 3
    assert loss_of(Recipe(loss="quantile", quantile=0.75), y, forecast) == pytest.approx(
        (0.75 + 0.5 + 0.125 + 2.25) / 4
    )
    assert loss_of(Recipe(loss="quantile"), y, forecast) == pytest.approx((1 + 2 + 0.5 + 3) / 8)
    assert loss_of(Recipe(loss="huber"), y, forecast) == pytest.approx((0.5 + 1.5 + 0.125 + 2.5) / 4)
    wide = loss_of(Recipe(loss="huber", huber_delta=2.0), y, forecast)
    assert wide == pytest.approx((0.5 + 2 + 0.125 + 2 * (3 - 1)) / 4)


def test_a_masked_loss_counts_what_is_there_alone():
    rng = np.random.default_rng(0)
    y, forecast, mask = rng.normal(size=(4, 5, 3, 2)), rng.normal(size=(4, 5, 3, 2)), rng.random((4, 5)) < 0.5
    squared = ((y - forecast) ** 2).mean(axis=(2, 3))
    assert loss_of(Recipe(), y, forecast, mask) == pytest.approx(squared[mask].mean(), rel=1e-5)
    labels, share = (rng.random((4, 5)) < 0.5), rng.uniform(0.1, 0.9, size=(4, 5))
    entropy = -np.log(np.where(labels, share, 1 - share))
    masked = loss_of(Recipe(loss="binary_crossentropy"), labels, share, mask)
    assert masked == pytest.approx(entropy[mask].mean(), rel=1e-5)
    last = loss_of(Recipe(loss="binary_crossentropy"), labels[:, 0], share[:, 0], mask[:, 0])
    assert last == pytest.approx(entropy[:, 0][mask[:, 0]].mean(), rel=1e-5)
    assert loss_of(Recipe(), y, forecast, np.zeros((4, 5), bool)) == 0.0
