import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.recipe import Recipe
from bench.record import LearningCurve, RunRecord, from_json, to_json
from bench.tracking import Mirror, MlflowTracker, Outcome, safe_uri, sweep_params, tracking_uri
from bench.tracking.client import Run, batches
from bench.tracking.items import Artifact, Item, Metric, Param, Tag, record_items, run_name
from bench.tracking.mirror import NOTE_LENGTH, markdown_table, shorten
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record

MEANS = pd.DataFrame({"case": ["rnn", "naive"], "valid_mse": [0.003, 0.02], "windows_per_s": [40_000.0, None]})
EXPERIMENT, SWEEP = "chapter15", "chapter15-ab12cd34"


def sync(made: Iterable[RunRecord], uri: str, experiment: str, sweep: str, **options: Any) -> Outcome:
    """Send what is missing and wait for it, as the verb does."""
    mirror = Mirror(uri, experiment, sweep, **options)
    for record in made:
        mirror.send(record)
    return mirror.close(None)


class FakeTracker:
    """Keeps runs in memory; raises at the calls whose numbers are listed, from 1, or at every call."""

    def __init__(self, fail_at: Iterable[int] = (), always: bool = False):
        self.fail_at, self.always = set(fail_at), always
        self.calls: list[str] = []
        self.runs: dict[str, dict[str, object]] = {}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.always or len(self.calls) in self.fail_at:
            raise ConnectionError("refused by http://user:secret@host")

    def open(self, experiment: str) -> None:
        self._call("open")

    def describe(self, text: str) -> None:
        self._call("describe")

    def find(self, tags: Mapping[str, str]) -> Run | None:
        self._call("find")
        found = [i for i, r in self.runs.items() if tags.items() <= r["tags"].items()]
        return Run(found[0], self.runs[found[0]]["tags"]) if found else None

    def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        self._call("create")
        run_id = f"run{len(self.runs)}"
        self.runs[run_id] = {"name": name, "tags": dict(tags), "items": set(), "status": "RUNNING"}
        return run_id

    def log(self, run_id: str, items: Iterable[Item]) -> None:
        self._call("log")
        run = self.runs[run_id]
        for item in items:
            run["items"].add(item)
            if isinstance(item, Tag):
                run["tags"][item.key] = item.value

    def log_folder(self, run_id: str, folder: Path, path: str) -> None:
        self._call("log_folder")

    def set_status(self, run_id: str, status: str, end_ms: int | None = None) -> None:
        self._call("set_status")
        self.runs[run_id]["status"] = status

    def of_kind(self, kind: str) -> list[dict[str, object]]:
        return [r for r in self.runs.values() if r["tags"]["bench.kind"] == kind]


def send(tracker: FakeTracker, records: list[RunRecord], finish: bool = False) -> tuple[Outcome, list[str]]:
    warnings: list[str] = []
    mirror = Mirror("http://user:secret@host/?token=x", EXPERIMENT, SWEEP, warn=warnings.append, tracker=tracker)
    for record in records:
        mirror.send(record)
    if finish:
        mirror.finish(None, "Opening.", MEANS)
    return mirror.close(60), warnings


def records(n: int = 3) -> list[RunRecord]:
    return [fake_record("fake/rnn", seed) for seed in range(n)]


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


class TestUris:
    def test_default_lies_in_the_results(self, tmp_path):
        assert tracking_uri(tmp_path, {}) == f"sqlite:///{tmp_path}/mlflow.db"
        assert tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": "http://host"}) == "http://host"

    @pytest.mark.parametrize(
        ("uri", "safe"),
        [
            ("http://me:pw@host:5000/x?token=1#f", "http://host:5000/x"),
            ("postgresql://me:p%40w@host/db?sslkey=k", "postgresql://host/db"),
            ("sqlite:////tmp/a.db?key=k", "sqlite:////tmp/a.db"),
            ("databricks", "databricks"),
        ],
    )
    def test_secrets_are_left_out(self, uri, safe):
        assert safe_uri(uri) == safe


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

    def test_failed_runs_are_marked(self):
        tracker = FakeTracker()
        send(tracker, [fake_record(status="timed_out"), *records(1)])
        assert sorted(r["status"] for r in tracker.of_kind("run")) == ["FAILED", "FINISHED"]

    def test_sweep_params(self):
        params = sweep_params(fake_plan([fake_case()], [], seeds=(1, 2)))
        assert params["suite.seeds"] == "1, 2"
        assert params["suite.runs"] == "2"


def test_importing_the_package_imports_no_mlflow():
    code = "import sys, bench.tracking; sys.exit(any(m in sys.modules for m in ('mlflow', 'keras', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestMlflow:
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
        for _ in range(2):  # the second time adds nothing
            mirror = Mirror(uri, EXPERIMENT, SWEEP, params=params, warn=warnings.append)
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
        assert parent.data.params["suite.seeds"] == "0, 1"
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

    @pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
    def test_corrupt_file_costs_seconds(self, tmp_path, content):
        (tmp_path / "mlflow.db").write_bytes(content)
        outcome, warning, took_s = _mirror_to(tracking_uri(tmp_path, {}))
        assert outcome == Outcome(0, 0, 3)
        assert "no usable database" in warning
        assert took_s < 20
        assert (tmp_path / "mlflow.db").read_bytes() == content

    def test_dead_port_costs_seconds(self, server_timeouts):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            uri = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
        outcome, warning, took_s = _mirror_to(uri)
        assert outcome == Outcome(0, 0, 3)
        assert "(connection refused)" in warning
        assert "secret" not in warning
        assert took_s < 20

    def test_silent_port_costs_two_timeouts(self, server_timeouts):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            outcome, warning, took_s = _mirror_to(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert outcome == Outcome(0, 0, 3)
        assert "(no answer in time)" in warning
        assert took_s < 30

    def test_names_with_quotes_are_found(self, tmp_path):
        tracker = MlflowTracker(tracking_uri(tmp_path, {}))
        tracker.open("quotes")
        run_id = tracker.create("a", 0, {"bench.sweep": "it's"})
        assert tracker.find({"bench.sweep": "it's"}).run_id == run_id
        assert sqlite3.connect(tmp_path / "mlflow.db").execute("select count(*) from runs").fetchone() == (1,)


@pytest.fixture
def server_timeouts(monkeypatch):
    """A short time-out, so that the test is; the code under test sets five seconds itself."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


def _mirror_to(uri: str) -> tuple[Outcome, str, float]:
    warnings: list[str] = []
    started = time.monotonic()
    mirror = Mirror(uri, EXPERIMENT, SWEEP, warn=warnings.append)
    for record in records():
        mirror.send(record)
    outcome = mirror.close(60)
    (warning,) = warnings
    return outcome, warning, time.monotonic() - started
