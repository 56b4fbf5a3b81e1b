"""The embedded Reber grammar: is a string valid, or was one letter of it changed?

An embedded string is ``B``, an outer letter ``T`` or ``P``, an inner Reber string, the same outer
letter again, ``E``. Only the outer pair needs a memory that spans the whole string. No two valid
strings differ in exactly one letter (from each state of the grammar, the two ways on accept no
common remainder), so changing one letter always makes a string invalid.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.datasets.base import Dataset, dataset
from bench.errors import BenchError
from bench.task import Split, Splits, TargetKind, Task

ALPHABET = "BEPSTVX"
INNER_GRAMMAR = ("B1 B1", "T2 P3", "S2 X4", "T3 V5", "X3 S6", "P4 V6", "E7 E7")
"""For each state its two equally likely moves: the letter written and the next state; 7 is the end."""

SHORTEST = 9
SPLIT_SHARES = (0.70, 0.85)
"""Where valid and test begin among the shuffled strings."""

Letters = NDArray[np.uint8]
"""ASCII codes ``(strings, max_length)``, zeros after a string's end."""
Strings = NDArray[np.bytes_]
"""``(strings,)`` of byte strings."""

_MOVES = [move.split() for move in INNER_GRAMMAR]
_LETTER = np.array([[ord(move[0]) for move in moves] for moves in _MOVES], dtype=np.uint8)
_NEXT = np.array([[int(move[1]) for move in moves] for moves in _MOVES])
_END = len(INNER_GRAMMAR)
_CODES = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)


def draw_valid(rng: np.random.Generator, draws: int, max_length: int) -> Strings:
    """Draw from the embedded grammar and return the distinct strings, sorted.

    A string longer than ``max_length`` is rejected and not drawn anew, so the result follows the
    grammar's distribution given that the length is at most that.
    """
    inner = np.zeros((draws, max_length - 4), dtype=np.uint8)
    state = np.zeros(draws, dtype=np.int64)
    for step in range(inner.shape[1]):
        alive = np.flatnonzero(state != _END)
        move = rng.integers(0, 2, size=len(alive))
        inner[alive, step] = _LETTER[state[alive], move]
        state[alive] = _NEXT[state[alive], move]
    outer = np.frombuffer(b"TP", dtype=np.uint8)[rng.integers(0, 2, size=draws)]
    inner, outer = inner[state == _END], outer[state == _END]

    rows = np.arange(len(inner))
    end = (inner != 0).sum(axis=1) + 2
    letters = np.zeros((len(inner), max_length), dtype=np.uint8)
    letters[:, 0] = ord("B")
    letters[:, 1] = outer
    letters[:, 2:-2] = inner
    letters[rows, end] = outer
    letters[rows, end + 1] = ord("E")
    return np.unique(_to_strings(letters))


def corrupt_outer(letters: Letters) -> Letters:
    """Swap each string's second outer letter, ``T`` for ``P`` and ``P`` for ``T``."""
    swapped = letters.copy()
    rows, at = np.arange(len(letters)), _lengths(letters) - 2
    swapped[rows, at] = ord("T") + ord("P") - letters[rows, at]
    return swapped


def corrupt(rng: np.random.Generator, letters: Letters, outer_share: float) -> Letters:
    """Change one letter of each string.

    With probability ``outer_share`` the second outer letter is swapped; otherwise a position and
    its new letter are drawn evenly.
    """
    rows, lengths = np.arange(len(letters)), _lengths(letters)
    at = rng.integers(0, lengths)
    code = np.searchsorted(_CODES, letters[rows, at])
    changed = letters.copy()
    changed[rows, at] = _CODES[(code + rng.integers(1, len(ALPHABET), size=len(rows))) % len(ALPHABET)]
    outer = rng.random(len(rows)) < outer_share
    changed[outer] = corrupt_outer(letters[outer])
    return changed


class _Reber(Dataset):
    """Distinct valid strings, each with one corruption of itself in the same split.

    So classes are balanced, at every length too. Label 1 is valid, 0 corrupted. Letters are one-hot
    over ``BEPSTVX``, zeros after the end. 70/15/15 % of the distinct valid strings go to train,
    valid and test. No string, valid or corrupted, stands in two splits or twice in one: a corruption
    that another string has already taken is drawn again.

    No ``outer_only`` string stands in train or valid; some are corruptions in test. The groups are
    ``length`` and ``corrupted_position``. A valid string and its corruption are one series.

    Attributes:
        draws: Strings that the grammar draws; those that stood before, and longer ones, are left out.
        max_length: Letters of a string, at most.
        outer_share: Share of corruptions that are at the second outer letter; the rest are anywhere.
    """

    synthetic: ClassVar[bool] = True
    quick: ClassVar[bool] = True
    extra_note: ClassVar[str] = (
        "The extra test set outer only holds the test split's valid strings with the second outer letter swapped, all "
        "labelled corrupted: accuracy there is the share of outer faults caught."
    )
    groups_note: ClassVar[str] = (
        "Length is in letters; positions are counted from the end: 1 is the last letter, 2 the second outer letter. "
        "A letter at position 2 that is neither T nor P is wrong in any string, which takes no memory to see; in the "
        "extra test set outer only the two are swapped, which does."
    )
    no_group: ClassVar[str] = "valid string"

    draws: int = Field(ge=1_000)
    max_length: int = Field(default=30, ge=SHORTEST)
    outer_share: float = Field(default=0.0, ge=0, le=1)

    def task(self) -> Task:
        """Return the question: is a string of one-hot letters valid?"""
        return Task(self.name, TargetKind.LABEL, self.max_length, features=len(ALPHABET), feature_names=tuple(ALPHABET))

    def load(self, data_seed: int) -> Splits:
        """Draw, corrupt and split the strings; see the class for the rules."""
        rng = np.random.default_rng(data_seed)
        valid = _to_letters(rng.permutation(draw_valid(rng, self.draws, self.max_length)), self.max_length)
        first_valid, first_test = (int(share * len(valid)) for share in SPLIT_SHARES)
        corrupted = self._corrupt_apart(rng, valid, first_test)

        task = self.task()
        train, choose, test = np.split(np.arange(len(valid)), [first_valid, first_test])
        outer_only = _split(task, valid[test], corrupt_outer(valid[test]), with_valid=False)
        return Splits(
            train=_split(task, valid[train], corrupted[train]),
            valid=_split(task, valid[choose], corrupted[choose]),
            test=_split(task, valid[test], corrupted[test]),
            extra={"outer_only": outer_only},
        )

    def _corrupt_apart(self, rng: np.random.Generator, valid: Letters, first_test: int) -> Letters:
        """Corrupt each string so that no corruption comes twice or, before test, is an outer_only one."""
        reserved = _to_strings(corrupt_outer(valid[first_test:]))
        corrupted = corrupt(rng, valid, self.outer_share)
        for _ in range(1_000):
            strings = _to_strings(corrupted)
            again = np.ones(len(valid), dtype=bool)
            again[np.unique(strings, return_index=True)[1]] = False
            again[:first_test] |= np.isin(strings[:first_test], reserved)
            if not again.any():
                return corrupted
            corrupted[again] = corrupt(rng, valid[again], self.outer_share)
        raise BenchError(f"dataset {self.name!r}: no distinct corruption for some strings; lower outer_share")


@dataset("reber_exercise")
class ReberExercise(_Reber):
    """The chapter's exercise 7: one letter in a random place is wrong.

    60,000 draws of at most 30 letters, longer ones rejected. Split 70/15/15 % by distinct valid
    strings. A classifier blind to the outer pair still does well here; ``outer_only`` shows it. No
    noise floor: the grammar can be recognised without error.
    """

    draws: int = Field(default=60_000, ge=1_000)


@dataset("reber")
class Reber(_Reber):
    """As the exercise, with more strings and a third of the corruptions at the outer letter.

    300,000 draws of at most 30 letters, longer ones rejected. Split 70/15/15 % by distinct valid
    strings. No noise floor: the grammar can be recognised without error.
    """

    draws: int = Field(default=300_000, ge=1_000)
    outer_share: float = Field(default=1 / 3, ge=0, le=1)


def _split(task: Task, valid: Letters, corrupted: Letters, *, with_valid: bool = True) -> Split:
    lengths = _lengths(valid)
    position = lengths - np.argmax(valid != corrupted, axis=1)
    letters, label = corrupted, np.zeros(len(corrupted), dtype=np.float32)
    if with_valid:
        letters = np.concatenate([valid, corrupted])
        label = np.concatenate([np.ones_like(label), label])
        lengths = np.concatenate([lengths, lengths])
        position = np.concatenate([np.full_like(position, -1), position])
    series = np.arange(len(letters)) % len(valid)
    x = (letters[:, :, np.newaxis] == _CODES).astype(np.float32)
    return Split(task, x, label, {"length": lengths, "corrupted_position": position}, series=series)


def _lengths(letters: Letters) -> NDArray[np.int64]:
    return np.asarray(np.sum(letters > 0, axis=1), dtype=np.int64)


def _to_strings(letters: Letters) -> Strings:
    return np.ascontiguousarray(letters).view(f"S{letters.shape[1]}")[:, 0]


def _to_letters(strings: Strings, max_length: int) -> Letters:
    return strings.view(np.uint8).reshape(len(strings), max_length)
