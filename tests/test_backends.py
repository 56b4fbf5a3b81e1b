"""Two engines in one sweep: a worker serves one backend, and a record names the backend that its process had."""

import importlib.metadata

import numpy as np
import pytest

from bench.devices import find_device, usable_cores
from bench.engines.base import engines
from bench.executors.local import LocalExecutor, make_slots
from bench.executors.runner import Waiting
from bench.jobs import Job, RunEnded, make_jobs
from bench.plan import expand
from bench.process import Slot
from bench.suite import Suite
from bench.worker import Worker

RAMPS = {"name": "test_ramps", "windows": 40}


@pytest.fixture
def specs(engine_plugins):
    """Two predictors' runs and, for each of three networks and two backends, two seeds' runs."""
    cases = [
        {"name": f"t/constant_{i}", "dataset": RAMPS, "model": {"name": "test_constant", "value": i}} for i in (1, 2)
    ]
    cases += [
        {
            "name": f"t/linear_{i}",
            "dataset": RAMPS,
            "model": {"name": "test_noted_linear", "units": i},
            "recipe": {"epochs": 1},
        }
        for i in (1, 2, 3)
    ]
    suite = Suite(name="t", cases=cases, seeds=[1, 2], backends=["tensorflow", "test_zeros"])
    return expand(suite, suite.select())


def of(specs, *backends):
    return [spec for spec in specs if spec.backend in backends]


def records(events):
    return [event.record for event in events if isinstance(event, RunEnded)]


@pytest.mark.slow
def test_each_backend_of_a_sweep_gets_processes_of_its_own(specs, tmp_path, monkeypatch):
    """Backends alternate from case to case; each place changes its worker once, and never holds two."""
    from tests.engine_plugins import NOTES  # not at the top, where it would register its engines for all tests

    notes = tmp_path / "notes"
    monkeypatch.setenv(NOTES, str(notes))
    slots = make_slots(["cpu"], 1, 99)
    found = records(LocalExecutor(slots, tmp_path / "logs").run(make_jobs(specs)))
    assert len(found) == len(specs) == 14
    assert {r.status for r in found} == {"done"}, [r.failure for r in found]
    for record in found:
        assert record.environment == find_device("cpu").environment(record.spec.backend)
        zeros = record.spec.backend == "test_zeros"
        if record.spec.recipe is not None:
            forecast = record.sample.forecast
            assert np.any(forecast) != zeros
    said = [line.split() for line in notes.read_text().splitlines()]
    pids = {name: {pid for backend, pid, _ in said if backend == name} for name in ("tensorflow", "test_zeros")}
    assert not pids["tensorflow"] & pids["test_zeros"]
    assert [imported for backend, _, imported in said if backend == "test_zeros"] == ["False"] * 3
    assert all(1 <= len(of_one) <= len(slots) for of_one in pids.values())
    assert {r.provenance.core for r in found} <= set(usable_cores())


def test_an_environment_and_an_id_come_from_the_engine(specs):
    (spec, *_) = of(specs, "test_zeros")
    assert spec.versions["engine"] == "7"
    assert {s.versions["engine"] for s in of(specs, "numpy")} == {"1"}
    assert {s.versions["engine"] for s in of(specs, "tensorflow")} == {engines.get("tensorflow").version} != {"7"}
    found = find_device("cpu").environment("test_zeros")
    assert (found.backend, found.backend_version, found.jit) == (
        "test_zeros",
        importlib.metadata.version("numpy"),
        "none",
    )


def test_a_worker_refuses_a_backend_that_its_process_has_not(specs):
    """One line in a failed record; runs of its own backend, and those that need none, go on."""
    events = []
    worker = Worker(Slot("cpu", find_device("cpu"), None, "test_zeros"), events.append)
    foreign, predictor = of(specs, "tensorflow")[0], of(specs, "numpy")[0]
    worker.run(Job((foreign, predictor)))
    refused, done = records(events)
    assert (refused.status, done.status) == ("failed", "done")
    assert refused.failure.reason == (
        "BenchError: this worker serves test_zeros, not tensorflow; give the run another worker"
    )
    assert refused.environment.backend == "tensorflow"


def test_a_backend_that_is_not_installed_is_said_with_what_installs_it(engine_plugins, monkeypatch):
    from bench import environment
    from bench.errors import BenchError
    from bench.pasting import brought_by

    with pytest.raises(BenchError, match=r"^backend test_absent is not installed in this environment$"):
        environment.require("test_absent")
    environment.require("numpy")
    monkeypatch.setattr(environment, "version_of", lambda package: "")
    with pytest.raises(BenchError, match=r"^backend numpy is not installed in this environment$"):
        environment.require("numpy")
    for name in ("tensorflow", "jax"):
        with pytest.raises(BenchError) as said:
            environment.require(name)
        how = brought_by(f"pip install 'sequence-bench[{name}]'")
        assert str(said.value) == f"backend {name} is not installed; {how}"


def test_a_command_chooses_backends():
    from bench.suite import override

    suite = Suite(name="t", cases=["chapter15/linear"], seeds=[1])
    assert override(suite, backends=["jax"]).backends == ["jax"]
    assert override(suite, backends=["tensorflow"]) == suite


def test_keras_that_runs_on_another_backend_is_noticed(monkeypatch):
    """Keras keeps the backend that it was first imported on, whatever the environment says later."""
    import keras

    from bench.errors import BenchError

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(BenchError, match="Keras runs on jax in this process, not on tensorflow"):
        engines.get("tensorflow").load()


def test_a_worker_takes_jobs_of_its_backend_first_and_others_when_there_are_none(specs):
    """So that backends which alternate from case to case cost one new process, not one a case."""
    jobs = make_jobs(of(specs, "tensorflow", "test_zeros"))
    assert [job.backend for job in jobs] == ["tensorflow", "test_zeros"] * 3
    waiting = Waiting(jobs)
    first = waiting.take(None)
    assert first.backend == "tensorflow"
    served = Slot("cpu", find_device("cpu"), None, first.backend)
    taken = [waiting.take(served) for _ in range(6)]
    assert [job and job.backend for job in taken] == ["tensorflow"] * 2 + ["test_zeros"] * 3 + [None]


def test_a_worker_for_predictors_is_started_for_the_backend_that_comes_next(specs):
    predictors, trained = make_jobs(of(specs, "numpy")), make_jobs(of(specs, "test_zeros"))
    waiting = Waiting([*predictors[1:], *trained])
    assert waiting.backend_for(predictors[0]) == "test_zeros"
    assert waiting.backend_for(make_jobs(of(specs, "tensorflow"))[0]) == "tensorflow"
    assert Waiting([]).backend_for(predictors[0]) == "numpy"
