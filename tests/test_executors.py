"""Real worker processes, on predictors that need no backend."""

import importlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench import devices
from bench.datasets.base import datasets
from bench.devices import Device, device_kinds, find_device
from bench.errors import BenchError
from bench.executors.local import Limits, LocalExecutor, make_slots
from bench.jobs import RunEnded, RunStarted, make_jobs
from bench.models.base import models
from bench.plan import expand
from bench.suite import Suite


def suite_of(*models, devices=("cpu",), data_seeds=(1,)):
    cases = [
        {"name": f"t/{i}", "dataset": "test_ramps", "model": {"name": "test_constant"} | m}
        for i, m in enumerate(models)
    ]
    return Suite(name="t", cases=cases, seeds=[1], data_seeds=list(data_seeds), devices=list(devices))


def specs_of(*models, **options):
    suite = suite_of(*models, **options)
    return expand(suite, suite.select())


@pytest.fixture(autouse=True, scope="module")
def plugins_here():
    """Register the plug-ins in this process while these tests run, and no longer."""
    importlib.import_module("tests.plugins")
    yield
    datasets.remove("test_ramps")
    models.remove("test_constant")
    del sys.modules["tests.plugins"]


@pytest.fixture(autouse=True)
def plugins_in_workers(monkeypatch):
    """Workers import the plug-ins because the packages that they search name them."""
    monkeypatch.setenv("BENCH_PLUGINS", "tests.plugins")


def run(specs, slots, tmp_path):
    return list(LocalExecutor(slots, tmp_path / "logs").run(make_jobs(specs)))


def records(events):
    return {e.record.spec.case: e.record for e in events if isinstance(e, RunEnded)}


def test_runs_are_done_and_others_survive_faults(tmp_path):
    specs = specs_of({"value": 1.0}, {"fault": "raise"}, {"fault": "nan"}, {"fault": "kill"}, {"value": 2.0})
    events = run(specs, make_slots(["cpu"], 2, 5), tmp_path)
    found = records(events)
    assert [found[f"t/{i}"].status for i in range(5)] == ["done", "failed", "diverged", "crashed", "done"]
    assert found["t/1"].failure.reason == "RuntimeError: on purpose"
    assert "second line" in found["t/1"].failure.details
    assert "exit code" in found["t/3"].failure.reason
    assert "last words" in found["t/3"].failure.details
    assert found["t/4"].scores_last["valid"]["mse"] > 0
    assert all(e.spec.case in found for e in events if isinstance(e, RunStarted))
    assert len([e for e in events if isinstance(e, RunEnded)]) == 5


def test_what_a_dead_worker_leaves_of_a_job_is_run_by_its_successor(tmp_path):
    """One job of three runs whose middle one kills the worker."""
    good = specs_of({"value": 1.0}, data_seeds=(1, 2, 3))
    deadly = specs_of({"fault": "kill"})[0]
    job = (good[0], replace_case(deadly, good[0]), good[2])
    jobs = [replace(make_jobs([good[0]])[0], specs=job)]
    events = list(LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs").run(jobs))
    assert [e.record.status for e in events if isinstance(e, RunEnded)] == ["done", "crashed", "done"]


def replace_case(spec, like):
    return spec.model_copy(update={"case": like.case})


def test_a_run_that_hangs_is_timed_out_and_the_rest_of_its_job_goes_on(tmp_path):
    """The limit is a run's: three runs of a job may together take longer than it."""
    quick = specs_of({"value": 1.0, "wait_s": 0.7}, data_seeds=(1, 2, 3))
    hanging = replace_case(specs_of({"wait_s": 600.0})[0], quick[0])
    jobs = [replace(make_jobs([quick[0]])[0], specs=(quick[0], hanging, *quick[1:]))]
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(run_s=2.0, crash_retries=3))
    found = [e.record for e in executor.run(jobs) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["done", "timed_out", "done", "done"]
    assert found[1].failure.reason == "the run took longer than its limit of 2 s"


def test_a_crash_is_tried_again_as_often_as_the_limit_says_and_each_attempt_is_a_record(tmp_path):
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(crash_retries=2))
    jobs = make_jobs(specs_of({"fault": "kill"}, {"fault": "raise"}, {"value": 1.0}))
    found = [e.record for e in executor.run(jobs) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["crashed"] * 3 + ["failed", "done"]


def test_a_sweep_on_two_devices_starts_each_worker_for_its_device(tmp_path, monkeypatch):
    """Two fake devices beside the CPU; each worker's environment names its own."""

    def find_fakes():
        return [Device("fake", i, f"Fake Card {i}", {"CUDA_VISIBLE_DEVICES": f"fake-{i}"}) for i in range(2)]

    device_kinds.add("fake", find_fakes)
    try:
        slots = make_slots(["fake:0", "fake:1", "cpu"], 3, 9)
        assert [(s.device_spec, s.device.name, s.core is None) for s in slots[:2]] == [
            ("fake:0", "Fake Card 0", True),
            ("fake:1", "Fake Card 1", True),
        ]
        assert slots[2].device.kind == "cpu"
        on_device = [
            s.model_copy(update={"device": name, "backend": "tensorflow"})
            for name in ("fake:0", "fake:1", "cpu")
            for s in specs_of({"value": 1.0}, {"value": 2.0})
        ]
        found = [e.record for e in run(on_device, slots, tmp_path) if isinstance(e, RunEnded)]
        assert len(found) == 6
        for record in found:
            kind, _, index = record.spec.device.partition(":")
            assert record.environment.device == kind
            if kind == "fake":
                assert record.environment.device_name == f"Fake Card {index}"
        assert len({r.environment.digest for r in found}) == 3
    finally:
        device_kinds.remove("fake")


def test_the_predictors_of_a_sweep_on_a_gpu_get_a_worker_on_the_cpu(tmp_path):
    device_kinds.add("fake", lambda: [Device("fake", 0, "Fake Card", {})])
    try:
        specs = specs_of({"value": 1.0}, devices=("fake",))
        jobs = make_jobs([*specs, specs[0].model_copy(update={"device": "fake", "backend": "tensorflow"})])
        slots = make_slots((job.device for job in jobs), None, len(jobs))
        assert sorted(slot.device.kind for slot in slots) == ["cpu", "fake"]
        found = [e.record for e in LocalExecutor(slots, tmp_path / "logs").run(jobs) if isinstance(e, RunEnded)]
        assert sorted(r.environment.device for r in found) == ["cpu", "fake"]
        with pytest.raises(BenchError, match="no worker for device cpu"):
            list(LocalExecutor([s for s in slots if s.device.kind == "fake"], tmp_path / "logs").run(jobs))
    finally:
        device_kinds.remove("fake")


def test_closing_the_iterator_ends_the_workers(tmp_path):
    before = set(psutil.Process().children(recursive=True))
    events = LocalExecutor(make_slots(["cpu"], 2, 2), tmp_path / "logs").run(
        make_jobs(specs_of({"wait_s": 600.0}, {"wait_s": 600.0}))
    )
    next(events)
    events.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = [p for p in set(psutil.Process().children(recursive=True)) - before if "spawn_main" in _command(p)]
        if not left:
            break
        time.sleep(0.1)
    assert not left


def test_a_worker_leaves_when_its_driver_is_killed(tmp_path):
    script = (
        "from tests.test_executors import *\n"
        "if __name__ == '__main__':\n"
        "    import pathlib, os, psutil\n"
        "    ex = LocalExecutor(make_slots(['cpu'], 1, 1), pathlib.Path(os.environ['LOGS']))\n"
        "    for event in ex.run(make_jobs(specs_of({'wait_s': 600.0}))):\n"
        "        print(*[c.pid for c in psutil.Process().children(recursive=True)], flush=True)\n"
    )
    environment = os.environ | {"LOGS": str(tmp_path), "BENCH_PLUGINS": "tests.plugins"}
    file = tmp_path / "driver.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(Path.cwd())!r})\n" + script)
    with psutil.Popen([sys.executable, str(file)], env=environment, stdout=-1, text=True) as driver:
        pids = [int(pid) for pid in driver.stdout.readline().split()]
        assert pids
        driver.kill()
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


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


def _alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
