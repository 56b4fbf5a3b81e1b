import math
from pathlib import Path

import pandas as pd
import pytest

from bench import frames
from bench.cases.base import Erratum, Published
from bench.errors import BenchError
from bench.frames.tidy import TIDY
from bench.record import LearningCurve
from tests.fakes import FakeNaive, fake_case, fake_measurement, fake_plan, fake_record

CASE = fake_case("fake/rnn", task="ten_steps", label="RNN")


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, where
    return frame.iloc[0]


def test_tidy_has_each_value_in_a_row_of_its_own() -> None:
    record = fake_record(CASE, 43, epochs=5, mse=0.01)
    table = frames.tidy("fake", [record])
    assert list(table.columns) == TIDY
    last = one(table, split="valid", weights="last", metric="mse")
    assert (last["value"], last["epoch"], last["seed"], last["task"]) == (0.01, 5, 43, "ten_steps")
    assert last["run_id"] == record.run_id
    assert last["environment"] == record.environment.digest
    best = one(table, split="test", weights="best", metric="mse")
    assert (best["value"], best["epoch"]) == (pytest.approx(0.01 * 1.02 * 0.98), 3)
    third = one(table, split="valid", weights="last", metric="mse_per_step", step=3)
    assert third["value"] == record.scores_last["valid"]["mse_per_step"][2]
    curve = one(table, split="train", metric="loss", epoch=2)
    assert curve["value"] == record.curve.train_loss[1]
    assert curve["weights"] == ""
    assert one(table, metric="windows_per_s")["value"] == pytest.approx(record.windows_per_s)


def test_tidy_names_groups_and_keeps_failures() -> None:
    strings = fake_case("fake/gru", task="reber")
    table = frames.tidy("fake", [fake_record(strings, accuracy=0.9), fake_record(CASE, status="failed")])
    assert len(table[table["metric"] == "accuracy_by_group[length=8]"]) == 6  # three splits, last and best
    failed = one(table, status="failed")
    assert failed["metric"] == ""
    assert math.isnan(failed["value"])


def test_tidy_types_are_clean_and_a_predictor_has_no_seed() -> None:
    naive = fake_case("fake/naive", model=FakeNaive())
    table = frames.tidy("fake", [fake_record(naive, None, mse=0.02)])
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        name: "Int64"
        if name in ("seed", "data_seed", "epoch", "step", "attempt")
        else "float64"
        if name == "value"
        else "string"
        for name in TIDY
    }
    assert table["seed"].isna().all()
    assert frames.tidy("fake", []).empty


def test_infinities_that_a_record_keeps_as_text_are_numbers_again() -> None:
    record = fake_record(CASE, mse=0.01)
    scores = {"valid": {"mse": "Infinity"}, "test": {"mse": "NaN"}}
    record = record.model_copy(update={"scores_last": scores, "curve": LearningCurve()})
    row = frames.runs_frame([record]).iloc[0]
    assert math.isinf(row["valid_mse"])
    assert math.isnan(row["test_mse"])


def test_runs_frame_has_a_row_a_run_failed_ones_too() -> None:
    table = frames.runs_frame(
        [fake_record(CASE, 42, mse=0.01), fake_record(CASE, 43, status="crashed", reason="killed")]
    )
    assert table["status"].tolist() == ["done", "crashed"]
    assert table["reason"].tolist() == ["", "killed"]
    assert table["valid_mse"].iloc[0] == 0.01
    assert table["valid_mse_step_10"].iloc[0] == pytest.approx(0.016)
    assert math.isnan(table["valid_mse"].iloc[1])
    assert not table["contended"].iloc[0]


def test_cases_frame_says_what_is_planned_and_printed() -> None:
    other = fake_case("fake/lstm", task="ten_steps", published=Published(valid_mse=0.02, curve="lstm"))
    naive = fake_case("fake/naive", task="ten_steps", model=FakeNaive())
    plan = fake_plan([CASE, other, naive], [fake_record(CASE, 42)])
    table = frames.cases_frame(plan)
    assert table["case"].tolist() == ["fake/rnn", "fake/lstm", "fake/naive"]
    assert table["n_planned"].tolist() == [3, 3, 1]
    assert table["task"].tolist() == ["ten_steps"] * 3  # the others ask what their dataset's records say
    assert table["published_valid_mse"].tolist()[1] == 0.02
    assert table["baseline"].tolist() == [False, False, True]
    assert table["learning_rate"].tolist()[:2] == [0.001, 0.001]


def test_errata_frame_has_a_row_a_fault() -> None:
    faulty = fake_case("fake/x", errata=(Erratum(3, "twice", "as printed"), Erratum(4, "softmax", "as printed")))
    assert frames.errata_frame(fake_plan([faulty], []))["number"].tolist() == [3, 4]
    assert list(frames.errata_frame(fake_plan([CASE], [])).columns) == ["number", "case", "variant", "fault"]


def test_means_have_a_row_a_case() -> None:
    table = frames.means([fake_record(CASE, 42, mse=0.01), fake_record(CASE, 43, mse=0.03)])
    assert table.columns[0] == "case"
    assert table["runs"].tolist() == [2]
    assert table["valid_mse"].tolist() == [pytest.approx(0.01 * 3**0.5)]


def test_csvs_come_back_as_they_went(tmp_path: Path) -> None:
    odd = fake_case("fake/odd", label='nan, "quoted" | two\nlines', task="reber")
    records = [
        fake_record(CASE, 42, mse=0.0123456789),
        fake_record(CASE, 43, status="failed"),
        fake_record(odd, 42),
        fake_record(odd, 43),
    ]
    plan = fake_plan([CASE, odd], records)
    measurements = [fake_measurement(spec) for spec in plan.measured]
    written = {
        "about": frames.typed([{"key": "suite", "text": "NA"}]),
        "cases": frames.cases_frame(plan),
        "errata": frames.errata_frame(plan),
        "runs": frames.runs_frame(records),
        "curves": frames.curves_frame(records),
        "forecasts": frames.forecasts_frame(records),
        "groups": frames.groups_frame(records),
        "environments": frames.environment_frame(records),
        "published": frames.typed([], ["curve", "epoch", "valid_mse"]),
        "measurements": frames.measurements_frame(measurements),
        "retries": frames.retries_frame([r for r in records if r.status != "done"]),
        "rounds": frames.rounds_frame(measurements),
    }
    frames.write_frames(tmp_path, written)
    read = frames.read_frames(tmp_path)
    for name, frame in written.items():
        pd.testing.assert_frame_equal(read[name], frame, rtol=5e-6, check_index_type=False)
    assert read["runs"]["valid_mse"].iloc[0] == 0.0123457
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    frames.write_frames(tmp_path, read)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_reading_a_folder_without_csvs_says_which(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"about\.csv"):
        frames.read_frames(tmp_path)


def test_a_measurement_is_summed_up_from_the_rounds_that_count() -> None:
    spec = fake_plan([fake_case("fake/rnn", task="every_step")], []).measured[0]
    made = fake_measurement(spec, windows_per_s=40_000.0)
    noisy = made.rounds[-2].model_copy(update={"contended": True, "wall_s": 9.0})
    row = frames.measurements_frame([made.model_copy(update={"rounds": (*made.rounds[:-2], noisy)})]).iloc[0]
    speeds = sorted(4_000 / (0.1 * (1 + 0.0005 * n)) for n in range(2, 11))
    assert row["train_windows_per_s"] == pytest.approx(speeds[4])  # nine rounds count: the fifth is their median
    assert (row["train_low"], row["train_high"]) == pytest.approx((speeds[1], speeds[-2]))
    assert row["train_steps_per_s"] == pytest.approx(50 * speeds[4])
    assert (row["train_rounds"], row["train_contended"], row["infer_rounds"]) == (9, 1, 9)
    assert row["latency_p50_s"] == pytest.approx(0.0004 + 1e-7 * 499.5)
    assert row["latency_p99_s"] == pytest.approx(0.0004 + 1e-7 * 989.01)
    rounds = frames.rounds_frame([made])
    assert len(rounds) == 24
    assert rounds["warm_up"].sum() == 4
    assert not len(frames.measurements_frame([]))
