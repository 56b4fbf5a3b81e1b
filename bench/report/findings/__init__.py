"""Findings: one file and one decorator each."""

from collections.abc import Mapping

from bench.report.markdown import Table, count
from bench.report.parts import findings
from bench.report.results import Results

LIMIT = 7
"""Sentences at most."""


def all_findings(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return every finding's sentences in order, `LIMIT` at most: the first one, who leads where, is cut for that."""
    first, *others = (part.make(results, tables) for part in findings.in_order())
    rest = [sentence for sentences in others for sentence in sentences]
    room = max(LIMIT - len(rest), 1)
    if len(first) > room:
        more = len(first) - room + 1
        tail = f"**More tables.** {count(more, 'further table')} with their own leaders stand below."
        first = [*first[: room - 1], tail]
    return [*first, *rest]
