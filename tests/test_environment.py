"""An environment's digest is part of every record's name: it stays what it was, byte for byte."""

import pytest

from bench import environment
from bench.devices import Device
from bench.errors import BenchError

CPU = Device("cpu", 0, "", {})
GPU = Device("gpu", 0, "NVIDIA H100", {})
INSTALLED = {"numpy": "2.4.6", "keras": "3.15.0", "tensorflow-cpu": "2.21.0"}
ON_THE_CPU = (
    '{"python":"3.12","numpy":"2.4.6","keras":"3.15.0","backend":"tensorflow","backend_version":"2.21.0",'
    '"device":"cpu","device_name":"","cpu":"AMD EPYC 7B13 (family 25 model 1)","threads":1,"precision":"float32",'
    '"jit":"epoch by XLA"}'
)


@pytest.fixture(autouse=True)
def a_machine(monkeypatch):
    monkeypatch.setattr(environment, "version_of", lambda package: INSTALLED.get(package, ""))
    monkeypatch.setattr(environment, "cpu_model", lambda: "AMD EPYC 7B13 (family 25 model 1)")
    monkeypatch.setattr(environment.platform, "python_version_tuple", lambda: ("3", "12", "3"))


@pytest.mark.parametrize(
    ("backend", "device", "digest"),
    [("tensorflow", CPU, "995afb07"), ("tensorflow", GPU, "e3836ab0"), ("numpy", GPU, "25477bfd")],
)
def test_the_digest_of_an_environment_stays(backend, device, digest):
    assert device.environment(backend).digest == digest


def test_an_environment_is_what_it_was_byte_for_byte():
    assert CPU.environment("tensorflow").model_dump_json() == ON_THE_CPU


def test_the_first_installed_distribution_gives_the_version(monkeypatch):
    monkeypatch.setitem(INSTALLED, "tensorflow", "2.22.0")
    assert CPU.environment("tensorflow").backend_version == "2.21.0"
    monkeypatch.setitem(INSTALLED, "tensorflow-cpu", "")
    assert CPU.environment("tensorflow").digest == "8e1e15c0"


def test_a_backend_that_no_engine_serves_is_named():
    with pytest.raises(BenchError, match="unknown backend 'tensorflw'; did you mean tensorflow"):
        CPU.environment("tensorflw")
