import ast
import ctypes
import subprocess
import sys

import pytest

from bench.preflight import (
    backend_fault,
    build_fault,
    count_gpus,
    cuda_fault,
    device_fault,
    fault_of_this_python,
    gpu_fault,
    machine_fault,
    make_command,
    python_fault,
    venv_fault,
)
from tests.committed import ROOT


@pytest.mark.parametrize("version", [(3, 11), (3, 12, 4), (3, 13)])
def test_supported_pythons(version):
    assert python_fault(version) == ""


@pytest.mark.parametrize("version", [(2, 7), (3, 10, 9), (3, 14)])
def test_other_pythons_are_named(version):
    fault = python_fault(version)
    assert f"Python {version[0]}.{version[1]} cannot run this" in fault
    assert "\n" not in fault


def test_gpus_are_looked_for_only_where_one_is_asked_for():
    def never():
        raise AssertionError("looked for a GPU")

    assert gpu_fault("", never) == gpu_fault("cpu", never) == ""
    assert gpu_fault("cpu,gpu", lambda: 1) == gpu_fault("gpu:1", lambda: 2) == gpu_fault("all", lambda: 2) == ""
    assert "DEVICE=all: no NVIDIA GPU found" in gpu_fault("all", lambda: 0)
    assert "no NVIDIA GPU found" in gpu_fault("cpu,gpu", lambda: 0)
    assert "numbered from 0" in gpu_fault("gpu:2", lambda: 2)


@pytest.mark.parametrize("devices", ["", "cpu", "gpu", "gpu:1", "cpu:0", "all", "cpu,gpu", "cpu, gpu:12", "all,cpu"])
def test_devices_that_there_may_be(devices):
    assert device_fault(devices) == ""


@pytest.mark.parametrize("devices", ["tpu", "cuda", "GPU", "gpux", "cpu,tpu", "cpu,,gpu", ",", " ", "all:1", "gpu,"])
def test_what_is_no_device_is_refused_before_anything_is_set_up(devices):
    fault = device_fault(devices)
    assert fault.startswith(f"DEVICE={devices}: expected cpu, gpu, gpu:1 or all")
    assert fault.endswith("nothing was installed")


@pytest.mark.parametrize("devices", ["gpu:x", "gpu:", "cpu,gpu:-1", "cpu:one"])
def test_what_is_no_number_of_a_device_is_refused_too(devices):
    assert "expected a number after the colon" in device_fault(devices)


@pytest.mark.parametrize("devices", ["tpu", "gpu:x"])
def test_make_is_told_to_try_no_other_python(devices):
    command = [sys.executable, "-ESs", ROOT / "bench" / "preflight.py", devices, "tensorflow"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, f"bench: {device_fault(devices)}\n")


class FakeLibrary:
    """The driver's library with two cards, as C calls it."""

    def nvmlInit_v2(self):  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, number):  # noqa: N802
        number._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, card):  # noqa: N802
        card._obj.value = index + 1
        return 0

    def nvmlDeviceGetUUID(self, card, text, size):  # noqa: N802
        text.value = b"GPU-a%d" % card.value
        return 0


@pytest.mark.parametrize(
    ("chosen", "found"), [(None, 2), ("1", 1), ("GPU-a2,GPU-a1", 2), ("GPU-a", 0), ("", 0), ("MIG-a,MIG-b", 2)]
)
def test_cards_that_a_scheduler_hides_are_not_counted(chosen, found, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeLibrary())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert count_gpus() == found
    assert ("CUDA_VISIBLE_DEVICES hides it" in gpu_fault("gpu", count_gpus)) == (found == 0)


def test_without_the_library_there_is_no_gpu(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert count_gpus() == 0


def test_this_python_and_this_machine_can():
    assert fault_of_this_python() == ""


def test_an_old_python_can_read_it():
    """Nothing in it is newer than Python 3.4, the oldest grammar that can be asked for here."""
    text = (ROOT / "bench/preflight.py").read_text()
    ast.parse(text, feature_version=(3, 4))
    assert not any(
        isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(ast.parse(text))
    )


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (("pypy", "", 2**63), "a Python that is not CPython (pypy)"),
        (("cpython", "t", 2**63), "a free-threaded Python"),
        (("cpython", "", 2**31), "a 32-bit Python"),
    ],
)
def test_other_builds_are_named(build, named):
    fault = build_fault(*build)
    assert fault.startswith(f"{named} cannot run this")
    assert "make PYTHON=" in fault
    assert build_fault("cpython", "", sys.maxsize) == ""


@pytest.mark.parametrize(
    "machine",
    [
        ("linux", "x86_64", "glibc 2.28", "4.18.0"),
        ("linux", "aarch64", "glibc 2.41", "6.12"),
        ("darwin", "arm64", "", "21.6.0"),
    ],
)
def test_machines_with_wheels(machine):
    assert machine_fault(*machine) == ""


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (("darwin", "x86_64", "", "23.0.0"), "no backend has wheels for macOS on x86_64"),
        (("darwin", "arm64", "", "20.6.0"), "older than 12"),
        (("linux", "riscv64", "glibc 2.39", "6.6"), "no wheels for Linux on riscv64, only for x86_64 and aarch64"),
        (("linux", "armv7l", "glibc 2.39", "6.6"), "no wheels for Linux on armv7l"),
        (("linux", "x86_64", "", "6.6"), "no backend has wheels for musl (Alpine)"),
        (("linux", "x86_64", "glibc 2.17", "3.10"), "this Linux has glibc 2.17, and there are wheels from 2.28 on"),
        (("win32", "", "", ""), "win32 cannot run this: it needs Linux or macOS (on Windows: WSL)"),
        (("freebsd14", "amd64", "", "14.1"), "freebsd14 cannot run this"),
    ],
)
def test_other_machines_are_named(machine, said):
    fault = machine_fault(*machine)
    assert said in fault
    assert "\n" not in fault


def test_a_python_that_cannot_make_an_environment_is_named(tmp_path):
    said = venv_fault("/usr/bin/python3", str(tmp_path), (3, 11, 2))
    assert said.startswith("Python 3.11 at /usr/bin/python3 has no venv")
    assert "apt install python3.11-venv" in said
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    assert venv_fault(str(tmp_path / ".venv" / "bin" / "python"), str(tmp_path), (3, 11)) == "", "one is there already"


def test_there_is_cuda_where_a_backend_has_wheels_with_it():
    x86, arm, mac = ("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")
    assert cuda_fault("cpu,gpu", "tensorflow", *x86) == cuda_fault("cpu", "tensorflow", *arm) == ""
    assert cuda_fault("all", "jax torch", *arm) == ""
    said = cuda_fault("cpu,gpu:1", "jax tensorflow", *arm)
    assert said.startswith("DEVICE=gpu:1: there are no wheels of tensorflow with CUDA for Linux on aarch64; nothing")
    assert said.endswith("use BACKEND=jax, or DEVICE=cpu")
    assert cuda_fault("gpu", "jax", *mac).endswith(
        "of jax with CUDA for macOS on arm64; nothing was installed; use DEVICE=cpu"
    )


def test_pytorch_asks_for_a_newer_macos():
    assert backend_fault("jax", "darwin", "21.6.0") == backend_fault("torch", "darwin", "23.0.0") == ""
    assert backend_fault("torch", "linux", "4.18.0") == ""
    assert backend_fault("jax torch", "darwin", "22.6.0").startswith(
        "BACKEND=torch: there are wheels from macOS 14 on;"
    )


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        (".venv", "make env"),
        ("/a/b/.venv-gpu", "make env DEVICE=gpu BACKEND=tensorflow"),
        (".venv-jax", "make env BACKEND=jax"),
        (".venv-gpu-jax-torch", "make env DEVICE=gpu BACKEND=jax,torch"),
    ],
)
def test_an_environment_tells_the_command_that_makes_it(folder, command):
    assert make_command("env", folder) == command
