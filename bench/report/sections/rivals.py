"""Rivals: models that their seeds do not place against the leader, and what would decide between the two."""

from bench.report.amounts import difference
from bench.report.judging import OPEN
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, fixed, paragraphs, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row


@section("rivals", "Rivals: what would decide", order=5)
def rivals_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each rival with its interval and the seeds that would decide; None where every verdict is known."""
    lines = [_line(board, row) for board in results.leading() for row in board.found(*OPEN)]
    if not lines:
        return None
    headers = ["table", "leader", "rival", "rival over leader", "beats leader", "verdict", "seeds of each that decide"]
    return table(headers, lines, text_columns=3, text_last=True), paragraphs("rivals", region=results.region)


def _line(board: Leaderboard, row: Row) -> list[str]:
    contrast, leader = board.contrasts[row.name], board.ranked[0]
    gap = difference(contrast.ratio, board.metric)
    beats = NONE if contrast.beats is None else f"{fixed(100 * contrast.beats, 0)} %"
    words = [escape(text) for text in (board.title, leader.name, row.name)]
    return [*words, gap, beats, f"{contrast.verdict} {board.star(row)}".rstrip(), seeds_in_words(board, row)]


def seeds_in_words(board: Leaderboard, row: Row) -> str:
    """Return how many seeds would decide between a row and the leader, or why none would."""
    found = board.seeds_to_decide(row, board.ranked[0])
    return f"{found:,}" if isinstance(found, int) else str(found)
