"""Strings that are trained at some lengths and tested at others, in windows of one size that every network takes."""

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt, model_validator

from bench.datasets.generated import Generated, stream
from bench.task import Split, Splits, Task

Tokens = NDArray[np.int32]
"""Token ids, or classes, ``(windows, window)``."""
Lengths = NDArray[np.int64]
"""``(windows,)``."""
Marks = NDArray[np.bool_]
"""``(windows, window)``."""


class ByLength(Generated):
    """A question about the string at the beginning of a window, asked at the string's last step.

    Each window is as long as the longest string, so that one network is built for all, and a mask says where its string
    ends. What stands behind is more of the same and says nothing of the string; a causal network has not seen it when
    it answers. So a network of a fixed window can be trained short and tested long, at the cost of training on the long
    window. A string that is as short as some of train's may be one of them, in valid and in ``trained_lengths`` too; in
    test only where its lengths are those of train.

    Lengths of train and valid are drawn evenly, test has each of its lengths equally often (one more where the number
    of windows does not go). The extra test set ``trained_lengths`` has those of train; it is left out where test has
    no others. The group is ``length``.

    Attributes:
        trained_lengths: The shortest and the longest string of train and valid, in steps.
        test_lengths: Of test, in steps.
    """

    groups_note: ClassVar[str] = "Length is in steps."
    extra_note: ClassVar[str] = "The extra test set trained lengths has strings as long as those of training."
    as_trained: ClassVar[str] = "trained_lengths"
    stride: ClassVar[int] = 1
    """From one possible length to the next."""
    shortest: ClassVar[int] = 1
    """The least possible length."""

    trained_lengths: tuple[PositiveInt, PositiveInt]
    test_lengths: tuple[PositiveInt, ...]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        first, last = self.trained_lengths
        if first > last or not self.test_lengths:
            raise ValueError("give trained_lengths as the shortest and the longest, and one or more test_lengths")
        for length in (first, last, *self.test_lengths):
            if length < self.shortest or (length - self.shortest) % self.stride:
                following = ", ".join(str(self.shortest + number * self.stride) for number in range(3))
                raise ValueError(f"no string has length {length}; give one of {following}, ...")
        return self

    @property
    def window(self) -> int:
        """Steps of a window."""
        return max(self.trained_lengths[1], *self.test_lengths)

    def write(self, rng: np.random.Generator, lengths: Lengths) -> tuple[Tokens, Tokens]:
        """Draw token ids, and the answer at each step; those that are not asked for may be anything."""
        raise NotImplementedError

    def taught(self, ends: Marks) -> Marks:
        """Return where train is trained on, from where its strings end; a subclass may say more than there."""
        return ends

    def load(self, data_seed: int) -> Splits:
        """Draw the splits; see the class for their lengths."""
        first, last = self.trained_lengths
        short = np.arange(first, last + 1, self.stride)
        sizes = self.train_windows, self.valid_windows, self.test_windows, self.test_windows
        made = []
        for number, size in enumerate(sizes):
            rng = stream(data_seed, number)
            lengths = np.resize(self.test_lengths, size) if number == 2 else rng.choice(short, size)
            made.append(self._split(rng, lengths.astype(np.int64)))
        train, valid, test, again = made
        assert train.mask is not None
        train = replace(train, mask=self.taught(train.mask))
        longer = {*self.test_lengths} != {*short.tolist()}
        return Splits(train, valid, test, {self.as_trained: again} if longer else {})

    def _split(self, rng: np.random.Generator, lengths: Lengths) -> Split:
        task: Task = self.task()
        x, answers = self.write(rng, lengths)
        y = answers.astype(np.int32 if task.classes > 2 else np.float32)
        ends = np.arange(self.window) == lengths[:, np.newaxis] - 1
        return Split(task, x, y, {"length": lengths}, mask=ends)
