import pytest

from bench.preflight import gpu_fault, python_fault


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
    assert gpu_fault("cpu,gpu", lambda: 1) == gpu_fault("gpu:1", lambda: 2) == ""
    assert "no NVIDIA GPU found" in gpu_fault("cpu,gpu", lambda: 0)
    assert "numbered from 0" in gpu_fault("gpu:2", lambda: 2)
    assert "expected a number" in gpu_fault("gpu:x", lambda: 2)
