"""The verb that says whether this machine can do the work."""

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bench.cli.app import OK, RUNS_FAILED, app
from bench.cli.options import Json, Results
from bench.cli.screen import console, show_table
from bench.store import RESULTS

if TYPE_CHECKING:
    from bench.doctor import Finding, Repetition


@app.command()
def doctor(
    determinism: Annotated[
        bool, typer.Option("--determinism", help="Train small networks again and again: are their bits the same?")
    ] = False,
    results: Results = RESULTS,
    as_json: Json = False,
) -> int:
    """Look at this machine: what is installed, found and held, and what to do about it; exit 1 where something fails.

    With --determinism it says for each backend and device whether a training is bit-equal when repeated, within 1e-6 or
    different, and what the backend's deterministic mode costs. That takes a minute or two.
    """
    return _determinism(as_json) if determinism else _machine(results, as_json)


def _machine(results: Any, as_json: bool) -> int:
    from bench.doctor import check_machine

    checks = check_machine(results)
    failed = any(c.status == "fail" for c in checks)
    if as_json:
        print(json.dumps({"failed": failed, "checks": [asdict(c) for c in checks]}, indent=1))
        return RUNS_FAILED if failed else OK
    screen, width = console(), max(len(check.name) for check in checks)
    for check in checks:
        screen.print(f"{check.status:<4}  {check.name:<{width}}  {check.found}")
        if check.advice:
            screen.print(f"{'':<{width + 6}}  -> {check.advice}")
    return RUNS_FAILED if failed else OK


def _determinism(as_json: bool) -> int:
    from bench.doctor import check_determinism

    screen = console()
    say = (lambda text: None) if as_json else (lambda text: screen.print(f"training on {text} ..."))
    findings = check_determinism(on_start=say)
    broken = any(r.kind == "different" and r.how != "deterministic mode" for f in findings for r in f.repetitions)
    if as_json:
        print(json.dumps({"failed": broken, "findings": [_data(f) for f in findings]}, indent=1))
        return RUNS_FAILED if broken else OK
    table = Table("backend", "device", "once more", "bits", "largest relative difference")
    for finding in findings:
        for repetition in finding.repetitions:
            table.add_row(finding.backend, finding.device, repetition.how, repetition.kind, _detail(repetition))
    show_table(screen, table)
    for finding in findings:
        if finding.cost:
            clock = "CPU seconds" if finding.device == "cpu" else "seconds"
            costs = ", ".join(f"{label} × {ratio:.2f}" for label, ratio in finding.cost.items())
            screen.print(f"deterministic mode, {clock} an epoch, {finding.backend} on {finding.device}: {costs}")
    return RUNS_FAILED if broken else OK


def _detail(repetition: "Repetition") -> str:
    if repetition.difference is None:
        return repetition.reason
    of = f" ({', '.join(repetition.networks)})" if repetition.networks else ""
    return f"{repetition.difference:.1e}{of}" if repetition.difference else f"0{of}"


def _data(finding: "Finding") -> dict[str, Any]:
    made = asdict(finding)
    for repetition in made["repetitions"]:
        if repetition["difference"] is not None and not math.isfinite(repetition["difference"]):
            repetition["difference"] = None
    return made
