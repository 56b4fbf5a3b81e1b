"""scikit-learn's digits: the images as it gives them, in three parts that share none, and in one random order."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bench import extras
from bench.datasets.digits import Digits, PermutedDigits
from bench.errors import BenchError


@pytest.fixture(scope="module")
def splits():
    return Digits().load(1)


def parts(splits):
    return splits.train, splits.valid, splits.test


def test_each_image_stands_in_one_part_with_its_digit(splits):
    images, digits = load_digits(return_X_y=True)
    known = {tuple(image): digit for image, digit in zip(images, digits, strict=True)}
    found = [(tuple(x[:, 0] * 16), y) for split in parts(splits) for x, y in zip(split.x, split.y, strict=True)]
    assert len(known) == len(found) == 1_797
    assert dict(found) == known
    assert splits.train.x.max() == 1


def test_parts_hold_70_15_15_per_cent_of_each_digit(splits):
    assert [len(split.x) for split in parts(splits)] == [1_252, 270, 275]
    counts = np.array([np.bincount(split.y, minlength=10) for split in parts(splits)])
    shares = counts / counts.sum(axis=0)
    np.testing.assert_allclose(shares, [[0.7] * 10, [0.15] * 10, [0.15] * 10], atol=0.01)


def test_the_order_of_pixels_is_one_for_all_draws(splits):
    order = np.random.default_rng(0).permutation(64)
    for seed, plain in ((1, splits), (2, Digits().load(2))):
        for one, other in zip(parts(plain), parts(PermutedDigits().load(seed)), strict=True):
            np.testing.assert_array_equal(one.x[:, order], other.x)
            np.testing.assert_array_equal(one.y, other.y)


def test_without_scikit_learn_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(extras.MODULES, "digits", ("no_such_module",))
    with pytest.raises(BenchError, match="dataset 'digits' needs no_such_module, which is not installed; install it"):
        Digits().load(1)
