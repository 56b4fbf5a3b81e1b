"""Which records a report shows: one environment a device and backend, and in it each run's newest finished record."""

from collections import Counter
from dataclasses import dataclass

from bench.errors import BenchError
from bench.measurement import Measurement
from bench.plan import Plan
from bench.record import FINISHED, RunRecord
from bench.store import latest


@dataclass(frozen=True)
class Shown:
    """What a report shows of a plan.

    Attributes:
        plan: What was planned.
        records: One a run.
        left_out: How many finished records of other environments are not shown.
        measurements: The newest of each case, device and backend, from the environments of the records.
        retried: Attempts without a result at runs that were tried again.
    """

    plan: Plan
    records: list[RunRecord]
    left_out: int = 0
    measurements: tuple[Measurement, ...] = ()
    retried: tuple[RunRecord, ...] = ()


def select(plan: Plan, environment: str | None = None) -> Shown:
    """Choose one environment a device and backend, and in it each run's newest finished record.

    A run without a record there is shown by its newest failure on the same hosts, whose environment
    a dead worker may not have told.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``.
    """
    if not plan.records:
        raise BenchError(f"suite {plan.suite.name!r} has no records to report; run it first")
    if environment and not any(r.environment.digest == environment for r in plan.records):
        known = ", ".join(sorted({r.environment.digest for r in plan.records}))
        raise BenchError(f"no record of environment {environment!r}; known: {known}")
    places: dict[tuple[str, str], list[RunRecord]] = {}
    for record in plan.records:
        places.setdefault((record.spec.device, record.spec.backend), []).append(record)
    chosen: list[RunRecord] = []
    tried: list[RunRecord] = []
    left_out = 0
    for records in places.values():
        there = {r.environment.digest for r in records}
        digest = environment if environment in there else next(iter(plan.here & there), None) or _usual(records)
        hosts = {r.provenance.host for r in records if r.environment.digest == digest}
        own = [r for r in records if r.environment.digest == digest]
        left_out += sum(r.environment.digest != digest and r.status in FINISHED for r in records)
        recorded = {r.run_id for r in own}
        lost = [r for r in records if r.run_id not in recorded and r.status not in FINISHED]
        own += [r for r in lost if r.provenance.host in hosts]
        chosen += latest(own).values()
        tried += own
    order = {spec.run_id: i for i, spec in enumerate(plan.specs)}
    shown = {r.environment.digest for r in chosen}
    kept = {r.key for r in chosen}
    retried = [r for r in tried if r.key not in kept and r.status not in FINISHED]
    return Shown(
        plan,
        sorted(chosen, key=lambda r: order[r.run_id]),
        left_out,
        tuple(_measurements(plan, shown)),
        tuple(sorted(retried, key=lambda r: (order[r.run_id], r.attempt))),
    )


def _measurements(plan: Plan, environments: set[str]) -> list[Measurement]:
    """Return each measured spec's newest measurement in these environments, a good one before one that failed later."""
    newest = {
        m.measure_id: m
        for m in sorted(plan.measurements, key=lambda m: (m.status == "done", m.provenance.ended_at))
        if m.environment.digest in environments
    }
    return [newest[spec.measure_id] for spec in plan.measured if spec.measure_id in newest]


def _usual(records: list[RunRecord]) -> str:
    """Return the environment with most finished runs; of equals, the one used last."""
    runs = {(r.environment.digest, r.run_id) for r in records if r.status in FINISHED}
    finished = Counter(name for name, _ in runs)
    newest: dict[str, str] = {}
    for record in records:
        name = record.environment.digest
        newest[name] = max(newest.get(name, ""), record.provenance.ended_at)
    return max(newest, key=lambda name: (finished[name], newest[name]))
