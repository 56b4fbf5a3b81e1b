"""What the calendar says of a time: features that are known ahead."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]
Feature = Literal["hour", "weekday", "day", "month", "yearday"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
THURSDAY = 3
"""The weekday of 1970-01-01, counted from Monday."""


def calendar(times: Times, features: Sequence[Feature]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return calendar features of times ``(rows, columns)`` and their names.

    A weekday is seven columns, one of which is 1: working days and weekends are no wave. The others go round, and are a
    sine and a cosine: hour of the day, day of the month, month of the year, day of the year.
    """
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    for feature in features:
        if feature == "weekday":
            day = weekdays(times)
            columns += [(day == number).astype(np.float64) for number in range(7)]
            names += DAYS
        else:
            angle = 2 * np.pi * _TURNS[feature](times)
            columns += [np.sin(angle), np.cos(angle)]
            names += [f"{feature}_sin", f"{feature}_cos"]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0)), tuple(names)


def weekdays(times: Times) -> NDArray[np.int64]:
    """Return the number of each time's weekday, counted from Monday, in the shape of ``times``."""
    days: NDArray[np.int64] = (times.astype("datetime64[D]").astype(np.int64) + THURSDAY) % 7
    return days


def _since(times: Times, unit: str) -> NDArray[np.float64]:
    """Return the share of a day, month or year that has passed."""
    begin = times.astype(f"datetime64[{unit}]")
    start, end = (each.astype("datetime64[s]").astype(np.int64) for each in (begin, begin + 1))
    return (times.astype("datetime64[s]").astype(np.int64) - start) / (end - start)


_TURNS: dict[str, Callable[[Times], NDArray[np.float64]]] = {
    "hour": lambda times: _since(times, "D"),
    "day": lambda times: _since(times, "M"),
    "month": lambda times: times.astype("datetime64[M]").astype(np.int64) % 12 / 12,
    "yearday": lambda times: _since(times, "Y"),
}
