"""What a column of a file holds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.tables.files import row_of
from bench.tables.reading import MISSING, number_fault, numbers
from bench.tables.season import Season

TRIED = 200
"""Values at the start of a column of texts that say whether these are numbers in another form."""


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes:
        name: Its name.
        kind: ``time``, ``id``, ``number``, ``constant``, ``text``, or ``empty``.
        missing: Rows without a value.
        distinct: Values that differ.
        low: The least number; None of another kind.
        mean: Likewise.
        high: Likewise.
        fault: What is wrong with its first bad row, and which; empty where nothing is.
        season: Of a number that was looked at.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    low: float | None = None
    mean: float | None = None
    high: float | None = None
    fault: str = ""
    season: Season | None = None


def column_of(name: str, column: pd.Series, time: str, id: str) -> Column:
    """Return what a column holds; ``time`` and ``id`` name those of the times and of the series."""
    values = numbers(column) if not pd.api.types.is_datetime64_any_dtype(column.dtype) else np.full(len(column), np.nan)
    there = np.isfinite(values)
    stripped = column if pd.api.types.is_numeric_dtype(column.dtype) else column.astype(str).str.strip()
    absent = (column.isna() | stripped.isin(MISSING)).to_numpy()
    missing, distinct = int(absent.sum()), int(column.nunique())
    if name in (time, id):
        return Column(name, "time" if name == time else "id", missing, distinct)
    if absent.all():
        return Column(name, "empty", missing, distinct)
    looks_so = there.sum() >= (~absent).sum() / 2 or _number_like(column[~absent])
    if not looks_so:
        return Column(name, "constant" if distinct == 1 else "text", missing, distinct)
    fault = ""
    if not there.all():
        at = int((~there).argmax())
        more = f" ({int((~there).sum())} such rows)" if (~there).sum() > 1 else ""
        fault = f"row {row_of(column.index[at])}: {number_fault(column.iloc[at])}{more}"
    if not there.any():
        return Column(name, "number", missing, distinct, fault=fault)
    good = values[there]
    kind = "constant" if distinct == 1 and there.all() else "number"
    return Column(name, kind, missing, distinct, float(good.min()), float(good.mean()), float(good.max()), fault)


def _number_like(column: pd.Series) -> bool:
    """Return whether most texts of a column are numbers in a form that is not read, such as with decimal commas."""
    start = column.iloc[:TRIED].astype(str).str.strip()
    return bool(start.str.fullmatch(r"[+-]?[\d., ]*\d").mean() > 0.5)
