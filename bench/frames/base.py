"""Frames as CSVs beside a report: what one is, typing by its schema, writing and reading; six significant digits."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.files import discard, remove_leftovers
from bench.frames.csvs import packed, read_csv, write_csv
from bench.frames.schemas import Kind, Schema
from bench.frames.selection import Shown
from bench.registry import Registry

Frames = MutableMapping[str, pd.DataFrame]
Rows = Iterable[Mapping[str, Any]] | pd.DataFrame
"""A mapping a row, or what has many of them as columns."""


@dataclass(frozen=True)
class FrameKind:
    """A CSV beside every report.

    Attributes:
        name: Of the file, without its ending.
        schema: Its columns.
        rows: Makes its rows from what the report shows; a missing column is empty.
        optional: There is no such file where it has no rows.
        long: A run, or a pair of models, has many rows: see `bench.frames.csvs.write_csv`.
        large: A run has dozens, which are made of it alone: `Fetched` holds none of them.
    """

    name: str
    schema: Schema
    rows: Callable[[Shown], Rows]
    optional: bool = False
    long: bool = False
    large: bool = False


frame_kinds: Registry[FrameKind] = Registry("frame", "bench.frames")


def frame(
    name: str, schema: Schema, *, optional: bool = False, long: bool = False, large: bool = False
) -> Callable[[Callable[[Shown], Rows]], Callable[[Shown], Rows]]:
    """Register the maker of a CSV's rows; see `FrameKind`."""

    def decorate(rows: Callable[[Shown], Rows]) -> Callable[[Shown], Rows]:
        frame_kinds.add(name, FrameKind(name, schema, rows, optional, long, large), source=rows)
        return rows

    return decorate


PART = 5_000
"""A large frame is written from so many runs at once."""


class Fetched(Frames):
    """Frames by name; one that is large is made, or read, each time that it is asked for, its texts as categories."""

    def __init__(
        self,
        fetch: Callable[[FrameKind], pd.DataFrame],
        parts: Callable[[FrameKind], Iterator[pd.DataFrame]] | None = None,
    ):
        self._fetch, self._parts = fetch, parts
        self._held = {kind.name: fetch(kind) for kind in frame_kinds.entries() if not kind.large}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a frame."""
        return self._held[name] if name in self._held else self._fetch(frame_kinds.get(name))

    def parts(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield a frame in parts, one at least."""
        if name in self._held or self._parts is None:
            yield self[name]
        else:
            yield from self._parts(frame_kinds.get(name))

    def __setitem__(self, name: str, frame: pd.DataFrame) -> None:
        """Put another in its place."""
        self._held[name] = frame

    def __delitem__(self, name: str) -> None:
        """Forget what was put there."""
        del self._held[name]

    def __iter__(self) -> Iterator[str]:
        """Yield all names."""
        return iter(frame_kinds.names())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(frame_kinds.names())


def made_frames(shown: Shown) -> Fetched:
    """Return every frame of what a report shows."""

    def parts(kind: FrameKind) -> Iterator[pd.DataFrame]:
        for first in range(0, max(len(shown.records), 1), PART):
            yield typed(kind.rows(replace(shown, records=shown.records[first : first + PART])), kind.schema)

    return Fetched(lambda kind: typed(kind.rows(shown), kind.schema), parts)


def make_frames(shown: Shown) -> dict[str, pd.DataFrame]:
    """Return every frame of what a report shows, and hold all of them."""
    return dict(made_frames(shown))


def typed(rows: Rows, schema: Schema) -> pd.DataFrame:
    """Return rows as a frame of a schema.

    Raises:
        ValueError: A row has a column that the schema lacks, or a value of another type.
    """
    if isinstance(rows, pd.DataFrame):
        return with_types(rows, schema)
    columns: dict[str, list[Any]] = {name: [] for name in schema}  # not a list of rows, which takes five times as much
    for row in rows:
        unknown = [name for name in row if name not in columns]
        if unknown:
            raise ValueError(f"unknown column {unknown[0]!r}")
        for name, values in columns.items():
            values.append(row.get(name))
    return with_types(pd.DataFrame(columns), schema)


def with_types(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return a frame's columns in the order and of the types of a schema; a missing one is empty.

    Raises:
        ValueError: It has a column that the schema lacks, or a value of another type.
    """
    unknown = [str(column) for column in frame.columns if column not in schema]
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r}")
    made: dict[str, Any] = {}
    for name, kind in schema.items():
        values = frame[name] if name in frame else pd.Series([None] * len(frame), index=frame.index, dtype=object)
        if kind is Kind.TEXT:
            coded = isinstance(values.dtype, pd.CategoricalDtype)
            made[name] = values.array if coded else values.astype("string").array.fillna("")
        elif kind is Kind.INTEGER:
            made[name] = pd.to_numeric(values).astype("Int64").array
        elif kind is Kind.FLAG:
            made[name] = values.map(_flag).astype("boolean").array
        else:
            made[name] = pd.to_numeric(values).astype("float64").array
    return pd.DataFrame(made, frame.index, copy=False)


def repeated(texts: Sequence[str], places: NDArray[np.integer]) -> Any:
    """Return a column of texts, of which each row has the one at its place."""
    return pd.array(texts, dtype="string").take(places)


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each frame as ``<name>.csv`` with six significant digits, each file whole or not at all.

    A long one may be compressed, as ``<name>.csv.gz`` (see `bench.frames.csvs.write_csv`); an optional one without rows
    is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    optional = {kind.name for kind in frame_kinds.entries() if kind.optional}
    long = {kind.name for kind in frame_kinds.entries() if kind.long}
    for name in frames:
        path = folder / f"{name}.csv"
        parts = frames.parts(name) if isinstance(frames, Fetched) else iter([frames[name]])
        made = None if name in optional and not len(frames[name]) else write_csv(path, parts, packs=name in long)
        for other in {path, packed(path)} - {made}:
            discard(other)


def read_frames(folder: Path) -> Fetched:
    """Read every frame that `write_frames` wrote, with the same types.

    Raises:
        BenchError: A file is missing or is no such table.
    """

    def fetch(kind: FrameKind) -> pd.DataFrame:
        path = folder / f"{kind.name}.csv"
        if kind.optional and not (path.exists() or packed(path).exists()):
            return typed([], kind.schema)
        return read_frame(path, kind.schema, coded=kind.large)

    return Fetched(fetch)


def read_frame(path: Path, schema: Schema, *, coded: bool = False) -> pd.DataFrame:
    """Read one CSV by its schema, compressed or not; ``coded`` gives texts as categories.

    Raises:
        BenchError: It is missing or is no such table.
    """
    found = packed(path) if packed(path).exists() and not path.exists() else path
    try:
        return with_types(read_csv(found, schema, coded=coded), schema)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BenchError(f"cannot read {found} ({reason}); write the report again from its records") from None


def _flag(value: Any) -> bool | None:
    return None if pd.isna(value) else str(value) == "True"
