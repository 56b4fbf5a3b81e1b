"""Baselines of a forecaster, held to answers that were worked out apart."""

from dataclasses import replace

import numpy as np
import pytest

from bench.models.base import Network, models
from bench.models.forecasters import Drift, Ridge, SeasonalNaive
from bench.models.naive import Naive
from bench.task import Split, Target, TargetKind, Task
from tests.tables import made
from tests.views import EVERY, LAST, copied, splits_of_views

WEEK = Task("week", TargetKind.LAST_STEP, 9, horizon=10, season=7)
PAIR = replace(WEEK, features=3, feature_names=("a", "b", "c"), targets=(Target("c"), Target("a")))
X = np.arange(18, dtype=np.float32).reshape(2, 9, 1) ** 2


def forecast(model, task, x):
    return model.fit(Split(task, x, np.zeros(task.target_shape(len(x)), np.float32)), task)(x)


def test_seasonal_naive_repeats_the_last_season():
    wanted = X[:, [2, 3, 4, 5, 6, 7, 8, 2, 3, 4], 0]
    np.testing.assert_array_equal(forecast(SeasonalNaive(), WEEK, X), wanted)


def test_drift_is_the_line_through_first_and_last():
    first, last = X[:, 0], X[:, -1]
    np.testing.assert_allclose(forecast(Drift(), WEEK, X), last + (last - first) / 8 * np.arange(1, 11), rtol=1e-12)


@pytest.mark.parametrize("model", [SeasonalNaive(), Drift()], ids=lambda model: model.name)
def test_each_target_continues_the_feature_of_its_name(model):
    x = np.concatenate([X, X + 1, X * 3], axis=2)
    alone = forecast(model, WEEK, X)
    np.testing.assert_allclose(forecast(model, PAIR, x), np.stack([alone * 3, alone], axis=-1))


@pytest.mark.parametrize("model", [SeasonalNaive(), Drift(), Naive()], ids=lambda model: model.name)
def test_what_is_asked_at_every_position_is_forecast_at_the_last(model):
    every = replace(WEEK, target=TargetKind.EVERY_STEP)
    x = np.repeat(X, 2, axis=0)
    made_there = forecast(model, every, x)[:, model.positions(every)][:, -1:]
    np.testing.assert_array_equal(made_there[:, 0], forecast(model, WEEK, x))


def test_what_does_not_fit_says_so():
    assert "has none" in SeasonalNaive().supports(replace(WEEK, season=1)).reason
    assert "windows of a season, 7 steps" in SeasonalNaive().supports(replace(WEEK, input_length=6)).reason
    assert "has none called 'd'" in Drift().supports(replace(PAIR, targets=(Target("d"), Target("a")))).reason
    assert "is fitted on 'other'" in Ridge().supports(WEEK, replace(WEEK, name="other", horizon=3)).reason


def ridge_by_hand(x, y, penalty):
    """The solution of the penalised normal equations, with inputs and targets about their means."""
    flat, out = x.reshape(len(x), -1).astype(np.float64), y.reshape(len(y), -1).astype(np.float64)
    about, centre = flat - flat.mean(axis=0), out.mean(axis=0)
    gram = about.T @ about / len(x)
    eye = np.eye(len(gram)) * penalty * np.trace(gram) / len(gram)
    slopes = np.linalg.solve(gram + eye, about.T @ (out - centre) / len(x))
    return lambda new: (new.reshape(len(new), -1) - flat.mean(axis=0)) @ slopes + centre


NAMED = replace(LAST, feature_names=("a", "b", "c"))
OWN = {"a": [[0, 1, 2], [0, 2]], "b": [[0, 1, 2], [1, 2]], "value": [[0, 1, 2]]}
"""The features that each target may be forecast from: all, or its own past and what is no target."""


@pytest.mark.parametrize("task", [NAMED, EVERY], ids=lambda task: task.name)
def test_ridge_is_the_penalised_fit_that_validation_prefers_for_each_target(task):
    views = splits_of_views(task)
    model, features = Ridge(penalties=(1e-3, 0.1, 10.0)), OWN
    train, valid, test = (copied(split) for split in (views.train, views.valid, views.test))
    found = [
        model.fit_choosing(s.train, s.valid, task)(test.x) for s in (views, replace(views, train=train, valid=valid))
    ]
    for place, target in enumerate(task.targets):

        def answers(split, place=place):
            return split.y[:, -1] if task is EVERY else split.y[..., place]

        fits = [
            (columns, ridge_by_hand(train.x[..., columns], answers(train), penalty))
            for columns in features[target.name]
            for penalty in model.penalties
        ]
        errors = [np.mean((fit(valid.x[..., columns]) - answers(valid)) ** 2) for columns, fit in fits]
        columns, best = fits[int(np.argmin(errors))]
        for made_there in found:
            of_target = made_there[:, -1] if task is EVERY else made_there[..., place]
            np.testing.assert_allclose(of_target, best(test.x[..., columns]), rtol=1e-9, atol=1e-9)


def test_ridge_without_validation_takes_the_whole_window_and_the_first_penalty():
    train, test = (copied(split) for split in (splits_of_views(NAMED).train, splits_of_views(NAMED).test))
    expected = ridge_by_hand(train.x, train.y, 0.1)(test.x).reshape(test.y.shape)
    found = Ridge(penalties=(0.1, 1.0)).fit(train, NAMED)(test.x)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_ridge_leaves_out_what_a_mask_leaves_out():
    task = replace(LAST, masked=True)
    train = copied(splits_of_views(LAST).train)
    mask = np.arange(40) % 3 > 0
    with_mask = Split(task, train.x, np.where(mask[:, None, None], train.y, 1e6).astype(np.float32), mask=mask)
    expected = Ridge().fit(replace(train, x=train.x[mask], y=train.y[mask]), LAST)(train.x)
    np.testing.assert_allclose(Ridge().fit(with_mask, task)(train.x), expected, rtol=1e-9)


def test_ridge_keeps_its_digits_far_from_zero():
    """Values about a million that vary by one: sums of squares as they are would lose what varies."""
    rng = np.random.default_rng(0)
    x = (1_048_576 + rng.integers(-8, 8, (60, 4, 1))).astype(np.float32)
    task = replace(WEEK, input_length=4, horizon=1)
    train = Split(task, x, (x[:, 0] * 2 - x[:, 1]).astype(np.float32))
    np.testing.assert_allclose(Ridge(penalties=(1e-12,)).fit(train, task)(x), train.y, rtol=1e-10)


def test_a_general_model_has_a_size_of_its_own_and_fits_an_own_series():
    task = made(calendar=("weekday",), every_step=False).task()
    general = {name: models.get(name)() for name in models.names() if models.get(name).general}
    assert {"naive", "seasonal_naive", "drift", "ridge", "linear", "gru", "lstm", "wavenet"} <= set(general)
    for name, model in general.items():
        every = replace(task, target=TargetKind.EVERY_STEP)
        assert model.supports(task) or model.supports(every), name
        assert not model.leaks_target, name
    assert not any(isinstance(m, Network) and m.iterates for m in general.values())
