"""How a sweep shows on the screen: bars on a terminal, plain lines elsewhere."""

import math
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.estimates import Estimate, Pace, remaining_s
from bench.jobs import DataChecked, EpochEnded, Event, NoRoom, RunEnded, RunStarted, StackHalved
from bench.metrics.base import ranking
from bench.record import RunRecord, RunSpec
from bench.text.lines import one_line


class SweepProgress:
    """Takes a sweep's events and shows how far it is, each run, and the time left.

    Args:
        specs: All runs of the sweep.
        pace: What is known of how long they take.
        workers: How many run at once.
        console: Where to print.
        throughput_s: How long the throughput benchmark after them will take.
    """

    def __init__(self, specs: list[RunSpec], pace: Pace, workers: int, console: Console, throughput_s: float = 0.0):
        self._left = {spec.run_id: spec for spec in specs}
        self._total = len(specs)
        self._pace, self._took, self._compiled = pace, dict[str, float](), dict[str, float]()
        self._workers, self._throughput_s = workers, throughput_s
        self._console = console
        self._started = time.monotonic()
        self._unusable: set[str] = set()
        self._bars: dict[str, TaskID] = {}
        self._live: Progress | None = None
        self._overall = TaskID(0)

    def __enter__(self) -> Self:
        """Begin to draw where the console is a terminal that can redraw a line."""
        if self._console.is_interactive:
            self._live = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._live.start()
            self._overall = self._live.add_task("runs", total=self._total, left=self._time_left())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing and leave the last state on the screen."""
        if self._live is not None:
            for bar in set(self._bars.values()):
                self._live.remove_task(bar)
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, RunStarted):
            epochs = event.spec.recipe.epochs if event.spec.recipe else 1  # None, known from the first epoch on: steps
            if self._live is not None:
                name = f"{event.spec.case}, {len(event.specs)} seeds" if event.beside else name_of(event.spec)
                bar = self._live.add_task(f"  {one_line(name)}", total=epochs, left="")
                self._bars |= {spec.run_id: bar for spec in event.specs}
        elif isinstance(event, EpochEnded):
            if self._live is not None:
                self._live.update(self._bars[event.run_id], completed=event.epoch, total=event.epochs)
        elif isinstance(event, DataChecked):
            self._unusable |= {event.spec.run_id} if event.fault else set()
        elif isinstance(event, StackHalved):
            shared = self._bars.get(event.spec.run_id)
            for run_id in [each for each, shown in self._bars.items() if shown == shared]:
                self._drop(run_id)
            line = f"{event.spec.case}: out of memory; going on with {event.stack} seeds in one program"
            self._console.print(line, markup=False, highlight=False)
        elif isinstance(event, NoRoom):
            self._console.print(f"waiting: {event.line}", markup=False, highlight=False)
        elif isinstance(event, RunEnded):
            self._ended(event.record)

    def _drop(self, run_id: str) -> None:
        """Take away a run's bar, unless it is that of others, too."""
        bar = self._bars.pop(run_id, None)
        if self._live is not None and bar is not None and bar not in self._bars.values():
            self._live.remove_task(bar)

    def _ended(self, record: RunRecord) -> None:
        self._left.pop(record.run_id, None)
        if record.status == "done" and record.spec.model_seed is not None:  # a predictor's second says nothing
            spent = record.timing  # the first run of a worker imports, that of a case compiles: no others do
            self._took[record.spec.case] = spent.total_s - spent.import_s - spent.compile_s
            if spent.compile_s:
                self._compiled[record.spec.case] = spent.compile_s
        count = f"[{self._total - len(self._left)}/{self._total}]"
        line = f"{name_of(record.spec)}: {outcome_of(record)}"
        if self._live is not None:
            self._drop(record.run_id)
            self._live.update(self._overall, completed=self._total - len(self._left), left=self._time_left())
            if record.status != "done" and record.run_id not in self._unusable:
                self._console.print(line, markup=False, highlight=False)
        elif record.run_id not in self._unusable:  # what is wrong with its data is said once, not a run
            self._console.print(f"{count} {line}; {self._time_left()}", markup=False, highlight=False)

    def _time_left(self) -> str:
        """Return the time left in words; what was expected is scaled by how long runs take here and today."""
        usual = self._pace.run_s
        both = self._took.keys() & usual.keys()
        expected = sum(usual[c] for c in both)
        today = sum(self._took[c] for c in both) / expected if expected else 1.0
        run_s = {case: today * spent for case, spent in usual.items()} | self._took
        pace = replace(self._pace, run_s=run_s, compile_s={**self._pace.compile_s, **self._compiled})
        left = remaining_s(list(self._left.values()), pace, self._workers, self._took.keys())
        return "time left unknown yet" if left is None else Estimate(left, self._throughput_s).in_words("left")


def name_of(spec: RunSpec) -> str:
    """Return a run's short name: its case and seed."""
    seed = "" if spec.model_seed is None else f" seed {spec.model_seed}"
    return f"{spec.case}{seed}"


def outcome_of(record: RunRecord) -> str:
    """Return what a run gave, in a few words: its validation score by the metric that ranks its task."""
    if record.failure is not None:
        return f"{record.status}: {record.failure.reason}"
    took = f"in {record.timing.total_s:.1f} s"
    if record.task is None:
        return took
    metric = ranking(record.task)
    value = record.score(metric.name)
    if value is None:
        return f"no {metric.heading} {took}"
    if not math.isfinite(value):
        return f"valid {metric.heading} is no finite number ({value}) {took}"
    return f"valid {metric.heading} {f'{100 * value + 0.0:.6g} %' if metric.share else f'{value + 0.0:.6g}'} {took}"
