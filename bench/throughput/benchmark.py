"""The throughput benchmark: each case on each device and backend, measured alone on the machine.

Every case lives in a process of its own, which is fresh when its memory and compilation are noted. Several prepare at
once, a core each, since pinned processes do not slow each other; rounds are taken one at a time, all on one core, the
others waiting. The whole is done over and over, so that each case's processes lie minutes apart.
"""

import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

from bench.environment import now, provenance
from bench.errors import BenchError
from bench.files import create, discard
from bench.limits import MEMORY_SHARE, room_for
from bench.lock import LOCK, Holder, hold
from bench.measurement import ROUND_S, Measurement, MeasureSpec, Round
from bench.process import Slot
from bench.throughput.contention import free_on_gpu, processes_on_gpu
from bench.throughput.timed_cases import TimedCase, prepare_all
from bench.timing import (
    LATENCY_CALLS,
    ROUNDS,
    WARM_UP_ROUNDS,
    Latencies,
    Timed,
    shared_core,
    take_latencies,
    take_rounds,
)

PROCESS_BYTES = {"cpu": 1_000_000_000, "gpu": 1_500_000_000}
"""What one such process may hold, on its own device."""
PREPARE_S, PREDICTOR_S, END_S, CALL_S = 10.0, 1.5, 1.1, 0.002
"""Seconds to prepare a network or a predictor, for a network's process to end, and for a call of one window, for an
estimate beforehand: as 205 processes of chapter15 took them on two cores."""


class Keeper(Protocol):
    """Where measurements are stored."""

    def write_measurement(self, measurement: Measurement) -> Measurement:
        """Take a measurement; return it as it is stored."""


class Sink(Protocol):
    """Where measurements are copied to; must return at once and never raise."""

    def send(self, measurement: Measurement) -> None:
        """Take a measurement that is stored."""


@dataclass(frozen=True)
class CasePrepared:
    """A process of a case is ready, or failed to be."""

    spec: MeasureSpec


@dataclass(frozen=True)
class PassEnded:
    """Cases of one data set have taken pass ``number``, from 0, of their rounds."""

    cases: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class CaseMeasured:
    """A measurement is stored; ``number`` of ``total`` are."""

    measurement: Measurement
    number: int
    total: int


@dataclass(frozen=True)
class MachineLost:
    """A machine gave up before it had measured all; ``why`` names it."""

    why: str


@dataclass(frozen=True)
class LeftOut:
    """So many processes are not measured, since no machine is left that could."""

    number: int


ThroughputEvent = CasePrepared | PassEnded | CaseMeasured | MachineLost | LeftOut


@dataclass(frozen=True)
class Terms:
    """How a benchmark is wanted.

    Attributes:
        data_seed: Of the data that are timed.
        store: Takes each measurement first.
        sink: Takes each measurement next.
        logs: Folder for what the processes print.
        workers: Cases that prepare at once; None for as many as a machine has room for.
        on_event: Told of every event, for progress.
        on_wait: Told once who holds a machine, where it must be waited for.
        stop: Asked several times a second; once it says yes, all processes are ended.
    """

    data_seed: int
    store: Keeper
    sink: Sink
    logs: Path
    workers: int | None = None
    on_event: Callable[[ThroughputEvent], None] = lambda _: None
    on_wait: Callable[[Holder | None], None] | None = None
    stop: Callable[[], bool] = lambda: False


@dataclass
class ThroughputResult:
    """What the benchmark measured.

    Attributes:
        total: Processes that are to be measured.
        interrupted: It was stopped before the end.
        left_out: Processes that no machine was left for.
    """

    total: int = 0
    measurements: list[Measurement] = field(default_factory=list)
    interrupted: bool = False
    left_out: int = 0

    @property
    def failed(self) -> list[Measurement]:
        """Those without a result."""
        return [m for m in self.measurements if m.status == "failed"]

    def take(self, measurement: Measurement, terms: Terms) -> None:
        """Store and mirror a measurement, and tell of it."""
        stored = terms.store.write_measurement(measurement)
        self.measurements.append(stored)
        terms.sink.send(stored)
        terms.on_event(CaseMeasured(stored, len(self.measurements), self.total))


def estimate_s(specs: Sequence[MeasureSpec], workers: int) -> float:
    """Return about how many seconds the benchmark will take of these processes where so many prepare at once."""
    trained = [s.recipe is not None for s in specs]
    prepare = sum(PREPARE_S if t else PREDICTOR_S for t in trained) / max(1, min(workers, len(specs)))
    rounds = (ROUNDS + WARM_UP_ROUNDS) * ROUND_S
    return prepare + sum((2 if t else 1) * rounds + END_S * t + LATENCY_CALLS * CALL_S for t in trained)


def machine_folder() -> Path:
    """Return the folder whose lock this machine's benchmarks share, of whichever user, as far as permissions allow."""
    folder = Path(tempfile.gettempdir()) / "sequence-bench-throughput"
    with suppress(OSError):  # another user's: it was opened to all when it was made
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        (folder / LOCK).touch()
        (folder / LOCK).chmod(0o666)
    try:
        handle, probe = create(folder)
    except OSError:
        return folder.with_name(f"{folder.name}-{os.getuid()}")
    os.close(handle)
    discard(probe)
    return folder


def run_throughput(
    specs: Sequence[MeasureSpec], slots: Sequence[Slot], terms: Terms, folder: Path | None = None
) -> ThroughputResult:
    """Measure every spec, holding the machine; store and mirror each measurement as it comes.

    A case whose process dies or raises leaves a failed measurement and is tried no more, and the others go on.

    Args:
        specs: What to measure, each as often as processes of it are wanted; none that sees its targets.
        slots: Places on every device that the specs name.
        terms: How it is wanted.
        folder: Holds the machine's lock; `machine_folder` by default.

    Raises:
        BenchError: A device has no slot.
    """
    homeless = {s.device for s in specs} - {slot.device_spec for slot in slots}
    if homeless:
        raise BenchError(f"no worker for device {', '.join(sorted(homeless))}; name it in --device")
    terms.logs.mkdir(parents=True, exist_ok=True)
    benchmark = _Benchmark(slots, terms, ThroughputResult(len(specs)))
    what = "the folder of the machine's lock"
    where = folder or machine_folder()
    try:
        with hold(where, wait_s=math.inf, on_wait=terms.on_wait, cancelled=terms.stop, what=what):
            benchmark.result.interrupted = any(benchmark.measure(part) for part in passes(specs))
    except InterruptedError:
        benchmark.result.interrupted = True
    return benchmark.result


@dataclass
class _Benchmark:
    slots: Sequence[Slot]
    terms: Terms
    result: ThroughputResult

    def measure(self, specs: Sequence[MeasureSpec]) -> bool:
        """Measure one process of each spec but those that failed before; return whether it was stopped."""
        failed = {m.measure_id for m in self.result.failed}
        left = [spec for spec in specs if spec.measure_id not in failed]
        self.result.total -= len(specs) - len(left)
        return any(self.run(batch) for batch in _batches(_groups(left), self.slots))

    def run(self, groups: list[list[MeasureSpec]]) -> bool:
        """Prepare the cases of these groups together, then measure group by group; return whether it was stopped."""
        specs = [spec for group in groups for spec in group]
        terms, cases = self.terms, dict[str, TimedCase]()
        try:
            for case in prepare_all(specs, self.slots, terms.data_seed, terms.logs, terms.stop, cases):
                terms.on_event(CasePrepared(case.spec))
            for group in groups:
                if terms.stop():
                    return True
                self._measure([cases[s.measure_id] for s in group], list(cases.values()))
            return terms.stop()
        except InterruptedError:
            return True
        finally:
            for case in cases.values():
                case.process.kill()

    def _measure(self, group: list[TimedCase], batch: list[TimedCase]) -> None:
        """Take the rounds and calls of prepared cases in turn, store what they gave, and let them go.

        Args:
            group: Of one data set.
            batch: All that live meanwhile, on the same device: those of other groups wait for their turn.
        """
        started_at = now()
        ready = {c.spec.measure_id: c for c in group if c.facts is not None}
        names = tuple(c.spec.case for c in ready.values())
        where = next(slot for slot in self.slots if slot.device_spec == group[0].spec.device)
        for case in ready.values():
            case.move(where.core)
        alone = self._contended(where, batch)
        rounds = (
            take_rounds(ready, alone, lambda number: self.terms.on_event(PassEnded(names, number))) if ready else {}
        )
        latencies = take_latencies({name: case for name, case in ready.items() if case.failure is None}, alone)
        for case in group:
            case.process.end()
            name = case.spec.measure_id
            self._record(case, where, started_at, rounds.get(name, []), latencies.get(name, Latencies()))

    def _record(self, case: TimedCase, slot: Slot, started_at: str, rounds: list[Round], latencies: Latencies) -> None:
        here = {"environment": slot.device.environment(case.spec.backend)}
        facts = here | (vars(case.facts) if case.facts is not None else {})
        measurement = Measurement(
            measure_id=case.spec.measure_id,
            status="done" if case.failure is None else "failed",
            spec=case.spec,
            data_seed=self.terms.data_seed,
            rounds=tuple(rounds),
            latency_s=latencies.seconds,
            latency_contended=latencies.contended,
            failure=case.failure,
            provenance=provenance(started_at, now(), slot.core, slot.device.facts()),
            **{name: value for name, value in facts.items() if name != "kinds"},
        )
        self.result.take(measurement, self.terms)

    def _contended(self, slot: Slot, ours: list[TimedCase]) -> Callable[[Timed], bool]:
        """Return what says whether a stretch shared its core or, with a process that is not ours, its GPU."""
        if slot.device.kind == "cpu":
            return shared_core
        index = slot.device.index
        # Numbers, not process ids: in a container NVML gives those of the machine outside it.
        return lambda _: processes_on_gpu(index) > sum(case.process.alive for case in ours)


def passes(specs: Sequence[MeasureSpec]) -> list[list[MeasureSpec]]:
    """Return the specs pass by pass: each once in a pass, and in as many of the passes as it is asked for."""
    found: list[list[MeasureSpec]] = []
    asked: Counter[str] = Counter()
    for spec in specs:
        number = asked[spec.measure_id]
        asked[spec.measure_id] += 1
        if number == len(found):
            found.append([])
        found[number].append(spec)
    return found


def _groups(specs: Sequence[MeasureSpec]) -> list[list[MeasureSpec]]:
    """Return the specs by device, backend and data set: each group's rounds are taken in turn."""

    def shared(spec: MeasureSpec) -> tuple[str, str, str]:
        return spec.device, spec.backend, spec.dataset.model_dump_json()

    return [list(group) for _, group in groupby(sorted(specs, key=shared), key=shared)]


def _batches(groups: list[list[MeasureSpec]], slots: Sequence[Slot]) -> list[list[list[MeasureSpec]]]:
    """Return groups that fit in memory together, on one device; a group too large for that is cut."""
    room = {slot.device_spec: _room(slot) for slot in slots}
    batches: list[list[list[MeasureSpec]]] = []
    for group in groups:
        device = group[0].device
        for start in range(0, len(group), room[device]):
            part = group[start : start + room[device]]
            last = batches[-1] if batches else []
            if last and last[0][0].device == device and sum(map(len, last)) + len(part) <= room[device]:
                last.append(part)
            else:
                batches.append([part])
    return batches


def _room(slot: Slot) -> int:
    """Return how many processes of cases the memory holds, on the slot's device and beside it; one at least."""
    room = room_for(PROCESS_BYTES["cpu"])
    if slot.device.kind == "gpu":
        room = min(room, int(MEMORY_SHARE * free_on_gpu(slot.device.index) / PROCESS_BYTES["gpu"]))
    return max(1, room)
