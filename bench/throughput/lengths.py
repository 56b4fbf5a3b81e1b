"""The driver's side of `bench speed`: one process after the other, alone on the machine, each within a budget."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from bench.environment import now, provenance
from bench.lengths import GROWS, LengthPoint, LengthSpec, Status, rounds_s
from bench.limits import MEMORY_SHARE, free_memory
from bench.lock import Holder, hold
from bench.measurement import Round
from bench.process import Slot
from bench.record import Failure
from bench.throughput.at_length import LacksMemory, serve_at_length
from bench.throughput.benchmark import machine_folder
from bench.throughput.contention import processes_on_gpu
from bench.throughput.timed_cases import POLL_S, TimedCase
from bench.timing import Gone, Latencies, Timed, shared_core, take_rounds

SEED = 0
"""Of the made-up windows."""
CALLS_S = 0.5
"""Single calls are made for about so long,"""
FEWEST_CALLS, MOST_CALLS = 5, 200
"""so often at least and at most,"""
CALL_TRIES = 3
"""and all again, so often at most, where they shared their core or GPU."""
GIB = 2**30


class Over(Exception):
    """A point is given up; says as what, and why."""

    def __init__(self, status: Status, reason: str):
        super().__init__(reason)
        self.status = status


def measure_lengths(
    specs: Sequence[LengthSpec],
    labels: Mapping[str, str],
    slots: Mapping[str, Slot],
    *,
    budget_s: float,
    logs: Path,
    known: Mapping[tuple[str, str], LengthPoint] | None = None,
    on_wait: Callable[[Holder | None], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    folder: Path | None = None,
    target: Callable[..., object] = serve_at_length,
) -> Iterator[LengthPoint]:
    """Yield a point of each spec as it comes, holding the machine; what is known is not measured again.

    Where a network took too long, or more memory than there is, its longer windows are not tried: they get its status.
    Nor are windows tried whose rounds alone would take longer than a point may, as the two longest before them say.

    Args:
        specs: The short ones of a curve first.
        labels: Of each case.
        slots: A place on each device.
        budget_s: Seconds that a point may take, its process's start and its compilation among them.
        logs: Folder for what the processes print.
        known: Points by measure id and device that are there already.
        on_wait: Told once who holds the machine, where it must be waited for.
        stop: Asked several times a second.
        folder: Holds the machine's lock; that of the throughput benchmark by default.
        target: What a process runs.

    Raises:
        InterruptedError: ``stop`` said so.
    """
    logs.mkdir(parents=True, exist_ok=True)
    lost: dict[tuple[str, str, str, int], LengthPoint] = {}
    measured: dict[tuple[str, str, str, int], list[LengthPoint]] = {}
    what = "the folder of the machine's lock"
    with hold(folder or machine_folder(), wait_s=math.inf, on_wait=on_wait, cancelled=stop, what=what):
        for spec in specs:
            point = (known or {}).get((spec.measure_id, spec.device))
            shorter = lost.get(spec.curve)
            if point is None:
                try_it = _Try(spec, labels[spec.case], slots[spec.device], budget_s, logs / "speed.log", stop, target)
                expected_s = rounds_s(measured.get(spec.curve, []), spec.length) or 0.0
                if shorter:
                    point = try_it.skipped(shorter)
                else:
                    point = try_it.too_slow(expected_s) if expected_s > budget_s else try_it.measure()
                yield point
            measured.setdefault(spec.curve, []).append(point)
            if point.status in GROWS and not shorter:
                lost[spec.curve] = point


class _Try:
    """One point, tried."""

    def __init__(
        self,
        spec: LengthSpec,
        label: str,
        slot: Slot,
        budget_s: float,
        log: Path,
        stop: Callable[[], bool],
        target: Callable[..., object],
    ):
        self._spec, self._label, self._slot, self._budget_s = spec, label, slot, budget_s
        self._log, self._stop, self._target = log, stop, target
        self._started_at, self._deadline = now(), time.monotonic() + budget_s
        self._room = int(MEMORY_SHARE * free_memory())
        self._shared = False

    def skipped(self, shorter: LengthPoint) -> LengthPoint:
        """Return the point of a spec that is not tried, since shorter windows were too much."""
        return self._point(shorter.status, f"not tried: {shorter.status} at {shorter.spec.length} steps")

    def too_slow(self, expected_s: float) -> LengthPoint:
        """Return the point of a spec that is not tried, since its rounds alone would take so long."""
        return self._point("too slow", f"not tried: going on as before its rounds would take {expected_s:,.0f} s")

    def measure(self) -> LengthPoint:
        """Start a process, take its rounds and calls, and end it.

        Raises:
            InterruptedError: It is to stop.
        """
        case = TimedCase(self._spec, self._slot, SEED, self._log, lambda: self._watch(case), self._target)
        rounds: list[Round] = []
        calls = Latencies()
        try:
            while not case.process.poll(POLL_S):
                if self._watch(case):
                    raise InterruptedError
            case.receive_facts()
            if case.failure is None:
                contended = self._contended(case)
                rounds = take_rounds({"": case}, contended)[""]
                calls = _calls(case, contended)
        except Gone:
            pass
        except Over as over:
            return self._point(over.status, str(over), case)
        finally:
            case.process.kill()
        if case.failure is not None:
            return self._point(*_told(case.failure), case)
        shared = any(not any(r.counts for r in rounds if r.kind == kind) for kind in case.kinds)
        status: Status = "contended" if shared else "done"
        reason = "every round shared its core or its GPU" if shared else ""
        return self._point(status, reason, case, rounds, calls)

    def _watch(self, case: TimedCase) -> bool:
        """Return whether it is to stop.

        Raises:
            Over: Its time is up, or its process holds more than there is.
        """
        if time.monotonic() > self._deadline:
            if self._shared:
                raise Over(
                    "contended", f"shared its core or its GPU, so that it was not measured in {self._budget_s:g} s"
                )
            raise Over("too slow", f"not measured in {self._budget_s:g} s")
        with suppress(psutil.Error):
            if psutil.Process(case.process.pid).memory_info().rss > self._room:
                raise Over("out of memory", f"more than the {self._room / GIB:.1f} GiB that it may hold")
        return self._stop()

    def _contended(self, case: TimedCase) -> Callable[[Timed], bool]:
        """Return what says, and notes, whether a stretch shared its core, or its GPU with another's process."""
        index = self._slot.device.index if self._slot.device.kind == "gpu" else None

        def shared(taken: Timed) -> bool:
            found = shared_core(taken) if index is None else processes_on_gpu(index) > case.process.alive
            self._shared = self._shared or found
            return found

        return shared

    def _point(
        self,
        status: Status,
        reason: str,
        case: TimedCase | None = None,
        rounds: Sequence[Round] = (),
        calls: Latencies | None = None,
    ) -> LengthPoint:
        facts, calls = case.facts if case else None, calls or Latencies()
        found = ("parameters", "build_s", "compile_s", "peak_memory_bytes", "base_memory_bytes")
        return LengthPoint(
            spec=self._spec,
            status=status,
            reason=reason,
            budget_s=self._budget_s,
            label=self._label,
            rounds=tuple(rounds),
            latency_s=calls.seconds,
            latency_contended=calls.contended,
            room_bytes=self._room,
            environment=facts.environment if facts else self._slot.device.environment(self._spec.backend),
            provenance=provenance(self._started_at, now(), self._slot.core, self._slot.device.facts()),
            **{name: getattr(facts, name) for name in found if facts},
        )


def _calls(case: TimedCase, contended: Callable[[Timed], bool]) -> Latencies:
    """Return single calls of one window, made again where they shared their core or GPU; none where all tries did."""
    one = case.latencies(1)
    number = max(FEWEST_CALLS, min(MOST_CALLS, round(CALLS_S / max(one.wall_s, CALLS_S / MOST_CALLS))))
    found = Latencies()
    for _ in range(CALL_TRIES):
        calls = case.latencies(number)
        if not contended(calls):
            found.seconds = calls.seconds
            break
        found.contended += number
    return found


def _told(failure: Failure) -> tuple[Status, str]:
    return "out of memory" if isinstance(failure, LacksMemory) else "failed", failure.reason
