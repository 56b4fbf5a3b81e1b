"""The verb that writes a report again, holds it to its tables, or asks them which case fits some bounds."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import OK, RUNS_FAILED, app
from bench.cli.options import (
    BackendNames,
    Cases,
    DeviceNames,
    Epochs,
    Reports,
    Results,
    Seeds,
    SuiteOrFolder,
    selection,
)
from bench.errors import BenchError
from bench.store import REPORTS, RESULTS, Store
from bench.suite import SUITES
from bench.text.screen import safe

if TYPE_CHECKING:
    from bench.commands import Selection


@app.command()
def report(
    suite: SuiteOrFolder = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    backend: BackendNames = "",
    epochs: Epochs = 0,
    check: Annotated[bool, typer.Option(help="Only compare a report with the CSVs beside it.")] = False,
    under: Annotated[
        str, typer.Option(help="Only ask the report for the best case within bounds: latency_p50=5ms,parameters=2000.")
    ] = "",
    task: Annotated[str, typer.Option(help="With --under: only this task, by name.")] = "",
    environment: Annotated[str, typer.Option(help="Digest of the environment to report; empty: this machine's.")] = "",
    open_: Annotated[
        bool, typer.Option("--open", help="Show the report in a browser; its page's path is printed.")
    ] = False,
    slice_: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            metavar="weekday|month|hour|horizon|COLUMN",
            help="Also say where each model loses, by this; may be given again.",
        ),
    ] = None,
    excerpts: Annotated[
        bool, typer.Option(help="Show some windows of the data: off for a report that goes further than the data may.")
    ] = True,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> int:
    """Write a suite's report from its records: README.md, report.html, figures and the CSVs that they come from.

    With --open, show the page in a browser; where nothing is recorded here, the page of the report that is there.

    Of a report's folder, in place of a suite, all is written again from the CSVs in it; --check holds it to them.

    With --slice, test scores stand besides by weekday, month, hour, steps ahead (horizon) or a column of the data, from
    the errors and forecasts that runs kept; and the windows that the leader forecasts worst are drawn.

    With --under, answer from the CSVs of the report that is there: the best case within the bounds, what these seeds
    cannot tell from it, and what the bounds cost. Costs are bounded from above (latency_p50, latency_p99, parameters,
    peak_memory, model_size, train_s), throughputs from below (train_throughput, infer_throughput, in windows/s).
    """
    if task and not under:
        raise BenchError("--task goes with --under alone; name bounds, as in --under parameters=2000")
    if under and check:
        raise BenchError("--under and --check are two questions; ask one at a time")
    if open_ and (under or check):
        raise BenchError("--open shows a report, --under and --check answer in the terminal; ask one at a time")
    if slice_ and (under or check):
        raise BenchError("--slice writes a report, --under and --check answer of one; ask one at a time")
    if under and environment:
        raise BenchError("--under asks the report that is there; write it with --environment first, then ask")
    if not (SUITES / f"{suite}.toml").is_file() and Path(suite).is_dir():
        given = {"--cases": cases, "--seeds": seeds, "--device": device, "--backend": backend, "--epochs": epochs}
        given |= {"--under": under, "--environment": environment, "--slice": slice_, "--no-excerpts": not excerpts}
        if wrong := [name for name, value in given.items() if value]:
            raise BenchError(f"{wrong[0]} goes with a suite; a folder is written again from its CSVs as it is")
        return _folder(Path(suite), check=check, shows=open_)
    chosen = selection(suite, results, reports, cases, seeds, device, backend, epochs)
    if under:
        print(safe(_within(chosen, under, task)))
        return OK
    if check:
        from bench.report.build import check_report

        if not (chosen.report_folder / "README.md").exists():
            raise BenchError(f"no report in {chosen.report_folder}; write it first: {chosen.command('report')}")
        return _told(chosen.report_folder, check_report(chosen.report_folder))
    wanted = environment or None
    plan = chosen.plan(Store(results), wanted)
    there = chosen.report_folder / "README.md"
    if open_ and not plan.records and there.exists():
        readme = there
    else:
        readme = chosen.write_report(plan, environment=wanted, slices=slice_ or (), excerpts=excerpts)
    print(_shown(readme) if open_ else readme)
    return OK


def _folder(folder: Path, *, check: bool, shows: bool) -> int:
    """Write a report again from the CSVs in its folder, or hold it to them; return the exit code.

    Raises:
        BenchError: There is no report, a file is unreadable, or the folder cannot be written.
    """
    from bench.report.folder import check_folder, render_folder

    if check:
        return _told(folder, check_folder(folder))
    try:
        readme = render_folder(folder)
    except OSError as error:
        raise BenchError(f"cannot write the report in {folder} ({error.strerror}); make it writable") from None
    print(_shown(readme) if shows else readme)
    return OK


def _told(folder: Path, differences: list[str]) -> int:
    """Print how a report differs from its CSVs; return the exit code."""
    print(safe("\n".join(differences)) or f"{folder}: what its CSVs give")
    return RUNS_FAILED if differences else OK


def _shown(readme: Path) -> Path:
    """Open a report's page in a browser, where there is one; return the page's path.

    Raises:
        BenchError: The page cannot be made or written.
    """
    import webbrowser

    from bench.page import write_page

    try:
        page = write_page(readme)
    except OSError as error:
        raise BenchError(f"cannot write the page in {readme.parent} ({error.strerror}); make it writable") from None
    with suppress(webbrowser.Error):
        webbrowser.open(page.absolute().as_uri())
    return page


def _within(chosen: "Selection", under: str, task: str) -> str:
    """Return the answer of a report's CSVs to some bounds.

    Raises:
        BenchError: The bounds are none, or there is no report.
    """
    from bench.frames import read_frames
    from bench.report.results import Results
    from bench.report.under import answer, parse_bounds

    bounds = parse_bounds(under)
    folder = chosen.report_folder
    if not (folder / "runs.csv").exists():
        raise BenchError(f"no report in {folder} to ask; write it first: {chosen.command('report')}")
    return answer(Results(read_frames(folder)), bounds, task or None)
