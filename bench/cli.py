"""The command line: parses and calls, nothing else."""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import TyperException

from bench.errors import BenchError
from bench.store import RESULTS, Store
from bench.suite import override, read_suite

if TYPE_CHECKING:
    from bench.commands import Selection

OK, RUNS_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3

app = typer.Typer(
    help="""Compare sequence architectures on data, over seeds and devices, and see which differences are real.

    A suite (suites/NAME.toml) selects cases, each a data set, a model and the recipe that trains it. `bench run`
    runs what is not recorded yet and writes a report; `bench report` writes it again from the records.

    Exit codes: 0 all recorded, 1 some runs failed (or a report differs), 2 bad input, 3 interrupted.""",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A name in suites/, or a path to a .toml file.")]
Cases = Annotated[str, typer.Option(help="Only these cases of the suite: names or globs, comma-separated.")]
Seeds = Annotated[str, typer.Option(help="Model seeds instead of the suite's, as in 42,43.")]
DeviceNames = Annotated[str, typer.Option("--device", help="cpu, gpu, gpu:1 or several, as in cpu,gpu.")]
Epochs = Annotated[int, typer.Option(min=0, help="Epochs for every trained case instead of its recipe's; 0: leave.")]
Results = Annotated[Path, typer.Option(help="Folder of the records.", file_okay=False)]
Reports = Annotated[Path, typer.Option(help="Folder of the reports of unmodified suites.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="suites, cases, datasets, models, metrics, backends or devices.")
    ] = "cases",
    as_json: Json = False,
) -> int:
    """List what is registered: `bench list models`."""
    from bench.listing import listing

    rows = listing(kind)
    if as_json:
        print(json.dumps(rows, indent=1))
        return OK
    table = Table()
    for column in rows[0] if rows else ("nothing registered",):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    _console().print(table)
    return OK


@app.command()
def plan(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    epochs: Epochs = 0,
    workers: Annotated[int, typer.Option(min=0, help="Runs at once; 0: one a core.")] = 0,
    results: Results = RESULTS,
    reports: Reports = Path("reports"),
    as_json: Json = False,
) -> int:
    """Say which runs of a suite are recorded, missing, to be tried again or stale, and how long the rest will take.

    A run is stale where a record of it is from before a change of its data set, model, recipe or a version; the table
    is followed by what changed. Stale records are kept and shown in no report.
    """
    from bench.devices import find_device, usable_cores
    from bench.estimates import in_words, remaining_s, seconds_by_case
    from bench.stale import find_stale

    chosen = _selection(suite, results, reports, cases, seeds, device, epochs)
    for name in chosen.suite.devices:
        find_device(name)
    records = Store(results).read()
    made = chosen.plan(records)
    known = seconds_by_case(records, reports / chosen.suite.name)
    seconds = remaining_s(made.missing, known, workers or len(usable_cores()))
    stale = {s.spec.run_id: s for s in find_stale(made.missing, records)}
    states = made.states(stale)
    if as_json:
        runs = [
            {"run_id": s.run_id, "case": s.case, "seed": s.model_seed, "data_seed": s.data_seed, "device": s.device,
             "backend": s.backend, "state": states[s.run_id],
             "changes": list(stale[s.run_id].changes) if s.run_id in stale else []}
            for s in made.specs
        ]  # fmt: skip
        print(json.dumps({"suite": chosen.suite.name, "estimate_s": seconds, "runs": runs}, indent=1))
        return OK
    console = _console()
    kinds = ("done", "missing", "to retry", "stale")
    table = Table("case", "runs", *kinds, "estimate", title=f"suite {chosen.suite.name}")
    for case in made.cases:
        specs = [s for s in made.specs if s.case == case.name]
        left = [s for s in specs if states[s.run_id] != "done"]
        estimate = "" if not left else in_words(remaining_s(left, known, 1) if case.name in known else None)
        counts = (sum(states[s.run_id] == kind for s in specs) for kind in kinds)
        table.add_row(case.name, str(len(specs)), *(str(n or "") for n in counts), estimate)
    console.print(table)
    for change, n in Counter(", ".join(s.changes) for s in stale.values()).items():
        console.print(f"{n} stale because {change}", soft_wrap=True)
    console.print(f"{len(made.done)} of {len(made.specs)} runs done; time for the rest: about {in_words(seconds)}")
    return OK


@app.command()
def run(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    epochs: Epochs = 0,
    workers: Annotated[int, typer.Option(min=0, help="Runs at once, each on a core of its own; 0: one a core.")] = 0,
    rerun: Annotated[bool, typer.Option(help="Run recorded runs too; adds records, overwrites none.")] = False,
    track: Annotated[bool, typer.Option(help="Mirror the records to MLflow.")] = True,
    results: Results = RESULTS,
    reports: Reports = Path("reports"),
) -> int:
    """Run what a suite lacks, record it, mirror it to MLflow and write the report.

    Ctrl-C stops it and loses nothing; the same command goes on. An overridden suite reports under the results
    folder and leaves reports/ alone.
    """
    from bench.commands import run_suite

    chosen = _selection(suite, results, reports, cases, seeds, device, epochs)
    signal.signal(signal.SIGTERM, _interrupt)
    return run_suite(chosen, rerun=rerun, track=track, workers=workers or None, console=_console())


@app.command()
def report(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    epochs: Epochs = 0,
    check: Annotated[bool, typer.Option(help="Only compare a report with the CSVs beside it.")] = False,
    environment: Annotated[str, typer.Option(help="Digest of the environment to report; empty: this machine's.")] = "",
    results: Results = RESULTS,
    reports: Reports = Path("reports"),
) -> int:
    """Write a suite's report from its records: tables, figures and the CSVs that they come from."""
    chosen = _selection(suite, results, reports, cases, seeds, device, epochs)
    if check:
        from bench.report.build import check_report

        differences = check_report(chosen.report_folder)
        print("\n".join(differences) or f"{chosen.report_folder}: what its CSVs give")
        return RUNS_FAILED if differences else OK
    print(chosen.write_report(chosen.plan(Store(results).read()), environment=environment or None))
    return OK


@app.command()
def sync(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    epochs: Epochs = 0,
    results: Results = RESULTS,
    reports: Reports = Path("reports"),
) -> int:
    """Send MLflow the records that it lacks; twice adds nothing."""
    from bench.commands import sync_suite

    return sync_suite(_selection(suite, results, reports, cases, seeds, device, epochs), _console())


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    results: Results = RESULTS,
) -> int:
    """Serve the MLflow UI over the mirrored runs, on this machine only, until Ctrl-C."""
    from bench.tracking.serve import serve_ui

    return serve_ui(results, port)


@app.command("results")
def results_(
    suite: SuiteName = "chapter15",
    format_: Annotated[str, typer.Option("--format", help="csv, json or parquet.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="File to write; without it the table is printed.")] = None,
    results: Results = RESULTS,
) -> int:
    """Export a suite's records as one tidy table, a value a row."""
    from bench import load_results

    if format_ not in ("csv", "json", "parquet"):
        raise BenchError(f"--format {format_!r}: expected csv, json or parquet")
    if format_ == "parquet" and output is None:
        raise BenchError("--format parquet: name a file with --output, parquet is not text")
    frame = load_results(suite, results)
    if not len(frame):
        raise BenchError(f"no records of suite {suite!r} in {results}; run it first: bench run {suite}")
    target: Any = output or sys.stdout
    try:
        if format_ == "csv":
            frame.to_csv(target, index=False)
        elif format_ == "json":
            frame.to_json(target, orient="records", lines=False)
        else:
            frame.to_parquet(target, index=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BenchError(
            f"cannot write {output} ({error.strerror or error}); name another file with --output"
        ) from None
    return OK


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command; turn every kind of bad input into one line on stderr and exit code 2."""
    try:
        code = app(arguments or ["--help"], prog_name="bench", standalone_mode=False)
    except BenchError as error:
        return _complain(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}; what was recorded before is kept")
    except TyperException as error:
        return _complain(error.format_message().rstrip(".") + "; see bench --help")
    except (typer.Abort, KeyboardInterrupt):
        print("bench: interrupted; records written so far are kept", file=sys.stderr)
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _complain(message: str) -> int:
    print("bench: " + " ".join(message.split()), file=sys.stderr)
    return BAD_INPUT


def _console() -> Console:
    """Return a console that takes names from files as they are, and is wide where nobody looks at it."""
    return Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _selection(
    suite: str, results: Path, reports: Path, cases: str, seeds: str, device: str, epochs: int
) -> "Selection":
    """Return a suite with what the command line overrides.

    Raises:
        BenchError: A part of it does not exist or does not fit.
    """
    from bench.commands import Selection

    unmodified = read_suite(suite)
    chosen = override(
        unmodified,
        cases=_list("--cases", cases),
        seeds=_integers("--seeds", seeds),
        devices=_list("--device", device),
        epochs=epochs or None,
    )
    chosen.select()
    return Selection(suite, chosen, unmodified, results, reports)


def _list(option: str, text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(parts):
        raise BenchError(f"{option} {text!r}: expected names separated by commas")
    return parts


def _integers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in _list(option, text)]
    except ValueError:
        raise BenchError(f"{option} {text!r}: expected integers separated by commas, as in 42,43") from None


if __name__ == "__main__":
    main()
