"""Executors are plug-ins: a command asks the one that is named where runs are run, and what they are run on."""

from dataclasses import replace
from pathlib import Path

from bench.cli import call
from bench.cli.options import selection
from bench.executors.base import executors
from bench.store import REPORTS, RESULTS, Store
from tests.elsewhere import LOGS, registered


def run(suite, *options):
    return call(["run", suite, "--no-track", "--no-report", *options])


def test_runs_are_run_where_the_named_executor_says_and_count_as_done_there_alone(far, monkeypatch, tmp_path, capsys):
    elsewhere = registered(monkeypatch)
    assert run(far(), "--executor", "elsewhere", "--workers", "7") == 0
    assert elsewhere.asked == [("check", "cpu"), ("see", 6)]
    assert elsewhere.started[0].setting.workers == 7
    assert {r.environment.cpu for r in Store(tmp_path / "results").read()} == {"Other CPU"}
    assert "6 runs to do, 0 done; an unknown time on 64 workers" in capsys.readouterr().out
    assert run(far(), "--executor", "elsewhere") == 0
    assert "0 runs to do, 6 done" in capsys.readouterr().out
    assert call(["plan", far()]) == 0
    assert "0 of 6 runs done" in capsys.readouterr().out, "this machine has another processor"


def test_a_stop_ends_what_the_executor_runs_and_the_same_command_goes_on(far, monkeypatch, tmp_path, capsys):
    elsewhere = registered(monkeypatch, options={"stop_after": 2})
    assert run(far(), "--executor", "elsewhere") == 1
    assert elsewhere.started[0].closed
    assert len(Store(tmp_path / "results").read()) == 2
    elsewhere.options = {}
    assert run(far(), "--executor", "elsewhere") == 0
    assert "4 runs to do, 2 done" in capsys.readouterr().out


def test_where_there_is_no_report_what_failed_is_in_the_executors_logs(far, monkeypatch, capsys):
    registered(monkeypatch, options={"status": "failed"})
    assert run(far(), "--executor", "elsewhere") == 1
    assert f"6 of 6 runs have no result; what their workers printed is in {LOGS}" in capsys.readouterr().out


def test_a_command_to_go_on_names_the_executor_unless_it_is_this_machine(far, monkeypatch):
    registered(monkeypatch)
    there = selection(far(), RESULTS, REPORTS)
    assert "--executor" not in there.command()
    assert replace(there, place="elsewhere").command().endswith("run far.toml --executor elsewhere")
    assert "--executor" not in replace(there, place="elsewhere").command("report")


def test_an_unknown_executor_is_one_line(far, capsys):
    assert run(far(), "--executor", "locale") == 2
    assert capsys.readouterr().err == "bench: unknown executor 'locale'; did you mean local?\n"


def test_local_is_listed_with_what_it_is(capsys):
    assert executors.names()[0] == "local"
    assert call(["list", "executors", "--json"]) == 0
    assert '"about": "This machine: a worker a core or a GPU."' in capsys.readouterr().out


def test_an_option_is_the_executors_that_takes_it(far, monkeypatch, capsys):
    registered(monkeypatch)
    assert run(far(), "--address", "there:1") == 2
    assert capsys.readouterr().err == "bench: executor local takes no --address\n"
    told = selection(far(), RESULTS, REPORTS, executor="elsewhere", told=[("--address", "there:1")])
    assert told.executor.address == "there:1"
    assert told.command().endswith("run far.toml --executor elsewhere --address there:1")
    assert "--address" not in told.command("report")
    assert run(far(), "--executor", "elsewhere", "--runtime-env", "it.toml") == 2
    assert capsys.readouterr().err == "bench: executor elsewhere takes no --runtime-env; it takes --address\n"


def timed(far):
    """Write the suite of `far` with a throughput benchmark; return its name."""
    suite = Path(far())
    suite.write_text(suite.read_text(encoding="utf-8").replace("throughput = false", ""), encoding="utf-8")
    return suite.name


def test_throughput_is_measured_on_the_kind_of_machine_that_has_most_runs(far, monkeypatch, capsys):
    there = registered(monkeypatch, cpus=("Other CPU", "Third CPU", "Third CPU"), measuring=True)
    assert run(timed(far), "--executor", "elsewhere", "--processes", "2") == 0
    assert {r.environment.cpu for r in Store(RESULTS).read()} == {"Other CPU", "Third CPU"}
    assert {m.environment.cpu for m in Store(RESULTS).read_measurements()} == {"Third CPU"}
    assert sorted(m.attempt for m in Store(RESULTS).read_measurements()) == [1, 1, 2, 2]
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("machines of 2 kinds are there for cpu; throughput is measured on the kind with most runs") == 1
    assert "of the suite: Third CPU, numpy " in said
    assert "throughput: 2 cases to measure alone on a whole node, in 4 fresh processes; about " in said
    assert "[4/4] far/two: " in said
    assert run("far.toml", "--executor", "elsewhere", "--processes", "2") == 0
    assert "to measure" not in capsys.readouterr().out
    there.cpus = ("Other CPU",)
    assert run("far.toml", "--executor", "elsewhere", "--processes", "2") == 0
    assert "kinds are there" not in capsys.readouterr().out
    assert [m.environment.cpu for m in Store(RESULTS).read_measurements()].count("Other CPU") == 4, "it has none yet"


def test_what_no_machine_is_left_for_is_said_and_measured_by_the_same_command(far, monkeypatch, capsys):
    there = registered(monkeypatch, measuring=True, losing=3)
    assert run(timed(far), "--executor", "elsewhere", "--processes", "2") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "node lost (12345678) is lost; what it has left is given to another, if there is one" in said
    assert "3 processes are not measured: no machine of the kind is left; the same command does it" in said
    assert len(Store(RESULTS).read_measurements()) == 1
    there.losing = 0
    assert run("far.toml", "--executor", "elsewhere", "--processes", "2") == 0
    assert "in 3 fresh processes" in " ".join(capsys.readouterr().out.split())


def test_where_an_executor_measures_no_throughput_it_is_said_what_does(far, monkeypatch, capsys):
    registered(monkeypatch)
    assert run(timed(far), "--executor", "elsewhere") == 0
    assert "executor elsewhere measures no throughput, which takes an idle machine" in capsys.readouterr().out
    assert run("far.toml", "--executor", "elsewhere", "--no-throughput") == 0
    assert "measures no throughput" not in capsys.readouterr().out
