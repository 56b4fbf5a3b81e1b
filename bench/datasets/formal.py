"""Parity and modular arithmetic: formal languages that a state of a few values tells, at any length."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from bench.datasets.base import dataset
from bench.datasets.by_length import ByLength, Lengths, Marks, Tokens
from bench.task import TargetKind, Task

RIGHT = 0.99
"""Share of test's strings that is right where a task counts as solved."""
OPERATORS = "+-*"


class _Formal(ByLength):
    """A string's value, which each step changes.

    Attributes:
        every_step: Train is told the value at every step of a string that has one, not at its last alone. Valid and
            test are scored at the last in any case.
    """

    every_step: bool = False

    @property
    def solved(self) -> Mapping[str, float]:
        """Return 99 % of test's strings, which are longer than those of train unless one sets them so."""
        return {"accuracy": RIGHT}

    def taught(self, ends: Marks) -> Marks:
        """As `ByLength.taught`; or at each step of a string that ends a shorter one."""
        if not self.every_step:
            return ends
        within = np.cumsum(ends[:, ::-1], axis=1)[:, ::-1] > 0
        steps = np.arange(self.window)
        return np.asarray(within & ((steps + 1 - self.shortest) % self.stride == 0))


@dataset("parity")
class Parity(_Formal):
    """Is the number of ones in a string of bits odd?

    Bits are drawn evenly; token ids 0 and 1. Split: independent draws, 10,000 train, 1,000 valid, 1,000 test; train and
    valid have 3 to 20 bits, test 30 to 120. A mask says where in the window a string ends, what is behind it is noise,
    and the value is asked for at the last bit alone.

    Source: Beck et al. 2024 (xLSTM), arXiv 2405.04517, by its code: trained at lengths of 3 to 40, where a length
    counts the place of the answer, tested at 40 to 256; 20,000 steps of 256 strings drawn anew, AdamW, 1e-3, a warm-up
    of 2,000 steps, asked at the end. Here the longest window is half of that. Chance: 1/2. Noise floor: none, the
    parity follows from the bits. Solved: 99 % of test's strings.
    """

    trained_lengths: tuple[PositiveInt, PositiveInt] = (3, 20)
    test_lengths: tuple[PositiveInt, ...] = (30, 40, 60, 80, 100, 120)

    def task(self) -> Task:
        """Return the question: is the number of ones odd?"""
        return Task(self.name, TargetKind.LABEL_EVERY_STEP, self.window, vocabulary=2, masked=True)

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what an even guess gives."""
        return {"accuracy": 1 / 2, "cross_entropy": float(np.log(2))}

    def write(self, rng: np.random.Generator, lengths: Lengths) -> tuple[Tokens, Tokens]:
        """As `ByLength.write`."""
        bits = rng.integers(2, size=(len(lengths), self.window), dtype=np.int32)
        return bits, np.cumsum(bits, axis=1, dtype=np.int32) % 2


@dataset("modular_arithmetic")
class ModularArithmetic(_Formal):
    """The value of a sum of products without brackets, modulo a small number.

    A string is a digit below ``modulus``, an operator of ``+-*``, a digit, and so on, ends in a digit, and is read as
    usual: products first. Digits and operators are drawn evenly; token ids of digits are themselves, operators follow.
    Split: independent draws, 10,000 train, 1,000 valid, 1,000 test; train and valid have 3 to 21 tokens, test 31 to
    121. A mask says where in the window a string ends, what is behind it is noise, and the value is asked for at the
    last digit alone.

    Source: Beck et al. 2024 (xLSTM), arXiv 2405.04517, by its code: modulo 5, trained at lengths of 3 to 40, where a
    length counts a sign of equality and the answer's place, tested at 40 to 256; otherwise as `Parity`. Chance: the
    most frequent value a length, 0, a little over 1/5, since 0 is the most frequent product. Noise floor: none, the
    value follows from the string. Solved: 99 % of test's strings.

    Attributes:
        modulus: Digits and values are below it.
    """

    stride = 2
    trained_lengths: tuple[PositiveInt, PositiveInt] = (3, 21)
    test_lengths: tuple[PositiveInt, ...] = (31, 41, 61, 81, 101, 121)
    modulus: int = Field(default=5, ge=2)

    def task(self) -> Task:
        """Return the question: what is the value?"""
        ids = self.modulus + len(OPERATORS)
        return Task(
            self.name, TargetKind.LABEL_EVERY_STEP, self.window, classes=self.modulus, vocabulary=ids, masked=True
        )

    @property
    def chance(self) -> Mapping[str, float]:
        """Return what the shares of the values at each of test's lengths give, from `shares_of_values`."""
        shares = shares_of_values(self.modulus, (self.window + 1) // 2)[(np.array(self.test_lengths) - 1) // 2]
        entropy = -np.sum(shares * np.log(shares), axis=1)
        return {"accuracy": float(shares.max(axis=1).mean()), "cross_entropy": float(entropy.mean())}

    def write(self, rng: np.random.Generator, lengths: Lengths) -> tuple[Tokens, Tokens]:
        """As `ByLength.write`; an operator's step holds the value before it."""
        digits = rng.integers(self.modulus, size=(len(lengths), (self.window + 1) // 2), dtype=np.int32)
        operators = rng.integers(len(OPERATORS), size=(len(lengths), digits.shape[1] - 1), dtype=np.int32)
        tokens = np.empty((len(lengths), self.window), np.int32)
        tokens[:, ::2], tokens[:, 1::2] = digits, operators + self.modulus
        return tokens, np.repeat(values(digits, operators, self.modulus), 2, axis=1)[:, : self.window]


def values(digits: Tokens, operators: Tokens, modulus: int) -> Tokens:
    """Return the value up to each digit ``(windows, digits)``: the terms that have ended, and the one under way."""
    ended, term = np.zeros_like(digits[:, 0]), digits[:, 0]
    found = [term % modulus]
    for digit, operator in zip(digits.T[1:], operators.T, strict=True):
        times, minus = operator == OPERATORS.index("*"), operator == OPERATORS.index("-")
        ended = np.where(times, ended, ended + term) % modulus
        term = np.where(times, term * digit, np.where(minus, -digit, digit)) % modulus
        found.append((ended + term) % modulus)
    return np.stack(found, axis=1).astype(np.int32)


def shares_of_values(modulus: int, digits: int) -> NDArray[np.float64]:
    """Return the probability of each value after each digit ``(digits, modulus)``, by the chain of what `values` keeps.

    Its states are the terms that have ended and the one under way, each modulo ``modulus``.
    """
    ended, term, digit = np.indices((modulus, modulus, modulus))
    states = np.zeros((modulus, modulus))
    states[0] = 1 / modulus
    found = []
    for _ in range(digits):
        found.append([np.trace(np.roll(states[:, ::-1], -value - 1, axis=0)) for value in range(modulus)])
        share = np.broadcast_to(states[:, :, np.newaxis] / (modulus * len(OPERATORS)), ended.shape)
        states = np.zeros((modulus, modulus))
        np.add.at(states, (ended, term * digit % modulus), share)
        for sign in (1, -1):
            np.add.at(states, ((ended + term) % modulus, sign * digit % modulus), share)
    return np.array(found)
