"""What a user runs, as a user runs it: half of the smoke suite through the command line, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.store import Store, WeightStore

ROOT = Path(__file__).parent.parent
QUICK = "--processes", "1", "--workers", "1"
SUITE = """
name = "smoke"
title = "A few cases, two epochs: does everything work?"
cases = ["chapter15/naive_next_step", "chapter15/least_squares_every_step", "chapter15/seq2seq_rnn"]
seeds = [42, 43]
recipe = { epochs = 2 }
"""


def bench(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A finished smoke sweep: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "smoke.toml").write_text(SUITE)
    places = "--results", folder / "results", "--reports", folder / "reports"
    done = bench("run", folder / "smoke.toml", *QUICK, "--keep-weights", *places)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done


@pytest.mark.slow
def test_every_run_is_recorded_once(swept):
    folder, done = swept
    store = Store(folder / "results")
    records = store.read()
    assert len(records) == len({r.run_id for r in records}) == 4
    assert {r.status for r in records} == {"done"}
    assert "[4/4]" in done.stdout
    assert "warning" not in done.stdout
    for record in records:
        spent = record.timing
        parts = spent.import_s + spent.data_s + spent.build_s + spent.compile_s + spent.train_s + spent.evaluate_s
        assert parts + spent.other_s == pytest.approx(spent.total_s, abs=1e-6)
    naive = next(r for r in records if r.spec.case == "chapter15/naive_next_step")
    assert naive.score("mse") == pytest.approx(0.020211367, rel=1e-6)


@pytest.mark.slow
def test_the_best_seed_of_each_network_keeps_its_weights(swept):
    store = Store(swept[0] / "results")
    trained = [record for record in store.read() if record.spec.model_seed is not None]
    kept, cases = WeightStore(store), {record.spec.case for record in trained}
    assert sorted(record.spec.case for record in kept.kept()) == sorted(cases)
    assert kept.lacking(trained) == []
    for record in kept.kept():
        assert sum(weights.size for weights in kept.read(record)) == record.parameters


@pytest.mark.slow
def test_seeds_share_a_program_and_each_trains(swept):
    records = [r for r in Store(swept[0] / "results").read() if r.spec.case == "chapter15/seq2seq_rnn"]
    assert sorted(r.timing.compile_s > 0 for r in records) == [False, True]
    assert len({r.curve.valid["mse"][-1] for r in records}) == 2
    for record in records:
        assert record.curve.valid["mse"][-1] == record.score("mse")
        assert len(record.timing.epoch_s) == 2


@pytest.mark.slow
def test_the_report_has_its_tables_figures_and_csvs(swept):
    report = swept[0] / "reports" / "smoke"
    text = (report / "README.md").read_text()
    assert text.index("## Findings") < text.index("## Table 1")
    for link in {part.split(")")[0] for part in text.split("](figures/")[1:]}:
        assert (report / "figures" / link).stat().st_size > 1000
    assert {"runs.csv", "cases.csv", "curves.csv", "forecasts.csv"} <= {p.name for p in report.iterdir()}


@pytest.mark.slow
def test_nothing_is_run_twice_and_the_report_stays_the_same(swept):
    folder, _ = swept
    readme = folder / "reports" / "smoke" / "README.md"
    before = readme.read_text()
    again = bench(
        "run", folder / "smoke.toml", *QUICK, "--results", folder / "results", "--reports", folder / "reports"
    )
    assert again.returncode == 0
    assert "0 runs to do, 4 done" in again.stdout
    assert len(list((folder / "results" / "records").glob("*.json"))) == 4
    assert readme.read_text() == before
    rerun = bench(
        *("run", folder / "smoke.toml", "--no-throughput", "--rerun", "--cases", "naive*", "--no-track"),
        *("--results", folder / "results", "--reports", folder / "reports"),
    )
    assert rerun.returncode == 0
    assert len(list((folder / "results" / "records").glob("*.json"))) == 5
    assert readme.read_text() == before, "an overridden sweep reports elsewhere"
    assert list((folder / "results" / "reports").glob("smoke-*/README.md"))


@pytest.mark.slow
def test_mlflow_holds_the_sweep_and_its_runs(swept):
    code = """
import json, sys, warnings
warnings.simplefilter("ignore")
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("smoke")
runs = client.search_runs([experiment.experiment_id])
parents = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
children = [r for r in runs if r.data.tags["bench.kind"] == "run"]
measured = [r for r in runs if r.data.tags["bench.kind"] == "measurement"]
seq = next(r for r in children if r.data.params["case"] == "chapter15/seq2seq_rnn" and r.data.params["seed"] == "42")
print(json.dumps({
    "parents": len(parents), "children": len(children), "status": sorted({r.info.status for r in runs}),
    "nested": all(c.data.tags["mlflow.parentRunId"] == parents[0].info.run_id for c in children + measured),
    "measured": len(measured),
    "params": seq.data.params, "metrics": seq.data.metrics,
    "steps": [m.step for m in client.get_metric_history(seq.info.run_id, "curve/valid_mse")],
    "artifacts": [a.path for a in client.list_artifacts(seq.info.run_id)],
    "report": [a.path for a in client.list_artifacts(parents[0].info.run_id, "report")],
    "note": parents[0].data.tags["mlflow.note.content"], "inputs": len(seq.inputs.dataset_inputs),
    "uri": experiment.artifact_location,
}))
"""
    database = (swept[0] / "results" / "mlflow.db").resolve()
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{database}"],
        capture_output=True,
        text=True,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert (seen["parents"], seen["children"], seen["status"], seen["nested"]) == (1, 4, ["FINISHED"], True)
    assert seen["measured"] == 3
    assert seen["params"] | {"case": "chapter15/seq2seq_rnn", "seed": "42", "epochs": "2"} == seen["params"]
    assert len(seen["steps"]) == 2
    assert "record.json" in seen["artifacts"]
    assert "report/README.md" in seen["report"]
    assert "| " in seen["note"]
    assert seen["inputs"] == 1
    assert str(swept[0] / "results") in seen["uri"]
    assert seen["metrics"]["test/mse"] > 0


@pytest.mark.slow
def test_the_ui_serves_on_this_machine_and_leaves_nothing_behind(swept):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench", "ui", "--port", str(port), "--results", str(swept[0] / "results")]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-3) as server:
        assert wait_until(lambda: listens(port), 90)
        server.send_signal(signal.SIGTERM)
        assert server.wait(40) == 0
    assert wait_until(lambda: not listens(port), 20)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds, seconds):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds()


def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(tmp_path):
    suite = tmp_path / "slow.toml"
    entries = ", ".join(
        f'{{ name = "t/{i}", dataset = "test_ramps", model = {{ name = "test_constant", wait_s = {wait} }} }}'
        for i, wait in enumerate((0.0, 600.0))
    )
    suite.write_text(f'name = "slow"\nseeds = [1]\ncases = [{entries}]\nbaseline = "test_constant"\n')
    options = ("--results", tmp_path / "results", "--reports", tmp_path / "reports", "--no-track", "--workers", "1")
    environment = os.environ | {"BENCH_PLUGINS": "tests.plugins", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", "run", str(suite), *map(str, options)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True) as sweep:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "results").glob("records/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # let the second run begin
        sweep.send_signal(signal.SIGINT)
        out, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 3, out + err
    assert "interrupted: 1 of 2 runs recorded; go on with: BENCH_PLUGINS=tests.plugins PYTHONPATH=" in out
    assert "Traceback" not in out + err
    assert not (tmp_path / "reports").exists(), "a report is replaced only by that of a whole sweep"
    assert (tmp_path / "results" / "reports" / "slow" / "README.md").exists()
    assert out.rstrip().endswith(" --workers 1 --no-track")
    planned = bench("plan", suite, "--json", "--results", tmp_path / "results", BENCH_PLUGINS="tests.plugins")
    assert [r["state"] for r in json.loads(planned.stdout)["runs"]] == ["done", "missing"]
