"""Scores in words, as the traits of their metric ask: shares in per cent, their differences in points, ratios else."""

import math

from bench.metrics.traits import Direction, Traits
from bench.record import IN_WORDS
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, effect, fixed, score
from bench.report.rows import Row
from bench.stats import Interval, Ratio


def amount(value: float | None, metric: Traits) -> str:
    """Return a score by itself: ``0.0124``, of a share ``98.76 %``; none where there is no score."""
    if metric.share and value is not None and math.isfinite(value):
        return f"{fixed(100 * value, 2)} %"
    return score(value)


def spread(interval: Interval | None, metric: Traits, *, exact: bool = False) -> str:
    """Return a mean with its interval, which is left out of an exact share."""
    if interval is None:
        return NONE
    centre, (low, high) = amount(interval.centre, metric), ends_of(interval, metric)
    if low is None or high is None or (exact and metric.share):
        return centre
    if metric.share:
        return f"{centre} [{fixed(100 * low, 2)}, {fixed(100 * high, 2)}]"
    return f"{centre} [{score(low, 3)}, {score(high, 3)}]"


def ends_of(interval: Interval, metric: Traits) -> tuple[float | None, float | None]:
    """Return the ends of a mean's interval.

    Those of a share are cut at 0 and, where more is better, at 100 %: less can be more than the whole, as an error is.
    """
    low, high = interval.low, interval.high
    if low is not None and high is not None and metric.share:
        low = max(low, min(interval.centre, 0))
        high = min(high, max(interval.centre, 1)) if metric.direction is Direction.HIGHER else high
    return low, high


def difference(found: Ratio | None, metric: Traits) -> str:
    """Return what one score is over another, or less it where differences are no ratios, with the interval."""
    if metric.log:
        return effect(found)
    return effect(found, lambda value: fixed(100 * value, 2) if metric.share else score(value, 3))


def validated(row: Row, board: Leaderboard, *, interval: bool = False) -> str:
    """Return the ranking score as a phrase: ``a validation MSE of 0.0124``, ``98.76 % test accuracy``.

    With ``interval`` the mean of an error stands with its interval.
    """
    metric, split = board.metric, IN_WORDS.get(board.score.split, board.score.split)
    if metric.share:
        return f"{amount(row.mean(board.score), metric)} {split} {metric.heading}"
    shown = spread(row.interval(board.score), metric) if interval else amount(row.mean(board.score), metric)
    return f"a {split} {metric.heading} of {shown}"
