"""Programs that train one case in their own way, in processes of their own, whose parts of an epoch are timed in turn.

Every step of an epoch costs the same, so a part of it is timed and counted for the whole. On a CPU the clock is that of
the process, which has one thread: what else the machine does moves it little.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.cases.base import cases
from bench.engines.base import load_engine
from bench.initial import window_order
from bench.models.base import Network
from bench.process import Process, Slot
from bench.record import Failure

STEPS = 50
"""Steps of an epoch that a part has."""
LEAST_S = 0.2
"""Parts are repeated until they take so long."""
READY_S = 600.0


@dataclass(frozen=True)
class Way:
    """How a case is trained.

    Attributes:
        name: Of its column.
        backend: That trains it.
        case: Registered name.
        lanes: Seeds in one program; a part's seconds are those of all of them.
    """

    name: str
    backend: str
    case: str
    lanes: int = 1


def serve(connection: Any, slot: Slot, ways: Sequence[Way]) -> None:
    """Compile each way, then give the seconds an epoch and a seed of the one whose number is asked for, until None."""
    try:
        load_engine(slot.backend, slot.device.kind)
        clock = time.perf_counter if slot.device.kind == "gpu" else time.process_time
        parts = [prepare(way, slot.backend) for way in ways]
        connection.send("ready")
        while (number := connection.recv()) is not None:
            connection.send(parts[number](clock))
    except Exception as error:
        connection.send(Failure.of(error))


def prepare(way: Way, backend: str) -> Callable[[Callable[[], float]], float]:
    """Return a function that times parts of an epoch by a clock, and gives the seconds an epoch and a seed."""
    from bench.engines.base import engines

    case = cases.get(way.case)
    model, recipe = case.model, case.recipe
    assert isinstance(model, Network)
    assert recipe is not None
    splits = case.dataset.load(42)
    train, scored = splits.train, splits.valid.task
    order = window_order(0, 0, len(train.x), recipe.batch_size)
    steps = min(STEPS, len(order))
    seeds = list(range(way.lanes))
    if way.lanes == 1:
        program = engines.get(backend).make_program(model, recipe, train, scored)
        program.reset(program.fresh_weights(0), 0)
        part: Callable[[], object] = lambda: program.train(order, steps)  # noqa: E731
    else:
        stack = engines.get(backend).make_stack(model, recipe, train.task, scored, way.lanes)
        stack.use([train] * way.lanes)
        stack.reset([stack.fresh_weights(seed) for seed in seeds], seeds)
        orders = np.stack([window_order(seed, 0, len(train.x), recipe.batch_size) for seed in seeds])
        part = lambda: stack.train(orders, steps)  # noqa: E731
    part()

    def timed(clock: Callable[[], float]) -> float:
        started, parts = clock(), 0
        while not parts or clock() - started < LEAST_S:
            part()
            parts += 1
        return (clock() - started) / parts / steps * len(order) / way.lanes

    return timed


class Gone(Exception):
    """A process cannot train its way; says why."""


@contextmanager
def prepared(groups: Sequence[tuple[Slot, Sequence[Way]]], log: Path) -> Iterator[list[tuple[Process, int, Way]]]:
    """Give every way with its process and its number in it, all compiled; end the processes afterwards.

    Raises:
        Gone: One cannot be compiled.
    """
    processes = []
    try:
        for slot, ways in groups:
            processes.append(Process(slot, log, serve, slot, list(ways)))
            heard = processes[-1].receive(READY_S)  # one after the other, so that they share no core
            if isinstance(heard, Failure):
                raise Gone(heard.reason)
        yield [
            (process, number, way)
            for process, (_, ways) in zip(processes, groups, strict=True)
            for number, way in enumerate(ways)
        ]
    finally:
        for process in processes:
            process.end()


def ask(process: Process, number: int) -> float:
    """Time a way once; return its seconds an epoch and a seed.

    Raises:
        Gone: It broke.
    """
    process.send(number)
    heard = process.receive(READY_S)
    if isinstance(heard, Failure):
        raise Gone(heard.reason)
    return float(heard)


def in_turn(ready: Sequence[tuple[Process, int, Way]], rounds: int) -> dict[Way, float]:
    """Return each way's median seconds an epoch and a seed, over rounds in which all are timed in turn."""
    seconds: dict[Way, list[float]] = {way: [] for _, _, way in ready}
    for _ in range(rounds):
        for process, number, way in ready:
            seconds[way].append(ask(process, number))
    return {way: median(values) for way, values in seconds.items()}
