"""Secrets stay where they are, and no name keeps a run out of MLflow or becomes markup."""

import json
import re
import signal
import subprocess

import pandas as pd
import pytest

from bench.errors import BenchError
from bench.record import Failure
from bench.text.markdown import escape, fenced
from bench.tracking import Mirror, Outcome, safe_uri, serve, tracking_uri
from bench.tracking.curve import draw_curve
from bench.tracking.items import Metric, Param, Tag
from bench.tracking.limits import KEY_LENGTH, batches, fit_key, fit_name, fit_value
from bench.tracking.notes import markdown_table
from bench.tracking.run_items import record_items
from bench.tracking.uris import redacted
from tests.fakes import fake_record
from tests.tracking_fakes import EXPERIMENT, HOSTILE, SWEEP, FakeTracker, fake_measurement, hostile_record, records

MLFLOW_KEY = re.compile(r"[/\w.\- ]+")
"""What MLflow takes in a key on every system."""


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
            ("sqlite:////home/me@there/a.db", "sqlite:////home/me@there/a.db"),
            ("databricks", "databricks"),
            ("http://[::1]:5000/x?token=1", "http://[::1]:5000/x"),
            # nobody can tell where these passwords end
            ("http://me:p/w@host/x", "http://..."),
            ("http://me:p?w@host", "http://..."),
            ("http://me:p#w@host", "http://..."),
            ("http://me:p@w@host", "http://..."),
            ("http://host/?token=a@b", "http://..."),
            ("http://[::1/x?token=1", "http://..."),
        ],
    )
    def test_secrets_are_left_out(self, uri, safe):
        assert safe_uri(uri) == safe

    @pytest.mark.parametrize(
        "text",
        [
            "refused by http://me:s3cret%2Fpw@host/x?token=t0ken",
            "host='host', port=80: url: /x?token=t0ken&a=b (Caused by nothing)",
            "no user me:s3cret/pw here, nor me with s3cret%2Fpw",
            "Response body: 'token t0ken is out of date'",
            "https://someone:else@proxy:8080 says no; password envpw",
        ],
    )
    def test_texts_are_cleaned(self, text):
        environ = {"MLFLOW_TRACKING_PASSWORD": "envpw"}
        clean = redacted(text, "http://me:s3cret%2Fpw@host/x?token=t0ken", environ)
        assert not re.search(r"s3cret|t0ken|envpw|else", clean)
        assert re.search("host|here|body|proxy", clean)

    def test_nothing_is_quoted_of_a_uri_that_cannot_be_read(self):
        assert redacted("host='p', url: /w@host", "http://me:p/w@host") == ""

    @pytest.mark.parametrize(
        ("uri", "told"),
        [
            ("http://me:s3cret@host/?token=t0ken", "(password s3cret)"),
            ("http://me:s3/cret@host", "host='me', port=s3, url: /cret@host"),
            ("http://[s3cret", "'[s3cret' is no host"),
        ],
    )
    def test_no_warning_and_no_run_holds_a_secret(self, uri, told):
        class Loose(FakeTracker):
            def _call(self, name: str) -> None:
                self.calls.append(name)
                if self.always:
                    raise ConnectionError(f"Max retries for {uri}/api/2.0/mlflow?token=t0ken: {told}")

        for fails in (False, True):
            tracker = Loose(always=fails)
            warnings: list[str] = []
            mirror = Mirror(uri, EXPERIMENT, SWEEP, warn=warnings.append, tracker=tracker)
            for record in [*records(2), fake_measurement()]:
                mirror.send(record)
            mirror.finish(None, "Opening.", pd.DataFrame({"case": ["a"]}))
            assert mirror.close(60) == (Outcome(0, 0, 3) if fails else Outcome(3, 0, 0))
            assert len(warnings) == fails
            assert not re.search("s3|/cret|t0ken", f"{warnings} {tracker.runs}")


class TestLimits:
    @pytest.mark.parametrize(
        "key", [*HOSTILE, "\ud800", "a//b", "a/./b", "a/", "..a", ".../a", "tr\n", "ends/..", "a:b"]
    )
    def test_every_key_fits(self, key):
        for made in (fit_key(key), fit_key(f"valid/{key}"), fit_key(key * 300)):
            assert MLFLOW_KEY.fullmatch(made)
            assert len(made) <= KEY_LENGTH
            assert not made.startswith((".", "/"))
            assert not {"", ".", ".."} & set(made.split("/"))

    @pytest.mark.parametrize("key", ["valid/mse", "model.cell.units", "test_best/mse_per_step", "größe", "a b-c"])
    def test_good_keys_stay(self, key):
        assert fit_key(key) == key
        assert fit_key(fit_key(key)) == key

    def test_no_two_keys_become_one(self):
        keys = [*HOSTILE, "a:b", "a;b", "a b", "x" * 299, "x" * 301, "a/b", "a//b", "../a/b"]
        assert len({fit_key(key) for key in keys}) == len(keys)

    def test_values_and_names(self):
        assert fit_value("nul\0 \ud800 \x1b[31m tab\t line\n") == "nul\N{REPLACEMENT CHARACTER} � �[31m tab\t line\n"
        assert len(fit_value("🤖" * 9000)) == 5000
        assert fit_name("a\nb\0") == "a b�"
        assert fit_name(" \n ") == "unnamed"
        assert len(fit_name("x" * 300)) == 250

    def test_batches_fit_what_they_hold(self):
        (batch,) = batches([Param("a|b", "v\0"), Metric("a|b", 1.0, 0, 3), Tag("a|b", "v\0")])
        assert {batch.params[0].key, batch.metrics[0].key, batch.tags[0].key} == {fit_key("a|b")}
        assert {batch.params[0].value, batch.tags[0].value} == {"v�"}
        assert (batch.metrics[0].value, batch.metrics[0].step) == (1.0, 3)

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_record_of_any_name_becomes_items_that_fit(self, name):
        record = hostile_record(name)
        for batch in batches(record_items(record)):
            assert len({p.key for p in batch.params}) == len(batch.params)
            for item in [*batch.params, *batch.tags]:
                assert "\0" not in item.value
                assert MLFLOW_KEY.fullmatch(item.key)
        assert draw_curve(record.curve, name).startswith(b"\x89PNG")


class TestMarkdown:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_table_keeps_its_cells(self, name):
        frame = pd.DataFrame({"case": [name], name + "x": [1.0]})
        lines = markdown_table(frame).split("\n")
        assert len(lines) == 3
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}

    @pytest.mark.parametrize("name", HOSTILE)
    def test_text_is_one_line_without_markup(self, name):
        text = escape(name)
        assert "\n" not in text
        assert not re.search(r"(?<!\\)[`*|\[#~]|<", text)

    def test_names_as_they_are_usual_stay(self):
        assert escape("seq2seq_gru 20-20, Adam 0.01 (a.b)") == "seq2seq_gru 20-20, Adam 0.01 (a.b)"

    def test_details_do_not_leave_their_fence(self):
        text = "a\n```\n# heading\n````\n"
        first, *_, last = fenced(text).split("\n")
        assert first == last == "`````"
        record = fake_record(status="failed").model_copy(
            update={"failure": Failure(reason="**bold**\n# <b>", details=text)}
        )
        (note,) = [i.value for i in record_items(record) if isinstance(i, Tag) and i.key == "mlflow.note.content"]
        assert note.split("\n")[0] == r"**failed**: \*\*bold\*\* \# &lt;b&gt;"
        assert note.endswith(fenced(text))


class TestUi:
    @pytest.fixture
    def started(self, monkeypatch):
        """What `serve_ui` would start, and in which environment."""
        made = []

        class Done(subprocess.Popen):
            def __init__(self, command, env, start_new_session):
                made.append((command, env))
                self.pid, self.returncode = 0, 0

            def wait(self, timeout=None):
                return 0

        monkeypatch.setattr(serve.subprocess, "Popen", Done)
        monkeypatch.setattr(serve, "check", lambda uri: None)
        monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
        monkeypatch.setattr(serve.os, "killpg", lambda pid, number: made.append((pid, number)))
        return made

    def test_binds_to_this_machine_and_shows_no_secret_in_its_command(self, tmp_path, monkeypatch, started, capsys):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:s3cret@db/x")
        assert serve.serve_ui(tmp_path, 5999) == 0
        (command, environment), ended = started
        assert command[command.index("--host") + 1] == "127.0.0.1"
        assert command[command.index("--port") + 1] == "5999"
        assert not re.search("s3cret", json.dumps(command) + capsys.readouterr().out)
        assert environment["MLFLOW_BACKEND_STORE_URI"] == "postgresql://me:s3cret@db/x"
        assert environment["MLFLOW_DEFAULT_ARTIFACT_ROOT"] == (tmp_path / "artifacts").as_uri()
        assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert ended == (0, signal.SIGTERM)

    def test_a_server_has_a_ui_of_its_own(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:s3cret@host:5000/?token=t0ken")
        with pytest.raises(BenchError, match=r"open https://host:5000/$"):
            serve.serve_ui(tmp_path, 5999)
