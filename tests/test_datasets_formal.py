"""Parity and modular arithmetic: values against Python's own, lengths, masks, and exact chance."""

from itertools import product

import numpy as np
import pytest
from pydantic import ValidationError

from bench.datasets.formal import ModularArithmetic, Parity, shares_of_values
from bench.listing import listing

FEW = {"train_windows": 300, "valid_windows": 50, "test_windows": 60}


def strings(split):
    """The tokens of each window up to the step that is asked for, and the answer there."""
    for x, y, length, mask in zip(split.x, split.y, split.groups["length"], split.mask, strict=True):
        assert mask[length - 1]
        yield x[:length], int(y[length - 1])


def test_parity_counts_ones_up_to_the_end_of_the_string():
    splits = Parity(**FEW).load(1)
    for split in (splits.train, *splits.evaluated().values()):
        assert split.x.shape == (len(split.x), 120)
        np.testing.assert_array_equal(split.mask.sum(axis=1), 1)
        for bits, answer in strings(split):
            assert answer == sum(map(int, bits)) % 2
    assert {*splits.train.groups["length"]} == {*range(3, 21)} >= {*splits.extra["trained_lengths"].groups["length"]}
    lengths, counts = np.unique(splits.test.groups["length"], return_counts=True)
    assert lengths.tolist() == [30, 40, 60, 80, 100, 120]
    assert counts.tolist() == [10] * 6


def test_arithmetic_is_pythons_own():
    splits = ModularArithmetic(**FEW).load(1)
    for split in (splits.train, splits.test):
        assert (split.groups["length"] % 2 == 1).all()
        for tokens, answer in strings(split):
            assert answer == eval("".join("01234+-*"[token] for token in tokens)) % 5
    assert splits.train.x.max() == 7


@pytest.mark.parametrize(("cls", "stride"), [(Parity, 1), (ModularArithmetic, 2)])
def test_train_alone_may_be_told_every_value_of_its_strings(cls, stride):
    plain, told = cls(**FEW).load(1), cls(every_step=True, **FEW).load(1)
    np.testing.assert_array_equal(told.train.x, plain.train.x)
    for name, split in plain.evaluated().items():
        np.testing.assert_array_equal(told.evaluated()[name].mask, split.mask)
    for length, mask in zip(told.train.groups["length"], told.train.mask, strict=True):
        assert np.flatnonzero(mask).tolist() == [*range(0, length, stride)]
    window, y = told.train.x[0], told.train.y[0]
    for end in np.flatnonzero(told.train.mask[0]):
        text = "".join("01234+-*"[token] for token in window[: end + 1])
        assert y[end] == (eval(text) % 5 if stride == 2 else text.count("1") % 2)


@pytest.mark.parametrize("modulus", [2, 3])
def test_shares_of_values_are_those_of_every_string(modulus):
    shares = shares_of_values(modulus, 3)
    for digits in (1, 2, 3):
        counts = np.zeros(modulus)
        for string in product(*([range(modulus), "+-*"] * digits)[:-1]):
            counts[eval("".join(map(str, string))) % modulus] += 1
        np.testing.assert_allclose(shares[digits - 1], counts / counts.sum(), atol=1e-12)


def test_chance_is_the_most_frequent_value_at_each_length():
    data = ModularArithmetic(trained_lengths=(3, 3), test_lengths=(3, 5))
    assert data.chance["accuracy"] == pytest.approx(shares_of_values(5, 3)[1:, 0].mean())
    assert shares_of_values(5, 2)[1, 0] == pytest.approx((1 / 5 + 1 / 5 + 9 / 25) / 3)
    assert 0.2 < ModularArithmetic().chance["accuracy"] < 0.21
    assert Parity().chance == {"accuracy": 0.5, "cross_entropy": pytest.approx(np.log(2))}


def test_a_window_beyond_its_string_says_nothing_of_it():
    train = Parity(train_windows=4_000).load(1).train
    answers = np.array([answer for _, answer in strings(train)])
    after = np.array([x[length] for x, length in zip(train.x, train.groups["length"], strict=True)])
    assert np.corrcoef(answers, after)[0, 1] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("cls", "given", "said"),
    [
        (Parity, {"trained_lengths": (9, 3)}, "shortest and the longest"),
        (Parity, {"test_lengths": ()}, "one or more test_lengths"),
        (ModularArithmetic, {"test_lengths": (31, 40)}, "no string has length 40; give one of 1, 3, 5"),
    ],
)
def test_lengths_that_cannot_be_are_refused(cls, given, said):
    with pytest.raises(ValidationError, match=said):
        cls(**given)


def test_the_list_says_chance_and_from_where_on_it_is_solved():
    told = {row["dataset"]: row for row in listing("datasets")}
    assert (told["parity"]["chance"], told["parity"]["solved from"]) == ("accuracy 0.5", "accuracy 0.99")
    assert (told["adding"]["chance"], told["adding"]["solved from"]) == ("mse 0.1667", "mse 0.01")
    assert (told["table"]["chance"], told["table"]["solved from"]) == ("", "")
