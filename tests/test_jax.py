"""JAX as a backend: runs that need no TensorFlow, and the tests of engines, each file in a process of its own.

Keras keeps the backend that it was imported on.
"""

import sys
from importlib.util import find_spec

import pytest

from bench.devices import Device, find_device, usable_cores
from bench.engines.base import load_engine
from bench.engines.jax_network import SETTINGS, fix_jax_settings
from bench.pasting import brought_by
from bench.process import Slot, begin
from tests.conftest import BACKEND
from tests.on_backend import run_tests, sweep_without_tensorflow

FILES = {
    "test_engines": "too_little_memory or [linear] or another_data_set_of",
    "test_recipe_fit": "adamw or last_step",
    "test_jax_layers": "convolution or traced_with",
    "test_jax_stack": "dropout or as_if_alone",
    "test_linear_scan": "gradient and compiled",
}
"""Each file with its tests that `make test` runs on JAX."""
FURTHER = (
    "test_randomness",
    "test_growth",
    "test_precision",
    "test_loss_scaling",
    "test_layers_modern",
    "test_layers_exponential",
    "test_models_channels",
    "test_networks_by_hand",
)
"""Files that are run on JAX as variants alone."""
PARTS = {"test_jax_stack": 4}
"""In how many parts a long file is run."""
LIMIT_S = 300.0
CPU = find_device("cpu")
not_within = pytest.mark.skipif(BACKEND == "jax", reason="this process tests JAX itself")
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")


@pytest.mark.slow
@needs_jax
@not_within
def test_on_jax():
    """A few networks, losses and optimizers."""
    chosen = " or ".join(f"({file} and ({tests}))" for file, tests in FILES.items())
    run_tests("jax", FILES, "-m", "not variant", "-k", chosen)


@pytest.mark.slow
@pytest.mark.variant
@needs_jax
@not_within
@pytest.mark.parametrize(
    ("file", "part"), [(file, part) for file in (*FILES, *FURTHER) for part in range(PARTS.get(file, 1))]
)
def test_all_on_jax(file, part):
    run_tests("jax", [file], "--splits", str(PARTS.get(file, 1)), "--group", str(part + 1))


@pytest.mark.slow
@needs_jax
def test_a_sweep_on_jax_imports_no_tensorflow(tmp_path):
    records = sweep_without_tensorflow(tmp_path, "jax", ["naive_next_step", "linear", "seq2seq_rnn"])
    trained = records["linear"].environment
    assert trained == CPU.environment("jax"), "known before JAX is imported"
    assert trained.backend_version


def test_commands_for_pasting_name_the_backend():
    from bench.cli.options import selection
    from bench.store import RESULTS

    assert "--backend jax" in selection("smoke", RESULTS, backend="jax").command()


def test_what_a_user_has_set_for_jax_is_fixed_kept_or_of_no_matter(monkeypatch):
    before = CPU.environment("jax")
    for name in ("JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_PLATFORMS", "KERAS_BACKEND"):
        monkeypatch.setenv(name, "7")
    for name in ("JAX_LOG_COMPILES", "JAX_COMPILATION_CACHE_DIR", "TF_XLA_FLAGS"):
        monkeypatch.setenv(name, "7")
    assert CPU.environment("jax") == before
    variables = Slot("cpu", CPU, None, "jax").variables
    assert {variables[name.upper()] for name in SETTINGS} == {None}
    assert (variables["KERAS_BACKEND"], variables["JAX_PLATFORMS"], variables["NPROC"]) == ("jax", None, "1")
    monkeypatch.setenv("XLA_FLAGS", "--fast")
    monkeypatch.setenv("JAX_PGLE_PROFILING_RUNS", "7")
    assert CPU.environment("jax").variables == "JAX_PGLE_PROFILING_RUNS=7 XLA_FLAGS=--fast"


def load_and_look():
    """Load the engine; return JAX's settings then, after others have changed them, and once they are fixed again."""
    load_engine("jax", "cpu")
    import jax

    def settings():
        return {name: getattr(jax.config, name) for name in SETTINGS}

    loaded = settings()
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_default_matmul_precision", "bfloat16")
    changed = settings()
    fix_jax_settings()
    return loaded, changed, settings(), jax.default_backend(), "tensorflow" in sys.modules


@pytest.mark.slow
@needs_jax
def test_settings_are_fixed_whatever_the_variables_and_a_plug_in_say(tmp_path, monkeypatch):
    for name in ("JAX_ENABLE_X64", "JAX_DEBUG_NANS", "JAX_DISABLE_JIT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("JAX_DEFAULT_MATMUL_PRECISION", "bfloat16")
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    slot = Slot("cpu", CPU, usable_cores()[0], "jax")
    loaded, changed, fixed, platform, tensorflow = begin(slot, tmp_path / "log", load_and_look).result(LIMIT_S)
    assert loaded == fixed == dict(SETTINGS)
    assert {name for name in SETTINGS if changed[name] != fixed[name]} == {
        "jax_enable_x64",
        "jax_default_matmul_precision",
    }
    assert (platform, tensorflow) == ("cpu", False)


@pytest.mark.slow
@needs_jax
def test_a_gpu_that_jax_does_not_see_is_said(tmp_path):
    blind = Device("gpu", 0, "Card", {"CUDA_VISIBLE_DEVICES": "-1"})
    result = begin(Slot("gpu", blind, None, "jax"), tmp_path / "log", load_engine, "jax", "gpu").result(LIMIT_S)
    how = brought_by("pip install 'sequence-bench[jax-gpu]'")
    assert result.reason == f"BenchError: backend jax sees no GPU in this environment, which may lack CUDA; {how}"
