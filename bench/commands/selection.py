"""A suite as a command wants it: where it reports, how it is asked for again, what it plans."""

from dataclasses import dataclass
from pathlib import Path

from bench.devices import find_device
from bench.errors import BenchError
from bench.plan import Plan, make_plan
from bench.record import RunRecord
from bench.store import Store
from bench.suite import Suite


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
        if (ours.cases, ours.only) != (theirs.cases, theirs.only):
            parts.append("CASES='" + ",".join(c.name for c in ours.select()) + "'")
        if ours.seeds != theirs.seeds and ours.seeds != "auto":
            parts.append("SEEDS=" + ",".join(map(str, ours.seeds)))
        if ours.devices != theirs.devices:
            parts.append("DEVICE=" + ",".join(ours.devices))
        if ours.recipe.epochs != theirs.recipe.epochs:
            parts.append(f"EPOCHS={ours.recipe.epochs}")
        return " ".join(parts)

    def plan(self, store: Store, environment: str | None = None, records: list[RunRecord] | None = None) -> Plan:
        """Return the plan, given what is recorded.

        Args:
            store: Where it is recorded.
            environment: Digest of the environment whose records count as done; None for this machine's.
            records: All that the store holds, where it was read already.

        Raises:
            BenchError: A record is not good.
        """
        here = frozenset({environment}) if environment else environments_here(self.suite)
        return make_plan(self.suite, store.read() if records is None else records, here, store.read_measurements())

    @property
    def provisional_folder(self) -> Path:
        """Where a sweep that is not over yet reports: a committed report stays as it is until there is another."""
        return self.results / "reports" / self.report_folder.name

    def write_report(
        self, plan: Plan, *, environment: str | None = None, figures: bool = True, provisional: bool = False
    ) -> Path:
        """Write the report of what a plan has recorded; return its README.

        Args:
            plan: What was planned, and its records.
            environment: Digest of the one to show; None for this machine's.
            figures: Whether to draw them.
            provisional: The sweep is not over, or was interrupted.

        Raises:
            BenchError: Nothing is recorded, or the folder cannot be written.
        """
        from bench.report.build import build_report

        folder = self.provisional_folder if provisional else self.report_folder
        try:
            return build_report(
                plan,
                folder,
                environment=environment,
                figures=figures,
                command=self.command,
                related=self.suite.related if folder.parent == self.reports else {},
            )
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
