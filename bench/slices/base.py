"""What slicing a test set is: each step that is forecast gets one of a few values; and the registry of kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.registry import Registry
from bench.slices.values import values_of
from bench.task import Facts, Task

Numbers = NDArray[np.int64]
NONE = -1
"""The number of a step that has no value."""


class Unsliceable(BenchError):
    """A test set has no such value; says what it can be sliced by."""


@dataclass(frozen=True)
class Slices:
    """Which value each forecast step of each window has.

    Attributes:
        names: The values in words, in their order.
        of: The number of the value, int64 ``(windows, horizon)``; `NONE` where there is none.
    """

    names: tuple[str, ...]
    of: Numbers


@dataclass(frozen=True)
class Held:
    """A test set, as far as slicing it goes.

    Attributes:
        called: What a message calls it.
        task: What it asks.
        windows: How many it has.
        facts: What the dataset tells of the steps; None where it tells nothing.
        groups: Of the split, int64 ``(windows,)`` each.
    """

    called: str
    task: Task
    windows: int
    facts: Facts | None = None
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Windows and forecast steps."""
        return self.windows, self.task.horizon

    @property
    def times(self) -> NDArray[np.datetime64] | None:
        """Of each step, datetime64[ns] ``(windows, horizon)``; None where there are no dates."""
        return None if self.facts is None or self.facts.times is None else self.facts.times[self._rows]

    def column(self, name: str) -> Slices | None:
        """Return a column of the data, or a group, as slices; None where there is none of this name."""
        if name in self.groups:
            names, of = values_of(self.groups[name])
            return Slices(names, np.broadcast_to(of[:, np.newaxis], self.shape))
        if self.facts is None or name not in self.facts.columns():
            return None
        rows = self._rows
        first, end = int(rows.min()), int(rows.max()) + 1
        names, of = values_of(self.facts.column(name)[first:end], names_series=name == self.facts.id)
        return Slices(names, of[rows - first])

    @property
    def choices(self) -> list[str]:
        """What it can be sliced by: kinds, then columns and groups."""
        columns = self.facts.columns() if self.facts else ()
        fit = [kind.name for kind in slice_kinds.entries() if kind.fits(self)]
        return [*dict.fromkeys([*fit, *self.groups, *columns])]

    @property
    def _rows(self) -> Numbers:
        """The row of each step ``(windows, horizon)``."""
        assert self.facts is not None
        return self.facts.first[:, np.newaxis] + np.arange(self.task.horizon)


@dataclass(frozen=True)
class SliceKind:
    """A way to slice.

    Attributes:
        name: As it is asked for.
        what: What a step's value is, in words.
        fits: Whether a test set has such values.
        make: Gives each step its value.
        by_step: A window's steps never have one value, so that errors of whole windows say nothing.
    """

    name: str
    what: str
    fits: Callable[[Held], bool]
    make: Callable[[Held], Slices]
    by_step: bool = False


slice_kinds: Registry[SliceKind] = Registry("slice", "bench.slices")


def slice_kind(
    name: str, what: str, fits: Callable[[Held], bool], *, by_step: bool = False
) -> Callable[[Callable[[Held], Slices]], Callable[[Held], Slices]]:
    """Register the decorated function as a way to slice a test set that ``fits``."""

    def decorate(make: Callable[[Held], Slices]) -> Callable[[Held], Slices]:
        slice_kinds.add(name, SliceKind(name, what, fits, make, by_step), source=make)
        return make

    return decorate


def dated(held: Held) -> bool:
    """Return whether steps have dates."""
    return held.facts is not None and held.facts.times is not None


def in_words(name: str) -> str:
    """Return what a slice's values are: those of a kind, or of the column of this name."""
    return slice_kinds.get(name).what if name in slice_kinds.names() else name.replace("_", " ")


def sliced(held: Held, name: str, *, steps: bool = True) -> Slices:
    """Return the slices of a test set by a kind, or by a column or group of this name.

    Args:
        held: The test set.
        name: Of a kind, a column of the data or a group.
        steps: Whether errors of each step are known, and not of whole windows alone.

    Raises:
        Unsliceable: It has no such values; says what it can be sliced by.
    """
    kind = slice_kinds.get(name) if name in slice_kinds.names() else None
    if kind and kind.fits(held) and not steps and kind.by_step:
        raise Unsliceable(
            f"{held.called} is not sliced by {name!r}: a run kept no forecasts of its test set, which say the error of "
            "each step; they were too large, or it was recorded before they were kept"
        )
    found = kind.make(held) if kind and kind.fits(held) else None if kind else held.column(name)
    if found is None:
        dates = "" if dated(held) else " has no dates and"
        others = ", ".join(held.choices)
        able = f"it can be by {others}" if others else "it can be by nothing, with one step ahead and no groups"
        raise Unsliceable(f"{held.called}{dates} cannot be sliced by {name!r}; {able}")
    return found
