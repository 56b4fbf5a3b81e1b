"""A suite as a command wants it: where it reports, how it is asked for again, what it plans."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.commands.numbered import JobNumber, only
from bench.engines.base import NO_ENGINE
from bench.errors import BenchError
from bench.executors import LOCAL
from bench.executors.base import Executor, executors
from bench.pasting import Option, command
from bench.plan import Plan, make_plan
from bench.provenance import Environment
from bench.record import RunRecord, RunSpec
from bench.stacks import AUTO, OFF, stack_width
from bench.store import REPORTS, RESULTS, Store
from bench.suite import Suite
from bench.variables import widest

BACKENDS = Suite.model_fields["backends"].default
"""What a suite has that names none."""


@dataclass(frozen=True)
class Selection:
    """A suite as a command names and wants it, beside the suite as its file has it, and where things are.

    ``given`` holds the options that override the suite, as they were typed; ``stack`` is what was asked of stacks, see
    `bench.stacks`; ``place`` is the name of the executor and ``told`` the options that
    are its own; ``job`` is the one of its jobs that is meant, None for all.
    """

    named: str
    suite: Suite
    unmodified: Suite
    results: Path
    reports: Path
    given: tuple[Option, ...] = ()
    stack: str = AUTO
    place: str = LOCAL
    told: tuple[Option, ...] = ()
    job: JobNumber | None = None

    @property
    def executor(self) -> Executor:
        """Where its runs are run.

        Raises:
            BenchError: There is no such executor, or it takes no such option.
        """
        return executors.get(self.place).told(self.told)

    @property
    def logs(self) -> Path:
        """Where what processes of this machine print is kept."""
        return self.results / "logs"

    @property
    def report_folder(self) -> Path:
        """Where it reports: under ``reports`` only where nothing about the suite is overridden."""
        if self.suite == self.unmodified:
            return self.reports / self.suite.name
        return self.results / "reports" / f"{self.suite.name}-{self.suite.digest}"

    def command(
        self, verb: str = "run", options: Sequence[Option] = (), *, in_file: bool = False, folders: bool = True
    ) -> str:
        """Return the command that calls a verb for this again, for pasting; see `bench.pasting.command`.

        Args:
            verb: Such as ``run``.
            options: Further ones.
            in_file: It stands in a file, and not on this screen.
            folders: It names those that are not the usual ones.
        """
        named = (("--results", self.results, RESULTS), ("--reports", self.reports, REPORTS)) if folders else ()
        moved = [(name, str(folder)) for name, folder, usual in named if folder != usual]
        given = self.given if self.suite != self.unmodified else ()
        asked = {name for name, _ in given}
        if in_file and verb == "run" and "--backend" not in asked and self.suite.backends != BACKENDS:
            given = (*given, ("--backend", ",".join(self.suite.backends)))  # whoever reads it sets these up first
        stacked = [("--stack", self.stack)] if verb == "run" and self.stack != AUTO else []
        stacked += [("--executor", self.place), *self.told] if verb == "run" and self.place != LOCAL else []
        stacked += [("--job", str(self.job))] if verb == "run" and self.job else []
        return command(verb, self.named, [*given, *stacked, *moved, *options], in_file=in_file)

    def merging(self, folders: str) -> str:
        """Return the command that takes up what is recorded in folders, which are given as a shell has them."""
        moved = [("--results", str(self.results))] if self.results != RESULTS else []
        return f"{command('merge', '', moved, in_file=True)} {folders}"

    @property
    def devices(self) -> list[str]:
        """The devices that its runs ask for; of one job its own."""
        if self.job is None:
            return self.suite.devices
        return list(dict.fromkeys(spec.device for spec in only(make_plan(self.suite, []), self.job).specs))

    def stack_of(self, spec: RunSpec) -> int:
        """Return how many runs like this one program trains."""
        return stack_width(self.stack, self.suite, spec.backend, spec.device.partition(":")[0])

    @property
    def stacks(self) -> list[str]:
        """Where several seeds train in one program, a line each."""
        lines = []
        for backend in self.suite.backends:
            for kind in dict.fromkeys(name.partition(":")[0] for name in self.suite.devices):
                width = stack_width(self.stack, self.suite, backend, kind)
                chosen = " (from the number of seeds; --stack sets it)" if self.stack == AUTO else ""
                if width > 1:
                    lines.append(f"{backend} on {kind}: up to {width} seeds in one program{chosen}")
        return lines

    def plan(self, store: Store, environment: str | None = None, records: list[RunRecord] | None = None) -> Plan:
        """Return the plan, given what is recorded.

        Args:
            store: Where it is recorded.
            environment: Digest of the environment whose records count as done; None for those that the suite accepts.
            records: All that the store holds, where it was read already.

        Raises:
            BenchError: A record is not good.
        """
        ours = list(self._environments(self.stack))
        here = frozenset({environment} if environment else (e.digest for e in ours))
        alone = frozenset() if environment else frozenset(e.alone.digest for e in ours)
        known = store.read() if records is None else records
        suite = self.suite.model_copy(update={"accept": "here"}) if environment else self.suite
        made = make_plan(suite, known, here, store.read_measurements(), alone)
        return only(made, self.job) if self.job else made

    def _environments(self, stack: str) -> Iterator[Environment]:
        """Yield those that its runs can have where they are run."""
        yield from self.executor.environments("cpu", NO_ENGINE, 1)
        for name in self.suite.devices:
            for backend in self.suite.backends:
                width = stack_width(stack, self.suite, backend, name.partition(":")[0])
                yield from self.executor.environments(name, backend, width)

    @property
    def variables(self) -> list[str]:
        """The variables that a user has set where its runs are run, and that can change their numbers."""
        return widest(environment.variables for environment in self._environments(OFF))

    @property
    def nothing_recorded(self) -> BenchError:
        """What is said where a verb needs records and there are none."""
        return BenchError(f"no records of suite {self.suite.name!r} in {self.results}; run it first: {self.command()}")

    @property
    def provisional_folder(self) -> Path:
        """Where a sweep that is not over yet reports: a committed report stays as it is until there is another."""
        return self.results / "reports" / self.report_folder.name

    def write_report(
        self,
        plan: Plan,
        *,
        environment: str | None = None,
        figures: bool = True,
        provisional: bool = False,
        slices: Sequence[str] = (),
        excerpts: bool = True,
    ) -> Path:
        """Write the report of what a plan has recorded, and the list of all reports; return the report's README.

        Args:
            plan: What was planned, and its records.
            environment: Digest of the one to show; None for this machine's.
            figures: Whether to draw them.
            provisional: The sweep is not over, or was interrupted.
            slices: What test scores are sliced by besides what the suite states.
            excerpts: Whether it shows some windows of the data.

        Raises:
            BenchError: Nothing is recorded, nothing can be sliced as asked, or the folder cannot be written.
        """
        from bench.report.build import build_report
        from bench.report.index import write_index

        if not plan.records:
            raise self.nothing_recorded
        folder = self.provisional_folder if provisional else self.report_folder
        options = [("--slice", name) for name in slices]
        try:
            readme = build_report(
                plan,
                folder,
                environment=environment,
                figures=figures,
                page=not provisional,
                command=self.command("report", options, in_file=True) if slices else self.command(in_file=True),
                slices=slices,
                excerpts=excerpts,
                related=self.suite.related if folder.parent == self.reports else {},
                kept=None if provisional else Store(self.results).read_kept,
            )
            if folder.parent == self.reports:
                write_index(self.reports)
            return readme
        except OSError as error:
            raise BenchError(f"cannot write the report in {folder} ({error.strerror}); make it writable") from None
