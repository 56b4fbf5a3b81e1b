"""Which rows of a leaderboard stand in the short table of its question, and in what order."""

from bench.report.leaderboards import Leaderboard
from bench.report.rows import Row

MOST = 10
"""Rows of a short table."""


def entries(board: Leaderboard) -> list[Row]:
    """Return the ranked rows, best first, but of a model that a grid varies the best of its variants alone."""
    seen: set[tuple[str, str, str]] = set()
    found = []
    for row in board.ranked:
        model = (str(row.info["variant_of"]) or row.case, row.device, row.backend)
        if model not in seen:
            found.append(row)
        seen.add(model)
    return found


def shortlist(board: Leaderboard) -> list[Row]:
    """Return at most `MOST` entries: the best, and always the best untrained one and the baseline."""
    every = entries(board)
    always = [row for row in (board.untrained, board.baseline) if row is not None]
    first = [row for row in every if row not in always][: MOST - len(dict.fromkeys(always))]
    return [row for row in every if row in first or row in always]
