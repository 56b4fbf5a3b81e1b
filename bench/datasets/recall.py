"""Recall in a window: which value stood with a key, which token followed a sign."""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from bench.datasets.base import dataset
from bench.datasets.by_length import ByLength, Lengths, Tokens
from bench.datasets.generated import Generated
from bench.task import Split, TargetKind, Task

RIGHT = 0.99
"""Share of test's answers that is right where a task counts as solved."""


@dataset("recall")
class Recall(Generated):
    """Multi-query associative recall: pairs of a key and a value, then the keys again, each asking for its value.

    A window begins with pairs of a key and a value, all distinct and drawn evenly: keys from token 1 on below half of
    the vocabulary, values from there on. What is left has room for a key at every other step; each key stands once at
    one of these, at gap k from the first with probability in proportion to ``k ** (power - 1)``, places that are taken
    left out. All other steps hold tokens drawn evenly from the whole vocabulary, or token 0, which is no key. The class
    at a key that asks is its value; only these steps are trained on and scored. Split: independent draws, 10,000 train,
    1,000 valid, 1,000 test.

    Source: Arora et al. 2023 (Zoology), arXiv 2312.04927, by its code: for figure 2 a vocabulary of 8,192, 64 steps
    with 4 pairs to 256 with 16, all other steps 0, 100,000 train and 3,000 test windows, power 0.01, AdamW, at most 64
    epochs, ended at 99 % on test. Here the small form of its example ``basic.py``: a vocabulary of 256, 64 steps, 4
    pairs, all other steps drawn, as is the generator's default. A key may come again as noise then, next to a token
    that is not its value: measured, in 56 % of the windows and before 5 % of the questions (in 93 % and 15 % at a
    vocabulary of 32 and 32 steps, where the source would refuse: it asks for more tokens than steps). The pair that
    stands first counts. Chance: any value evenly, 1/128; a guess among the values of the window, which takes no
    pairing, has 1 in 4. Noise floor: none, the values follow from the window. Solved: 99 % of the answers right.

    Attributes:
        steps: Of a window.
        pairs: In it.
        vocabulary: Token ids, and classes.
        power: 1 for places drawn evenly; near 0 most keys ask soon.
        noise: Other steps hold drawn tokens; else token 0.
    """

    steps: int = Field(default=64, ge=4, multiple_of=2)
    pairs: PositiveInt = 4
    vocabulary: int = Field(default=256, ge=4, multiple_of=2)
    power: PositiveFloat = 0.01
    noise: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if 4 * self.pairs > self.steps:
            raise ValueError(f"{self.pairs} pairs and their questions need {4 * self.pairs} steps; lower pairs")
        if self.pairs >= self.vocabulary // 2:
            raise ValueError(f"a vocabulary of {self.vocabulary} has {self.vocabulary // 2 - 1} keys; lower pairs")
        return self

    def task(self) -> Task:
        """Return the question: which value stood with this key?"""
        return Task(
            self.name, TargetKind.LABEL_EVERY_STEP, self.steps,
            classes=self.vocabulary, vocabulary=self.vocabulary, masked=True,
        )  # fmt: skip

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what any value evenly gives."""
        return {"accuracy": 2 / self.vocabulary, "cross_entropy": float(np.log(self.vocabulary // 2))}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return 99 % of the answers."""
        return {"accuracy": RIGHT}

    def draw(self, rng: np.random.Generator, windows: int) -> Split:
        """Draw all tokens, then pairs over the first and keys over some of the others."""
        half, begin = self.vocabulary // 2, 2 * self.pairs
        x = rng.integers(self.vocabulary if self.noise else 1, size=(windows, self.steps), dtype=np.int32)
        keys = 1 + _some(rng, windows, np.ones(half - 1), self.pairs)
        values = half + _some(rng, windows, np.ones(half), self.pairs)
        x[:, :begin:2], x[:, 1:begin:2] = keys, values
        gaps = np.arange(1, (self.steps - begin) // 2 + 1)
        places = begin + 2 * _some(rng, windows, gaps ** (self.power - 1), self.pairs)
        y, asked = np.zeros_like(x), np.zeros(x.shape, np.bool_)
        np.put_along_axis(x, places, keys, axis=1)
        np.put_along_axis(y, places, values, axis=1)
        np.put_along_axis(asked, places, values=True, axis=1)
        return Split(self.task(), x, y, mask=asked)


@dataset("induction")
class Induction(ByLength):
    """An induction head: which token followed the sign when it stood here first?

    A string is of tokens drawn evenly, has a sign at one place, drawn evenly among those with a token behind it and
    before the end, and the sign again at its end, which asks for that token. The sign is the last token id. Split:
    independent draws, 10,000 train, 1,000 valid, 1,000 test, all of 64 steps; ``test_lengths`` makes them longer.

    Source: Gu and Dao 2023 (Mamba), arXiv 2312.00752, section 4.1.2: a vocabulary of 16, trained at 256 steps, tested
    at 64 to 2^20; the generator is that of Fu et al. 2023 (H3), arXiv 2212.14052, with one trigger and one token, by
    its code, where a vocabulary of 16 holds a second sign that never comes (chance 1/14), and training scores every
    step, not the last alone. Mamba's own generator is not public. Chance: any token evenly, 1/15; the most frequent one
    of the window has more. Noise floor: none, the token follows from the string. Solved: 99 % of test's strings.

    Attributes:
        vocabulary: Token ids, the sign among them, and classes.
    """

    shortest: ClassVar[int] = 3
    trained_lengths: tuple[PositiveInt, PositiveInt] = (64, 64)
    test_lengths: tuple[PositiveInt, ...] = (64,)
    vocabulary: int = Field(default=16, ge=3)

    def task(self) -> Task:
        """Return the question: which token followed the sign?"""
        return Task(
            self.name, TargetKind.LABEL_EVERY_STEP, self.window,
            classes=self.vocabulary, vocabulary=self.vocabulary, masked=True,
        )  # fmt: skip

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what any token evenly gives."""
        return {"accuracy": 1 / (self.vocabulary - 1), "cross_entropy": float(np.log(self.vocabulary - 1))}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return 99 % of the strings."""
        return {"accuracy": RIGHT}

    def write(self, rng: np.random.Generator, lengths: Lengths) -> tuple[Tokens, Tokens]:
        """As `ByLength.write`."""
        rows, sign = np.arange(len(lengths)), self.vocabulary - 1
        x = rng.integers(sign, size=(len(lengths), self.window), dtype=np.int32)
        first = rng.integers(lengths - 2)
        x[rows, first] = x[rows, lengths - 1] = sign
        return x, np.broadcast_to(x[rows, first + 1, np.newaxis], x.shape)


def _some(rng: np.random.Generator, windows: int, weights: NDArray[np.floating], count: int) -> Tokens:
    """Draw distinct indices of weights, ``(windows, count)``: one after the other, in proportion to what is left.

    By the largest of the logarithms with Gumbel noise (Kool et al. 2019, arXiv 1903.06059).
    """
    noisy = np.log(weights) + rng.gumbel(size=(windows, len(weights)))
    return np.argsort(-noisy, axis=1)[:, :count].astype(np.int32)
