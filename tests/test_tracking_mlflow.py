"""MLflow itself behind the mirror: its database, a port that is dead, and one that is silent."""

import json
import socket
import stat

import pytest

from bench.store import read_record
from bench.tracking import Mirror, MlflowTracker, Outcome, sweep_params, tracking_uri
from tests.fakes import fake_case, fake_plan, fake_record
from tests.tracking_fakes import EXPERIMENT, MEANS, SWEEP, records, sync, with_data


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
            (report / "report.html").write_text(f"<p>{baseline}</p>")
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
        pages = [f.path for f in client.list_artifacts(parent.info.run_id, "report") if f.path.endswith(".html")]
        assert pages == ["report/report.html"]
        artifacts = tmp_path / "results" / "artifacts"
        page = artifacts / parent.info.run_id / "artifacts" / "report" / "report.html"
        assert page.read_text() == "<p>another</p>"  # the newer takes the place of the older
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
        assert child.data.metrics["valid/mse"] == record.score("mse")
        history = client.get_metric_history(run_id, "curve/train_loss")
        assert [m.step for m in history] == list(range(1, 21))
        assert [m.value for m in history] == record.curve.train_loss
        assert child.info.end_time - child.info.start_time == 245_000
        (data,) = child.inputs.dataset_inputs
        assert (data.dataset.name, data.dataset.digest) == ("fake_waves", "d" * 16)
        assert {f.path for f in client.list_artifacts(run_id)} == {"record.json", "learning_curve.png"}
        assert read_record((artifacts / run_id / "artifacts" / "record.json").read_text())[0] == record
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

        # results that were moved, or are seen under another path, are the same results
        moved = (tmp_path / "results").rename(tmp_path / "moved")
        assert sync(made, tracking_uri(moved, {}), EXPERIMENT, SWEEP) == Outcome(0, 3, 0)
        assert sync([fake_record("fake/gru")], tracking_uri(moved, {}), EXPERIMENT, SWEEP) == Outcome(1, 0, 0)
        assert not (tmp_path / "results").exists()
        client = MlflowClient(tracking_uri=tracking_uri(moved, {}))
        assert {e.name for e in client.search_experiments()} == {EXPERIMENT, "Default"}
        found = client.search_runs([experiment.experiment_id])
        assert all(client.list_artifacts(run.info.run_id) for run in found if run.info.run_id != parent.info.run_id)
        assert {run.info.artifact_uri.partition("/artifacts/")[0] for run in found} == {moved.as_uri()}
        modes = {stat.S_IMODE(folder.stat().st_mode) for folder in moved.rglob("*") if folder.is_dir()}
        assert modes == {stat.S_IMODE(moved.stat().st_mode)}, "as the umask has them"

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
