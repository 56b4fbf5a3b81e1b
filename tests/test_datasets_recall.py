"""Associative recall and induction heads: answers read off the window, places as declared, and chance."""

import numpy as np
import pytest
from pydantic import ValidationError

from bench.datasets.recall import Induction, Recall
from bench.metrics.base import evaluate, scored


def test_recall_asks_each_key_once_for_the_value_that_stood_with_it():
    data = Recall(train_windows=2_000)
    train = data.load(1).train
    np.testing.assert_array_equal(train.mask.sum(axis=1), 4)
    for x, y, mask in zip(train.x[:500], train.y[:500], train.mask[:500], strict=True):
        pairs = dict(zip(x[:8:2].tolist(), x[1:8:2].tolist(), strict=True))
        assert len(pairs) == len({*pairs.values()}) == 4
        assert all(1 <= key < 128 <= value < 256 for key, value in pairs.items())
        asked = np.flatnonzero(mask)
        assert ((asked >= 8) & (asked % 2 == 0)).all()
        assert {int(x[at]): int(y[at]) for at in asked} == pairs
    for tokens in (train.x[:, :8:2], train.x[:, 1:8:2]):
        assert np.bincount(tokens.ravel() % 128, minlength=128)[1:].min() > 30, "63 expected, with a spread of 8"


def test_without_noise_a_key_stands_in_its_pair_and_where_it_asks_and_nowhere_else():
    with_noise, without = (Recall(noise=noise, train_windows=500).load(1).train for noise in (True, False))
    others = ~without.mask
    others[:, :8] = False
    assert not without.x[others].any()
    keys = without.x[:, :8:2, np.newaxis]
    assert ((without.x[:, np.newaxis] == keys).sum(axis=2) == 2).all()
    noise = ~with_noise.mask
    noise[:, :8] = False
    again = (noise[:, np.newaxis] & (with_noise.x[:, np.newaxis] == with_noise.x[:, :8:2, np.newaxis])).any(axis=(1, 2))
    assert again.mean() == pytest.approx(1 - (1 - 4 / 256) ** 52, abs=0.08), "as its docstring says of noise"


def test_keys_ask_at_gaps_by_the_power_law():
    """Of one pair the gap has the law itself; of two, the second is drawn from what the first left."""
    data = Recall(steps=10, pairs=1, power=0.5, train_windows=20_000)
    law = np.arange(1, 5) ** -0.5
    law /= law.sum()
    np.testing.assert_allclose(data.load(1).train.mask[:, 2::2].mean(axis=0), law, atol=0.015)
    two = Recall(steps=10, pairs=2, power=0.5, train_windows=20_000).load(1).train.mask[:, 4::2].mean(axis=0)
    law = np.arange(1, 4) ** -0.5
    law /= law.sum()
    left = [sum(law[i] * law[j] / (1 - law[i]) for i in range(3) if i != j) for j in range(3)]
    np.testing.assert_allclose(two, law + left, atol=0.015)


def test_induction_asks_for_the_token_behind_the_first_sign():
    splits = Induction(trained_lengths=(3, 8), test_lengths=(8, 16), vocabulary=5, train_windows=2_000).load(1)
    for split in (splits.train, splits.test):
        for x, y, mask, length in zip(split.x, split.y, split.mask, split.groups["length"], strict=True):
            string = x[:length]
            first, last = np.flatnonzero(string == 4)
            assert last == length - 1
            assert np.flatnonzero(mask).tolist() == [last]
            assert y[last] == string[first + 1] < 4
    assert {*splits.test.groups["length"]} == {8, 16}
    long = splits.train.x[splits.train.groups["length"] == 8]
    np.testing.assert_allclose((long[:, :6] == 4).mean(axis=0), 1 / 6, atol=0.08)
    assert Induction(train_windows=2).load(1).extra == {}, "test has the length of train"


@pytest.mark.parametrize(
    ("data", "likely"),
    [
        (Recall(vocabulary=32, test_windows=4_000, train_windows=1), range(16, 32)),
        (Induction(test_windows=10_000, train_windows=1), range(15)),
    ],
)
def test_any_answer_evenly_gives_chance(data, likely):
    test = data.load(1).test
    forecast = np.zeros((*test.y.shape, data.vocabulary), np.float32)
    forecast[..., likely] = 1 / len(likely)
    found = {name: v for name, axis, _, v in evaluate(scored(test, forecast, slice(None))) if not axis}
    assert found["accuracy"] == pytest.approx(data.chance["accuracy"], rel=0.1)
    assert found["cross_entropy"] == pytest.approx(data.chance["cross_entropy"])


@pytest.mark.parametrize(
    ("cls", "given", "said"),
    [
        (Recall, {"steps": 16, "pairs": 5}, "5 pairs and their questions need 20 steps"),
        (Recall, {"vocabulary": 8}, "a vocabulary of 8 has 3 keys"),
        (Induction, {"test_lengths": (2,)}, "no string has length 2; give one of 3, 4, 5"),
    ],
)
def test_what_does_not_fit_is_refused(cls, given, said):
    with pytest.raises(ValidationError, match=said):
        cls(**given)
