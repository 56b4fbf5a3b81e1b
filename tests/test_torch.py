"""PyTorch as a backend: runs that need no TensorFlow, plain modules, and the tests of engines, in their own processes.

Keras keeps the backend that it was imported on.
"""

import sys
from importlib.util import find_spec

import pytest

from bench.cases.base import cases
from bench.devices import Device, find_device, usable_cores
from bench.engines.base import engines, load_engine
from bench.errors import BenchError
from bench.models.base import models
from bench.pasting import brought_by
from bench.plan import make_plan
from bench.process import Slot, begin
from bench.suite import Suite
from tests.conftest import BACKEND
from tests.on_backend import run_tests, sweep_without_tensorflow

FILES = (
    "test_engines",
    "test_precision",
    "test_loss_scaling",
    "test_recipe_fit",
    "test_randomness",
    "test_torch_layers",
    "test_torch_recurrence",
    "test_torch_network",
    "test_torch_capture",
    "test_linear_scan",
    "test_layers_modern",
    "test_layers_exponential",
    "test_models_channels",
    "test_networks_by_hand",
)
LIMIT_S = 300.0
CPU = find_device("cpu")
ONLY_TORCH = [name for name in cases.names() if getattr(cases.get(name).model, "backends", ()) == ("torch",)]
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


@pytest.mark.slow
@needs_torch
@pytest.mark.skipif(BACKEND == "torch", reason="this process tests PyTorch itself")
@pytest.mark.parametrize("file", FILES)
def test_on_torch(file):
    run_tests("torch", [file])


@pytest.mark.slow
@needs_torch
def test_a_sweep_on_torch_imports_no_tensorflow(tmp_path):
    records = sweep_without_tensorflow(tmp_path, "torch", ["naive_next_step", "linear", "seq2seq_gru_torch"])
    trained = records["linear"].environment
    assert trained == CPU.environment("torch"), "known before PyTorch is imported; one thread"
    assert (trained.jit, trained.precision, trained.threads) == ("none", "float32", 1)
    assert trained.backend_version


# A model that one backend alone can run


def plan_of(names, *backends):
    return make_plan(Suite(name="t", cases=list(names), seeds=[1], backends=list(backends)), [])


def test_a_plain_module_is_run_where_it_can_be_and_skipped_elsewhere_with_the_reason():
    assert sorted(ONLY_TORCH) == ["chapter15/seq2seq_gru_torch", "chapter15/seq2seq_lstm_torch"]
    plan = plan_of(["chapter15/seq2seq_gru", ONLY_TORCH[0]], "tensorflow", "torch")
    assert {(spec.case, spec.backend) for spec in plan.specs} == {
        ("chapter15/seq2seq_gru", "tensorflow"),
        ("chapter15/seq2seq_gru", "torch"),
        (ONLY_TORCH[0], "torch"),
    }
    (skip,) = plan.skips
    model = cases.get(ONLY_TORCH[0]).model.name
    assert (skip.case.name, skip.reason) == (ONLY_TORCH[0], f"model {model!r} runs on torch alone, not on tensorflow")
    assert {spec.case for spec in plan.measured} == {"chapter15/seq2seq_gru", ONLY_TORCH[0]}
    with pytest.raises(BenchError, match=r"has no case that can be run.*runs on torch alone, not on jax"):
        plan_of(ONLY_TORCH[:1], "jax")


def test_a_glob_leaves_out_what_no_backend_of_the_suite_can_run():
    found = {backend: plan_of(["chapter15/seq2seq_*"], backend) for backend in ("tensorflow", "torch")}
    names = {backend: {case.name for case in plan.cases} for backend, plan in found.items()}
    assert names["torch"] - names["tensorflow"] == set(ONLY_TORCH)
    assert [plan.skips for plan in found.values()] == [(), ()]
    assert [skip.reason for skip in plan_of(["*_torch", "chapter15/linear"], "jax").skips] == [
        f"model {cases.get(name).model.name!r} runs on torch alone, not on jax" for name in ONLY_TORCH
    ]


def test_backends_that_a_model_names_exist():
    named = {name for model in models.entries() if model.trained for name in model.backends}
    assert named <= set(engines.names())


# The process


def test_what_a_user_has_set_for_torch_is_fixed_kept_or_of_no_matter(monkeypatch):
    before = CPU.environment("torch")
    for name in ("KERAS_TORCH_DEVICE", "KERAS_BACKEND", "TORCH_LOGS", "TORCH_HOME", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    assert CPU.environment("torch") == before
    variables = Slot("cpu", CPU, None, "torch").variables
    assert (variables["KERAS_BACKEND"], variables["KERAS_TORCH_DEVICE"]) == ("torch", None)
    assert (variables["OMP_NUM_THREADS"], variables["MKL_NUM_THREADS"]) == ("1", "1")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert CPU.environment("torch").variables == "ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2"


def test_what_is_captured_on_a_gpu_is_part_of_the_environment():
    assert CPU.environment("torch").jit == "none"
    card = Device("gpu", 0, "Card", {})
    assert card.environment("torch").jit == "none, plain modules by CUDA graphs"
    assert card.environment("jax").jit == CPU.environment("jax").jit


def load_and_look():
    """Load the engine; return its threads, PyTorch's settings, where Keras computes, and what was not imported."""
    engine = load_engine("torch", "cpu")
    import torch
    from keras.src.backend.torch.core import get_device

    settings = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32, torch.get_default_dtype()
    return engine.threads(), str(settings), get_device(), "tensorflow" in sys.modules, "jax" in sys.modules


@pytest.mark.slow
@needs_torch
def test_a_process_has_one_thread_whole_float32_and_no_other_backend(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    slot = Slot("cpu", CPU, usable_cores()[0], "torch")
    found = begin(slot, tmp_path / "log", load_and_look).result(LIMIT_S)
    assert found == (1, "('highest', False, torch.float32)", "cpu", False, False)


@pytest.mark.slow
@needs_torch
def test_a_gpu_that_torch_does_not_see_is_said(tmp_path):
    blind = Device("gpu", 0, "Card", {"CUDA_VISIBLE_DEVICES": "-1"})
    result = begin(Slot("gpu", blind, None, "torch"), tmp_path / "log", load_engine, "torch", "gpu").result(LIMIT_S)
    how = brought_by("pip install 'sequence-bench[torch-gpu]'")
    assert result.reason == f"BenchError: backend torch sees no GPU in this environment, which may lack CUDA; {how}"
