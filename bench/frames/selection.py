"""Which records a report shows: one environment a device and backend, and in it each run's newest finished record."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench.errors import BenchError
from bench.kept import Kept
from bench.measurement import PROCESSES, Measurement
from bench.plan import Plan
from bench.record import FINISHED, RunRecord
from bench.store import NotKept, latest


@dataclass(frozen=True)
class Shown:
    """What a report shows of a plan.

    Attributes:
        plan: What was planned.
        records: One a run.
        left_out: How many finished records of other environments are not shown.
        measurements: Of each case, device and backend in the environments of the records, those of `newest_processes`.
        retried: Attempts without a result at runs that were tried again.
        kept: What they kept of each window, by their keys.
        slices: What scores on test are sliced by.
        not_kept: Why others of them that ended with scores kept nothing, one text a record; empty where nobody looked.
    """

    plan: Plan
    records: list[RunRecord]
    left_out: int = 0
    measurements: tuple[Measurement, ...] = ()
    retried: tuple[RunRecord, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)
    not_kept: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()

    def reading(self, read: Callable[[RunRecord], Kept]) -> "Shown":
        """Return it with what its runs kept, as ``read`` gives it or raises `NotKept`."""
        kept, reasons = {}, []
        for record in self.records:
            if record.status == "done":
                try:
                    kept[record.key] = read(record)
                except NotKept as error:
                    reasons.append(str(error))
        return replace(self, kept=kept, not_kept=tuple(reasons))


def select(plan: Plan, environment: str | None = None) -> Shown:
    """Choose one environment a device and backend, and in it each run's newest finished record.

    A run without a record there is shown by its newest failure on the same hosts, whose environment
    a dead worker may not have told.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``.
    """
    if not plan.records:
        raise BenchError(f"suite {plan.suite.name!r} has no records to report; run it first")
    if environment and not any(r.environment.asked.digest == environment for r in plan.records):
        known = ", ".join(sorted({r.environment.asked.digest for r in plan.records}))
        raise BenchError(f"no record of environment {environment!r}; known: {known}")
    places: dict[tuple[str, str], list[RunRecord]] = {}
    for record in plan.records:
        places.setdefault((record.spec.device, record.spec.backend), []).append(record)
    chosen: list[RunRecord] = []
    tried: list[RunRecord] = []
    left_out = 0
    for records in places.values():
        there = {r.environment.asked.digest for r in records}
        digest = environment if environment in there else next(iter(plan.here & there), None) or _usual(records)
        own = [r for r in records if r.environment.asked.digest == digest]
        hosts = {r.provenance.host for r in own}
        left_out += sum(r.environment.asked.digest != digest and r.status in FINISHED for r in records)
        recorded = {r.run_id for r in own}
        lost = [r for r in records if r.run_id not in recorded and r.status not in FINISHED]
        own += [r for r in lost if r.provenance.host in hosts]
        chosen += latest(own).values()
        tried += own
    order = {spec.run_id: i for i, spec in enumerate(plan.specs)}
    shown = {r.environment.alone.digest for r in chosen}
    kept = {r.key for r in chosen}
    retried = [r for r in tried if r.key not in kept and r.status not in FINISHED]
    return Shown(
        plan,
        sorted(chosen, key=lambda r: order[r.run_id]),
        left_out,
        tuple(_measurements(plan, shown)),
        tuple(sorted(retried, key=lambda r: (order[r.run_id], r.attempt))),
    )


def newest_processes(measurements: Iterable[Measurement]) -> list[list[Measurement]]:
    """Return what is known of each case, device, backend and environment: the newest `PROCESSES` with a result.

    The newest failure where none has one.
    """
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in sorted(measurements, key=lambda m: m.provenance.ended_at):
        groups.setdefault((measurement.measure_id, measurement.environment.digest), []).append(measurement)
    return [[m for m in group if m.status == "done"][-PROCESSES:] or group[-1:] for group in groups.values()]


def _measurements(plan: Plan, environments: set[str]) -> list[Measurement]:
    """Return the processes of each measured spec in these environments, in the plan's order."""
    order = {spec.measure_id: i for i, spec in enumerate(plan.measured)}
    known = [m for m in plan.measurements if m.environment.digest in environments and m.measure_id in order]
    return sorted((m for group in newest_processes(known) for m in group), key=lambda m: order[m.measure_id])


def _usual(records: list[RunRecord]) -> str:
    """Return the environment with most finished runs; of equals, the one used last."""
    runs = {(r.environment.asked.digest, r.run_id) for r in records if r.status in FINISHED}
    finished = Counter(name for name, _ in runs)
    newest: dict[str, str] = {}
    for record in records:
        name = record.environment.asked.digest
        newest[name] = max(newest.get(name, ""), record.provenance.ended_at)
    return max(newest, key=lambda name: (finished[name], newest[name]))
