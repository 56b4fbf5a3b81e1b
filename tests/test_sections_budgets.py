"""Equal training time, by hand: which epoch a budget reaches, what stands there, and who leads."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.cases.base import Case
from bench.plan import Plan
from bench.record import LearningCurve, RunRecord
from bench.report.results import Results
from bench.report.sections.budgets import budgets_between, budgets_table, fields_of
from tests.fakes import FakeLeastSquares, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of
from tests.test_sections_throughput import measured

FAST = fake_case("fake/fast", label="fast")
SLOW = fake_case("fake/slow", label="slow")
SQUARES = fake_case("fake/squares", label="least squares", model=FakeLeastSquares())
WOBBLE = {42: 1.0, 43: 1.01, 44: 1 / 1.01}
"""Their geometric mean is 1."""
EPOCHS = 20


WINDOWS = 6976
"""That an epoch trains on."""


def trained(case: Case, curve: Callable[[int], float], metric: str = "mse") -> list[RunRecord]:
    """Return three runs of twenty epochs whose scores fall as ``curve`` of the epoch."""
    made = []
    for seed, factor in WOBBLE.items():
        values = [curve(e) * factor for e in range(1, EPOCHS + 1)]
        record = fake_record(case, seed, mse=values[-1], epochs=EPOCHS)
        if metric == "mse":
            series = {"mse": values, "last_time_step_mse": values}
            record = record.model_copy(update={"curve": LearningCurve(train_loss=values, valid=series)})
        made.append(record)
    return made


def fast_and_slow(fast_s: float = 0.1, slow_s: float = 1.0, untrained: float = 9.0, fit_s: float = 0.0) -> Plan:
    """Return a plan of two models whose epochs take so many seconds by what was measured alone, and of a predictor."""
    records = [
        *trained(FAST, lambda e: 3 / e),
        *trained(SLOW, lambda e: 1.2 / e),
        fake_record(SQUARES, None, mse=untrained),
    ]
    timed = [measured(case, (WINDOWS / s,) * 10) for case, s in ((FAST, fast_s), (SLOW, slow_s))]
    measurements = (*timed, measured(SQUARES, build_s=fit_s))
    return replace(fake_plan([FAST, SLOW, SQUARES], records), measurements=measurements)


def section(plan: Plan) -> tuple[str, list[str]]:
    made = budgets_table(results_of(plan))
    assert made is not None
    return made


def test_scores_at_equal_seconds_by_hand() -> None:
    body, notes = section(fast_and_slow())
    assert lines(body, "fast") == [
        {
            "model": "fast",
            "whole training, s": "2.0",
            "within 2 s": "**0.1500**",
            "within 5 s": "**0.1500 \\***",
            "within 10 s": "0.1500 \\*",
            "within 20 s": "0.1500 \\*",
        }
    ]
    assert lines(body, "slow") == [
        {
            "model": "slow",
            "whole training, s": "20.0",
            "within 2 s": "0.6000",
            "within 5 s": "0.2400",
            "within 10 s": "**0.1200**",
            "within 20 s": "**0.06000**",
        }
    ]
    assert (
        "**Next step.** Within 2 s fast leads (0.1500); within 5 s fast leads (0.1500); within 10 s slow leads "
        "(0.1200); within 20 s slow leads (0.06000)." in body
    )
    assert "without training" not in body
    assert "training windows over the throughput measured alone, the same for all seeds" in notes[-1]


def test_a_model_without_an_epoch_within_a_budget_has_no_score() -> None:
    body, _ = section(fast_and_slow(fast_s=0.01))
    (slow,) = lines(body, "slow")
    assert (slow["within 0.2 s"], slow["within 1 s"]) == ("–", "1.200")
    assert "Within 0.2 s fast leads" in body


def test_a_model_that_was_not_measured_alone_has_no_clock() -> None:
    """However fast its runs were, which shared the machine; two are left of three, or there is no table."""
    plan = fast_and_slow()
    third = fake_case("fake/third", label="third")
    records = [*plan.records, *trained(third, lambda e: 2 / e)]
    body, notes = section(replace(fake_plan([*plan.cases, third], records), measurements=plan.measurements))
    assert lines(body, "third") == []
    assert len(lines(body, "fast")) == 1
    assert "Models whose throughput was not measured are left out." in notes[-1]
    assert budgets_table(results_of(replace(plan, measurements=plan.measurements[:1]))) is None


def test_a_predictor_that_is_ahead_is_named() -> None:
    body, _ = section(fast_and_slow(untrained=0.14))
    assert "Least squares (0.1400), without training, has the better mean within 2 and 5 s." in body
    assert lines(body, "least squares") == []


def test_a_predictor_still_at_its_fit_is_ahead_of_nobody() -> None:
    body, _ = section(fast_and_slow(untrained=0.14, fit_s=3.0))
    assert "Least squares (0.1400), fitted in 3 s, without training, has the better mean within 5 s." in body
    plan = fast_and_slow(untrained=0.14)
    unknown = section(replace(plan, measurements=plan.measurements[:2]))[0]
    assert "without training" not in unknown, "how long it is fitted is not known"


def test_accuracies_lead_where_they_are_high() -> None:
    cases = [fake_case(f"fake/{name}", task="reber", label=name) for name in ("quick", "thorough")]
    records = []
    timed = tuple(measured(case, (speed,) * 10) for case, speed in zip(cases, (69_760.0, 6_976.0), strict=True))
    for case, top in zip(cases, (0.7, 0.9), strict=True):
        for seed, shift in zip((42, 43, 44), (-0.001, 0, 0.001), strict=True):
            series = {"accuracy": [0.5 + shift + (top - 0.5) * e / EPOCHS for e in range(1, EPOCHS + 1)]}
            record = fake_record(case, seed, task="reber", accuracy=top + shift)
            curve = LearningCurve(train_loss=series["accuracy"], valid=series)
            records.append(record.model_copy(update={"curve": curve}))
    body, notes = section(replace(fake_plan(cases, records), measurements=timed))
    assert lines(body, "quick")[0]["within 2 s"] == "**70.00 %**"
    assert lines(body, "thorough")[0]["within 2 s"] == "54.00 %"
    assert lines(body, "thorough")[0]["within 20 s"] == "**90.00 %**"
    assert "within 20 s thorough leads (90.00 %)" in body
    assert "means of shares" in notes[0]


def test_one_trained_model_has_nobody_to_be_held_against() -> None:
    records = [*trained(FAST, lambda e: 3 / e), fake_record(SQUARES, None, mse=0.1)]
    plan = replace(fake_plan([FAST, SQUARES], records), measurements=(measured(FAST),))
    assert budgets_table(results_of(plan)) is None


def test_a_run_without_its_curve_leaves_its_model_out() -> None:
    results = results_of(fast_and_slow())
    runs, curves = results.frames["runs"], results.frames["curves"]
    assert len(fields_of(results, results.tasks[0])) == 1
    (lost,) = runs[(runs["case"] == SLOW.name) & (runs["seed"] == 43)]["run_id"]
    less = Results(results.frames | {"curves": curves[curves["run_id"] != lost]})
    assert fields_of(less, less.tasks[0]) == []


@pytest.mark.parametrize(
    ("totals", "budgets"),
    [
        ([2, 20], [2, 5, 10, 20]),
        ([10, 10], [1, 3, 5, 10]),
        ([0.2, 20], [0.2, 1, 5, 20]),
        ([0.00013, 130], [0.0002, 0.02, 2, 200]),
        ([8, 80], [10, 20, 50, 100]),
    ],
)
def test_budgets_are_round_and_cover_every_training(totals: list[float], budgets: list[float]) -> None:
    assert budgets_between(totals) == pytest.approx(budgets)
