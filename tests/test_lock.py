"""One writer at a time: with real locks, and real processes that die holding them."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from bench.errors import BenchError
from bench.lock import HOLDER, LOCK, hold, read_holder

ROOT = Path(__file__).parent.parent
HOLDING = """
import pathlib, sys
from bench.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder until it is told to end."""
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=ROOT) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_told_who_holds_it_and_since_when(tmp_path, other):
    place = r"results is held by process \d+ on host \S+ since 20\d\d-\d\d-\d\d \d\d:\d\d UTC \(-c .*\); "
    with (
        pytest.raises(BenchError, match=place.replace("results", str(tmp_path)) + "wait for it with --wait"),
        hold(tmp_path),
    ):
        pass
    assert read_holder(tmp_path).pid == other.pid


def test_one_that_waits_is_told_once_and_goes_on_when_the_holder_ends(tmp_path, other):
    told = []

    def on_wait(holder):
        told.append(holder)
        other.stdin.write("\n")
        other.stdin.flush()

    with hold(tmp_path, wait_s=math.inf, on_wait=on_wait):
        assert read_holder(tmp_path).pid == os.getpid()
    assert [holder.pid for holder in told] == [other.pid]


def test_one_that_waits_can_be_told_to_leave(tmp_path, other):
    told = []
    with (
        pytest.raises(InterruptedError),
        hold(tmp_path, wait_s=math.inf, on_wait=told.append, cancelled=lambda: bool(told)),
    ):
        pass
    assert read_holder(tmp_path).pid == other.pid == told[0].pid


def test_one_that_waits_long_enough_leaves(tmp_path, other):
    with pytest.raises(BenchError, match=f"held by process {other.pid} "), hold(tmp_path, wait_s=0.2):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_holder_s_lock_is_taken_over(tmp_path, other, number):
    other.send_signal(number)
    other.wait()
    assert (tmp_path / HOLDER).exists()
    assert read_holder(tmp_path) is None
    with hold(tmp_path):
        assert read_holder(tmp_path).pid == os.getpid()
    assert not (tmp_path / HOLDER).exists()


def test_what_a_dead_holder_left_misleads_nobody(tmp_path, other):
    """The lock is another's by now, who has not said so yet: the dead one is not named."""
    other.kill()
    other.wait()
    with FileLock(tmp_path / LOCK), pytest.raises(BenchError, match="is held by another process; wait"), hold(tmp_path):
        pass


def test_a_number_that_went_to_a_younger_process_is_not_the_holder(tmp_path):
    with hold(tmp_path):
        said = json.loads((tmp_path / HOLDER).read_text())
        (tmp_path / HOLDER).write_text(json.dumps(said | {"since": "2001-01-01T00:00:00+00:00"}))
        assert read_holder(tmp_path) is None


def test_a_holder_on_another_host_is_believed(tmp_path):
    with hold(tmp_path):
        said = json.loads((tmp_path / HOLDER).read_text()) | {"host": "far-away", "pid": 2**22 + 1}
        (tmp_path / HOLDER).write_text(json.dumps(said))
        assert read_holder(tmp_path).host == "far-away"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "host": 1, "since": 2, "command": 3}'])
def test_a_spoilt_word_is_no_word(tmp_path, text):
    (tmp_path / HOLDER).write_text(text)
    assert read_holder(tmp_path) is None


def test_an_unwritable_folder_is_said_in_one_line(tmp_path):
    (tmp_path / "taken").write_text("a file in the way")
    with pytest.raises(BenchError, match="cannot write to the results folder"), hold(tmp_path / "taken"):
        pass


def test_a_full_disk_costs_the_word_and_not_the_lock(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bench.files.create", full)
    with hold(tmp_path):
        assert read_holder(tmp_path) is None
