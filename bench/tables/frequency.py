"""How far apart the times of series are, and where one is missing."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bench.tables.times import Times

REGULAR = 0.8
"""Series whose steps are alike in this share have a frequency; what differs is a gap."""
SECOND = 1_000_000_000
UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Unit(Enum):
    """What a step is counted in."""

    NANOSECOND = "nanosecond"
    WORKING_DAY = "working day"
    MONTH = "month"


@dataclass(frozen=True)
class Frequency:
    """The step from one time to the next."""

    unit: Unit
    count: int

    def steps(self, earlier: Times, later: Times) -> NDArray[np.float64]:
        """Return how many steps lie between times, float64 ``(n,)``; a broken number where they are off the grid."""
        return np.divide(_between(self.unit, earlier, later), self.count)

    def after(self, times: Times, steps: int) -> Times:
        """Return the times that follow a series, datetime64[ns] ``(steps,)``.

        Months that all ended with their last day go on so; else the day stays, or is the last where a month has fewer.

        Args:
            times: Of the series, in order; one at least.
            steps: How many times.
        """
        last, ahead = times[-1], np.arange(1, steps + 1) * self.count
        if self.unit is Unit.NANOSECOND:
            later: Times = last + ahead.astype("timedelta64[ns]")
            return later
        day, days = last.astype("datetime64[D]"), times.astype("datetime64[D]")
        if self.unit is Unit.WORKING_DAY:
            following = np.busday_offset(day, ahead)
        else:
            ends = (days + 1 == (days.astype("datetime64[M]") + 1).astype("datetime64[D]")).all()
            months = last.astype("datetime64[M]") + ahead
            most = (months + 1).astype("datetime64[D]") - 1
            of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).max()
            following = most if ends else np.minimum(months.astype("datetime64[D]") + of_month, most)
        found: Times = following.astype("datetime64[ns]") + (last - day)
        return found

    @property
    def name(self) -> str:
        """Such as ``hour``, ``15 minutes``, ``month``, ``year``."""
        count, unit = self.count, self.unit.value
        if self.unit is Unit.MONTH and count % 12 == 0:
            count, unit = count // 12, "year"
        elif self.unit is Unit.NANOSECOND:
            for name, seconds in UNITS:
                if count % (seconds * SECOND) == 0:
                    count, unit = count // (seconds * SECOND), name
                    break
        return unit if count == 1 else f"{count} {unit}s"

    @property
    def seconds(self) -> float:
        """How long a step is, about."""
        return self.count * {Unit.NANOSECOND: 1e-9, Unit.WORKING_DAY: 86_400 * 7 / 5, Unit.MONTH: 2_629_746}[self.unit]


def frequency(times: Times, series: NDArray[np.int64]) -> Frequency | None:
    """Return the step that most neighbours have; None where fewer than `REGULAR` agree, or there are none.

    Args:
        times: Of each row, ``(rows,)``, sorted by series and then time, none twice in a series.
        series: The number of the series of each row, ``(rows,)``.
    """
    same = series[1:] == series[:-1]
    earlier, later = times[:-1][same], times[1:][same]
    if not len(earlier):
        return None
    for unit in _fitting(times, later - earlier):
        between = _between(unit, earlier, later)
        values, counts = np.unique(between, return_counts=True)
        count = int(values[counts.argmax()])
        if count > 0 and counts.max() >= REGULAR * len(between):
            return Frequency(unit, count)
    return None


def gaps(times: Times, series: NDArray[np.int64], step: Frequency) -> NDArray[np.int64]:
    """Return the rows before a gap: those that the next of their series does not follow by one step."""
    same = series[1:] == series[:-1]
    return np.flatnonzero(same & (step.steps(times[:-1], times[1:]) != 1))


def _fitting(times: Times, steps: NDArray[np.timedelta64]) -> list[Unit]:
    """Return the units that may tell the steps, the most special one first."""
    days = times.astype("datetime64[D]")
    months = times.astype("datetime64[M]")
    if (steps >= np.timedelta64(28, "D")).all():
        first, last = days == months.astype("datetime64[D]"), days + 1 == (months + 1).astype("datetime64[D]")
        of_month = days - months.astype("datetime64[D]")
        if first.all() or last.all() or (of_month == of_month[0]).all():
            return [Unit.MONTH, Unit.NANOSECOND]
    daily = (times == times[0].astype("datetime64[D]") + (times[0] - days[0]) + (days - days[0])).all()
    working = np.is_busday(days).all() and daily and np.median(steps.astype(np.int64)) == 86_400 * SECOND
    return (
        [Unit.WORKING_DAY, Unit.NANOSECOND]
        if working and days[-1] - days[0] >= np.timedelta64(6, "D")
        else [Unit.NANOSECOND]
    )


def _between(unit: Unit, earlier: Times, later: Times) -> NDArray[np.float64]:
    if unit is Unit.WORKING_DAY:
        return np.busday_count(earlier.astype("datetime64[D]"), later.astype("datetime64[D]")).astype(np.float64)
    counted = "datetime64[M]" if unit is Unit.MONTH else "datetime64[ns]"
    steps: NDArray[np.int64] = later.astype(counted).astype(np.int64) - earlier.astype(counted).astype(np.int64)
    return steps.astype(np.float64)
