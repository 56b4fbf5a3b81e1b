"""Findings: one file and one decorator each."""

import re
from collections.abc import Mapping

from bench.report.markdown import Table, count
from bench.report.parts import findings
from bench.report.results import Results
from bench.text.markdown import link, plain

MARKS = re.compile(r"\(\d+\*\)")
"""How many of the verdicts just named are fragile: a mark, no word."""
WORDS = 150
"""All sentences together have no more words, but for those of a single one that is longer."""
NAMED = 2
"""So many questions that have no sentence are named; more are counted."""
CUT = "leaders"
"""The finding that is cut for that: it has a sentence a question."""


def all_findings(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return every finding's sentences in order, `WORDS` at most: later questions are left to their tables for that."""
    made = {part.key: part.make(results, tables) for part in findings.in_order()}
    leading = made[CUT]
    more = ""
    while len(leading) > 1 and words(_flat(made)) + words([more]) > WORDS:
        leading = leading[:-1]
        made[CUT] = leading
        left = results.leading()[len(leading) :]
        named = ", ".join(link(b.title, tables[b.table].target) for b in left)
        more = f"**More below:** {named if len(left) <= NAMED else count(len(left), 'question')}."
    if more:
        made[CUT] = [*leading, more]
    return _flat(made)


def words(sentences: list[str]) -> int:
    """Return how many words sentences in Markdown have: what holds a letter or a digit, links' targets left out."""
    texts = (re.sub(r"\]\([^)]*\)", "]", sentence) for sentence in sentences)
    return sum(any(map(str.isalnum, word)) for text in texts for word in MARKS.sub("", plain(text)).split())


def _flat(made: Mapping[str, list[str]]) -> list[str]:
    return [sentence for sentences in made.values() for sentence in sentences]
