"""Adding, copy memory and selective copying: what is drawn, its targets, and what no memory gives."""

import numpy as np
import pytest

from bench.datasets.adding import Adding
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


def test_a_further_training_window_leaves_valid_and_test_as_they_are():
    one, other = (Adding(steps=6, train_windows=n, test_windows=9).load(2) for n in (10, 11))
    np.testing.assert_array_equal(one.test.x, other.test.x)
    np.testing.assert_array_equal(one.valid.y, other.valid.y)
    assert not np.array_equal(one.valid.x[:9], one.test.x)
