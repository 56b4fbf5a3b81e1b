"""What is said of a file: plain sentences and rows of tables, for a screen and for a page alike."""

from collections.abc import Sequence

from bench.tables.columns import Column
from bench.tables.facts import Facts
from bench.tables.split import Proposal

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A table's headings and its rows."""
SHOWN = 5
"""Series that are named."""


def sentences(facts: Facts) -> list[str]:
    """Return what is known of times and series, a line each."""
    lines = [f"{facts.rows:,} rows, {len(facts.columns)} columns"]
    if not facts.time:
        lines.append("times: no column holds any; rows are taken in the file's order (--time COL names one)")
    elif facts.times is not None:
        every = f"a row every {facts.step.name}" if facts.step else "irregular"
        lines.append(f"times: {facts.time}, {facts.first} to {facts.last}, {every}")
    if facts.unsorted:
        lines.append(f"order: row {facts.unsorted} is earlier than the one before it; a run sorts them")
    if facts.twice:
        lines.append(f"twice: {facts.twice:,} rows have a time that stood before")
    if facts.gaps:
        lines.append(f"gaps: {facts.gaps:,}, the first from {'; '.join(facts.first_gaps)}")
    named = list(facts.series.items())[:SHOWN]
    if facts.id:
        most = ", ".join(f"{name} ({rows:,} rows)" for name, rows in named)
        more = ", …" if len(facts.series) > SHOWN else ""
        lines.append(f"series: {len(facts.series):,}, told apart by {facts.id}: {most}{more}")
    else:
        lines.append("series: one (--id COL names the column that tells several apart)")
    return lines


def column_rows(columns: Sequence[Column]) -> Rows:
    """Return a table of columns."""
    rows: list[tuple[str, ...]] = []
    for column in columns:
        numbers = ("" if value is None else f"{value:,.6g}" for value in (column.low, column.mean, column.high))
        missing = f"{column.missing:,}" if column.missing else ""
        season = column.season.words if column.season else ""
        rows.append((column.name, column.kind, missing, f"{column.distinct:,}", *numbers, season))
    return ("column", "kind", "missing", "distinct", "least", "mean", "largest", "season"), rows


def split_rows(proposal: Proposal) -> Rows:
    """Return a table of a proposed split."""
    rows: list[tuple[str, ...]] = []
    for part in proposal.parts:
        inside = proposal.input_length + proposal.horizon if part is proposal.parts[0] else proposal.horizon
        rows.append((part.name, f"{part.steps:,}", part.first, part.last, f"{part.steps - inside + 1:,}"))
    return ("part", "steps", "from", "to", "windows a series"), rows


def split_sentence(proposal: Proposal) -> str:
    """Return what a window is, and what keeps the parts apart."""
    return (
        f"windows of {proposal.input_length} steps forecast the next {proposal.horizon}; the targets of validation and "
        "test lie in their own part alone, and their inputs may reach back"
    )
