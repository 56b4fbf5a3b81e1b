"""Two reports' verdicts against their leaders: what changed, what was marked fragile, and what is said of it."""

import json

import pytest

from bench.cli import call
from bench.commands.standings import report_verdicts
from bench.compare import Standing, compare_verdicts
from bench.stats import Verdict
from tests.compare_fakes import GRU, NAIVE, RNN, noise, report, results, runs
from tests.fakes import fake_record

LEADS, WORSE, OPEN, FEW = Verdict.LEADS, Verdict.WORSE, Verdict.UNDECIDED, Verdict.TOO_FEW


def standing(board="task", leader="rnn", fragile=(), **verdicts):
    return Standing(board, board.title(), leader, {leader: LEADS, **verdicts}, frozenset(fragile), {"rnn": "an RNN"})


def test_rows_that_changed_places_are_flips_and_the_leaders_are_named() -> None:
    found = compare_verdicts(
        [standing(gru=OPEN, tcn=WORSE, old=WORSE, fragile=["tcn"])],
        [standing(leader="gru", rnn=OPEN, tcn=WORSE, fragile=["rnn"]), standing("more")],
    )
    assert [(f.board, f.name, f.a, f.b, f.fragile_a, f.fragile_b) for f in found.flips] == [
        ("Task", "an RNN", LEADS, OPEN, False, True),
        ("Task", "gru", OPEN, LEADS, False, False),
    ]
    assert [f.fragile for f in found.flips] == [True, False]
    assert found.leaders == {"Task": ("an RNN", "gru")}
    assert (found.held, found.fragile) == (1, ("Task: tcn (worse)",))
    assert found.alone == ("Task: old only in A", "More: only in B")
    assert found.changed
    assert not compare_verdicts([standing(gru=OPEN)], [standing(gru=OPEN)]).changed


@pytest.fixture
def reports(tmp_path):
    """Return two reports' folders: in A the RNN leads and the GRU is worse, in B the GRU leads."""
    cases, naive = [RNN, GRU, NAIVE], fake_record(NAIVE, None, mse=0.02)
    first = [*runs(RNN, 0.003 * noise(10)), *runs(GRU, 0.004 * noise(10, 1)), naive]
    second = [*runs(RNN, 0.003 * noise(10)), *runs(GRU, 0.0029 * noise(10, 1)), naive]
    return report(tmp_path / "a", first, cases), report(tmp_path / "b", second, cases)


def test_reports_are_read_and_judged(reports) -> None:
    same, why = report_verdicts(reports[0], reports[0])
    assert same is not None
    assert (same.changed, same.held, why) == (False, 3, "")
    found, _ = report_verdicts(*reports)
    assert found is not None
    assert {(f.name, f.a) for f in found.flips} == {("rnn", LEADS), ("gru", WORSE)}
    assert found.held == 1  # the naive forecast is worse in both
    ((before, after),) = found.leaders.values()
    assert (before, after) == ("rnn", "gru")


def test_the_command_says_which_changed_and_fails_if_asked_to(reports, capsys) -> None:
    both = ["compare", *map(str, reports)]
    assert call(both) == 0  # the GRU got better
    shown = capsys.readouterr().out
    assert "rnn leads in A, gru in B" in shown
    assert "1 of 3 verdicts against the leaders hold; 0 of 1 leaderboards have the same leader." in shown
    said = " ".join(shown.split()).partition("changed verdicts: ")[2]
    assert said.startswith("2, of which 2 were marked fragile (0 in A, 2 in B): ")
    assert ": rnn * (leads -> " in said
    assert ": gru * (worse -> leads)" in said
    assert call([*both, "--same-verdicts"]) == 1
    assert call(["compare", str(reports[0]), str(reports[0]), "--same-verdicts"]) == 0
    assert "changed verdicts: 0\n" in capsys.readouterr().out
    assert call([*both, "--json", "--same-verdicts"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["regressed"]
    assert [flip["a"] for flip in found["verdicts"]["flips"]] == ["leads", "worse"]


def test_records_have_no_verdicts(tmp_path, reports, capsys) -> None:
    records = results(tmp_path / "records", runs(RNN, 0.003 * noise(10)))
    assert call(["compare", str(records), str(records), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] is None
    assert call(["compare", str(records), str(records), "--same-verdicts"]) == 2
    assert "--same-verdicts compares two reports" in capsys.readouterr().err


def test_a_report_without_a_table_is_said(reports, capsys) -> None:
    (reports[1] / "curves.csv").unlink()
    assert call(["compare", *map(str, reports)]) == 0
    assert "verdicts are not compared: " in capsys.readouterr().out
