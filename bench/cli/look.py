"""Verbs that look and change nothing: list, plan, results, rescore."""

import json
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bench.cli.app import OK, app
from bench.cli.options import (
    BackendNames,
    Cases,
    DeviceNames,
    Epochs,
    Json,
    Reports,
    Results,
    Seeds,
    Stack,
    SuiteName,
    selection,
)
from bench.cli.screen import console, show_table
from bench.errors import BenchError
from bench.files import written_whole
from bench.pasting import quote
from bench.record import IN_WORDS
from bench.stacks import AUTO
from bench.store import REPORTS, RESULTS, Store

if TYPE_CHECKING:
    from bench.commands import Selection


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="suites, cases, datasets, models, metrics, backends, devices or executors.")
    ] = "cases",
    name: Annotated[str, typer.Argument(help="One dataset, model or metric: all that it says of itself.")] = "",
    as_json: Json = False,
) -> int:
    """List what is registered: `bench list models`; or describe one of it: `bench list models tcn`."""
    from bench.listing import described, listing

    if name:
        text = described(kind, name)
        print(json.dumps(text) if as_json else text)
        return OK
    rows = listing(kind)
    if as_json:
        print(json.dumps(rows, indent=1))
        return OK
    table = Table()
    told = [column for column in (rows[0] if rows else ()) if any(row[column] for row in rows)]
    for column in told or ["nothing registered"]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(row[column]) for column in told))
    show_table(console(), table)
    return OK


@app.command()
def plan(
    suite: SuiteName = "chapter15",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    backend: BackendNames = "",
    epochs: Epochs = 0,
    stack: Stack = AUTO,
    workers: Annotated[int, typer.Option(min=0, help="Runs at once; 0: one a core.")] = 0,
    emit: Annotated[str, typer.Option(help="Write what is to do as a script for a queue: slurm.")] = "",
    to: Annotated[
        Path | None, typer.Option(help="With --emit: file to write; without it the script is printed.")
    ] = None,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    as_json: Json = False,
) -> int:
    """Say which runs of a suite are recorded, missing, to be tried again or stale, and how long the rest will take.

    A run is stale where a record of it is from before a change of its data set, model, recipe or a version; the table
    is followed by what changed. Stale records are kept and shown in no report. A case whose model does not fit its task
    is skipped, with the reason.

    With --emit slurm, write what is to do as a script that submits itself, an array of jobs for each kind of node.
    """
    from bench.devices import default_workers, find_device, usable_cores
    from bench.estimates import Estimate, guess_in_words, in_words, likely_of, pace_of, remaining_s
    from bench.jobs import make_jobs
    from bench.stale import find_stale
    from bench.throughput.benchmark import estimate_s

    chosen = selection(suite, results, reports, cases, seeds, device, backend, epochs, stack)
    if emit or to:
        return _emit(chosen, emit, to)
    for name in chosen.suite.devices:
        find_device(name)
    store = Store(results)
    records = store.read()
    made = chosen.plan(store, records=records)
    pace = pace_of(records, reports / chosen.suite.name).over(likely_of(chosen.suite, records, reports))
    most = workers or default_workers(len(usable_cores()))
    hands = max(1, min(most, len(make_jobs(made.missing))))
    unmeasured = made.unmeasured()
    estimate = Estimate(remaining_s(made.missing, pace, hands), estimate_s(unmeasured, most) if unmeasured else 0.0)
    lacking = list(dict.fromkeys(spec.case for spec in unmeasured))
    stale = {s.spec.run_id: s for s in find_stale(made.missing, records)}
    states = made.states(stale)
    if as_json:
        runs = [
            {"run_id": s.run_id, "case": s.case, "seed": s.model_seed, "data_seed": s.data_seed, "device": s.device,
             "backend": s.backend, "state": states[s.run_id],
             "changes": list(stale[s.run_id].changes) if s.run_id in stale else []}
            for s in made.specs
        ]  # fmt: skip
        skipped = [{"case": skip.case.name, "reason": skip.reason} for skip in made.skips]
        told = {"estimate_s": estimate.total_s, "runs_s": estimate.runs_s, "throughput_s": estimate.throughput_s}
        found = {"suite": chosen.suite.name, **told, "runs": runs, "to_measure": lacking, "skipped": skipped}
        print(json.dumps(found, indent=1))
        return OK
    screen = console()
    kinds = ("done", "missing", "to retry", "stale")
    table = Table("case", "runs", *kinds, "estimate")
    for case in made.cases:
        specs = [s for s in made.specs if s.case == case.name]
        left = [s for s in specs if states[s.run_id] != "done"]
        expected = "" if not left else in_words(remaining_s(left, pace, 1) if case.name in pace.run_s else None)
        counts = (sum(states[s.run_id] == kind for s in specs) for kind in kinds)
        table.add_row(case.name, str(len(specs)), *(str(n or "") for n in counts), expected)
    show_table(screen, table, f"suite {chosen.suite.name}")
    for line in chosen.stacks:
        screen.print(line)
    for skip in made.skips:
        screen.print(f"skipped {skip.case.name}: {skip.reason}")
    for change, n in Counter(", ".join(s.changes) for s in stale.values()).items():
        screen.print(f"{n} stale because {change}")
    if made.measured:
        measured = len({spec.measure_id for spec in made.measured} - {spec.measure_id for spec in unmeasured})
        screen.print(f"throughput of {measured} of {len(made.measured)} cases measured")
    screen.print(f"{len(made.done)} of {len(made.specs)} runs done; time for the rest: {estimate.in_words()}")
    if guess := guess_in_words(made.missing, pace):
        screen.print(guess)
    return OK


def _emit(chosen: "Selection", queue: str, to: Path | None) -> int:
    """Write what is to do of a suite as a script for a queue.

    Raises:
        BenchError: There is no such queue, nothing to do, or the file cannot be written.
    """
    from bench.commands.slurm import slurm_script

    if queue != "slurm":
        raise BenchError(f"--emit {queue!r}: expected slurm" if queue else "--to goes with --emit slurm")
    if chosen.suite.accept == "here":  # a queue's nodes are not this machine
        chosen = replace(chosen, suite=chosen.suite.model_copy(update={"accept": "any"}))
    script = slurm_script(chosen, chosen.plan(Store(chosen.results)), to)
    if to is None:
        print(script, end="")
        return OK
    try:
        with written_whole(to) as new:
            new.write_text(script, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot write {to} ({error.strerror or error}); name another file with --to") from None
    console().print(f"{to} written; bash {quote(str(to))} submits it")
    return OK


@app.command()
def rescore(
    suite: SuiteName = "chapter15",
    metric: Annotated[str, typer.Option(help="A registered metric, see bench list metrics.")] = "",
    weights: Annotated[str, typer.Option(help="best, of the epoch that validation chose, or last.")] = "best",
    cases: Cases = "",
    seeds: Seeds = "",
    device: DeviceNames = "",
    backend: BackendNames = "",
    epochs: Epochs = 0,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    as_json: Json = False,
) -> int:
    """Compute a metric on the test sets from the forecasts that runs kept, without training; no record changes.

    Means stand with 95 % intervals over runs. Where forecasts are large only those at the window's last position are
    kept: metrics of that position alone can be computed from these.
    """
    from bench.commands.rescore import rescore as rescored
    from bench.metrics.base import metrics
    from bench.report.amounts import amount, ends_of
    from bench.report.markdown import NONE

    if not metric:
        raise BenchError("name a metric, as in --metric mae; bench list metrics shows which there are")
    if weights not in ("best", "last"):
        raise BenchError(f"--weights {weights!r}: expected best or last")
    chosen = selection(suite, results, reports, cases, seeds, device, backend, epochs)
    rows, remarks = rescored(chosen, metric, "last" if weights == "last" else "best")
    if as_json:
        print(json.dumps({"metric": metric, "weights": weights, "rows": [asdict(row) for row in rows],
                          "remarks": remarks}, indent=1))  # fmt: skip
        return OK
    traits, screen = metrics.get(metric), console()
    table = Table("case", "device", "backend", "test set", "runs", metric, "low", "high")
    for row in rows:
        ends = (NONE if end is None else amount(end, traits) for end in ends_of(row.mean, traits))
        runs = f"{row.mean.n} of {row.done}"
        table.add_row(row.case, row.device, row.backend, row.split, runs, amount(row.mean.centre, traits), *ends)
    show_table(screen, table, f"{traits.heading} {IN_WORDS[weights]}, from kept forecasts")
    for remark in remarks:
        screen.print(remark)
    return OK


@app.command("results")
def results_(
    suite: SuiteName = "chapter15",
    format_: Annotated[str, typer.Option("--format", help="csv, json or parquet.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="File to write; without it the table is printed.")] = None,
    device: DeviceNames = "",
    backend: BackendNames = "",
    results: Results = RESULTS,
) -> int:
    """Export a suite's records as one tidy table, a value a row."""
    from bench import load_results

    if format_ not in ("csv", "json", "parquet"):
        raise BenchError(f"--format {format_!r}: expected csv, json or parquet")
    if format_ == "parquet" and output is None:
        raise BenchError("--format parquet: name a file with --output, parquet is not text")
    chosen = selection(suite, results, device=device, backend=backend)
    frame = load_results(suite, results, backends=chosen.suite.backends, devices=chosen.suite.devices)
    if not len(frame):
        raise chosen.nothing_recorded
    try:
        place: AbstractContextManager[Any] = written_whole(output) if output else nullcontext(sys.stdout)
        with place as target:
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
            f"cannot write {output or 'standard output'} ({error.strerror or error}); name another file with --output"
        ) from None
    return OK
