"""What a forecast can reach at best, without training, and without thought; and where each model stands between."""

from bench import stats
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, effect, escape, fixed, paragraphs, score, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row


@section("floors", "Floors and baselines", order=10)
def floors_table(results: Results) -> tuple[str, list[str]] | None:
    """Return what no forecast, an oracle, the best closed form and the baseline reach, and the leader's place."""
    boards = [board for board in results.leaderboards if board.metric.log]
    if not (results.commons or any(b.floor or b.oracle for b in results.tasks if b.metric.log)):
        return None
    rows = []
    for board in boards:
        leader = board.ranked[0] if board.ranked else None
        marks = [_cell(row, board) for row in (board.oracle, board.untrained, board.baseline, leader)]
        rows.append([escape(board.title), score(board.floor), *marks, fixed(gap_closed(leader, board), 3)])
    headers = ["table", "noise floor", "oracle", "best untrained", "baseline", "leader", "gap closed by the leader"]
    parts = [table(headers, rows)]
    error = " or ".join(dict.fromkeys(escape(b.metric.heading) for b in boards if not b.common)) or "error"
    leading = [board for board in results.leading() if board.metric.log]
    flagged = [_flag(board, row, verdict) for board in leading for row, verdict in unbeaten(board)]
    if flagged:
        headers = ["table", "model", "best untrained", error, "× untrained", "gap closed", "verdict"]
        parts.append("Trained models that are not known to beat the best untrained predictor:")
        parts.append(table(headers, flagged, text_columns=3, text_last=True))
    notes = paragraphs(
        "floors",
        error=error,
        oracle=any(board.oracle for board in boards),
        flagged=flagged,
        beaten=any(board.untrained and board.trained for board in leading),
    )
    return "\n\n".join(parts), notes


def gap_closed(row: Row | None, board: Leaderboard) -> float | None:
    """Return the share of the gap between the baseline's error and the oracle's that a row closes.

    None without a row, a baseline or an oracle, or where the oracle is no better than the baseline.
    """
    if row is None or board.baseline is None or board.oracle is None:
        return None
    base, best = board.baseline.mean(board.score), board.oracle.mean(board.score)
    return (base - row.mean(board.score)) / (base - best) if best < base else None


def unbeaten(board: Leaderboard) -> list[tuple[Row, stats.Verdict]]:
    """Return the ranked trained rows that are not known to beat the best untrained one, each with its verdict.

    None of them where no predictor ranks.
    """
    best = board.untrained
    verdicts = {row: board.beaten_by(best, row) for row in board.trained} if best else {}
    return [(row, verdict) for row, verdict in verdicts.items() if verdict is not stats.Verdict.LEADS]


def _flag(board: Leaderboard, row: Row, verdict: stats.Verdict) -> list[str]:
    """Return what the second table says of a row that is not known to beat the best untrained one."""
    best = board.untrained
    assert best is not None
    ratio = effect(board.against(row, best).ratio)
    words = [escape(board.title), escape(row.name), escape(best.name)]
    return [*words, score(row.mean(board.score)), ratio, fixed(gap_closed(row, board), 3), verdict]


def _cell(row: Row | None, board: Leaderboard) -> str:
    return f"{score(row.mean(board.score))} ({escape(row.name)})" if row else NONE
