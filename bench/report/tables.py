"""The tables of a report, from its rows to Markdown; no number is made here that `stats` could make."""

from collections.abc import Container
from dataclasses import replace
from itertools import count

from bench.report.groups import apart_tables, group_tables
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, Table, escape, table
from bench.report.notes import notes
from bench.report.parts import Cell, columns, sections
from bench.report.recipe_words import recipe_difference, usual_recipe
from bench.report.results import Results
from bench.text.markdown import Anchors

FINDINGS = "Findings"
"""The heading of what stands before the tables."""


def all_tables(results: Results) -> dict[str, Table]:
    """Return every table of a report by its key, numbered in reading order."""
    made: list[tuple[str, str, str, list[str]]] = []
    for board in results.leaderboards:
        made.append((board.table, board.title, *leaderboard_table(results, board)))
        if not board.common:
            apart = [*apart_tables(board), *group_tables(board)]
            made += [(f"{board.table}/{i}", *each) for i, each in enumerate(apart, start=1)]
    for part in sections.in_order():
        if (content := part.make(results)) is not None:
            made.append((part.key, part.title, *content))
    anchors = Anchors()
    for heading in (results.title, FINDINGS):  # they stand before
        anchors.add(heading)
    tables = [Table(key, i, title, body, notes) for i, (key, title, body, notes) in enumerate(made, start=1)]
    return {table.key: replace(table, anchor=anchors.add(table.heading)) for table in tables}


def leaderboard_table(results: Results, board: Leaderboard) -> tuple[str, list[str]]:
    """Return a leaderboard's table out of the registered columns, and its notes."""
    cells: dict[str, Cell] = {}
    for part in columns.in_order():
        for heading, cell in part.make(results, board).items():
            cells[_unlike(heading, cells)] = cell
    ranked = [r.name for r in board.ranked]
    usual = usual_recipe(board.rows)
    rows = []
    for row in board.rows:
        rank = str(ranked.index(row.name) + 1) if row.name in ranked else NONE
        made = [cell(row) for cell in cells.values()]
        rows.append([rank, escape(row.name) + board.marks(row), *made, escape(recipe_difference(row, usual))])
    body = table(["rank", "model", *map(escape, cells), "recipe"], rows, text_columns=2, text_last=True)
    return body, notes(results, board, usual)


def _unlike(heading: str, taken: Container[str]) -> str:
    """Return a column's heading, with a number where another column has it: a metric may be called like one."""
    numbered = (f"{heading} ({n})" for n in count(2))
    return heading if heading not in taken else next(each for each in numbered if each not in taken)
