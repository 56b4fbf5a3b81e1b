"""Slots are made of the devices that a machine has."""

import pytest

from bench import devices
from bench.devices import Device, find_device
from bench.errors import BenchError
from bench.executors.local import make_slots


def test_slots_are_one_a_core_and_one_a_gpu(monkeypatch):
    monkeypatch.setattr("bench.executors.local.usable_cores", lambda: [4, 5, 6])
    assert [s.core for s in make_slots(["cpu"], None, 99)] == [4, 5, 6]
    assert [s.core for s in make_slots(["cpu"], None, 2)] == [4, 5]
    assert [s.core for s in make_slots(["cpu"], 4, 99)] == [4, 5, 6, 4]
    assert [s.core for s in make_slots(["cpu", "cpu"], 1, 99)] == [4]
    assert make_slots(["cpu"], 1, 99)[0].device.threads == 1


def test_a_device_that_is_not_there_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(devices.device_kinds._entries, "gpu", lambda: [])
    with pytest.raises(BenchError, match="device 'gpu': this machine has no gpu"):
        find_device("gpu")
    with pytest.raises(BenchError, match="unknown device 'gpus'; did you mean gpu"):
        find_device("gpus")
    with pytest.raises(BenchError, match="expected a number after the colon"):
        find_device("gpu:x")
    monkeypatch.setitem(devices.device_kinds._entries, "gpu", lambda: [Device("gpu", 0, "Card", {})])
    assert find_device("gpu").name == "Card"
    with pytest.raises(BenchError, match="has 1 gpu, numbered from 0"):
        find_device("gpu:1")
