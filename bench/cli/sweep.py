"""Verbs that run, take up and mirror: run, merge, sync, ui."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import (
    Address,
    BackendNames,
    Cases,
    DeviceNames,
    Epochs,
    ExecutorName,
    Horizon,
    Id,
    InputLength,
    Quick,
    Reports,
    Results,
    RuntimeEnv,
    SeasonSteps,
    Seeds,
    Stack,
    SuiteName,
    SuiteOrFile,
    Target,
    Time,
    names,
    selection,
)
from bench.cli.screen import console
from bench.errors import BenchError
from bench.executors import LOCAL
from bench.interrupt import Interrupts, say_so
from bench.measurement import PROCESSES
from bench.stacks import AUTO
from bench.store import REPORTS, RESULTS


@app.command()
def run(
    suite: SuiteOrFile = "chapter15",
    target: Target = "",
    horizon: Horizon = 0,
    input_length: InputLength = 0,
    id_: Id = "",
    time: Time = "",
    season: SeasonSteps = 0,
    quick: Quick = False,
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    backend: BackendNames = "",
    epochs: Epochs = 0,
    stack: Stack = AUTO,
    executor: ExecutorName = LOCAL,
    address: Address = "",
    runtime_env: RuntimeEnv = "",
    job: Annotated[
        str, typer.Option(help="Only this job of the suite, by its number in a script of bench plan --emit; no report.")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="Runs at once, each on a core of its own; 0: one a core.")] = 0,
    rerun: Annotated[bool, typer.Option(help="Run recorded runs too; adds records, overwrites none.")] = False,
    track: Annotated[bool, typer.Option(help="Mirror the records to MLflow.")] = True,
    report: Annotated[bool, typer.Option(help="Write the report, at the end and as cases end.")] = True,
    throughput: Annotated[
        bool, typer.Option(help="Measure each case's throughput after the runs, with the machine alone.")
    ] = True,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=PROCESSES, help="Fresh processes that a case's throughput is measured in; 1 gives no interval."
        ),
    ] = PROCESSES,
    keep_weights: Annotated[
        bool,
        typer.Option(
            "--keep-weights",
            help="Keep the weights of each case's best seed, for bench forecast; MLflow gets it as a model.",
        ),
    ] = False,
    keep_all_weights: Annotated[bool, typer.Option("--keep-all-weights", help="Keep those of every seed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another sweep on the same results folder.")] = False,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> int:
    """Run what a suite lacks, record it, mirror it to MLflow and write the report.

    Ctrl-C stops it and loses nothing; the same command goes on. A second one leaves at once. An overridden suite
    reports under the results folder and leaves reports/ alone. Where MLflow, or what reports are made with, is not
    installed, as on a compute node, it says so and records all the same; bench sync and bench report do the rest later.

    Of a FILE, a CSV or Parquet file of series, a suite is made first, as `bench new` does, beside the results: every
    model that fits, three learning rates and ten seeds, or with --quick a few of each. Its options are those up to
    --quick; the same command goes on with the same runs.
    """
    from bench.commands import RunOptions, run_suite
    from bench.commands.asked import Asked
    from bench.tables.suffixes import is_series_file

    asked = Asked(suite, tuple(names("--target", target)), horizon, input_length, id_, time, season, quick)
    made = None
    if is_series_file(suite):
        from bench.commands.series import new_suite

        made = new_suite(asked, folder=results / "data", again=True)
        suite = str(made.path)
    elif asked.options:
        raise BenchError(
            f"{asked.options[0][0]} goes with a file of series, as in bench run sales.csv; {suite!r} is none"
        )
    placed = [("--address", address), ("--runtime-env", runtime_env)]
    chosen = selection(suite, results, reports, cases, seeds, device, backend, epochs, stack, executor, job, placed)
    options = RunOptions(
        rerun, track, throughput, workers or None, math.inf if wait else 0.0, processes, report and not job
    )
    options = replace(options, weights="all" if keep_all_weights else "best" if keep_weights else "none")
    screen = console(lasting=True)
    if made:
        options = replace(options, train_windows=made.train_windows)
        for line in made.lines:
            screen.print(line)
    with Interrupts(say_so) as told:
        return run_suite(chosen, options, screen, stopped=lambda: told.heard)


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Results folders, as bench run wrote them.")],
    results: Results = RESULTS,
) -> int:
    """Take up what was recorded elsewhere: records of runs, what lies beside them, weights and measurements.

    What is there already is not added again. What does not fit, a broken file or another result of a run that is there,
    is named and left out; then the exit code is 1.
    """
    from bench.commands.merge import merge as merged

    return merged(folders, results, console(lasting=True))


@app.command()
def sync(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    backend: BackendNames = "",
    epochs: Epochs = 0,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> int:
    """Send MLflow the records that it lacks; twice adds nothing."""
    from bench.commands import sync_suite

    chosen = selection(suite, results, reports, cases, seeds, device, backend, epochs)
    return sync_suite(chosen, console(lasting=True))


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    results: Results = RESULTS,
) -> int:
    """Serve the MLflow UI over the mirrored runs, on this machine only, until Ctrl-C."""
    from bench.tracking.serve import serve_ui

    return serve_ui(results, port)
