"""Odd scores in a report: 0, NaN, infinite, huge, below zero. Who leads, what stands in a cell, what is said of it."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from bench.cases.base import Case
from bench.frames import means
from bench.metrics.traits import Direction, Scale, Traits
from bench.plan import Plan
from bench.progress import outcome_of
from bench.record import LearningCurve
from bench.report.amounts import amount, difference, spread
from bench.report.build import build_report
from bench.report.findings import all_findings
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import factor, fixed, score, thousands
from bench.report.rows import Row
from bench.report.style import drawable, new_figure, plain_log, set_scale
from bench.report.tables import all_tables
from bench.report.under import answer, parse_bounds
from bench.stats import Interval, Ratio
from tests.fakes import FakeLeastSquares, FakeNaive, FakeNetwork, fake_case, fake_plan, fake_record
from tests.properties import Property, text_fault, unreadable
from tests.section_fakes import lines, results_of

NAN, INF = math.nan, math.inf
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SQUARES = fake_case("fake/ls", label="least squares", model=FakeLeastSquares())
SEEDS = (42, 43, 44)


def net(name: str) -> Case:
    return fake_case(f"fake/{name}", label=name, model=FakeNetwork(kind=name))


def plan_of(**scores: tuple[float, ...]) -> Plan:
    """Return a plan of networks with these validation errors, one a seed."""
    cases = {name: net(name) for name in scores}
    records = [
        fake_record(cases[n], s, mse=v) for n, values in scores.items() for s, v in zip(SEEDS, values, strict=False)
    ]
    return fake_plan([*cases.values()], records, SEEDS)


def board_of(plan: Plan) -> Leaderboard:
    return results_of(plan).tasks[0]


def cells(plan: Plan, name: str) -> dict[str, str]:
    """Return the line of the first table that is about a model."""
    results = results_of(plan)
    return lines(all_tables(results)[f"{results.leading()[0].table}/all"].body, name)[0]


def findings(plan: Plan) -> list[str]:
    results = results_of(plan)
    return all_findings(results, all_tables(results))


def test_an_error_of_zero_leads_and_is_shown_as_zero() -> None:
    """A stuck sensor: two predictors forecast it without an error, a network does not."""
    linear = net("linear")
    records = [
        fake_record(NAIVE, None, mse=0.0),
        fake_record(SQUARES, None, mse=0.0),
        fake_record(linear, 42, mse=1.859),
    ]
    plan = fake_plan([NAIVE, SQUARES, linear], records, (42,))
    assert [row.name for row in board_of(plan).ranked] == ["least squares", "naive", "linear"]
    assert [cells(plan, n)["valid MSE"] for n in ("least squares", "naive", "linear")] == ["0", "0", "1.859"]
    assert [cells(plan, n)["× leader"] for n in ("least squares", "naive", "linear")] == ["1.00", "–", "∞"]
    assert cells(plan, "linear")["skill"] == "–"
    first, _ = findings(plan)
    assert (
        "Too few seeds to rank linear (× ∞) against least squares, which has the best mean (MSE 0), level with" in first
    )


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_report_of_nothing_but_zeros_is_a_report(zero: float, tmp_path: Path) -> None:
    plan = plan_of(gru=(zero, zero), linear=(zero, zero))
    text = build_report(plan, tmp_path).read_text(encoding="utf-8")
    assert "Gru leads: MSE 0, 1,000 parameters. Level with it: linear." in text
    assert cells(plan, "gru")["valid MSE"] == "0 [0, 0]"
    assert not unreadable(text)


def test_a_zero_among_others_leads_without_an_interval_and_differs_from_none() -> None:
    plan = plan_of(some=(0.0, 0.02, 0.03), common=(0.01, 0.011, 0.012), all_of=(0.0, 0.0, 0.0))
    board = board_of(plan)
    assert [row.name for row in board.ranked] == ["all_of", "some", "common"]
    assert cells(plan, "some")["valid MSE"] == "0"
    assert cells(plan, "common")["× leader"] == "∞"
    assert board.significant == {frozenset(("all_of", "common"))}
    notes = all_tables(results_of(plan))[f"{board.table}/all"].notes
    assert any("a ratio to it is ∞, or – of another 0" in note for note in notes)
    assert (
        "Too few seeds to rank some against all_of, which has the best mean (MSE 0); 1 of 2 others worse"
        in findings(plan)[0]
    )


def test_a_score_that_is_no_number_is_shown_as_that_and_counts_in_no_mean() -> None:
    plan = plan_of(one=(0.03, NAN, 0.03), every=(NAN, NAN, NAN), endless=(INF, INF, INF), common=(0.01, 0.011, 0.012))
    board = board_of(plan)
    assert [row.name for row in board.rows] == ["common", "one", "endless", "every"]
    assert [row.name for row in board.ranked] == ["common", "one"]
    assert [cells(plan, n)["valid MSE"] for n in ("every", "endless")] == ["NaN", "∞"]
    assert [cells(plan, n)["runs"] for n in ("common", "one", "every", "endless")] == [
        "3 of 3", "2 of 3", "0 of 3", "0 of 3",
    ]  # fmt: skip
    assert cells(plan, "one")["valid MSE"].startswith("0.03000 ")
    said = "without a finite score, which counts in no mean: one seed 43 (NaN), every seed 42 (NaN) and 5 more"
    assert said in findings(plan)[-1]


def test_a_predictor_s_odd_score_has_no_seed() -> None:
    said = findings(fake_plan([NAIVE, net("rnn")], [fake_record(NAIVE, None, mse=INF), fake_record(net("rnn"), 42)]))
    assert "counts in no mean: naive (∞)" in said[-1]


def test_an_error_below_zero_is_worked_on_without_logs() -> None:
    plan = plan_of(one=(2.0, 2.1, 1.9), two=(1.0, 0.9, 1.1), three=(0.5, 0.4, 0.6))
    record = plan.records[0]
    turned = tuple(s._replace(value=-s.value) if not s.axis else s for s in record.scores)
    curve = LearningCurve(train_loss=[1.0], valid={"mse": [-2.0]})
    plan.records[0] = record.model_copy(update={"scores": turned, "curve": curve})
    board = board_of(plan)
    assert not board.metric.log
    assert board.behind == "less leader"
    assert [row.name for row in board.ranked] == ["three", "one", "two"]
    assert cells(plan, "one")["valid MSE"].startswith("0.6667 [")
    notes = all_tables(results_of(plan))[f"{board.table}/all"].notes
    assert "MSE: a value lies below 0, so that means are arithmetic" in " ".join(notes)


def test_equal_scores_are_level_and_those_that_only_do_not_differ_are_not() -> None:
    said = findings(plan_of(a=(0.01, 0.011), b=(0.01, 0.011), c=(0.012, 0.0105)))[0]
    assert "Too few seeds to rank c (× 1.07) against a, which has the best mean (MSE 0.01049), level with b." in said


def test_bounds_cost_nothing_where_another_is_level_and_no_ratio_is_said_to_zero() -> None:
    big, small = net("big"), net("small")

    def said(*errors: float) -> str:
        records = [fake_record(big, seed, mse=0.0, parameters=5000) for seed in SEEDS[:2]]
        records += [fake_record(small, s, mse=v, parameters=10) for s, v in zip(SEEDS, errors, strict=False)]
        return answer(results_of(fake_plan([big, small], records, SEEDS[:2])), parse_bounds("parameters=100"))

    assert "the bounds cost nothing, since big, which leads without them, is level with it." in said(0.0, 0.0)
    assert "the bounds cost what no ratio to 0 can say against big, which leads without them." in said(0.0, 0.1)
    assert "the bounds cost × ∞ of the error of big" in said(0.2, 0.1)


def test_a_run_whose_score_is_no_number_says_so_as_it_ends() -> None:
    assert outcome_of(fake_record(NAIVE, None, mse=NAN)).startswith("valid MSE is no finite number (nan) in ")
    assert outcome_of(fake_record(NAIVE, None, mse=-0.0)).startswith("valid MSE 0 in ")


def test_a_floor_that_is_no_number_is_none() -> None:
    board = board_of(plan_of(a=(0.1, 0.2)))
    floors = {("fake/a", "mse"): NAN}
    assert replace(board, floors=floors).floor is None
    assert replace(board, floors={("fake/a", "mse"): 0.05}).floor == 0.05


def test_a_share_of_which_less_is_better_is_stuck_far_above() -> None:
    metric = Traits("wrong", "wrong", Direction.LOWER, Scale.PLAIN, unit="%")
    board = Leaderboard("b", "B", metric, [])
    assert board.stuck(np.array([0.02, 0.03, 0.9, 0.02])) == [2]
    assert board.stuck(np.array([0.9, 0.9, 0.9, 0.9, 0.02])) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (NAN, "NaN"), (INF, "∞"), (-INF, "-∞"), (0.0, "0"), (-0.0, "0"), (1e40, "1.00e+40"),
        (-1e40, "-1.00e+40"), (1e-310, "1.00e-310"), (1e308, "1.00e+308"), (9_999_999.0, "9999999"), (1e7, "1.00e+07"),
        (1e-5, "0.000010"), (-0.5, "-0.5000"),
    ],
)  # fmt: skip
def test_a_score_is_readable(value: float | None, shown: str) -> None:
    assert score(value) == shown


SHARE = Traits("share", "share", Direction.HIGHER, Scale.PLAIN, unit="%")
ERROR_SHARE = Traits("share", "share", Direction.LOWER, Scale.PLAIN, unit="%")
PLAIN = Traits("bias", "bias", Direction.LOWER, Scale.PLAIN)


def test_numbers_in_cells_are_readable() -> None:
    assert amount(1e40, SHARE) == "1.00e+42 %"
    assert amount(-0.0, SHARE) == amount(-1e-9, SHARE) == "0.00 %"
    assert [amount(value, SHARE) for value in (NAN, INF, None)] == ["NaN", "∞", "–"]
    assert spread(Interval(2.5, 2.0, 3.0, 3), ERROR_SHARE) == "250.00 % [200.00, 300.00]"
    assert spread(Interval(0.02, -0.01, 0.05, 3), ERROR_SHARE) == "2.00 % [0.00, 5.00]"
    assert spread(Interval(-0.2, -0.4, 0.0, 3), SHARE) == "-20.00 % [-20.00, 0.00]"
    assert difference(Ratio(-1e-9, None, None), SHARE) == "0.00"
    assert difference(Ratio(1e40, None, None), SHARE) == "1.00e+42"
    assert difference(Ratio(-0.0, None, None), PLAIN) == "0"
    assert [factor(v) for v in (0.0, 1e-40, INF, 1e40, 1.07)] == ["0.00", "1.0e-40", "∞", "1.00e+40", "1.07"]
    assert [fixed(v, 2) for v in (-0.001, INF, NAN, 1e40, None)] == ["0.00", "∞", "–", "1.00e+40", "–"]
    assert [thousands(v) for v in (0.0, 1234567.0, 1e13, NAN)] == ["0", "1,230,000", "1.00e+13", "–"]


@pytest.mark.parametrize(
    ("values", "log", "scale"),
    [
        ([0.01, 0.02], True, "log"), ([0.0, 0.01], True, "symlog"), ([0.0], True, "linear"),
        ([-1.0, 0.5], True, "linear"), ([0.01, 0.02], False, "linear"), ([1e-310, 1e308], True, "log"),
        ([0.0, 1e-310, 1e308], True, "symlog"), ([INF], True, "linear"),
        ([NAN, INF, 0.1], True, "log"), ([-1e308, 1e308], False, "linear"), ([1e308], True, "log"),
    ],
)  # fmt: skip
def test_an_axis_has_room_for_every_score(values: list[float], log: bool, scale: str) -> None:
    """Warnings are errors here: matplotlib warns of limits that overflow or fall together."""
    ax = new_figure(4, 3).add_subplot()
    set_scale(ax.xaxis, values, log)
    drawn = drawable(values)
    ax.scatter(drawn, range(len(values)))
    plain_log(ax.xaxis)
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    assert ax.get_xscale() == scale
    assert all(low <= value <= high for value in drawn[np.isfinite(drawn)])


def test_means_of_no_finished_run_are_an_empty_table() -> None:
    failed = fake_record("fake/rnn", 42, status="diverged", reason="loss")
    assert len(means([failed])) == 0
    made = means([fake_record("fake/rnn", 42, mse=0.0), fake_record("fake/rnn", 43, mse=NAN)])
    assert made["valid MSE"].tolist() == [0.0]


@pytest.mark.parametrize(
    "text",
    [
        "a score of nan",
        "inf windows",
        "| 1 | | 2 |",
        "-0.00 points",
        "1 of -0",
        "MSE 10000000000000000",
        "it is None here",
        "<NA>",
    ],
)
def test_what_is_not_readable_is_seen(text: str) -> None:
    assert unreadable(text)


def test_readable_text_is_let_be() -> None:
    assert not unreadable("| – | NaN | ∞ | 1.00e+40 | -0.5 | `nan` | [0](figures/inf.svg) | None. | 10-0 |")


def wrong_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leaderboard, "in_order", lambda board: board)


def wrong_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    values = Row.values
    monkeypatch.setattr(Row, "values", lambda row, key: 1.5 * values(row, key))


def zeros_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    interval = Row.interval
    monkeypatch.setattr(Row, "interval", lambda row, key: interval(row, key) if row.values(key).all() else None)


@pytest.mark.parametrize("fault", [wrong_order, wrong_mean, zeros_left_out])
def test_a_wrong_report_would_be_seen(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(b=(0.02, 0.021, 0.022), a=(0.01, 0.011, 0.0), c=(0.03, 0.031, 0.032))
    seen = Property("text", st.none(), text_fault)
    assert not seen(plan)
    fault(monkeypatch)
    assert seen(plan)
