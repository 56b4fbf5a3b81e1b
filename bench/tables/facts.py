"""What is in a file: its columns, times, series and season, and what would stop a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.registry import close_matches
from bench.tables.columns import Column, column_of
from bench.tables.files import read, row_of
from bench.tables.frequency import Frequency, frequency, gaps
from bench.tables.reading import numbers, table
from bench.tables.season import find_season
from bench.tables.times import Times, first_back, parse_times, reads_as_times, shown

TRIED = 200
"""Values at the start of a column that say whether it holds times."""
MANY_TWICE = 0.25
"""Where more times than this share stand twice there are several series."""
LOOKED_AT = 8
"""Series, the longest ones, whose season is looked for, and number columns where no target is named."""


@dataclass(frozen=True)
class Facts:
    """What is in a file.

    Attributes:
        path: The file.
        rows: How many it has, the header apart.
        columns: All of them.
        time: Name of the column of times; empty where there is none.
        id: Name of the column that tells series apart; empty where there is one series.
        first: The first time; empty without any.
        last: The last time.
        step: How far apart times are; None where they are irregular, or there are none.
        series: Rows of each series by name, the longest first.
        unsorted: The first row that is earlier than the one before it; 0 where there is none.
        twice: Rows whose time stood before, in the same series.
        gaps: Places where a row is missing.
        first_gaps: The first of them, in words.
        faults: What would stop a run that uses all number columns, a line each.
        frame: The file.
        times: Of each row; None without any.
    """

    path: str
    rows: int
    columns: tuple[Column, ...]
    time: str
    id: str
    first: str
    last: str
    step: Frequency | None
    series: dict[str, int]
    unsorted: int
    twice: int
    gaps: int
    first_gaps: tuple[str, ...]
    faults: tuple[str, ...]
    frame: pd.DataFrame
    times: Times | None

    @property
    def numbers(self) -> list[Column]:
        """Columns that can be forecast."""
        return [column for column in self.columns if column.kind == "number" and not column.fault]

    @property
    def numeric(self) -> list[Column]:
        """Columns of numbers, those with faults too."""
        return [column for column in self.columns if column.kind == "number"]


def look(path: str | Path, time: str = "", id: str = "", targets: Sequence[str] = ()) -> Facts:
    """Return what is in a file; what is wrong with its rows is told, not raised.

    Args:
        path: The file.
        time: Its column of times; empty to find it.
        id: The column that names the series; empty to find it, where times stand twice.
        targets: Columns to look for a season in; empty for all numbers.

    Raises:
        BenchError: The file cannot be read, or has no such column.
    """
    frame = read(path)
    for name in filter(None, (time, id, *targets)):
        if name not in frame.columns:
            raise BenchError(f"{path}: no column {name!r}; {close_matches(name, list(map(str, frame.columns)))}")
    time = time or _find_time(path, frame)
    times, faults = None, []
    if time:
        try:
            times = parse_times(path, time, frame[time])
        except BenchError as error:
            faults.append(str(error))
    id = id or (_find_id(frame, times, time) if times is not None else "")
    series, names = _numbered(frame, id)
    order = np.arange(len(frame)) if times is None else np.lexsort((np.arange(len(frame)), times, series))
    step, found = None, _NoTimes()
    if times is not None:
        found = _Times(frame, times, series, names, order)
        step = found.step
    columns = tuple(column_of(str(name), frame[name], time, id) for name in frame.columns)
    asked = [c.name for c in columns if c.kind == "number" and (c.name in targets or not targets)][:LOOKED_AT]
    counts = np.bincount(series, minlength=len(names))
    longest = np.argsort(-counts, kind="stable").tolist()
    first = [order[series[order] == n] for n in longest[:LOOKED_AT]]
    if times is not None:
        first = [rows[np.concatenate([[True], np.diff(times[rows]) > np.timedelta64(0)])] for rows in first]
    columns = tuple(_with_season(c, frame, first, step) if c.name in asked else c for c in columns)
    numeric = [c for c in columns if c.kind == "number"]
    faults += [f"{path}, column {c.name!r}, {c.fault}" for c in numeric if c.fault]
    good = [c.name for c in numeric if not c.fault]
    if times is not None and good:
        try:
            table(path, time, id, good, frame=frame)
        except BenchError as error:
            faults.append(str(error))
    if not numeric:
        faults.append(f"{path}: no column of numbers to forecast; known: {', '.join(map(str, frame.columns))}")
    return Facts(
        path=str(path),
        rows=len(frame),
        columns=columns,
        time=time,
        id=id,
        first=shown(times.min()) if times is not None else "",
        last=shown(times.max()) if times is not None else "",
        step=step,
        series={names[n]: int(counts[n]) for n in longest},
        unsorted=found.unsorted,
        twice=found.twice,
        gaps=found.gaps,
        first_gaps=found.first_gaps,
        faults=tuple(faults),
        frame=frame,
        times=times,
    )


def steps_of(facts: Facts) -> Times | None:
    """Return all times of a file, each once, sorted; None where there are none."""
    return None if facts.times is None else np.unique(facts.times)


class _NoTimes:
    """What times would say, where there are none."""

    step: Frequency | None = None
    unsorted = 0
    twice = 0
    gaps = 0
    first_gaps: tuple[str, ...] = ()


class _Times(_NoTimes):
    """What the times of a file say."""

    SHOWN = 3

    def __init__(
        self,
        frame: pd.DataFrame,
        times: Times,
        series: NDArray[np.int64],
        names: Sequence[str],
        order: NDArray[np.int64],
    ):
        none = np.timedelta64(0, "ns")
        back = first_back(times, series)
        self.unsorted = 0 if back is None else row_of(frame.index[back])
        again = np.concatenate([[False], (np.diff(times[order]) == none) & (np.diff(series[order]) == 0)])
        self.twice = int(again.sum())
        once = order[~again]
        self.step = frequency(times[once], series[once])
        before = gaps(times[once], series[once], self.step) if self.step else np.empty(0, np.int64)
        self.gaps = len(before)
        self.first_gaps = tuple(
            f"{shown(times[once[at]])} to {shown(times[once[at + 1]])}"
            + (f" of {names[series[once[at]]]}" if len(names) > 1 else "")
            for at in before[: self.SHOWN]
        )


def _find_time(path: str | Path, frame: pd.DataFrame) -> str:
    """Return the first column whose values are times; where there is none, the first of texts that mostly are.

    Numbers count only where the name says so.
    """
    slips = []
    for name in frame.columns:
        column = frame[name].iloc[:TRIED].dropna()
        named = any(word in str(name).lower() for word in ("date", "time", "year", "day", "month"))
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        if not len(column) or (numeric and not named):
            continue
        try:
            parse_times(path, str(name), column)
        except BenchError as error:
            if "day and month" not in str(error):
                slips += [str(name)] if not numeric and reads_as_times(column) else []
                continue
        return str(name)
    return slips[0] if slips else ""


def _find_id(frame: pd.DataFrame, times: Times, time: str) -> str:
    """Return the column that tells rows of one time apart; empty where there is none, or it is not needed."""
    if len(np.unique(times)) > (1 - MANY_TWICE) * len(times):
        return ""
    for name in frame.columns:
        if name == time or frame[name].isna().any() or pd.api.types.is_float_dtype(frame[name].dtype):
            continue
        codes, values = pd.factorize(frame[name])
        if 1 < len(values) <= len(frame) / 2 and not pd.DataFrame({"t": times, "i": codes}).duplicated().any():
            return str(name)
    return ""


def _numbered(frame: pd.DataFrame, id: str) -> tuple[NDArray[np.int64], list[str]]:
    if not id:
        return np.zeros(len(frame), np.int64), [""]
    codes, names = pd.factorize(frame[id].astype(str), use_na_sentinel=False)
    return codes.astype(np.int64), [str(name) for name in names]


def _with_season(column: Column, frame: pd.DataFrame, rows: list[NDArray[np.int64]], step: Frequency | None) -> Column:
    values = numbers(frame[column.name])
    found = find_season([values[each] for each in rows if len(each)], step)
    return replace(column, season=found)
