"""How a file would be split: training first, then validation, then test, in the order of time."""

from dataclasses import dataclass

import numpy as np

from bench.errors import BenchError
from bench.tables.times import Times, shown

SHARE = 0.15
"""Of the times, that validation and test have each: enough to tell models apart, with most left to learn from."""
HORIZONS, LEAST_INPUT, MOST_INPUT = 4, 8, 512
"""A window is so many horizons long, in whole seasons, and no shorter or longer than these steps."""
NAMES = ("training", "validation", "test")
LEAST_WINDOWS = 10
"""Windows that the training part has to have at least."""


@dataclass(frozen=True)
class Part:
    """One part of a split: the steps that are its targets, and their first and last date (empty without times)."""

    name: str
    steps: int
    first: str = ""
    last: str = ""


@dataclass(frozen=True)
class Proposal:
    """A split that would do, and the window.

    Attributes:
        input_length: Steps of a window.
        horizon: Steps that are forecast.
        parts: Training, validation and test.
        valid: Where validation begins: its first date, or (without times) its share.
        test: Likewise.
    """

    input_length: int
    horizon: int
    parts: tuple[Part, Part, Part]
    valid: str | float
    test: str | float


def propose(times: Times | None, steps: int, horizon: int, season: int = 1, input_length: int = 0) -> Proposal:
    """Return 70 / 15 / 15 % of the times; a part begins at midnight where rows come more often than by the day.

    Args:
        times: All times, each once, sorted; None where there are none.
        steps: How many steps the longest series has.
        horizon: Steps that are forecast.
        season: In steps.
        input_length: Of a window; 0 for four horizons, in whole seasons.

    Raises:
        BenchError: The series is too short for it.
    """
    length = input_length or _input_length(steps, horizon, season)
    begins = [round(steps * (1 - 2 * SHARE)), round(steps * (1 - SHARE))]
    if times is not None:
        begins = [_at_midnight(times, begin) for begin in begins]
    valid, test = begins
    counts = valid, test - valid, steps - test
    needed = length + horizon + LEAST_WINDOWS - 1
    lacking = [f"{name} would have {n} of the {least} that it needs" for name, n, least in
               zip(NAMES, counts, (needed, horizon, horizon), strict=True) if n < least]  # fmt: skip
    if lacking:
        few = f"{steps} steps are" if steps > 1 else "1 step is"
        raise BenchError(
            f"{few} too few for windows of {length} and a horizon of {horizon}: {', '.join(lacking)}; "
            "shorten --input-length or --horizon, or add rows"
        )
    edges = [0, valid, test, steps]
    parts = tuple(_part(name, times, edges[n], edges[n + 1]) for n, name in enumerate(NAMES))
    starts = (SHARE, SHARE) if times is None else (shown(times[valid]), shown(times[test]))
    return Proposal(length, horizon, (parts[0], parts[1], parts[2]), *starts)


def _input_length(steps: int, horizon: int, season: int) -> int:
    wanted = min(max(HORIZONS * horizon, 2 * season if season > 1 else 0, LEAST_INPUT), MOST_INPUT)
    wanted = -(-wanted // season) * season if season <= wanted else wanted
    room = round(steps * (1 - 2 * SHARE)) - horizon - LEAST_WINDOWS + 1
    return max(1, min(wanted, room // 2 if room < 2 * wanted else wanted))


def _at_midnight(times: Times, begin: int) -> int:
    """Return the first time of a day at or after a place; the place itself where there is none soon."""
    days = times.astype("datetime64[D]")
    later = np.flatnonzero(days[begin:] > days[begin - 1])
    found = begin + int(later[0]) if len(later) else begin
    return found if found - begin < len(times) // 20 else begin


def _part(name: str, times: Times | None, begin: int, end: int) -> Part:
    if times is None:
        return Part(name, end - begin)
    return Part(name, end - begin, shown(times[begin]), shown(times[end - 1]))
