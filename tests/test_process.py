"""A supervised process: what it is set up with, what it says, and how its end is told."""

import os
import signal
import struct
import time

import pytest

from bench import process as module
from bench.child_process import requests
from bench.devices import Device, find_device
from bench.errors import BenchError
from bench.process import Died, Process, Slot, begin, ready
from bench.record import Failure
from bench.variables import THREADS

ANYWHERE = Slot("cpu", find_device("cpu"), None)
LONG_S = 120.0


@pytest.fixture
def start(tmp_path):
    """Start processes that end with the test."""
    started = []

    def start(target, *arguments, slot=ANYWHERE):
        started.append(Process(slot, tmp_path / "log", target, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def echo(connection):
    for message in requests(connection):
        print("heard", message, flush=True)
        connection.send(message)


def fill(connection, count):
    for number in range(count):
        connection.send(number)
    time.sleep(600)


def vanish(connection):
    os._exit(0)


def send_half(connection, then):
    """Write the head of a message of 1,000 bytes and ten of them."""
    os.write(connection.fileno(), struct.pack("!i", 1000) + b"x" * 10)
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


class Unreadable:
    def __reduce__(self):
        return int, ("not a\nnumber",)


def send_unreadable(connection):
    connection.send(Unreadable())
    time.sleep(600)


def masked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)


def variable(name):
    return os.environ.get(name)


def fail():
    raise ValueError("no such thing\nsecond line")


def give_a_function():
    return lambda: None


def test_messages_go_both_ways_until_it_is_told_to_end(start, monkeypatch):
    monkeypatch.setattr(module, "END_S", LONG_S)
    process = start(echo)
    for message in ("a", ["b"] * 100_000):
        process.send(message)
        assert process.receive(LONG_S) == message
    assert process.alive
    assert process.death is None
    assert "heard a" in (process._log).read_text()
    process.end()
    assert process.death == "the worker process ended by itself (exit code 0)"
    process.send("to nobody")
    assert process.kill() == []


def test_what_a_killed_process_had_sent_is_not_lost(start):
    process = start(fill, 5)
    assert process.receive(LONG_S) == 0
    left = process.kill()
    assert left == list(range(1, 1 + len(left)))
    assert "SIGKILL" in process.death


def test_an_end_with_code_0_is_noticed(start):
    with pytest.raises(Died, match=r"ended by itself \(exit code 0\)"):
        start(vanish).receive(LONG_S)


def test_a_message_cut_by_a_death_is_that_death(start):
    with pytest.raises(Died, match="killed by SIGKILL"):
        start(send_half, "die").receive(LONG_S)


def test_a_message_that_is_never_finished_ends_its_sender(start, monkeypatch):
    monkeypatch.setattr(module, "MESSAGE_S", 0.1)
    with pytest.raises(Died, match="killed by SIGKILL"):
        start(send_half, "hang").receive(LONG_S)


def test_a_message_that_cannot_be_read_is_told_in_one_line(start):
    with pytest.raises(Died, match=r"sent what cannot be read \(ValueError: invalid literal .* 'not a\\nnumber'\)"):
        start(send_unreadable).receive(LONG_S)


def test_a_process_that_says_nothing_is_waited_for_so_long_and_no_longer(start, tmp_path):
    process = start(fill, 0)
    with pytest.raises(TimeoutError):
        process.receive(0.01)
    assert process.result(0.01) == Failure(reason="no answer in 0.01 s")
    assert not process.alive


def test_those_that_have_something_to_say_are_told_from_the_others(start):
    silent, talkative, dead = start(fill, 0), start(fill, 1), start(vanish)
    heard = set()
    while len(heard) < 2:
        heard |= set(ready([silent, talkative, dead], LONG_S))
    assert heard == {talkative, dead}


def test_a_function_is_called_in_a_process_and_its_error_is_a_failure(tmp_path):
    log = tmp_path / "log"
    assert begin(ANYWHERE, log, os.getpid).result(LONG_S) != os.getpid()
    failed = begin(ANYWHERE, log, fail).result(LONG_S)
    assert failed.reason == "ValueError: no such thing"
    assert "second line" in failed.details
    unsendable = begin(ANYWHERE, log, give_a_function).result(LONG_S)
    assert unsendable.reason == "the worker process ended by itself (exit code 1)"
    assert "give_a_function" in unsendable.details


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_ctrl_c_reaches_no_process_from_its_first_moment_on_and_its_driver_as_before(tmp_path):
    assert begin(ANYWHERE, tmp_path / "log", masked).result(LONG_S) == (True, signal.SIG_IGN)
    assert masked()[0] is False


def test_a_process_has_the_variables_of_its_engine_its_device_and_its_own(tmp_path):
    slot = Slot("cpu", find_device("cpu"), None, "tensorflow", {"ONLY_HERE": "1"})
    assert {name: value for name, value in slot.variables.items() if value is not None} == {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "CUDA_VISIBLE_DEVICES": "-1",
        **dict.fromkeys(THREADS, "1"),
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "ONLY_HERE": "1",
    }
    assert begin(slot, tmp_path / "log", variable, "ONLY_HERE").result(LONG_S) == "1"
    assert "ONLY_HERE" not in os.environ
    assert "TF_NUM_INTRAOP_THREADS" not in ANYWHERE.variables
    gpu = Slot("gpu", Device("gpu", 0, "Card", {"CUDA_VISIBLE_DEVICES": "0"}), None, "tensorflow")
    assert "OMP_NUM_THREADS" not in gpu.variables
    with pytest.raises(BenchError, match="unknown backend"):
        _ = Slot("cpu", find_device("cpu"), None, "no_such_backend").variables


def test_a_slot_serves_its_backend_and_what_needs_none():
    served = Slot("cpu", find_device("cpu"), None, "tensorflow")
    assert [served.serves(name) for name in ("tensorflow", "numpy", "jax")] == [True, True, False]
    assert not ANYWHERE.serves("tensorflow")


def test_a_process_that_cannot_be_started_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "no interpreter"))
    with pytest.raises(FileNotFoundError, match="no interpreter"):
        begin(ANYWHERE, tmp_path / "log", os.getpid)
