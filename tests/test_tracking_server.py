"""The mirror before a real MLflow server, over HTTP: down, cut off in the middle, started again, silent."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench.store import read_record
from bench.tracking import Mirror, MlflowTracker, Outcome
from bench.tracking.items import Artifact, Item
from bench.tracking.run_items import record_items
from bench.tracking.sending import KEY, KIND
from tests.tracking_fakes import HOSTILE, MEANS, SWEEP, fake_measurement, hostile_record, records

SERVER_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}
SERIES = {"curve/train_loss", "round/train_windows_per_s"}
VERSION = count()
READY = "Uvicorn running on"
"""Said when the port is bound; what is said of the start-up before that is too early."""


class Server:
    """An MLflow server with an SQLite file behind it, which can be killed and started again on the same port."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}"),
            *("--artifacts-destination", str(self.folder / "artifacts")),
        ]
        # In a session of its own, so that all of its processes end together.
        self._process = subprocess.Popen(
            command,
            env=os.environ | SERVER_ENVIRONMENT,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if READY in line:
                break
        else:
            pytest.fail("the server did not start: " + "".join(said[-20:]))
        # What it says from here on is read, so that it never waits for a reader.
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")  # this is about a server that answers or is gone
        made = Server(tmp_path_factory.mktemp("server"))
        made.start()
        yield made
        made.kill()


def sync(server: Server, experiment: str, made: Iterable[Any]) -> tuple[Outcome, list[str]]:
    """Send what is missing and the summary, as `bench sync` does, with params that are others each time."""
    warnings: list[str] = []
    params = {"suite": experiment, "told": str(next(VERSION))}
    mirror = Mirror(server.uri, experiment, SWEEP, params=params, warn=warnings.append)
    for record in made:
        mirror.send(record)
    mirror.finish(None, "Opening.", MEANS)
    return mirror.close(None), warnings


def content(server: Server, experiment: str) -> dict[str, Any]:
    """Return all that the server has of an experiment, by run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=server.uri)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id], max_results=1000)
    return {
        run.info.run_id: (
            run.info.status,
            run.info.run_name,
            dict(run.data.tags),
            dict(run.data.params),
            {key: len(client.get_metric_history(run.info.run_id, key)) for key in SERIES & set(run.data.metrics)},
            sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        )
        for run in found
    }


@pytest.mark.variant  # of what test_tracking_hostile makes of such names
@pytest.mark.slow
def test_names_of_any_kind_arrive(server, tmp_path):
    from mlflow import MlflowClient

    made = [hostile_record(name) for name in HOSTILE]
    assert sync(server, "hostile", made) == (Outcome(len(made), 0, 0), [])
    runs = content(server, "hostile")
    assert len(runs) == len(made) + 1
    assert {status for status, *_ in runs.values()} == {"FINISHED"}
    by_key = {tags.get(KEY): run_id for run_id, (_, _, tags, *_) in runs.items()}
    client = MlflowClient(tracking_uri=server.uri)
    file = client.download_artifacts(by_key[made[0].key], "record.json", str(tmp_path))
    assert read_record(Path(file).read_text())[0].spec.case == HOSTILE[0]


@pytest.mark.slow
def test_a_driver_killed_within_a_run_leaves_nothing_that_sync_does_not_mend(server, request):
    code = (
        "from bench.tracking import Mirror; from tests.tracking_fakes import SWEEP, records; "
        f"mirror = Mirror({server.uri!r}, 'killed', SWEEP); mirror.send(records(1)[0]); mirror.close(None)"
    )
    environment = os.environ | {"BENCH_FAULT": "mirror.logged:kill"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, cwd=request.config.rootpath, check=False)
    assert ended.returncode == -signal.SIGKILL
    half = content(server, "killed")
    assert sorted(status for status, *_ in half.values()) == ["RUNNING", "RUNNING"]
    assert sync(server, "killed", records(1)) == (Outcome(1, 0, 0), [])
    whole = content(server, "killed")
    assert set(whole) == set(half)
    assert {status for status, *_ in whole.values()} == {"FINISHED"}
    (metrics,) = [metrics for _, _, tags, _, metrics, _ in whole.values() if tags[KIND] == "run"]
    assert metrics["curve/train_loss"] == 20


@pytest.mark.slow
def test_a_server_killed_within_a_run_costs_one_warning_and_sync_mends_it(server):
    made = [*records(5), fake_measurement()]
    logged = iter(range(len(made)))

    class Cut(MlflowTracker):
        """Loses its server when the fourth record is made and not yet logged."""

        def log(self, run_id: str, items: Iterable[Item]) -> None:
            items = list(items)
            if any(isinstance(item, Artifact) for item in items) and next(logged) == 3:
                server.kill()
            super().log(run_id, items)

    warnings: list[str] = []
    mirror = Mirror(server.uri, "cut", SWEEP, warn=warnings.append, tracker=Cut(server.uri))
    for record in made:
        mirror.send(record)
    try:
        assert mirror.close(None) == Outcome(3, 0, 3)
    finally:
        server.start()
    (warning,) = warnings
    assert "3 of 6 records were not sent (connection refused)" in warning
    half = content(server, "cut")
    assert sorted(status for status, *_ in half.values()) == ["FINISHED"] * 3 + ["RUNNING"] * 2

    assert sync(server, "cut", made) == (Outcome(3, 3, 0), [])
    whole = content(server, "cut")
    assert set(half) < set(whole)
    assert {status for status, *_ in whole.values()} == {"FINISHED"}
    assert {tags["bench.sent"] for _, _, tags, *_ in whole.values()} == {"yes"}
    keys = [tags[KEY] for _, _, tags, *_ in whole.values() if KEY in tags]
    assert sorted(keys) == sorted(record.key for record in made)
    names = {name: metrics for _, name, _, _, metrics, _ in whole.values()}
    assert [names[f"rnn · seed {seed}"]["curve/train_loss"] for seed in range(5)] == [20] * 5
    assert names["gru · throughput"]["round/train_windows_per_s"] == 3
    files = {item.path for item in record_items(made[3]) if isinstance(item, Artifact)}
    assert all(set(found) == files for _, _, tags, _, _, found in whole.values() if tags[KIND] == "run")

    assert sync(server, "cut", made) == (Outcome(0, 6, 0), [])
    assert content(server, "cut") == whole


def test_a_port_that_accepts_and_never_answers_holds_up_nobody(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    warnings: list[str] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mirror = Mirror(f"http://127.0.0.1:{silent.getsockname()[1]}", "silent", SWEEP, warn=warnings.append)
        for record in records(20):
            mirror.send(record)
        assert mirror.close(0.01) == Outcome(0, 0, 20)
    (warning,) = warnings
    assert "20 of 20 records were not sent (it took too long)" in warning
