"""Shared by all tests: the backend is chosen before anything can import keras."""

import importlib
import os
import sys

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

BACKEND = os.environ["KERAS_BACKEND"]
"""Of the tests of engines in this process; `tests.test_jax` runs them on another one."""
ENGINE_PLUGINS = "tests.plugins", "tests.engine_plugins"


def with_variants(names, variants):
    """Return names as parameters, those of variants marked, which have to be among them."""
    assert variants <= set(names), variants - set(names)
    return [pytest.param(name, marks=pytest.mark.variant) if name in variants else name for name in names]


@pytest.fixture
def engine_plugins(monkeypatch):
    """Register the test's engines, data set and models for a test, here and in the processes that it starts."""
    from bench.datasets.base import datasets
    from bench.engines.base import engines
    from bench.models.base import models

    registries = datasets, models, engines
    known = [set(registry.names()) for registry in registries]
    monkeypatch.setenv("BENCH_PLUGINS", ",".join(ENGINE_PLUGINS))
    fresh = [name for name in ENGINE_PLUGINS if name not in sys.modules]
    for name in fresh:
        importlib.import_module(name)
    yield
    for registry, names in zip(registries, known, strict=True):
        for name in set(registry.names()) - names:
            registry.remove(name)
    for name in fresh:
        del sys.modules[name]


FAR = """name = "far"
seeds = [1, 2, 3]
data_seeds = "seeds"
throughput = false
baseline = "test_constant"
{more}

[[cases]]
name = "far/one"
dataset = "test_ramps"
model = {{name = "test_constant", value = 1.0}}

[[cases]]
name = "far/two"
dataset = "test_ramps"
model = {{name = "test_constant", value = 2.0}}
"""


@pytest.fixture
def far(engine_plugins, tmp_path, monkeypatch):
    """A suite of six runs that need no backend, in a folder of its own; a function that writes it with more keys."""
    monkeypatch.chdir(tmp_path)

    def write(more=""):
        (tmp_path / "far.toml").write_text(FAR.format(more=more))
        return "far.toml"

    return write


def pytest_collection_modifyitems(items):
    """Put files with slow tests first: each goes to one process, and a long one that begins last keeps it alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
