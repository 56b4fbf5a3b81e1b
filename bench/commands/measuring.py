"""The throughput benchmark of a suite, after its runs: what it lacks, how long that takes, and measuring it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rich.console import Console

from bench.commands.run_options import RunOptions
from bench.commands.selection import Selection
from bench.estimates import in_words
from bench.executors.base import Machines
from bench.interrupt import Interrupts
from bench.measurement import MeasureSpec
from bench.plan import Plan, usual_kind
from bench.store import Store
from bench.throughput.benchmark import (
    CaseMeasured,
    LeftOut,
    MachineLost,
    Sink,
    Terms,
    ThroughputEvent,
    ThroughputResult,
    estimate_s,
    passes,
)


@dataclass(frozen=True)
class Measuring:
    """A suite's throughput benchmark, as a command wants it."""

    chosen: Selection
    options: RunOptions
    store: Store
    console: Console

    def lacking(self, plan: Plan) -> list[MeasureSpec]:
        """Return what is to be timed, each as often as processes of it are wanted."""
        if not self.options.throughput:
            return []
        wanted = self.options.processes
        if self.options.rerun:
            return plan.measured * wanted
        alone = frozenset(digest for each in self._machines(plan).values() for digest in each.digests)
        return replace(plan, alone=alone).unmeasured(wanted)

    def remaining_s(self, plan: Plan) -> float:
        """Return how long that will take."""
        specs = self.lacking(plan)
        return _estimate_s(specs, self._machines(plan)) if specs else 0.0

    def measure(
        self, plan: Plan, specs: list[MeasureSpec], sink: Sink, stopped: Callable[[], bool]
    ) -> ThroughputResult:
        """Time cases, each with a machine alone, and say what comes of each."""
        machines = self._machines(plan, say=True)
        cases = len({spec.measure_id for spec in specs})
        where = " and ".join(dict.fromkeys(each.named for each in machines.values()))
        self.console.print(
            f"throughput: {cases} cases to measure alone on {where}, in {len(specs)} fresh processes; about "
            f"{in_words(_estimate_s(specs, machines))}; leave it idle meanwhile",
        )
        with Interrupts(lambda: None) as told:
            terms = Terms(
                plan.timed_seed,
                self.store,
                sink,
                self.chosen.logs,
                self.options.workers,
                on_event=self._show,
                on_wait=lambda holder: self.console.print(
                    f"waiting for the machine: {holder or 'another throughput benchmark'}"
                ),
                stop=lambda: told.heard or stopped(),
            )
            return self.chosen.executor.measure(specs, machines, terms)

    def _machines(self, plan: Plan, *, say: bool = False) -> dict[str, Machines]:
        """Return the machines to measure on, by device: of one kind each, that with most runs of the suite.

        Args:
            plan: The suite's.
            say: Say in a line which, where there is a choice.
        """
        found = {}
        for device in dict.fromkeys(spec.device for spec in plan.measured):
            backends = list(dict.fromkeys(spec.backend for spec in plan.measured if spec.device == device))
            kinds = self.chosen.executor.machines(device, backends, self.options.workers)
            if not kinds:
                continue
            usual = kinds[usual_kind(plan.records, [each.digests for each in kinds]) if len(kinds) > 1 else 0]
            found[device] = usual
            if say and len(kinds) > 1:
                one = usual.environments[-1]
                versions = ", ".join(f"{e.backend} {e.backend_version}" for e in usual.environments)
                self.console.print(
                    f"machines of {len(kinds)} kinds are there for {device}; throughput is measured on the kind with "
                    f"most runs of the suite: {one.device_name or one.cpu}, {versions}"
                )
        return found

    def _show(self, event: ThroughputEvent) -> None:
        if isinstance(event, MachineLost):
            self.console.print(f"{event.why}; what it has left is given to another, if there is one")
        elif isinstance(event, LeftOut):
            self.console.print(
                f"{event.number} processes are not measured: no machine of the kind is left; the same command does it"
            )
        elif isinstance(event, CaseMeasured):
            self._show_measured(event)

    def _show_measured(self, event: CaseMeasured) -> None:
        measured = event.measurement
        if measured.failure is not None:
            text = f"failed: {measured.failure.reason}"
        else:
            train, infer = measured.windows_per_s("train"), measured.windows_per_s("infer")
            parts = [f"{train:,.0f} training windows/s"] if train else []
            parts += [f"{infer:,.0f} inference windows/s"] if infer else ["every round shared its core or its GPU"]
            text = ", ".join(parts)
        self.console.print(f"[{event.number}/{event.total}] {measured.spec.case}: {text}")


def _estimate_s(specs: list[MeasureSpec], machines: Mapping[str, Machines]) -> float:
    """Return about how many seconds these take: a pass over all cases at a time on each machine."""
    total = 0.0
    for device, found in machines.items():
        ours = [spec for spec in specs if spec.device == device]
        total += estimate_s(ours, found.workers) / max(1, min(found.number, len(passes(ours))))
    return total
