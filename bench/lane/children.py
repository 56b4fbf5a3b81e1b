"""The driver's hold on the processes of the throughput lane: they are started, asked, and ended."""

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from bench.child_process import log_tail
from bench.jobs import Slot
from bench.lane.child import Facts, MoveTo, Request, TimeCalls, serve
from bench.lane.work import TakeRound
from bench.measurement import Kind, MeasureSpec, Round
from bench.record import Failure
from bench.timing import Gone

PREPARE_LIMIT_S = 900.0
"""A case that has not compiled and trained an epoch after so long is given up."""
ANSWER_LIMIT_S = 120.0
"""So is one that does not finish a round or a block of single calls."""
POLL_S = 0.2
"""How often a wait looks whether it is to stop."""


class Child:
    """The process of one case, from its start to its end; also the `Subject` whose rounds are taken.

    Attributes:
        facts: What it found out while it was fresh; None until it is prepared.
        failure: Why it can be timed no more; None while it can.
    """

    def __init__(self, spec: MeasureSpec, slot: Slot, data_seed: int, log: Path, stop: Callable[[], bool]):
        context = multiprocessing.get_context("spawn")
        self.spec, self.slot = spec, slot
        self.facts: Facts | None = None
        self.failure: Failure | None = None
        self.deadline = time.monotonic() + PREPARE_LIMIT_S
        self._log, self._stop = log, stop
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(slot, spec, data_seed, log, theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        """True while the process is."""
        return self._process.is_alive()

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
        self.kill()
        self.failure = Failure(reason=reason, details=log_tail(self._log))

    def move(self, core: int | None) -> None:
        """Let the process go on on this core."""
        if core is not None:
            with suppress(Gone):
                self._ask(MoveTo(core))

    def round(self, kind: Kind, number: int, warm_up: bool) -> Round:
        """Take one round, as a `Subject` does."""
        taken: Round = self._ask(TakeRound(kind, number, warm_up))
        return taken

    def latencies(self, calls: int) -> list[float]:
        """Time single calls, as a `Subject` does."""
        seconds: list[float] = self._ask(TimeCalls(calls))
        return seconds

    def end(self) -> None:
        """Let the process end; it has nothing more to do."""
        with suppress(OSError):
            self.connection.send(None)
        self._process.join(POLL_S)
        self.kill()

    def kill(self) -> None:
        """End the process now."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self.connection.close()

    def _ask(self, request: Request) -> Any:
        """Send a request and wait for its answer.

        Raises:
            Gone: The process died, raised or took too long; ``failure`` says which.
            InterruptedError: It is to stop.
        """
        if self.failure is not None:
            raise Gone
        deadline = time.monotonic() + ANSWER_LIMIT_S
        with suppress(OSError):  # a process that has died is found out when its answer is waited for
            self.connection.send(request)
        while not self.connection.poll(POLL_S):
            if self._stop():
                raise InterruptedError
            if time.monotonic() > deadline:
                self.give_up(f"{type(request).__name__} took longer than {ANSWER_LIMIT_S:g} s")
                raise Gone
        return self._receive()

    def _receive(self) -> Any:
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            self.give_up(f"the process ended by itself (exit code {self._process.exitcode})")
            raise Gone from None
        if isinstance(message, Failure):
            self.kill()
            self.failure = message
            raise Gone
        return message


def prepare_all(
    specs: Sequence[MeasureSpec],
    slots: Sequence[Slot],
    data_seed: int,
    logs: Path,
    stop: Callable[[], bool],
    children: dict[str, Child],
) -> Iterator[Child]:
    """Start a process for each spec, one on a slot at a time, and yield each when it is prepared or has failed.

    Args:
        specs: Of cases.
        slots: Where they may prepare.
        data_seed: Of the data that they load.
        logs: Folder for what they print.
        stop: Asked several times a second.
        children: Filled under each spec's measure id, as soon as its process is started.

    Raises:
        InterruptedError: ``stop`` said so.
    """
    free = list(slots)
    pending = deque(sorted(specs, key=lambda s: s.recipe is None))  # the long ones first, so that cores end together
    working: dict[Any, Child] = {}
    while pending or working:
        for slot in list(free):
            spec = next((s for s in pending if s.device == slot.device_spec), None)
            if spec is not None:
                pending.remove(spec)
                free.remove(slot)
                number = len(children)
                child = Child(spec, slot, data_seed, logs / f"lane-{number}.log", stop)
                children[spec.measure_id] = working[child.connection] = child
        for connection in wait(list(working), POLL_S):
            working[connection].receive_facts()
        for connection, child in list(working.items()):
            if child.facts is None and child.failure is None and time.monotonic() > child.deadline:
                child.give_up(f"preparing took longer than {PREPARE_LIMIT_S:g} s")
            if child.facts is not None or child.failure is not None:
                del working[connection]
                free.append(child.slot)
                yield child
        if stop():
            raise InterruptedError
