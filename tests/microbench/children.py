"""Child processes that each train one case in their own way, so that ways can be timed in turn."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

WAYS = ("engine", "fit", "fit_xla")
EPOCHS = 2


def serve(way: str, core: int | None, case_name: str, connection: Connection) -> None:
    """Prepare one case, then train one further seed for every seed that is asked for, and say how long it took."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    if core is not None:
        os.sched_setaffinity(0, {core})
        os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    further_seed = prepare(way, case_name)
    further_seed(0)  # traces and compiles
    connection.send("ready")
    while (seed := connection.recv()) is not None:
        started = time.perf_counter()
        further_seed(seed)
        connection.send(time.perf_counter() - started)


def prepare(way: str, case_name: str) -> Callable[[int], Any]:
    """Return a function that trains one seed for a few epochs, validates each, and tests at the end."""
    from bench.cases.base import cases
    from bench.models.base import Network
    from bench.training import make_program, train
    from tests.keras_fit import compiled_network

    case = cases.get(case_name)
    model, recipe = case.model, case.recipe
    assert isinstance(model, Network)
    assert recipe is not None
    recipe = recipe.model_copy(update={"epochs": EPOCHS})
    splits = case.dataset.load(42)
    if way == "engine":
        program = make_program("tensorflow", model, recipe, splits)
        return lambda seed: train(model, recipe, splits, program, seed)

    from bench.initial import initial_weights

    network = compiled_network(model, recipe, splits.train, jit=way == "fit_xla")
    same_task = splits.train.task == splits.valid.task
    held_out = (splits.valid.x, model.targets(splits.valid)) if same_task else None

    def fit(seed: int) -> None:
        network.set_weights(initial_weights(network, seed))
        network.fit(
            splits.train.x,
            model.targets(splits.train),
            batch_size=recipe.batch_size,
            epochs=EPOCHS,
            validation_data=held_out,
            verbose=0,
        )
        if same_task:
            network.evaluate(splits.test.x, model.targets(splits.test), verbose=0)

    return fit


class Child:
    """A way to train one case, alive in a process of its own."""

    def __init__(self, way: str, core: int | None, case_name: str):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(way, core, case_name, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ready(self) -> None:
        """Wait until the case is compiled."""
        assert self._connection.recv() == "ready"

    def begin(self, seed: int) -> None:
        """Start one further seed."""
        self._connection.send(seed)

    def end(self) -> float:
        """Wait for it; return its seconds."""
        seconds: float = self._connection.recv()
        return seconds

    def close(self) -> None:
        """Let the process end."""
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._process.join(30)
