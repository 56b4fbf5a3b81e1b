"""Where each model stands between the baseline and the oracle, by hand."""

from collections.abc import Sequence

import pytest

from bench.models.base import Predictor
from bench.report.results import Results
from bench.report.sections.floors import floors_table, gap_closed, unbeaten
from tests.fakes import FakeLeastSquares, FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of


class FakeOracle(Predictor):
    name = "fake_oracle"
    oracle = True


CASES = {
    "naive": fake_case("fake/naive", label="naive", model=FakeNaive()),
    "squares": fake_case("fake/squares", label="least squares", model=FakeLeastSquares()),
    "oracle": fake_case("fake/oracle", label="wave oracle", model=FakeOracle()),
    **{name: fake_case(f"fake/{name}", label=name) for name in ("good", "wide", "bad")},
}
EXACT = {"naive": 0.25, "squares": 0.015, "oracle": 0.01}
GOOD = {"good": (0.0119, 0.012, 0.0121)}
SEEDS = GOOD | {"wide": (0.010, 0.015, 0.024), "bad": (0.0199, 0.02, 0.0201)}


def standing(exact: dict[str, float], seeds: dict[str, Sequence[float]]) -> Results:
    records = [fake_record(CASES[name], None, mse=mse) for name, mse in exact.items()]
    for name, scores in seeds.items():
        records += [fake_record(CASES[name], seed, mse=mse) for seed, mse in enumerate(scores, start=42)]
    return results_of(fake_plan([CASES[name] for name in (*exact, *seeds)], records))


def section(exact: dict[str, float], seeds: dict[str, Sequence[float]]) -> tuple[str, list[str]]:
    made = floors_table(standing(exact, seeds))
    assert made is not None
    return made


def test_the_leaderboard_by_hand() -> None:
    body, notes = section(EXACT, SEEDS)
    (row,) = lines(body, "Next step")[:1]
    assert row == {
        "table": "Next step",
        "noise floor": "0.000833",
        "oracle": "0.01000 (wave oracle)",
        "best untrained": "0.01500 (least squares)",
        "baseline": "0.2500 (naive)",
        "leader": "0.01200 (good)",
        "gap closed by the leader": "0.992",  # (0.25 - 0.012) / (0.25 - 0.01)
    }
    assert any("(baseline - MSE) / (baseline - oracle)" in note for note in notes)


def test_trained_models_that_do_not_beat_least_squares_are_named() -> None:
    body, notes = section(EXACT, SEEDS)
    assert lines(body, "good") == []
    (wide,), (bad,) = lines(body, "wide"), lines(body, "bad")
    assert (wide["best untrained"], wide["verdict"]) == ("least squares", "too few seeds")
    assert (bad["MSE"], bad["gap closed"], bad["verdict"]) == ("0.02000", "0.958", "worse")  # 0.23 / 0.24
    assert bad["× untrained"].startswith("1.33 [1.")
    assert any("at the level of the leaderboard" in note for note in notes)


def test_one_seed_is_never_called_worse() -> None:
    board = standing(EXACT, {"bad": (0.02,)} | GOOD).tasks[0]
    assert [(row.name, verdict) for row, verdict in unbeaten(board)] == [("bad", "too few seeds")]


def test_where_all_trained_models_win_the_note_says_so() -> None:
    body, notes = section(EXACT, GOOD)
    assert "verdict" not in body
    assert "Every ranked trained model beats the best untrained predictor of its table." in notes


def test_without_an_oracle_no_gap_is_closed() -> None:
    body, notes = section({"naive": 0.25, "squares": 0.015}, GOOD)
    (row,) = lines(body, "Next step")
    assert (row["oracle"], row["gap closed by the leader"], row["leader"]) == ("–", "–", "0.01200 (good)")
    assert not any("oracle" in note for note in notes)


@pytest.mark.parametrize(
    "exact",
    [{"squares": 0.015, "oracle": 0.01}, {"naive": 0.25, "squares": 0.015}, {"naive": 0.25, "oracle": 0.25}],
    ids=["no baseline", "no oracle", "an oracle no better than the baseline"],
)
def test_the_gap_needs_both_of_its_ends(exact: dict[str, float]) -> None:
    board = standing(exact, GOOD).tasks[0]
    assert gap_closed(board.ranked[0], board) is None


def test_a_model_past_the_oracle_is_past_one() -> None:
    board = standing(EXACT, {"good": (0.004, 0.004, 0.004)}).tasks[0]
    assert gap_closed(board.ranked[0], board) == pytest.approx(0.246 / 0.24)


def test_labels_alone_have_no_floors() -> None:
    majority = fake_case("fake/majority", task="reber", label="majority", model=FakeNaive())
    assert floors_table(results_of(fake_plan([majority], [fake_record(majority, None, accuracy=0.5)]))) is None


def test_words_and_numbers_are_those_of_the_metric_that_ranks() -> None:
    frames = standing(EXACT, SEEDS).frames
    metrics = frames["metrics"]
    results = Results(frames | {"metrics": metrics.assign(ranks=metrics["metric"] == "mae")})
    made = floors_table(results)
    assert made is not None
    body, notes = made
    assert lines(body, "Next step")[0]["oracle"] == "0.08000 (wave oracle)"  # 0.8 * sqrt(0.01)
    assert lines(body, "bad")[0]["MAE"] == "0.1131"
    assert any("(baseline - MAE) / (baseline - oracle)" in note for note in notes)
    assert "MSE" not in body + " ".join(notes)
