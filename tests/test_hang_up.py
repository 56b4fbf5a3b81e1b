"""A terminal that closes: what it takes with it, and what outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.test_terminal import RUN, environment, folder, records


@pytest.fixture(autouse=True)
def _hang_ups_are_heard():
    """Have what a test starts hear a hang-up, also where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def started(command: list[str], where: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a session of its own, of which nothing is left in the end."""
    own = environment(**variables)
    with subprocess.Popen(command, cwd=where, env=own, stdout=-1, stderr=-1, start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def gated_sweep(tmp_path, *before):
    """Start a sweep whose second run waits for as long as a file is there, and wait for its first."""
    where = folder(tmp_path, fault="gate")
    gate = where / "gate"
    gate.touch()
    command = [*before, sys.executable, "-m", "bench", *RUN, "--no-report"]
    with started(command, where, TEST_GATE=str(gate)) as sweep:
        wait_for(lambda: list(where.glob("results/records/*.json")))
        yield sweep, gate


def test_a_terminal_that_closes_ends_a_sweep_as_ctrl_c_does(tmp_path):
    with gated_sweep(tmp_path) as (sweep, _):
        for _ in range(2):  # the shell and the system may both send it, to workers too
            os.killpg(sweep.pid, signal.SIGHUP)
        out, err = (text.decode() for text in sweep.communicate(timeout=60))
    assert sweep.returncode == 3, out + err
    assert "interrupted: 1 of 2 runs recorded; go on with: " in out
    assert [record.status for record in records(tmp_path)] == ["done"]


def test_a_sweep_under_nohup_outlives_its_terminal(tmp_path):
    with gated_sweep(tmp_path, "nohup") as (sweep, gate):
        os.killpg(sweep.pid, signal.SIGHUP)
        gate.unlink()
        out, err = (text.decode() for text in sweep.communicate(timeout=60))
    assert sweep.returncode == 0, out + err
    assert [record.status for record in records(tmp_path)] == ["done", "done"]


SERVE = """
import subprocess, sys
from pathlib import Path
from bench.tracking import serve

start = subprocess.Popen
serve.subprocess.Popen = lambda words, **options: start([sys.executable, "-c", "input()"], stdin=-1, **options)
Path("mlflow.db").touch()
sys.exit(serve.serve_ui(Path(), 0))
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_the_ui_ends_with_its_terminal(number, tmp_path):
    command = [sys.executable, "-c", SERVE]
    with started(command, tmp_path) as served:
        assert served.stdout.readline().startswith(b"MLflow UI: http://")
        (server,) = wait_for(lambda: psutil.Process(served.pid).children())
        served.send_signal(number)
        out, err = served.communicate(timeout=60)
    assert (served.returncode, out, err) == (0, b"", b"")
    assert not server.is_running()


def wait_for(found):
    deadline = time.monotonic() + 120
    while not found() and time.monotonic() < deadline:
        time.sleep(0.02)
    return found()
