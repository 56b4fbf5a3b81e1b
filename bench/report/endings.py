"""Seeds that ended oddly: that never learnt what their siblings learnt, left it again, or fail on another test set."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.metrics.traits import Traits
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results, seeds_in_words
from bench.report.rows import Row
from bench.report.sections.training_order import run_curves


@dataclass(frozen=True)
class Odd:
    """A seed of a trained row that ended with a score, and what is odd about it.

    Attributes:
        what: ``stuck``, ``unstable``, or that it fails on an extra test set.
        score: Where it shows: validation after the last epoch, or that set with the weights that rank.
        best: Its best validation score of any epoch; None without one.
        split: The extra test set that it fails on.
    """

    board: Leaderboard
    row: Row
    seed: str
    what: str
    score: float
    best: float | None
    split: str = ""

    @property
    def metric(self) -> Traits:
        """The metric of both scores."""
        return self.board.metric


def odd_endings(results: Results) -> list[Odd]:
    """Return every odd seed of the trained rows, those too that stand on no leaderboard, in the suite's order."""
    if "odd_endings" not in results.asked:
        results.asked["odd_endings"] = [
            odd
            for board in results.tasks
            for row in results.of(board)
            if row.trained and board.has_errors and len(row.done)
            for odd in _of_row(results, board, row)
        ]
    found: list[Odd] = results.asked["odd_endings"]
    return found


def _of_row(results: Results, board: Leaderboard, row: Row) -> Iterator[Odd]:
    metric, seeds = board.metric, seeds_in_words(row.done)
    final, runs = row.scored(board.last), run_curves(results, row, metric.name)
    curves = dict(zip(runs.index, runs.to_numpy(), strict=True))
    own = [curves.get(run, np.array([value])) for run, value in zip(row.ids, final, strict=True)]
    best = [metric.sign * float(np.nanmin(metric.sign * c)) if np.isfinite(c).any() else None for c in own]
    able = solvers(board, row) or [False] * len(own)
    for i, ending in enumerate(stats.endings([board.as_errors(curve) for curve in own])):
        if ending is stats.Ending.UNSTABLE or (ending and not able[i]):
            yield Odd(board, row, seeds[i], str(ending), float(final[i]), best[i])
    for split in board.extra:
        for i, score in failing(board, row, split).items():
            yield Odd(board, row, seeds[i], f"fails on {split.replace('_', ' ')}", score, best[i], split)


def failing(board: Leaderboard, row: Row, split: str) -> dict[int, float]:
    """Return the scores on an extra test set of a trained row's finished runs that fail there, by their places.

    With the weights that rank. Where a task says when it counts as solved, only runs that solve it on test fail
    elsewhere. Empty of a predictor, and where no multiple of a score says how far off it is.
    """
    if not (row.trained and board.has_errors):
        return {}
    there, test = (row.scored(board.score.on(s)) for s in (split, "test"))
    found = stats.failed_on(board.as_errors(there), board.as_errors(test), shares=board.metric.share)
    able = solvers(board, row) or [True] * len(there)
    return {int(i): float(there[i]) for i in found if able[i]}


def solvers(board: Leaderboard, row: Row) -> list[bool] | None:
    """Return of each finished run of a row whether its test score, of the weights that rank, solves the task.

    None where the task does not say when it counts as solved.
    """
    name, threshold = board.solved.get(row.case, ("", 0.0))
    if name not in row.metrics:
        return None
    metric, key = row.metrics[name], board.on_test._replace(metric=name)
    return [metric.reaches(value, threshold) for value in row.scored(key)]
