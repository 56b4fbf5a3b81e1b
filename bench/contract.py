"""What everything registered must hold to, as tests for a package that adds plug-ins from outside.

    pytest --pyargs bench.contract

holds the cases, datasets, models and metrics of all such packages (see `bench.registry.outside`) to it, on the backend
that ``KERAS_BACKEND`` names, or on the first of a model's own. pytest is not installed with this package.
"""

import os
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.cases.base import Case, cases, component, make_dataset, make_model
from bench.datasets.base import Dataset, datasets
from bench.datasets.loaded import load
from bench.engines.base import Program, load_engine
from bench.initial import window_order
from bench.kept import weights_from_bytes, weights_to_bytes
from bench.metrics.base import Metric, applicable, evaluate, metrics, monitor, ranking, scored
from bench.metrics.traits import Axis
from bench.models.base import Forecast, Model, Network, Predictor, models
from bench.registry import Registry
from bench.task import Split, Splits, TargetKind, Task

WINDOWS = 64
"""Windows that a network is trained on and forecasts, at most; a batch at least."""


def from_outside(registry: Registry[Any]) -> list[str]:
    """Return the names of what comes from outside this package."""
    return [name for name in registry.names() if registry.origin(name).partition(".")[0] != __package__]


def hold_dataset(dataset: Dataset) -> Splits:
    """Hold a dataset to its own words, and return its splits for data seed 1.

    The same seed gives the same bits, another one others, unless it says that it is not seeded; its splits are what its
    tasks say, which a metric ranks and one chooses the epoch of; its docstring tells how it is split. What counts as
    solved is better than chance.
    """
    assert type(dataset).__doc__, "a dataset documents its split"
    assert make_dataset(dataset.name, component(dataset).params) == dataset, "its parameters say all that it is"
    one, again = load(dataset, 1), load(dataset, 1)
    other = load(dataset, 2)
    assert _bits(one.splits) == _bits(again.splits), "one seed, one set of bits"
    assert (_bits(one.splits) != _bits(other.splits)) is dataset.seeded, "`seeded` says whether the seed matters"
    assert one.warnings == ()
    task = dataset.task()
    assert ranking(task) in applicable(task)
    assert monitor(task).per_epoch
    known = {m.name: m for m in applicable(task)}
    assert {*dataset.noise_floors, *dataset.chance, *dataset.solved} <= {*known}
    for name, value in dataset.solved.items():
        assert known[name].sign * (value - dataset.chance.get(name, known[name].sign * np.inf)) < 0, "chance solves it"
    return one.splits


def hold_predictor(model: Predictor, splits: Splits) -> NDArray[np.floating]:
    """Hold a predictor to forecasts of the right shape that repeat bit by bit, and return those of validation.

    Unless it says that it leaks its target, it is causal: see `hold_causality`.
    """
    first, again = (_forecasts(model, splits) for _ in range(2))
    assert first.tobytes() == again.tobytes(), "a predictor depends on the data alone"
    _hold_shape(model, splits.valid, first)
    if not model.leaks_target:
        hold_causality(model, model.fit(splits.train, splits.valid.task), _first(splits.valid, WINDOWS))
    return first


def hold_network(case: Case, splits: Splits) -> NDArray[np.floating]:
    """Hold a network to what a run needs of it, and return forecasts of validation after a step.

    A seed repeats its bits, another one has other weights; each weight that a gradient may change is changed by three
    steps; weights that are kept in a file and put back forecast the same bits; forecasts have the task's shape, a
    window's does not depend on its neighbours unless the model says so, and none on the steps after it
    (`hold_causality`).
    """
    model, recipe = case.model, case.recipe
    assert isinstance(model, Network)
    assert recipe is not None
    engine = load_engine((model.backends or (os.environ.get("KERAS_BACKEND", "tensorflow"),))[0], "cpu")
    train, valid = _first(splits.train, max(WINDOWS, recipe.batch_size)), _first(splits.valid, WINDOWS)
    program = engine.make_program(model, recipe, train, valid.task)
    program.use(train)
    order = partial(window_order, epoch=0, windows=len(train.x), batch_size=recipe.batch_size)
    losses, forecasts = zip(*(_trained(program, order(seed)[:3], valid, seed) for seed in (1, 1, 2)), strict=True)
    assert losses[0] == losses[1] != losses[2], "losses follow from the seed"
    assert np.isfinite(losses).all()
    assert forecasts[0].tobytes() == forecasts[1].tobytes(), "forecasts follow from the seed"
    one, two, now = program.fresh_weights(1), program.fresh_weights(2), program.weights()
    assert any(a.tobytes() != b.tobytes() for a, b in zip(one, two, strict=True)), "seeds start apart"
    still = [number for number, (a, b) in enumerate(zip(two, now, strict=True)) if a.tobytes() == b.tobytes()]
    assert not still, f"training changes nothing in weights {still} (counted from 0)"
    kept = weights_to_bytes(now)
    program.reset(one, 1)
    program.load(weights_from_bytes(kept))
    assert program.forecast(valid.x).tobytes() == forecasts[2].tobytes(), "weights that are kept give other forecasts"
    if not model.batch_dependent:
        turned = program.forecast(valid.x[::-1])[::-1]
        np.testing.assert_allclose(turned, forecasts[2], rtol=1e-4, atol=1e-5, err_msg="windows depend on neighbours")
    hold_causality(model, program.forecast, valid)
    program.close()
    _hold_shape(model, valid, forecasts[0])
    made: NDArray[np.floating] = forecasts[0]
    return made


def hold_causality(model: Model, forecast: Forecast, split: Split) -> None:
    """Hold forecasts of real values at every position to this: a change in the future leaves those before it alone.

    The steps after a position hold the answers that are asked for there. A class at every position may well follow from
    the whole window.
    """
    if split.task.target is not TargetKind.EVERY_STEP:
        return
    x = np.asarray(split.x)
    steps, other = x.shape[1], x.copy()
    change = steps // 2
    other[:, change:] = np.roll(x[:, change:], 1, axis=0)  # another window's future
    before = sum(place < change for place in range(steps)[model.positions(split.task)])
    one, two = (np.asarray(forecast(windows)) for windows in (x, other))
    np.testing.assert_allclose(two[:, :before], one[:, :before], rtol=1e-4, atol=1e-5, err_msg="it sees the future")
    assert not np.allclose(two[:, before:], one[:, before:]), "forecasts do not follow from the window"


def hold_metrics(model: Model, split: Split, forecasts: NDArray[np.floating]) -> None:
    """Hold all metrics of a task to numbers, each along the axis that it declares, and none told twice."""
    found = list(evaluate(scored(split, forecasts, model.positions(split.task))))
    for name, axis, index, value in found:
        assert isinstance(value, float), name
        kept = metrics.get(name).axis
        assert bool(axis) == bool(index) == (kept is not Axis.NONE), name
        assert kept is not Axis.GROUP or axis in split.groups, name
    assert len({place[:3] for place in found}) == len(found)


def hold_direction(metric: Metric, task: Task) -> None:
    """Hold a metric to its direction: the truth itself, as a forecast, is no worse than the truth of other windows."""
    rng = np.random.default_rng(1)
    shape, real = task.target_shape(WINDOWS), not task.target.is_class
    y = rng.normal(size=shape).astype(np.float32) if real else rng.integers(task.classes, size=shape)
    x = np.zeros((WINDOWS, task.input_length or 1, task.features), np.float32)
    split = Split(replace(task, masked=False), x, y.astype(np.float32 if real or task.classes == 2 else np.int32))
    good = y.astype(np.float64) if real or task.classes == 2 else np.eye(task.classes)[y]
    values = {}
    for name, forecast in (("good", good), ("bad", np.roll(good, 1, axis=0))):
        value = metric.compute(scored(split, np.clip(forecast, 1e-6, 1 - 1e-6) if not real else forecast, slice(None)))
        values[name] = value if isinstance(value, float) else np.nan
    if not np.isnan([*values.values()]).any():
        better = metric.sign * values["good"] <= metric.sign * values["bad"]
        assert better, f"{metric.name} says that {metric.direction.value} is better: {values}"


@cache
def _held(dataset: Dataset) -> Splits:
    return hold_dataset(dataset)


@pytest.mark.parametrize("name", from_outside(cases))
def test_case(name: str) -> None:
    """A case's data, its forecasts and their scores."""
    case = cases.get(name)
    assert case.supports(), case.supports().reason
    assert make_model(case.model.name, component(case.model).params) == case.model, "its parameters say all that it is"
    splits = _held(case.dataset)
    if isinstance(case.model, Predictor):
        forecasts, valid = hold_predictor(case.model, splits), splits.valid
    else:
        forecasts, valid = hold_network(case, splits), _first(splits.valid, WINDOWS)
    hold_metrics(case.model, valid, forecasts)


@pytest.mark.parametrize("name", from_outside(datasets))
def test_a_dataset_is_in_a_case_or_needs_no_parameter(name: str) -> None:
    """So that one of the others, or this test, holds it to its words."""
    used = {cases.get(case).dataset.name for case in cases.names()}
    if name not in used:
        _held(make_dataset(name, {}))


@pytest.mark.parametrize("name", from_outside(models))
def test_a_model_is_in_a_case(name: str) -> None:
    """So that `test_case` holds it to its words."""
    assert name in {cases.get(case).model.name for case in cases.names()}


@pytest.mark.parametrize("name", from_outside(metrics))
def test_metric(name: str) -> None:
    """A metric has a docstring and a direction that is true, on every kind of task that it applies to."""
    metric = metrics.get(name)
    assert metric.compute.__doc__, "a metric says what it is"
    for kind in metric.kinds:
        hold_direction(metric, Task("contract", kind, input_length=5))


def _first(split: Split, windows: int) -> Split:
    """Return a split's first windows."""
    groups = {name: values[:windows] for name, values in split.groups.items()}
    mask = None if split.mask is None else split.mask[:windows]
    series = None if split.series is None else split.series[:windows]
    return replace(split, x=split.x[:windows], y=split.y[:windows], groups=groups, mask=mask, series=series)


def _trained(program: Program, order: NDArray[np.int32], valid: Split, seed: int) -> tuple[float, NDArray[np.floating]]:
    """Train from a seed; return the mean loss, and forecasts of validation."""
    program.reset(program.fresh_weights(seed), seed)
    return program.train(order), program.forecast(valid.x)


def _forecasts(model: Predictor, splits: Splits) -> NDArray[np.floating]:
    task = splits.valid.task
    if model.leaks_target:
        return np.asarray(model.fit_leaking(splits.train, task)(splits.valid))
    return np.asarray(model.fit_choosing(splits.train, splits.valid, task)(np.asarray(splits.valid.x)))


def _hold_shape(model: Model, split: Split, forecasts: NDArray[np.floating]) -> None:
    assert np.isfinite(forecasts).all()
    scored(split, forecasts, model.positions(split.task))  # raises where the shape does not fit


def _bits(splits: Splits) -> list[bytes]:
    named = {"train": splits.train, **splits.evaluated()}
    return [np.asarray(array).tobytes() for split in named.values() for array in (split.x, split.y)]
