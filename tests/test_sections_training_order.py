"""The section on training: ranks at shares of the epochs, tau, who still improves."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bench.record import LearningCurve, RunRecord
from bench.report.prose import opening
from bench.report.results import Results
from bench.report.sections.orders import agrees, places, tau
from bench.report.sections.training_order import (
    courses,
    late_rate,
    score_at,
    scores_at,
    training_order_table,
)
from bench.report.tables import all_tables
from tests.chapter_fakes import chapter_like
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import results_of

SEEDS = (1, 2, 3)
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
EARLY, LATE, SHORT = (fake_case(f"fake/{n}", label=n) for n in ("early", "late", "short"))
FLAT = [0.01] * 20
STEADY = [0.05 * 0.9**e for e in range(20)]
"""Falls by 10 % an epoch: 0.05, ..., 0.0068 at epoch 20, and crosses `FLAT` after half of the epochs."""


def with_curve(record: RunRecord, values: list[float], metric: str = "mse") -> RunRecord:
    valid = {k: v[-len(values) :] for k, v in record.curve.valid.items()} | {metric: values}
    return record.model_copy(update={"curve": LearningCurve(train_loss=values, valid=valid)})


def run(case, seed: int, values: list[float]) -> RunRecord:
    return with_curve(fake_record(case, seed, mse=values[-1], epochs=len(values)), values)


def flips() -> Results:
    """Return results in which ``early`` leads at half of the epochs, ``late`` at the end and ``short`` never."""
    records = [fake_record(NAIVE, None, mse=0.02)]
    for seed, factor in zip(SEEDS, (0.99, 1.0, 1.01), strict=True):
        records += [
            run(EARLY, seed, [factor * v for v in FLAT]),
            run(LATE, seed, [factor * v for v in STEADY]),
            run(SHORT, seed, [factor * 0.09, factor * 0.08]),
        ]
    return results_of(fake_plan([NAIVE, EARLY, LATE, SHORT], records, SEEDS))


@pytest.fixture(scope="module")
def flipped() -> Results:
    return flips()


def test_ranks_flip_between_half_and_all_of_the_epochs(flipped):
    results = flipped
    found = courses(results, results.tasks[0])
    assert [c.row.name for c in found] == ["late", "early", "short"]
    assert places(scores_at(found, 0.25)) == {"late": 2, "early": 1}
    assert places(scores_at(found, 0.5)) == {"late": 2, "early": 1, "short": 3}
    assert places(scores_at(found, 1.0)) == {"late": 1, "early": 2, "short": 3}
    assert found[0].scores[0.5] == pytest.approx(np.exp(np.log([0.99, 1.0, 1.01]).mean()) * STEADY[9], rel=1e-5)
    # One pair of three changes places: (2 - 1) / 3.
    assert tau(scores_at(found, 0.5), scores_at(found, 1.0)) == (pytest.approx(1 / 3), 3)
    assert tau(scores_at(found, 0.25), scores_at(found, 1.0)) == (pytest.approx(-1.0), 2)
    assert tau(scores_at(found[:1], 0.5), scores_at(found, 1.0)) is None


def test_the_table_names_leaders_and_confirmed_changes(flipped):
    body, notes = training_order_table(flipped)
    lines = {line.split("|")[2].strip(): [c.strip() for c in line.split("|")[3:-1]] for line in body.splitlines()[2:]}
    assert list(lines) == ["late", "early", "short"]
    assert lines["late"] == ["20", "2", "2", "1", "10.0 [10.0, 10.0]", "yes"]
    assert lines["early"] == ["20", "1", "1", "2", "0.0 [0.0, 0.0]", "no"]
    assert lines["short"] == ["2", "–", "3", "3", "11.1 [11.1, 11.1]", "yes"]
    assert "over 1 % an epoch" in notes[0]
    assert notes[1] == (
        "**Next step.** early leads at a quarter and at half; late leads at all of the epochs. The "
        "order at a quarter of the epochs runs against the final one: tau = -1.00 (2 models). The order at half of the "
        "epochs partly agrees with the final one: tau = 0.33 (3 models). 1 pair changes places after half of the "
        "epochs, of which 1 differs significantly at the end."
    )


def test_what_was_not_tested_says_how_many_still_improve(flipped):
    flipped.about["command"] = "make bench"
    assert "longer training (2 of 3 curves of error still fall)." in opening(flipped, all_tables(flipped))[-1]


def frame(*rows: list[float]) -> pd.DataFrame:
    places = [(42, seed) for seed in range(len(rows))]
    index = pd.MultiIndex.from_tuples(places, names=["data_seed", "seed"])
    width = max(map(len, rows))
    padded = [[*row, *[np.nan] * (width - len(row))] for row in rows]
    return pd.DataFrame(padded, index=index, columns=range(1, width + 1))


def test_each_run_has_its_own_share_of_epochs():
    runs = frame([8.0, 4.0, 2.0, 1.0], [5.0, 2.0])
    assert score_at(runs, 0.5, log=True) == pytest.approx(np.sqrt(4.0 * 5.0))
    assert score_at(runs, 1.0, log=False) == pytest.approx(1.5)
    assert score_at(runs, 0.25, log=True) is None
    assert score_at(pd.DataFrame(), 1.0, log=True) is None


def test_the_late_rate_is_the_mean_of_slopes_with_its_t_interval():
    slopes = np.array([-0.02, -0.03, -0.07])
    runs = frame(*([float(np.exp(s * e)) for e in range(1, 9)] for s in slopes))
    rate = late_rate(runs)
    reach = t.ppf(0.975, 2) * slopes.std(ddof=1) / np.sqrt(3)
    assert (rate.centre, rate.low, rate.high, rate.n) == pytest.approx(
        (slopes.mean(), slopes.mean() - reach, slopes.mean() + reach, 3)
    )


def test_only_the_last_quarter_counts():
    fell = [float(np.exp(-e)) for e in range(7)]
    rate = late_rate(frame([*fell[:6], fell[6], fell[6], fell[6]][:8], [*fell[:6], fell[5], fell[5]]))
    assert rate.centre == pytest.approx((-0.5 + 0.0) / 2)
    assert late_rate(frame([1.0])) is None


@pytest.mark.parametrize(
    ("slopes", "improving"),
    [
        ((-0.02, -0.021, -0.019), True),
        ((-0.009, -0.0091, -0.0089), False),  # sure, but under 1 % an epoch
        ((-0.1, 0.05, -0.02), False),  # over 1 % an epoch, but not sure
        ((0.02, 0.021, 0.022), False),
        ((-0.02,), None),
    ],
)
def test_what_still_improves_falls_surely_and_steeply(slopes, improving):
    records = [
        run(EARLY, seed, [float(0.01 * np.exp(s * e)) for e in range(20)])
        for seed, s in zip(SEEDS, slopes, strict=False)
    ]
    results = results_of(fake_plan([EARLY], records, SEEDS))
    (course,) = courses(results, results.tasks[0])
    assert course.improving is improving


def test_labels_are_ranked_by_accuracy_and_improve_by_cross_entropy():
    good, poor = (fake_case(f"fake/{n}", task="reber", label=n) for n in ("good", "poor"))
    records = []
    for case, accuracy in ((good, 0.99), (poor, 0.9)):
        for seed in SEEDS:
            entropy = [float(0.5 * np.exp(-0.05 * e)) if case is good else 0.2 for e in range(20)]
            made = fake_record(case, seed, accuracy=accuracy + seed / 1000, cross_entropy=entropy[-1])
            records.append(with_curve(made, entropy, "cross_entropy"))
    results = results_of(fake_plan([good, poor], records, SEEDS))
    found = courses(results, results.tasks[0])
    assert [(c.row.name, c.improving) for c in found] == [("good", True), ("poor", False)]
    assert places(scores_at(found, 1.0), results.tasks[0].metric.sign) == {"good": 1, "poor": 2}


def test_a_common_table_is_ranked_by_its_own_metric():
    results = results_of(chapter_like())
    common = results.commons[0]
    found = courses(results, common)
    assert [c.row.name for c in found] == [r.name for r in common.ranked if r.trained]
    for c in found:
        assert c.scores[1.0] == pytest.approx(c.row.mean(common.score), rel=1e-4)
    body, notes = training_order_table(results)
    assert "Steps 50-59" in body
    assert len(notes) == 1 + 4


def test_without_a_trained_model_there_is_no_section():
    results = results_of(fake_plan([NAIVE], [fake_record(NAIVE, None, mse=0.02)]))
    assert training_order_table(results) is None


def test_words_for_tau():
    assert [agrees(x) for x in (1.0, 0.87, 0.6, 0.3, 0.0, -0.6)] == [
        "is", "agrees with", "largely agrees with", "partly agrees with", "says little of", "runs against",
    ]  # fmt: skip
