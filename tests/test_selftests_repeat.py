"""A run's numbers are a function of its spec: not of its place in a queue, its process, its worker or neighbour."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cases.base import Case, component
from bench.datasets.waves import WavesEveryStep
from bench.devices import find_device
from bench.jobs import Job, RunEnded
from bench.models.recurrent import GRU, SimpleRNN
from bench.plan import shared_versions
from bench.process import Slot
from bench.recipe import Recipe
from bench.record import RunRecord, RunSpec
from bench.store import Store, read_record
from bench.store.text import to_json
from bench.worker import Worker

ROOT = Path(__file__).parent.parent
RECIPE = Recipe(epochs=2, learning_rate=0.01)
DATA = WavesEveryStep(n_series=200)
# Batch norm and random layers keep a state beside the weights, which a program has to put back as well.
MEASURED = Case(DATA, SimpleRNN(units=(4,), batch_norm=True, dropout=0.2, noise=0.1), RECIPE, name="self/batch_norm")
OTHER = Case(DATA, GRU(units=(3,)), RECIPE, name="self/gru")


def spec_of(case: Case, seed: int) -> RunSpec:
    return RunSpec(
        case=case.name,
        dataset=component(case.dataset),
        model=component(case.model),
        recipe=case.recipe,
        data_seed=42,
        model_seed=seed,
        device="cpu",
        backend="tensorflow",
        versions=shared_versions("tensorflow"),
    )


def run_jobs(*jobs: list[RunSpec]) -> list[RunRecord]:
    """Run jobs in one worker in this process; return their records in order."""
    events: list = []
    worker = Worker(Slot("cpu", find_device("cpu"), None, "tensorflow"), events.append)
    for specs in jobs:
        worker.run(Job(tuple(specs)))
    return [
        read_record(to_json(event.record))[0] for event in events if isinstance(event, RunEnded)
    ]  # as they are kept


def numbers(record: RunRecord) -> RunRecord:
    """A record without what may differ from run to run of one spec: its timing, its provenance and its attempt."""
    kept = record.model_dump(exclude={"timing", "provenance", "attempt"})
    return RunRecord.model_validate(kept | {"provenance": NOWHERE, "attempt": 1})


NOWHERE = {
    "host": "",
    "platform": "",
    "bench_version": "",
    "git_commit": "",
    "core": None,
    "load_1min": None,
    "started_at": "",
    "ended_at": "",
}


@pytest.mark.variant  # of test_randomness's runs after others
def test_a_run_is_the_same_bits_first_and_last():
    spec, second, other = spec_of(MEASURED, 1), spec_of(MEASURED, 2), spec_of(OTHER, 1)
    first, neighbour, stranger, again, last = run_jobs([spec, second], [other], [second, spec])
    assert {r.status for r in (first, neighbour, stranger, again, last)} == {"done"}
    assert numbers(last) == numbers(first)
    assert numbers(again) == numbers(neighbour)
    assert neighbour.score("mse") != first.score("mse")
    assert first.timing.compile_s > 0


SUITE = """
name = "two"
seeds = [{seeds}]
throughput = false
cases = [{cases}]
[recipe]
epochs = 2
"""
CASES = [
    '{ name = "naive", dataset = { name = "waves_next_step", n_series = 200 }, model = "naive" }',
    '{ name = "linear", dataset = { name = "waves_next_step", n_series = 200 }, model = "linear" }',
    '{ name = "rnn", dataset = { name = "waves_every_step", n_series = 200 },'
    ' model = { name = "simple_rnn", units = [3], batch_norm = true, dropout = 0.2, noise = 0.1 } }',
]


def start_sweep(folder: Path, workers: int, seeds: list[int], listed: list[str]) -> "subprocess.Popen[str]":
    folder.mkdir()
    suite = folder / "two.toml"
    suite.write_text(SUITE.format(seeds=", ".join(map(str, seeds)), cases=",\n".join(listed)))
    command = [sys.executable, "-m", "bench", "run", str(suite), "--no-track", "--no-report", "--workers", str(workers)]
    command += ["--results", str(folder / "results")]
    return subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
@pytest.mark.variant
def test_two_workers_and_one_leave_the_same_records(tmp_path):
    """The sweep of two workers takes cases and seeds from the other end, and runs beside that of one.

    So what is first in a fresh process of one is last, after others, in that of the other.
    """
    one = start_sweep(tmp_path / "one", 1, [1, 2], CASES)
    two = start_sweep(tmp_path / "two", 2, [2, 1], CASES[::-1])
    for sweep in (one, two):
        output, _ = sweep.communicate(timeout=300)
        assert sweep.returncode == 0, output
    first, second = (
        {record.key: numbers(record) for record in Store(tmp_path / name / "results").read()} for name in ("one", "two")
    )
    assert len(first) == 5
    assert {record.status for record in first.values()} == {"done"}
    assert second == first
    cores = {record.provenance.core for record in Store(tmp_path / "two" / "results").read()}
    assert len(cores) == min(2, len(os.sched_getaffinity(0)))
