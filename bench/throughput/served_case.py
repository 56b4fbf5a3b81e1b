"""The child's side of the throughput benchmark: one case in a process of its own, timed when the driver says so.

The process first gives what needs a fresh one: seconds to build and compile, and peak memory. Then it waits, and
takes a round or times single calls whenever it is asked to.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.cases.base import make_dataset, make_model
from bench.child_process import requests
from bench.datasets.loaded import BadData, check_batch, load
from bench.devices import Device
from bench.energy import meter
from bench.engines.base import Program, load_engine
from bench.errors import BenchError
from bench.initial import window_order
from bench.measurement import INFERENCE_BATCH, ROUND_S, Kind, MeasureSpec
from bench.models.base import Inputs, Network, Predictor
from bench.process import Slot
from bench.provenance import Environment
from bench.record import Failure
from bench.task import Array, Splits, Task, Windows
from bench.throughput.work import Counters, Nothing, TakeRound, Work, timed_calls, timed_round
from bench.training import make_program

MODEL_SEED = 0
"""Of the weights and orders that are timed."""
TRIES = 3
"""Tries of a piece of work, the quickest of which says how much of it fills a round; on a CPU in process time, so that
the machine's load at that moment does not matter."""
MOST_WINDOWS = 10_000
"""Windows that are forecast in turn: what is timed needs no more, and a long series has too many to copy."""
SHORTEST_S = 1e-6
"""A piece of work takes at least this long, whatever the clock says."""


@dataclass(frozen=True)
class Facts:
    """What a fresh process found out; fields as in `bench.measurement.Measurement`."""

    kinds: tuple[Kind, ...]
    environment: Environment
    task: Task
    parameters: int | None = None
    model_bytes: int | None = None
    build_s: float | None = None
    compile_s: float | None = None
    peak_memory_bytes: int | None = None
    base_memory_bytes: int | None = None


@dataclass(frozen=True)
class TimeCalls:
    """Asks for single calls of one window; answered by `Calls`."""

    calls: int


@dataclass(frozen=True)
class MoveTo:
    """Asks to go on on this core; answered by None."""

    core: int


Request = TakeRound | TimeCalls | MoveTo
Training = Callable[[Program, list[Array], list[NDArray[np.int32]], Callable[[], float]], Work]
"""Makes the work of a training round of a program, from its initial weights and orders, by a clock."""


class PreparedCase:
    """A case that is ready to be timed."""

    def __init__(
        self, facts: Facts, work: dict[Kind, Work], one: Callable[[], object], counters: Counters, device: Device
    ):
        self.facts = facts
        self._work, self._one, self._counters = work, one, counters
        self._cpu = None if device.kind == "gpu" else time.process_time
        self._energy = meter(device)

    def answer(self, request: Request) -> Any:
        """Do what is asked for and return the answer."""
        if isinstance(request, TakeRound):
            return timed_round(self._work[request.kind], request, self._counters, cpu=self._cpu, energy=self._energy)
        if isinstance(request, TimeCalls):
            return timed_calls(self._one, request.calls, cpu=self._cpu)
        return _move(request.core)


def prepare(spec: MeasureSpec, slot: Slot, data_seed: int) -> PreparedCase:
    """Import, load, build and compile a case in this fresh process, and note what that took.

    Raises:
        BadData: No run can use its data.
        BenchError: A name or a parameter is wrong, the predictor sees its targets, or the backend does not see the GPU.
    """
    model = make_model(spec.model.name, spec.model.all_params)
    dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
    if isinstance(model, Network):
        load_engine(spec.backend, slot.device.kind)
    splits = load(dataset, data_seed).splits
    if spec.recipe is not None:
        check_batch(dataset, splits, spec.recipe.batch_size)
    task = splits.valid.task
    if isinstance(model, Network):
        return _prepare_network(model, spec, splits, slot)
    assert isinstance(model, Predictor)
    if model.leaks_target:
        raise BenchError(f"model {spec.model.name!r} sees the targets: it forecasts nothing that could be timed")
    fit = partial(model.fit_choosing, splits.train, splits.valid, task)
    forecast = fit()
    fit_s = min(seconds_of(fit, time.process_time) for _ in range(TRIES))
    infer, one = _inference(forecast, splits.valid.x, time.process_time)
    facts = Facts(("infer",), slot.device.environment(spec.backend, loaded=True), task, build_s=fit_s)
    return PreparedCase(facts, {"infer": infer}, one, Nothing(), slot.device)


def serve(connection: Connection, slot: Slot, spec: MeasureSpec, data_seed: int) -> None:
    """Prepare a case, send its `Facts`, then answer each `Request` until None comes.

    An error is sent as a `Failure`, and is the end.
    """
    try:
        answer_all(connection, prepare(spec, slot, data_seed))
    except BadData as error:
        connection.send(error.failure)
    except Exception as error:
        connection.send(Failure.of(error))


def answer_all(connection: Connection, case: PreparedCase) -> None:
    """Send the facts of a prepared case, then answer each `Request` until None comes."""
    connection.send(case.facts)
    for request in requests(connection):
        connection.send(case.answer(request))


def _prepare_network(model: Network, spec: MeasureSpec, splits: Splits, slot: Slot) -> PreparedCase:
    assert spec.recipe is not None
    windows, batch = len(splits.train.x), spec.recipe.batch_size
    orders = [window_order(MODEL_SEED, epoch, windows, batch) for epoch in range(2)]

    def first(program: Program) -> None:
        program.train(orders[0])
        program.forecast(splits.valid.x)

    return prepare_network(model, spec, splits, slot, orders, first, _training, INFERENCE_BATCH)


def prepare_network(
    model: Network,
    spec: MeasureSpec,
    splits: Splits,
    slot: Slot,
    orders: list[NDArray[np.int32]],
    first: Callable[[Program], None],
    training: Training,
    batch: int,
) -> PreparedCase:
    """Build and compile a network, and note what that took and what ``first`` of it holds in memory.

    Args:
        model: The network.
        spec: What is measured.
        splits: Windows of the process.
        slot: Where the process runs.
        orders: Of the windows that a round trains on.
        first: Trains and forecasts for the first time.
        training: Makes the work of a training round.
        batch: Windows in a batch of inference.
    """
    assert spec.recipe is not None
    base = psutil.Process().memory_info().rss
    _forget_peak()
    program = make_program(spec.backend, model, spec.recipe, splits)
    weights = program.fresh_weights(MODEL_SEED)
    program.reset(weights, MODEL_SEED)
    first(program)
    on_device = program.device_peak_bytes
    facts = Facts(
        kinds=("train", "infer"),
        environment=slot.device.environment(spec.backend, loaded=True),
        task=splits.valid.task,
        parameters=program.parameters,
        model_bytes=program.weight_bytes,
        build_s=program.build_s,
        compile_s=program.compile_s,
        peak_memory_bytes=_peak() if on_device is None else on_device,
        base_memory_bytes=base if on_device is None else 0,
    )
    clock = time.perf_counter if slot.device.kind == "gpu" else time.process_time
    infer, one = _inference(program.forecast_batch, splits.valid.x, clock, batch)
    work: dict[Kind, Work] = {"train": training(program, weights, orders, clock), "infer": infer}
    return PreparedCase(facts, work, one, program, slot.device)


def _training(
    program: Program, weights: list[Array], orders: list[NDArray[np.int32]], clock: Callable[[], float]
) -> Work:
    """Return whole epochs that fill a round, or a part of one where an epoch is longer than that."""
    steps, batch = orders[0].shape
    epoch = partial(program.train, orders[0])
    epoch_s = seconds_of(epoch, clock)
    if epoch_s < ROUND_S:
        epoch_s = min(epoch_s, *(seconds_of(epoch, clock) for _ in range(TRIES - 1)))
    epochs = max(1, round(ROUND_S / epoch_s))
    taken = steps if epoch_s < ROUND_S else max(1, round(steps * ROUND_S / epoch_s))
    calls = [partial(program.train, orders[i % len(orders)], taken) for i in range(epochs)]

    def before() -> None:
        """Start from the same weights, so that every round computes the same; no step is a wait for the device."""
        program.reset(weights, MODEL_SEED)
        program.train(orders[0], 0)

    return Work(epochs * taken * batch, calls, before)


def _inference(
    forecast: Callable[[Inputs], Any], x: Inputs | Windows, clock: Callable[[], float], batch: int = INFERENCE_BATCH
) -> tuple[Work, Callable[[], object]]:
    """Return batches that fill a round, and a call that forecasts one window; both compiled."""
    enough = x[np.arange(max(min(len(x), MOST_WINDOWS), batch)) % len(x)]
    batches = [enough[i : i + batch] for i in range(0, len(enough) - batch + 1, batch)]
    one = partial(forecast, x[:1])
    first = partial(forecast, batches[0])
    one()
    first()
    number = max(1, round(ROUND_S / max(min(seconds_of(first, clock) for _ in range(TRIES)), SHORTEST_S)))
    calls = [partial(forecast, batches[i % len(batches)]) for i in range(number)]
    return Work(number * batch, calls), one


def seconds_of(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return what a call takes by a clock, in seconds."""
    started = clock()
    call()
    return clock() - started


def _move(core: int) -> None:
    """Pin every thread of this process: a thread keeps the core of the one that started it."""
    if hasattr(os, "sched_setaffinity"):
        for thread in psutil.Process().threads():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread.id, {core})


def _forget_peak() -> None:
    """Let the system's record of peak memory start anew, where it can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """Return the most memory that this process held, in bytes.

    On Linux from its own status: `getrusage` also counts what the parent held when it started this process.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
