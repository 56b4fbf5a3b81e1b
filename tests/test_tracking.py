import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from bench.jobs import Event, Job, RunEnded
from bench.recipe import Recipe
from bench.record import LearningCurve, RunRecord, from_json, to_json
from bench.store import Store
from bench.sweep import run_sweep
from bench.tracking import Mirror, MlflowTracker, Outcome, sweep_params, tracking_uri
from bench.tracking.client import Refused, Run
from bench.tracking.curve import draw_curve
from bench.tracking.items import Artifact, Item, Metric, Param, Tag
from bench.tracking.limits import batches
from bench.tracking.notes import NOTE_LENGTH, markdown_table, shorten
from bench.tracking.run_items import record_items, run_name
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record
from tests.tracking_fakes import EXPERIMENT, MEANS, SWEEP, FakeTracker, records, send, sync


def with_data(record: RunRecord) -> RunRecord:
    return record.model_copy(update={"data_digest": "d" * 16})


class TestItems:
    def test_params_are_the_spec(self):
        record = fake_record(fake_case("fake/rnn", recipe=Recipe(learning_rate=0.01)), 42)
        params = {i.key: i.value for i in record_items(record) if isinstance(i, Param)}
        assert params["case"] == "fake/rnn"
        assert (params["seed"], params["data_seed"], params["device"]) == ("42", "42", "cpu")
        assert params["model.kind"] == "rnn"
        assert (params["learning_rate"], params["epochs"]) == ("0.01", "20")
        assert "early_stopping_epochs" not in params
        exact = fake_record(fake_case("fake/naive", model=FakeNaive()), None)
        assert not {"seed", "learning_rate"} & {i.key for i in record_items(exact) if isinstance(i, Param)}

    def test_each_epoch_is_a_step_with_its_own_time_within_the_run(self):
        record = fake_record(epochs=5)
        curve = [i for i in record_items(record) if isinstance(i, Metric) and i.key == "curve/valid_mse"]
        assert [m.step for m in curve] == [1, 2, 3, 4, 5]
        times = [m.time_ms for m in curve]
        assert times == sorted(times)
        assert [m.value for m in curve] == record.curve.valid["mse"]
        assert {"curve/train_loss", "curve/epoch_s"} <= {i.key for i in record_items(record) if isinstance(i, Metric)}

    def test_lists_and_groups_of_scores_become_steps(self):
        record = fake_record("fake/gru", task="reber", accuracy=0.9)
        metrics = [i for i in record_items(record) if isinstance(i, Metric)]
        lengths = {m.step: m.value for m in metrics if m.key == "valid/accuracy_by_group.length"}
        assert set(lengths) == set(range(8, 31))
        ten = [i for i in record_items(fake_record(task="ten_steps")) if isinstance(i, Metric)]
        assert [m.step for m in ten if m.key == "test/mse_per_step"] == list(range(1, 11))

    def test_same_record_same_items(self):
        record = fake_record()
        assert set(record_items(record)) == set(record_items(from_json(to_json(record))))

    def test_curve_with_nan_is_drawn_and_kept(self):
        record = fake_record().model_copy(
            update={"curve": LearningCurve(train_loss=[1.0, float("nan")], valid={"mse": [float("inf"), 0.0]})}
        )
        kinds = [type(i) for i in record_items(record)]
        assert kinds.count(Artifact) == 2

    def test_a_curve_does_not_depend_on_what_was_drawn_before(self):
        first, second = (fake_record("fake/rnn", seed).curve for seed in (1, 2))
        with_zero = second.model_copy(update={"train_loss": [0.0, *second.train_loss[1:]]})
        drawn = draw_curve(first, "first")
        others = [draw_curve(second, "second, and a longer title"), draw_curve(with_zero, "linear axis")]
        assert draw_curve(first, "first") == drawn
        assert len({drawn, *others}) == 3

    def test_failure_has_a_description(self):
        record = fake_record(status="crashed", reason="killed by signal 9")
        tags = {i.key: i.value for i in record_items(record) if isinstance(i, Tag)}
        assert tags["status"] == "crashed"
        assert not [i for i in record_items(record) if isinstance(i, Metric)]  # no zeros for what was not timed
        assert "killed by signal 9" in tags["mlflow.note.content"]

    def test_run_names(self):
        assert run_name(fake_record("fake/rnn", 42)) == "rnn · seed 42"
        assert run_name(fake_record("fake/rnn", 7, device="gpu", data_seed=1)) == "rnn · seed 7 · data 1 · gpu"

    def test_batches_keep_the_limits_and_lose_nothing(self):
        items = [Param(f"p{n}", "x") for n in range(230)] + [Tag(f"t{n}", "x") for n in range(101)]
        items += [Metric("m", 1.0, 0, n) for n in range(2500)]
        made = list(batches(items))
        assert all(len(b.params) <= 100 and len(b.tags) <= 100 for b in made)
        assert all(len(b.params) + len(b.tags) + len(b.metrics) <= 1000 for b in made)
        assert sum(len(b.params) + len(b.tags) + len(b.metrics) for b in made) == len(items)
        assert list(batches([Artifact("a", b"")])) == []

    def test_description_is_cut_at_a_line(self):
        text = "\n".join(f"line {n}" for n in range(2000))
        cut = shorten(text, NOTE_LENGTH)
        assert len(cut) <= NOTE_LENGTH
        assert cut.endswith("has the rest.)")

    def test_table_of_means(self):
        lines = markdown_table(MEANS).splitlines()
        assert lines[1] == "| --- | ---: | ---: |"
        assert lines[2:] == ["| rnn | 0.003 | 40,000 |", "| naive | 0.02 |  |"]


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
        sweep = run_sweep([record.spec for record in records(5)], Played(), store, mirror)
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


def test_importing_the_package_imports_no_mlflow():
    code = "import sys, bench.tracking; sys.exit(any(m in sys.modules for m in ('mlflow', 'keras', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestMlflow:
    @pytest.mark.slow
    def test_sqlite(self, tmp_path, capfd):
        from mlflow import MlflowClient
        from mlflow.tracking import fluent

        uri = tracking_uri(tmp_path / "results", {})
        report = tmp_path / "report"
        (report / "figures").mkdir(parents=True)
        (report / "README.md").write_text("# Report")
        (report / "figures" / "mse.svg").write_text("<svg/>")
        made = [with_data(r) for r in records(2)] + [fake_record("fake/bad", status="failed")]
        warnings: list[str] = []
        params = sweep_params(fake_plan([fake_case()], made, seeds=(0, 1)))
        for baseline in ("naive", "another"):  # the second time adds nothing, and no param changes
            told = params | {"suite.baseline": baseline}
            mirror = Mirror(uri, EXPERIMENT, SWEEP, params=told, warn=warnings.append)
            for record in made:
                mirror.send(record)
            mirror.finish(report, "**Opening.**", MEANS)
            mirror.close(120)
        assert warnings == []
        assert "".join(capfd.readouterr()) == ""

        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        runs = client.search_runs([experiment.experiment_id])
        (parent,) = [r for r in runs if r.data.tags["bench.kind"] == "sweep"]
        assert parent.info.status == "FINISHED"
        assert (parent.data.params["suite.seeds"], parent.data.params["suite.baseline"]) == ("0, 1", "naive")
        assert parent.data.tags["outcome"] == "2 done, 1 failed"
        assert parent.data.tags["mlflow.note.content"].startswith("**Opening.**\n\n| case |")
        assert {f.path for f in client.list_artifacts(parent.info.run_id)} == {"means.json", "report"}
        listed = json.loads(parent.data.tags["mlflow.loggedArtifacts"])
        assert listed == [{"path": "means.json", "type": "table"}]  # the UI's sign to show it as a table
        artifacts = tmp_path / "results" / "artifacts"
        means = json.loads((artifacts / parent.info.run_id / "artifacts" / "means.json").read_text())
        assert means["columns"] == list(MEANS.columns)

        children = {r.info.run_name: r for r in runs if r.data.tags["bench.kind"] == "run"}
        assert set(children) == {"rnn · seed 0", "rnn · seed 1", "bad · seed 42"}
        assert children["bad · seed 42"].info.status == "FAILED"
        child, record = children["rnn · seed 0"], made[0]
        run_id = child.info.run_id
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.tags["bench.sent"] == "yes"
        assert child.data.params["case"] == "fake/rnn"
        assert child.data.metrics["valid/mse"] == record.scores_last["valid"]["mse"]
        history = client.get_metric_history(run_id, "curve/train_loss")
        assert [m.step for m in history] == list(range(1, 21))
        assert [m.value for m in history] == record.curve.train_loss
        assert child.info.end_time - child.info.start_time == 245_000
        (data,) = child.inputs.dataset_inputs
        assert (data.dataset.name, data.dataset.digest) == ("fake_waves", "d" * 16)
        assert {f.path for f in client.list_artifacts(run_id)} == {"record.json", "learning_curve.png"}
        assert from_json((artifacts / run_id / "artifacts" / "record.json").read_text()) == record
        assert fluent.active_run() is None

        # a half-sent run is completed without a metric standing twice
        client.set_tag(run_id, "bench.sent", "no")
        assert sync(made, uri, EXPERIMENT, SWEEP) == Outcome(1, 2, 0)
        assert len(client.get_metric_history(run_id, "curve/train_loss")) == 20
        assert len(client.get_run(run_id).inputs.dataset_inputs) == 1
        assert client.get_run(parent.info.run_id).info.status == "FINISHED"

        # a deleted experiment keeps its name: it is restored with its runs
        client.delete_experiment(experiment.experiment_id)
        assert sync(made, uri, EXPERIMENT, SWEEP) == Outcome(0, 3, 0)
        assert client.get_experiment_by_name(EXPERIMENT).lifecycle_stage == "active"

        # a results folder that was moved takes its artifacts along from here on
        moved = (tmp_path / "results").rename(tmp_path / "moved")
        assert sync(made[:1], tracking_uri(moved, {}), EXPERIMENT, SWEEP) == Outcome(1, 0, 0)
        assert not (tmp_path / "results").exists()

        # an id with a quote is found again
        tracker = MlflowTracker(tracking_uri(moved, {}))
        tracker.open("quotes")
        assert tracker.find({"bench.sweep": "it's"}) is None
        run_id = tracker.create("a", 0, {"bench.sweep": "it's"})
        assert tracker.find({"bench.sweep": "it's"}).run_id == run_id

    @pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
    def test_corrupt_file_is_told_and_left_alone(self, tmp_path, content):
        (tmp_path / "mlflow.db").write_bytes(content)
        outcome, warning = _mirror_to(tracking_uri(tmp_path, {}))
        assert outcome == Outcome(0, 0, 3)
        assert "no usable database" in warning
        assert (tmp_path / "mlflow.db").read_bytes() == content

    def test_dead_port_is_given_up(self, server_timeouts):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            uri = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
        outcome, warning = _mirror_to(uri)
        assert outcome == Outcome(0, 0, 3)
        assert "(connection refused)" in warning
        assert "secret" not in warning

    def test_silent_port_is_given_up_after_two_timeouts(self, server_timeouts):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            outcome, warning = _mirror_to(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert outcome == Outcome(0, 0, 3)
        assert "(no answer in time)" in warning


@pytest.fixture
def server_timeouts(monkeypatch):
    """A short time-out, so that the test is; the code under test sets five seconds itself."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


def _mirror_to(uri: str) -> tuple[Outcome, str]:
    warnings: list[str] = []
    mirror = Mirror(uri, EXPERIMENT, SWEEP, warn=warnings.append)
    for record in records():
        mirror.send(record)
    outcome = mirror.close(60)
    (warning,) = warnings
    return outcome, warning
