"""What a metric says of itself besides how it is computed: all that tables, figures and tests ask of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Direction(StrEnum):
    """Which values are better."""

    LOWER = "lower"
    HIGHER = "higher"
    NONE = "none"
    """It describes the data, not the forecast; nothing is ranked by it."""


class Scale(StrEnum):
    """What differences are worked on: means, intervals, ratios and tests."""

    LOG = "log"
    """Ratios: for errors, which are positive and whose spread grows with their size."""
    PLAIN = "plain"
    """Differences: for shares."""


class Axis(StrEnum):
    """What a metric keeps apart; every other axis is averaged over."""

    NONE = ""
    STEP = "step"
    """A value a forecast step, counted from 1."""
    TARGET = "target"
    """A value a named target."""
    GROUP = "group"
    """A value for each value of each of the split's groups."""


@dataclass(frozen=True)
class Traits:
    """A metric as data.

    Attributes:
        name: What it is registered under.
        heading: What a table's column is called.
        direction: Which values are better.
        scale: What differences are worked on.
        axis: What it keeps apart.
        unit: ``%`` for a share, which is shown times 100; empty for none, or for the target's own.
        tabled: Whether a leaderboard shows it where a suite names no metrics.
        ranks: Whether it is the usual one that ranks, on the tasks that it applies to.
        monitors: Whether it is the usual one that chooses the best epoch.
        per_epoch: Computed on the validation split after every epoch, too.
        at_last: Name of the metric that says the same of the last position alone: it ranks where tasks of unlike
            positions answer one question. Its own name where it is that metric.
    """

    name: str
    heading: str
    direction: Direction = Direction.LOWER
    scale: Scale = Scale.LOG
    axis: Axis = Axis.NONE
    unit: str = ""
    tabled: bool = False
    ranks: bool = False
    monitors: bool = False
    per_epoch: bool = False
    at_last: str = ""

    def __post_init__(self) -> None:
        """Hold the traits to one another.

        Raises:
            ValueError: Two of them do not go together; the message says which.
        """
        if self.scale is Scale.LOG and self.direction is not Direction.LOWER:
            raise ValueError(
                f"metric {self.name!r}: a log scale is for errors, of which less is better; say scale plain"
            )
        if self.axis is not Axis.NONE and (self.per_epoch or self.ranks or self.monitors):
            raise ValueError(f"metric {self.name!r} is many numbers: it is not computed every epoch, and ranks nothing")

    def suited(self, values: Iterable[float]) -> Self:
        """Return it as these values can be worked on: on the plain scale where one of them is below zero, with no log.

        A metric says nothing of its scale where that was forgotten, and the usual one is for errors.
        """
        return replace(self, scale=Scale.PLAIN) if self.log and any(value < 0 for value in values) else self

    @property
    def log(self) -> bool:
        """Whether differences are ratios."""
        return self.scale is Scale.LOG

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        return -1 if self.direction is Direction.HIGHER else 1

    def reaches(self, value: float, threshold: float) -> bool:
        """Return whether a value is at a threshold or better; NaN is not."""
        return bool(self.sign * value <= self.sign * threshold)

    @property
    def share(self) -> bool:
        """Whether it is shown in per cent, and its differences in points."""
        return self.unit == "%"
