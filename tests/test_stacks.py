"""A worker that trains seeds together: one record a seed, whatever happens; on an engine whose lanes are NumPy's."""

from dataclasses import replace

import numpy as np
import pytest

from bench.commands import Selection
from bench.devices import Device, device_kinds, find_device
from bench.errors import BenchError
from bench.executors.local import LocalExecutor, make_slots
from bench.executors.runner import Limits
from bench.jobs import DataChecked, EpochEnded, RunEnded, RunStarted, StackHalved, make_jobs
from bench.plan import make_plan
from bench.process import Slot
from bench.stacks import WIDEST, check_stack, stack_width
from bench.store import Store
from bench.suite import AutoSeeds, Suite
from bench.worker import Worker

LANES = "test_lanes"
CASE = {
    "name": "t/linear",
    "dataset": {"name": "test_ramps", "windows": 40},
    "model": {"name": "test_noted_linear"},
    "recipe": {"epochs": 2},
}
SEEDS = [1, 2, 3, 4, 5]


@pytest.fixture
def chosen(engine_plugins, tmp_path, monkeypatch):
    """Five seeds of a network in stacks of two."""
    from tests.engine_plugins import NOTES  # not at the top, where it would register its engines for all tests

    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    monkeypatch.setattr("bench.environment.threads_found", lambda backend: 1)  # this process has more than a worker
    suite = Suite(name="t", cases=[CASE], seeds=SEEDS, backends=[LANES], data_seeds="seeds")
    return Selection("t", suite, suite, tmp_path / "results", tmp_path / "reports", stack="2")


@pytest.fixture
def fault(monkeypatch):
    from tests.engine_plugins import FAULT

    return lambda what: monkeypatch.setenv(FAULT, what)


def jobs_of(chosen, **changes):
    return make_jobs(make_plan(chosen.suite, []).specs, replace(chosen, **changes).stack_of)


def run(chosen, **changes):
    """What a worker of this process sends."""
    events = []
    worker = Worker(Slot("cpu", find_device("cpu"), None, LANES), events.append)
    for job in jobs_of(chosen, **changes):
        worker.run(job)
    return events


def records(events):
    return {e.record.spec.model_seed: e.record for e in events if isinstance(e, RunEnded)}


def without_clock(record):
    return record.model_copy(update=dict.fromkeys(("timing", "provenance"), None))


def test_each_seed_has_a_record_of_its_own_that_knows_nothing_of_its_neighbours(chosen):
    events = run(chosen)
    found = records(events)
    assert list(found) == SEEDS
    assert {r.status for r in found.values()} == {"done"}, [r.failure for r in found.values()]
    assert {(r.environment.stack, r.environment.stack_asked) for r in found.values()} == {(2, 0)}
    assert [len(e.specs) for e in events if isinstance(e, RunStarted)] == [2, 2, 1]
    assert [(e.epoch, e.epochs) for e in events if isinstance(e, EpochEnded)] == [(1, 2), (2, 2)] * 3
    assert len({r.score("mse") for r in found.values()}) == len({r.data_digest for r in found.values()}) == 5
    turned = chosen.suite.model_copy(update={"seeds": [5, 4, 1]})
    again = records(run(replace(chosen, suite=turned)))
    assert {s: without_clock(r) for s, r in again.items()} == {s: without_clock(found[s]) for s in (5, 4, 1)}


def test_times_are_shares_and_no_speed_is_made_of_them(chosen):
    found = records(run(chosen, stack="5"))
    assert len({r.timing.total_s for r in found.values()}) == 1
    for record in found.values():
        timing = record.timing
        parts = (timing.import_s, timing.data_s, timing.build_s, timing.compile_s, timing.train_s, timing.evaluate_s)
        assert sum(parts) + timing.other_s == pytest.approx(timing.total_s)
        assert timing.other_s >= 0
        assert len(timing.epoch_s) == 2
        assert record.windows_per_s is None
        assert record.contended is None
    assert records(run(chosen, stack="off"))[1].windows_per_s > 0


def test_a_width_is_an_environment_and_runs_of_another_are_not_done_here(chosen):
    store = Store(chosen.results)
    store.prepare()
    for record in records(run(chosen)).values():
        store.write(record)
    assert not chosen.plan(store).missing
    for other in ("3", "off", "auto"):
        assert len(replace(chosen, stack=other).plan(store).missing) == len(SEEDS), other
    assert find_device("cpu").environment(LANES).digest == find_device("cpu").environment(LANES, stack=1).digest
    assert "stack" not in find_device("cpu").environment(LANES).model_dump()


def test_what_memory_does_not_hold_is_halved_until_it_does(chosen, fault):
    fault("fits:3")
    wide = replace(chosen, stack="8")
    events = run(wide)
    assert [(e.spec.model_seed, e.stack) for e in events if isinstance(e, StackHalved)] == [(1, 4), (1, 2)]
    assert [len(e.specs) for e in events if isinstance(e, RunStarted)] == [5, 4, 2, 2, 1]
    found = records(events)
    assert [r.status for r in found.values()] == ["done"] * 5
    assert {(r.environment.stack, r.environment.stack_asked) for r in found.values()} == {(2, 8)}
    assert [r.score("mse") for r in found.values()] == [r.score("mse") for r in records(run(chosen)).values()]
    store = Store(chosen.results)
    store.prepare()
    for record in found.values():
        store.write(record)
    assert not wide.plan(store).missing, "they are what was asked for, as far as memory goes"
    assert len(replace(chosen, stack="2").plan(store).missing) == 5, "those were asked for at another width"
    readme = wide.write_report(wide.plan(store), figures=False).read_text()
    assert "| seeds a program | asked for |" in " ".join(readme.split())


def test_halving_ends_with_one_seed_at_a_time(chosen, fault):
    fault("fits:1")
    found = records(run(chosen))
    assert {(r.status, r.environment.stack, r.environment.stack_asked) for r in found.values()} == {("done", 1, 2)}


def test_a_lane_that_diverges_and_one_whose_data_are_bad_end_alone(chosen, fault, monkeypatch):
    from tests.plugins import Ramps

    usual, load = records(run(chosen, stack="5")), Ramps.load

    def with_a_hole(self, data_seed):
        splits = load(self, data_seed)
        if data_seed == 3:
            splits.train.x[0] = np.nan
        return splits

    monkeypatch.setattr(Ramps, "load", with_a_hole)
    fault("nan:4")
    events = run(chosen, stack="5")
    found = records(events)
    assert {seed: r.status for seed, r in found.items()} == dict(zip(SEEDS, ["done"] * 5, strict=True)) | {
        3: "failed",
        4: "diverged",
    }
    assert found[4].failure.reason == "the training loss is nan in epoch 1"
    assert [e.spec.model_seed for e in events if isinstance(e, DataChecked)] == [3]
    assert {s: without_clock(found[s]) for s in (1, 2, 5)} == {s: without_clock(usual[s]) for s in (1, 2, 5)}


def test_a_stack_that_fails_is_a_record_of_each_of_its_runs(chosen, fault):
    fault("raise")
    found = records(run(chosen))
    assert {r.failure.reason for r in found.values()} == {"RuntimeError: on purpose"}
    assert len(found) == 5


def test_a_stack_whose_worker_dies_is_a_crash_of_its_runs_and_the_next_one_is_tried(chosen, fault, tmp_path):
    fault("kill")
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs", Limits(crash_retries=1))
    found = [e.record for e in executor.run(jobs_of(chosen, stack="3")) if isinstance(e, RunEnded)]
    assert sorted(r.spec.model_seed for r in found) == sorted(SEEDS * 2)
    assert {(r.status, r.environment.stack) for r in found} == {("crashed", 3)}


def test_an_interrupted_stack_leaves_whole_records_or_none(chosen, fault, tmp_path):
    """The second of three stacks hangs when the executor is stopped."""
    fault("hang:3")
    executor = LocalExecutor(make_slots(["cpu"], 1, 1), tmp_path / "logs")
    found, begun = [], 0
    for event in executor.run(jobs_of(chosen)):
        if isinstance(event, RunStarted):
            begun += 1
            if begun == 2:
                executor.stop()
        if isinstance(event, RunEnded):
            found.append(event.record)
    assert [r.spec.model_seed for r in found] == [1, 2]
    assert {r.status for r in found} == {"done"}


def test_a_limit_of_time_is_a_share_of_the_stack():
    assert Limits(run_s=2.0).of(8) == 16.0
    assert Limits().of(8) is None


def test_the_width_goes_by_what_was_asked_the_engine_the_device_and_the_seeds(chosen, monkeypatch):
    def width(asked, kind, **changes):
        return stack_width(asked, chosen.suite.model_copy(update=changes), changes.get("backends", [LANES])[0], kind)

    assert [width(asked, "cpu") for asked in ("auto", "off", "1", "16")] == [1, 1, 1, 16]
    assert [width(asked, "gpu") for asked in ("auto", "off", "16")] == [8, 1, 16]
    assert [width("auto", "gpu", seeds=list(range(n))) for n in (1, 2, 3, 64, 100, 1000)] == [1, 2, 4, 64, 128, WIDEST]
    assert width("auto", "gpu", seeds="auto", auto_seeds=AutoSeeds(cap=30)) == 32
    assert width("auto", "gpu", seeds_on={LANES: [1, 2, 3]}) == 4
    assert width("16", "gpu", backends=["tensorflow"]) == 1
    assert stack_width("16", chosen.suite, "numpy", "cpu") == 1
    monkeypatch.setitem(device_kinds._entries, "gpu", lambda: [Device("gpu", 0, "Card", {})])
    both = replace(chosen, stack="auto", suite=chosen.suite.model_copy(update={"devices": ["cpu", "gpu:0"]}))
    assert both.stacks == [f"{LANES} on gpu: up to 8 seeds in one program (from the number of seeds; --stack sets it)"]
    specs = make_plan(both.suite, []).specs
    assert {(job.device, job.stack) for job in make_jobs(specs, both.stack_of)} == {("cpu", 1), ("gpu:0", 8)}


def test_a_width_that_is_none_and_a_backend_without_stacks_are_said_in_one_line(chosen):
    for asked in ("0x", "-1", "٣", "wide", "0", "1025", "9" * 30):
        with pytest.raises(BenchError, match="expected auto, off or the number of seeds in one program, as in 16"):
            check_stack(asked, chosen.suite)
    alone = chosen.suite.model_copy(update={"backends": ["tensorflow"]})
    for asked in ("auto", "off", "1"):
        check_stack(asked, alone)
    with pytest.raises(BenchError, match="--stack 4: tensorflow trains one seed at a time; leave it out, or use --ba"):
        check_stack("4", alone)


def test_a_command_that_goes_on_asks_for_the_same_stacks(chosen):
    assert "--stack 2" in chosen.command("run")
    assert "--stack" not in chosen.command("report")
    assert "--stack" not in replace(chosen, stack="auto").command("run")
