"""The child's side of `bench speed`: a network on made-up windows of its task with another length."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from bench.cases.base import make_dataset, make_model
from bench.engines.base import Program, engines, load_engine
from bench.lengths import LengthSpec
from bench.measurement import ROUND_S
from bench.models.base import Network
from bench.process import Slot
from bench.record import Failure
from bench.task import Array, Split, Splits, Task, Values
from bench.throughput.served_case import MODEL_SEED, PreparedCase, answer_all, prepare_network, seconds_of
from bench.throughput.work import Work

STEPS = 256
"""Training steps in one call of a program, at most: so many that the call itself costs nothing beside them."""


class LacksMemory(Failure):
    """A device had too little memory."""


def made_up(task: Task, length: int, windows: int, seed: int) -> Split:
    """Return windows of a task with another length: normal inputs and targets, or token ids and classes, all unmasked.

    Args:
        task: What is asked, of any length.
        length: Steps in a window.
        windows: How many.
        seed: Of their values, which change no speed.
    """
    task = replace(task, input_length=length)
    rng = np.random.default_rng(seed)

    inputs, targets = task.input_shape(windows), task.target_shape(windows)
    x: Values = rng.normal(size=inputs).astype(np.float32)  # type: ignore[arg-type]  # the length is known
    if task.vocabulary is not None:
        x = rng.integers(task.vocabulary, size=inputs).astype(np.int32)  # type: ignore[arg-type]
    y: Values = rng.normal(size=targets).astype(np.float32)
    if task.target.is_class:
        y = rng.integers(task.classes, size=targets).astype(np.int32 if task.classes > 2 else np.float32)
    return Split(task, x, y, mask=np.ones(task.mask_shape(windows), np.bool_) if task.masked else None)


def prepare_at_length(spec: LengthSpec, slot: Slot, seed: int) -> PreparedCase:
    """Build and compile a network for windows of the spec's length, and note what that took.

    The windows are one batch, which every step trains on in another order.

    Raises:
        BenchError: The backend does not see the GPU.
    """
    model = make_model(spec.model.name, spec.model.all_params)
    dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
    assert isinstance(model, Network)
    load_engine(spec.backend, slot.device.kind)
    taught, asked = (made_up(t, spec.length, spec.batch, seed) for t in (dataset.train_task(), dataset.task()))
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(spec.batch, dtype=np.int32), (STEPS, 1)), axis=1)

    def first(program: Program) -> None:
        program.train(order, 1)
        program.forecast_batch(np.asarray(asked.x))

    return prepare_network(model, spec, Splits(taught, asked, asked), slot, [order], first, training, spec.batch)


def training(
    program: Program, weights: list[Array], orders: list[NDArray[np.int32]], clock: Callable[[], float]
) -> Work:
    """Return so many steps that they fill a round: one at least, and of quick ones several calls."""
    order, taken = orders[0], 1
    taken_s = seconds_of(partial(program.train, order, taken), clock)
    while taken_s < ROUND_S / 2 and taken < len(order):
        taken = min(2 * taken, len(order))
        taken_s = seconds_of(partial(program.train, order, taken), clock)
    number = max(1, round(ROUND_S / max(taken_s, ROUND_S / len(order))))

    def before() -> None:
        """Start from the same weights, so that every round computes the same; no step is a wait for the device."""
        program.reset(weights, MODEL_SEED)
        program.train(order, 0)

    return Work(number * taken * order.shape[1], [partial(program.train, order, taken)] * number, before)


def serve_at_length(connection: Connection, slot: Slot, spec: LengthSpec, seed: int) -> None:
    """As `bench.throughput.served_case.serve`; where memory is too small the failure is a `LacksMemory`."""
    try:
        answer_all(connection, prepare_at_length(spec, slot, seed))
    except Exception as error:
        kind = LacksMemory if engines.get(spec.backend).lacks_memory(error) else Failure
        with contextlib.suppress(OSError):
            connection.send(kind.of(error))
