"""The command line: parses and calls, nothing else."""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import TyperException

from bench.errors import BenchError
from bench.store import RESULTS, Store
from bench.suite import SUITES, Suite, override, read_suite

OK, RUNS_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3

app = typer.Typer(
    help="""Compare sequence architectures on data, over seeds and devices, and see which differences are real.

    A suite (suites/NAME.toml) selects cases, each a data set, a model and the recipe that trains it. `bench run`
    runs what is not recorded yet and writes a report; `bench report` writes it again from the records.

    Exit codes: 0 all recorded, 1 some runs failed, 2 bad input, 3 interrupted.""",
    no_args_is_help=True,
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
    rows = _listing(kind)
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
    """Say which runs of a suite are recorded, which are missing, and how long they will take."""
    from bench.devices import find_device, usable_cores
    from bench.estimates import in_words, remaining_s, seconds_by_case
    from bench.plan import make_plan

    _, chosen = _suites(suite, cases, seeds, device, epochs)
    for name in chosen.devices:
        find_device(name)
    store = Store(results)
    records = store.read()
    made = make_plan(chosen, records)
    known = seconds_by_case(records, reports / chosen.name)
    seconds = remaining_s(made.missing, known, workers or len(usable_cores()))
    if as_json:
        done = {spec.run_id for spec in made.done}
        runs = [
            {"run_id": s.run_id, "case": s.case, "seed": s.model_seed, "data_seed": s.data_seed, "device": s.device,
             "backend": s.backend, "state": "done" if s.run_id in done else "missing"}
            for s in made.specs
        ]  # fmt: skip
        print(json.dumps({"suite": chosen.name, "estimate_s": seconds, "runs": runs}, indent=1))
        return OK
    console = _console()
    table = Table("case", "runs", "done", "missing", "estimate", title=f"suite {chosen.name}")
    for case in made.cases:
        specs = [s for s in made.specs if s.case == case.name]
        missing = [s for s in made.missing if s.case == case.name]
        estimate = "" if not missing else in_words(remaining_s(missing, known, 1) if case.name in known else None)
        table.add_row(case.name, str(len(specs)), str(len(specs) - len(missing)), str(len(missing)), estimate)
    console.print(table)
    console.print(f"{len(made.done)} of {len(made.specs)} runs done; the rest takes about {in_words(seconds)}")
    _warn_skipped(store)
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

    unmodified, chosen = _suites(suite, cases, seeds, device, epochs)
    signal.signal(signal.SIGTERM, _interrupt)
    return run_suite(
        chosen,
        overridden=chosen != unmodified,
        rerun=rerun,
        track=track,
        workers=workers or None,
        results=results,
        reports=reports,
        console=_console(),
    )


@app.command()
def report(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    epochs: Epochs = 0,
    environment: Annotated[str, typer.Option(help="Digest of the environment to report; empty: the newest.")] = "",
    results: Results = RESULTS,
    reports: Reports = Path("reports"),
) -> int:
    """Write a suite's report from its records: tables, figures and the CSVs that they come from."""
    from bench.commands import report_folder, write_report
    from bench.plan import make_plan

    unmodified, chosen = _suites(suite, cases, seeds, device, epochs)
    store = Store(results)
    made = make_plan(chosen, store.read())
    folder = report_folder(chosen, chosen != unmodified, results, reports)
    print(write_report(made, folder, environment=environment or None))
    _warn_skipped(store)
    return OK


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
    except OSError as error:
        raise BenchError(f"cannot write {output} ({error.strerror}); name another file with --output") from None
    return OK


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command; turn every kind of bad input into one line on stderr and exit code 2."""
    try:
        code = app(arguments, standalone_mode=False)
    except BenchError as error:
        return _complain(str(error))
    except TyperException as error:
        return _complain(error.format_message().rstrip(".") + "; see bench --help")
    except (typer.Abort, KeyboardInterrupt):
        print("bench: interrupted; records written so far are kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code if isinstance(code, int) else OK


def _complain(message: str) -> int:
    print("bench: " + " ".join(message.split()), file=sys.stderr)
    return BAD_INPUT


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _suites(suite: str, cases: str, seeds: str, device: str, epochs: int) -> tuple[Suite, Suite]:
    """Return the suite as written and as overridden."""
    unmodified = read_suite(suite)
    chosen = override(
        unmodified,
        cases=_list(cases),
        seeds=_integers(seeds),
        devices=_list(device),
        epochs=epochs or None,
    )
    chosen.select()
    return unmodified, chosen


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _integers(text: str) -> list[int]:
    try:
        return [int(part) for part in _list(text)]
    except ValueError:
        raise BenchError(f"--seeds {text!r}: expected integers separated by commas, as in 42,43") from None


def _warn_skipped(store: Store) -> None:
    for skipped in store.skipped:
        print(f"bench: skipped {skipped.path}: {skipped.reason}; move it away or run its run again", file=sys.stderr)


def _listing(kind: str) -> list[dict[str, Any]]:
    from bench.cases.base import cases
    from bench.datasets.base import datasets
    from bench.devices import device_kinds
    from bench.engines.base import engines
    from bench.metrics.base import metrics
    from bench.models.base import models
    from bench.registry import close_matches

    def about(text: str | None) -> str:
        return (text or "").strip().splitlines()[0] if text else ""

    makers: dict[str, Any] = {
        "cases": lambda: [
            {"case": n, "dataset": c.dataset.name, "model": c.model.name, "label": c.label}
            for n, c in ((n, cases.get(n)) for n in cases.names())
        ],
        "datasets": lambda: [{"dataset": n, "about": about(datasets.get(n).__doc__)} for n in datasets.names()],
        "models": lambda: [{"model": n, "about": about(models.get(n).__doc__)} for n in models.names()],
        "metrics": lambda: [{"metric": n, "about": about(metrics.get(n).compute.__doc__)} for n in metrics.names()],
        "backends": lambda: [{"backend": n} for n in engines.names()],
        "devices": lambda: [
            {"device": f"{d.kind}:{d.index}", "name": d.name}
            for n in device_kinds.names()
            for d in device_kinds.get(n)()
        ],
        "suites": lambda: [{"suite": p.stem, "title": read_suite(p.stem).title} for p in sorted(SUITES.glob("*.toml"))],
    }
    if kind not in makers:
        raise BenchError(f"cannot list {kind!r}; {close_matches(kind, list(makers))}")
    return makers[kind]()  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
