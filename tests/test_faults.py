"""The points at which tests make a process fail."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import faults

ROOT = Path(__file__).parent.parent


@pytest.fixture
def arm(monkeypatch):
    monkeypatch.setattr(faults, "_passed", faults.Counter())
    return lambda text: monkeypatch.setenv(faults.VARIABLE, text)


def test_nothing_happens_where_nothing_is_armed(arm):
    faults.point("a.point")
    arm("another.point:raise")
    faults.point("a.point")
    assert not faults._passed["a.point:raise"]


def test_the_action_happens_at_its_own_time_and_once(arm):
    arm("a.point:enospc:3,b.point:raise")
    for _ in range(2):
        faults.point("a.point")
    with pytest.raises(OSError, match="No space left") as error:
        faults.point("a.point")
    assert error.value.errno == errno.ENOSPC
    faults.point("a.point")
    with pytest.raises(RuntimeError, match=r"a test made b\.point fail"):
        faults.point("b.point")
    faults.point("b.point")


def test_an_unknown_action_is_an_error(arm):
    arm("a.point:explode")
    with pytest.raises(ValueError, match="no action 'explode'; there are kill, enospc and raise"):
        faults.point("a.point")


def test_kill_ends_the_process_as_kill_9_does():
    code = "from bench import faults; faults.point('a.point'); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={faults.VARIABLE: "a.point:kill"}, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b""
    assert done.stderr == b"bench: fault at a.point: kill\n"
