"""The season of series, from their autocorrelation, and how sure it is.

At a lag, the trend is taken out by the centred moving average of that length, as the classical decomposition does, and
four autocorrelations are asked for: at the lag, at its double, and at the lag in each half of the series. The least of
them is the lag's strength: a random walk has high ones now and then, but seldom all four. A *clear* season shows in the
differences of the series, too, which those of a random walk do not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.tables.frequency import Frequency

Series = NDArray[np.float64]

LATEST, LONGEST_LAG = 8_192, 400
"""Values of a series that are looked at, the last ones, and lags that are tried beside the usual ones."""
CYCLES = 4
"""A season is seen only where a series holds this many."""
BAND = 4.0
"""Times 1/sqrt(n): what noise alone seldom reaches at any of hundreds of lags (simulated)."""
USUAL_LEAST, ALIKE = 0.2, 0.05
"""Least strength of a season that is not clear; strengths that differ by less are one."""
MULTIPLES = 6
USUAL: dict[str, tuple[int, ...]] = {
    "minute": (60, 1440),
    "5 minutes": (12, 288, 2016),
    "10 minutes": (6, 144, 1008),
    "15 minutes": (4, 96, 672),
    "30 minutes": (48, 336),
    "hour": (24, 168),
    "day": (7, 365),
    "working day": (5, 260),
    "week": (52,),
    "month": (12,),
    "3 months": (4,),
}
"""Lags that are seasons where a step is so long: of an hour, a day, a week, a year."""


@dataclass(frozen=True)
class Season:
    """A season, or that there is none.

    Attributes:
        steps: Its length; 1 where there is none.
        strength: The least of its four autocorrelations; see the module.
        rival: The strength of the next best lag that is neither near it nor a multiple or a part of it.
        band: What white noise of this length stays below.
        clear: Whether it shows in the differences of the series, too.
    """

    steps: int = 1
    strength: float = 0.0
    rival: float = 0.0
    band: float = 0.0
    clear: bool = False

    @property
    def words(self) -> str:
        """What is known, in words."""
        if self.steps == 1:
            return f"none found (autocorrelation {self.strength:.2f} at most, noise reaches {self.band:.2f})"
        sure = "clear" if self.clear else "likely"
        return (
            f"{self.steps} steps, {sure}: autocorrelation {self.strength:.2f}, next best lag {self.rival:.2f}, noise "
            f"reaches {self.band:.2f}"
        )


def find_season(series: Sequence[Series], step: Frequency | None = None) -> Season:
    """Return the season that series share.

    Args:
        series: Values of each, ``(n,)``; NaN is filled in by a straight line. All are cut to the shortest.
        step: How far apart the values are; a usual season of such a step is preferred, and need not be clear.
    """
    length = min([LATEST, *(len(one) for one in series)])
    values = [_filled(one[-length:]) for one in series]
    values = [one for one in values if one.size and np.isfinite(one).all() and np.ptp(one) > 0]
    usual = USUAL.get(step.name if step else "", ())
    longest = length // CYCLES
    lags = sorted({*range(3, min(longest, LONGEST_LAG) + 1), *(lag for lag in usual if lag <= longest)})
    band = BAND / math.sqrt(max(length, 1))
    if not values or not lags:
        return Season(band=band)
    strengths = {lag: float(np.mean([_strength(_detrended(one, lag), lag) for one in values])) for lag in lags}
    best = max(strengths.values())
    alike = max(ALIKE, band / 2)
    sure = [u for u in usual if u in strengths and strengths[u] > max(band, USUAL_LEAST, best / 2)]
    if sure:
        usual_one = min(u for u in sure if strengths[u] >= max(strengths[u] for u in sure) - alike)
        parts = (m for m in lags if usual_one % m == 0 and strengths[m] >= strengths[usual_one] - alike)
        lag = min(parts)
    else:
        first = next(lag for lag in lags if strengths[lag] >= best - alike)
        near = [m for m in lags if abs(m - first) <= max(2, first // 6) and strengths[m] >= best - alike]
        lag = max(near, key=lambda m: _repeated(values, m))
    at = strengths[lag]
    clear = at > band and float(np.mean([_strength(np.diff(one), lag) for one in values])) > band
    if not clear and not sure:
        return Season(1, best, band=band)
    others = [strengths[m] for m in lags if _unlike(m, lag)]
    return Season(lag, at, max(others, default=0.0), band, clear)


def autocorrelation(values: Series, lag: int) -> float:
    """Return the autocorrelation of values ``(n,)`` at a lag, the mean of n - lag products over the variance."""
    centred = values - values.mean()
    variance = float(centred @ centred) / len(centred)
    if variance <= 0:
        return 0.0
    return float(centred[lag:] @ centred[:-lag]) / (len(centred) - lag) / variance


def _strength(values: Series, lag: int) -> float:
    half = len(values) // 2
    if 2 * lag >= len(values) or lag >= half:
        return 0.0
    parts = (values, lag), (values, 2 * lag), (values[:half], lag), (values[half:], lag)
    return min(autocorrelation(part, by) for part, by in parts)


def _detrended(values: Series, lag: int) -> Series:
    """Return values less their centred moving average of a length; that of an even one weighs its two ends by half."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[lag:] - sums[:-lag]) / lag
    if lag % 2 == 0:
        means = (means[1:] + means[:-1]) / 2
    start = lag // 2
    rest: Series = values[start : start + len(means)] - means
    return rest


def _repeated(values: Sequence[Series], lag: int) -> float:
    """Return the mean autocorrelation over multiples of a lag, which its neighbours do not share."""
    found = []
    for one in values:
        detrended = _detrended(one, lag)
        multiples = [lag * n for n in range(1, MULTIPLES + 1) if 2 * lag * n < len(detrended)] or [lag]
        found.append(np.mean([autocorrelation(detrended, by) for by in multiples]))
    return float(np.mean(found))


def _unlike(lag: int, season: int) -> bool:
    """Return whether a lag is neither near a season's multiple nor a part of it."""
    long, short = max(lag, season), min(lag, season)
    rest = long % short
    return min(rest, short - rest) > max(1, short // 10) and abs(lag - season) > max(2, season // 4)


def _filled(values: Series) -> Series:
    there = np.isfinite(values)
    if there.all() or not there.any():
        return values
    return np.interp(np.arange(len(values)), np.flatnonzero(there), values[there])
