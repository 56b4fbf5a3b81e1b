"""Reading series from a file strictly: every value a number, every time once, no step missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.registry import close_matches
from bench.tables.files import read, row_of
from bench.tables.frequency import Frequency, frequency, gaps
from bench.tables.times import Times, first_back, moment, parse_times, shown

__all__ = ["MISSING", "Table", "moment", "number_fault", "numbers", "read", "table"]

MISSING = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "null", "NULL", "None", "#N/A", "-", "?")
"""Texts that stand for a value that is not there."""
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+|[+-]?\d{1,3}(\.\d{3})+,\d+")
SUNDAY, NONE = 6, np.timedelta64(0, "ns")


@dataclass(frozen=True)
class Table:
    """Series of a file, sorted by series and then time.

    Attributes:
        path: The file.
        times: Of each row, datetime64[ns] ``(rows,)``; None where no column of times was named: then the file's order.
        series: The number of the series of each row, int64 ``(rows,)``, in the order in which the file names them.
        series_names: What stands in the id column; one empty name where there is none.
        columns: Names of the values.
        values: float64 ``(rows, columns)``, all finite.
        rows: The row of the file that each comes from, as a person counts them, int64 ``(rows,)``.
        step: How far apart the times are; None where there are none, or they are irregular.
        notes: What was done to the file's rows, a line each.
    """

    path: str
    times: Times | None
    series: NDArray[np.int64]
    series_names: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    rows: NDArray[np.int64]
    step: Frequency | None = None
    notes: tuple[str, ...] = ()


def table(
    path: str | Path,
    time: str = "",
    id: str = "",
    columns: Sequence[str] = (),
    *,
    since: str = "",
    until: str = "",
    frame: pd.DataFrame | None = None,
) -> Table:
    """Read some columns of a file. Rows that stand twice, the same in all of these columns, are counted once.

    Args:
        path: The file, see `read`.
        time: The column of times; empty where there is none.
        id: The column that names the series of a row; empty where there is one series.
        columns: Those of the values; ``NAME=VALUE`` is 1 where the column of texts NAME holds VALUE, else 0.
        since: The first date used; empty for all.
        until: The last date used, whole; empty for all.
        frame: What `read` gave, where the file was read already.

    Raises:
        BenchError: A column is missing, a value is missing or no number, a time stands twice or is missing.
    """
    whole = frame is None
    frame = with_indicators(path, read(path) if frame is None else frame, columns, whole=whole)
    for name in [*filter(None, (time, id)), *columns]:
        if name not in frame.columns:
            raise BenchError(f"{path}: no column {name!r}; {close_matches(name, list(frame.columns))}")
    if (since or until) and not time:
        raise BenchError(f"{path}: since and until go by times; name their column with time")
    times = parse_times(path, time, frame[time]) if time else None
    if times is not None and (since or until):
        low = moment(since, "since") if since else times.min()
        high = moment(until, "until", end=True) if until else times.max()
        kept = (times >= low) & (times <= high)
        if not kept.any():
            span = f"{shown(times.min())} to {shown(times.max())}"
            raise BenchError(f"{path}: no row from {since or 'its start'} to {until or 'its end'}; it goes {span}")
        frame, times = frame[kept], times[kept]
    series, names = _series(path, id, frame)
    values = np.column_stack([_values(path, name, frame[name]) for name in columns] or [np.empty((len(frame), 0))])
    rows = np.array(frame.index, np.int64) + row_of(0)
    made = Table(str(path), None, series, names, tuple(columns), values, rows)
    return _taken(made, np.argsort(series, kind="stable")) if times is None else _in_time(made, times, time, id)


def with_indicators(path: str | Path, frame: pd.DataFrame, columns: Sequence[str], *, whole: bool) -> pd.DataFrame:
    """Return a frame with those of the columns that are asked for as ``NAME=VALUE``, unless it has them by that name.

    Raises:
        BenchError: A row says nothing there, or (of a ``whole`` file) none holds the value.
    """
    made = {}
    for asked in columns:
        name, equals, value = asked.partition("=")
        if asked in frame.columns or not equals or name not in frame.columns:
            continue
        texts = frame[name].astype("string").str.strip()
        if texts.isna().any():
            row = row_of(frame.index[int(texts.isna().to_numpy().argmax())])
            raise BenchError(f"{path}, column {name!r}, row {row}: no value; fill it in or take the row out")
        made[asked] = (texts == value).astype(np.float64)
        if whole and not made[asked].any():
            known = ", ".join(sorted(texts.unique())[:5])
            raise BenchError(f"{path}, column {name!r}: no row holds {value!r}; name a value that is there, as {known}")
    return frame.assign(**made) if made else frame


def numbers(column: pd.Series) -> NDArray[np.float64]:
    """Return a column as numbers, float64 ``(rows,)``, and NaN for what is missing or none."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def number_fault(value: object) -> str:
    """Return what is wrong with a value that is no number, and what to do."""
    text = "" if value is None or value is pd.NA or value != value else str(value).strip()
    if text in MISSING:
        return f"no value{f' ({text!r})' if text else ''}; fill it in, or take the row out where it is at an end"
    if text.lower().lstrip("+-") in ("inf", "infinity"):
        return f"{text!r} is not finite; give it a value"
    if THOUSANDS.fullmatch(text):
        return f"{text!r} has commas between thousands, or is a decimal with one; write {text.replace(',', '')!r}"
    if DECIMAL_COMMA.fullmatch(text):
        return f"{text!r} is written with a decimal comma; write decimals with a point"
    return f"{text!r:.60} is no number; mend it, or leave the column out"


def _values(path: str | Path, name: str, column: pd.Series) -> NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise BenchError(f"{path}, column {name!r}: holds times, not numbers; leave it out")
    found = numbers(column)
    bad = ~np.isfinite(found)
    if bad.any():
        at = int(bad.argmax())
        more = f" ({bad.sum()} such rows)" if bad.sum() > 1 else ""
        fault = number_fault(column.iloc[at])
        raise BenchError(f"{path}, column {name!r}, row {row_of(column.index[at])}: {fault}{more}")
    return found


def _series(path: str | Path, id: str, frame: pd.DataFrame) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if not id:
        return np.zeros(len(frame), np.int64), ("",)
    codes, names = pd.factorize(frame[id])
    if (codes < 0).any():
        row = row_of(frame.index[int((codes < 0).argmax())])
        raise BenchError(f"{path}, column {id!r}, row {row}: does not name a series; fill it in or take the row out")
    texts = (str(int(n)) if isinstance(n, float) and n.is_integer() else str(n) for n in names)
    return codes.astype(np.int64), tuple(texts)


def _in_time(made: Table, times: Times, time: str, id: str) -> Table:
    """Return a table sorted, each time once.

    Raises:
        BenchError: A time stands twice with other values, or one is missing.
    """
    notes = []
    back = first_back(times, made.series)
    if back is not None:
        notes.append(f"rows are not in the order of {time!r}, first in row {made.rows[back]}; they were sorted")
    order = np.lexsort((made.rows, times, made.series))
    made, times = _taken(made, order), times[order]
    twice = (np.diff(times) == NONE) & (np.diff(made.series) == 0)
    if twice.any():
        copies = twice & (made.values[1:] == made.values[:-1]).all(axis=1)
        if (twice & ~copies).any():
            raise _twice(made, times, time, id, twice & ~copies)
        at = copies.argmax()
        notes.append(
            f"rows that stand twice with the same values, as {made.rows[at]} and {made.rows[at + 1]}, were "
            f"counted once ({copies.sum()} left out)"
        )
        once = np.flatnonzero(np.concatenate([[True], ~copies]))
        made, times = _taken(made, once), times[once]
    step = frequency(times, made.series)
    if step:
        before = gaps(times, made.series, step)
        if len(before):
            raise _gap(made, times, time, step, before)
    return replace(made, times=times, step=step, notes=tuple(notes))


def _twice(made: Table, times: Times, time: str, id: str, twice: NDArray[np.bool_]) -> BenchError:
    at = int(twice.argmax())
    when, of = times[at], f" of {made.series_names[made.series[at]]!r}" if id else ""
    where = f"{made.path}, column {time!r}, rows {made.rows[at]} and {made.rows[at + 1]}"
    days = times[:-1][twice].astype("datetime64[D]")
    weekdays = (days.astype(np.int64) + 3) % 7
    clock = times[:-1][twice] - days
    if (weekdays == SUNDAY).all() and (clock < np.timedelta64(4, "h")).all() and (clock > NONE).any():
        return BenchError(f"{where}: both {shown(when)}{of}, as summer time ends; write times in UTC, or take one out")
    many = not id and twice.sum() > len(twice) / 4
    advice = (
        "name the column of the series with id" if many else "take one out" + ("" if id else ", or name an id column")
    )
    return BenchError(f"{where}: both {shown(when)}{of} with other values (such pairs: {twice.sum()}); {advice}")


def _gap(made: Table, times: Times, time: str, step: Frequency, before: NDArray[np.int64]) -> BenchError:
    at = int(before[0])
    early, late = times[at], times[at + 1]
    rows = f"rows {made.rows[at]} and {made.rows[at + 1]}"
    missing = float(step.steps(early[np.newaxis], late[np.newaxis])[0]) - 1
    lack = f"{missing:.0f} missing" if missing.is_integer() and missing > 0 else "off that grid"
    more = f"; {len(before)} such places" if len(before) > 1 else ""
    return BenchError(
        f"{made.path}, column {time!r}, {rows}: {shown(late)} follows {shown(early)}, where a row comes every "
        f"{step.name} ({lack}{more}); fill the rows in, or cut the series with since or until"
    )


def _taken(made: Table, order: NDArray[np.int64]) -> Table:
    """Return some rows of a table, without times."""
    return replace(made, series=made.series[order], values=made.values[order], rows=made.rows[order])
