"""The verb that writes a report again, or holds it to its tables."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import OK, RUNS_FAILED, app
from bench.cli.options import Cases, DeviceNames, Epochs, Reports, Results, Seeds, SuiteName, selection
from bench.store import RESULTS, Store


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
    chosen = selection(suite, results, reports, cases, seeds, device, epochs)
    if check:
        from bench.report.build import check_report

        differences = check_report(chosen.report_folder)
        print("\n".join(differences) or f"{chosen.report_folder}: what its CSVs give")
        return RUNS_FAILED if differences else OK
    print(chosen.write_report(chosen.plan(Store(results).read()), environment=environment or None))
    return OK
