"""Datasets (classes at every step; two targets with units), a metric and a model come from outside the package.

None of them is named in it: they run, are scored, reported, mirrored, compared and exported all the same.
"""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pandas as pd
import pytest

from tests.committed import ROOT

LSTM = '{ name = "lstm", units = [8] }'
RECIPE = '{ loss = "sparse_categorical_crossentropy", learning_rate = 0.01, epochs = 30 }'
SUITE = """\
name = "walk"
title = "What a user added"
seeds = [1, 2, 3]
baseline = "test_last_of_each"
throughput = false
metrics = ["mse", "test_worst_error"]
cases = [
    {{ name = "walk/last", dataset = "test_grid_load", model = "test_last_of_each", label = "last of each" }},
    {{ name = "walk/gru", dataset = "test_grid_load", model = {{ name = "gru", units = [4] }}, label = "GRU" }},
    {{ name = "walk/odd", dataset = "test_counter", model = "test_last_of_each", label = "no fit" }},
    {{ name = "walk/loss", dataset = "test_counter", model = {{ name = "lstm", units = [4] }}, label = "wrong loss" }},
    {{ name = "walk/lstm", dataset = "test_counter", model = {lstm}, label = "LSTM", recipe = {recipe} }},
]
"""


def bench(folder, *arguments, code=0):
    environment = os.environ | {"BENCH_PLUGINS": "tests.extensions", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("walk")
    (made / "walk.toml").write_text(SUITE.format(lstm=LSTM, recipe=RECIPE))
    bench(made, "run", "walk.toml", "--workers", "1")
    return made


@pytest.fixture(scope="module")
def report(folder):
    return (folder / "reports" / "walk" / "README.md").read_text()


def rows_of(report, heading):
    """The table under a heading, cell by cell."""
    table = report.partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return lines[0], lines[2:]


@pytest.mark.slow
def test_a_pair_that_does_not_fit_is_skipped_before_anything_runs(folder, report):
    plan = json.loads(bench(folder, "plan", "walk.toml", "--json"))
    skipped = {skip["case"]: skip["reason"] for skip in plan["skipped"]}
    assert set(skipped) == {"walk/odd", "walk/loss"}
    assert "no feature for each" in skipped["walk/odd"]
    assert "mse" in skipped["walk/loss"]
    assert {run["case"] for run in plan["runs"]} == {"walk/last", "walk/gru", "walk/lstm"}
    assert {run["state"] for run in plan["runs"]} == {"done"}
    assert "no fit" in report
    assert skipped["walk/odd"].replace("'", "") in report.replace("'", "")


@pytest.mark.slow
def test_a_metric_appears_in_every_place_without_an_edit(folder, report):
    scores = pd.read_csv(folder / "reports" / "walk" / "scores.csv")
    mine = scores[scores["metric"] == "test_worst_error"]
    assert set(mine["split"]) == {"valid", "test"}
    assert (mine["value"] > 0).all()
    header, _ = rows_of(report, ". Grid load: all")
    assert any("worst error" in name for name in header)
    exported = pd.read_csv(pd.io.common.StringIO(bench(folder, "results", "walk.toml")), low_memory=False)
    assert "test_worst_error" in set(exported["metric"])
    compared = bench(folder, "compare", "results", "results", "--metric", "test_worst_error", "--json")
    assert {c["metric"] for c in json.loads(compared)["changes"]} == {"test_worst_error"}
    with closing(sqlite3.connect(folder / "results" / "mlflow.db")) as mirrored:
        keys = {key for (key,) in mirrored.execute("select distinct key from metrics")}
    assert {"valid/test_worst_error", "test_best/test_worst_error"} <= keys


@pytest.mark.slow
def test_classes_at_every_step_are_trained_masked_scored_and_ranked(folder, report):
    scores = pd.read_csv(folder / "reports" / "walk" / "scores.csv")
    runs = pd.read_csv(folder / "reports" / "walk" / "runs.csv")
    lstm = set(runs[runs["case"] == "walk/lstm"]["run_id"])
    accuracy = scores[scores["run_id"].isin(lstm) & (scores["metric"] == "accuracy") & (scores["split"] == "valid")]
    assert len(accuracy) == 6
    assert (accuracy["value"] > 2 / 10).all(), "better than chance among ten classes"
    header, rows = rows_of(report, ". Counter: all")
    assert "valid accuracy" in header
    assert rows[0][1] == "LSTM"


@pytest.mark.slow
def test_two_targets_with_units_are_scored_apart(folder, report):
    scores = pd.read_csv(folder / "reports" / "walk" / "scores.csv")
    of_target = scores[scores["metric"] == "mse_per_target"]
    assert set(of_target["index"]) == {"load", "price"}
    assert set(of_target["axis"]) == {"target"}
    targets = pd.read_csv(folder / "reports" / "walk" / "targets.csv")
    named = targets[targets["task"] == "grid_load"][["target", "unit"]].values.tolist()
    assert named == [["load", "MW"], ["price", "EUR/MWh"]]
    assert "load in MW and price in EUR/MWh" in report
    header, rows = rows_of(report, ". Grid load: validation MSE by target")
    assert header == ["target", "last of each", "GRU"]
    assert [row[0] for row in rows] == ["load (MW)", "price (EUR/MWh)"]
    assert all(float(cell) > 0 for row in rows for cell in row[1:])


def test_listing_says_what_each_is_asked_without_a_backend(tmp_path):
    listed = bench(tmp_path, "list", "datasets", "--json")
    (counter,) = [row for row in json.loads(listed) if row["dataset"] == "test_counter"]
    assert "10 classes" in counter["task"]
