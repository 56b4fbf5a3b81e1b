"""Does a run repeat its bits here? A few small networks are trained again and again, and held against the first time.

Everything below runs in processes of its own, one backend and device each, set up as a worker's.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases.base import make_dataset, make_model
from bench.datasets.loaded import load
from bench.devices import Device, device_kinds, usable_cores
from bench.doctor.repetition import Repetition, Trained, held_against
from bench.engines.base import Program, engines, load_engine
from bench.environment import backend_version
from bench.initial import window_order
from bench.models.base import Inputs, Network
from bench.process import Slot, begin
from bench.recipe import Recipe
from bench.record import Failure
from bench.task import Windows

SEED, OTHER_SEED, DATA_SEED = 42, 43, 42
EPOCHS = 2
TIMED_EPOCHS = 9
"""Further epochs, of which the median's seconds count."""


@dataclass(frozen=True)
class Probe:
    """A small network and the data set that it is trained on."""

    label: str
    model: str
    params: Mapping[str, Any]
    dataset: str = "waves_every_step"
    n_series: int = 1000


PROBES = (
    Probe("SimpleRNN", "simple_rnn", {"units": [20, 20]}),
    Probe("GRU", "gru", {"units": [20, 20]}),
    Probe("convolution and GRU", "conv_gru", {}),
)
"""One of each kind that compiles to something else: a plain recurrence, gates, and a strided convolution."""


@dataclass(frozen=True)
class Finding:
    """A backend on a device.

    Attributes:
        repetitions: One a way of doing it again.
        cost: Seconds an epoch in deterministic mode over the usual ones, by network; empty where it did not run.
    """

    backend: str
    device: str
    repetitions: tuple[Repetition, ...]
    cost: Mapping[str, float]


def check_determinism(
    probes: Sequence[Probe] = PROBES, *, on_start: Callable[[str], None] = lambda text: None
) -> list[Finding]:
    """Train the probes on every installed backend and every device here, again in every way, and judge.

    On a CPU of two usable cores or more, two processes run at once, each pinned to its core.

    Args:
        probes: What is trained.
        on_start: Told what is about to be done, in words.
    """
    devices = [device for kind in device_kinds.names() for device in device_kinds.get(kind)()]
    backends = [name for name in engines.names() if backend_version(name)]
    findings = []
    for backend in backends:
        for device in devices:
            name = f"{device.kind}:{device.index}" if device.kind != "cpu" else "cpu"
            on_start(f"{backend} on {name}")
            findings.append(examine(backend, name, device, probes))
    return findings


def examine(backend: str, name: str, device: Device, probes: Sequence[Probe]) -> Finding:
    """Train the probes on one backend and device in four processes: two cores (where there are), then two more."""
    places = [Slot(name, device, core, backend) for core in usable_cores()[:2]] if device.kind == "cpu" else []
    here, there = (places[0], places[-1]) if places else (Slot(name, device, None, backend),) * 2
    mode = engines.get(backend).deterministic
    two = len(places) > 1
    with tempfile.TemporaryDirectory() as folder:
        train = partial(_train_in_processes, Path(folder) / "log", at_once=two)
        first_two = train([_Place(here, probes, twice=True), *([_Place(there, probes)] if two else [])])
        fixed_places = [_Place(replace(here, extra=mode), probes)] if mode else []
        second_two = train([_Place(there, probes[::-1]), *fixed_places])
    once, again = first_two[0]
    fresh, other, fixed = second_two[0][0], (first_two[1][0] if two else None), second_two[1][0] if mode else None
    # The fresh process, which trains in another order, shares its core with the one that it is held against.
    repetitions = [
        _judged("again in one process", once, again),
        _judged("in a fresh process", other if two else once, fresh),
        *([_judged("on another core", once, other)] if two else []),
        _judged("deterministic mode", once, fixed)
        if mode
        else Repetition("deterministic mode", "not run", reason="none is known for this backend"),
    ]
    cost = {}
    if isinstance(once, dict) and isinstance(fixed, dict):
        cost = {label: fixed[label].epoch_s / trained.epoch_s for label, trained in once.items()}
    return Finding(backend, name, tuple(repetitions), cost)


def train_probes(
    backend: str, device_kind: str, probes: Sequence[Probe], twice: bool
) -> tuple[dict[str, Trained], dict[str, Trained]]:
    """Train each probe in this process, after the ones before it; ``twice``: and again, after another seed's training.

    Returns:
        The first trainings by label, and the second ones (none unless ``twice``).

    Raises:
        BenchError: The backend sees no such device, and would quietly use another.
    """
    engine = load_engine(backend, device_kind)
    once, again = {}, {}
    for probe in probes:
        splits = load(make_dataset(probe.dataset, {"n_series": probe.n_series}), DATA_SEED).splits
        model, recipe = make_model(probe.model, dict(probe.params)), Recipe(epochs=EPOCHS)
        assert isinstance(model, Network)
        program = engine.make_program(model, recipe, splits.train, splits.valid.task)
        orders = [
            (seed, [window_order(seed, epoch, len(splits.train.x), recipe.batch_size) for epoch in range(EPOCHS)])
            for seed in (SEED, OTHER_SEED)
        ]
        # Other work on the core adds to the wall clock's seconds, not to the process's own; on a GPU those say nothing.
        clock = time.process_time if device_kind == "cpu" else time.perf_counter
        train = partial(_train, program, splits.valid.x, clock)
        once[probe.label] = train(*orders[0])
        if twice:
            train(*orders[1])
            again[probe.label] = train(*orders[0])
        program.close()
    return once, again


def _train(
    program: Program,
    x: Inputs | Windows,
    clock: Callable[[], float],
    seed: int,
    orders: Sequence[NDArray[np.int32]],
) -> Trained:
    program.reset(program.fresh_weights(seed), seed)
    losses = np.array([program.train(order) for order in orders])
    arrays = [losses, *program.weights(), program.forecast(x)]
    seconds = []
    for _ in range(TIMED_EPOCHS):
        started = clock()
        program.train(orders[0])
        seconds.append(clock() - started)
    return Trained(arrays, median(seconds))


Outcome = dict[str, Trained] | str
"""What a process trained, by label, or why it did not."""


@dataclass(frozen=True)
class _Place:
    """One process to train in."""

    slot: Slot
    probes: Sequence[Probe]
    twice: bool = False


def _train_in_processes(log: Path, places: Sequence[_Place], *, at_once: bool) -> list[tuple[Outcome, Outcome]]:
    """Return what a new process trained at each place, in their order; one after the other unless ``at_once``.

    An interrupt ends them all.
    """
    if not at_once:
        return [outcome for place in places for outcome in _train_in_processes(log, [place], at_once=True)]
    with ExitStack() as stack:
        processes = []
        for place in places:
            asked = place.slot.backend, place.slot.device.kind, place.probes, place.twice
            processes.append(begin(place.slot, log, train_probes, *asked))
            stack.callback(processes[-1].kill)
        results = [process.result() for process in processes]
    return [(r.reason, r.reason) if isinstance(r, Failure) else r for r in results]


def _judged(how: str, first: Outcome | None, again: Outcome | None) -> Repetition:
    for outcome in (first, again):
        if isinstance(outcome, str):
            return Repetition(how, "not run", reason=outcome)
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    return held_against(how, first, again)
