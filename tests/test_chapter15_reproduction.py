"""The section on printed values: verdicts, intervals, curves and what may explain a difference."""

import numpy as np
import pytest
from scipy.stats import t

from bench.cases.base import Erratum, Published
from bench.families.chapter15.printed import published_curve
from bench.frames import read_frames
from bench.record import LearningCurve
from bench.report.columns.printed import printed_columns
from bench.report.parts import overlays
from bench.report.printed import curve_epochs, printed_text, printed_values
from bench.report.results import Results
from bench.report.sections.reproduction import reproduction_table
from tests.fakes import FakeLeaky, FakeLeastSquares, FakeNaive, fake_case, fake_plan, fake_record
from tests.report_fakes import report_of
from tests.section_fakes import results_of

SEEDS = (1, 2, 3, 4, 5)
SPREAD = (0.98, 0.99, 1.0, 1.01, 1.02)
NOTE = "the source trains on | one batch more"
NAIVE = fake_case(
    "fake/naive", label="naive", model=FakeNaive(), published=Published(values={"mse": 0.0202}, note="none")
)
DIFFERS = fake_case(
    "fake/peek",
    label="peek",
    model=FakeLeaky(),
    published=Published(values={"mse": 0.31}),
    errata=(Erratum(1, "it peeks", "as printed, once"), Erratum(3, "of another", "scored alike")),
)
INSIDE = fake_case("fake/inside", label="inside", published=Published(values={"mse": 0.01012}, note=NOTE))
OUTSIDE = fake_case(
    "fake/outside",
    task="every_step",
    label="outside",
    published=Published(values={"mse": 0.0101, "last_time_step_mse": 0.02}, note=NOTE),
    errata=(Erratum(2, "it recurs over the batch", "corrected"),),
)


@pytest.fixture(scope="module")
def held() -> Results:
    records = [fake_record(NAIVE, None, mse=0.02024), fake_record(DIFFERS, None, mse=0.25)]
    for seed, factor in zip(SEEDS, SPREAD, strict=True):
        records += [
            fake_record(INSIDE, seed, mse=0.01 * factor),
            fake_record(OUTSIDE, seed, mse=0.01 * factor, last_time_step_mse=0.01 * factor),
        ]
    return results_of(fake_plan([NAIVE, DIFFERS, INSIDE, OUTSIDE], records, SEEDS))


def rows(body: str) -> dict[tuple[str, str], list[str]]:
    cells = [[c.strip() for c in line.replace(r"\|", "¦").split("|")[1:-1]] for line in body.splitlines()[2:]]
    return {(c[0], c[2]): c for c in cells}


def test_each_value_has_its_verdict(held):
    found = {(v.row.name, v.metric.name): v for v in printed_values(held)}
    assert {key: v.verdict for key, v in found.items()} == {
        ("naive", "mse"): "matches",
        ("peek", "mse"): "differs",
        ("inside", "mse"): "inside",
        ("outside", "mse"): "inside",
        ("outside", "last_time_step_mse"): "outside",
    }
    assert found["peek", "mse"].ours == 0.25
    assert {key for key, v in found.items() if v.off} == {
        ("peek", "mse"),
        ("outside", "last_time_step_mse"),
    }
    assert found["outside", "last_time_step_mse"].last


def test_the_interval_and_p_are_those_of_one_more_seed(held):
    logs = np.log(0.01 * np.array(SPREAD))
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / 5)
    low, high = np.exp(logs.mean() + np.array([-1, 1]) * t.ppf(0.975, 4) * spread)
    p = 2 * t.sf((np.log(0.01012 - 0.000005) - logs.mean()) / spread, 4)
    value = next(v for v in printed_values(held) if v.row.name == "inside")
    assert (value.judgement.low, value.judgement.high) == pytest.approx((low, high), rel=1e-5)
    assert value.judgement.p_value == pytest.approx(p, rel=1e-4)
    cells = rows(reproduction_table(held)[0])["inside", "valid MSE"]
    assert cells[3:] == [
        "0.01012", "0.009999", f"{low:.6f} to {high:.5f}", f"{p:.2f}", "inside", "1.01", "–", "–",
    ]  # fmt: skip


def test_the_table_explains_only_what_is_off(held):
    body, notes = reproduction_table(held)
    found = rows(body)
    assert found["naive", "valid MSE"][1:] == [
        "Next step", "valid MSE", "0.0202", "0.02024, exact", "–", "–", "matches", "1.00", "–", "–",
    ]  # fmt: skip
    assert found["peek", "valid MSE"][-1] == "keeps erratum no. 1: it peeks"
    assert found["inside", "valid MSE"][-1] == "–"
    assert found["outside", "last-step MSE"][6:] == [
        "< 0.001", "outside", "2.0", "–",
        "the source trains on ¦ one batch more; lacks erratum no. 2: it recurs over the batch",
    ]  # fmt: skip
    assert "Holm's correction over all 3 values" in notes[0]
    assert notes[1].startswith(
        "Of 3 values held against seeds 1 misses the uncorrected interval; by chance alone 0.15 would."
    )
    assert notes[2].startswith("**As a whole**, over 2 models' valid MSE: printed is × 1.011 [0.998, 1.02] of ours")
    assert len(notes) == 3


def test_a_value_that_misses_is_not_outside_after_holm():
    """Of five values one is at p = 0.03: below 0.05, and not below 0.05 / 5."""
    logs = np.log(0.01 * np.array(SPREAD))
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / 5)
    far = float(f"{np.exp(logs.mean() + t.isf(0.015, 4) * spread):.6f}")
    cases = [
        fake_case(
            f"fake/c{i}", label=f"c{i}", published=Published(values={"mse": far if i == 0 else 0.009999}, note=NOTE)
        )
        for i in range(5)
    ]
    records = [fake_record(c, s, mse=0.01 * f) for c in cases for s, f in zip(SEEDS, SPREAD, strict=True)]
    results = results_of(fake_plan(cases, records, SEEDS))
    values = printed_values(results)
    assert [v.verdict for v in values] == ["misses", "inside", "inside", "inside", "inside"]
    assert values[0].judgement.p_value == pytest.approx(0.03, rel=0.02)
    body, notes = reproduction_table(results)
    assert "what may explain it" not in body
    assert r"What may explain each value that is off: the source trains on \| one batch more." in notes


def test_epochs_of_a_printed_curve_are_counted():
    printed = published_curve("linear").set_index("epoch")["valid_mse"]
    case = fake_case("fake/linear", label="linear", published=Published(values={"mse": 0.0042}, curve="linear"))
    records = []
    for seed, factor in zip(SEEDS, SPREAD, strict=True):
        # As printed but for the first three epochs, which are twice as high.
        ours = [float(v * factor * (2 if epoch <= 3 else 1)) for epoch, v in printed.items()]
        curve = LearningCurve(train_loss=ours, valid={"mse": ours})
        made = fake_record(case, seed, mse=ours[-1])
        records.append(made.model_copy(update={"curve": curve}))
    results = results_of(fake_plan([case], records, SEEDS))
    (value,) = printed_values(results)
    assert curve_epochs(results, value) == (3, 20)
    body, notes = reproduction_table(results)
    assert rows(body)["linear", "valid MSE"][9] == "3 of 20"
    assert any("their number is no test" in n for n in notes)


def test_one_seed_judges_nothing_and_a_case_without_a_run_is_counted():
    records = [fake_record(INSIDE, 1, mse=0.01)]
    results = results_of(fake_plan([INSIDE, OUTSIDE], records, (1,)))
    (value,) = printed_values(results)
    assert (value.judgement, value.verdict, value.off) == (None, "", False)
    body, notes = reproduction_table(results)
    assert rows(body)["inside", "valid MSE"][5:8] == ["–", "–", "–"]
    assert notes == [
        "– as verdict: one seed has no spread to hold a printed value against.",
        "2 printed values have no score of ours yet.",
    ]


def test_without_printed_values_there_is_no_section():
    plain = fake_case("fake/squares", label="squares", model=FakeLeastSquares())
    results = results_of(fake_plan([plain], [fake_record(plain, None, mse=0.02)]))
    assert reproduction_table(results) is None


@pytest.mark.parametrize("text", ["0.0198", "0.0202114", "0.3", "1.25"])
def test_a_printed_value_keeps_its_digits(text):
    assert printed_text(float(text)) == text


def test_columns_show_what_was_printed_and_a_value_of_the_last_position_alone_stands_once():
    records = [fake_record(NAIVE, None, mse=0.02), *(fake_record(OUTSIDE, s, mse=0.01) for s in SEEDS)]
    ten = fake_case("fake/ten", task="ten_steps", label="ten", published=Published(values={"mse": 0.0188}))
    plain = fake_case("fake/plain", task="every_step", label="plain")
    records += [fake_record(case, s, mse=0.01) for case in (ten, plain) for s in SEEDS]
    results = results_of(fake_plan([NAIVE, OUTSIDE, ten, plain], records, SEEDS))
    made = {
        (board.title, heading): {row.label: cell(row) for row in board.rows}
        for board in results.leaderboards
        for heading, cell in printed_columns(results, board).items()
    }
    assert made == {
        ("Next step", "printed MSE"): {"naive": "0.0202"},
        ("Steps 50-59 from steps 0-49", "printed last-step"): {
            "ten": "0.0188", "outside": "0.0200", "plain": "–",
        },
        ("Ten steps", "printed MSE"): {"ten": "0.0188"},
        ("Every step", "printed MSE"): {"outside": "0.0101", "plain": "–"},
        ("Every step", "printed last-step"): {"outside": "0.0200", "plain": "–"},
    }  # fmt: skip


def test_figures_draw_printed_values_and_curves():
    curved = fake_case(
        "fake/wave", task="every_step", label="wave", published=Published(values={"mse": 0.02}, curve="wavenet")
    )
    results = results_of(fake_plan([curved], [fake_record(curved, s, mse=0.02) for s in SEEDS], SEEDS))
    (overlay,) = [overlay for overlay in overlays.entries() if overlay.label == "printed in the source"]
    (board,) = results.tasks
    printed = published_curve("wavenet").set_index("epoch")["valid_mse"]
    assert overlay.final(results, board, board.rows[0]) == 0.02
    assert overlay.curve(results, board, board.rows[0]).to_dict() == printed.to_dict()


def test_a_printed_value_of_the_best_epoch_is_held_to_that(tmp_path):
    made = {weights: Published(values={"mse": 0.01}, weights=weights) for weights in ("last", "best")}
    cases = [fake_case(f"fake/{weights}", task="ten_steps", published=each) for weights, each in made.items()]
    records = [fake_record(case, seed, mse=0.01 + 0.0001 * seed) for case in cases for seed in (42, 43, 44)]
    report_of(fake_plan(cases, records), tmp_path)
    results = Results(read_frames(tmp_path))
    found = {value.row.case: value.sample.values for value in printed_values(results)}
    for weights in made:
        expected = [r.score("mse", "valid", weights) for r in records if r.spec.case == f"fake/{weights}"]
        np.testing.assert_allclose(found[f"fake/{weights}"], expected, rtol=1e-5)
    assert not np.allclose(found["fake/last"], found["fake/best"])
