"""The mirror: what arrives, what is finished later, and what it never holds up."""

import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from bench.jobs import Event, Job, RunEnded, make_jobs
from bench.store import Store
from bench.sweep import run_sweep
from bench.tracking import Mirror, Outcome, sweep_params
from bench.tracking.client import Refused, Run
from bench.tracking.items import Item, Metric, Param
from bench.tracking.run_items import record_items
from tests.fakes import fake_case, fake_plan, fake_record
from tests.tracking_fakes import EXPERIMENT, SWEEP, FakeTracker, records, send, sync


class TestMirror:
    def test_sends_all_below_one_parent(self):
        tracker = FakeTracker()
        outcome, warnings = send(tracker, records(), finish=True)
        assert outcome == Outcome(3, 0, 0)
        assert warnings == []
        (parent,) = tracker.of_kind("sweep")
        assert (parent["status"], parent["tags"]["bench.sent"]) == ("FINISHED", "yes")
        assert {r["tags"]["mlflow.parentRunId"] for r in tracker.of_kind("run")} == {"run0"}

    def test_sending_twice_adds_nothing(self):
        tracker = FakeTracker()
        send(tracker, records(), finish=True)
        before = {k: dict(v) for k, v in tracker.runs.items()}
        assert send(tracker, records())[0] == Outcome(0, 3, 0)
        assert tracker.runs == before

    def test_a_half_sent_run_is_finished_by_the_next_try(self):
        tracker = FakeTracker(fail_at=[8, 9])  # 7 creates the run, 8 logs, 9 is the second try
        outcome, warnings = send(tracker, records(1))
        assert outcome.missing == len(warnings) == 1
        (half,) = tracker.of_kind("run")
        assert half["tags"]["bench.sent"] == "no"
        assert send(tracker, records(1))[0] == Outcome(1, 0, 0)
        (whole,) = tracker.of_kind("run")
        assert whole["tags"]["bench.sent"] == "yes"
        assert set(record_items(records(1)[0])) <= whole["items"]

    def test_one_failure_is_made_good(self):
        tracker = FakeTracker(fail_at=[3])
        outcome, warnings = send(tracker, records(), finish=True)
        assert outcome == Outcome(3, 0, 0)
        assert warnings == []

    def test_gives_up_after_two_failures_with_one_warning(self):
        tracker = FakeTracker(always=True)
        outcome, warnings = send(tracker, records(5), finish=True)
        assert tracker.calls == ["open", "open"]
        assert outcome == Outcome(0, 0, 5)
        (warning,) = warnings
        assert "5 of 5 records" in warning
        assert "bench sync" in warning
        assert "secret" not in warning
        assert "token" not in warning

    def test_a_missing_summary_is_told(self):
        tracker = FakeTracker()
        send(tracker, records(1))
        tracker.always = True
        outcome, warnings = send(tracker, [], finish=True)
        assert outcome == Outcome(0, 0, 0)
        assert "summary" in warnings[0]

    def test_a_sweep_cut_short_is_killed_and_goes_on_under_its_parent(self):
        tracker = FakeTracker()
        send(tracker, records(1))
        assert tracker.of_kind("sweep")[0]["status"] == "KILLED"
        send(tracker, records(2), finish=True)
        (parent,) = tracker.of_kind("sweep")
        assert parent["status"] == "FINISHED"
        sync(records(3), "http://host", EXPERIMENT, SWEEP, tracker=tracker)
        assert parent["status"] == "FINISHED"
        assert len(tracker.of_kind("run")) == 3

    def test_a_tracker_that_hangs_holds_up_nobody(self):
        release = threading.Event()

        class Hanging(FakeTracker):
            def open(self, experiment: str) -> None:
                release.wait(60)

        warnings: list[str] = []
        mirror = Mirror("http://host", EXPERIMENT, SWEEP, warn=warnings.append, tracker=Hanging())
        for record in records():
            mirror.send(record)
        assert mirror.close(0.05) == Outcome(0, 0, 3)
        assert mirror.close() == Outcome(0, 0, 3)
        release.set()
        assert len(warnings) == 1

    def test_send_waits_for_nothing_and_close_for_no_longer_than_told(self):
        release, entered = threading.Event(), threading.Event()

        class Slow(FakeTracker):
            def find(self, tags: Mapping[str, str]) -> Run | None:
                entered.set()
                release.wait(60)
                return super().find(tags)

        warnings: list[str] = []
        mirror = Mirror("http://host", EXPERIMENT, SWEEP, warn=warnings.append, tracker=Slow())
        mirror.send(records(1)[0])
        assert entered.wait(60)
        for record in records(100):  # the first is being sent all the while
            mirror.send(record)
        assert mirror.close(0.01) == Outcome(0, 0, 101)
        assert "it took too long" in warnings[0]
        release.set()

    def test_a_sweep_goes_on_without_its_tracker(self, tmp_path):
        release = threading.Event()

        class Hanging(FakeTracker):
            def open(self, experiment: str) -> None:
                release.wait(60)

        class Played:
            def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
                yield from (RunEnded(fake_record("fake/rnn", spec.model_seed)) for job in jobs for spec in job.specs)

            def stop(self) -> None:
                """Do nothing."""

        store = Store(tmp_path)
        store.prepare()
        warnings: list[str] = []
        mirror = Mirror("http://host", EXPERIMENT, SWEEP, warn=warnings.append, tracker=Hanging())
        sweep = run_sweep(make_jobs([record.spec for record in records(5)]), Played(), store, mirror)
        assert sweep.recorded == len(store.read()) == 5
        assert mirror.close(0.01) == Outcome(0, 0, 5)
        release.set()
        tracker = FakeTracker()
        assert sync(store.read(), "http://host", EXPERIMENT, SWEEP, tracker=tracker) == Outcome(5, 0, 0)

    def test_one_refused_record_stops_no_other(self):
        class Choosy(FakeTracker):
            def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
                if name.startswith("bad"):
                    raise Refused("Invalid value")
                return super().create(name, start_ms, tags)

        bad = [fake_record("fake/bad", seed) for seed in range(3)]
        outcome, warnings = send(Choosy(), [*bad, *records(3)], finish=True)
        assert outcome == Outcome(3, 0, 3)
        assert "3 of 6 records were not sent (Refused: Invalid value)" in warnings[0]

    def test_params_that_another_version_told_otherwise_stop_nothing(self):
        class Fixed(FakeTracker):
            def log(self, run_id: str, items: Iterable[Item]) -> None:
                items = list(items)
                if any(isinstance(item, Param) and item.key == "suite" for item in items):
                    raise Refused("Changing param values is not allowed")
                super().log(run_id, items)

        tracker = Fixed()
        mirror = Mirror("http://host", EXPERIMENT, SWEEP, params={"suite": "x"}, warn=pytest.fail, tracker=tracker)
        mirror.send(records(1)[0])
        assert mirror.close(60) == Outcome(1, 0, 0)

    @pytest.mark.parametrize("place", ["mirror.created", "mirror.logged", "mirror.before_sent_tag"])
    def test_a_run_broken_off_anywhere_is_finished_and_not_doubled(self, monkeypatch, place):
        def broken(name: str) -> None:
            if name == place:
                raise ConnectionError("gone")

        tracker = FakeTracker()
        with monkeypatch.context() as patched:
            patched.setattr("bench.tracking.sending.point", broken)
            outcome, warnings = send(tracker, records(1))
        assert (outcome.missing, len(warnings)) == (1, 1)
        assert tracker.of_kind("run")[0]["tags"]["bench.sent"] == "no"
        assert send(tracker, records(1)) == (Outcome(1, 0, 0), [])
        (run,) = tracker.of_kind("run")
        assert (run["tags"]["bench.sent"], run["status"]) == ("yes", "FINISHED")
        assert set(record_items(records(1)[0])) <= run["items"]

    def test_the_parent_tells_the_outcome(self):
        tracker = FakeTracker()
        again = fake_record(seed=9, attempt=2)
        failed = [fake_record(seed=9, status="crashed"), fake_record("fake/gru", 9, status="failed")]
        diverged = fake_record("fake/lstm", 9).model_copy(update={"status": "diverged"})
        send(tracker, [*failed, again, diverged, *records(3)], finish=True)
        (parent,) = tracker.of_kind("sweep")
        assert parent["tags"]["outcome"] == "4 done, 1 diverged, 1 failed"
        counts = {i.key: i.value for i in parent["items"] if isinstance(i, Metric)}
        assert counts == {"sweep/done": 4, "sweep/diverged": 1, "sweep/failed": 1}

    def test_failed_runs_are_marked(self):
        tracker = FakeTracker()
        send(tracker, [fake_record(status="timed_out"), *records(1)])
        assert sorted(r["status"] for r in tracker.of_kind("run")) == ["FAILED", "FINISHED"]

    def test_sweep_params(self):
        params = sweep_params(fake_plan([fake_case()], [], seeds=(1, 2)))
        assert not {"suite.cases", "suite.runs"} & set(params)  # they may grow under one digest
        assert params["suite.seeds"] == "1, 2"
        assert params["suite.devices"] == "cpu"
        assert not [name for name in params if "seeds_on" in name]
        plan = fake_plan([fake_case()], [], seeds=(1, 2), backends=("tensorflow", "torch"))
        few = replace(plan, suite=plan.suite.model_copy(update={"seeds_on": {"torch": [2]}}))
        assert sweep_params(few)["suite.seeds_on.torch"] == "2"


def test_importing_the_package_imports_no_mlflow():
    code = "import sys, bench.tracking; sys.exit(any(m in sys.modules for m in ('mlflow', 'keras', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
