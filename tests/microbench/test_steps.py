"""One training step and one inference batch of every registered network, compiled beforehand, on one pinned core.

Both go through the engine's program, as a run does, on the case's own data and batch size: what a call costs in
Python is part of the time, compiling is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from bench.cases.base import cases, component, make_dataset
from bench.engines.base import FORECAST_BATCH, Program
from bench.initial import window_order
from bench.models.base import Network
from bench.task import Splits
from bench.training import make_program

TRAINED = [
    case.name
    for case in map(cases.get, cases.names())
    if case.model.trained
    and case.runs_on("tensorflow")
    and not case.published.why_not  # too long to be tried
    and not case.dataset.files  # which need not be here
]
STEP_ROUNDS, STEPS_A_ROUND, BATCH_ROUNDS = 20, 5, 10


@dataclass(frozen=True)
class Compiled:
    """A case's program with its first epoch's order and a batch to forecast."""

    program: Program
    order: np.ndarray
    windows: np.ndarray


@cache
def load(dataset: str) -> Splits:
    """The data of a case by the text of its dataset, made once for all its networks."""
    name, params = datasets_by_text[dataset]
    return make_dataset(name, params).load(42)


datasets_by_text = {
    part.model_dump_json(): (part.name, part.params)
    for part in (component(cases.get(name).dataset) for name in TRAINED)
}


@pytest.fixture(scope="module", params=TRAINED, ids=lambda name: name.rpartition("/")[2])
def compiled(request, one_core) -> Iterator[Compiled]:
    case = cases.get(request.param)
    assert isinstance(case.model, Network)
    assert case.recipe is not None
    splits = load(component(case.dataset).model_dump_json())
    program = make_program("tensorflow", case.model, case.recipe, splits)
    program.reset(program.fresh_weights(42), 42)
    order = window_order(42, 0, len(splits.train.x), case.recipe.batch_size)
    windows = splits.valid.x[:FORECAST_BATCH]
    program.train(order, 0)
    program.forecast(windows)
    yield Compiled(program, order, windows)
    program.close()


def test_training_step(compiled, benchmark):
    loss = benchmark.pedantic(
        compiled.program.train, (compiled.order, 1), rounds=STEP_ROUNDS, iterations=STEPS_A_ROUND, warmup_rounds=1
    )
    assert np.isfinite(loss)


def test_inference_batch(compiled, benchmark):
    benchmark.extra_info["windows"] = len(compiled.windows)
    forecast = benchmark.pedantic(
        compiled.program.forecast, (compiled.windows,), rounds=BATCH_ROUNDS, iterations=1, warmup_rounds=1
    )
    assert len(forecast) == len(compiled.windows)
