"""Verbs about a user's own file: data, new."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bench.cli.app import OK, app
from bench.cli.options import Horizon, Id, InputLength, Json, Quick, Results, SeasonSteps, Target, Time, names
from bench.cli.screen import console, show_table
from bench.store import RESULTS

FileName = Annotated[str, typer.Argument(metavar="FILE", help="A CSV or Parquet file.")]


@app.command()
def data(
    file: FileName,
    target: Target = "",
    horizon: Horizon = 0,
    input_length: InputLength = 0,
    id_: Id = "",
    time: Time = "",
    season: SeasonSteps = 0,
    html: Annotated[bool, typer.Option("--html", help="Write a page with figures under results/data/NAME.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for the page, instead.")] = None,
    as_json: Json = False,
    results: Results = RESULTS,
) -> int:
    """Say what is in a file of series: columns, times, gaps, season, and how it would be split.

    Nothing runs. `bench new FILE` writes a suite from it, `bench run FILE` runs that, too.
    """
    from bench.commands.asked import Asked
    from bench.commands.series import as_plain, described, file_key_of
    from bench.tables.words import column_rows, sentences, split_rows, split_sentence

    asked = Asked(file, tuple(names("--target", target)), horizon, input_length, id_, time, season)
    found = described(asked)
    if as_json:
        print(json.dumps(as_plain(found), indent=1, ensure_ascii=False))
        return OK
    screen = console()
    screen.print(file)
    for line in sentences(found.facts):
        screen.print(line)
    _show(column_rows(found.facts.columns), "")
    for line in found.facts.faults:
        screen.print(f"to be mended: {line}")
    if found.proposal:
        _show(split_rows(found.proposal), "proposed split")
        screen.print(split_sentence(found.proposal))
    for line in found.remarks:
        screen.print(line)
    if html or output:
        from bench.report.data_page import write_data_page

        folder = output or results / "data" / file_key_of(file)
        screen.print(f"page: {write_data_page(found.facts, found.drawn, found.proposal, folder, found.commands)}")
    for command in found.commands:
        screen.print(f"next: {command}")
    return OK


@app.command()
def new(
    file: FileName,
    target: Target = "",
    horizon: Horizon = 0,
    input_length: InputLength = 0,
    id_: Id = "",
    time: Time = "",
    season: SeasonSteps = 0,
    quick: Quick = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The suite's file; suites/NAME.toml.")] = None,
) -> int:
    """Write a commented suite for a file of series, to be edited; `bench run NAME` runs it."""
    from bench.commands.asked import Asked
    from bench.commands.series import new_suite
    from bench.pasting import command
    from bench.suite import SUITES

    targets = tuple(names("--target", target))
    made = new_suite(Asked(file, targets, horizon, input_length, id_, time, season, quick), output)
    named = made.path.stem if made.path.parent == SUITES else str(made.path)
    console().print(f"{made.path}: edit it, then {command('plan', named, [])}, then {command('run', named, [])}")
    return OK


def _show(rows: tuple[tuple[str, ...], list[tuple[str, ...]]], title: str) -> None:
    headings, cells = rows
    table = Table(*headings)
    for row in cells:
        table.add_row(*row)
    show_table(console(), table, title)
