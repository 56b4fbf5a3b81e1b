"""MLflow's database of another version, of something else, moved with its folder; addresses that take no runs."""

import os
import shlex
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bench.cli.app import call
from bench.tracking import MlflowTracker, Outcome, client, database, tracking_uri
from bench.tracking.advice import unusable
from bench.tracking.database import Unusable, file_of, prepare, uri_of
from tests.tracking_fakes import EXPERIMENT, SWEEP, FakeTracker, records, send, sync

ROOT = Path(__file__).parent.parent
OTHERS = {
    "newer": "CREATE TABLE experiments (a); CREATE TABLE alembic_version (version_num);"
    "INSERT INTO alembic_version VALUES ('f00dfacecafe')",
    "of something else": "CREATE TABLE customers (name); INSERT INTO customers VALUES ('a')",
}


def make(file, script):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)


def ask(file, query, *values):
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(query, values).fetchall()
        connection.commit()
    return found


def warned(uri):
    """What the mirror says that cannot send three records to an address."""
    warnings: list[str] = []
    outcome = sync(records(), uri, EXPERIMENT, SWEEP, warn=warnings.append, again="true")
    assert outcome == Outcome(0, 0, 3)
    (warning,) = warnings
    return warning


def paste(warning):
    """Run the command that ends a warning, as it stands."""
    return subprocess.run(["sh", "-c", warning.rpartition(": ")[2]], check=True)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "it's my results"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", OTHERS)
def test_a_database_that_cannot_serve_is_put_away_by_one_command_and_nothing_of_it_is_lost(results, kind, capsys):
    file = results / "mlflow.db"
    make(file, OTHERS[kind])
    before = file.read_bytes()
    assert call(["ui", "--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    warning = warned(tracking_uri(results, {}))
    for said in (line, warning):
        assert kind in said
        assert f"mv {shlex.quote(str(file))} " in said
    assert file.read_bytes() == before
    paste(warning)
    assert not file.exists()
    (kept,) = results.glob("mlflow.db.*")
    assert kept.read_bytes() == before
    make(file, OTHERS[kind])
    paste(warned(tracking_uri(results, {})))
    assert len(list(results.glob("mlflow.db.*"))) == 2, "a second one does not take the place of the first"


@pytest.mark.slow
@pytest.mark.variant
def test_an_older_database_is_upgraded_and_kept_as_it_was(results, monkeypatch):
    """The last step of MLflow's schema is taken back, as if an older MLflow had made it."""
    from mlflow import MlflowClient
    from mlflow.store.db.utils import _get_alembic_config

    uri, file = tracking_uri(results, {}), results / "mlflow.db"
    assert sync(records(), uri, EXPERIMENT, SWEEP) == Outcome(3, 0, 0)
    from alembic import command

    config = _get_alembic_config(uri)
    (head,) = ask(file, "SELECT version_num FROM alembic_version")[0]
    command.downgrade(config, "-1")
    (older,) = ask(file, "SELECT version_num FROM alembic_version")[0]
    assert older != head
    said: list[str] = []
    assert sync(records(4), uri, EXPERIMENT, SWEEP, warn=said.append) == Outcome(1, 3, 0)
    kept = results / f"mlflow.db.{older}"
    assert [f"it is kept in {kept}" in line for line in said] == [True]
    assert ask(kept, "SELECT version_num FROM alembic_version") == [(older,)]
    assert ask(file, "SELECT version_num FROM alembic_version") == [(head,)]
    found = MlflowClient(tracking_uri=uri)
    assert len(found.search_runs([found.get_experiment_by_name(EXPERIMENT).experiment_id])) == 5
    assert sync(records(4), uri, EXPERIMENT, SWEEP, warn=pytest.fail) == Outcome(0, 4, 0)
    assert {path.name for path in results.iterdir()} == {file.name, kept.name, "artifacts"}

    # one that only says so cannot be upgraded: it is left as it is, and no copy of it stays
    before = ask(file, "UPDATE alembic_version SET version_num = ?", older) or file.read_bytes()
    kept.unlink()
    warning = warned(uri)
    assert "cannot upgrade it" in warning
    assert file.read_bytes() == before
    assert {path.name for path in results.iterdir()} == {file.name, "artifacts"}
    paste(warning)
    assert {path.name for path in results.iterdir()} == {kept.name, "artifacts"}


class TestMoved:
    """A database as MLflow makes it, with what matters here of its tables."""

    @pytest.fixture
    def folders(self, tmp_path):
        old, new = tmp_path / "a b", tmp_path / "new"
        for folder in (old, new):
            (folder / "artifacts" / "run1" / "artifacts").mkdir(parents=True)
        make(
            new / "mlflow.db",
            "CREATE TABLE experiments (experiment_id INTEGER, artifact_location);"
            "CREATE TABLE runs (run_uuid, experiment_id INTEGER, artifact_uri);",
        )
        return old, new

    @staticmethod
    def fill(new, location, *uris):
        ask(new / "mlflow.db", "INSERT INTO experiments VALUES (1, ?)", location)
        for n, uri in enumerate(uris):
            ask(new / "mlflow.db", "INSERT INTO runs VALUES (?, 1, ?)", f"run{n}", uri)

    @staticmethod
    def places(new):
        prepare(uri_of(new / "mlflow.db"))
        location = ask(new / "mlflow.db", "SELECT artifact_location FROM experiments")[0][0]
        return location, [uri for (uri,) in ask(new / "mlflow.db", "SELECT artifact_uri FROM runs ORDER BY run_uuid")]

    def test_artifacts_are_named_where_they_are(self, folders):
        """Copied results: what lies in the copy is named there; what is left in the first folder stays named there."""
        old, new = folders
        (old / "artifacts" / "run0" / "artifacts").mkdir(parents=True)
        there, here = (folder.joinpath("artifacts").as_uri() for folder in folders)
        runs = [f"{there}/run{n}/artifacts" for n in range(3)]
        self.fill(new, there, *runs)
        assert self.places(new) == (here, [runs[0], f"{here}/run1/artifacts", f"{here}/run2/artifacts"])
        assert self.places(new) == (here, [runs[0], f"{here}/run1/artifacts", f"{here}/run2/artifacts"])

    def test_one_folder_under_two_paths_is_left_as_it_is(self, folders, tmp_path):
        _, new = folders
        (tmp_path / "link").symlink_to(new)
        there = f"file://{tmp_path}/link/artifacts"
        self.fill(new, there, f"{there}/run1/artifacts")
        assert self.places(new) == (there, [f"{there}/run1/artifacts"])

    @pytest.mark.parametrize(
        "there", ["s3://bucket/artifacts", "/home/me/mlruns/1", "mlflow-artifacts:/1", "dbfs:/artifacts"]
    )
    def test_a_place_that_a_user_chose_is_left(self, folders, there):
        _, new = folders
        self.fill(new, there, f"{there}/run1/artifacts")
        assert self.places(new) == (there, [f"{there}/run1/artifacts"])


class TestAddresses:
    @pytest.mark.parametrize("name", ["plain", "a?b", "a#b", "a%41b%", "a b", "größe", "a'b\"c", "?uri=true&mode=ro"])
    def test_a_path_of_any_kind_comes_back(self, tmp_path, name):
        file = tmp_path / name / "mlflow.db"
        assert file_of(uri_of(file)) == file
        assert tracking_uri(tmp_path / name, {}) == uri_of(file)
        assert prepare(uri_of(file)) == file
        assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is made beside it"

    def test_a_path_that_is_no_text_is_told(self, tmp_path):
        with pytest.raises(Unusable, match="not UTF-8; name another folder with --results"):
            prepare(uri_of(tmp_path / os.fsdecode(b"a\xff") / "mlflow.db"))

    @pytest.mark.parametrize("uri", ["", " ", "\t\n"])
    def test_a_blank_address_is_none(self, tmp_path, uri):
        assert tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": uri}) == tracking_uri(tmp_path, {})
        assert tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": f" http://host{uri}"}) == "http://host"

    @pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
    def test_what_is_kept_in_memory_is_not_said_to_be_sent(self, uri):
        warning = warned(uri)
        assert "keeps nothing; name a file" in warning
        assert "sends them" not in warning

    def test_one_who_may_not_write_the_database_is_told_whom_to_ask(self, results, monkeypatch):
        file = results / "mlflow.db"
        file.touch()

        def refuse(*_):
            raise sqlite3.OperationalError("unable to open database file")

        monkeypatch.setattr(database.sqlite3, "connect", refuse)
        monkeypatch.setattr(database.os, "access", lambda *_: False)
        warning = warned(tracking_uri(results, {}))
        assert f"let its owner do chmod a+rw {shlex.quote(str(file))}" in warning
        monkeypatch.undo()
        monkeypatch.setattr(database.sqlite3, "connect", refuse)
        assert "`true` or the next run of the suite sends them" in warned(tracking_uri(results, {}))

    @pytest.mark.parametrize(
        ("error", "uri", "told"),
        [
            (ModuleNotFoundError("No module", name="psycopg2"), "postgresql://h/x", "-m pip install psycopg2-binary"),
            (ModuleNotFoundError("No module", name="psycopg"), "postgresql://h/x", "-m pip install 'psycopg[binary]'"),
            (PermissionError(13, "denied", "/tmp/db_init_lock-1"), "sqlite:////x", 'export TMPDIR="$(mktemp -d)"'),
            (RuntimeError("Detected out-of-date database schema (found"), "mysql://h/x", '"$MLFLOW_TRACKING_URI"'),
            (RuntimeError("credential configuration failed"), "databricks", "databricks auth login"),
            (RuntimeError("is in maintenance mode and"), "file:///x", "unset MLFLOW_ALLOW_FILE_STORE"),
            (type("NoSuchModuleError", (Exception,), {})(""), "no+x://h", "unset MLFLOW_TRACKING_URI"),
            (RuntimeError("Max retries"), "http://", "unset MLFLOW_TRACKING_URI"),
            (RuntimeError("failed with error code 404 != 200"), "http://h", "unset MLFLOW_TRACKING_URI"),
            (RuntimeError("failed with error code 401 != 200"), "http://h", ""),
        ],
    )
    def test_what_will_not_pass_has_a_command(self, error, uri, told):
        found = unusable(error, uri)
        assert told in found.command
        assert bool(found.command) == bool(told)

    @pytest.mark.parametrize(
        "text", ["too many 500 error responses", "failed with error code 429 != 200", "timed out", "Connection refused"]
    )
    def test_what_may_pass_has_none(self, text):
        assert unusable(RuntimeError(text), "http://h") is None

    def test_what_will_not_pass_is_tried_once(self):
        class Never(FakeTracker):
            def open(self, experiment: str) -> None:
                self._call("open")
                raise Unusable("it is broken", "mend it")

        tracker = Never()
        outcome, (warning,) = send(tracker, records(), finish=True)
        assert (tracker.calls, outcome) == (["open"], Outcome(0, 0, 3))
        assert warning.endswith("not sent, and the records are safe; it is broken: mend it && bench sync")


@pytest.fixture
def answers() -> Iterator[object]:
    """Start servers that give one answer to everything."""
    servers = []

    def start(code, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(code)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_):
                """Say nothing."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("code", "body"),
    [(200, b"<html>hello</html>"), (200, b""), (200, b"{}"), (404, b"<html>"), (404, b'{"detail": "x"}'), (405, b"no")],
)
def test_a_server_that_is_no_mlflow_is_told(answers, code, body):
    warning = warned(answers(code, body))
    assert "no MLflow server, or one of another version" in warning
    assert warning.endswith(": unset MLFLOW_TRACKING_URI && true")


@pytest.mark.parametrize(("code", "told"), [(401, "wants to know who asks"), (503, "(the server has an error)")])
def test_a_server_that_refuses_or_fails_is_told_otherwise(answers, code, told):
    warning = warned(answers(code, b"no"))
    assert told in warning
    assert "MLFLOW_TRACKING_URI" not in warning


NOBODY = """
import os, pwd, sys
def unknown(*_):
    raise KeyError("uid not found")
pwd.getpwuid = pwd.getpwnam = unknown
for name in ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME"):
    os.environ.pop(name, None)
from bench.tracking import tracking_uri
from tests.tracking_fakes import records, sync
from pathlib import Path
print(sync(records(1), tracking_uri(Path(sys.argv[1]), os.environ), "e", "s"))
"""


@pytest.mark.slow
def test_a_user_whom_the_system_does_not_know_and_without_a_home_is_mirrored(tmp_path, monkeypatch):
    """As in a container that is started with another user's number; and with what such users may have exported."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID", "RUN_NAME", "ARTIFACT_URI", "ARTIFACT_LOCATION"):
        monkeypatch.setenv(f"MLFLOW_{name}", "elsewhere")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "databricks-uc")
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    command = [sys.executable, "-c", NOBODY, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("Outcome(sent=1, present=0, missing=0)\n", "")
    names = [name for (name,) in ask(tmp_path / "mlflow.db", "SELECT name FROM experiments ORDER BY experiment_id")]
    assert names == ["Default", "e"]


def test_the_home_of_one_who_has_one_is_left(monkeypatch):
    environment = {"HOME": "/home/me"}
    client.set_up(environment)
    assert environment["HOME"] == "/home/me"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["file://{}", "{}"])
def test_a_folder_of_files_takes_runs_once(tmp_path, form, monkeypatch):
    for name in client.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    uri = form.format(tmp_path / "mlruns")
    assert sync(records(), uri, EXPERIMENT, SWEEP, warn=pytest.fail) == Outcome(3, 0, 0)
    assert sync(records(), uri, EXPERIMENT, SWEEP, warn=pytest.fail) == Outcome(0, 3, 0)


@pytest.mark.variant
@pytest.mark.slow
def test_another_user_can_open_what_was_opened_here(tmp_path, monkeypatch):
    """MLflow leaves a lock in the machine's temporary folder that another user cannot open."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    MlflowTracker(tracking_uri(tmp_path, {})).open("e")
    assert list((tmp_path / "tmp").iterdir()) == []
