"""Real worker processes, on predictors that need no backend."""

import importlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.child_process import LOG_BYTES
from bench.datasets.base import datasets
from bench.devices import Device, device_kinds
from bench.errors import BenchError
from bench.executors.local import LocalExecutor, make_slots
from bench.executors.runner import Limits
from bench.jobs import RunEnded, RunStarted, make_jobs
from bench.models.base import models
from bench.plan import expand
from bench.suite import Suite
from tests.test_smoke import wait_until

PLUGINS = "tests.plugins", "tests.torture.plugins"


def suite_of(*models, devices=("cpu",), data_seeds=(1,)):
    cases = [
        {"name": f"t/{i}", "dataset": "test_ramps", "model": {"name": "test_constant"} | m}
        for i, m in enumerate(models)
    ]
    return Suite(name="t", cases=cases, seeds=list(data_seeds), data_seeds="seeds", devices=list(devices))


def specs_of(*models, **options):
    suite = suite_of(*models, **options)
    return expand(suite, suite.select())


@pytest.fixture(autouse=True, scope="module")
def plugins_here():
    """Register the plug-ins in this process while these tests run, and no longer."""
    known = set(datasets.names()), set(models.names())
    for name in PLUGINS:
        importlib.import_module(name)
    yield
    for registry, names in zip((datasets, models), known, strict=True):
        for name in set(registry.names()) - names:
            registry.remove(name)
    for name in PLUGINS:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def plugins_in_workers(monkeypatch):
    """Workers import the plug-ins because the packages that they search name them."""
    monkeypatch.setenv("BENCH_PLUGINS", ",".join(PLUGINS))


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
    assert found["t/3"].failure.reason == (
        "the worker process was killed by SIGKILL (the system may have run out of memory)"
    )
    assert "last words" in found["t/3"].failure.details
    assert found["t/4"].score("mse") > 0
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
    quick = specs_of({"value": 1.0, "wait_s": 1.7}, data_seeds=(1, 2, 3))
    hanging = replace_case(specs_of({"wait_s": 600.0})[0], quick[0])
    jobs = [replace(make_jobs([quick[0]])[0], specs=(quick[0], hanging, *quick[1:]))]
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(run_s=5.0, crash_retries=3))
    found = [e.record for e in executor.run(jobs) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["done", "timed_out", "done", "done"]
    assert found[1].failure.reason == "the run took longer than its limit of 5 s"


def test_a_crash_is_tried_again_as_often_as_the_limit_says_and_each_attempt_is_a_record(tmp_path):
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(crash_retries=2))
    jobs = make_jobs(specs_of({"fault": "kill"}, {"fault": "raise"}, {"value": 1.0}))
    found = [e.record for e in executor.run(jobs) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["crashed"] * 3 + ["failed", "done"]


def sabotage(fault, **options):
    return {"name": "torture_saboteur", "fault": fault, **options}


def job_of(*specs):
    """One job of runs that would be jobs of their own: as its seeds are for a trained case."""
    return replace(make_jobs(specs[:1])[0], specs=tuple(s.model_copy(update={"case": specs[0].case}) for s in specs))


@pytest.mark.parametrize(
    ("fault", "status", "reason", "details"),
    [
        ("segv", "crashed", "the worker process was killed by SIGSEGV", "Fatal Python error: Segmentation fault"),
        ("vanish", "crashed", "the worker process ended by itself (exit code 0)", "last words"),
        pytest.param(
            "hang_in_c",
            "timed_out",
            "the run took longer than its limit of 8 s",
            "last words",
            marks=pytest.mark.variant,  # another hang is tried below
        ),
    ],
)
def test_a_fault_is_a_record_with_its_reason_and_the_rest_of_its_job_goes_on(tmp_path, fault, status, reason, details):
    good = specs_of({"value": 1.0}, {"value": 2.0})
    (bad,) = specs_of(sabotage(fault))
    slots = make_slots(["cpu"], 1, 1)
    executor = LocalExecutor(slots, tmp_path / "logs", Limits(run_s=8.0))
    found = [e.record for e in executor.run([job_of(good[0], bad, good[1])]) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["done", status, "done"]
    assert found[1].failure.reason.startswith(reason)
    assert details in found[1].failure.details
    assert [r.provenance.core for r in found] == [slots[0].core] * 3


def test_what_a_run_raises_is_a_record_with_its_reason_and_its_worker_goes_on(tmp_path):
    specs = specs_of(sabotage("memory"), sabotage("exit"), {"value": 1.0})
    found = [e.record for e in run_job(specs, tmp_path) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["failed", "failed", "done"]
    assert found[0].failure.reason.startswith("MemoryError: Unable to allocate 8.00 GiB for an array")
    assert found[1].failure.reason.startswith("SystemExit: 0")
    assert "run_out_of_memory" in found[0].failure.details
    assert "exit_cleanly" in found[1].failure.details


def run_job(specs, tmp_path):
    return list(LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs").run([job_of(*specs)]))


def test_a_flood_of_output_is_cut_and_its_end_is_kept(tmp_path):
    specs = specs_of(sabotage("flood", megabytes=64), sabotage("flood_and_die", megabytes=64), {"value": 1.0})
    found = records(run(specs, make_slots(["cpu"], 1, 1), tmp_path))
    assert [found[f"t/{i}"].status for i in range(3)] == ["done", "crashed", "done"]
    assert found["t/1"].failure.details.endswith("the end of the flood\n")
    assert len(found["t/1"].failure.details) <= 2000
    assert (tmp_path / "logs" / "worker-0.log").stat().st_size <= LOG_BYTES


def test_a_record_tells_of_its_own_run_and_not_of_the_one_before(tmp_path):
    talkative, silent = specs_of(sabotage("raise"), {"fault": "kill"})
    found = [e.record for e in LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path).run([job_of(talkative, silent)])
             if isinstance(e, RunEnded)]  # fmt: skip
    assert found[1].failure.details == "last words\n"


def test_a_replacement_is_pinned_to_the_same_core_and_the_successor_finishes_the_job(tmp_path):
    """The saboteur kills its first worker only: the second attempt of the same run is done, on the same core."""
    slot = make_slots(["cpu"], None, 9)[-1]
    once = sabotage("kill", once=str(tmp_path / "was here"))
    executor = LocalExecutor([slot], tmp_path / "logs", Limits(crash_retries=1))
    job = job_of(*specs_of(once, {"value": 1.0}, {"value": 2.0}))
    events, cores, pids = [], [], []
    for event in executor.run([job]):
        events.append(event)
        if isinstance(event, RunStarted):
            (worker,) = [p for p in psutil.Process().children() if "spawn_main" in _command(p)]
            pids.append(worker.pid)
            with_affinity = wait_until(lambda worker=worker: _cores(worker) == [slot.core], 120)
            cores.append(with_affinity or not _alive(worker.pid))
    ended = [e.record for e in events if isinstance(e, RunEnded)]
    assert [(r.status, r.spec.model.name) for r in ended] == [
        ("crashed", "torture_saboteur"),
        ("done", "test_constant"),
        ("done", "test_constant"),
        ("done", "torture_saboteur"),
    ]
    assert all(cores)
    assert {r.provenance.core for r in ended} == {slot.core}


def test_workers_that_die_between_two_runs_cost_none(tmp_path, monkeypatch):
    """Nobody is to blame, however often: no run is recorded as crashed, and the next worker goes on with the job."""
    monkeypatch.setenv("BENCH_FAULT", "worker.sent:kill:2")
    values = [float(n) for n in range(9)]
    jobs = [job_of(*specs_of(*({"value": value} for value in values)))]
    events = list(LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs").run(jobs))
    found = [e.record for e in events if isinstance(e, RunEnded)]
    assert [(r.status, r.spec.model.all_params["value"]) for r in found] == [("done", value) for value in values]


def test_a_worker_that_dies_after_a_run_and_before_its_record_has_crashed(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_FAULT", "worker.ran:kill:2")
    jobs = [job_of(*specs_of({"value": 1.0}, {"value": 2.0}, {"value": 3.0}))]
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(crash_retries=2))
    found = [e.record for e in executor.run(jobs) if isinstance(e, RunEnded)]
    assert [r.status for r in found] == ["done", "crashed", "done", "crashed", "done"]


@pytest.mark.variant
def test_a_time_limit_shorter_than_a_worker_takes_to_start_is_a_run_s_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(6)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # its interpreter alone takes longer
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(run_s=5.0))
    found = [e.record for e in executor.run(make_jobs(specs_of({"value": 1.0}, {"value": 2.0})))
             if isinstance(e, RunEnded)]  # fmt: skip
    assert [r.status for r in found] == ["done", "done"]


def test_workers_that_never_start_are_given_up_with_a_record(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no interpreter starts with that
    found = [e.record for e in LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs").run(
        make_jobs(specs_of({"value": 1.0}))) if isinstance(e, RunEnded)]  # fmt: skip
    assert [r.status for r in found] == ["crashed"]
    assert "exit code 1" in found[0].failure.reason


def test_asked_to_stop_the_executor_yields_what_has_ended_and_ends_its_workers(tmp_path):
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs")
    seen = []
    for event in executor.run(make_jobs(specs_of({"value": 1.0}, {"wait_s": 600.0}, {"value": 2.0}))):
        seen.append(event)
        if isinstance(event, RunStarted) and event.spec.case == "t/1":
            executor.stop()
    assert [e.record.spec.case for e in seen if isinstance(e, RunEnded)] == ["t/0"]
    assert not [p for p in psutil.Process().children() if "spawn_main" in _command(p)]


def test_two_workers_and_one_give_the_same_records(tmp_path):
    specs = specs_of({"value": 1.0}, {"value": 2.0}, {"fault": "nan"}, {"fault": "raise"}, data_seeds=range(5))

    def numbers(count):
        ended = run(specs, make_slots(["cpu"], count, 99), tmp_path / str(count))
        records = [e.record for e in ended if isinstance(e, RunEnded)]
        return {r.run_id: r.model_dump(exclude={"timing", "provenance"}) for r in records}

    one = numbers(1)
    assert len(one) == 20
    assert numbers(2) == one


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
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        left = [p for p in set(psutil.Process().children(recursive=True)) - before if "spawn_main" in _command(p)]
        if not left:
            break
        time.sleep(0.1)
    assert not left


@pytest.mark.parametrize("fault", ["hang", "hang_in_c"])
def test_a_worker_leaves_when_its_driver_is_killed(tmp_path, fault):
    """Also from C code that holds the interpreter's lock, where no thread of the worker can run."""
    script = (
        "from tests.test_executors import *\n"
        "if __name__ == '__main__':\n"
        "    for name in PLUGINS:\n"
        "        importlib.import_module(name)\n"
        "    import pathlib, os, psutil\n"
        "    ex = LocalExecutor(make_slots(['cpu'], 1, 1), pathlib.Path(os.environ['LOGS']))\n"
        f"    for event in ex.run(make_jobs(specs_of(sabotage({fault!r})))):\n"
        "        print(*[c.pid for c in psutil.Process().children(recursive=True)], flush=True)\n"
    )
    environment = os.environ | {"LOGS": str(tmp_path)}
    file = tmp_path / "driver.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(Path.cwd())!r})\n" + script)
    with psutil.Popen([sys.executable, str(file)], env=environment, stdout=-1, text=True) as driver:
        pids = [int(pid) for pid in driver.stdout.readline().split()]
        assert pids
        assert wait_until(lambda: "last words" in (tmp_path / "worker-0.log").read_text(), 120)
        driver.kill()
    assert wait_until(lambda: not any(_alive(pid) for pid in pids), 120)


def _alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _cores(process):
    try:
        return process.cpu_affinity()
    except psutil.Error:
        return []


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
