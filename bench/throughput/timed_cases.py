"""The driver's hold on the processes of the throughput benchmark: they are started, asked, and ended."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.measurement import Kind, MeasureSpec, Round
from bench.process import Died, Process, Slot, ready
from bench.record import Failure
from bench.throughput.served_case import Facts, MoveTo, Request, TimeCalls, serve
from bench.throughput.work import TakeRound
from bench.timing import Calls, Gone

PREPARE_LIMIT_S = 900.0
"""A case that has not compiled and trained an epoch after so long is given up."""
ANSWER_LIMIT_S = 120.0
"""So is one that does not finish a round or a block of single calls."""
POLL_S = 0.2
"""How often a wait looks whether it is to stop."""


class TimedCase:
    """The process of one case, from its start to its end; also the `Subject` whose rounds are taken.

    ``target`` is what it runs, `serve` or what answers as that does.

    Attributes:
        facts: What it found out while it was fresh; None until it is prepared.
        failure: Why it can be timed no more; None while it can.
    """

    def __init__(
        self,
        spec: MeasureSpec,
        slot: Slot,
        data_seed: int,
        log: Path,
        stop: Callable[[], bool],
        target: Callable[..., object] = serve,
    ):
        self.spec, self.slot = spec, slot
        self.facts: Facts | None = None
        self.failure: Failure | None = None
        self.deadline = time.monotonic() + PREPARE_LIMIT_S
        self._stop = stop
        served = replace(slot, backend=spec.backend)
        self.process = Process(served, log, target, served, spec, data_seed)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is timed of the case."""
        return self.facts.kinds if self.facts is not None else ()

    def receive_facts(self) -> None:
        """Take the first message, which is there: the facts, or why there are none."""
        with suppress(Gone):
            self.facts = self._receive()

    def give_up(self, reason: str) -> None:
        """Kill the process and note why."""
        self.process.kill()
        self.failure = Failure(reason=reason, details=self.process.log_tail())

    def move(self, core: int | None) -> None:
        """Let the process go on on this core."""
        if core is not None:
            with suppress(Gone):
                self._ask(MoveTo(core))

    def round(self, kind: Kind, number: int, warm_up: bool) -> Round:
        """Take one round, as a `Subject` does."""
        taken: Round = self._ask(TakeRound(kind, number, warm_up))
        return taken

    def latencies(self, calls: int) -> Calls:
        """Time single calls, as a `Subject` does."""
        made: Calls = self._ask(TimeCalls(calls))
        return made

    def _ask(self, request: Request) -> Any:
        """Send a request and wait for its answer.

        Raises:
            Gone: The process died, raised or took too long; ``failure`` says which.
            InterruptedError: It is to stop.
        """
        if self.failure is not None:
            raise Gone
        deadline = time.monotonic() + ANSWER_LIMIT_S
        self.process.send(request)
        while not self.process.poll(POLL_S):
            if self._stop():
                raise InterruptedError
            if time.monotonic() > deadline:
                self.give_up(f"{type(request).__name__} took longer than {ANSWER_LIMIT_S:g} s")
                raise Gone
        return self._receive()

    def _receive(self) -> Any:
        try:
            message = self.process.receive()
        except Died as died:
            self.give_up(str(died))
            raise Gone from None
        if isinstance(message, Failure):
            self.process.kill()
            self.failure = message
            raise Gone
        return message


def prepare_all(
    specs: Sequence[MeasureSpec],
    slots: Sequence[Slot],
    data_seed: int,
    logs: Path,
    stop: Callable[[], bool],
    cases: dict[str, TimedCase],
) -> Iterator[TimedCase]:
    """Start a process for each spec, one on a slot at a time, and yield each when it is prepared or has failed.

    Args:
        specs: Of cases.
        slots: Where they may prepare.
        data_seed: Of the data that they load.
        logs: Folder for what they print.
        stop: Asked several times a second.
        cases: Filled under each spec's measure id, as soon as its process is started.

    Raises:
        InterruptedError: ``stop`` said so.
    """
    free = list(slots)
    pending = deque(sorted(specs, key=lambda s: s.recipe is None))  # the long ones first, so that cores end together
    working: list[TimedCase] = []
    while pending or working:
        for slot in list(free):
            spec = next((s for s in pending if s.device == slot.device_spec), None)
            if spec is not None:
                pending.remove(spec)
                free.remove(slot)
                case = TimedCase(spec, slot, data_seed, logs / f"throughput-{len(cases)}.log", stop)
                cases[spec.measure_id] = case
                working.append(case)
        heard = ready([case.process for case in working], POLL_S)
        for case in list(working):
            if case.process in heard:
                case.receive_facts()
            elif time.monotonic() > case.deadline:
                case.give_up(f"preparing took longer than {PREPARE_LIMIT_S:g} s")
            if case.facts is not None or case.failure is not None:
                working.remove(case)
                free.append(case.slot)
                yield case
        if stop():
            raise InterruptedError
