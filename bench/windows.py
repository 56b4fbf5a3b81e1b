"""Windows that are views into series: each is gathered by where it starts, and all of them are never copied at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""float32, or int32 where it holds token ids or classes."""
Index = int | slice | NDArray[Any] | tuple[Any, ...]
CHUNK = 4096
"""Windows that are gathered at once where all are gone through."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Parts of a table of rows, which stand for an array ``(windows, *offsets.shape, *rows.shape[1:])``.

    Asked for some of its windows, it gives an array of these; `numpy.asarray` copies all.

    Attributes:
        rows: Of one or more series, one after the other ``(rows, ...)``.
        starts: The row that each window begins at, int32 ``(windows,)``.
        offsets: Which rows a window holds, counted from its start, int32: ``(steps,)`` of inputs; ``(positions,
            horizon)`` of targets at every position.
    """

    rows: Values
    starts: NDArray[np.int32]
    offsets: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array that they stand for."""
        return (len(self.starts), *self.offsets.shape, *self.rows.shape[1:])

    @property
    def ndim(self) -> int:
        """Axes of that array."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Numbers in that array."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its numbers."""
        return self.rows.dtype

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: Index) -> Values:
        """Return the windows of an index, and of each what the index says of the further axes."""
        first, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(first, (int, np.integer)):
            one: Values = self[(np.array([first]), *rest)][0]
            return one
        found: Values = self.rows[_places(self.starts[first], self.offsets)][(slice(None), *rest)]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Values:
        """Return a copy of all.

        Raises:
            ValueError: No copy is wanted.
        """
        if copy is False:
            raise ValueError("windows into series are no array without a copy")
        return self[:].astype(dtype or self.dtype, copy=False)

    def at(self, positions: slice) -> "Windows":
        """Return the windows at these places of the axis after the windows."""
        return replace(self, offsets=self.offsets[positions])

    @cached_property
    def marks(self) -> NDArray[np.bool_]:
        """Which rows some window holds ``(rows,)``."""
        seen = np.zeros(len(self.rows), np.bool_)
        for offset in np.unique(self.offsets):
            seen[self.starts + offset] = True
        return seen


Gather = Callable[[Any, Any], Any]
"""From an array and whole numbers, of one backend, to the entries of these numbers along the first axis."""


def parts(values: Values | Windows) -> list[Values]:
    """Return what an array of windows consists of: itself, or rows, starts and offsets."""
    return [values.rows, values.starts, values.offsets] if isinstance(values, Windows) else [np.asarray(values)]


def take(held: list[Any], windows: Any, gather: Gather) -> Any:
    """Return windows from the parts that a backend holds of them.

    Args:
        held: What `parts` gave, as arrays of the backend.
        windows: Their numbers ``(n,)``.
        gather: The backend's own.
    """
    if len(held) == 1:
        return gather(held[0], windows)
    rows, starts, offsets = held
    return gather(rows, _places(gather(starts, windows), offsets))


def chunks(values: Values | Windows, size: int = CHUNK) -> "list[slice]":
    """Return slices that go through all windows; one of all for an array, which is there already."""
    if not isinstance(values, Windows):
        return [slice(None)]
    return [slice(start, start + size) for start in range(0, len(values), size)]


def numbers(values: Values | Windows) -> Values:
    """Return every number that some window holds, in any order: those of rows that several hold once."""
    return values.rows[values.marks] if isinstance(values, Windows) else values


def joined(draws: list[Values | Windows]) -> Values | Windows:
    """Return the windows of several arrays of one shape, one after the other.

    Raises:
        ValueError: Some are views and some are not, or their offsets differ.
    """
    views = [draw for draw in draws if isinstance(draw, Windows)]
    if not views:
        return np.concatenate([np.asarray(draw) for draw in draws])
    if len(views) < len(draws) or any(not np.array_equal(view.offsets, views[0].offsets) for view in views):
        raise ValueError("windows of unlike forms cannot be laid one after the other")
    before = np.cumsum([0, *(len(view.rows) for view in views[:-1])])
    starts = [view.starts + np.int32(rows) for view, rows in zip(views, before, strict=True)]
    return Windows(np.concatenate([view.rows for view in views]), np.concatenate(starts), views[0].offsets)


def _places(starts: Any, offsets: Any) -> Any:
    """Return the rows of windows ``(windows, *offsets.shape)``."""
    return starts[(slice(None), *[None] * len(offsets.shape))] + offsets
