"""Two reports' verdicts against their leaders: what changed, what hangs on one seed, and what is said of it."""

import json

import numpy as np
import pytest

from bench import stats
from bench.cli import call
from bench.commands.standings import report_verdicts
from bench.compare import Standing, compare_verdicts
from bench.stats import Region, Sample, Verdict
from tests.compare_fakes import GRU, NAIVE, RNN, noise, report, results, runs
from tests.fakes import fake_record

LEADS, WORSE, OPEN, FEW = Verdict.LEADS, Verdict.WORSE, Verdict.UNDECIDED, Verdict.TOO_FEW


def standing(board="task", leader="rnn", fragile=(), **verdicts):
    return Standing(board, board.title(), leader, {leader: LEADS, **verdicts}, frozenset(fragile), {"rnn": "an RNN"})


def test_rows_that_changed_places_are_flips_and_the_leaders_are_named() -> None:
    found = compare_verdicts(
        [standing(gru=OPEN, tcn=WORSE, old=WORSE, fragile=["tcn"])],
        [standing(leader="gru", rnn=OPEN, tcn=WORSE), standing("more")],
    )
    assert [(f.board, f.name, f.a, f.b, f.fragile) for f in found.flips] == [
        ("Task", "an RNN", LEADS, OPEN, False),
        ("Task", "gru", OPEN, LEADS, False),
    ]
    assert found.leaders == {"Task": ("an RNN", "gru")}
    assert (found.held, found.fragile) == (1, ("Task: tcn (worse)",))
    assert found.alone == ("Task: old only in A", "More: only in B")
    assert found.changed
    assert not compare_verdicts([standing(gru=OPEN)], [standing(gru=OPEN)]).changed


def judged(row: Sample, leader: Sample) -> Verdict:
    found = stats.ratio(row, leader)
    assert found is not None
    return stats.judge(found, Region(), min(len(row.values), len(leader.values)), log=True, worse_is_higher=True)


def test_a_verdict_that_one_seed_turns_is_found() -> None:
    calm = Sample(np.exp(0.05 * np.array([-1, -0.5, 0, 0.5, 1, -0.7, 0.7])))
    worse = Sample(1.3 * calm.values)
    odd = Sample(np.append(worse.values, 12.0))  # its spread leaves the interval open
    assert (judged(worse, calm), judged(odd, calm)) == (WORSE, OPEN)
    assert not stats.hangs_on_a_seed(worse, calm, judged)
    assert stats.hangs_on_a_seed(odd, calm, judged)
    five = Sample(calm.values[:5])  # of four the verdict is "too few", which is as open
    assert judged(five, calm) is OPEN
    assert not stats.hangs_on_a_seed(five, calm, judged)
    assert not stats.hangs_on_a_seed(Sample(np.array([9.0]), exact=True), calm, judged)


def test_a_lead_that_one_seed_turns_is_found() -> None:
    near, far = Sample(np.array([1.0, 1.1, 1.2, 0.9])), Sample(np.array([2.0, 2.1, 2.2]))
    assert not stats.lead_hangs_on_a_seed(near, [far])
    assert stats.lead_hangs_on_a_seed(near, [far, Sample(np.array([1.06, 1.06]), exact=True)])
    assert stats.lead_hangs_on_a_seed(near, [Sample(np.array([1.0, 1.0, 1.05, 5.0]))])  # the rival's odd seed
    shares = [Sample(1 - s.values / 10) for s in (near, far)]
    assert not stats.lead_hangs_on_a_seed(shares[0], shares[1:], log=False, worse_is_higher=False)


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
    assert call([*both, "--same-verdicts"]) == 1
    assert call(["compare", str(reports[0]), str(reports[0]), "--same-verdicts"]) == 0
    capsys.readouterr()
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
