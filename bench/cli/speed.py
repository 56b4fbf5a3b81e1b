"""The verb that measures networks at other lengths and batches: speed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.app import app
from bench.cli.options import BackendNames, DeviceNames, Results, integers, names
from bench.cli.screen import console
from bench.errors import BenchError
from bench.interrupt import Interrupts, say_so
from bench.store import RESULTS

MOST = 1_000_000


@app.command()
def speed(
    cases: Annotated[
        str,
        typer.Argument(metavar="CASES|SUITE", help="Registered cases: names or globs; or a suite, by name or path."),
    ],
    lengths: Annotated[str, typer.Option(help="Steps in a window.")] = "50,200,1000,4000",
    batch: Annotated[str, typer.Option(help="Windows in a batch.")] = "1,32,256",
    device: DeviceNames = "cpu",
    backend: BackendNames = "tensorflow",
    budget_s: Annotated[
        float, typer.Option(min=1.0, help="Seconds that one network may take at one length and batch.")
    ] = 120.0,
    rerun: Annotated[bool, typer.Option(help="Measure again what is recorded.")] = False,
    measure: Annotated[
        bool, typer.Option(help="Measure what is missing; else report what another machine kept.")
    ] = True,
    to: Annotated[str, typer.Option(help="Folder of the report; else one of the results, by what is asked for.")] = "",
    results: Results = RESULTS,
) -> int:
    """Measure throughput, latency and memory against the length of windows, and say how each grows.

    Each network is measured at each length and batch in a process of its own, alone on the machine; what takes longer
    than its budget, or more memory than there is, is marked so, and its longer windows are not tried. Ctrl-C loses no
    point; the same command goes on.
    """
    from bench.commands.speed import Asked, SpeedOptions, measure_speed
    from bench.suite import SUITES, Suite, override, read_suite

    patterns = names("CASES", cases)
    if not patterns:
        raise BenchError("name a case, as in bench speed seq2seq_lstm; bench list cases shows which there are")
    numbers = _counts("--lengths", lengths), _counts("--batch", batch)
    options = SpeedOptions(*numbers, budget_s, rerun, measure, results, Path(to) if to else None)
    chosen: list[Any] = [*patterns]
    question = ""
    if (SUITES / f"{cases}.toml").is_file() or cases.endswith(".toml"):
        named = read_suite(cases)
        chosen, question = named.cases, named.title
    suite = override(
        Suite(name="speed", cases=chosen, seeds=[0]),
        devices=names("--device", device),
        backends=names("--backend", backend),
    )
    with Interrupts(say_so) as told:
        given = {"--lengths": lengths, "--batch": batch, "--device": device, "--backend": backend}
        given |= {"--budget-s": f"{budget_s:g}"} | ({"--to": to} if to else {})
        given |= {} if results == RESULTS else {"--results": str(results)}
        asked = Asked(cases, list(given.items()), question)
        return measure_speed(suite, options, asked, console(lasting=True), lambda: told.heard)


def _counts(option: str, text: str) -> tuple[int, ...]:
    """Return the numbers of an option, each once.

    Raises:
        BenchError: One is none above 0.
    """
    found = tuple(sorted(set(integers(option, text))))
    if not found or found[0] < 1 or found[-1] > MOST:
        raise BenchError(f"{option} {text!r}: expected numbers from 1 to {MOST:,}, as in 50,200")
    return found
