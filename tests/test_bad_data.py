"""What a user sees of bad data: one line a data set before anything trains, and the same command once it is mended."""

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from bench.commands.run import _Command, _Nowhere
from bench.commands.run_options import RunOptions
from bench.commands.selection import Selection
from bench.jobs import DataChecked
from bench.measurement import PROCESSES
from bench.store import Store
from bench.suite import Suite
from bench.suite.model import LEAST_SEEDS
from bench.throughput.benchmark import ThroughputResult
from tests.committed import ROOT

FAULTS = "TEST_DATA_FAULTS"
"""What `tests/bad_data.py` reads; it is imported by the command alone, or its datasets would be registered here too."""
SUITE = """\
name = "holes"
seeds = [1, 2]
cases = [
    {{ name = "h/naive", dataset = "{0}", model = "naive" }},
    {{ name = "h/squares", dataset = "{0}", model = "least_squares" }},
    {{ name = "h/linear", dataset = "{0}", model = "linear", recipe = {{ epochs = 1 }} }},
{1}]
"""
SECOND = '    { name = "s/naive", dataset = "test_load_raises", model = "naive" },\n'
GOOD = '    { name = "g/naive", dataset = "test_stuck", model = "naive" },\n'
HOLE = (
    "dataset 'test_hole_in_valid': 1 of 20 valid targets is NaN, the first in window 3, step 0 (counted from 0); "
    "fill or drop such windows, or leave them out by a mask"
)


def suite(where, dataset="test_hole_in_valid", more=""):
    (where / "holes.toml").write_text(SUITE.format(dataset, more))


def bench(folder, verb, *arguments, faults=()):
    environment = os.environ | {"BENCH_PLUGINS": "tests.bad_data", "PYTHONPATH": str(ROOT), FAULTS: ",".join(faults)}
    command = [sys.executable, "-m", "bench", verb, "holes.toml", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def run(folder, *arguments, faults=()):
    return bench(folder, "run", "--no-track", "--workers", "1", *arguments, faults=faults)


@pytest.mark.slow
def test_where_all_data_are_bad_each_is_one_line_and_the_same_command_goes_on_once_they_are_mended(tmp_path):
    suite(tmp_path, more=SECOND)
    done = run(tmp_path, "--no-throughput", "--cases", "h/*,s/naive", faults=["test_hole_in_valid", "test_load_raises"])
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0] == f"bench: {HOLE}"
    raised = (
        "bench: dataset 'test_load_raises': load() raised FileNotFoundError: no such file: sales.csv at bad_data.py:"
    )
    assert lines[1].startswith(raised)
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["suite holes"], "not a line a run"
    assert not (tmp_path / "reports").exists()
    assert {r.status for r in Store(tmp_path / "results").read()} == {"failed"}

    cases = ["--cases", "h/naive,h/squares,s/naive"]
    assert {r["state"] for r in json.loads(bench(tmp_path, "plan", "--json", *cases).stdout)["runs"]} == {"to retry"}
    done = run(tmp_path, "--no-throughput", "--no-report", *cases)
    assert (done.returncode, done.stderr) == (0, "")
    assert {r["state"] for r in json.loads(bench(tmp_path, "plan", "--json", *cases).stdout)["runs"]} == {"done"}


@pytest.mark.slow
@pytest.mark.variant  # of cases that are all bad
def test_among_good_cases_the_bad_ones_fail_with_the_line(tmp_path):
    suite(tmp_path, more=GOOD)
    done = run(tmp_path, "--no-throughput", faults=["test_hole_in_valid"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.splitlines() == [f"bench: {HOLE}"]
    assert done.stdout.count("valid MSE") == 1
    assert "4 of 5 runs have no result; the report says why\n" in done.stdout
    assert f"4 of them: {HOLE}\n" in done.stdout
    report = (tmp_path / "reports" / "holes" / "README.md").read_text()
    assert HOLE in report.partition("Runs without a result")[2]
    again = run(tmp_path, "--no-throughput", "--no-report", faults=["test_hole_in_valid"])
    assert again.returncode == 1
    assert "4 runs to do, 1 done" in again.stdout


def test_nothing_of_bad_data_is_timed(monkeypatch, tmp_path):
    said, timed = Console(file=io.StringIO(), width=200), []
    cases = ["chapter15/naive_next_step", "chapter15/linear"]
    suite = Suite(name="holes", cases=cases, seeds=[1, 2])
    store, chosen = Store(tmp_path), Selection("holes", suite, suite, tmp_path, tmp_path / "reports")
    plan = chosen.plan(store)

    def measure(specs, *_, **__):
        timed.extend(spec.case for spec in specs)
        return ThroughputResult()

    monkeypatch.setattr("bench.executors.local.run_throughput", measure)
    command = _Command(chosen, RunOptions(), said, store, _Nowhere(), lambda: False)
    command.data.hear(DataChecked(next(s for s in plan.specs if s.case == cases[0]), fault="a hole"))
    command.measure(plan)
    assert timed == cases[1:] * PROCESSES


@pytest.mark.slow
def test_a_batch_that_the_data_do_not_fill_is_said_before_a_backend_is_imported(tmp_path):
    suite(tmp_path, dataset="test_hole_in_valid")
    (tmp_path / "holes.toml").write_text((tmp_path / "holes.toml").read_text().replace("epochs = 1", "batch_size = 61"))
    done = run(tmp_path, "--no-throughput", "--cases", "h/linear")
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.splitlines() == [
        "bench: dataset 'test_hole_in_valid': train has 60 windows, and a batch of the recipe 61; lower batch_size, or "
        "give it more windows"
    ]
    assert {r.timing.import_s for r in Store(tmp_path / "results").read()} == {0.0}


@pytest.mark.variant
@pytest.mark.slow
def test_a_rule_that_adds_seeds_adds_none_to_bad_data(tmp_path):
    suite(tmp_path)
    (tmp_path / "holes.toml").write_text((tmp_path / "holes.toml").read_text().replace("[1, 2]", '"auto"'))
    done = run(tmp_path, "--no-throughput", "--cases", "h/linear", faults=["test_hole_in_valid"])
    assert (done.returncode, done.stderr) == (2, f"bench: {HOLE}\n"), done.stdout
    assert len(Store(tmp_path / "results").read()) == LEAST_SEEDS


@pytest.mark.slow
def test_a_target_that_is_one_value_is_a_warning_and_the_runs_are_done(tmp_path):
    suite(tmp_path, dataset="test_stuck")
    done = run(tmp_path, "--no-throughput", "--cases", "h/naive,h/squares", faults=["test_stuck"])
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = "warning: dataset 'test_stuck': every target is 5 in train, valid and test: "
    assert sum(line.startswith(said) for line in done.stdout.splitlines()) == 1
    (report,) = (path.read_text() for path in (tmp_path / "results" / "reports").glob("holes-*/README.md"))
    assert report.count("every target is 5 in train, valid and test: ") == 1, "under the leaderboard"


@pytest.mark.slow
def test_a_dataset_that_gives_other_data_to_another_process_is_said(tmp_path):
    suite(tmp_path, dataset="test_moody")
    for rerun in ([], ["--rerun"]):
        done = run(tmp_path, "--no-throughput", "--no-report", "--cases", "h/naive", *rerun, faults=["test_moody"])
        assert (done.returncode, done.stderr) == (0, "")
        warned = [line for line in done.stdout.splitlines() if line.startswith("warning: dataset 'test_moody' gave ")]
        assert len(warned) == bool(rerun)
