"""The throughput benchmark of a suite, after its runs: what it lacks, how long that takes, and measuring it."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from bench.commands.run_options import RunOptions
from bench.commands.selection import Selection
from bench.estimates import in_words
from bench.executors.local import make_slots
from bench.interrupt import Interrupts
from bench.measurement import MeasureSpec
from bench.plan import Plan
from bench.process import Slot
from bench.store import Store
from bench.throughput.benchmark import (
    CaseMeasured,
    Sink,
    ThroughputEvent,
    ThroughputResult,
    estimate_s,
    run_throughput,
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
        return plan.measured * wanted if self.options.rerun else plan.unmeasured(wanted)

    def remaining_s(self, plan: Plan) -> float:
        """Return how long that will take."""
        specs = self.lacking(plan)
        return estimate_s(specs, len(self._slots(specs))) if specs else 0.0

    def measure(
        self, specs: list[MeasureSpec], data_seed: int, sink: Sink, stopped: Callable[[], bool]
    ) -> ThroughputResult:
        """Time cases with the machine alone, and say what comes of each."""
        slots = self._slots(specs)
        cases = len({spec.measure_id for spec in specs})
        self.console.print(
            f"throughput: {cases} cases to measure alone on this machine, in {len(specs)} fresh processes; about "
            f"{in_words(estimate_s(specs, len(slots)))}; leave it idle meanwhile",
        )
        with Interrupts(lambda: None) as told:
            return run_throughput(
                specs,
                slots,
                data_seed=data_seed,
                store=self.store,
                sink=sink,
                logs=self.chosen.logs,
                on_event=self._show,
                on_wait=lambda holder: self.console.print(
                    f"waiting for the machine: {holder or 'another throughput benchmark'}"
                ),
                stop=lambda: told.heard or stopped(),
            )

    def _slots(self, specs: list[MeasureSpec]) -> list[Slot]:
        return make_slots((spec.device for spec in specs), self.options.workers, len(specs))

    def _show(self, event: ThroughputEvent) -> None:
        if not isinstance(event, CaseMeasured):
            return
        measured = event.measurement
        if measured.failure is not None:
            text = f"failed: {measured.failure.reason}"
        else:
            train, infer = measured.windows_per_s("train"), measured.windows_per_s("infer")
            parts = [f"{train:,.0f} training windows/s"] if train else []
            parts += [f"{infer:,.0f} inference windows/s"] if infer else ["every round shared its core or its GPU"]
            text = ", ".join(parts)
        self.console.print(f"[{event.number}/{event.total}] {measured.spec.case}: {text}")
