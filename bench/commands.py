"""What the verbs do that take more than a call: a sweep with its mirror and its report."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from rich.console import Console

from bench.devices import find_device
from bench.errors import BenchError
from bench.estimates import in_words, remaining_s, seconds_by_case
from bench.executors.local import Limits, LocalExecutor, make_slots
from bench.jobs import make_jobs
from bench.plan import Plan, make_plan
from bench.progress import SweepProgress
from bench.record import RunRecord
from bench.store import Store
from bench.suite import Suite
from bench.sweep import Sweep, run_sweep

if TYPE_CHECKING:
    from bench.tracking import Mirror


@dataclass(frozen=True)
class Selection:
    """A suite as a command names and wants it, beside the suite as its file has it, and where things are."""

    named: str
    suite: Suite
    unmodified: Suite
    results: Path
    reports: Path

    @property
    def report_folder(self) -> Path:
        """Where it reports: under ``reports`` only where nothing about the suite is overridden."""
        if self.suite == self.unmodified:
            return self.reports / self.suite.name
        return self.results / "reports" / f"{self.suite.name}-{self.suite.digest}"

    @property
    def command(self) -> str:
        """The make command that runs this again."""
        ours, theirs = self.suite, self.unmodified
        parts = ["make bench"]
        if self.named != "chapter15":
            parts.append(f"SUITE={self.named}")
        if ours.cases != theirs.cases:
            parts.append("CASES='" + ",".join(c.name for c in ours.select()) + "'")
        if ours.seeds != theirs.seeds:
            parts.append("SEEDS=" + ",".join(map(str, ours.seeds)))
        if ours.devices != theirs.devices:
            parts.append("DEVICE=" + ",".join(ours.devices))
        if ours.recipe.epochs != theirs.recipe.epochs:
            parts.append(f"EPOCHS={ours.recipe.epochs}")
        return " ".join(parts)

    def plan(self, records: list[RunRecord]) -> Plan:
        """Return the plan, given what is recorded."""
        return make_plan(self.suite, records, environments_here(self.suite))

    def write_report(self, plan: Plan, *, environment: str | None = None, figures: bool = True) -> Path:
        """Write the report of what a plan has recorded; return its README.

        Raises:
            BenchError: Nothing is recorded, or the folder cannot be written.
        """
        from bench.report.build import build_report

        folder = self.report_folder
        try:
            return build_report(plan, folder, environment=environment, figures=figures, command=self.command)
        except OSError as error:
            raise BenchError(f"cannot write the report in {folder} ({error.strerror}); make it writable") from None


def environments_here(suite: Suite) -> frozenset[str]:
    """Return the digests of the environments that a suite's runs have on this machine."""
    digests = {find_device("cpu").environment("numpy").digest}
    for name in suite.devices:
        try:
            device = find_device(name)
        except BenchError:  # a report of another machine's records needs none of its devices
            continue
        digests |= {device.environment(backend).digest for backend in suite.backends}
    return frozenset(digests)


def run_suite(chosen: Selection, *, rerun: bool, track: bool, workers: int | None, console: Console) -> int:
    """Run what a suite lacks and report it; return the exit code.

    Raises:
        BenchError: A device is missing, the results folder cannot be written or another sweep holds it.
    """
    for name in chosen.suite.devices:
        find_device(name)
    store = Store(chosen.results)
    store.prepare()
    lock = FileLock(chosen.results / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchError(
            f"another sweep is writing to {chosen.results}; wait for it, or name another --results"
        ) from None
    with lock:
        records = store.read()
        plan = chosen.plan(records)
        specs = plan.specs if rerun else plan.missing
        jobs = make_jobs(specs)
        slots = make_slots((job.device for job in jobs), workers, len(jobs))
        limits = Limits(chosen.suite.time_limit_s, chosen.suite.crash_retries)
        known = seconds_by_case(records, chosen.reports / chosen.suite.name)
        estimate = in_words(remaining_s(specs, known, len(slots)))
        done = len(plan.specs) - len(specs)
        console.print(
            f"suite {chosen.suite.name}: {len(specs)} runs to do, {done} done; about {estimate} on {len(slots)} workers"
        )
        mirror = _mirror(plan, chosen.results, console) if track else None
        try:
            with SweepProgress(specs, known, len(slots), console) as progress:
                sweep = run_sweep(
                    specs,
                    LocalExecutor(slots, chosen.results / "logs", limits),
                    store,
                    mirror or _Nowhere(),
                    on_event=progress,
                    refresh=_Refresh(chosen, store, console),
                )
            plan = chosen.plan(store.read())
            readme = chosen.write_report(plan) if plan.records else None
            if mirror is not None and readme is not None and not sweep.interrupted:
                _finish(mirror, plan, readme)
        finally:
            if mirror is not None:
                mirror.close()
    return _conclude(sweep, len(specs), readme, chosen.command, console)


def sync_suite(chosen: Selection, console: Console) -> int:
    """Send MLflow what it lacks of a suite's records; return 0 where all of it arrived, else 1.

    Raises:
        BenchError: Nothing is recorded.
    """
    plan = chosen.plan(Store(chosen.results).read())
    if not plan.records:
        raise BenchError(f"no records of suite {chosen.suite.name!r} in {chosen.results}; run it first")
    mirror = _mirror(plan, chosen.results, console)
    readme = chosen.report_folder / "README.md"
    if readme.exists() and not plan.missing:
        _finish(mirror, plan, readme)
    outcome = mirror.close(timeout_s=None)
    console.print(f"{outcome.sent} records sent, {outcome.present} were there, {outcome.missing} missing")
    return 1 if outcome.missing else 0


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
        warn=lambda text: console.print(f"warning: {text}", soft_wrap=True),
    )
    for record in plan.records:
        mirror.send(record)
    return mirror


def _finish(mirror: "Mirror", plan: Plan, readme: Path) -> None:
    """Queue the sweep's summary: the report, its opening as a description, and means over seeds."""
    from bench.frames import means
    from bench.report.build import select

    finished = [r for r in select(plan).records if r.status == "done"]
    if finished:
        mirror.finish(readme.parent, _opening(readme), means(finished))


class _Refresh:
    """Writes the tables of what is recorded so far, and says once where; figures come at the end."""

    def __init__(self, chosen: Selection, store: Store, console: Console):
        self._chosen, self._store, self._console = chosen, store, console
        self._said = False

    def __call__(self) -> None:
        """Write them."""
        readme = self._chosen.write_report(self._chosen.plan(self._store.read()), figures=False)
        if not self._said:
            text = f"first tables: {readme} (written again as cases end; figures come last)"
            self._console.print(text, soft_wrap=True)
            self._said = True


def _opening(readme: Path) -> str:
    """Return a report's text up to its first table: what was compared, and the findings."""
    return readme.read_text(encoding="utf-8").partition("\n## Table")[0]


def _findings(readme: Path) -> str:
    """Return a report's findings as plain text for a screen."""
    text = _opening(readme).partition("## Findings")[2].strip()
    return re.sub(r" \(\[.*?\)\)", "", re.sub(r"\*\*|\\(?=\W)", "", text))


def _conclude(sweep: Sweep, planned: int, readme: Path | None, command: str, console: Console) -> int:
    """Say what came of a sweep; return the exit code."""
    if readme is not None:
        console.print(_findings(readme))
        console.print(f"report: {readme}", soft_wrap=True)
    if sweep.interrupted:
        text = f"interrupted: {sweep.recorded} of {planned} runs recorded; go on with: {command}"
        console.print(text, soft_wrap=True)
        return 3
    lost = planned - sweep.recorded
    if sweep.failed or lost:
        console.print(f"{len(sweep.failed) + lost} of {planned} runs have no result; the report says why")
        return 1
    return 0
