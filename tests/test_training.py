"""The run's loop on a fake program: what is chosen, what is touched when, and where the time goes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.metrics.base import REAL, metric, metrics
from bench.models.base import Network, Predictor
from bench.models.naive import Naive
from bench.recipe import Recipe
from bench.record import score_of
from bench.task import Split, Splits, TargetKind, Task
from bench.training import Clock, Diverged, predict, train
from tests.fakes import fake_record

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

    def reset(self, weights, model_seed):
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
    assert score_of(outcome.scores, "mse", "valid", "last") == pytest.approx(4.0)
    assert score_of(outcome.scores, "mse", "valid", "best") == pytest.approx(0.01, rel=1e-5)
    assert score_of(outcome.scores, "mse", "test", "last") == pytest.approx(1.0)
    assert score_of(outcome.scores, "mse", "test", "best") == pytest.approx(1.21, rel=1e-5)
    assert {score.split for score in outcome.scores} == {"valid", "test", "further"}
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


class Noting(FakeProgram):
    """Keeps how many steps each epoch takes and at which rates."""

    def __init__(self, script):
        super().__init__(script)
        self.taken = []

    def train(self, order, steps=None, rates=None):
        self.taken.append((steps, None if rates is None else rates.tolist()))
        return super().train(order, steps)


def test_a_budget_of_steps_ends_within_an_epoch_of_the_same_shape():
    program, told = Noting([0.5, 0.9, 0.8]), []
    outcome = train(FakeNetwork(), Recipe(steps=5), SPLITS, program, 7, lambda *e: told.append(e))
    assert program.taken == [(2, None), (2, None), (1, None)]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert outcome.best_epoch == 2


def test_a_plateau_is_seen_in_the_validation_value_that_chooses_the_epoch():
    recipe = Recipe(learning_rate=0.5, epochs=4, schedule="plateau", plateau_epochs=1, decay_factor=0.5)
    program = Noting([0.5, 0.9, 0.8, 0.9])
    train(FakeNetwork(), recipe, SPLITS, program, 7)
    assert program.taken == [(2, [0.5] * 2), (2, [0.5] * 2), (2, [0.5] * 2), (2, [0.25] * 2)]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_or_a_forecast_that_is_not_finite_is_a_divergence(bad):
    with pytest.raises(Diverged, match="epoch 2") as raised:
        train(FakeNetwork(), Recipe(epochs=2), SPLITS, FakeProgram([0.0, 0.0], [0.1, bad]), 7)
    assert raised.value.curve.train_loss == [0.1]
    assert raised.value.curve.valid["mse"] == [1.0]
    with pytest.raises(Diverged, match="forecast"):
        train(FakeNetwork(), Recipe(epochs=1), SPLITS, FakeProgram([bad]), 7)


class Gaps(Predictor):
    """Forecasts one value, and others in some windows of a split of so many."""

    value: float = 0.0
    windows: int = 0

    def fit(self, train, task):
        def forecast(x):
            made = np.full((len(x), 1), 0.0)
            if len(x) == self.windows:
                made[[5, 9]] = self.value
            return made

        return forecast


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_a_predictor_whose_forecast_is_not_finite_has_diverged_and_says_where(bad):
    splits = replace(SPLITS, test=split(1.0, windows=48))
    with pytest.raises(Diverged) as raised:
        predict(Gaps(value=bad, windows=48), splits)
    said = "the forecast of test is not finite in 2 of 48 windows, the first 5 (counted from 0)"
    assert str(raised.value) == said


def test_a_run_whose_ranking_score_is_no_number_has_diverged():
    """Finite forecasts, whose squared errors leave float64."""
    splits = replace(SPLITS, test=split(1.0, windows=48))
    with np.errstate(over="ignore"), pytest.raises(Diverged, match=r"^the MSE on test is inf$"):
        predict(Gaps(value=1e200, windows=48), splits)


@pytest.mark.parametrize(("monitor", "best"), [("", 2), ("accuracy", 3)])
def test_the_best_epoch_is_the_one_that_the_tasks_monitor_chooses(monitor, best):
    """Epoch 2 has the least cross entropy, epoch 3 the highest accuracy: more is better there."""
    task = Task("labels", TargetKind.LABEL, 3, monitor=monitor)
    y = np.array([1, 1, 0, 0] * 16, np.float32)
    part = Split(task, np.zeros((64, 3, 1), np.float32), y)
    wrong = np.where(y > 0, 0.49, 0.51)
    script = [np.where(y > 0, 0.02, 0.98), wrong, np.where(np.arange(64) < 50, y, 1 - y)]
    program = FakeProgram([0, 1, 2])
    program.forecast = lambda x: np.asarray(script[int(program.weight)], np.float32)
    outcome = train(FakeNetwork(), Recipe(epochs=3), Splits(part, part, part), program, 7)
    assert outcome.best_epoch == best


def test_an_epoch_without_a_number_is_never_the_best():
    @metric("sometimes", *REAL, opt_in=True, per_epoch=True)
    def sometimes(pair):
        """No number for a forecast of 5."""
        error = float(np.mean(np.abs(pair.forecast - pair.truth)))
        return math.nan if error == 4.0 else error

    task = Task("t", TargetKind.LAST_STEP, 3, 1, monitor="sometimes")
    parts = [Split(task, np.zeros((n, 3, 1), np.float32), np.ones((n, 1), np.float32)) for n in (70, 4, 4)]
    try:
        outcome = train(FakeNetwork(), Recipe(epochs=3), Splits(*parts), FakeProgram([5.0, 1.5, 2.5]), 7)
    finally:
        metrics.remove("sometimes")
    assert outcome.best_epoch == 2


def test_a_metric_that_is_named_is_computed_every_epoch_too():
    @metric("bias", *REAL, opt_in=True, per_epoch=True)
    def bias(pair):
        """Mean error."""
        return float(np.mean(pair.forecast - pair.truth))

    try:
        recipe, program = Recipe(epochs=2), FakeProgram([1.5, 0.0])
        outcome = train(FakeNetwork(), recipe, SPLITS, program, 7, named=("bias",))
        assert outcome.curve.valid["bias"] == [0.5, -1.0]
        assert score_of(outcome.scores, "bias", "test") == -2.0
        assert "bias" not in train(FakeNetwork(), recipe, SPLITS, FakeProgram([0.0, 0.0]), 7).curve.valid
    finally:
        metrics.remove("bias")


def test_throughput_leaves_out_the_epoch_that_a_budget_of_steps_cut_short():
    record = fake_record("fake/rnn", epochs=3)

    def speed(steps, train_windows, *epoch_s):
        recipe = Recipe(steps=steps)
        spec = record.spec.model_copy(update={"recipe": recipe})
        timing = record.timing.model_copy(update={"epoch_s": list(epoch_s)})
        changes = {"spec": spec, "timing": timing, "train_windows": train_windows}
        return record.model_copy(update=changes).windows_per_s

    assert speed(25, 320, 1.0, 0.5, 0.1) == 640, "two epochs of ten steps, and five steps"
    assert speed(20, 320, 1.0, 0.5) == 640
    assert speed(4, 128, 0.5) == 256, "no whole epoch: what was taken"
    outcome = train(FakeNetwork(), Recipe(steps=1), SPLITS, FakeProgram([0.0]), 7)
    assert outcome.train_windows == 32


def test_a_predictor_is_scored_on_every_split():
    outcome = predict(Naive(), SPLITS)
    mse = {s.split: s.value for s in outcome.scores if s.metric == "mse" and s.weights == "last"}
    assert mse == {"valid": 1.0, "test": 4.0, "further": 9.0}
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
