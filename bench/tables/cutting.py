"""Windows of series cut by time: which belong to training, validation and test, and what goes together in each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.tables.reading import Table
from bench.tables.times import moment, shown

Flags = NDArray[np.bool_]
Starts = NDArray[np.int32]
PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Cut:
    """A table cut by time, with windows of one length.

    Attributes:
        starts: The row that each window of a part begins at, int32 ``(windows,)``, by part.
        training: Which rows are the training part's ``(rows,)``: what may be fitted on.
        spans: First and last time of the targets of each part, by part; the number of a row of its series where there
            are no times.
    """

    starts: dict[str, Starts]
    training: Flags
    spans: dict[str, tuple[str, str]]

    @property
    def lines(self) -> list[str]:
        """What each part holds, a line each."""
        parts = self.spans.items()
        return [f"{part}: {len(self.starts[part]):,} windows, targets {a} to {b}" for part, (a, b) in parts]


def cut(
    table: Table,
    input_length: int,
    horizon: int,
    valid: float | str,
    test: float | str,
    *,
    reach_back: bool = True,
    folds: tuple[int, int] = (0, 1),
) -> Cut:
    """Cut a table into windows whose targets lie in one part each; those that lie in two are left out.

    So no value is a target of two parts. All series are cut at the same times.

    Args:
        table: Series, sorted.
        input_length: Rows of a window's inputs.
        horizon: Rows of its targets, which follow.
        valid: The share of all times that is validation, or its first date.
        test: Likewise, at the end; validation comes before it.
        reach_back: Whether inputs may lie in the part before that of the targets.
        folds: Which fold, counted from 0, of how many: the test part is cut into so many, and validation and training
            move along with the fold that is test.

    Raises:
        BenchError: A series has no whole window, or a part has none.
    """
    order = _places(table) if table.times is None else table.times
    first, last = table.series[: 1 - input_length - horizon], table.series[input_length + horizon - 1 :]
    starts = np.flatnonzero(first == last) if len(last) else np.zeros(0, np.int64)
    if not len(starts):
        longest = int(np.bincount(table.series).max())
        raise BenchError(
            f"{table.path}: a window takes {input_length} rows of inputs and {horizon} of targets, and the longest "
            f"series has {longest} rows; shorten input_length or horizon"
        )
    times = np.unique(order)
    try:
        at_test = _boundary("test", test, times, len(times))
        at_valid = _boundary("valid", valid, times, at_test)
    except BenchError as error:
        raise BenchError(f"{table.path}: {error}") from None
    if at_valid >= at_test:
        raise BenchError(
            f"{table.path}: validation begins at {_said(times, at_valid)}, not before test; mend the dates"
        )
    fold, count = folds
    ahead = len(times) - at_test
    moves = (at_valid, fold), (at_test, fold), (at_test, fold + 1)
    at_valid, at_test, end = (at + ahead * folds_before // count for at, folds_before in moves)
    begins = {"train": None, "valid": at_valid, "test": at_test}
    ends = {"train": at_valid, "valid": at_test, "test": end}
    place = np.searchsorted(times, order)
    from_, to = place[starts + input_length], place[starts + input_length + horizon - 1]
    found: dict[str, Starts] = {}
    for part in PARTS:
        begin = begins[part]
        inside = to < ends[part]
        if begin is not None:
            inside &= (from_ if reach_back else place[starts]) >= begin
        if not inside.any():
            here = ends[part] - (begin or 0)
            raise BenchError(
                f"{table.path}: {part} holds no window, as its part of the times, {_said(times, begin or 0)} to "
                f"{_said(times, ends[part] - 1)}, is {here} steps long and a window takes "
                f"{horizon if begin is not None and reach_back else input_length + horizon}; "
                "give it more, or shorten input_length or horizon"
            )
        found[part] = starts[inside].astype(np.int32)
    ends_at = input_length + horizon - 1
    spans = {
        part: (_said(times, int(place[each + input_length].min())), _said(times, int(place[each + ends_at].max())))
        for part, each in found.items()
    }
    return Cut(found, place < at_valid, spans)


def blocks(table: Table, starts: Starts, length: int) -> NDArray[np.int64]:
    """Return what each window goes together with, as whole numbers ``(windows,)``.

    Of several series it is the series. Of one series it is a block of time, in which ``length`` windows or more begin:
    errors of windows that begin close to one another are of the same days, and no independent evidence. What is left
    over at the end belongs to the last block.
    """
    if len(table.series_names) > 1:
        return table.series[starts]
    number = max(len(starts) // length, 1)
    return np.minimum(np.arange(len(starts)) // length, number - 1)


def naive_errors(
    values: NDArray[np.float64], series: NDArray[np.int64], season: int, count: int
) -> NDArray[np.float64]:
    """Return the mean absolute error of the seasonal naive forecast, one season ahead, of each series.

    Args:
        values: Of the training part, in the units that errors are in, ``(rows, targets)``.
        series: Of each row, sorted ``(rows,)``.
        season: Steps from a value to the one that forecasts it.
        count: How many series there are.

    Returns:
        ``(series, targets)``: the scale of MASE (Hyndman and Koehler 2006); 0 where a series has no two such values.
    """
    same = series[season:] == series[:-season]
    of = series[season:][same]
    errors = np.abs(values[season:] - values[:-season])[same]
    sums = np.stack([np.bincount(of, column, count) for column in errors.T], axis=1)
    return sums / np.maximum(np.bincount(of, minlength=count), 1)[:, np.newaxis]


def _places(table: Table) -> NDArray[np.int64]:
    """Return the number of each row in its series, counted from 0."""
    begins = np.searchsorted(table.series, table.series)
    return np.arange(len(table.series)) - begins


def _boundary(name: str, given: float | str, times: NDArray[np.generic], end: int) -> int:
    """Return the number of the first time of a part that ends before the time ``end``."""
    if isinstance(given, str):
        if times.dtype.kind != "M":
            raise BenchError(f"{name} is a date, {given!r}, and no column of times is named; name it, or give a share")
        at = int(np.searchsorted(times, moment(given, name)))
        if at in (0, len(times)):
            ends = f"the file's times go {_said(times, 0)} to {_said(times, len(times) - 1)}"
            raise BenchError(f"{name} is {given}, and {ends}; name a date among them, or give a share")
        return at
    return end - round(given * len(times))


def _said(times: NDArray[np.generic], at: int) -> str:
    time = times[min(at, len(times) - 1)]
    return shown(time) if isinstance(time, np.datetime64) else f"row {int(time) + 1}"
