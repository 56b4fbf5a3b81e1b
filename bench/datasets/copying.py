"""Copying tokens after a pause: all of the first ten, or those that stand among blanks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from bench.datasets.base import dataset
from bench.datasets.generated import Generated
from bench.task import Split, Splits, TargetKind, Task

COPIED = 10
"""Digits to remember."""
KINDS = 8
"""They are 1 to this."""
NOW = KINDS + 1
"""From the step that holds this first, the digits are asked for."""
WRONG = 0.01
"""Share of the copied tokens that may be wrong where a task counts as solved."""


@dataset("copy_memory")
class CopyMemory(Generated):
    """Ten digits, a pause, and the ten digits again, a class at each step.

    A window is ten digits drawn evenly from 1 to 8, ``steps - 1`` zeros, eleven nines: ``steps + 20`` in all. The class
    is 0 at the first ``steps + 10`` steps and the digits in their order at the last ten (Bai, Kolter and Koltun 2018,
    arXiv 1803.01271, section 4, as their code draws them). Every step is trained on and scored, as in the source; the
    extra test set ``copied`` scores the last ten alone. Split: independent draws, 10,000 train, 1,000 valid, 1,000
    test.

    Source: 500, 1,000 or 2,000 steps, here 100; 10,000 train, 1,000 test and no valid windows, batches of 32, RMSprop
    at 5e-4, 50 epochs; a digit comes in as one real number, as here (``token_ids`` gives ids). Chance: zeros, then any
    of eight digits evenly, has cross-entropy 10 ln 8 / (steps + 20), 0.1733 at 100 steps. Noise floor: none, the digits
    follow from the window. Solved: 1 % of the ten digits wrong at most, were all errors among them: that is, an
    accuracy of ``1 - 0.1 / (steps + 20)`` over all steps.

    Attributes:
        steps: From a digit to its copy, less ten: the source's T.
        token_ids: Digits are token ids in place of real numbers.
    """

    extra_note: ClassVar[str] = (
        "The extra test set copied holds test's windows, scored at the last ten steps alone: chance is 1 in 8 there."
    )

    steps: PositiveInt = 100
    token_ids: bool = False

    def task(self) -> Task:
        """Return the question: which digit is due at each step?"""
        ids = NOW + 1 if self.token_ids else None
        length = self.steps + 2 * COPIED
        named = self.name if self.steps == 100 else f"{self.name}_{self.steps}"
        return Task(
            named, TargetKind.LABEL_EVERY_STEP, length, classes=NOW + 1, vocabulary=ids, masked=True,
        )  # fmt: skip

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what zeros, then any digit evenly, give over all steps."""
        share = COPIED / (self.steps + 2 * COPIED)
        return {"cross_entropy": share * float(np.log(KINDS)), "accuracy": 1 - share * (1 - 1 / KINDS)}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return the accuracy over all steps with which at least 99 % of the digits are right."""
        return {"accuracy": 1 - WRONG * COPIED / (self.steps + 2 * COPIED)}

    def draw(self, rng: np.random.Generator, windows: int) -> Split:
        """Draw the digits."""
        x = np.zeros((windows, self.steps + 2 * COPIED), np.int32)
        y = np.zeros_like(x)
        x[:, :COPIED] = y[:, -COPIED:] = rng.integers(1, NOW, size=(windows, COPIED))
        x[:, -COPIED - 1 :] = NOW
        given = x if self.token_ids else x[..., np.newaxis].astype(np.float32)
        return Split(self.task(), given, y, mask=np.ones(x.shape, np.bool_))

    def load(self, data_seed: int) -> Splits:
        """As `Generated.load`, with the extra test set."""
        splits = super().load(data_seed)
        late = np.zeros(splits.test.y.shape, np.bool_)
        late[:, -COPIED:] = True
        return replace(splits, extra={"copied": replace(splits.test, mask=late)})


@dataset("selective_copying")
class SelectiveCopying(Generated):
    """The tokens that stand among blanks, in their order: which to keep is told by what they are, not by where.

    A window is ``copied`` tokens, drawn evenly from ``vocabulary - 2``, at places drawn evenly among the first
    ``steps`` steps, which are blank elsewhere, and then ``copied`` steps that ask: the first asks for the first token,
    and so on. Only these are trained on and scored. Token ids: the last is the one that asks, the last but one the
    blank. Split: independent draws, 10,000 train, 1,000 valid, 1,000 test.

    Source: Gu and Dao 2023 (Mamba), arXiv 2312.00752, section 4.1.1: 4,096 steps, 16 tokens, a vocabulary of 16,
    400,000 steps of 64 windows that are drawn anew. Small form of Poli et al. 2024 (MAD), arXiv 2403.17844, by its
    code: 256 steps, 16 tokens, a vocabulary of 16, 12,800 train and 1,280 test windows, batches of 128, 200 epochs;
    there one step asks, blanks follow it, and blanks stand before and between tokens alone, not evenly. Here 64 steps
    and 8 tokens. Chance: one token of ``vocabulary - 2`` evenly, 1/14. Noise floor: none, the tokens follow from the
    window. Solved: 99 % of the tokens right.

    Attributes:
        steps: In which the tokens stand.
        copied: Tokens that are.
        vocabulary: Token ids, the blank and the one that asks among them.
    """

    steps: PositiveInt = 64
    copied: PositiveInt = 8
    vocabulary: int = Field(default=16, ge=4)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.copied > self.steps:
            raise ValueError(f"{self.copied} tokens do not fit into {self.steps} steps; lower copied")
        return self

    def task(self) -> Task:
        """Return the question: which token is due at each of the last steps?"""
        length = self.steps + self.copied
        return Task(
            self.name, TargetKind.LABEL_EVERY_STEP, length,
            classes=self.vocabulary, vocabulary=self.vocabulary, masked=True,
        )  # fmt: skip

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what any token evenly gives."""
        kinds = self.vocabulary - 2
        return {"cross_entropy": float(np.log(kinds)), "accuracy": 1 / kinds}

    @property
    def solved(self) -> Mapping[str, float]:
        """Return 99 % of the tokens."""
        return {"accuracy": 1 - WRONG}

    def draw(self, rng: np.random.Generator, windows: int) -> Split:
        """Draw tokens, then their places: the first ones of a shuffled window, in order."""
        tokens = rng.integers(self.vocabulary - 2, size=(windows, self.copied), dtype=np.int32)
        places = np.sort(rng.random((windows, self.steps)).argsort(axis=1)[:, : self.copied], axis=1)
        x = np.full((windows, self.steps + self.copied), self.vocabulary - 2, np.int32)
        np.put_along_axis(x, places, tokens, axis=1)
        x[:, self.steps :] = self.vocabulary - 1
        y, asked = np.zeros_like(x), np.zeros(x.shape, np.bool_)
        y[:, self.steps :], asked[:, self.steps :] = tokens, True
        return Split(self.task(), x, y, mask=asked)
