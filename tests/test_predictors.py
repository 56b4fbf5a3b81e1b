from functools import cache

import numpy as np
import pytest

from bench.datasets.base import datasets
from bench.datasets.reber import Reber, ReberExercise
from bench.extras import is_there
from bench.metrics.base import applicable, evaluate, scored
from bench.models.base import Forecast, Predictor, models
from bench.models.least_squares import IteratedLeastSquares, LeastSquares
from bench.models.naive import Naive, NaiveLeaky
from bench.models.string_predictors import Bigram, LengthOnly, Majority
from bench.task import Split, Splits, Target, TargetKind, Task

STRING_PREDICTORS = [Majority, LengthOnly, Bigram]


@cache
def loaded(name: str) -> Splits:
    return datasets.get(name)().load(42)


@cache
def fitted(dataset: str, predictor: Predictor) -> Forecast:
    """A predictor fitted on a data set's training windows: once, since it takes seconds at every step."""
    train = loaded(dataset).train
    return predictor.fit(train, loaded(dataset).valid.task)


@cache
def score(dataset: str, predictor: Predictor, part: str = "valid") -> dict:
    splits = loaded(dataset)
    split = splits.evaluated()[part]
    if predictor.leaks_target:
        forecast = predictor.fit_leaking(splits.train, split.task)(split)
    else:
        forecast = fitted(dataset, predictor)(split.x)
    found: dict = {}
    for name, axis, index, value in evaluate(scored(split, forecast, predictor.positions(split.task))):
        found.setdefault(name, {})[axis, index] = value
    return {name: values.get(("", ""), values) for name, values in found.items()}


def numeric(y: list, target: TargetKind, x: np.ndarray | None = None, horizon: int = 1) -> Split:
    y = np.array(y, dtype=np.float32)
    x = np.zeros((len(y), 4, 1), dtype=np.float32) if x is None else x.astype(np.float32)
    return Split(Task("t", target, x.shape[1], x.shape[2], horizon), x, y)


def words(*texts: str, y: list[int]) -> Split:
    x = np.zeros((len(texts), 5, 3), dtype=np.float32)
    for row, text in enumerate(texts):
        for at, letter in enumerate(text):
            x[row, at, "abc".index(letter)] = 1
    return Split(Task("words", TargetKind.LABEL, 5, 3), x, np.array(y, dtype=np.float32))


# Values that the chapter prints, or that its data fix


@pytest.mark.parametrize(
    ("dataset", "predictor", "valid_mse"),
    [
        ("waves_next_step", Naive(), 0.020211367),
        ("waves_ten_steps", Naive(), 0.256974),
        ("waves_ten_steps", NaiveLeaky(), 0.22278848),
        ("waves_next_step", LeastSquares(), 0.0029311465),
        ("waves_ten_steps", LeastSquares(), 0.0154882844),
    ],
)
def test_validation_mse_to_a_millionth(dataset, predictor, valid_mse):
    assert score(dataset, predictor)["mse"] == pytest.approx(valid_mse, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("dataset", "predictor", "metric", "printed"),
    [
        ("waves_every_step", LeastSquares(), "mse", "0.0294"),
        ("waves_every_step", LeastSquares(), "mse_odd_positions", "0.0267"),
        ("waves_iterated_across_grids", IteratedLeastSquares(), "mse", "0.0496"),
        ("waves_iterated_one_grid", IteratedLeastSquares(), "mse", "0.0157"),
    ],
)
def test_values_of_the_design_to_four_digits(dataset, predictor, metric, printed):
    assert f"{score(dataset, predictor)[metric]:.4f}" == printed


@pytest.mark.parametrize("predictor", [Naive(), LeastSquares()])
def test_every_step_at_the_last_position_is_the_ten_step_forecast(predictor):
    every, ten = score("waves_every_step", predictor), score("waves_ten_steps", predictor)
    assert every["last_time_step_mse"] == pytest.approx(ten["mse"], rel=1e-9)
    assert every["mse_per_step"] == pytest.approx(ten["mse_per_step"], rel=1e-9)


# Behaviour on small known data


def test_naive_repeats_the_last_value_or_each_positions_own():
    x = np.arange(8.0).reshape(2, 4, 1)
    last = numeric([[0] * 3] * 2, TargetKind.LAST_STEP, x, horizon=3)
    every = numeric([[[0] * 2] * 4] * 2, TargetKind.EVERY_STEP, x, horizon=2)
    assert Naive().fit(last, last.task)(last.x).tolist() == [[3, 3, 3], [7, 7, 7]]
    assert Naive().fit(every, every.task)(every.x)[1].tolist() == [[4, 4], [5, 5], [6, 6], [7, 7]]


def test_naive_leaky_repeats_the_last_target_and_says_that_it_leaks_its_target():
    split = numeric([[1, 2, 3], [4, 5, 6]], TargetKind.LAST_STEP, horizon=3)
    assert NaiveLeaky().fit_leaking(split, split.task)(split).tolist() == [[3, 3, 3], [6, 6, 6]]
    assert {name for name in models.names() if models.get(name).leaks_target} == {
        *("channel_least_squares_peeking", "naive_leaky")
    }


def test_least_squares_recovers_a_linear_law_with_its_intercept():
    x = np.random.default_rng(0).normal(size=(60, 4, 2))
    y = (x[:, 1, 0] - 2 * x[:, 3, 1] + 5)[:, None]
    split = numeric(y.tolist(), TargetKind.LAST_STEP, x)
    forecast = LeastSquares().fit(split, split.task)(split.x)
    assert forecast.dtype == np.float64
    np.testing.assert_allclose(forecast, y, atol=1e-5)


def test_least_squares_on_every_step_is_causal():
    forecast = fitted("waves_every_step", LeastSquares())
    x = loaded("waves_every_step").valid.x[:3].copy()
    before = forecast(x)
    x[:, 20:] += 1
    after = forecast(x)
    np.testing.assert_array_equal(before[:, :20], after[:, :20])
    assert (before[:, 20:] != after[:, 20:]).any(axis=-1).all()


def test_iterated_least_squares_follows_a_recurrence():
    rows = np.random.default_rng(0).normal(size=(50, 6))
    for step in range(2, 6):
        rows[:, step] = 0.5 * rows[:, step - 1] - 0.25 * rows[:, step - 2] + 0.1
    train = numeric(rows[:, 2:3].tolist(), TargetKind.LAST_STEP, rows[:, :2, None])
    asked = Task("four", TargetKind.LAST_STEP, 2, 1, horizon=4)
    forecast = IteratedLeastSquares().fit(train, asked)(rows[:, :2, None].astype(np.float32))
    np.testing.assert_allclose(forecast, rows[:, 2:], atol=1e-5)


def test_string_predictors_on_a_handful_of_words():
    train = words("ab", "abab", "ba", "aa", "bb", y=[1, 1, 0, 0, 0])
    asked = words("ab", "ababa", "aab", "c", y=[1, 0, 0, 0])
    assert Majority().fit(train, train.task)(asked.x) == pytest.approx([0.4] * 4)
    # lengths 2 and 4 were seen, with shares 1/4 and 1; others get the share over all strings
    assert LengthOnly().fit(train, train.task)(asked.x) == pytest.approx([0.25, 0.4, 0.4, 0.4])
    # "ababa" ends in a, "aab" has aa, "c" starts with c: no valid training string does
    assert Bigram().fit(train, train.task)(asked.x) == pytest.approx([1, 0, 0, 0])


@pytest.mark.parametrize("dataset", [ReberExercise, Reber])
@pytest.mark.parametrize("predictor", STRING_PREDICTORS)
def test_string_baselines_call_every_outer_fault_valid(dataset, predictor):
    assert score(dataset.name, predictor(), "outer_only")["accuracy"] == 0


@pytest.mark.parametrize("dataset", [ReberExercise, Reber])
def test_neither_the_majority_nor_the_length_tells_anything(dataset):
    for predictor in (Majority(), LengthOnly()):
        for part in ("valid", "test"):
            assert score(dataset.name, predictor, part)["accuracy"] == 0.5


def test_bigrams_find_most_random_corruptions_and_no_false_ones():
    result = score("reber_exercise", Bigram(), "test")
    assert 0.85 < result["accuracy"] < 0.95
    assert result["accuracy_by_group"]["corrupted_position", "-1"] == 1
    assert score("reber", Bigram(), "test")["accuracy"] < 0.8


# Contracts of every registered predictor


PAIR = (Target("load", "MW"), Target("price", "EUR"))
TASKS = {
    "label": Task("label", TargetKind.LABEL, 5, 3),
    "classes": Task("classes", TargetKind.LABEL, 5, 3, classes=4),
    "labels": Task("labels", TargetKind.LABEL_EVERY_STEP, 5, 3),
    "every": Task("every", TargetKind.EVERY_STEP, 4),
    "last": Task("last", TargetKind.LAST_STEP, 4),
    "many": Task("many", TargetKind.LAST_STEP, 4, 2, horizon=3),
    "pair": Task("pair", TargetKind.LAST_STEP, 4, 2, horizon=3, targets=PAIR),
    "named": Task("named", TargetKind.EVERY_STEP, 4, 2, 3, feature_names=("price", "load"), targets=PAIR),
    "weekly": Task("weekly", TargetKind.LAST_STEP, 8, 2, horizon=3, season=7),
    "fortnight": Task("fortnight", TargetKind.LAST_STEP, 14, 2, horizon=3, season=7),
    "ids": Task("ids", TargetKind.LAST_STEP, 4, vocabulary=9),
    "tags": Task("tags", TargetKind.LABEL_EVERY_STEP, 5, 3, classes=4),
}
REAL = {"every", "last", "many", "named", "weekly", "fortnight"}


def lacks(module: str) -> str:
    """Why what needs a module is not tried; empty where it is installed."""
    return f"{module} is not installed" if module and not is_there(module) else ""


SUPPORTED = {
    "naive": REAL,
    "naive_leaky": {"last", "many", "pair", "weekly", "fortnight", "ids"},
    "seasonal_naive": {"weekly", "fortnight"},
    "drift": REAL,
    "constant": {*REAL, "pair", "ids"},
    "ridge": {*REAL, "pair"},
    "least_squares": {*REAL, "pair"},
    "iterated_least_squares": {"last"},
    "channel_least_squares": {"last", "many", "weekly", "fortnight"},
    "channel_least_squares_peeking": {"last", "many", "weekly", "fortnight"},
    "boosted_lags": REAL,
    "auto_ets": {"fortnight"},
    "auto_theta": {"fortnight"},
    "auto_arima": {"fortnight"},
    "wave_oracle": {"last"},
    "majority": {"label"},
    "length_only": {"label"},
    "bigram": {"label"},
    "position_shares": {"tags"},
}


NEEDING = [
    pytest.param(name, marks=pytest.mark.skipif(bool(lacks(needed)), reason=lacks(needed)))
    for name in models.names()
    if not models.get(name).trained
    for needed in [models.get(name).module]
]


@pytest.mark.parametrize("name", NEEDING)
def test_a_predictor_says_in_one_line_which_task_it_cannot_forecast(name):
    predictor = models.get(name)()
    found = {key: predictor.supports(task) for key, task in TASKS.items()}
    assert {key for key, support in found.items() if support} == SUPPORTED[name]
    for key, support in found.items():
        assert bool(support) is not bool(support.reason)
        assert support or (repr(key) in support.reason and repr(name) in support.reason and "\n" not in support.reason)


@pytest.mark.parametrize("name", [each for each in NEEDING if not models.get(each.values[0]).leaks_target])
def test_a_predictor_forecasts_every_task_that_it_supports_in_its_shape(name):
    rng = np.random.default_rng(0)
    for key in SUPPORTED[name]:
        task = TASKS[key]
        y = rng.normal(size=task.target_shape(30)).astype(np.float32)
        x = rng.normal(size=task.input_shape(30)).astype(np.float32)
        split = Split(task, x, (y > 0).astype(np.float32) if task.target.is_class else y)
        there = y[:, models.get(name)().positions(task)] if task.target.every_position else y
        scores = (task.classes,) if task.classes > 2 else ()
        assert models.get(name)().fit(split, task)(split.x).shape == (*there.shape, *scores)


def test_naive_repeats_the_feature_of_each_targets_name():
    task = TASKS["named"]
    x = np.arange(16.0).reshape(2, 4, 2).astype(np.float32)
    split = Split(task, x, np.zeros((2, 4, 3, 2), np.float32))
    forecast = Naive().fit(split, task)(x)
    np.testing.assert_array_equal(forecast, np.repeat(x[:, :, np.newaxis, ::-1], 3, axis=2))


def test_least_squares_fits_only_what_a_mask_leaves():
    rng = np.random.default_rng(0)
    for target in (TargetKind.LAST_STEP, TargetKind.EVERY_STEP):
        task = Task("masked", target, 4, 1, masked=True)
        x = rng.normal(size=(60, 4, 1)).astype(np.float32)
        y = 2 * (x[:, -1] if target is TargetKind.LAST_STEP else x) + 1
        mask = rng.random(task.mask_shape(60)) < 0.5
        spoilt = np.where(mask[..., np.newaxis], y, 99).astype(np.float32)
        forecast = LeastSquares().fit(Split(task, x, spoilt, mask=mask), task)(x)
        np.testing.assert_allclose(forecast, y, atol=1e-4)


def test_what_is_fitted_on_another_task_is_refused_or_iterated():
    splits = loaded("waves_iterated_one_grid")
    asked, taught = splits.valid.task, splits.train.task
    assert "next_step_of_60" in LeastSquares().supports(asked, taught).reason
    assert IteratedLeastSquares().supports(asked, taught)
    assert "ten_steps" in IteratedLeastSquares().supports(asked).reason


def test_all_metrics_that_apply_are_finite_on_the_waves():
    result = score("waves_every_step", Naive())
    task = datasets.get("waves_every_step")().task()
    assert {each.name for each in applicable(task)} - {"mse_per_target"} == set(result)
    assert all(
        np.isfinite(list(value.values()) if isinstance(value, dict) else value).all() for value in result.values()
    )
