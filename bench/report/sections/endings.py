"""Stuck, unstable, failing elsewhere: what a mean over seeds hides."""

from bench.report.amounts import amount
from bench.report.endings import Odd, odd_endings
from bench.report.markdown import NONE, escape, paragraphs, table
from bench.report.parts import section
from bench.report.results import Results


@section("endings", "Seeds that ended oddly", order=80)
def endings_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every seed that is stuck, unstable, or fails on an extra test set; None without any."""
    found = odd_endings(results)
    if not found:
        return None
    headers = ["table", "model", "seed", "what", "score", "its best epoch"]
    return table(headers, [_line(odd) for odd in found], text_columns=4), paragraphs("endings")


def _line(odd: Odd) -> list[str]:
    best = NONE if odd.best is None else amount(odd.best, odd.metric)
    words = [escape(text) for text in (odd.board.title, odd.row.name, odd.seed, odd.what)]
    return [*words, amount(odd.score, odd.metric), best]
