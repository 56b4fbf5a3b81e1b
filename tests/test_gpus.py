"""Which cards may be used, with a fake NVML: as CUDA reads what a scheduler says."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench import nvml as nvml_module
from bench.cli import call
from bench.devices import Device, find_device, find_devices, find_gpus
from bench.doctor.machine import check_choice, check_devices
from bench.energy import meter
from bench.environment import provenance
from bench.errors import BenchError
from bench.executors.local import make_slots
from bench.plan import expand
from bench.preflight import visible_gpus
from bench.process import Slot
from bench.provenance import Gpu
from bench.record import RunRecord
from bench.suite import Suite
from bench.throughput.contention import free_on_gpu
from bench.worker import Trial

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
        return SimpleNamespace(free=list(CARDS | PARTS).index(handle), total=80 * 2**30, used=2**30)

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return b"580.95.05"

    def nvmlDeviceGetUtilizationRates(self, handle):  # noqa: N802
        if handle in PARTS:
            raise NVMLError
        return SimpleNamespace(gpu=97, memory=40)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if handle in PARTS:
            raise NVMLError
        return 1500

    NVML_CLOCK_SM, NVML_CLOCK_MEM = "sm", "memory"

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        return {"sm": 1980, "memory": 2619}[kind]


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


def test_what_nvml_says_of_a_card_stands_in_the_records_of_its_runs(nvml, engine_plugins):
    first, _, third = find_gpus()
    expected = Gpu(
        name="H100",
        driver="580.95.05",
        memory_bytes=80 * 2**30,
        memory_used_bytes=2**30,
        utilisation_percent=97,
        core_clock_mhz=1980,
        memory_clock_mhz=2619,
    )
    assert first.facts() == expected
    record = Trial(a_run(), Slot("gpu", first, None, "test_zeros")).record()
    assert record.provenance.gpu == expected
    assert RunRecord.model_validate_json(record.model_dump_json()) == record
    assert third.facts() == expected.model_copy(update={"name": "A100"})
    assert "gpu:0 H100, driver 580.95.05, 80 GiB, 97 % busy" in check_devices()[1].found
    part = Device("gpu", 0, "A100 MIG 1g", {"CUDA_VISIBLE_DEVICES": "MIG-1111"})
    assert part.facts() == expected.model_copy(update={"name": "A100 MIG 1g", "utilisation_percent": None})


def a_run():
    case = {"name": "t/zeros", "dataset": {"name": "test_ramps"}, "model": {"name": "test_noted_linear"}}
    suite = Suite(name="t", cases=[case], seeds=[1], devices=["gpu"], backends=["test_zeros"])
    (spec,) = expand(suite, suite.select())
    return spec


def test_a_run_elsewhere_says_nothing_of_a_card(nvml, monkeypatch):
    assert find_device("cpu").facts() is None
    assert "gpu" not in json.loads(provenance("then", "now", 3).model_dump_json())
    assert Device("gpu", 0, "Card", {}).facts() is None
    card = find_gpus()[0]
    monkeypatch.setattr(nvml, "answers", False)
    assert card.facts() is None


def test_a_card_without_a_name_is_found_by_its_number(nvml):
    assert nvml_module.facts("1") == nvml_module.facts("GPU-aabb2")


def test_all_is_every_card_where_they_are_alike(nvml, monkeypatch):
    with pytest.raises(BenchError, match=r"device 'all': the GPUs here differ \(A100, H100\).*gpu:0 to gpu:2"):
        find_devices("all")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert [device.index for device in find_devices("all")] == [0, 1]
    assert find_device("all") == find_device("gpu")
    slots = make_slots(["all", "cpu"], 1, 99)
    assert [(slot.device_spec, slot.device.kind, slot.device.index) for slot in slots] == [
        ("gpu", "gpu", 0),
        ("gpu", "gpu", 1),
        ("cpu", "cpu", 0),
    ]
    assert len(make_slots(["all"], None, 1)) == 1, "the second would have nothing to do"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(BenchError, match="device 'all': this machine has no gpu that its driver knows of"):
        find_devices("all")


def test_runs_on_all_are_runs_on_a_gpu():
    suite = Suite(name="t", cases=["chapter15/linear"], seeds=[1, 2], devices=["cpu", "all"])
    alone = suite.model_copy(update={"devices": ["cpu", "gpu"]})
    assert expand(suite, suite.select()) == expand(alone, alone.select())
    with pytest.raises(ValueError, match="all is every GPU; beside it stands cpu at most"):
        Suite(name="t", cases=["chapter15/linear"], seeds=[1], devices=["all", "gpu:1"])


def test_a_backend_that_sees_no_gpu_is_one_line_before_anything_runs(nvml, engine_plugins, tmp_path, capsys):
    suite = tmp_path / "t.toml"
    suite.write_text(
        'name = "t"\nseeds = [1]\ndevices = ["gpu"]\nbackends = ["test_zeros"]\n[[cases]]\nname = "t/zeros"\n'
        'dataset = { name = "test_ramps" }\nmodel = { name = "test_noted_linear" }\n'
    )
    folders = ["--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports")]
    assert call(["run", str(suite), "--no-track", *folders]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "bench: backend test_zeros sees no GPU in this environment, which may lack CUDA"
    assert not (tmp_path / "results" / "records").exists() or not list((tmp_path / "results" / "records").iterdir())
    assert call(["run", str(suite), "--device", "gpu:7", "--no-track", *folders]) == 2
    assert "device 'gpu:7': this machine has 3 gpu, numbered from 0" in capsys.readouterr().err


def test_a_cards_energy_is_its_own_counter_and_a_part_of_one_tells_none(nvml):
    assert [meter(d)() for d in find_gpus()] == [1.5] * 3
    part = replace(find_gpus()[0], variables={"CUDA_VISIBLE_DEVICES": "MIG-1111"})
    assert meter(part)() is None
