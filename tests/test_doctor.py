"""What the doctor says of a machine, and how it judges a training that is done again."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from bench.cli import call
from bench.devices import Device, device_kinds, find_device, usable_cores
from bench.doctor import determinism, machine
from bench.doctor.determinism import Probe, examine, train_probes
from bench.doctor.machine import Backend, Check
from bench.doctor.repetition import Trained, held_against, judge, relative_difference
from bench.engines.base import Engine, engines
from bench.errors import BenchError
from bench.lock import hold
from bench.pasting import installing
from bench.process import Slot
from bench.store import Store
from tests.fakes import fake_record

TINY = Probe("tiny", "simple_rnn", {"units": [2]}, n_series=100)


def arrays(*values, dtype=np.float32):
    return [np.array(v, dtype=dtype) for v in values]


def seen(name):
    return Backend(gpus=0)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for seed in (42, 43):
        store.write(fake_record("fake/rnn", seed))
    return store


@pytest.mark.parametrize(
    ("again", "kind", "difference"),
    [
        (arrays([1, 2], [0.5]), "bit-equal", 0.0),
        (arrays([1, 2 + 1e-6], [0.5]), "within 1e-6", np.float32(2 + 1e-6) / 2 - 1),
        (arrays([1, 2.2], [0.5]), "different", 0.2 / 2.2),
        (arrays([1, 2], [0.5, 0.5]), "different", np.inf),
        (arrays([1, 2]), "different", np.inf),
        (arrays([1, np.nan], [0.5]), "different", np.inf),
        (arrays([1, 2], [0.5], dtype=np.float64), "within 1e-6", 0.0),
    ],
)
def test_two_trainings_are_judged_by_their_bits_then_by_their_numbers(again, kind, difference):
    found = judge(arrays([1, 2], [0.5]), again)
    assert found[0] == kind
    assert found[1] == pytest.approx(difference, rel=1e-5)


def test_a_difference_is_relative_to_the_largest_number_of_its_array():
    assert relative_difference(arrays([100, 1e-9]), arrays([100, 2e-9])) == pytest.approx(1e-11)
    assert relative_difference(arrays([0, 0]), arrays([0, -0.0])) == 0
    assert judge(arrays([0.0]), arrays([-0.0]))[0] == "within 1e-6"
    same_nan = arrays([np.nan, 1])
    assert judge(same_nan, arrays([np.nan, 1]))[0] == "bit-equal"


def test_the_worst_network_is_what_counts_and_is_named():
    first = {name: Trained(arrays([1.0]), 0.1) for name in ("a", "b", "c")}
    again = {**first, "b": Trained(arrays([1.5]), 0.1), "c": Trained(arrays([1 + 5e-7]), 0.1)}
    found = held_against("again", first, again)
    assert found.kind == "different"
    assert found.difference == pytest.approx(1 / 3)
    assert found.networks == ("b", "c")
    assert held_against("again", first, first).kind == "bit-equal"
    assert held_against("again", first, {**first, "c": again["c"]}).kind == "within 1e-6"


def fake_processes(monkeypatch, outcomes):
    """Have each place of a process give a value that depends on where and how it trains."""
    asked = []

    def train(log, places, *, at_once):
        asked.extend((p.slot.core, p.twice, dict(p.slot.extra), at_once) for p in places)
        made = []
        for place in places:
            value, seconds = outcomes(place)
            trained = (
                value if isinstance(value, str) else {p.label: Trained(arrays([value]), seconds) for p in place.probes}
            )
            made.append((trained, trained if place.twice or isinstance(value, str) else {}))
        return made

    monkeypatch.setattr(determinism, "_train_in_processes", train)
    return asked


def test_the_other_core_is_told_from_a_fresh_process(monkeypatch):
    """Core 5 gives other bits than core 3: that is no fault of a fresh process."""
    monkeypatch.setattr(determinism, "usable_cores", lambda: [3, 5, 7])
    asked = fake_processes(
        monkeypatch, lambda place: (1.0 if place.slot.core == 3 else 1.5, 3.0 if place.slot.extra else 2.0)
    )
    found = examine("tensorflow", "cpu", find_device("cpu"), [TINY])
    assert {r.how: r.kind for r in found.repetitions} == {
        "again in one process": "bit-equal",
        "in a fresh process": "bit-equal",
        "on another core": "different",
        "deterministic mode": "bit-equal",
    }
    assert found.cost == {"tiny": 1.5}
    mode = dict(engines.get("tensorflow").deterministic)
    assert mode
    assert asked == [(3, True, {}, True), (5, False, {}, True), (5, False, {}, True), (3, False, mode, True)]


def test_one_core_or_a_gpu_has_no_other_core_and_one_process_at_a_time(monkeypatch):
    monkeypatch.setattr(determinism, "usable_cores", lambda: [3])
    asked = fake_processes(monkeypatch, lambda place: (1.0, 1.0))
    gpu = Device("gpu", 0, "NVIDIA H100", {})
    for device in (find_device("cpu"), gpu):
        found = examine("tensorflow", "x", device, [TINY])
        assert [r.how for r in found.repetitions] == [
            "again in one process",
            "in a fresh process",
            "deterministic mode",
        ]
    assert [core for core, *_ in asked] == [3, 3, 3, None, None, None]
    assert not any(at_once for *_, at_once in asked)


def test_a_backend_without_a_deterministic_mode_or_that_fails_says_so(monkeypatch, request):
    monkeypatch.setattr(determinism, "usable_cores", lambda: [3, 5])
    fake_processes(monkeypatch, lambda place: ("its process died" if place.slot.core == 5 else 1.0, 1.0))
    engines.add("another", Engine())
    request.addfinalizer(lambda: engines.remove("another"))
    found = {r.how: r for r in examine("another", "cpu", find_device("cpu"), [TINY]).repetitions}
    assert found["again in one process"].kind == "bit-equal"
    assert (found["on another core"].kind, found["on another core"].reason) == ("not run", "its process died")
    assert found["deterministic mode"].reason == "none is known for this backend"


def test_a_gpu_that_the_backend_does_not_see_is_an_error():
    with pytest.raises(BenchError, match="tensorflow sees no GPU in this environment"):
        train_probes("tensorflow", "gpu", [TINY], False)


@pytest.mark.variant
def test_a_tiny_network_is_trained_and_again_to_the_same_bits():
    once, again = train_probes("tensorflow", "cpu", [TINY], True)
    assert judge(once["tiny"].arrays, again["tiny"].arrays) == ("bit-equal", 0.0)
    assert len(once["tiny"].arrays) > 2
    assert once["tiny"].epoch_s > 0


@pytest.mark.slow
@pytest.mark.variant
def test_a_tiny_network_repeats_its_bits_in_processes_of_its_own():
    found = examine("tensorflow", "cpu", find_device("cpu"), [TINY])
    ways = {r.how: (r.kind, r.reason) for r in found.repetitions}
    assert ways.pop("again in one process") == ("bit-equal", "")
    assert ways.pop("in a fresh process") == ("bit-equal", "")
    assert ways.pop("deterministic mode")[0] != "not run"
    assert ("on another core" in ways) == (len(usable_cores()) > 1)
    assert found.cost["tiny"] > 0


def child(backend, kind, probes, twice):
    """Stand in for a training, in the new process."""
    if os.environ.get("A_MODE") == "die":
        os._exit(7)
    if os.environ.get("A_MODE") == "raise":
        raise ValueError("no such op\nmore")
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return {backend: Trained(arrays([core]), float(os.environ["A_MODE"]))}, {}


def place_with(mode, core=None):
    return determinism._Place(Slot("cpu", find_device("cpu"), core, "tensorflow", {"A_MODE": mode}), [TINY])


@pytest.mark.parametrize("at_once", [True, False])
def test_each_place_is_a_process_with_its_core_and_its_variables(at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(determinism, "train_probes", child)
    cores = usable_cores()[:2]
    places = [place_with(str(i), core) for i, core in enumerate(cores)]
    outcomes = determinism._train_in_processes(tmp_path / "log", places, at_once=at_once)
    assert [once["tensorflow"].epoch_s for once, _ in outcomes] == list(range(len(cores)))
    assert [once["tensorflow"].arrays[0].item() for once, _ in outcomes] == cores


def test_a_process_that_dies_or_raises_gives_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(determinism, "train_probes", child)
    places = [place_with("die"), place_with("raise")]
    died, raised = "the worker process ended by itself (exit code 7)", "ValueError: no such op"
    outcomes = determinism._train_in_processes(tmp_path / "log", places, at_once=True)
    assert outcomes == [(died, died), (raised, raised)]


def test_the_screen_of_a_good_machine(store, capsys, monkeypatch):
    monkeypatch.setattr(machine, "import_backend", seen)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:secret@example.org/path?token=hidden")
    assert call(["doctor", "--results", str(store.results)]) == 0
    printed = capsys.readouterr().out
    assert "2 good" in printed
    assert "https://example.org/path" in printed
    assert "secret" not in printed
    assert "hidden" not in printed
    assert call(["doctor", "--json", "--results", str(store.results)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {c["name"] for c in found["checks"]} >= {
        "Python", "packages", "cases", "cpu", "gpu", "backend tensorflow", "results", "lock", "records", "MLflow",
    }  # fmt: skip


def test_bad_records_are_named_and_stop_nothing(store, capsys, monkeypatch):
    monkeypatch.setattr(machine, "import_backend", seen)
    first, second = sorted(store.folder.glob("*.json"))
    first.write_text(first.read_text()[:100])
    second.rename(second.with_name("misnamed.json"))
    store.measurements.mkdir()
    (store.measurements / "m-a-1.json").write_text("[]")
    (store.measurements / "n-a-1.json").write_text("[" * 10**5)
    assert call(["doctor", "--json", "--results", str(store.results)]) == 1
    (check,) = [c for c in json.loads(capsys.readouterr().out)["checks"] if c["name"] == "records"]
    assert check["status"] == "fail"
    assert check["found"] == f"0 good, 4 bad: {first.name}, misnamed.json, m-a-1.json, n-a-1.json"


@pytest.mark.parametrize(
    ("version", "status"), [((3, 11, 7), "ok"), ((3, 13, 0), "ok"), ((3, 10, 1), "fail"), ((3, 14, 0), "fail")]
)
def test_python_is_held_to_the_supported_versions(version, status):
    assert machine.check_python(version).status == status


def test_packages_that_lack_or_do_not_fit_are_named():
    versions = {"numpy": "2.1", "keras": "2.9"}
    required = ["numpy>=2.0", "keras<4,>=3.15", "mlflow>=3", "pytest; extra == 'dev'"]
    found = machine.check_packages(required, lambda name: versions.get(name, ""))
    assert found.status == "fail"
    assert found.found == (
        "1 of 3 required packages fit; not mlflow (none, needs >=3), keras 2.9 (needs <4,>=3.15)"
    )  # fmt: skip
    assert machine.check_packages(["numpy>=2.0"], lambda name: "2.1").status == "ok"
    assert len(machine.requires_of(machine.PACKAGE)) > 10
    assert machine.requires_of("no-such-package-is-installed") == []


def test_a_backend_that_cannot_be_imported_or_sees_no_gpu(monkeypatch):
    def row(try_backend):
        return {c.name: c for c in machine.check_backends(try_backend)}["backend tensorflow"]

    broken = row(lambda name: Backend(fault="ImportError: no"))
    assert (broken.status, "ImportError: no" in broken.found) == ("fail", True)
    gpus = lambda: [Device("gpu", 0, "NVIDIA H100", {})]  # noqa: E731
    monkeypatch.setitem(device_kinds._entries, "gpu", gpus)
    blind = row(seen)
    assert (blind.status, blind.advice) == ("warn", f"for the GPU: {installing('tensorflow-gpu')}")
    assert row(lambda name: Backend(gpus=1)).status == "ok"
    assert "gpu:0 NVIDIA H100" in [c.found for c in machine.check_devices()]


@pytest.mark.slow
def test_a_backend_is_imported_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert machine.import_backend("tensorflow") == Backend(gpus=0)


def test_each_engine_has_a_row_and_one_that_cannot_be_imported_says_why(monkeypatch, engine_plugins):
    monkeypatch.setattr(machine, "import_backend", lambda name, real=machine.import_backend: (
        seen(name) if name == "tensorflow" else real(name)
    ))  # fmt: skip
    rows = {c.name: c for c in machine.check_backends(machine.import_backend)}
    assert rows["backend tensorflow"].status == "ok"
    assert "compilation: epoch by XLA" in rows["backend tensorflow"].found
    assert rows["backend test_zeros"].status == "ok"
    assert rows["backend test_zeros"].found == f"{np.__version__}, compilation: none, sees no GPU"
    assert rows["backend test_broken"].status == "fail"
    assert "cannot be imported: ImportError: no such library" in rows["backend test_broken"].found
    absent = rows["backend test_absent"]
    assert (absent.status, absent.found) == ("ok", "not installed"), "another is"
    assert absent.advice.endswith("pip install no-such-distribution")
    monkeypatch.setattr(machine, "backend_version", lambda name: "")
    rows = {c.name: c for c in machine.check_backends(machine.import_backend)}
    assert {row.status for row in rows.values()} == {"warn"}
    assert rows["backend jax"].advice == f"its runs need it: {installing('jax')}"


def test_the_lock_says_who_holds_it(tmp_path):
    assert machine.check_lock(tmp_path) == Check("lock", "ok", "free")
    with hold(tmp_path):
        held = machine.check_lock(tmp_path)
        assert f"process {os.getpid()}" in held.found
        assert held.status == "ok"
    with FileLock(tmp_path / ".lock"):
        assert machine.check_lock(tmp_path).status == "warn"
    assert machine.check_lock(tmp_path).found == "free"


@pytest.mark.parametrize(("free", "status"), [(2**40, "ok"), (2**29, "warn"), (2**20, "fail")])
def test_a_disk_that_fills_up(free, status, tmp_path):
    found = machine.check_disk(tmp_path / "not" / "made", lambda path: free)
    assert found.status == status
    assert "(not made yet)" in found.found
    assert bool(found.advice) == (status != "ok")


def test_results_under_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    found = machine.check_disk(Path(tmp_path / "file" / "results"))
    assert (found.status, "cannot be written" in found.found) == ("fail", True)


@pytest.mark.parametrize(("kind", "code"), [("bit-equal", 0), ("within 1e-6", 0), ("different", 1)])
def test_the_verb_prints_every_way_and_fails_where_a_run_does_not_repeat(kind, code, capsys, monkeypatch):
    from bench import doctor

    difference = {"bit-equal": 0.0, "within 1e-6": 3e-8, "different": float("inf")}[kind]
    ways = (
        doctor.Repetition("on another core", kind, difference, () if kind == "bit-equal" else ("GRU",)),
        doctor.Repetition("deterministic mode", "different", 0.5, ("GRU",)),
    )
    finding = doctor.Finding("tensorflow", "cpu", ways, {"GRU": 1.25})
    monkeypatch.setattr(doctor, "check_determinism", lambda *, on_start: [finding])
    assert call(["doctor", "--determinism"]) == code
    printed = capsys.readouterr().out
    assert kind in printed
    assert "GRU × 1.25" in printed
    assert call(["doctor", "--determinism", "--json"]) == code
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["findings"][0]["cost"] == {"GRU": 1.25}
