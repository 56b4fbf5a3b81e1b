"""The tables of a report, from its rows to Markdown; no number is made here that `stats` could make."""

from bench.report.groups import apart_tables, group_tables
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, Table, escape, table
from bench.report.notes import notes
from bench.report.parts import Cell, columns, sections
from bench.report.recipe_words import recipe_difference, usual_recipe
from bench.report.results import Results


def all_tables(results: Results) -> dict[str, Table]:
    """Return every table of a report by its key, numbered in reading order."""
    made: list[tuple[str, str, str, list[str]]] = []
    for board in results.leaderboards:
        made.append((board.table, escape(board.title), *leaderboard_table(results, board)))
        if not board.common:
            made += [*apart_tables(board), *group_tables(board)]
    for part in sections.in_order():
        if (content := part.make(results)) is not None:
            made.append((part.key, part.title, *content))
    return {key: Table(key, i, title, body, notes) for i, (key, title, body, notes) in enumerate(made, start=1)}


def leaderboard_table(results: Results, board: Leaderboard) -> tuple[str, list[str]]:
    """Return a leaderboard's table out of the registered columns, and its notes."""
    cells: dict[str, Cell] = {}
    for part in columns.in_order():
        cells |= part.make(results, board)
    ranked = [r.name for r in board.ranked]
    usual = usual_recipe(board.rows)
    rows = []
    for row in board.rows:
        rank = str(ranked.index(row.name) + 1) if row.name in ranked else NONE
        made = [cell(row) for cell in cells.values()]
        rows.append([rank, escape(row.name) + board.marks(row), *made, recipe_difference(row, usual)])
    body = table(["rank", "model", *map(escape, cells), "recipe"], rows, text_columns=2, text_last=True)
    return body, notes(results, board, usual)
