"""Running what a suite lacks: runs, then measurements of throughput, then the report; mirrored all along."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench.commands.data_heard import DataHeard
from bench.commands.measuring import Measuring
from bench.commands.possible import measurable, possible
from bench.commands.run_options import RunOptions
from bench.commands.selection import Selection
from bench.commands.sync import finish, opening, send_models, start_mirror
from bench.errors import BenchError
from bench.estimates import Estimate, guess_in_words, likely_of, pace_of, remaining_s
from bench.executors.base import Setting
from bench.executors.runner import Limits
from bench.jobs import Event, make_jobs
from bench.lock import Holder, hold
from bench.measurement import Measurement, measure_spec
from bench.plan import UNSEEDED, Plan
from bench.progress import SweepProgress
from bench.record import RunRecord, RunSpec
from bench.store import Store, WeightStore
from bench.sweep import Sweep, run_sweep
from bench.text.markdown import plain
from bench.throughput.benchmark import ThroughputResult

if TYPE_CHECKING:
    from bench.tracking import Mirror


def run_suite(
    chosen: Selection, options: RunOptions, console: Console, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Run what a suite lacks, measure what its throughput benchmark lacks and report both; return the exit code.

    Args:
        chosen: The suite.
        options: How to run it.
        console: Where to say what happens.
        stopped: Whether an interrupt was heard. It is asked between the steps, so that no step is cut in two.

    Raises:
        BenchError: A device or a backend is missing, the results folder cannot be written or another sweep holds it.
        KeyboardInterrupt: It was stopped before it began.
    """
    chosen.executor.check(chosen.devices)

    def waiting(holder: Holder | None) -> None:
        console.print(f"waiting for {holder or 'another sweep'}")

    with _held(chosen.results, options.wait_s, waiting, stopped):
        store = Store(chosen.results)
        store.prepare()
        plan = chosen.plan(store)
        _see_one(plan)
        chosen.executor.see(plan, plan.specs if options.rerun else plan.missing, chosen.logs)
        for variables in chosen.variables:
            console.print(
                f"set here, and can change numbers: {variables}; kept, and runs with it are told from runs without"
            )
        for line in chosen.stacks:
            console.print(line)
        for skip in plan.skips:
            console.print(f"skipped {skip.case.name}: {skip.reason}")
        if stopped():
            raise KeyboardInterrupt
        track, report = possible(options.track, options.report, chosen, console)
        throughput = measurable(options.throughput, chosen, plan, console)
        options = replace(options, track=track, report=report, throughput=throughput)
        mirror = start_mirror(plan, chosen, console) if options.track else None
        command = _Command(chosen, options, console, store, mirror or _Nowhere(), stopped)
        try:
            plan = command.sweep(plan)
            if not command.interrupted and not plan.done and command.data.explains(command.done.failed):
                return 2
            if not command.interrupted:
                plan = command.measure(plan)
            whole = not command.interrupted
            readme = None
            if options.report and plan.records:
                readme = chosen.write_report(plan, figures=whole, provisional=not whole)
            if mirror is not None and options.weights != "none":
                send_models(mirror, plan, chosen)
            if mirror is not None and plan.records and whole:
                finish(mirror, plan, readme)
        finally:
            if mirror is not None:
                mirror.close()
    return _conclude(command, whole, readme)


def _see_one(plan: Plan) -> None:
    """See that what is missing can be made in the one environment that a suite wants.

    Raises:
        BenchError: It is another than those here.
    """
    for (device, backend), name in plan.elsewhere.items():
        theirs = next(r.environment for r in plan.records if r.environment.asked.digest == name)
        raise BenchError(
            f"suite {plan.suite.name!r} accepts one environment, and its runs of {backend} on {device} are of {name} "
            f"({theirs.device_name or theirs.cpu}, {theirs.backend} {theirs.backend_version}), which is not to be had "
            'here: run it there, or write accept = "any" or "here" in the suite'
        )


@contextmanager
def _held(
    results: Path, wait_s: float, waiting: Callable[[Holder | None], None], stopped: Callable[[], bool]
) -> Iterator[None]:
    try:
        with hold(results, wait_s=wait_s, on_wait=waiting, cancelled=stopped):
            yield
    except InterruptedError:
        raise KeyboardInterrupt from None


@dataclass
class _Done:
    """What a command has done so far."""

    planned: int = 0
    sweeps: list[Sweep] = field(default_factory=list)
    throughput: ThroughputResult = field(default_factory=ThroughputResult)
    to_measure: int = 0
    logs: Path | None = None

    @property
    def recorded(self) -> int:
        return sum(sweep.recorded for sweep in self.sweeps)

    @property
    def failed(self) -> list[RunRecord]:
        return [record for sweep in self.sweeps for record in sweep.failed]


@dataclass
class _Command:
    chosen: Selection
    options: RunOptions
    console: Console
    store: Store
    sink: "Mirror | _Nowhere"
    stopped: Callable[[], bool]
    done: _Done = field(default_factory=_Done)

    def __post_init__(self) -> None:
        """Begin to hear of data."""
        self.data = DataHeard(self.console)
        self.measuring = Measuring(self.chosen, self.options, self.store, self.console)

    @property
    def interrupted(self) -> bool:
        """Whether it was told to end, at any step."""
        return (
            self.stopped() or self.done.throughput.interrupted or any(sweep.interrupted for sweep in self.done.sweeps)
        )

    def sweep(self, plan: Plan) -> Plan:
        """Run what is missing; where seeds are added by a rule, plan again until it asks for none."""
        for record in plan.records:
            if record.environment.asked.digest in plan.here:
                self.data.compare(record)
        weights = self.options.weights
        kept = WeightStore(self.store)
        tried: set[str] = set()
        specs = (plan.specs if self.options.rerun else plan.missing) or self._without_weights(plan, tried)
        refresh = _Refresh(self.chosen, self.store, self.console) if self.options.report else _nothing
        while True:
            tried |= {spec.run_id for spec in specs}
            jobs = make_jobs(specs, self.chosen.stack_of, weights=weights != "none")
            limits = Limits(plan.suite.time_limit_s, plan.suite.crash_retries)
            setting = Setting(tuple(plan.suite.devices), self.chosen.logs, self.options.workers, limits)
            executor = self.chosen.executor.start(jobs, setting)
            self.done.logs = executor.logs
            pace = pace_of(plan.records, self.chosen.reports / plan.suite.name)
            if any(spec.case not in pace.run_s for spec in specs):
                known = self.store.read()
                pace = pace.over(likely_of(plan.suite, known, self.chosen.reports, self.options.train_windows))
            estimate = Estimate(remaining_s(specs, pace, executor.workers), self.measuring.remaining_s(plan))
            least = "at least " if plan.suite.seeds == "auto" else ""
            self.console.print(
                f"suite {plan.suite.name}: {len(specs)} runs to do, {len(plan.specs) - len(specs)} done; {least}"
                f"{estimate.in_words(f'on {executor.workers} workers')}"
            )
            if guess := guess_in_words(specs, pace):
                self.console.print(guess)
            self.done.planned += len(specs)
            with SweepProgress(specs, pace, executor.workers, self.console, estimate.throughput_s) as progress:

                def show(event: Event, progress: SweepProgress = progress) -> None:
                    self.data.hear(event)
                    progress(event)

                sweep = run_sweep(
                    jobs,
                    executor,
                    self.store,
                    self.sink,
                    keep=kept.write if weights == "all" else kept.write_best,
                    on_event=show,
                    refresh=refresh,
                    stopped=self.stopped,
                )
            self.done.sweeps.append(sweep)
            self._warn_of_other_threads(sweep, plan.here)
            plan = self.chosen.plan(self.store)
            bad = {(spec.case, spec.data_seed) for spec in self.data.unusable}
            specs = [s for s in plan.missing if s.run_id not in tried and (s.case, s.data_seed) not in bad]
            specs = specs or self._without_weights(plan, tried)
            if sweep.interrupted or not specs:
                return plan

    def _without_weights(self, plan: Plan, tried: set[str]) -> list[RunSpec]:
        """Return runs that are recorded, whose weights are wanted and were not kept: they are done again."""
        if self.options.weights == "none":
            return []
        ours = [r for r in plan.records if r.environment.asked.digest in plan.here]
        wanted = WeightStore(self.store).lacking(ours, every=self.options.weights == "all")
        again = [spec for spec in wanted if spec.run_id not in tried]
        if again:
            self.console.print(f"{len(again)} runs are recorded without weights, and done again to keep them")
        return again

    def _warn_of_other_threads(self, sweep: Sweep, here: frozenset[str]) -> None:
        """Say which records are of no environment that was expected; their runs stay missing here."""
        environments = {r.environment.digest: r.environment for r in sweep.records}
        others = {digest: each for digest, each in environments.items() if each.asked.digest not in here}
        for name, found in others.items():
            text = (
                f"{found.threads} threads of {found.backend} where 1 was asked for" if found.device == "cpu" else found
            )
            self.console.print(
                f"workers had {text}: their records are those of environment {name}, and not done here; "
                "what loads or calls a library with threads of its own is in a plug-in"
            )

    def measure(self, plan: Plan) -> Plan:
        """Measure the throughput of what was never measured here and has good data, with the machine alone."""
        unusable = {
            measure_spec(s).measure_id for s in self.data.unusable if s.data_seed in (plan.timed_seed, UNSEEDED)
        }
        specs = [spec for spec in self.measuring.lacking(plan) if spec.measure_id not in unusable]
        if not specs:
            return plan
        self.done.to_measure = len(specs)
        self.done.throughput = self.measuring.measure(plan, specs, self.sink, self.stopped)
        return self.chosen.plan(self.store)


class _Nowhere:
    """Takes records where nothing mirrors them."""

    def send(self, record: RunRecord | Measurement) -> None:
        """Do nothing."""


def _nothing() -> None:
    """Write no tables."""


class _Refresh:
    """Writes the tables of what is recorded so far, and says once where; figures come at the end."""

    def __init__(self, chosen: Selection, store: Store, console: Console):
        self._chosen, self._store, self._console = chosen, store, console
        self._said = False

    def __call__(self) -> None:
        """Write them, once a run has a result."""
        plan = self._chosen.plan(self._store)
        if not plan.done:
            return
        readme = self._chosen.write_report(plan, figures=False, provisional=True)
        if not self._said:
            text = f"first tables: {readme} (written again as cases end; figures come last)"
            self._console.print(text)
            self._said = True


def _findings(readme: Path) -> str:
    """Return a report's findings as plain text for a screen."""
    text = opening(readme).partition("## Findings")[2].strip()
    return plain(text)


def _conclude(command: _Command, whole: bool, readme: Path | None) -> int:
    """Say what came of a sweep and of its throughput benchmark; return the exit code."""
    done, console = command.done, command.console
    if readme is not None:
        console.print(_findings(readme), soft_wrap=False)
        console.print(f"report: {readme}")
    elif whole:
        console.print(f"{done.recorded} of {done.planned} runs recorded in {command.chosen.results}")
    measured = len(done.throughput.measurements)
    if not whole:
        also = f", {measured} of {done.to_measure} processes measured" if done.to_measure else ""
        also += "; --rerun, which would begin anew, is left out" if command.options.rerun else ""
        again = command.chosen.command("run", command.options.to_go_on)
        console.print(f"interrupted: {done.recorded} of {done.planned} runs recorded{also}; go on with: {again}")
        return 3
    lost = done.planned - done.recorded + len(done.failed)
    if lost:
        where = "the report says why" if readme else f"what their workers printed is in {done.logs}"
        console.print(f"{lost} of {done.planned} runs have no result; {where}")
    for line, count in command.data.faults.items():
        console.print(f"{count} of them: {line}")
    if done.throughput.failed:
        console.print(f"{len(done.throughput.failed)} of {done.to_measure} measurements failed; the report says why")
    return 1 if lost or done.throughput.failed or done.throughput.left_out else 0
