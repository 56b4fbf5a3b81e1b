"""A report's answer in one line."""

from bench.report.findings.leaders import leader, who_solves
from bench.report.results import Results
from bench.text.markdown import plain


def answer(results: Results) -> str:
    """Return as plain text who leads the report's first question, how sure that is, and what it costs."""
    board = results.leading()[0]
    return plain(" ".join(filter(None, (who_solves(results, board), leader(board, brief=True)))))


def tuned(results: Results) -> bool:
    """Return whether each model had a choice of recipes."""
    return bool((results.frames["cases"]["variant_of"] != "").any())
