"""Adding, copy memory and selective copying: what is drawn, its targets, and what no memory gives."""

import numpy as np
import pytest
from pydantic import ValidationError

from bench.contract import hold_dataset
from bench.datasets.adding import Adding
from bench.datasets.copying import CopyMemory, SelectiveCopying
from bench.metrics.base import evaluate, scored


def metric(split, forecast, name):
    (value,) = (v for n, axis, _, v in evaluate(scored(split, forecast, slice(None))) if (n, axis) == (name, ""))
    return value


def test_adding_sums_two_marked_numbers_at_evenly_drawn_steps():
    data = Adding(steps=5, train_windows=20_000)
    train = data.load(3).train
    number, mark = train.x[..., 0], train.x[..., 1]
    assert set(np.unique(mark)) == {0, 1}
    np.testing.assert_array_equal(mark.sum(axis=1), 2)
    np.testing.assert_allclose(train.y[:, 0], (number * mark).sum(axis=1), rtol=1e-6)
    assert ((number >= 0) & (number < 1)).all()
    assert np.corrcoef(number[:, 0], number[:, 1])[0, 1] == pytest.approx(0, abs=0.03)
    pairs, counts = np.unique(mark, axis=0, return_counts=True)
    assert len(pairs) == 10
    np.testing.assert_allclose(counts / 20_000, 0.1, atol=0.01)


def test_a_constant_gives_addings_chance_and_the_truth_solves_it():
    data = Adding(steps=4, test_windows=50_000, train_windows=1)
    test = data.load(1).test
    for name, value in data.chance.items():
        assert metric(test, np.ones_like(test.y), name) == pytest.approx(value, rel=0.02)
    assert metric(test, test.y, "mse") == 0 < data.solved["mse"]


def test_a_threshold_that_chance_meets_is_caught(monkeypatch):
    data = Adding(steps=4, train_windows=20, valid_windows=20, test_windows=20)
    hold_dataset(data)
    monkeypatch.setattr(Adding, "solved", property(lambda _: {"mse": 0.2}))
    with pytest.raises(AssertionError, match="chance solves it"):
        hold_dataset(data)


def test_a_further_training_window_leaves_valid_and_test_as_they_are():
    one, other = (Adding(steps=6, train_windows=n, test_windows=9).load(2) for n in (10, 11))
    np.testing.assert_array_equal(one.test.x, other.test.x)
    np.testing.assert_array_equal(one.valid.y, other.valid.y)
    assert not np.array_equal(one.valid.x[:9], one.test.x)


def test_copy_memory_is_the_sources_layout():
    splits = CopyMemory(steps=4, train_windows=3_000, token_ids=True).load(1)
    x, y = splits.train.x, splits.train.y
    assert x.shape == y.shape == (3_000, 24)
    np.testing.assert_array_equal(x[:, 10:13], 0)
    np.testing.assert_array_equal(x[:, 13:], 9)
    np.testing.assert_array_equal(y[:, :14], 0)
    np.testing.assert_array_equal(y[:, 14:], x[:, :10])
    np.testing.assert_allclose(np.bincount(x[:, :10].ravel()) / 30_000, [0, *[1 / 8] * 8], atol=0.01)
    assert splits.train.mask.all()
    assert [int(column) for column in splits.extra["copied"].mask.all(axis=0)] == [0] * 14 + [1] * 10
    real = CopyMemory(steps=4, train_windows=3_000).load(1).train
    np.testing.assert_array_equal(real.x[..., 0], x)
    assert real.x.dtype == np.float32


def test_zeros_then_any_digit_give_copy_memorys_chance():
    """The source's floors at its three lengths, and all of it in a forecast."""
    floors = [CopyMemory(steps=steps).chance["cross_entropy"] for steps in (500, 1_000, 2_000)]
    np.testing.assert_allclose(floors, [0.03999, 0.02039, 0.01029], atol=5e-6)
    data = CopyMemory(steps=30, test_windows=4_000, train_windows=1)
    splits = data.load(1)
    forecast = np.zeros((4_000, 50, 10))
    forecast[:, :40, 0] = 1
    forecast[:, 40:, 1:9] = 1 / 8
    for name, value in data.chance.items():
        assert metric(splits.test, forecast, name) == pytest.approx(value, rel=0.01)
    assert metric(splits.extra["copied"], forecast, "accuracy") == pytest.approx(1 / 8, abs=0.01)


def test_copy_memory_is_solved_where_one_digit_in_a_hundred_is_wrong():
    data = CopyMemory(steps=30, test_windows=100, train_windows=1)
    test = data.load(1).test
    answers = test.y.copy()
    answers[:10, -1] = answers[:10, -1] % 8 + 1
    assert metric(test, np.eye(10)[answers], "accuracy") == pytest.approx(data.solved["accuracy"])


def test_selective_copying_asks_for_the_tokens_among_blanks_in_order():
    data = SelectiveCopying(steps=6, copied=2, vocabulary=6, train_windows=15_000)
    train = data.load(1).train
    for window, answers in zip(train.x[:500], train.y[:500], strict=True):
        np.testing.assert_array_equal(window[6:], 5)
        np.testing.assert_array_equal(answers[6:], window[:6][window[:6] != 4])
    assert (train.mask == (np.arange(8) >= 6)).all()
    places, counts = np.unique(train.x[:, :6] != 4, axis=0, return_counts=True)
    assert len(places) == 15
    np.testing.assert_allclose(counts / 15_000, 1 / 15, atol=0.01)
    forecast = np.broadcast_to([0.25] * 4 + [0, 0], (15_000, 8, 6))
    for name, value in data.chance.items():
        assert metric(train, forecast, name) == pytest.approx(value, rel=0.03)


def test_more_tokens_than_steps_are_refused():
    with pytest.raises(ValidationError, match="9 tokens do not fit into 8 steps"):
        SelectiveCopying(steps=8, copied=9)
