"""A worker's environment is what its records say: its threads from its first moment, and Keras's settings."""

import json
import os
import sys
from pathlib import Path

import pytest

from bench.devices import find_device, usable_cores
from bench.engines.base import load_engine
from bench.engines.keras_engine import NEEDLESS, SETTINGS, fix_settings
from bench.jobs import Job, RunEnded
from bench.plan import expand
from bench.process import Slot, begin
from bench.suite import Suite
from bench.trial import Trial
from bench.variables import OTHER_THREADS, THREADS
from bench.worker import Worker

CPU = find_device("cpu")
LIMIT_S = 300.0
OF_NO_NUMBER = {"is_interactive_logging_enabled", "is_traceback_filtering_enabled"}
"""What Keras keeps for all of a process that changes no number."""
AS_IMPORTED = {"backend", "is_nnx_enabled", "is_flash_attention_enabled"}
"""What is fixed where Keras is imported, and has no setter that `SETTINGS` could name."""


def first_moment():
    """Return the variables that this process was started with, its libraries' threads, and the cores of each thread."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((300, 300)) @ np.ones((300, 300))
    pairs = (pair.partition("=") for pair in Path("/proc/self/environ").read_text().split("\0") if pair)
    began = {name: value for name, _, value in pairs}
    pools = [(pool["user_api"], pool["num_threads"]) for pool in threadpool_info()]
    cores = [os.sched_getaffinity(int(task.name)) for task in Path("/proc/self/task").iterdir()]
    return began, pools, cores, CPU.environment("numpy", loaded=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("users", ["1", "7", None])
def test_threads_are_limited_before_a_library_is_loaded(users, tmp_path, monkeypatch):
    for name in (*THREADS, *OTHER_THREADS):
        monkeypatch.delenv(name, raising=False)
        if users is not None:
            monkeypatch.setenv(name, users)
    core = usable_cores()[-1]
    began, pools, cores, found = begin(Slot("cpu", CPU, core), tmp_path / "log", first_moment).result(LIMIT_S)
    assert {name: began.get(name) for name in THREADS} == dict.fromkeys(THREADS, "1")
    assert not set(OTHER_THREADS) & set(began)
    assert pools
    assert {threads for _, threads in pools} == {1}
    assert {frozenset(allowed) for allowed in cores} == {frozenset({core})}
    assert found == CPU.environment("numpy")


def take_three_threads():
    from threadpoolctl import threadpool_limits

    threadpool_limits(3)
    return CPU.environment("numpy", loaded=True), CPU.environment("numpy")


def test_threads_that_a_plug_in_takes_are_recorded_as_found(tmp_path):
    found, expected = begin(Slot("cpu", CPU, None), tmp_path / "log", take_three_threads).result(LIMIT_S)
    assert (found.threads, expected.threads) == (3, 1)
    assert found.digest != expected.digest


def test_what_a_backend_says_of_its_threads_counts(engine_plugins, monkeypatch):
    from tests.engine_plugins import ZerosEngine

    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": 1}])
    assert CPU.environment("test_zeros", loaded=True) == CPU.environment("test_zeros")
    monkeypatch.setattr(ZerosEngine, "threads", lambda self: 5)
    assert CPU.environment("test_zeros", loaded=True).threads == 5


def test_a_record_has_what_its_worker_found_and_that_of_a_dead_one_what_was_asked(engine_plugins, monkeypatch):
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": 4}])
    case = {"name": "t/constant", "dataset": "test_ramps", "model": {"name": "test_constant", "value": 1}}
    suite = Suite(name="t", cases=[case], seeds=[1])
    events = []
    worker = Worker(Slot("cpu", CPU, None), events.append)
    worker.run(Job(tuple(expand(suite, suite.select()))))
    (record,) = [event.record for event in events if isinstance(event, RunEnded)]
    assert record.environment.threads == 4
    dead = Trial(record.spec, worker.slot, status="crashed").record()
    assert dead.environment == CPU.environment("numpy")


def test_every_global_setting_of_keras_is_fixed():
    """A setting that a later Keras brings has to be put among those that are fixed, or those of no number."""
    import keras

    names = [name for name in dir(keras.config) if not name.startswith(("_", "set_", "enable_", "disable_"))]
    known = {*SETTINGS, *AS_IMPORTED, *OF_NO_NUMBER}
    assert {name for name in names if callable(getattr(keras.config, name))} == known
    setters = {name.removeprefix("set_") for name in dir(keras.config) if name.startswith("set_")}
    assert setters == {*SETTINGS, "backend"}


def settings():
    import keras

    found = {name: getattr(keras.config, name)() for name in (*SETTINGS, *AS_IMPORTED)}
    return found | {"dtype_policy": found["dtype_policy"].name}


FIXED = {**SETTINGS, "backend": "tensorflow", "is_nnx_enabled": False, "is_flash_attention_enabled": None}


def test_settings_that_a_plug_in_has_changed_are_fixed_again():
    import keras

    fix_settings()
    assert settings() == FIXED
    keras.config.set_epsilon(0.5)
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_max_epochs(1)
    keras.config.set_max_steps_per_epoch(1)
    keras.config.disable_flash_attention()
    assert not {*settings().items()} & {*FIXED.items()} - {("backend", "tensorflow"), ("is_nnx_enabled", False)}
    fix_settings()
    assert settings() == FIXED


def load_and_look(early, cached):
    """Load the engine (after a plug-in has imported Keras), and let Keras keep a file where it keeps downloads.

    Also say whether nothing came along that no run needs; a plug-in's own import brings all.
    """
    if early:
        import keras  # noqa: F401
    load_engine("tensorflow", "cpu")
    from keras.utils import get_file

    kept = get_file("kept.txt", origin=cached.as_uri()) if cached else ""
    return settings(), str(kept), early or not {"jax", *NEEDLESS} & {*sys.modules}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("early", "written"),
    [
        (False, json.dumps({"epsilon": "tiny", "floatx": "float8", "backend": "jax", "image_data_format": 3})),
        pytest.param(False, "[]", marks=pytest.mark.variant),
        pytest.param(
            *(True, json.dumps({"epsilon": 0.01, "floatx": "float16", "image_data_format": "channels_first"})),
            marks=pytest.mark.variant,
        ),
    ],
)
def test_no_file_and_no_variable_of_a_user_changes_a_setting(early, written, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "keras.json").write_text(written)
    (tmp_path / "file.txt").write_text("kept")
    for name, value in {"HOME": home, "MAX_EPOCHS": "none", "MAX_STEPS_PER_EPOCH": "1", "NNX_ENABLED": "1"}.items():
        monkeypatch.setenv(f"KERAS_{name}", str(value))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    slot = Slot("cpu", CPU, usable_cores()[0], "tensorflow")
    result = begin(slot, tmp_path / "log", load_and_look, early, tmp_path / "file.txt").result(LIMIT_S)
    assert result == (FIXED, str(home / "datasets/kept.txt"), True)
    assert (home / "keras.json").read_text() == written


@pytest.mark.slow
def test_a_home_that_cannot_be_made_is_no_fault(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file" / "home"))
    slot = Slot("cpu", CPU, usable_cores()[0], "tensorflow")
    assert begin(slot, tmp_path / "log", load_and_look, False, None).result(LIMIT_S) == (FIXED, "", True)
