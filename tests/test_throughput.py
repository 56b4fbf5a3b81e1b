"""The throughput benchmark with real processes: mostly predictors, which need no backend, and one network."""

import importlib
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from filelock import FileLock

from bench.cases.base import Case, make_dataset, make_model
from bench.datasets.base import datasets
from bench.devices import Device, find_device
from bench.errors import BenchError
from bench.interrupt import CHILDREN
from bench.lock import LOCK, hold
from bench.measurement import Round, measure_spec
from bench.models.base import models
from bench.process import Slot
from bench.recipe import Recipe
from bench.store import Store
from bench.throughput.benchmark import (
    CaseMeasured,
    CasePrepared,
    PassEnded,
    Terms,
    ThroughputResult,
    _batches,
    _Benchmark,
    _groups,
    estimate_s,
    machine_folder,
    passes,
    run_throughput,
)
from bench.throughput.timed_cases import TimedCase
from bench.timing import LATENCY_CALLS, WARM_UP_ROUNDS, Gone
from tests.fakes import fake_spec

FEW = 3


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


@pytest.fixture
def few_rounds(monkeypatch):
    """A few rounds are taken, and only the first that counts is contended, whatever this machine does."""
    monkeypatch.setattr("bench.timing.ROUNDS", FEW)
    monkeypatch.setattr(
        "bench.throughput.benchmark.shared_core", lambda taken: getattr(taken, "number", 0) == WARM_UP_ROUNDS
    )


def predictor(name, dataset="test_ramps", **params):
    model = params.pop("model", "test_constant")
    case = Case(make_dataset(dataset, {}), make_model(model, params), name=name)
    return measure_spec(fake_spec(case))


def network(name):
    data = make_dataset("waves_next_step", {"n_series": 200})
    return measure_spec(fake_spec(Case(data, make_model("linear", {}), Recipe(epochs=1), name=name)))


def slots(count=2):
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]
    return [Slot("cpu", find_device("cpu"), cores[i % len(cores)]) for i in range(count)]


class Sink:
    def __init__(self):
        self.taken = []

    def send(self, measurement):
        self.taken.append(measurement)


def measure(specs, tmp_path, **options):
    sink, events = Sink(), []
    store = Store(tmp_path)
    terms = Terms(5, store, sink, tmp_path / "logs", **{"on_event": events.append} | options)
    result = run_throughput(specs, slots(), terms, tmp_path / "lock")
    assert sorted(store.read_measurements(), key=lambda m: m.key) == sorted(sink.taken, key=lambda m: m.key)
    assert sink.taken == result.measurements
    return {m.spec.case: m for m in result.measurements}, events, result


def test_cases_that_die_or_raise_leave_a_failed_measurement_and_the_others_go_on(tmp_path, few_rounds):
    faults = {"t/dies": "kill", "t/raises": "raise", "t/good": "", "t/better": ""}
    specs = [predictor(name, fault=fault, value=float(i)) for i, (name, fault) in enumerate(faults.items())]
    found, events, result = measure(specs, tmp_path)
    assert {name: m.status for name, m in found.items()} == {
        "t/dies": "failed", "t/raises": "failed", "t/good": "done", "t/better": "done",
    }  # fmt: skip
    assert "killed by SIGKILL" in found["t/dies"].failure.reason
    assert "last words" in found["t/dies"].failure.details
    assert found["t/raises"].failure.reason == "RuntimeError: on purpose"
    assert {m.spec.case for m in result.failed} == {"t/dies", "t/raises"}
    assert sum(isinstance(e, CasePrepared) for e in events) == sum(isinstance(e, CaseMeasured) for e in events) == 4
    good = found["t/good"]
    assert (good.data_seed, good.task.name, good.parameters, good.compile_s) == (5, "ramp", None, None)
    assert len(good.latency_s) == LATENCY_CALLS
    assert good.environment == slots()[0].device.environment("numpy")
    assert not CHILDREN

    contended = [r for r in good.rounds if r.contended]
    assert [r.number for r in contended] == [WARM_UP_ROUNDS], "kept raw"
    assert len(good.speeds("infer")) == FEW, "and repeated"
    assert contended[0].windows / contended[0].wall_s not in good.speeds("infer")
    assert {e.cases for e in events if isinstance(e, PassEnded)} == {("t/good", "t/better")}


def test_a_case_whose_data_are_bad_is_a_failed_measurement_with_the_line(tmp_path, few_rounds):
    empty = Case(make_dataset("test_ramps", {"windows": 0}), make_model("test_constant", {}), name="t/empty")
    found, _, _ = measure([measure_spec(fake_spec(empty)), predictor("t/good")], tmp_path)
    assert {name: m.status for name, m in found.items()} == {"t/empty": "failed", "t/good": "done"}
    line = "dataset 'test_ramps' (windows = 0): train has no windows; give it one or more"
    assert (found["t/empty"].failure.reason, found["t/empty"].failure.details) == (line, "")


def test_stopping_ends_all_processes_and_keeps_what_is_measured(tmp_path, few_rounds):
    events = []
    specs = [predictor("t/first"), predictor("u/hangs", dataset="test_ramps", wait_s=600.0)]
    _, _, result = measure(specs, tmp_path, on_event=events.append, stop=lambda: bool(events))
    assert result.interrupted
    assert result.measurements == []
    assert [e.spec.case for e in events] == ["t/first"]
    assert not CHILDREN


def test_ctrl_c_ends_all_processes(tmp_path, few_rounds):
    def interrupt(event):
        if isinstance(event, PassEnded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure([predictor("t/a")], tmp_path, on_event=interrupt)
    assert not CHILDREN
    with hold(tmp_path / "lock"):
        pass  # the machine is free again


def test_a_process_that_dies_between_rounds_is_gone_with_its_reason(tmp_path):
    case = TimedCase(predictor("t/a"), slots()[0], 5, tmp_path / "log", lambda: False)
    try:
        assert case.process.poll(60)
        case.receive_facts()
        assert case.facts is not None
        assert case.round("infer", 0, True).windows >= 32
        os.kill(case.process.pid, signal.SIGKILL)
        with pytest.raises(Gone):
            case.round("infer", 1, True)
        assert "killed by SIGKILL" in case.failure.reason
        with pytest.raises(Gone):
            case.latencies(1)
    finally:
        case.process.kill()


@pytest.mark.slow
def test_a_network_is_measured_with_all_that_the_record_has_room_for(tmp_path, few_rounds):
    found, _, _ = measure([network("t/linear"), predictor("t/constant")], tmp_path)
    assert {m.status for m in found.values()} == {"done"}
    made = found["t/linear"]
    for kind in ("train", "infer"):
        assert len(made.speeds(kind)) == FEW
        assert made.windows_per_s(kind) > 0
        ours = [r for r in made.rounds if r.kind == kind]
        assert [r.number for r in ours] == list(range(len(ours)))
        assert [r.warm_up for r in ours] == [n < WARM_UP_ROUNDS for n in range(len(ours))]
        assert len({r.windows for r in ours}) == 1, "equal work"
        assert all(r.cpu_s > 0 for r in ours)
    assert all(r.windows % 32 == 0 for r in made.rounds)
    assert {(r.compilations, r.evaluations) for r in made.rounds} == {(0, 0)}
    assert len(made.latency_s) == LATENCY_CALLS
    assert min(made.latency_s) > 0
    assert (made.parameters, made.model_bytes) == (51, 204)
    assert made.build_s > 0
    assert made.compile_s > 0
    assert made.peak_memory_bytes > made.base_memory_bytes > 10**8
    assert made.environment == slots()[0].device.environment("tensorflow")
    assert {r.kind for r in found["t/constant"].rounds} == {"infer"}


def test_each_pass_has_a_process_of_each_case_that_still_lacks_one():
    a, b, c = (predictor(f"t/{name}", value=value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    assert passes([a, a, a, b, c, c]) == [[a, b, c], [a, c], [a]]
    assert passes([]) == []


def test_processes_of_a_case_are_measured_in_turn_and_what_failed_is_tried_no_more(tmp_path, few_rounds):
    good, bad, better = (
        predictor(f"t/{name}", fault=fault, value=value)
        for name, fault, value in (("good", "", 1.0), ("bad", "raise", 2.0), ("better", "", 3.0))
    )
    _, events, result = measure([good, good, bad, bad, better, better], tmp_path)
    made = [(m.spec.case, m.attempt, m.status) for m in result.measurements]
    assert sorted(made[:3]) == [("t/bad", 1, "failed"), ("t/better", 1, "done"), ("t/good", 1, "done")]
    assert sorted(made[3:]) == [("t/better", 2, "done"), ("t/good", 2, "done")]
    counts = [(e.number, e.total) for e in events if isinstance(e, CaseMeasured)]
    assert (counts[0], counts[-1]) == ((1, 6), (5, 5))


def test_a_device_without_a_slot_is_named(tmp_path):
    spec = predictor("t/a").model_copy(update={"device": "gpu"})
    with pytest.raises(BenchError, match="no worker for device gpu"):
        measure([spec], tmp_path)


def test_the_machine_is_held_by_one_benchmark_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = machine_folder()
    assert folder.parent == tmp_path
    assert machine_folder() == folder
    with hold(folder), pytest.raises(BenchError, match="held by"), hold(machine_folder()):
        raise AssertionError


def test_cases_of_one_data_set_are_taken_in_turn_as_far_as_memory_goes(monkeypatch):
    ramps = [predictor(f"t/{i}", value=float(i)) for i in range(5)]
    waves = [measure_spec(fake_spec(Case(make_dataset("waves_next_step", {}), make_model("naive", {}), name="w")))]
    groups = _groups([*ramps[:2], *waves, *ramps[2:]])
    assert sorted(map(len, groups)) == [1, 5]
    for room, sizes in ((6, [[5, 1]]), (5, [[5], [1]]), (2, [[2], [2], [1, 1]])):
        monkeypatch.setattr("bench.throughput.benchmark._room", lambda slot, room=room: room)
        assert [[len(g) for g in batch] for batch in _batches(groups, slots())] == sizes
    assert 0 < estimate_s(ramps, 2) < estimate_s([network("t/n")] * 5, 2)


def test_a_benchmark_that_waits_for_the_machine_can_be_stopped(tmp_path):
    told = []
    (tmp_path / "lock").mkdir()
    lock = FileLock(tmp_path / "lock" / LOCK)
    with ThreadPoolExecutor(1) as other:
        other.submit(lock.acquire).result()
        _, events, result = measure([predictor("t/a")], tmp_path, on_wait=told.append, stop=lambda: bool(told))
        other.submit(lock.release).result()
    assert result.interrupted
    assert (events, result.measurements) == ([], [])


def test_processes_that_wait_for_their_turn_on_a_gpu_are_ours(tmp_path, few_rounds, monkeypatch):
    ours = []

    def contended(benchmark, slot, children):
        ours.append(len(children))
        return lambda taken: False

    monkeypatch.setattr(_Benchmark, "_contended", contended)
    measure([predictor("t/a"), predictor("t/b", dataset="waves_next_step", model="naive")], tmp_path)
    assert ours == [2, 2]


def test_a_gpu_round_is_contended_where_nvml_shows_more_processes_than_ours(tmp_path, monkeypatch):
    gpu = Slot("gpu", Device("gpu", 1, "Fake Card", {}), None)
    benchmark = _Benchmark([gpu], Terms(5, Store(tmp_path), Sink(), tmp_path), ThroughputResult(1))

    class Alive:
        process = SimpleNamespace(alive=True)

    taken = Round(kind="train", number=0, warm_up=False, windows=32, wall_s=1.0, cpu_s=None, contended=False)
    contended = benchmark._contended(gpu, [Alive(), Alive()])
    seen = []
    for shown, expected in ((2, False), (3, True), (0, False)):
        monkeypatch.setattr(
            "bench.throughput.benchmark.processes_on_gpu", lambda index, n=shown: seen.append(index) or n
        )
        assert contended(taken) is expected
    assert seen == [1, 1, 1]
