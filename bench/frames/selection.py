"""Which records a report shows: one environment a device and backend, and in it each run's newest finished record."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench.errors import BenchError
from bench.kept import Kept
from bench.measurement import PROCESSES, Measurement
from bench.plan import Place, Plan, by_place, usual_environment
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

    Where the suite accepts any environment, a run that has none in that one is shown by its record of another; speeds
    are of one all the same.

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
    chosen: list[RunRecord] = []
    tried: list[RunRecord] = []
    timed: set[str] = set()
    left_out = 0
    for place, records in by_place(plan.records).items():
        there = {r.environment.asked.digest for r in records}
        here = [r for r in records if r.environment.asked.digest in plan.here]
        digest = usual_environment(records if plan.suite.accept == "one" else here or records)
        if environment is not None and environment in there:
            digest = environment
        own = [r for r in records if r.environment.asked.digest == digest]
        timed |= _alone(own) if environment else _one_timed(plan, place, own)
        if plan.suite.accept == "any" and environment is None:
            picked = _of_any(own, records)
            tried += records
            used = {run_id: record.environment.asked.digest for run_id, record in picked.items()}
        else:
            hosts, recorded = {r.provenance.host for r in own}, {r.run_id for r in own}
            lost = [r for r in records if r.run_id not in recorded and r.status not in FINISHED]
            own += [r for r in lost if r.provenance.host in hosts]
            picked = latest(own)
            tried += own
            used = {}
        left_out += sum(
            r.environment.asked.digest != used.get(r.run_id, digest) and r.status in FINISHED for r in records
        )
        chosen += picked.values()
    order = {spec.run_id: i for i, spec in enumerate(plan.specs)}
    kept = {r.key for r in chosen}
    retried = [r for r in tried if r.key not in kept and r.status not in FINISHED]
    return Shown(
        plan,
        sorted(chosen, key=lambda r: order[r.run_id]),
        left_out,
        tuple(_measurements(plan, timed)),
        tuple(sorted(retried, key=lambda r: (order[r.run_id], r.attempt))),
    )


def _of_any(own: list[RunRecord], records: list[RunRecord]) -> dict[str, RunRecord]:
    """Return each run's newest record of one environment, else of the one that has most of the runs that are left."""
    picked: dict[str, RunRecord] = {}
    while own:
        for run_id, record in latest(own).items():
            if run_id not in picked or record.status in FINISHED:
                picked[run_id] = record
        done = {run_id for run_id, record in picked.items() if record.status in FINISHED}
        left = [r for r in records if r.run_id not in done and (r.status in FINISHED or r.run_id not in picked)]
        name = usual_environment(left) if left else ""
        own = [r for r in left if r.environment.asked.digest == name]
    return picked


def _one_timed(plan: Plan, place: Place, own: list[RunRecord]) -> set[str]:
    """Return the one environment whose measurements are shown of a place: that of its records, or with most of them.

    Where runs of others do not count, it is one of those that this command's machines have.
    """
    ours = _alone(own)
    there = [m for m in plan.measurements if (m.spec.device, m.spec.backend) == place and m.status == "done"]
    measured = Counter(m.environment.digest for m in there)
    if ours & set(measured):
        return ours
    if plan.suite.accept == "here":
        known = plan.alone if any(r.environment.asked.digest in plan.here for r in own) else frozenset()
        measured = Counter({name: number for name, number in measured.items() if name in known})
    return {name for name, _ in measured.most_common(1)} or ours


def _alone(records: Iterable[RunRecord]) -> set[str]:
    """Return the environments that these would be measured in."""
    return {each.alone.digest for each in {r.environment.digest: r.environment for r in records}.values()}


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
