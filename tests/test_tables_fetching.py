"""Files by their address: fetched once, whole or not at all, and checked; from a server of the test's own."""

import http.server
import json
import threading
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from bench.cases.base import component
from bench.cli import call
from bench.datasets.loaded import load
from bench.errors import BenchError
from bench.tables import fetching
from tests.tables import made, one_series

CONTENT = Path(one_series()).read_bytes()
DIGEST = sha256(CONTENT).hexdigest()


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by the path; counts what it was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
            return
        self.send_response(200 if self.path.startswith("/one") else 404)
        if self.path != "/one-unsaid.csv":
            self.send_header("Content-Length", str(len(CONTENT) + 5 * (self.path == "/one-cut.csv")))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def server():
    """The address of a server on this machine, on a free port."""
    made_up = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=made_up.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{made_up.server_address[1]}"
    made_up.shutdown()
    thread.join()
    made_up.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Answers.asked.clear()
    return tmp_path / "cache" / "sequence-bench"


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_fetched_once_and_used_without_a_network(server, cache, capfd):
    url = f"{server}/one.csv"
    data = made(path="", url=url, sha256=DIGEST)
    direct = made()
    for _ in range(2):
        np.testing.assert_array_equal(load(data, 0).splits.test.x, load(direct, 0).splits.test.x)
    assert Answers.asked == ["/one.csv"]
    (kept,) = files(cache)
    assert kept.read_bytes() == CONTENT
    assert kept.name == "one.csv"
    assert data.task().name == direct.task().name
    said = capfd.readouterr().err
    assert said == f"bench: fetched {url} ({len(CONTENT) / 1e6:.3g} MB) to {kept}; sha256 as stated\n"


def test_an_id_holds_the_content_and_neither_the_address_nor_the_check(server, tmp_path, capfd):
    url = f"{server}/one.csv?accessType=DOWNLOAD"
    unchecked = component(made(path="", url=url))
    assert f'no sha256 was stated to hold it to; sha256 = "{DIGEST}" wants this very file' in capfd.readouterr().err
    assert unchecked.identity["params"]["url"] == f"sha256:{DIGEST}"
    assert component(made(path="", url=url, sha256=DIGEST)).identity == unchecked.identity
    assert component(made(path="", url=f"{server}/one-unsaid.csv")).identity == unchecked.identity
    here = tmp_path / "there.csv"
    both = {"path": str(here), "url": url}
    away = component(made(**both))
    here.write_bytes(CONTENT)
    there = component(made(**both))
    assert there.identity == away.identity
    assert "sha256" not in component(made()).identity["params"]
    assert component(made(**both, sha256=DIGEST)).all_params["sha256"] == DIGEST


def test_a_file_that_is_there_is_not_fetched_but_checked(server):
    both = {"path": one_series(), "url": f"{server}/one.csv"}
    assert made(**both, sha256=DIGEST).file == one_series()
    assert Answers.asked == []
    with pytest.raises(BenchError, match=rf"one\.csv: its sha256 is {DIGEST}, not 0{{64}} as stated; put the right"):
        _ = made(**both, sha256="0" * 64).file


@pytest.mark.parametrize(
    ("path", "sha256", "complaint"),
    [
        ("one.csv", "0" * 64, f"its sha256 is {DIGEST}, not {'0' * 64} as stated; nothing was kept"),
        ("none.csv", "", "the server answers 404 (Not Found); mend url, or name a file that is here with path"),
        ("one-cut.csv", "", f"{len(CONTENT)} of {len(CONTENT) + 5} bytes came; try again"),
        ("elsewhere?http://elsewhere.invalid/one.csv", "", "expected https://host/file.csv"),
        ("elsewhere?file:///etc/passwd", "", "is not allowed"),
    ],
)
def test_what_does_not_come_is_a_line_and_nothing_is_kept(server, cache, path, sha256, complaint):
    with pytest.raises(BenchError, match=r"^[^\n]*$") as raised:
        _ = made(path="", url=f"{server}/{path}", sha256=sha256).file
    assert complaint in str(raised.value)
    assert files(cache) == []


@pytest.mark.parametrize("path", ["one.csv", "one-unsaid.csv"])
def test_a_file_that_is_too_large_is_not_fetched(server, cache, monkeypatch, path):
    monkeypatch.setattr(fetching, "MOST_BYTES", len(CONTENT) - 1)
    with pytest.raises(BenchError, match="larger than"):
        _ = made(path="", url=f"{server}/{path}").file
    assert files(cache) == []


def test_a_broken_copy_is_fetched_again(server, cache):
    data = made(path="", url=f"{server}/one.csv", sha256=DIGEST)
    kept = Path(data.file)
    kept.write_bytes(CONTENT[:-1])
    assert Path(data.file).read_bytes() == CONTENT
    assert len(Answers.asked) == 2


def test_without_a_network_or_a_cache_it_is_a_line(server, tmp_path, monkeypatch):
    with pytest.raises(BenchError, match=r"cannot be fetched \(.*\); connect this machine, or put the file at data/x"):
        _ = made(path="data/x.csv", url="http://127.0.0.1:1/one.csv").file
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BenchError, match=r"cannot be written .*; set XDG_CACHE_HOME to a folder with room"):
        _ = made(path="", url=f"{server}/one.csv").file


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"path": ""}, "path is missing; name a CSV or Parquet file, or its address with url"),
        ({"url": "http://example.org/a.csv"}, "expected https://host/file.csv"),
        ({"url": "file:///etc/passwd"}, "expected https://host/file.csv"),
        ({"url": "https://me:secret@example.org/a.csv"}, "url holds a user's name"),
        ({"url": "https://[bad/a.csv"}, "no address"),
        ({"sha256": "abc"}, "should match pattern"),
    ],
)
def test_what_an_address_may_be(changes, complaint):
    with pytest.raises(ValidationError) as raised:
        made(**changes)
    assert complaint in str(raised.value)
    assert "secret" not in str(raised.value.errors()[0]["msg"])


def suite(folder, **dataset):
    table = {"name": "table", **made().model_dump(mode="json", exclude_defaults=True), "path": "", **dataset}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    text = 'name = "t"\nseeds = [1]\nthroughput = false\n[[cases]]\nname = "t"\nmodels = ["seasonal_naive"]\n'
    (folder / "t.toml").write_text(text + "[cases.dataset]\n" + "\n".join(lines) + "\n")
    return [str(folder / "t.toml"), "--results", str(folder / "results"), "--reports", str(folder / "reports")]


def test_a_suite_of_a_file_by_its_address_runs(server, tmp_path, cache, capfd):
    where = suite(tmp_path, url=f"{server}/one.csv", sha256=DIGEST)
    assert call(["run", *where, "--no-track", "--no-report", "--workers", "1"]) == 0
    assert Answers.asked == ["/one.csv"]
    (record,) = (tmp_path / "results" / "records").glob("*.json")
    assert json.loads(record.read_text())["spec"]["dataset"]["contents"] == {"url": f"sha256:{DIGEST}"}
    capfd.readouterr()
    assert call(["run", *suite(tmp_path, url=f"{server}/none.csv"), "--no-track", "--no-report"]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "the server answers 404" in err
