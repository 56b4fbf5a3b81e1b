"""A section that the plug-in adds to every report; no name of a case, a model or a metric stands in it."""

from bench.report.markdown import escape, table
from bench.report.parts import section
from bench.report.results import Results


@section("seasonal_smallest", "The smallest network that beats the baseline", order=75)
def smallest(results: Results) -> tuple[str, list[str]] | None:
    """Return it for each leaderboard with a baseline."""
    found = []
    for board in results.leaderboards:
        base = board.baseline.mean(board.score) if board.baseline else None
        if base is None:
            continue
        better = [r for r in board.trained if r.parameters and board.metric.sign * (r.mean(board.score) - base) < 0]
        if better:
            least = min(better, key=lambda row: row.parameters or 0)
            found.append([escape(board.title), escape(least.name), f"{least.parameters:,.0f}"])
    return (table(["table", "model", "parameters"], found, 2), []) if found else None
