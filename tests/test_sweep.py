"""The sweep on fakes: an executor that plays events, a store in a temporary folder, a sink that listens."""

import os
import signal
import threading

import pytest

from bench.interrupt import Interrupts, say_so
from bench.jobs import EpochEnded, RunEnded, RunStarted, make_jobs
from bench.store import Store
from bench.sweep import run_sweep
from tests.fakes import fake_case, fake_record, fake_spec


class FakeExecutor:
    def __init__(self, statuses=(), interrupt_after=None):
        self.statuses = list(statuses)
        self.interrupt_after = interrupt_after
        self.closed = self.stopped = False

    def stop(self):
        self.stopped = True

    def run(self, jobs):
        ended = 0
        try:
            for job in jobs:
                for spec in job.specs:
                    if ended == self.interrupt_after:
                        raise KeyboardInterrupt
                    if self.stopped:
                        return
                    yield RunStarted(spec)
                    yield EpochEnded(spec.run_id, 1, 1)
                    status = self.statuses[ended] if ended < len(self.statuses) else "done"
                    record = fake_record(spec.case, spec.model_seed)
                    yield RunEnded(record.model_copy(update={"spec": spec, "run_id": spec.run_id, "status": status}))
                    ended += 1
        finally:
            self.closed = True


class Listener:
    def __init__(self):
        self.records = []

    def send(self, record):
        self.records.append(record)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.prepare()
    return made


SPECS = [fake_spec(fake_case(name), seed) for name in ("fake/a", "fake/b") for seed in (1, 2)]
JOBS = make_jobs(SPECS)


def test_every_run_is_stored_then_mirrored(store):
    sink, seen = Listener(), []
    sweep = run_sweep(JOBS, FakeExecutor(), store, sink, on_event=seen.append)
    assert {r.run_id for r in store.read()} == {s.run_id for s in SPECS}
    assert sink.records == sweep.records
    assert len(seen) == 12
    assert not sweep.failed
    assert not sweep.interrupted


def test_a_failed_run_is_recorded_and_the_rest_go_on(store):
    sweep = run_sweep(JOBS, FakeExecutor(["failed", "diverged"]), store, Listener())
    assert [r.status for r in sweep.records] == ["failed", "diverged", "done", "done"]
    assert [r.status for r in sweep.failed] == ["failed"]


def test_a_run_that_was_tried_again_counts_once_and_by_its_last_record(store):
    again = [SPECS[0], SPECS[0], SPECS[1]]
    sweep = run_sweep(make_jobs(again), FakeExecutor(["crashed", "done", "failed"]), store, Listener())
    assert sweep.recorded == 2
    assert [r.status for r in sweep.failed] == ["failed"]
    assert sorted(r.attempt for r in store.read()) == [1, 1, 2]


def test_an_interrupt_keeps_what_is_recorded_and_ends_the_workers(store):
    executor = FakeExecutor(interrupt_after=2)
    sweep = run_sweep(JOBS, executor, store, Listener())
    assert sweep.interrupted
    assert executor.closed
    assert len(store.read()) == 2


class InterruptedStore(Store):
    """Ctrl-C arrives in the middle of writing the second record."""

    def write(self, record, kept=b""):
        if len(self.read()) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(record, kept)


@pytest.fixture
def handlers():
    """Put back what an interrupt that was heard leaves in place."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_in_the_middle_of_a_write_lets_it_end_and_the_sweep_with_it(store, handlers):
    executor, sink = FakeExecutor(), Listener()
    sweep = run_sweep(JOBS, executor, InterruptedStore(store.results), sink)
    assert sweep.interrupted
    assert executor.closed
    assert sweep.records == sink.records
    assert store.read() == sorted(sweep.records, key=lambda record: record.run_id)
    assert len(sweep.records) == 2


def test_a_second_interrupt_leaves_at_once_also_after_the_sweep(handlers):
    stopped, codes = [], []
    with Interrupts(lambda: stopped.append(1), codes.append) as told:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (told.heard, stopped, codes) == (True, [1], [])
        os.kill(os.getpid(), signal.SIGINT)
        assert (stopped, codes) == ([1], [3])
    os.kill(os.getpid(), signal.SIGINT)
    assert codes == [3, 3]


def test_a_command_between_two_steps_says_that_it_heard(handlers, capfd):
    codes = []
    with Interrupts(say_so, codes.append) as told:
        os.kill(os.getpid(), signal.SIGINT)
        assert told.heard
    assert capfd.readouterr().err == "bench: stopping; a second Ctrl-C leaves at once\n"
    os.kill(os.getpid(), signal.SIGINT)
    assert codes == [3]


def test_an_interrupt_heard_before_the_sweep_began_ends_it(store):
    executor = FakeExecutor()
    sweep = run_sweep(JOBS, executor, store, Listener(), stopped=lambda: True)
    assert sweep.interrupted
    assert executor.stopped


def test_without_an_interrupt_the_handlers_are_put_back(handlers):
    with Interrupts(lambda: None):
        assert signal.getsignal(signal.SIGINT) != handlers[signal.SIGINT]
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_sweep_in_a_thread_leaves_the_handlers_alone(store, handlers):
    sweeps = []
    thread = threading.Thread(target=lambda: sweeps.append(run_sweep(JOBS, FakeExecutor(), store, Listener())))
    thread.start()
    thread.join()
    assert len(sweeps[0].records) == 4
    assert {number: signal.getsignal(number) for number in handlers} == handlers


@pytest.mark.parametrize("point", ["sweep.received", "store.begin", "store.linked"])
def test_a_record_that_cannot_be_stored_ends_the_sweep_and_its_workers(store, monkeypatch, point):
    monkeypatch.setenv("BENCH_FAULT", f"{point}:enospc:2")
    executor = FakeExecutor()
    with pytest.raises(OSError, match="No space left"):
        run_sweep(JOBS, executor, store, Listener())
    assert executor.closed
    kept = {r.run_id for r in store.read()}
    again = run_sweep(make_jobs([s for s in SPECS if s.run_id not in kept]), FakeExecutor(), store, Listener())
    assert len(again.records) + len(kept) == 4
    assert {r.attempt for r in store.read()} == {1}


def test_the_report_is_refreshed_as_cases_end_but_not_too_often(store):
    assert refreshes(store, took=0.0, at=[0.0, 5.0, 70.0, 80.0]) == [0.0, 70.0]


def test_a_report_that_takes_long_is_refreshed_for_a_tenth_of_the_time(store):
    assert refreshes(store, took=20.0, at=[0.0, 70.0, 190.0, 210.0, 380.0]) == [0.0, 210.0]


def refreshes(store, took, at):
    """Return when a report is refreshed, which takes so long each time, where cases end at these times."""
    clock, ends, refreshed = [0.0], iter(at), []

    def refresh():
        refreshed.append(clock[0])
        clock[0] += took

    def ended(event):
        if isinstance(event, RunEnded):
            clock[0] = max(clock[0], next(ends))

    specs = [fake_spec(fake_case(f"fake/{i}"), 1) for i in range(len(at))]
    run_sweep(
        make_jobs(specs), FakeExecutor(), store, Listener(), on_event=ended, refresh=refresh, now=lambda: clock[0]
    )
    return refreshed


def test_a_report_that_cannot_be_refreshed_costs_no_run(store):
    def broken():
        raise OSError("disk full")

    sweep = run_sweep(JOBS, FakeExecutor(), store, Listener(), refresh=broken)
    assert len(sweep.records) == 4


def test_jobs_share_a_case_and_predictors_come_first():
    from tests.fakes import FakeNaive

    naive = fake_spec(fake_case("fake/naive", model=FakeNaive()))
    jobs = make_jobs([*SPECS, naive])
    assert [[s.case for s in job.specs] for job in jobs] == [["fake/naive"], ["fake/a"] * 2, ["fake/b"] * 2]
