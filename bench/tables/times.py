"""Columns of times: read in one form, without a guess, and without hours that stand twice."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.tables.files import row_of

Times = NDArray[np.datetime64]

DAYS = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMS = tuple(day + clock for clock in CLOCKS for day in DAYS)
"""What is tried where a column is not of ISO 8601."""
FAILED = 20
"""Values at the start of a column that a form must read to be tried on all of it."""
OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
OFTEN_READ = 0.5
"""A column that no form reads whole is one of times where a form reads this share of it."""


def parse_times(path: str | Path, name: str, column: pd.Series) -> Times:
    """Return a column as datetime64[ns] ``(rows,)``.

    Text of one form (ISO 8601, or another that only one reading fits), dates of Parquet, and whole numbers such as 2001
    or 20010131. A fixed offset is left out, and times stay as they are written; those of a zone with summer time become
    UTC.

    Raises:
        BenchError: A time is missing or none, time zones are mixed, or day and month cannot be told apart.
    """
    where = f"{path}, column {name!r}"
    missing = column.isna().to_numpy()
    if missing.any():
        row = row_of(column.index[int(missing.argmax())])
        raise BenchError(f"{where}, row {row}: no time; fill it in or take the row out")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        fixed = column.dt.tz is not None and column.dt.tz.utcoffset(None) is not None
        return _plain((column if fixed else column.dt.tz_convert("UTC")).dt.tz_localize(None))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _plain(column)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        column = _digits(where, column)
    return _plain(_from_text(where, column.astype(str).str.strip()))


def moment(text: str, what: str, *, end: bool = False) -> np.datetime64:
    """Return the first moment of a year, month, day or time of ISO 8601 as datetime64[ns]; or its last.

    Args:
        text: Such as ``"2019"``, ``"2019-05"``, ``"2019-05-31"`` or ``"2019-05-31 12:00"``.
        what: Where it comes from, for the message.
        end: Whether its last moment is wanted.

    Raises:
        BenchError: It is none.
    """
    try:
        period = pd.Period(text)
        start: np.datetime64 = (period + int(end)).start_time.to_datetime64().astype("datetime64[ns]")
        return start - np.timedelta64(int(end), "ns")
    except (ValueError, AttributeError, OverflowError):
        raise BenchError(f"{what} is {text!r}: no date; write it as 2019-05-31 or 2019-05-31 12:00") from None


def shown(time: np.datetime64) -> str:
    """Return a time as a person writes it: without a clock at midnight, without seconds that are 0."""
    text = str(time.astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00").removesuffix(":00") if text.endswith(":00") else text


def first_back(times: Times, series: NDArray[np.int64]) -> int | None:
    """Return the first row, counted from 0, that is earlier than the one before it in its series; None without one."""
    by_series = np.argsort(series, kind="stable")
    back = (np.diff(times[by_series]) < np.timedelta64(0, "ns")) & (np.diff(series[by_series]) == 0)
    return int(by_series[back.argmax() + 1]) if back.any() else None


def _from_text(where: str, texts: pd.Series) -> pd.Series:
    offsets = texts.str.extract(OFFSET, expand=False) if texts.str.contains(":").iloc[0] else None
    if offsets is not None and offsets.fillna("").nunique() > 1:
        _raise_mixed(where, texts, offsets.fillna(""))
    iso = pd.to_datetime(texts, format="ISO8601", errors="coerce")
    if iso.notna().all():
        return iso.dt.tz_localize(None)
    start = texts.iloc[:FAILED]
    likely = [form for form in FORMS if pd.to_datetime(start, format=form, errors="coerce").notna().mean() > OFTEN_READ]
    read = {form: pd.to_datetime(texts, format=form, errors="coerce") for form in likely}
    whole = [times for times in read.values() if times.notna().all()]
    if len(whole) > 1 and not whole[0].equals(whole[1]):
        at = texts.index[int((whole[0] != whole[1]).to_numpy().argmax())]
        raise BenchError(
            f"{where}, row {row_of(at)}: {texts[at]!r} may be day and month or month and day; write dates as 2019-05-31"
        )
    if whole:
        return whole[0]
    best = max([iso, *read.values()], key=lambda times: times.notna().sum())
    bad = texts.index[int(best.isna().to_numpy().argmax())]
    like = f"; others are like {texts[best.notna()].iloc[0]!r}" if best.notna().any() else ""
    raise BenchError(f"{where}, row {row_of(bad)}: {texts[bad]!r:.60} is no time{like}; write it as 2019-05-31 12:00")


def reads_as_times(column: pd.Series) -> bool:
    """Return whether some form reads most of a column of text, so that what it does not read is a slip of the hand.

    Of digits alone it is not known: they may be codes of shops as well.
    """
    texts = column.astype(str).str.strip()
    if texts.str.isdigit().any():
        return False
    read = (pd.to_datetime(texts, format=form, errors="coerce").notna().mean() for form in ("ISO8601", *FORMS))
    return any(share > OFTEN_READ for share in read)


def _digits(where: str, column: pd.Series) -> pd.Series:
    """Return years, or dates of eight digits, as text."""
    whole = column.to_numpy(np.float64)
    fits = (whole % 1 == 0) & (((whole >= 1000) & (whole < 3000)) | ((whole >= 1e7) & (whole < 3e7)))
    if not fits.all():
        bad = column.index[int((~fits).argmax())]
        raise BenchError(f"{where}, row {row_of(bad)}: {column[bad]} is no time; write it as 2019-05-31 12:00")
    return pd.Series(whole.astype(np.int64).astype(str), column.index)


def _raise_mixed(where: str, texts: pd.Series, offsets: pd.Series) -> None:
    first = offsets.iloc[0]
    other = offsets.index[int((offsets != first).to_numpy().argmax())]
    raise BenchError(
        f"{where}, row {row_of(other)}: time zone {offsets[other] or 'none'}, and row {row_of(texts.index[0])} has "
        f"{first or 'none'}; write all times in one, such as UTC"
    )


def _plain(times: pd.Series) -> Times:
    found: Times = times.to_numpy("datetime64[ns]")
    return found
