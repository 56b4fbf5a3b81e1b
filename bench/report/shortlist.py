"""Which rows of a leaderboard stand in the short table of its question, and in what order."""

from bench.report.leaderboards import Leaderboard
from bench.report.rows import Place, Row
from bench.report.sections.grids import grid_cases

MOST = 10
"""Rows of a short table."""


def entries(board: Leaderboard) -> list[Row]:
    """Return the ranked rows, best first, but of a model that a grid varies the variant that validation chose alone."""
    left = passed_over(board)
    return [row for row in board.ranked if row.place not in left]


def passed_over(board: Leaderboard) -> set[Place]:
    """Return the variants of a grid that validation did not choose."""
    return {row.place for case in grid_cases(board) for row in case.variants if row is not case.best}


def shortlist(board: Leaderboard) -> list[Row]:
    """Return at most `MOST` entries: the best, and always the best untrained one and the baseline."""
    every = entries(board)
    always = [row for row in (board.untrained, board.baseline) if row is not None]
    first = [row for row in every if row not in always][: MOST - len(dict.fromkeys(always))]
    return [row for row in every if row in first or row in always]
