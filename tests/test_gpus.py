"""Which cards may be used, with a fake NVML: as CUDA reads what a scheduler says."""

from types import SimpleNamespace

import pytest

from bench.devices import find_device, find_gpus
from bench.doctor.machine import check_choice
from bench.errors import BenchError
from bench.preflight import visible_gpus
from bench.throughput.contention import free_on_gpu

CARDS = {"GPU-aaaa1": "H100", "GPU-aabb2": "H100", "GPU-ccdd3": "A100"}
PARTS = {"MIG-1111": "A100 MIG 1g", "MIG-2222": "A100 MIG 2g"}


class NVMLError(Exception):
    pass


class FakeNVML:
    """Three cards, of which the last is divided into two parts."""

    NVMLError = NVMLError
    answers = True

    def nvmlInit(self):  # noqa: N802
        if not self.answers:
            raise NVMLError

    def nvmlShutdown(self):  # noqa: N802
        pass

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(CARDS)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return list(CARDS)[index]

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid

    def nvmlDeviceGetUUID(self, handle):  # noqa: N802
        return handle

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return (CARDS | PARTS)[handle].encode()

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):  # noqa: N802
        if handle != "GPU-ccdd3":
            raise NVMLError
        return 3

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, index):  # noqa: N802
        if index == 1:
            raise NVMLError
        return list(PARTS)[index // 2]

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(free=list(CARDS).index(handle))


@pytest.fixture
def nvml(monkeypatch):
    fake = FakeNVML()
    monkeypatch.setitem(__import__("sys").modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.delenv("NVIDIA_VISIBLE_DEVICES", raising=False)
    return fake


def test_without_a_choice_all_cards_are_there(nvml):
    found = find_gpus()
    assert [(d.index, d.name, d.variables["CUDA_VISIBLE_DEVICES"]) for d in found] == [
        (0, "H100", "GPU-aaaa1"),
        (1, "H100", "GPU-aabb2"),
        (2, "A100", "GPU-ccdd3"),
    ]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("2", ["GPU-ccdd3"]),
        ("2,0", ["GPU-ccdd3", "GPU-aaaa1"]),
        (" 1 , 2 ", ["GPU-aabb2", "GPU-ccdd3"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("none", []),
        ("0,-1,2", ["GPU-aaaa1"]),
        ("0,7,2", ["GPU-aaaa1"]),
        ("1,1", []),
        ("0,1,,2", ["GPU-aaaa1", "GPU-aabb2"]),
        ("1gpu,2", ["GPU-aabb2", "GPU-ccdd3"]),
        ("GPU-ccdd3,GPU-aaaa1", ["GPU-ccdd3", "GPU-aaaa1"]),
        ("GPU-c", ["GPU-ccdd3"]),
        ("GPU-c,GPU-a", ["GPU-ccdd3"]),  # the second may be two cards
        ("GPU-c,GPU-ccdd3", []),
        ("GPU-x,GPU-c", []),
        ("GPU-c,1", ["GPU-ccdd3"]),
        ("MIG-2222,MIG-1111", ["MIG-2222", "MIG-1111"]),
        ("MIG-3333", []),
    ],
)
def test_only_the_cards_that_a_scheduler_shows_are_used(nvml, monkeypatch, chosen, expected):
    assert visible_gpus(list(CARDS), list(PARTS), chosen) == expected
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    found = find_gpus()
    assert [d.variables["CUDA_VISIBLE_DEVICES"] for d in found] == expected
    assert [d.index for d in found] == list(range(len(expected)))
    assert [d.name for d in found] == [(CARDS | PARTS)[uuid] for uuid in expected]


def test_a_worker_is_given_its_card_whatever_the_order(nvml, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,1")
    assert find_device("gpu").name == "A100"
    assert find_device("gpu:1").variables["CUDA_VISIBLE_DEVICES"] == "GPU-aabb2"
    assert free_on_gpu(0) == 2, "of the card that gpu:0 stands for"
    with pytest.raises(BenchError, match=r"has 2 gpu, numbered from 0 \(CUDA_VISIBLE_DEVICES is '2,1'\)"):
        find_device("gpu:2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(BenchError, match=r"no gpu that its driver knows of \(CUDA_VISIBLE_DEVICES is ''\)"):
        find_device("gpu")


def test_a_driver_that_tells_no_uuid_has_numbers(nvml, monkeypatch):
    def unknown(handle):
        raise NVMLError

    monkeypatch.setattr(nvml, "nvmlDeviceGetUUID", unknown, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert [d.variables["CUDA_VISIBLE_DEVICES"] for d in find_gpus()] == ["2"]


def test_no_driver_or_a_container_that_was_given_none(nvml, monkeypatch):
    monkeypatch.setattr("bench.devices.Path.glob", lambda self, pattern: [])
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "void")
    assert find_gpus() == []
    monkeypatch.setattr("bench.devices.Path.glob", lambda self, pattern: ["/dev/nvidia0"])
    assert len(find_gpus()) == 3, "the variable speaks to the container's runtime, which may give cards in another way"
    monkeypatch.setattr(nvml, "answers", False)
    assert find_gpus() == []


@pytest.mark.parametrize(
    ("chosen", "order", "status", "found"),
    [
        ("1", "PCI_BUS_ID", "ok", "'1' shows 1 of 3 cards"),
        ("1", "", "warn", "'1' shows 1 of 3 cards"),
        ("GPU-c", "", "ok", "'GPU-c' shows 1 of 3 cards"),
        ("", "", "warn", "'' shows 0 of 3 cards"),
    ],
)
def test_the_doctor_says_what_a_choice_hides(nvml, monkeypatch, chosen, order, status, found):
    assert check_choice() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
    (check,) = check_choice()
    assert (check.status, check.found) == (status, found)
    assert bool(check.advice) == (status == "warn")
    monkeypatch.setattr(nvml, "answers", False)
    assert check_choice() == []
