"""The ends of a file's series: the last rows of each, and what is known of the next steps."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.tables.reading import MISSING, Table, read, table
from bench.tables.times import shown

Float64 = NDArray[np.float64]
Labels = NDArray[np.datetime64] | NDArray[np.int64]


@dataclass(frozen=True)
class Ends:
    """The ends of a file's series.

    Attributes:
        names: Of the series; one empty name where there is one.
        values: Their last rows, of targets and of what is known up to now ``(series, rows, columns)``.
        known: What is known ahead, each row that of ``horizon`` rows later ``(series, rows, columns)``.
        times: Of these rows and of the next ones ``(series, rows + horizon)``; whole numbers, which count the rows of a
            series from 1, where the file has no times.
    """

    names: tuple[str, ...]
    values: Float64
    known: Float64
    times: Labels


def ends_of(
    path: str, time: str, id: str, targets: tuple[str, ...], past: tuple[str, ...], known: tuple[str, ...], *,
    rows: int, horizon: int, since: str = "",
) -> Ends:  # fmt: skip
    """Read the end of each series. Rows after it, of which no target is there yet, may say what is known ahead.

    Args:
        path: The file.
        time: Its column of times; empty where rows are in order, and counted.
        id: The column that names a row's series; empty where there is one.
        targets: Columns that are forecast.
        past: Further columns that are known up to now.
        known: Columns that are known ahead.
        rows: How many rows of each series are asked for.
        horizon: Steps beyond the end; ``rows`` at most where something is known ahead.
        since: The first date used; empty for all.

    Raises:
        BenchError: The file cannot be read or lacks a column, a series is too short or its times are irregular, or what
            is known ahead is not there.
    """
    frame = read(path)
    there = _told(frame, id, targets, in_order=not time)
    made = table(path, time, id, [*targets, *past, *known], since=since, frame=frame[there])
    later = table(path, time, id, known, frame=frame[~there]) if known and not there.all() else None
    number = len(targets) + len(past)
    values, ahead = [], []
    times: list[Labels] = []
    for series, name in enumerate(made.series_names):
        own = np.flatnonzero(made.series == series)
        called = f"{path}: series {name!r}" if id else f"{path}: its series"
        if len(own) < rows:
            raise BenchError(f"{called} has {len(own)} rows, and a window takes {rows}; give a file with more")
        labels = _labels(made, own, horizon, called)
        values.append(made.values[own[-rows:], :number])
        then = made.values[own, number:]
        if known:
            then = np.concatenate([then, _known(later, name, labels[len(own) :], called, known, targets)])
        ahead.append(then[-rows:])
        times.append(labels[-rows - horizon :])
    return Ends(made.series_names, np.stack(values), np.stack(ahead), cast("Labels", np.stack(times)))


def _told(frame: pd.DataFrame, id: str, targets: tuple[str, ...], *, in_order: bool) -> NDArray[np.bool_]:
    """Return which rows are of the past: those with a target, and (where rows are in order) those that one follows."""
    if any(name not in frame.columns for name in (*targets, *filter(None, [id]))):
        return np.ones(len(frame), np.bool_)  # what reads the table says that there is no such column
    given = frame[list(targets)]
    told = (given.notna() & ~given.isin(MISSING)).any(axis=1)
    if in_order:
        groups = frame[id] if id else np.zeros(len(frame), np.int64)
        told = told[::-1].groupby(groups).cummax()[::-1]
    found: NDArray[np.bool_] = told.to_numpy(np.bool_)
    return found if found.any() else np.ones(len(frame), np.bool_)


def _labels(made: Table, own: NDArray[np.int64], horizon: int, called: str) -> Labels:
    """Return the times of a series and of its next steps.

    Raises:
        BenchError: The times have no frequency.
    """
    if made.times is None:
        return np.arange(1, len(own) + horizon + 1)
    if made.step is None:
        raise BenchError(f"{called} has times without a frequency, so the next ones are not known; name no time column")
    both: Labels = np.concatenate([made.times[own], made.step.after(made.times[own], horizon)])
    return both


def _known(
    later: Table | None, name: str, labels: Labels, called: str, known: tuple[str, ...], targets: tuple[str, ...]
) -> Float64:
    """Return what the rows after a series' end tell of its next steps.

    Raises:
        BenchError: One of them is not there.
    """
    own = np.zeros(0, np.int64)
    if later is not None and name in later.series_names:
        own = np.flatnonzero(later.series == later.series_names.index(name))
    there = np.arange(len(own)) if later is None or later.times is None else np.searchsorted(later.times[own], labels)
    there = there[: len(labels)]
    found = len(there) == len(labels) and bool((there < len(own)).all())
    if found and later is not None and later.times is not None:
        found = bool((later.times[own][there] == labels).all())
    if later is None or not found:
        one = labels[0]
        begin = f"{shown(one)} on" if isinstance(one, np.datetime64) else "the end on"
        raise BenchError(
            f"{called}: {', '.join(known)} must be known for the {len(labels)} steps from {begin}; add rows that hold "
            f"them, with {', '.join(targets)} left empty"
        )
    return later.values[own][there]
