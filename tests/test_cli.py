"""The command line: what bad input gets, and what a script can rely on. Nothing here trains."""

import json
import os
import signal
import subprocess
import sys
import webbrowser
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.cases.base import cases
from bench.cli import call
from bench.datasets.base import datasets
from bench.devices import find_device
from bench.estimates import pace_of
from bench.frames.schemas import TIDY
from bench.listing import described, in_words
from bench.models.base import Predictor, Support, model, models
from bench.plan import expand
from bench.store import Store
from bench.suite import read_suite
from bench.task import Target, TargetKind, Task
from tests.committed import check_out
from tests.fakes import fake_record

ROOT = Path(__file__).parent.parent


@pytest.fixture
def results(tmp_path):
    """A results folder that holds a record of two runs of the smoke suite."""
    store = Store(tmp_path / "results")
    store.prepare()
    suite = read_suite("smoke")
    for spec in expand(suite, suite.select())[:2]:
        record = fake_record(spec.case, spec.model_seed)
        here = find_device("cpu").environment(spec.backend)
        store.write(record.model_copy(update={"spec": spec, "run_id": spec.run_id, "environment": here}))
    return store.results


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["plan", "smoek"], "no suite 'smoek' (suites/smoek.toml cannot be read); did you mean smoke?"),
        (["run", "smoke", "--cases", "lineer"], "unknown case 'lineer'; did you mean linear?"),
        (["run", "smoke", "--device", "gpuu"], "unknown device 'gpuu'; did you mean gpu or cpu?"),
        (["run", "smoke", "--device", ""], "--device '': expected names separated by commas; leave it out"),
        (["plan", "smoke", "--backend", " "], "--backend '': expected names separated by commas; leave it out"),
        (
            ["run", "chapter15", "--cases", "seq2seq_lstm_torch", "--backend", "jax"],
            "case 'chapter15/seq2seq_lstm_torch' cannot be run: model 'torch_lstm' runs on torch alone, not on jax",
        ),
        (["run", "smoke", "--device", "gpu:7"], "device 'gpu:7': this machine has"),
        (["plan", "smoke", "--device", "cpu:x"], "expected a number after the colon"),
        (["plan", "smoke", "--seeds", "4,x"], "--seeds '4,x': expected integers separated by commas, as in 42,43"),
        (["plan", "smoke", "--seeds", "-4"], "key 'seeds.0': input should be greater than or equal to 0, is -4"),
        (["plan", "smoke", "--seeds", "1,1"], "names one value twice"),
        (["plan", "smoke", "--epochs", "few"], "epochs"),
        (["plan", "smoke", "--epoch", "1"], "--epoch"),
        (["list", "modles"], "cannot list 'modles'; did you mean models?"),
        (["results", "smoke", "--format", "xml"], "--format 'xml': expected csv, json or parquet"),
        (["results", "smoke", "--format", "parquet"], "name a file with --output"),
        (["nonesuch"], "nonesuch"),
        (["plan", "a\0b"], "no suite"),
        (["plan", "x" * 300], "no suite"),
        (["plan", "../smoke"], "no suite"),
        (["ui", "--port", "0"], "port"),
        (["ui"], "nothing to show"),
        (["plan", "smoke", "--seeds", ","], "--seeds ',': expected names separated by commas"),
        (["plan", "smoke", "--device", "cpu,cpu:0"], "names one value twice"),
        (["report", "smoke"], "no records of suite 'smoke'"),
        (["report", "smoke", "--open"], "no records of suite 'smoke'"),
        (["report", "smoke", "--open", "--check"], "--open shows a report"),
        (["sync", "smoke"], "no records of suite 'smoke'"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, complaint, capsys, tmp_path):
    if arguments[0] in ("run", "results", "ui", "report", "sync"):
        arguments = [*arguments, "--results", str(tmp_path / "none")]
    if arguments[0] == "report":
        arguments = [*arguments, "--reports", str(tmp_path / "no reports")]
    assert call(arguments) == 2
    assert list(tmp_path.iterdir()) == []
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("bench: ")
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


def test_an_unwritable_results_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert call(["run", "smoke", "--results", str(tmp_path / "taken" / "results")]) == 2
    assert "cannot write to the results folder" in capsys.readouterr().err


def test_a_second_sweep_is_told_to_wait(tmp_path, capsys):
    from filelock import FileLock

    Store(tmp_path).prepare()
    with FileLock(tmp_path / ".lock"):
        assert call(["run", "smoke", "--results", str(tmp_path)]) == 2
    assert "is held by another process; wait for it with --wait" in capsys.readouterr().err


def test_a_sweep_that_waits_leaves_when_it_is_told(tmp_path):
    from filelock import FileLock

    Store(tmp_path).prepare()
    command = [sys.executable, "-m", "bench", "run", "smoke", "--wait", "--results", str(tmp_path)]
    with FileLock(tmp_path / ".lock"), subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline().startswith("waiting for ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()) == (
        3,
        ["bench: stopping; a second Ctrl-C leaves at once", "bench: interrupted; records written so far are kept"],
    )


def test_a_report_is_shown_where_there_is_a_browser_and_its_page_is_named(tmp_path, capsys, monkeypatch):
    readme = check_out("reports/chapter15", tmp_path) / "README.md"
    page = readme.with_name("report.html")
    asked = [
        "report",
        "chapter15",
        "--open",
        "--results",
        str(tmp_path / "none"),
        "--reports",
        str(tmp_path / "reports"),
    ]
    shown = []
    monkeypatch.setattr(webbrowser, "open", lambda address: shown.append(address) or False)
    assert call(asked) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert shown == [page.as_uri()]
    first = page.read_bytes()
    page.write_bytes(b"old")

    def none(address):
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", none)
    assert call(asked) == 0
    assert page.read_bytes() == first


def test_a_report_of_nothing_is_an_error(tmp_path, capsys):
    assert call(["report", "smoke", "--results", str(tmp_path), "--reports", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "smoke").exists()


def test_a_truncated_record_is_named_and_harms_nothing(results, capsys):
    victim, kept = sorted((results / "records").glob("*.json"))
    victim.write_text(victim.read_text()[:100])
    for verb in ("plan", "run", "report", "results", "sync"):
        assert call([verb, "smoke", "--results", str(results)]) == 2
        printed = capsys.readouterr()
        assert victim.name in printed.err
        assert printed.err.count("\n") == 1
    victim.rename(results / "away.json")
    assert call(["plan", "smoke", "--results", str(results)]) == 0
    assert "1 of 9 runs done" in capsys.readouterr().out
    assert kept.exists()


def test_plan_as_json(results, capsys):
    assert call(["plan", "smoke", "--json", "--results", str(results)]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [r["state"] for r in planned["runs"]] == ["done"] * 2 + ["missing"] * 7
    assert planned["runs"][1] == planned["runs"][1] | {"case": "chapter15/linear", "seed": 42, "device": "cpu"}


def test_plan_says_which_key_made_a_run_stale(results, capsys):
    assert call(["plan", "smoke", "--epochs", "7", "--results", str(results)]) == 0
    assert "1 stale because recipe.epochs: 2 -> 7" in capsys.readouterr().out
    assert call(["plan", "smoke", "--epochs", "7", "--json", "--results", str(results)]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [r["changes"] for r in runs if r["state"] == "stale"] == [["recipe.epochs: 2 -> 7"]]


@pytest.mark.parametrize("kind", ["cases", "datasets", "models", "metrics", "backends", "devices", "suites"])
def test_lists(kind, tmp_path, monkeypatch, capsys):
    check_out("suites", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert call(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert call(["list", kind]) == 0
    assert str(next(iter(rows[0].values())))[:20] in capsys.readouterr().out


def test_datasets_are_listed_with_what_they_ask(capsys):
    assert call(["list", "datasets", "--json"]) == 0
    rows = {row["dataset"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["waves_every_step"]["task"] == "every_step: 10 steps of value, from 50 steps of 1 feature"
    assert rows["reber"]["task"] == "label: one of 2 classes, from 30 steps of 7 features"
    assert "n_series=10000" in rows["waves_every_step"]["parameters"]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (
            Task("load", TargetKind.LAST_STEP, 8, 2, 3, targets=(Target("load", "MW"), Target("price"))),
            "last_step: 3 steps of load in MW, price, from 8 steps of 2 features",
        ),
        (
            Task("digit", TargetKind.LABEL_EVERY_STEP, None, classes=10, vocabulary=3, masked=True),
            "label_every_step: one of 10 classes, from any number of steps of token ids below 3, masked",
        ),
    ],
)
def test_a_task_in_words(task, words):
    assert in_words(task) == words


def test_models_are_listed_with_their_source_parameters_and_weights(capsys):
    assert call(["list", "models", "--json"]) == 0
    rows = {row["model"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mamba"]["source"] == "Gu and Dao 2023, arXiv 2312.00752"
    assert "state=16" in rows["mamba"]["parameters"]
    assert rows["naive"]["source"] == ""
    assert [rows[name]["weights"] for name in ("mamba", "naive")] == [4654, ""]
    assert [rows[name]["cost by length"] for name in ("mamba", "transformer", "naive")] == ["linear", "quadratic", ""]


@pytest.mark.parametrize(("kind", "registry"), [("models", models), ("datasets", datasets)])
def test_one_of_them_is_described_with_what_each_parameter_means(kind, registry, capsys):
    for name in registry.names():
        told = described(kind, name)
        assert told.startswith(f"{kind[:-1]}: {name}\n")
        for field, known in registry.get(name).model_fields.items():
            assert f"\n    {field}: " in told, f"{kind} {name}: {field} is explained nowhere"
            assert known.is_required() or f"\n  {field} = {known.default!r}" in told
    assert call(["list", kind, name]) == 0
    assert capsys.readouterr().out == told + "\n"


def test_what_cannot_be_described_is_a_line(capsys):
    assert call(["list", "metrics", "mase"]) == 0
    assert "Mean absolute error over that of the seasonal naive forecast" in capsys.readouterr().out
    assert call(["list", "models", "tnc"]) == 2
    assert call(["list", "suites", "smoke"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "bench: unknown model 'tnc'; did you mean tcn?",
        "bench: cannot describe one of 'suites'; known: datasets, models, metrics",
    ]


def test_metrics_are_listed_with_their_traits(capsys):
    assert call(["list", "metrics", "--json"]) == 0
    rows = {row["metric"]: row for row in json.loads(capsys.readouterr().out)}
    assert (
        rows["accuracy"]
        | {
            "better": "higher",
            "scale": "plain",
            "unit": "%",
            "axis": "",
            "targets": "label, label_every_step",
            "computed": "every epoch",
        }
        == rows["accuracy"]
    )
    assert (rows["mse_per_step"]["axis"], rows["mse_per_step"]["better"]) == ("step", "lower")


@pytest.fixture
def misfit(monkeypatch, tmp_path):
    """A case whose model does not fit its task, and a suite that names it."""

    @model("fake_misfit")
    class Misfit(Predictor):
        """Never fits."""

        def supports(self, task, train=None):
            return Support("it fits nothing")

    cases.add("fake/misfit", replace(cases.get("chapter15/naive_next_step"), name="fake/misfit", model=Misfit()))
    (tmp_path / "odd.toml").write_text('name = "odd"\nseeds = [1]\ncases = ["naive_next_step", "fake/misfit"]\n')
    yield str(tmp_path / "odd.toml")
    cases.remove("fake/misfit")
    models.remove("fake_misfit")


def test_a_pair_that_does_not_fit_is_listed_planned_and_told_with_its_reason(misfit, tmp_path, capsys):
    assert call(["list", "cases", "--json"]) == 0
    listed = {row["case"]: row["does not fit"] for row in json.loads(capsys.readouterr().out)}
    assert listed["fake/misfit"] == "it fits nothing"
    assert set(listed.values()) == {"", "it fits nothing"}
    where = ["--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports")]
    assert call(["plan", misfit, "--json", *where]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["skipped"] == [{"case": "fake/misfit", "reason": "it fits nothing"}]
    assert {run["case"] for run in planned["runs"]} == {"chapter15/naive_next_step"}
    assert call(["plan", misfit, *where]) == 0
    assert "skipped fake/misfit: it fits nothing" in capsys.readouterr().out
    assert call(["run", misfit, *where, "--no-track", "--no-throughput"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "skipped fake/misfit: it fits nothing"


def test_a_suite_names_metrics(tmp_path, capsys):
    (tmp_path / "odd.toml").write_text('name = "odd"\nseeds = [1]\ncases = ["linear"]\nmetrics = ["mse", "mae"]\n')
    assert call(["plan", str(tmp_path / "odd.toml"), "--json", "--results", str(tmp_path)]) == 0
    (tmp_path / "odd.toml").write_text('name = "odd"\nseeds = [1]\ncases = ["linear"]\nmetrics = ["msee"]\n')
    assert call(["plan", str(tmp_path / "odd.toml"), "--results", str(tmp_path)]) == 2
    assert "unknown metric 'msee'; did you mean mse" in capsys.readouterr().err


def test_results_in_three_formats_are_one_table(results, tmp_path, capsys):
    frame = bench.load_results("smoke", results)
    assert list(frame.columns) == list(TIDY)
    assert set(frame.columns) >= {
        "suite", "case", "task", "dataset", "model", "seed", "device", "backend", "split", "metric", "epoch", "axis",
        "index", "value", "status", "run_id",
    }  # fmt: skip
    other = bench.load_results("smoke", results, backends=["jax"])
    assert set(other["backend"]) <= {"numpy"}, "no run of this folder was on JAX"
    assert call(["results", "smoke", "--backend", "jax", "--cases", "x", "--results", str(results)]) == 2
    capsys.readouterr()
    assert call(["results", "smoke", "--results", str(results)]) == 0
    from io import StringIO

    csv = pd.read_csv(StringIO(capsys.readouterr().out))
    assert call(["results", "smoke", "--format", "json", "--results", str(results)]) == 0
    rows = json.loads(capsys.readouterr().out)
    file = tmp_path / "all.parquet"
    assert call(["results", "smoke", "--format", "parquet", "--output", str(file), "--results", str(results)]) == 0
    parquet = pd.read_parquet(file)
    assert len(frame) == len(csv) == len(rows) == len(parquet) > 50
    assert frame["value"].sum() == pytest.approx(csv["value"].sum()) == pytest.approx(parquet["value"].sum())


def test_help_teaches(capsys):
    for verb in ([], ["run"], ["plan"], ["report"], ["results"], ["list"], ["ui"]):
        assert call([*verb, "--help"]) == 0
        assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize("verb", [["--help"], [], ["list"], ["list", "datasets"], ["list", "metrics"],
                                   ["plan", "smoke"], ["report", "--help"]])  # fmt: skip
def test_quick_verbs_import_nothing_heavy(verb, tmp_path):
    verb = [*verb, "--results", str(tmp_path)] if verb[:1] == ["plan"] else verb
    code = (
        "import sys; from bench.cli import call; code = call(sys.argv[1:]);"
        "heavy = {'keras', 'tensorflow', 'mlflow', 'matplotlib'} & set(sys.modules); sys.exit(code or len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code, *verb], cwd=ROOT, capture_output=True, env=os.environ)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_interpreter_winds_up_does_not_change_the_exit_code(number):
    """A second Ctrl-C may come when all is said; by then Python has given up its handlers."""
    code = (
        "import os, sys\n"
        "from bench.cli import main\n"
        "class Late:\n"
        f"    def __del__(self, kill=os.kill, pid=os.getpid()): print('late', flush=True); kill(pid, {int(number)})\n"
        "late = Late()\n"
        "sys.argv = ['bench', 'list', 'modles']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "late\n"), done.stderr


@pytest.mark.parametrize("arguments", [["plan", "smoke"], ["plan", "smoke", "--json"], ["list", "models"]])
def test_where_nobody_reads_on_the_command_ends_without_a_word(arguments, tmp_path):
    arguments = [*arguments, "--results", str(tmp_path)] if arguments[0] == "plan" else arguments
    with subprocess.Popen([sys.executable, "-m", "bench", *arguments], cwd=ROOT, stdout=-1, stderr=-1) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 1)


def test_plan_counts_on_no_more_workers_than_there_are_jobs(results, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bench.devices.usable_cores", lambda: [0, 1])
    where = ["--results", str(results), "--reports", str(tmp_path)]
    asked = ["plan", "smoke", "--seeds", "42,43,44", "--json", *where]
    found = {}
    for chosen in ("linear", "linear,seq2seq_rnn"):
        assert call([*asked, "--cases", chosen]) == 0
        found[chosen] = json.loads(capsys.readouterr().out)
    pace = pace_of(Store(results).read(), tmp_path)
    each, compile_s = pace.run_s["chapter15/linear"], pace.compile_s["chapter15/linear"]
    unknown = sum(pace.run_s.values()) / len(pace.run_s)  # of the other case; the third seed of linear is recorded
    assert found["linear"]["runs_s"] == pytest.approx(2 * each + compile_s + pace.start_s)
    spent = 2 * each + 3 * unknown + 2 * compile_s
    assert found["linear,seq2seq_rnn"]["runs_s"] == pytest.approx(spent / 2 + pace.start_s)
    for one, specs in ((found["linear"], 1), (found["linear,seq2seq_rnn"], 2)):
        assert one["throughput_s"] > 10 * specs
        assert one["estimate_s"] == pytest.approx(one["runs_s"] + one["throughput_s"])
