"""The tables of a report, from its rows to Markdown; no number is made here that `stats` could make."""

from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import count

from bench import stats
from bench.report.amounts import amount
from bench.report.columns.costs import speeds_in_words
from bench.report.columns.scores import scattered
from bench.report.groups import apart_tables, group_tables
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, Table, escape, paragraphs, table
from bench.report.markdown import count as counted
from bench.report.notes import notes
from bench.report.parts import Cell, columns, sections
from bench.report.recipe_words import recipe_difference, usual_recipe
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries, shortlist
from bench.report.slices import slice_tables
from bench.text.markdown import Anchors

FINDINGS = "Findings"
"""The heading of what stands before the tables."""
DETAILS = "Everything else"
"""The heading of what stands after the questions' own tables."""
Made = tuple[str, str, str, list[str]]
"""Key, title, body and notes."""


def all_tables(results: Results) -> dict[str, Table]:
    """Return every table of a report by its key, numbered in reading order.

    First each leaderboard that leads: a short table, all of its rows, and what stands below it; then the others.
    """
    leading = results.leading()
    made: list[Made] = []
    for board in leading:
        made.append((board.table, board.title, *short_table(results, board)))
        made += _whole(results, board)
    for board in results.leaderboards:
        if not any(board.key == each.key for each in leading):
            made += _whole(results, board)
    for part in sections.in_order():
        if (content := part.make(results)) is not None:
            made.append((part.key, part.title, *content))
    anchors = Anchors()
    for heading in (results.title, FINDINGS):  # they stand before
        anchors.add(heading)
    tables = [Table(key, i, title, body, notes) for i, (key, title, body, notes) in enumerate(made, start=1)]
    return {table.key: replace(table, anchor=anchors.add(table.heading)) for table in tables}


def _whole(results: Results, board: Leaderboard) -> list[Made]:
    """Return the table of all of a leaderboard's rows, and those of what its metrics keep apart."""
    title = f"{board.title}: all {counted(len(board.rows), 'model')}" if len(board.rows) > 1 else f"{board.title}: all"
    made = [(f"{board.table}/all", title, *leaderboard_table(results, board))]
    if not board.common:
        apart = [*apart_tables(board), *group_tables(board), *slice_tables(results, board)]
        made += [(f"{board.table}/{i}", *each) for i, each in enumerate(apart, start=1)]
    return made


def short_table(results: Results, board: Leaderboard) -> tuple[str, list[str]]:
    """Return a question's table of at most ten rows, and the line under it."""
    every, rows = entries(board), shortlist(board)
    rank = {row.name: place for place, row in enumerate(every, start=1) if board.place(row) is not None}
    body = _table(results, board, rows or board.rows[:1], rank, short=True)
    left = len(board.rows) - len(rows)
    speeds, varied = speeds_in_words(rows), len(every) < len(board.ranked)
    wide = any(scattered(row, board, board.score) for row in rows)
    told = {"left": left, "varied": varied, "speeds": speeds, "scattered": wide}
    level = results.chance_on(board)
    told["level"] = "" if level is None else amount(level, board.metric)
    starred = any(board.star(row) for row in rows)
    return body, paragraphs("short", board=board, rows=rows, starred=starred, chance=stats.FRAGILE, **told)


def leaderboard_table(results: Results, board: Leaderboard) -> tuple[str, list[str]]:
    """Return a leaderboard's table of all rows and all registered columns, and its notes."""
    usual = usual_recipe(board.rows)
    rank = {row.name: place for row in board.rows if (place := board.place(row)) is not None}
    return _table(results, board, board.rows, rank, usual), notes(results, board, usual)


def _table(
    results: Results,
    board: Leaderboard,
    rows: Sequence[Row],
    rank: dict[str, int],
    usual: dict[str, str] | None = None,
    *,
    short: bool = False,
) -> str:
    """Return rows under the registered columns; with ``usual`` a last one says how each recipe differs from it."""
    cells: dict[str, Cell] = {}
    for part in columns.in_order():
        if part.short or not short:
            for heading, cell in part.make(results, board).items():
                cells[_unlike(heading, cells)] = cell
    lines = []
    for row in rows:
        made = [str(rank.get(row.name, NONE)), escape(row.name) + board.marks(row), *(c(row) for c in cells.values())]
        lines.append(made if usual is None else [*made, escape(recipe_difference(row, usual))])
    last = [] if usual is None else ["recipe"]
    return table(["rank", "model", *map(escape, cells), *last], lines, text_columns=2, text_last=bool(last))


def _unlike(heading: str, taken: Container[str]) -> str:
    """Return a column's heading, with a number where another column has it: a metric may be called like one."""
    numbered = (f"{heading} ({n})" for n in count(2))
    return heading if heading not in taken else next(each for each in numbered if each not in taken)
