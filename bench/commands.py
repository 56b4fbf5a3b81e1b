"""What the verbs do that take more than a call: a sweep with its mirror and its report."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from rich.console import Console

from bench.errors import BenchError
from bench.estimates import in_words, remaining_s, seconds_by_case
from bench.executors.local import LocalExecutor, make_slots
from bench.jobs import make_jobs
from bench.plan import Plan, make_plan
from bench.progress import SweepProgress
from bench.record import RunRecord
from bench.store import Store
from bench.suite import Suite
from bench.sweep import Sweep, run_sweep

if TYPE_CHECKING:
    from bench.tracking import Mirror


def report_folder(suite: Suite, overridden: bool, results: Path, reports: Path) -> Path:
    """Return where a suite reports: under ``reports`` only where nothing about it is overridden."""
    return results / "reports" / f"{suite.name}-{suite.digest}" if overridden else reports / suite.name


def write_report(plan: Plan, folder: Path, *, environment: str | None = None, figures: bool = True) -> Path:
    """Write a plan's report; return its README.

    Raises:
        BenchError: Nothing is recorded, or the folder cannot be written.
    """
    from bench.report.build import build_report

    try:
        return build_report(plan, folder, environment=environment, figures=figures, command=_command(plan.suite))
    except OSError as error:
        raise BenchError(f"cannot write the report in {folder} ({error.strerror}); make it writable") from None


def run_suite(
    suite: Suite,
    *,
    overridden: bool,
    rerun: bool,
    track: bool,
    workers: int | None,
    results: Path,
    reports: Path,
    console: Console,
) -> int:
    """Run what a suite lacks and report it; return the exit code.

    Raises:
        BenchError: A device is missing, the results folder cannot be written or another sweep holds it.
    """
    store = Store(results)
    store.prepare()
    lock = FileLock(results / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchError(f"another sweep is writing to {results}; wait for it, or name another --results") from None
    with lock:
        records = store.read()
        for skipped in store.skipped:
            console.print(f"skipped {skipped.path}: {skipped.reason}", markup=False, highlight=False)
        plan = make_plan(suite, records)
        specs = plan.specs if rerun else plan.missing
        slots = make_slots(suite.devices, workers, len(make_jobs(specs)))
        folder = report_folder(suite, overridden, results, reports)
        known = seconds_by_case(records, reports / suite.name)
        estimate = in_words(remaining_s(specs, known, len(slots)))
        done = len(plan.specs) - len(specs)
        console.print(
            f"suite {suite.name}: {len(specs)} runs to do, {done} done; about {estimate} on {len(slots)} workers"
        )
        mirror = _mirror(plan, results, console) if track else None
        try:
            with SweepProgress(specs, known, len(slots), console) as progress:
                sweep = run_sweep(
                    specs,
                    LocalExecutor(slots, results / "logs"),
                    store,
                    mirror or _Nowhere(),
                    on_event=progress,
                    refresh=lambda: _refresh(suite, store, folder),
                )
            readme = write_report(make_plan(suite, store.read()), folder)
            if mirror is not None:
                from bench.frames import means

                mirror.finish(folder, _opening(readme), means(make_plan(suite, store.read()).records))
        finally:
            if mirror is not None:
                mirror.close()
    return _conclude(sweep, len(specs), readme, console)


class _Nowhere:
    """Takes records where nothing mirrors them."""

    def send(self, record: RunRecord) -> None:
        """Do nothing."""


def _mirror(plan: Plan, results: Path, console: Console) -> "Mirror":
    """Start the mirror, and queue what an earlier sweep may not have sent."""
    from bench.tracking import Mirror, sweep_params, tracking_uri

    mirror = Mirror(
        tracking_uri(results),
        plan.suite.name,
        plan.suite.digest,
        params=sweep_params(plan),
        warn=lambda text: console.print(f"warning: {text}", markup=False, highlight=False, soft_wrap=True),
    )
    for record in plan.records:
        mirror.send(record)
    return mirror


def _refresh(suite: Suite, store: Store, folder: Path) -> None:
    """Write the tables of what is recorded so far; figures come at the end."""
    write_report(make_plan(suite, store.read()), folder, figures=False)


def _opening(readme: Path) -> str:
    """Return a report's text up to its first table: what was compared, and the findings."""
    text = readme.read_text(encoding="utf-8")
    return text.split("\n## ", 2)[0] + "".join("\n## " + part for part in text.split("\n## ", 2)[1:2])


def _conclude(sweep: Sweep, planned: int, readme: Path, console: Console) -> int:
    console.print(f"report: {readme}", markup=False, highlight=False, soft_wrap=True)
    if sweep.interrupted:
        again = shlex.join(["bench", *sys.argv[1:]])
        console.print(
            f"interrupted: {len(sweep.records)} of {planned} runs recorded; go on with: {again}", markup=False
        )
        return 3
    if sweep.failed:
        console.print(f"{len(sweep.failed)} of {planned} runs have no result; the report says why", markup=False)
        return 1
    return 0


def _command(suite: Suite) -> str:
    return "make bench" if suite.name == "chapter15" else f"make bench SUITE={suite.name}"
