"""Frames as CSVs beside a report: what one is, typing by its schema, writing and reading; six significant digits."""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError
from bench.files import discard, remove_leftovers, written_whole
from bench.frames.schemas import Kind, Schema
from bench.frames.selection import Shown
from bench.registry import Registry

Frames = dict[str, pd.DataFrame]
Rows = Iterable[Mapping[str, Any]]
LARGE = 2_000_000
"""A long file of more bytes is compressed: reports are made to be committed."""


@dataclass(frozen=True)
class FrameKind:
    """A CSV beside every report.

    Attributes:
        name: Of the file, without its ending.
        schema: Its columns.
        rows: Makes its rows from what the report shows; a missing column is empty.
        optional: There is no such file where it has no rows.
        long: A run, or a pair of models, has many rows: the file is compressed where it has over `LARGE` bytes.
    """

    name: str
    schema: Schema
    rows: Callable[[Shown], Rows]
    optional: bool = False
    long: bool = False


frame_kinds: Registry[FrameKind] = Registry("frame", "bench.frames")


def frame(
    name: str, schema: Schema, *, optional: bool = False, long: bool = False
) -> Callable[[Callable[[Shown], Rows]], Callable[[Shown], Rows]]:
    """Register the maker of a CSV's rows; see `FrameKind`."""

    def decorate(rows: Callable[[Shown], Rows]) -> Callable[[Shown], Rows]:
        frame_kinds.add(name, FrameKind(name, schema, rows, optional, long), source=rows)
        return rows

    return decorate


def make_frames(shown: Shown) -> Frames:
    """Return every frame of what a report shows."""
    return {kind.name: typed(kind.rows(shown), kind.schema) for kind in frame_kinds.entries()}


def typed(rows: Rows, schema: Schema) -> pd.DataFrame:
    """Return rows as a frame of a schema.

    Raises:
        ValueError: A row has a column that the schema lacks, or a value of another type.
    """
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
            made[name] = values.astype("string").array.fillna("")
        elif kind is Kind.INTEGER:
            made[name] = pd.to_numeric(values).astype("Int64").array
        elif kind is Kind.FLAG:
            made[name] = values.map(_flag).astype("boolean").array
        else:
            made[name] = pd.to_numeric(values).astype("float64").array
    return pd.DataFrame(made, frame.index, copy=False)


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each frame as ``<name>.csv`` with six significant digits, each file whole or not at all.

    A long one of more than `LARGE` bytes is compressed, as ``<name>.csv.gz``; an optional one without rows is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    optional = {kind.name for kind in frame_kinds.entries() if kind.optional}
    long = {kind.name for kind in frame_kinds.entries() if kind.long}
    for name, frame in frames.items():
        path = folder / f"{name}.csv"
        if name in optional and not len(frame):
            discard(path)
            discard(_packed(path))
            continue
        # Not every version quotes a text for a carriage return alone, which ends a line where it is read.
        texts: pd.DataFrame = frame.select_dtypes("string")
        returns = any(texts[name].str.contains("\r", regex=False).any() for name in texts.columns)
        quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        data = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n", quoting=quoting).encode()
        large = name in long and len(data) > LARGE
        with written_whole(_packed(path) if large else path) as new:
            new.write_bytes(gzip.compress(data, mtime=0) if large else data)
        discard(path if large else _packed(path))


def read_frames(folder: Path) -> Frames:
    """Read every frame that `write_frames` wrote, with the same types.

    Raises:
        BenchError: A file is missing or is no such table.
    """
    paths = [(kind, folder / f"{kind.name}.csv") for kind in frame_kinds.entries()]
    return {
        kind.name: typed([], kind.schema)
        if kind.optional and not (path.exists() or _packed(path).exists())
        else read_frame(path, kind.schema)
        for kind, path in paths
    }


def read_frame(path: Path, schema: Schema) -> pd.DataFrame:
    """Read one CSV by its schema, compressed or not.

    Raises:
        BenchError: It is missing or is no such table.
    """
    packed = _packed(path)
    found = packed if packed.exists() and not path.exists() else path
    try:
        return with_types(pd.read_csv(found, dtype=str, keep_default_na=False, na_values=[""]), schema)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BenchError(f"cannot read {found} ({reason}); write the report again from its records") from None


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _flag(value: Any) -> bool | None:
    return None if pd.isna(value) else str(value) == "True"
