"""The run's loop on a fake program: what is chosen, what is touched when, and where the time goes."""

import math

import numpy as np
import pytest

from bench.models.base import Network
from bench.models.naive import Naive
from bench.recipe import Recipe
from bench.task import Split, Splits, TargetKind, Task
from bench.training import Clock, Diverged, predict, train

TASK = Task("t", TargetKind.LAST_STEP, 3, 1)


def split(value, windows=4):
    return Split(TASK, np.zeros((windows, 3, 1), np.float32), np.full((windows, 1), value, np.float32))


SPLITS = Splits(split(0.0, 70), split(1.0), split(2.0), {"further": split(3.0, 2)})


class FakeNetwork(Network):
    name = "fake"


class FakeProgram:
    """Forecasts one weight; each epoch puts the next scripted weight in its place."""

    build_s = 0.0
    compile_s = 0.0
    parameters = 1

    def __init__(self, script, losses=None):
        self.script, self.losses = script, losses or [0.5] * len(script)
        self.weight, self.epoch, self.forecast_of = 0.0, 0, []

    def fresh_weights(self, seed):
        return [np.float32(seed)]

    def reset(self, weights):
        self.weight, self.epoch = float(weights[0]), 0

    def weights(self):
        return [np.float32(self.weight)]

    def load(self, weights):
        self.weight = float(weights[0])

    def train(self, order, steps=None):
        assert order.shape == (2, 32)
        self.weight = self.script[self.epoch]
        self.epoch += 1
        return self.losses[self.epoch - 1]

    def forecast(self, x):
        self.forecast_of.append(len(x))
        return np.full((len(x), 1), self.weight, np.float32)


def test_last_and_best_are_kept_apart_and_test_is_touched_at_the_end():
    program = FakeProgram([0.0, 0.9, 3.0])
    told = []
    outcome = train(FakeNetwork(), Recipe(epochs=3), SPLITS, program, 7, lambda *e: told.append(e))
    assert outcome.best_epoch == 2
    assert outcome.scores_last["valid"]["mse"] == pytest.approx(4.0)
    assert outcome.scores_best["valid"]["mse"] == pytest.approx(0.01, rel=1e-5)
    assert outcome.scores_last["test"]["mse"] == pytest.approx(1.0)
    assert outcome.scores_best["test"]["mse"] == pytest.approx(1.21, rel=1e-5)
    assert set(outcome.scores_last) == {"valid", "test", "further"}
    np.testing.assert_allclose(outcome.curve.valid["mse"], [1.0, 0.01, 4.0], rtol=1e-5)
    assert program.forecast_of == [4, 4, 4] + [4, 4, 2] * 2  # every epoch validation; then all, for last and best
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert outcome.train_windows == 64
    assert len(outcome.timing.epoch_s) == 3


def test_early_stopping_counts_epochs_without_a_better_one():
    recipe = Recipe(epochs=9, early_stopping_epochs=2)
    outcome = train(FakeNetwork(), recipe, SPLITS, FakeProgram([0.5, 0.9, 0.8, 0.7, 1.0]), 7)
    assert len(outcome.curve.train_loss) == 4
    assert outcome.best_epoch == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_or_a_forecast_that_is_not_finite_is_a_divergence(bad):
    with pytest.raises(Diverged, match="epoch 2") as raised:
        train(FakeNetwork(), Recipe(epochs=2), SPLITS, FakeProgram([0.0, 0.0], [0.1, bad]), 7)
    assert raised.value.curve.train_loss == [0.1]
    assert raised.value.curve.valid["mse"] == [1.0]
    with pytest.raises(Diverged, match="forecast"):
        train(FakeNetwork(), Recipe(epochs=1), SPLITS, FakeProgram([bad]), 7)


def test_a_predictor_is_scored_on_every_split():
    outcome = predict(Naive(), SPLITS)
    assert {name: s["mse"] for name, s in outcome.scores_last.items()} == {"valid": 1.0, "test": 4.0, "further": 9.0}
    assert outcome.best_epoch is None
    assert outcome.sample.forecast == [[0.0]] * 4


def test_a_clock_accounts_for_all_of_its_time():
    ticks = iter([0.0, 1.0, 3.0, 3.0, 7.0, 10.0])
    clock = Clock(lambda: next(ticks))
    clock.time("train_s", lambda: None)
    clock.time("evaluate_s", lambda: None)
    clock.move("train_s", "compile_s", 0.5)
    account = clock.account()
    assert account == {"train_s": 1.5, "compile_s": 0.5, "evaluate_s": 4.0, "other_s": 4.0, "total_s": 10.0}
    assert sum(v for k, v in account.items() if k != "total_s") == account["total_s"]
