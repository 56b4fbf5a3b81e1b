"""Where each model stands between the baseline and the oracle, by hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.cases.base import Case
from bench.frames import read_frames
from bench.models.base import Predictor
from bench.report.build import build_report
from bench.report.sections.floors import NOT_TOLD, WORSE, floors_table, unbeaten, way
from bench.report.summary import Results
from tests.fakes import FakeLeastSquares, FakeNaive, fake_case, fake_plan, fake_record
from tests.test_sections_throughput import lines


class FakeOracle(Predictor):
    name = "fake_oracle"
    oracle = True


NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SQUARES = fake_case("fake/squares", label="least squares", model=FakeLeastSquares())
ORACLE = fake_case("fake/oracle", label="wave oracle", model=FakeOracle())
EXACT = {NAIVE: 0.25, SQUARES: 0.015, ORACLE: 0.01}
GOOD, WIDE, BAD = (fake_case(f"fake/{name}", label=name) for name in ("good", "wide", "bad"))
SEEDS = {GOOD: (0.0119, 0.012, 0.0121), WIDE: (0.010, 0.015, 0.024), BAD: (0.0199, 0.02, 0.0201)}


def results_of(exact: dict[Case, float], seeds: dict[Case, Sequence[float]], folder: Path) -> Results:
    records = [fake_record(case, None, mse=mse) for case, mse in exact.items()]
    records += [
        fake_record(case, seed, mse=mse) for case, scores in seeds.items() for seed, mse in enumerate(scores, start=42)
    ]
    build_report(fake_plan([*exact, *seeds], records), folder, figures=False)
    return Results(read_frames(folder))


def section(exact: dict[Case, float], seeds: dict[Case, Sequence[float]], folder: Path) -> tuple[str, list[str]]:
    made = floors_table(results_of(exact, seeds, folder))
    assert made is not None
    return made


def test_the_ground_by_hand(tmp_path: Path) -> None:
    body, notes = section(EXACT, SEEDS, tmp_path)
    (row,) = lines(body, "Next step")[:1]
    assert row == {
        "table": "Next step",
        "noise floor": "0.000833",
        "oracle": "0.01000 (wave oracle)",
        "best untrained": "0.01500 (least squares)",
        "baseline": "0.2500 (naive)",
        "leader": "0.01200 (good)",
        "leader's way": "0.992",  # (0.25 - 0.012) / (0.25 - 0.01)
    }
    assert any("(baseline - MSE) / (baseline - oracle)" in note for note in notes)


def test_trained_models_that_do_not_beat_least_squares_are_named(tmp_path: Path) -> None:
    body, notes = section(EXACT, SEEDS, tmp_path)
    assert lines(body, "good") == []
    (wide,), (bad,) = lines(body, "wide"), lines(body, "bad")
    assert (wide["best untrained"], wide["verdict"]) == ("least squares", NOT_TOLD)
    assert (bad["MSE"], bad["way"], bad["verdict"]) == ("0.02000", "0.958", WORSE)  # 0.23 / 0.24
    assert bad["× untrained"].startswith("1.33 [1.3")
    assert any("by the test behind the letters" in note for note in notes)


def test_one_seed_is_never_called_worse(tmp_path: Path) -> None:
    ground = results_of(EXACT, {BAD: (0.02,), GOOD: (0.0119, 0.012, 0.0121)}, tmp_path).tasks[0]
    assert [(row.name, verdict) for row, verdict in unbeaten(ground)] == [("bad", NOT_TOLD)]


def test_where_all_trained_models_win_the_note_says_so(tmp_path: Path) -> None:
    body, notes = section(EXACT, {GOOD: SEEDS[GOOD]}, tmp_path)
    assert "verdict" not in body
    assert "Every ranked trained model beats the best untrained predictor of its table." in notes


def test_without_an_oracle_there_is_no_way(tmp_path: Path) -> None:
    body, notes = section({NAIVE: 0.25, SQUARES: 0.015}, {GOOD: SEEDS[GOOD]}, tmp_path)
    (row,) = lines(body, "Next step")
    assert (row["oracle"], row["leader's way"], row["leader"]) == ("–", "–", "0.01200 (good)")
    assert not any("oracle" in note for note in notes)


@pytest.mark.parametrize(
    "exact",
    [{SQUARES: 0.015, ORACLE: 0.01}, {NAIVE: 0.25, SQUARES: 0.015}, {NAIVE: 0.25, ORACLE: 0.25}],
    ids=["no baseline", "no oracle", "an oracle not told apart than the baseline"],
)
def test_the_way_needs_both_of_its_ends(exact: dict[Case, float], tmp_path: Path) -> None:
    ground = results_of(exact, {GOOD: SEEDS[GOOD]}, tmp_path).tasks[0]
    assert way(ground.ranked[0], ground) is None


def test_a_model_past_the_oracle_is_past_one(tmp_path: Path) -> None:
    ground = results_of(EXACT, {GOOD: (0.004, 0.004, 0.004)}, tmp_path).tasks[0]
    assert way(ground.ranked[0], ground) == pytest.approx(0.246 / 0.24)


def test_labels_alone_have_no_floors(tmp_path: Path) -> None:
    majority = fake_case("fake/majority", task="reber", label="majority", model=FakeNaive())
    build_report(fake_plan([majority], [fake_record(majority, None, accuracy=0.5)]), tmp_path, figures=False)
    assert floors_table(Results(read_frames(tmp_path))) is None
