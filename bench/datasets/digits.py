"""Handwritten digits, a pixel a step: real data that come with scikit-learn."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.datasets.base import Dataset, dataset
from bench.extras import DIGITS, require
from bench.task import Split, Splits, TargetKind, Task

PIXELS = 64
CLASSES = 10
DARKEST = 16.0
"""Pixels are counts of ink from 0 to this."""
SHARES = (0.70, 0.85)
"""Where valid and test begin among the shuffled images of each digit."""
PERMUTATION_SEED = 0
"""Of the one order of pixels that all draws share."""


class _Digits(Dataset):
    """Which digit is it, after the last pixel?

    1,797 images of 8 by 8 pixels in 17 grey levels, scaled to [0, 1]: the test part of Alpaydin and Kaynak's "Optical
    Recognition of Handwritten Digits" (1998, UCI repository), as `sklearn.datasets.load_digits` bundles it. No two are
    alike. The data seed shuffles the images of each digit; 70/15/15 % of them are train, valid and test. Writers are
    not told, so that one may stand in all three.
    """

    def task(self) -> Task:
        """Return the question: which digit is it?"""
        return Task(self.name, TargetKind.LABEL, PIXELS, classes=CLASSES)

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what any digit evenly gives."""
        return {"accuracy": 1 / CLASSES, "cross_entropy": float(np.log(CLASSES))}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return about what logistic regression on the 64 pixels reaches."""
        return {"accuracy": 0.96}

    def order(self) -> NDArray[np.int64]:
        """Return which pixel stands at each step."""
        return np.arange(PIXELS)

    def load(self, data_seed: int) -> Splits:
        """Read the images and split them; see the class for the shares.

        Raises:
            BenchError: scikit-learn is not installed.
        """
        require(DIGITS, f"dataset {self.name!r}")
        from sklearn.datasets import load_digits

        images, digits = load_digits(return_X_y=True)
        rng = np.random.default_rng(data_seed)
        parts: list[list[NDArray[np.int64]]] = [[], [], []]
        for digit in range(CLASSES):
            mine = rng.permutation(np.flatnonzero(digits == digit))
            for part, chosen in zip(parts, np.split(mine, [int(share * len(mine)) for share in SHARES]), strict=True):
                part.append(chosen)
        x = (images[:, self.order(), np.newaxis] / DARKEST).astype(np.float32)
        y = digits.astype(np.int32)
        train, valid, test = (Split(self.task(), x[part], y[part]) for part in map(np.concatenate, parts))
        return Splits(train, valid, test)


@dataset("digits")
class Digits(_Digits):
    """Handwritten digits, pixel by pixel, row by row: 64 steps, one of ten classes after the last.

    1,797 real images of 8 by 8 pixels that scikit-learn bundles (extra ``digits``). Split: of each digit's shuffled
    images 70 % train, 15 % valid, 15 % test, 1,252, 270 and 275 in all, by the data seed. Source: sequential MNIST (Le,
    Jaitly and Hinton 2015, arXiv 1504.00941) has 60,000 and 10,000 images of 784 pixels; scores there say nothing of
    scores here. Chance: 1/10. Noise floor: not known. Solved: an accuracy of 0.96, about that of logistic regression on
    the 64 pixels (0.953 to 0.975, mean 0.964, on data seeds 0 to 4).
    """


@dataset("permuted_digits")
class PermutedDigits(_Digits):
    """As ``digits``, the pixels in one random order, so that neighbours in the image stand far apart.

    The order is the same for all images, draws and seeds: that of ``numpy.random.default_rng(0).permutation(64)``.
    Split: as ``digits``, by the data seed, the same images. Source: permuted sequential MNIST (Le, Jaitly and Hinton
    2015, arXiv 1504.00941). Chance: 1/10. Noise floor: not known. Solved: an accuracy of 0.96; logistic regression does
    not see the order.
    """

    def order(self) -> NDArray[np.int64]:
        """As `_Digits.order`."""
        return np.random.default_rng(PERMUTATION_SEED).permutation(PIXELS)
