"""Scores of a leaderboard: the ranking one, the others that it shows, those on the test sets, and where they stand."""

import numpy as np

from bench import stats
from bench.frames.scores import Key
from bench.metrics.traits import Traits
from bench.report.amounts import difference, spread
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, between, fixed, score
from bench.report.parts import Cell, column
from bench.report.results import Results
from bench.report.rows import Row

WIDE = 0.1
"""A standard deviation of shares over which a mean would hide what the seeds did."""


@column("ranking", order=10, short=True)
def ranking(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """The score that ranks, and how far each row is from the leader."""
    metric = board.metric
    return {
        # At the last position alone there is one score a window; its heading says so.
        metric.heading if board.common else f"{board.score.split} {metric.heading}": _on(
            board, board.score, interval=True
        ),
        board.behind: lambda row: difference(board.ratio(row), metric) if row in board.ranked else NONE,
    }


@column("verdict", order=15, short=True)
def verdict(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """What that interval says, marked where an equal replication is not sure to say it again."""

    def cell(row: Row) -> str:
        found = board.verdict(row)
        return NONE if found is None else f"{found} {board.star(row)}".rstrip()

    return {"verdict": cell}


@column("beats", order=18)
def beats(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """How often one more run of a row would beat one more run of the leader."""
    return {"beats leader": lambda row: _share(contrast.beats) if (contrast := board.contrast(row)) else NONE}


@column("group", order=20)
def group(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """Letters: two rows share one exactly where they do not differ significantly."""
    return {"group": lambda row: board.letters.get(row.name) or NONE}


@column("shown", order=30)
def shown(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """The other metrics that the task or the suite names."""
    return {metric.heading: _centre(board, metric) for metric in board.shown if metric.name != board.monitor.name}


@column("test", order=50)
def test(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """The ranking metric on the test set, with the weights of the best epoch too, and on each extra test set.

    Each but the one that ranks.
    """
    heading, last = board.metric.heading, Key(board.metric.name, "test")
    best = "test, best epoch" if board.metric.share else f"test {heading}, best epoch"
    after = "test, last epoch" if board.metric.share else f"test {heading}, last epoch"
    cells = {f"test {heading}": _on(board, last), best: _on(board, last.best)}
    if board.score == last.best:
        cells = {f"valid {heading}": _on(board, board.choosing), after: _on(board, last)}
    return cells | {f"{split.replace('_', ' ')} {heading}": _on(board, board.score.on(split)) for split in board.extra}


@column("monitor", order=60)
def monitor(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """The metric that chose the best epoch, where another one ranks."""
    split = board.score.split
    return {f"{split} {metric.heading}": _centre(board, metric) for metric in board.shown if metric == board.monitor}


@column("skill", order=70)
def skill(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """One less the ratio to the baseline's error."""
    baseline = board.baseline
    if baseline is None or not board.metric.log:
        return {}
    base = baseline.mean(board.score)

    def cell(row: Row) -> str:
        # The baseline forecasts without seeing its targets, and is scored on every position.
        fair = len(row.values(board.score)) and not row.leaks_target and not board.partial(row)
        value = stats.skill(row.mean(board.score), base) if fair else None
        return fixed(value, 3)

    return {"skill": cell}


@column("floor", order=75)
def floor(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """How many times the noise floor an error is."""
    if not board.floor or not board.metric.log:
        return {}

    def cell(row: Row) -> str:
        value = None if row.leaks_target else stats.multiple_of_floor(row.mean(board.score), board.floor)
        return fixed(value, 2)

    return {"× floor": cell}


def _share(value: float | None) -> str:
    return NONE if value is None else f"{fixed(100 * value, 0)} %"


def scattered(row: Row, board: Leaderboard, key: Key) -> bool:
    """Return whether a mean of shares, and an interval about it, would describe no seed."""
    if not row.trained or not board.metric.share:
        return False
    return (row.deviation(key) or 0) > WIDE or len(board.stuck(row.values(key))) > 0


def _on(board: Leaderboard, key: Key, *, interval: bool = False) -> Cell:
    """Return a column of the ranking metric: means, of shares with intervals, or each seed where they scatter."""
    if not board.metric.share and not interval:
        return lambda row: score(row.centre(key))

    def cell(row: Row) -> str:
        if scattered(row, board, key):
            values = row.values(key)
            return f"{between(values)}, median {fixed(100 * float(np.median(values)), 1)} %"
        return spread(row.interval(key), board.metric, exact=not row.trained)

    return cell


def _centre(board: Leaderboard, metric: Traits) -> Cell:
    """Return a column of another metric's means.

    They are arithmetic where the ranking one is not worked on in logs: stuck seeds are to show in them.
    """
    key = board.beside(metric)

    def cell(row: Row) -> str:
        summary = stats.summarise(row.values(key))
        if metric.share:
            return spread(row.interval(key), metric, exact=True)
        return score(summary.mean if summary and not board.metric.log else row.centre(key))

    return cell
