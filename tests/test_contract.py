"""What everything registered must hold to. A new plug-in is held to it by being there."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cases.base import cases, component, make_dataset, make_model
from bench.cases.crossed import CrossedCase
from bench.contract import hold_causality, hold_dataset, hold_direction, hold_metrics, hold_predictor
from bench.datasets.base import datasets
from bench.datasets.loaded import load as load_checked
from bench.engines.base import engines
from bench.initial import initial_weights
from bench.kept import weights_from_bytes, weights_to_bytes
from bench.metrics.base import metrics
from bench.models.base import Predictor, models
from bench.recipe import Recipe
from bench.task import TargetKind, Task
from tests.conftest import with_variants
from tests.tables import usual
from tests.younger import VARIANTS

GOLDEN = Path(__file__).parent / "golden" / "defaults.json"
STEP_WINDOWS = 16
SMALL = {"n_series": 200, "draws": 3000, "train_windows": 200, "valid_windows": 60, "test_windows": 60}
LOADED: dict[tuple[str, str], object] = {}


def small(name):
    """A registered dataset at a size that a test can afford."""
    fields = datasets.get(name).model_fields
    known = usual(horizon=3) if "path" in fields else SMALL
    return make_dataset(name, {key: value for key, value in known.items() if key in fields})


def load(name, seed=1):
    if (name, seed) not in LOADED:
        LOADED[name, seed] = load_checked(small(name), seed).splits
    return LOADED[name, seed]


@pytest.mark.parametrize("name", datasets.names())
def test_dataset(name):
    hold_dataset(small(name))


def one_case_a_model():
    """The first case of each model on each of the quick data; on others only of those that have none there."""
    found = {}
    every = [cases.get(name) for name in cases.names()]
    here = [case for case in every if case.dataset.quick]
    known = {case.model.name for case in here}
    for case in [*here, *(case for case in every if case.model.name not in known)]:
        found.setdefault((case.model.name, case.dataset.name), case)
    with_one = {model for model, _ in found}
    crossed = CrossedCase(name="own", dataset={"name": "table"} | usual(horizon=3), models=["*"]).resolve()
    for case in crossed[0][1]:
        if case.model.name not in with_one:
            found[case.model.name, case.dataset.name] = case
    return {f"{m} on {d}": case for (m, d), case in found.items()}


CASES = one_case_a_model()


def test_no_case_is_another_ones_namesake():
    """A suite, and ``--cases``, may name a case without its family."""
    short = [name.rpartition("/")[2] for name in cases.names()]
    assert len(short) == len({*short})


def test_every_registered_model_has_a_case():
    assert {c.model.name for c in CASES.values()} >= set(models.names())


NAMES = [name for name, case in CASES.items() if not getattr(case.model, "backends", ())]
LIKE = {"simple_rnn on waves_next_step", "simple_rnn on waves_ten_steps"}
"""Whose model another one tries, too."""


@pytest.mark.parametrize("name", with_variants(NAMES, LIKE | {n for n in NAMES if CASES[n].model.name in VARIANTS}))
def test_model(name):
    case = CASES[name]
    assert make_model(case.model.name, component(case.model).params) == case.model
    if not case.model.installed():
        pytest.skip(case.model.installed().reason)
    splits = load(case.dataset.name)
    if isinstance(case.model, Predictor):
        hold_metrics(case.model, splits.valid, hold_predictor(case.model, splits))
        return
    network, other = (after_a_step(case.model, case.recipe, splits, seed=1) for _ in range(2))
    valid = splits.valid.x[:STEP_WINDOWS]
    forecasts = [built(valid, training=False).numpy() for built in (network, other)]
    assert forecasts[0].tobytes() == forecasts[1].tobytes()
    one, two = (initial_weights(network, seed) for seed in (1, 2))
    other.set_weights(two)
    assert other(valid, training=False).numpy().tobytes() != forecasts[0].tobytes()
    other.set_weights(weights_from_bytes(weights_to_bytes(network.get_weights())))
    assert other(valid, training=False).numpy().tobytes() == forecasts[0].tobytes(), "kept weights are all of it"
    assert any(a.tobytes() != b.tobytes() for a, b in zip(one, two, strict=True))
    still = [w.path for w, a in zip(network.weights, one, strict=True) if np.array_equal(w.numpy(), a)]
    assert not still, "weights without a gradient"
    of_all = replace(splits.valid, x=valid, y=splits.valid.y[:STEP_WINDOWS])
    hold_causality(case.model, lambda x: network(x, training=False).numpy(), of_all)
    task = splits.train.task if case.model.iterates else splits.valid.task
    expected = np.empty(task.target_shape(STEP_WINDOWS))
    if task.target is TargetKind.EVERY_STEP:
        expected = expected[:, case.model.positions(task)]
    assert forecasts[0].shape == expected.shape
    assert np.isfinite(forecasts[0]).all()


SHORT = Task("short", TargetKind.LAST_STEP, 8, 2, horizon=3)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_younger_network_has_a_gradient_on_short_windows(name):
    """What `make test` holds them to at least; the other part holds them to all of the above."""
    import tensorflow as tf

    x = np.random.default_rng(7).normal(size=(2, SHORT.input_length, SHORT.features)).astype(np.float32)
    network = models.get(name)().build(SHORT)
    network.set_weights(initial_weights(network, 1))
    with tf.GradientTape() as tape:
        made = network(x, training=True)
        loss = tf.reduce_sum(made * made)
    assert made.shape == SHORT.target_shape(2)
    gradients = tape.gradient(loss, network.trainable_weights)
    still = [w.path for w, g in zip(network.trainable_weights, gradients, strict=True) if g is None or not np.any(g)]
    assert not still, "weights without a gradient"
    assert all(np.isfinite(g).all() for g in gradients)


def of_make_test(test):
    """Return a test's parameters, those of the other part left out."""
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    return {value for value in mark.args[1] if isinstance(value, str)}  # one that is marked is no plain text


def test_make_test_tries_every_model():
    """Those that have a backend of their own are tried with it, in `tests.test_torch_layers`."""
    tried = {CASES[name].model.name for name in of_make_test(test_model)}
    tried |= of_make_test(test_a_younger_network_has_a_gradient_on_short_windows)
    elsewhere = {name for name in models.names() if getattr(models.get(name), "backends", ())}
    assert set(models.names()) - tried == elsewhere


def after_a_step(model, recipe, splits, seed):
    """A network after one step of Keras's own training, without XLA."""
    from tests.keras_fit import compiled_network

    network = compiled_network(model, recipe, splits.train, jit=False)
    network.run_eagerly = True
    network.set_weights(initial_weights(network, seed))
    size = STEP_WINDOWS
    loss = network.train_on_batch(splits.train.x[:size], model.targets(splits.train)[:size])
    assert np.isfinite(loss)
    return network


@pytest.mark.parametrize("name", metrics.names())
def test_a_metric_is_best_for_the_truth(name):
    for kind in metrics.get(name).kinds:
        hold_direction(metrics.get(name), Task("contract", kind, input_length=5))


PLUGINS = {
    f"{kind} {name}": registry.get(name)
    for kind, registry in (("dataset", datasets), ("model", models))
    for name in registry.names()
}


def defaults_of(plugin):
    """A plug-in's defaults as data; those that it must be given are left out."""
    fields = {name: field.default for name, field in plugin.model_fields.items() if not field.is_required()}
    return json.loads(json.dumps({"version": plugin.version, "defaults": fields}))


def test_a_default_that_changed_comes_with_a_raised_version():
    """An id leaves out what is at its default, so that a field may be added; but no default may change unnoticed.

    BENCH_UPDATE_GOLDEN=1 writes the file anew, once every changed default has a raised version.
    """
    now = {name: defaults_of(plugin) for name, plugin in PLUGINS.items()}
    now["recipe"] = {"version": engines.get("tensorflow").version, "defaults": json.loads(Recipe().model_dump_json())}
    if os.environ.get("BENCH_UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    then = json.loads(GOLDEN.read_text())
    assert then.keys() == now.keys(), "write the file anew"
    for name, known in then.items():
        if known["version"] == now[name]["version"]:
            kept = {key: now[name]["defaults"].get(key) for key in known["defaults"]}
            assert kept == known["defaults"], f"{name}: raise its version"


def test_a_model_that_sees_the_future_is_caught():
    splits = load("waves_every_step")
    first = replace(splits.valid, x=splits.valid.x[:STEP_WINDOWS], y=splits.valid.y[:STEP_WINDOWS])
    naive = models.get("naive")()
    hold_causality(naive, lambda x: x.cumsum(axis=1), first)
    with pytest.raises(AssertionError, match="sees the future"):
        hold_causality(naive, lambda x: x[:, ::-1].cumsum(axis=1), first)
    with pytest.raises(AssertionError, match="do not follow"):
        hold_causality(naive, np.zeros_like, first)
