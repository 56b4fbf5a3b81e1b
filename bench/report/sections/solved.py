"""Which networks solve a task, of how many seeds, and after how many steps."""

from bench import stats
from bench.report.amounts import amount
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, fixed, paragraphs, table, thousands
from bench.report.parts import section
from bench.report.results import Results
from bench.report.solved import Solving, solving


@section("solved", "Solved or not, and when", order=5)
def solved_table(results: Results) -> tuple[str, list[str]] | None:
    """Return a line for each network on a task that says when it is solved; None where none does."""
    found = [(board, each) for board in results.leading() for each in solving(results, board)]
    if not found:
        return None
    headers = [
        "table", "model", "solved on test", "share, 95 %", "there on validation", "median steps until there", "steps",
        "solved from", "chance",
    ]  # fmt: skip
    return table(headers, [_line(results, *each) for each in found], text_columns=2), paragraphs("solved")


def _line(results: Results, board: Leaderboard, each: Solving) -> list[str]:
    n, metric = len(each.on_test), each.metric
    low, high = (fixed(100 * end, 0) for end in stats.wilson(each.solved / n, n))
    chance = results.chance.get((each.row.case, metric.name))
    return [
        escape(board.title),
        escape(each.row.name),
        f"{each.solved} of {n}",
        f"{fixed(100 * each.solved / n, 0)} % [{low}, {high}]",
        f"{each.reached} of {n}",
        median_in_words(each.survival.median()),
        f"{each.budget:,.0f}",
        escape(each.threshold_in_words),
        NONE if chance is None else amount(chance, metric),
    ]


def median_in_words(median: tuple[float | None, float | None, float | None]) -> str:
    """Return a median of steps with its interval; an end that was not reached is open."""
    value, low, high = median
    if low is None:
        return "not reached"
    ends = f"[{thousands(low)}, {'…' if high is None else thousands(high)}]"
    return f"{'not reached' if value is None else thousands(value)} {ends}"
