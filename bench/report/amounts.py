"""Scores in words, as the traits of their metric ask: shares in per cent, their differences in points, ratios else."""

from bench.metrics.traits import Traits
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, effect, score
from bench.report.rows import Row
from bench.stats import Interval, Ratio


def amount(value: float, metric: Traits) -> str:
    """Return a score by itself: ``0.0124``, of a share ``98.76 %``."""
    return f"{100 * value:.2f} %" if metric.share else score(value)


def spread(interval: Interval | None, metric: Traits, *, exact: bool = False) -> str:
    """Return a mean with its interval, which is cut at 0 and 100 % of a share, and left out of an exact one."""
    if interval is None:
        return NONE
    centre, low, high = amount(interval.centre, metric), interval.low, interval.high
    if low is None or high is None or (exact and metric.share):
        return centre
    if metric.share:
        return f"{centre} [{100 * max(low, 0):.2f}, {100 * min(high, 1):.2f}]"
    return f"{centre} [{score(low, 3)}, {score(high, 3)}]"


def difference(found: Ratio | None, metric: Traits) -> str:
    """Return what one score is over another, or less it where differences are no ratios, with the interval."""
    if metric.log:
        return effect(found)
    return effect(found, lambda value: f"{100 * value:.2f}" if metric.share else score(value, 3))


def validated(row: Row, board: Leaderboard, *, interval: bool = False) -> str:
    """Return the ranking score as a phrase: ``a validation MSE of 0.0124``, ``98.76 % validation accuracy``.

    With ``interval`` the mean of an error stands with its interval.
    """
    metric = board.metric
    if metric.share:
        return f"{amount(row.mean(board.score), metric)} validation {metric.heading}"
    shown = spread(row.interval(board.score), metric) if interval else amount(row.mean(board.score), metric)
    return f"a validation {metric.heading} of {shown}"
