"""What a user has set in the environment: fixed, or told with the runs that it may change."""

import pytest

from bench import environment
from bench.compare.sets import read_set
from bench.devices import SHOW_GPU, Device
from bench.engines.base import Engine, engines
from bench.process import Slot
from bench.report.build import build_report
from bench.store import Store
from bench.variables import OTHER_THREADS, kept, widest
from tests.fakes import ENVIRONMENT, fake_case, fake_plan, fake_record

CPU = Device("cpu", 0, "", {})
GPU = Device("gpu", 0, "Card", SHOW_GPU)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    monkeypatch.setattr(environment.os, "environ", {"HOME": "/home/me"})


def test_an_environment_without_any_says_nothing_of_them():
    assert ENVIRONMENT.variables == ""
    assert "variables" not in ENVIRONMENT.model_dump()
    assert "variables" not in ENVIRONMENT.model_dump_json()
    other = ENVIRONMENT.model_copy(update={"variables": "XLA_FLAGS=--a"})
    assert other.digest != ENVIRONMENT.digest
    assert type(other).model_validate_json(other.model_dump_json()) == other
    assert type(other).model_validate_json(ENVIRONMENT.model_dump_json()) == ENVIRONMENT


def test_what_is_kept_is_told_as_a_shell_takes_it():
    environ = {"B_X": "--one  --two\n", "A_X": "1", "C_X": " ", "A_LOG_X": "1", "D_X": "b\udcff"}
    assert kept(environ, ["?_*"]) == r"A_X=1 B_X='--one --two' D_X='b\udcff'"
    assert kept(environ, ["?_X"], ["A_*", "D_X"]) == "B_X='--one --two'"
    assert kept(environ, []) == kept({}, ["*"]) == ""


def test_what_others_say_too_is_said_once():
    assert widest(["A_X=1", "A_X=1 B_X='--c d'", "", "B_X='--c d'", "A_X=1"]) == ["A_X=1 B_X='--c d'"]
    assert widest(["A_X=1", "B_X=2"]) == ["A_X=1", "B_X=2"]
    assert widest(["", ""]) == []


@pytest.mark.parametrize(
    ("name", "cpu", "gpu", "predictors"),
    [
        ("XLA_FLAGS", True, True, False),
        ("TF_XLA_FLAGS", True, True, False),
        ("TF_DETERMINISTIC_OPS", True, True, False),
        ("TF_CUDNN_USE_AUTOTUNE", True, True, False),
        ("ONEDNN_MAX_CPU_ISA", True, True, False),
        ("OPENBLAS_CORETYPE", True, True, True),
        ("MKL_CBWR", True, True, True),
        ("NPY_DISABLE_CPU_FEATURES", True, True, True),
        ("CUBLAS_WORKSPACE_CONFIG", False, True, False),
        ("NVIDIA_TF32_OVERRIDE", False, False, False),  # fixed
        ("TF_ENABLE_ONEDNN_OPTS", False, False, False),
        ("TF_NUM_INTRAOP_THREADS", False, False, False),
        ("OPENBLAS_NUM_THREADS", False, False, False),
        ("OMP_PROC_BIND", False, False, False),
        ("ONEDNN_VERBOSE", False, False, False),  # changes no number
        ("TF_CPP_VMODULE", False, False, False),
        ("CUDNN_VERSION", False, False, False),
        ("PYTHONHASHSEED", False, False, False),
        ("TF_VAR_password", False, False, False),  # another program's
        ("TF_TOKEN_example", False, False, False),
        ("JAX_ENABLE_X64", False, False, False),  # another backend's
    ],
)
def test_a_variable_counts_for_the_runs_that_read_it(name, cpu, gpu, predictors):
    before = CPU.environment("tensorflow"), GPU.environment("tensorflow"), CPU.environment("numpy")
    environment.os.environ[name] = "7"
    after = CPU.environment("tensorflow"), GPU.environment("tensorflow"), CPU.environment("numpy")
    assert [e.variables == f"{name}=7" for e in after] == [cpu, gpu, predictors]
    assert [a.digest != b.digest for a, b in zip(after, before, strict=True)] == [cpu, gpu, predictors]


def test_a_new_backend_brings_what_it_reads(request):
    class Another(Engine):
        reads = ("ANOTHER_*",)
        variables = {"ANOTHER_FIXED": "1", "ANOTHER_GONE": None}  # noqa: RUF012

    engines.add("another", Another())
    request.addfinalizer(lambda: engines.remove("another"))
    environment.os.environ |= {"ANOTHER_PRECISION": "low", "ANOTHER_FIXED": "2", "ANOTHER_GONE": "3", "XLA_FLAGS": "-a"}
    assert CPU.environment("another").variables == "ANOTHER_PRECISION=low"
    assert CPU.environment("tensorflow").variables == "XLA_FLAGS=-a"
    assert Slot("cpu", CPU, None, "another").variables["ANOTHER_GONE"] is None


def test_a_process_with_limited_threads_has_no_variable_that_says_otherwise():
    assert {Slot("cpu", CPU, None).variables[name] for name in OTHER_THREADS} == {None}
    assert not set(OTHER_THREADS) & set(Slot("gpu", GPU, None).variables)


def test_a_report_and_a_comparison_show_what_was_set(tmp_path):
    told = ENVIRONMENT.model_copy(update={"variables": "XLA_FLAGS='--a | --b'"})
    case = fake_case()
    store = Store(tmp_path / "results")
    store.prepare()
    records = [store.write(fake_record(case, seed, environment=told)) for seed in (42, 43, 44)]
    readme = build_report(fake_plan([case], records), tmp_path / "report", figures=False).read_text()
    assert "FLAGS='--a " in readme.partition("## Environment")[2].partition("## ")[0]
    remark = f"A: environment {told.digest} had XLA_FLAGS='--a | --b' set"
    for folder in (store.results, tmp_path / "report"):
        assert remark in read_set(folder, "A").remarks
    plain = [fake_record(case, seed) for seed in (42, 43, 44)]
    readme = build_report(fake_plan([case], plain), tmp_path / "plain", figures=False).read_text()
    assert "variables set" not in readme
    assert read_set(tmp_path / "plain", "A").remarks == ()
