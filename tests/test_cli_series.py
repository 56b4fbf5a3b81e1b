"""The verbs about a user's own file: what they say, what they write, and the line that each bad file gets."""

import json
import re
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.cli import call
from bench.commands.asked import Asked
from bench.commands.series import new_suite
from bench.estimates import Pace, Work, guess_in_words, likely_of, likely_pace
from bench.models.base import models
from bench.plan import make_plan
from bench.recipe import Recipe
from bench.record import Component, Timing
from bench.suite import read_suite
from bench.suite.own import QUICK_SEEDS, SEEDS, quick_models
from bench.tables.suffixes import is_series_file
from tests.bad_tables import BAD, UNFIT
from tests.committed import ROOT
from tests.fakes import fake_record


@pytest.fixture
def sales(tmp_path, monkeypatch):
    """A folder with a file of 200 days with a weekly season, as the current one."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2020-01-01", periods=200)
    weekly = 10 + np.sin(np.arange(200) * 2 * np.pi / 7)
    pd.DataFrame({"day": days, "units": weekly, "price": 2.0 + np.arange(200) % 3}).to_csv("sales.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("bad", [bad for bad in BAD if not bad.mended], ids=lambda bad: bad.name)
def test_a_bad_file_is_a_line_and_exit_code_2(tmp_path, monkeypatch, capsys, bad):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_bytes(bad.text if isinstance(bad.text, bytes) else bad.text.encode())
    time, id_, columns = bad.arguments
    assert call(["new", "sales.csv", "--target", ",".join(columns), "--time", time, "--id", id_, "--horizon", "1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"bench: sales.csv{bad.complaint}\n"
    assert not (tmp_path / "suites").exists()


@pytest.mark.parametrize("bad", UNFIT, ids=lambda bad: bad.name)
def test_a_file_that_teaches_nothing_is_a_line_and_exit_code_2(tmp_path, monkeypatch, capsys, bad):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text(bad.text)
    assert call(["run", "sales.csv", "--target", "units", "--horizon", "1"]) == 2
    assert capsys.readouterr() == ("", f"bench: sales.csv{bad.complaint}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_the_column_that_tells_series_apart_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2020-01-01", periods=60).repeat(2)
    pd.DataFrame({"day": days, "shop": ["n", "s"] * 60, "units": np.arange(120) % 11}).to_csv("t.csv", index=False)
    made = new_suite(Asked("t.csv", ("units",), 2))
    suite = tomllib.loads(made.path.read_text())
    assert suite["cases"][0]["dataset"]["id"] == "shop"
    assert suite["slices"] == ["shop"], "a report says where each model loses, series by series"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["data", "sale.csv"], "sale.csv: cannot be read (No such file or directory); name a file that is there"),
        (["data", "sales.csv", "--target", "unit"], "sales.csv: no column 'unit'; did you mean units?"),
        (["new", "sales.csv"], "sales.csv: name what to forecast with --target; columns of numbers: units, price"),
        (["new", "sales.csv", "--target", "units", "--time", "date"], "sales.csv: no column 'date'; did you mean day?"),
        (["new", "sales.csv", "--target", "units,units"], "--target names 'units' twice; leave it out once"),
        (["new", "sales.csv", "--target", "units", "-o", "mine"], "-o mine: a suite's file ends in .toml; name one"),
        (
            ["new", "sales.csv", "--target", "units", "--horizon", "90"],
            "sales.csv: 200 steps are too few for windows of 20 and a horizon of 90: validation would have 30 of the "
            "90 that it needs, test would have 30 of the 90 that it needs; shorten --input-length or --horizon, or add "
            "rows",
        ),
        (["run", "smoke", "--target", "x"], "--target goes with a file of series, as in bench run sales.csv; 'smoke' "
         "is none"),
        (["run", "smoke", "--quick"], "--quick goes with a file of series, as in bench run sales.csv; 'smoke' is none"),
    ],
)  # fmt: skip
def test_bad_arguments_are_a_line_and_exit_code_2(sales, capsys, arguments, complaint):
    assert call(arguments) == 2
    assert capsys.readouterr().err == f"bench: {complaint}\n"


def test_data_says_what_is_in_a_file(sales, capsys):
    assert call(["data", "sales.csv", "--target", "units", "--horizon", "7"]) == 0
    out = capsys.readouterr().out
    assert "times: day, 2020-01-01 to 2020-07-18, a row every day\n" in out
    assert re.search(r"units .* 7 steps, clear: autocorrelation (0\.9\d|1\.00)", out)
    assert "windows of 28 steps forecast the next 7; " in out
    assert "run sales.csv --target units --horizon 7 --quick\n" in out
    assert sorted(path.name for path in sales.iterdir()) == ["sales.csv"]


def test_data_as_json_and_as_a_page(sales, capsys):
    assert call(["data", "sales.csv", "--target", "units", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["season"], told["step"], told["time"]) == (7, "day", "day")
    assert [column["kind"] for column in told["columns"]] == ["time", "number", "number"]
    assert call(["data", "sales.csv", "--html", "--results", "results"]) == 0
    folder = sales / "results" / "data" / "sales"
    page = (folder / "report.html").read_text()
    assert "Proposed split" in page
    assert "data:image/svg+xml" in page
    assert "# What is in sales.csv" in (folder / "README.md").read_text()
    assert call(["data", "sales.csv", "--output", "there"]) == 0
    assert (sales / "there" / "figures" / "series.svg").exists()


def test_a_new_suite_is_commented_and_says_what_was_found(sales, capsys):
    assert call(["new", "sales.csv", "--target", "units", "--horizon", "7"]) == 0
    path = sales / "suites" / "sales-units-7.toml"
    assert capsys.readouterr().out.startswith("suites/sales-units-7.toml: edit it, then ")
    text = path.read_text()
    assert text.startswith("# Made by: bench new sales.csv --target units --horizon 7\n")
    suite = tomllib.loads(text)
    (case,) = suite["cases"]
    assert (suite["name"], suite["seeds"]) == (path.stem, list(SEEDS))
    assert suite["recipe"]["steps"] > 0
    assert models.get(suite["baseline"]).baseline_of_seasons
    assert len(suite["grid"]["learning_rate"]) == 3
    assert case["models"] == ["*"]
    assert case["dataset"] == {
        "name": "table",
        "path": "sales.csv",
        "time": "day",
        "targets": ["units"],
        "input_length": 28,
        "horizon": 7,
        "season": 7,
        "rank": "mase",
        "valid": "2020-05-20",
        "test": "2020-06-19",
        "scale": "standard",
    }
    assert '# past = ["price"]' in text
    assert call(["new", "sales.csv", "--target", "units", "--horizon", "7"]) == 2
    assert "suites/sales-units-7.toml is there already; name another with -o, or remove it" in capsys.readouterr().err


def test_each_line_that_is_left_out_may_be_put_in(sales):
    text = new_suite(Asked("sales.csv", ("units",), 7)).path.read_text().replace("seeds = ", "# seeds = ", 1)
    head = 'seeds = [1, 2, 3, 4]\ndata_seeds = "seeds"\n'
    left_out = re.findall(r"^# (\w+) = (.*?)  # ", text, re.MULTILINE)
    options = {"past", "known", "calendar", "since", "until", "units", "folds", "quantiles"}
    assert options < {name for name, _ in left_out}
    for name, value in left_out:
        if name in ("slices", "seeds"):
            continue
        line = f"{name} = {value}"
        made = sales / "suites" / "sales-units-7.toml"
        made.write_text(head + text.replace(f"# {line}", line))
        specs = make_plan(read_suite(str(made)), []).specs
        assert specs[0].dataset.all_params[name] is not None, name
        assert (len({spec.data_seed for spec in specs}) == 4) == (name == "folds")


def test_what_is_asked_stands_in_the_suite_and_names_are_quoted(sales):
    frame = pd.read_csv("sales.csv").rename(columns={"units": 'un"its', "day": "d\\ay"})
    frame.to_csv('sa"les #1.csv', index=False)
    made = new_suite(Asked('sa"les #1.csv', ('un"its', "price"), 3, 12, season=5), sales / "mine.toml")
    (case,) = tomllib.loads(made.path.read_text())["cases"]
    asked = {key: case["dataset"][key] for key in ("path", "time", "targets", "horizon", "input_length", "season")}
    assert asked == {
        "path": 'sa"les #1.csv',
        "time": "d\\ay",
        "targets": ['un"its', "price"],
        "horizon": 3,
        "input_length": 12,
        "season": 5,
    }
    assert made.train_windows == 140 - 12 - 3 + 1


def test_the_same_command_writes_the_same_suite(sales):
    asked = Asked("sales.csv", ("units",), 7)
    first = new_suite(asked, folder=sales / "results").path.read_bytes()
    assert new_suite(asked, folder=sales / "results", again=True).path.read_bytes() == first


def test_a_quick_suite_is_small_and_says_what_it_cannot(sales):
    made = new_suite(Asked("sales.csv", ("units",), 7, quick=True))
    suite = tomllib.loads(made.path.read_text())
    assert suite["seeds"] == list(QUICK_SEEDS)
    assert "grid" not in suite
    assert suite["cases"][0]["models"] == quick_models()
    assert {models.get(name).trained for name in quick_models()} == {True, False}
    assert made.lines[0].startswith("a first look: 3 seeds, few steps and models; it ranks nothing that these cannot")
    assert "ranks nothing that so few seeds cannot" in made.path.read_text()


def test_a_written_suite_is_read_and_its_models_fit(sales):
    made = new_suite(Asked("sales.csv", ("units", "price"), 7))
    suite = read_suite(str(made.path))
    fitting = [case for case in suite.select() if case.supports()]
    tried = {case.model.name for case in fitting}
    assert tried > set(quick_models())
    per_model = [sum(case.model.name == name for case in fitting) for name in tried if models.get(name).trained]
    assert set(per_model) == {3}, "each network at three learning rates"
    assert {case.task.rank for case in fitting} == {"mase"}


def test_one_command_goes_from_a_file_to_a_report_and_twice_runs_nothing_anew(sales, capsys):
    baselines = ",".join(f"sales/{name}" for name in quick_models() if not models.get(name).trained)
    words = ["run", "sales.csv", "--target", "units", "--horizon", "7", "--quick", "--cases", baselines, "--no-track"]
    assert call(words) == 0
    out = capsys.readouterr().out
    first, second, *_ = out.splitlines()
    assert first.startswith("a first look: 3 seeds")
    assert second.startswith("sales.csv: units, 7 steps ahead (a first look, 3 seeds); suite results/data/")
    readme = sales / re.findall("^report: (.*)$", out, re.M)[0]
    assert "MASE" in readme.read_text()
    assert call([*words, "--no-report"]) == 0
    assert f"0 runs to do, {baselines.count(',') + 1} done" in capsys.readouterr().out


def test_a_file_is_told_from_a_suite(sales):
    (sales / "plain").write_text("x")
    (sales / "s.toml").write_text("x")
    named = ["sales.csv", "gone.parquet", "plain", "smoke", "s.toml", "suites/x.toml"]
    assert [is_series_file(name) for name in named] == [True, True, True, False, False, False]


def test_an_estimate_goes_by_the_like_in_other_reports(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "cases.csv").write_text("case,model\na,gru\nb,linear\nn,naive\n")
    (folder / "tasks.csv").write_text("task,input_length\nt,50\n")
    (folder / "runs.csv").write_text(
        "case,task,total_s,import_s,compile_s,train_windows,epochs_run\n"
        "a,t,20,6,4,1000,20\na,t,30,,0,1000,20\nb,t,1,0,0,1000,20\nn,t,1,,,,0\n"
    )
    (tmp_path / "broken").mkdir()
    works = {"x": Work("gru", 2_000, 10), "y": Work("linear", 20_000, 50), "z": Work("unheard", 20_000, 50)}
    found = likely_pace(works, [], tmp_path)
    assert found.run_s == pytest.approx({"x": 20 / 50 / 20_000 * 20_000, "y": 1, "z": 20})
    assert found.compile_s == {"x": 4, "y": 4, "z": 4}
    assert found.guessed == {"z"}
    assert likely_pace(works, [], tmp_path / "broken") == Pace()


def test_an_estimate_goes_by_records_before_reports_and_says_what_it_guesses(tmp_path):
    record = fake_record("fake/rnn", 1)
    recipe = Recipe(steps=50, batch_size=10)
    timing = Timing(total_s=31.0, import_s=6.0, compile_s=5.0, epoch_s=[9.0, 5.0])
    spec = record.spec.model_copy(update={"recipe": recipe, "model": Component(name="gru")})
    task = replace(record.task, input_length=20)
    ran = record.model_copy(update={"spec": spec, "timing": timing, "task": task, "train_windows": 400})
    works = {"x": Work("gru", 1_000, 40), "z": Work("unheard", 1_000, 40)}
    found = likely_pace(works, [ran, fake_record("fake/naive", 0), fake_record(status="failed")], tmp_path)
    assert found.run_s == pytest.approx(dict.fromkeys("xz", 20 / (50 * 10) / 20 * 1_000 * 40)), "of its 50 steps alone"
    assert found.compile_s == dict.fromkeys("xz", 5.0)
    pace = Pace({"n": 0.5}, predictors=frozenset("n")).over(found)
    assert pace == Pace({"n": 0.5, **found.run_s}, found.compile_s, predictors=frozenset("n"), guessed=frozenset("z"))
    x, z = (spec.model_copy(update={"case": c, "model": Component(name=works[c].model)}) for c in "xz")
    assert guess_in_words([x, x], pace) == ""
    assert guess_in_words([x, z, z], pace).startswith("a guess: 1 of 2 networks were never timed here and are taken")
    assert pace.over(Pace({"z": 1.0}, guessed=frozenset("z"))).guessed == set()


def test_cases_of_a_suite_are_estimated_from_their_budget():
    found = likely_of(read_suite("smoke"), [], ROOT / "reports", 7_000)
    assert set(found.run_s) == {"chapter15/linear", "chapter15/seq2seq_rnn", "chapter15/wavenet"}
    assert all(seconds > 0 for seconds in found.run_s.values())
    assert likely_of(read_suite("smoke"), [], ROOT / "reports") == Pace(), (
        "its recipes count epochs, of unknown windows"
    )
