"""The copy in MLflow: started beside a sweep, or sent what it lacks."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench.commands.selection import Selection
from bench.errors import BenchError
from bench.extras import REPORT, TRACK, lacking, require
from bench.lock import hold
from bench.plan import Plan
from bench.record import RANKED
from bench.store import NotKept, Store, WeightStore, best_seeds

if TYPE_CHECKING:
    from bench.tracking import Mirror


def sync_suite(chosen: Selection, console: Console) -> int:
    """Send MLflow what it lacks of a suite's records and measurements; return 0 where all of it arrived, else 1.

    Raises:
        BenchError: MLflow is not installed, nothing is recorded, or a sweep holds the results folder: it mirrors by
            itself.
    """
    require(TRACK, "bench sync")
    if not chosen.results.is_dir():  # holding it would make it
        raise chosen.nothing_recorded
    with hold(chosen.results):
        plan = chosen.plan(Store(chosen.results))
        if not plan.records and not plan.measurements:
            raise chosen.nothing_recorded
        mirror = start_mirror(plan, chosen, console)
        readme = chosen.report_folder / "README.md"
        send_models(mirror, plan, chosen)
        if not plan.missing:
            if readme.exists() and not lacking(REPORT):
                from bench.page import write_page

                with suppress(BenchError, OSError):  # a clone has no pages; a report without one is sent as it is
                    write_page(readme)
            finish(mirror, plan, readme if readme.exists() else None)
        outcome = mirror.close(timeout_s=None)
    console.print(f"{outcome.sent} records sent, {outcome.present} were there, {outcome.missing} missing")
    return 1 if outcome.missing else 0


def start_mirror(plan: Plan, chosen: Selection, console: Console) -> "Mirror":
    """Start the mirror, and queue what an earlier sweep may not have sent."""
    from bench.tracking import Mirror, sweep_params, tracking_uri

    mirror = Mirror(
        tracking_uri(chosen.results),
        plan.suite.name,
        plan.suite.digest,
        params=sweep_params(plan),
        warn=lambda text: console.print(f"warning: {text}"),
        again=chosen.command("sync"),
    )
    for record in plan.records:
        mirror.send(record)
    for measurement in plan.measurements:
        mirror.send(measurement)
    return mirror


def send_models(mirror: "Mirror", plan: Plan, chosen: Selection) -> None:
    """Queue the networks whose weights are kept, each case's best seed on a draw of its data, device and backend."""
    from bench.tracking import ServedModel

    kept = WeightStore(Store(chosen.results))
    there = [record for record in plan.records if record.status == "done" and kept.has(record)]
    for record in best_seeds(there):
        try:
            mirror.send_model(ServedModel(record, kept.read(record)))
        except NotKept:  # a broken file is told by what wants it
            continue


def finish(mirror: "Mirror", plan: Plan, readme: Path | None) -> None:
    """Queue the sweep's summary: the report, where there is one, its opening as a description, and means over seeds."""
    from bench.frames import means, select

    finished = [r for r in select(plan).records if r.status == "done"]
    if finished:
        split, weights = RANKED[plan.suite.rank]
        section = split if weights == "last" else f"{split}_{weights}"
        folder, told = (readme.parent, opening(readme)) if readme else (None, "")
        mirror.finish(folder, told, means(finished), section)


def opening(readme: Path) -> str:
    """Return a report's text up to its first table: what was compared, and the findings."""
    return readme.read_text(encoding="utf-8").partition("\n## Table")[0]
