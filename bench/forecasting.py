"""Forecasts of windows whose next steps nobody has seen: by a network with kept weights, or a predictor fitted anew."""

from collections.abc import Sequence

import numpy as np

from bench.cases.base import component, make_dataset, make_model
from bench.datasets.base import Dataset
from bench.datasets.loaded import load
from bench.engines.base import load_engine
from bench.errors import BenchError
from bench.models.base import Model, Network, Predictor
from bench.record import RunSpec
from bench.task import Array
from bench.training import make_program


def parts_of(spec: RunSpec) -> tuple[Dataset, Model]:
    """Return the dataset and the model of a run.

    Raises:
        BenchError: One of them, or a file of the data, is another today than when it was run.
    """
    dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
    model = make_model(spec.model.name, spec.model.all_params)
    if component(dataset).contents != spec.dataset.contents:
        files = ", ".join(str(spec.dataset.all_params[name]) for name in spec.dataset.contents)
        raise BenchError(
            f"{files} is not what run {spec.run_id} was trained on, by which it scales; put that back and name the "
            "newer file as FILE, or run the suite again"
        )
    for plugin, then in ((dataset, spec.dataset), (model, spec.model)):
        if plugin.version != then.version:
            raise BenchError(f"{then.name!r} has changed since run {spec.run_id}; run its suite again")
    if isinstance(model, Predictor) and model.leaks_target:
        raise BenchError(f"model {spec.model.name!r} sees what it forecasts, so it forecasts nothing that is not there")
    return dataset, model


def forecasts(spec: RunSpec, weights: Sequence[Sequence[Array]], x: Array, device_kind: str = "cpu") -> list[Array]:
    """Return what a model forecasts after the last position of windows, ``(windows, horizon, [targets])`` each.

    A network that forecasts the task's quantiles gives these, rising, as an axis of levels more.

    Args:
        spec: The run. A network's backend is imported into this process.
        weights: Of each seed, in the order of a program's `weights`; not asked for of a predictor.
        x: As `bench.task.Split.x`.
        device_kind: Where a network is run.

    Raises:
        BenchError: The data cannot be loaded, the backend is missing, or weights are of another network.
    """
    dataset, model = parts_of(spec)
    splits = load(dataset, spec.data_seed).splits
    task = splits.valid.task
    made: list[Array]
    if isinstance(model, Predictor):
        made = [np.asarray(model.fit_choosing(splits.train, splits.valid, task)(x), np.float32)]
    else:
        assert isinstance(model, Network)
        assert spec.recipe is not None
        load_engine(spec.backend, device_kind)
        program = make_program(spec.backend, model, spec.recipe, splits)
        shapes = [np.shape(each) for each in program.weights()]
        if any([np.shape(each) for each in own] != shapes for own in weights):
            raise BenchError(f"the weights of run {spec.run_id} are of another network; run it again")
        made = []
        for own in weights:
            program.load(own)
            made.append(program.forecast(x))
        program.close()
    made = [each if (ordered := task.in_order(each)) is None else np.asarray(ordered) for each in made]
    return [each[:, -1] for each in made] if task.target.every_position else made
