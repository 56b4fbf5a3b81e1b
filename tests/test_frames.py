import gzip
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import frames
from bench.cases.base import Erratum, Published
from bench.errors import BenchError
from bench.frames import Shown
from bench.frames.base import frame_kinds
from bench.frames.measurements import measurement_row, unsettled
from bench.frames.schemas import RECIPE, TIDY, Kind
from bench.frames.scores import Key, scores_by_run
from bench.measurement import Measurement
from bench.plan import Plan, Skip
from bench.recipe import Recipe
from bench.record import LearningCurve, RunRecord, Score
from bench.report.results import Results
from tests.fakes import FLOOR, ODD_POSITIONS, TASKS, FakeNaive, fake_case, fake_measurement, fake_plan, fake_record

CASE = fake_case("fake/rnn", task="ten_steps", label="RNN")


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, where
    return frame.iloc[0]


def made(name: str, plan: Plan, records: list[RunRecord] | None = None) -> pd.DataFrame:
    """One frame of what a report of these records would show."""
    kind = frame_kinds.get(name)
    measurements: tuple[Measurement, ...] = plan.measurements
    retried = tuple(r for r in plan.records if r.status != "done")
    return frames.typed(kind.rows(Shown(plan, records or plan.records, 0, measurements, retried)), kind.schema)


def test_tidy_has_each_value_in_a_row_of_its_own() -> None:
    record = fake_record(CASE, 43, epochs=5, mse=0.01)
    table = frames.tidy("fake", [record])
    assert list(table.columns) == list(TIDY)
    last = one(table, split="valid", weights="last", metric="mse")
    assert (last["value"], last["epoch"], last["seed"], last["task"]) == (0.01, 5, 43, "ten_steps")
    assert last["run_id"] == record.run_id
    assert last["environment"] == record.environment.digest
    best = one(table, split="test", weights="best", metric="mse")
    assert (best["value"], best["epoch"]) == (pytest.approx(0.01 * 1.02 * 0.98), 3)
    third = one(table, split="valid", weights="last", metric="mse_per_step", axis="step", index="3")
    wanted = ("valid", "last", "mse_per_step", "step", "3")
    assert third["value"] == next(score.value for score in record.scores if score[:-1] == wanted)
    curve = one(table, split="train", metric="loss", epoch=2)
    assert curve["value"] == record.curve.train_loss[1]
    assert curve["weights"] == ""
    assert one(table, metric="windows_per_s")["value"] == pytest.approx(record.windows_per_s)


def test_tidy_names_groups_and_keeps_failures() -> None:
    strings = fake_case("fake/gru", task="reber")
    table = frames.tidy("fake", [fake_record(strings, accuracy=0.9), fake_record(CASE, status="failed")])
    eight = table[(table["metric"] == "accuracy_by_group") & (table["axis"] == "length") & (table["index"] == "8")]
    assert len(eight) == 6  # three splits, last and best
    failed = one(table, status="failed")
    assert failed["metric"] == ""
    assert math.isnan(failed["value"])


def test_tidy_types_are_clean_and_a_predictor_has_no_seed() -> None:
    naive = fake_case("fake/naive", model=FakeNaive())
    table = frames.tidy("fake", [fake_record(naive, None, mse=0.02)])
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        name: "Int64"
        if name in ("seed", "data_seed", "epoch", "attempt")
        else "float64"
        if name == "value"
        else "string"
        for name in TIDY
    }
    assert table["seed"].isna().all()
    assert frames.tidy("fake", []).empty


def test_infinities_come_through() -> None:
    scores = (Score("valid", "last", "mse", "", "", math.inf), Score("test", "last", "mse", "", "", math.nan))
    record = fake_record(CASE, mse=0.01).model_copy(update={"scores": scores, "curve": LearningCurve()})
    table = made("scores", fake_plan([CASE], [record]))
    assert math.isinf(table["value"][0])
    assert math.isnan(table["value"][1])


def test_runs_have_a_row_a_run_failed_ones_too() -> None:
    records = [fake_record(CASE, 42, mse=0.01), fake_record(CASE, 43, status="crashed", reason="killed")]
    plan = fake_plan([CASE], records)
    table = made("runs", plan)
    assert table["status"].tolist() == ["done", "crashed"]
    assert table["reason"].tolist() == ["", "killed"]
    assert not table["contended"].iloc[0]
    assert table["positions"].tolist() == ["", ""]
    scores = scores_by_run(made("scores", plan))
    assert scores[records[0].run_id][Key("mse")] == 0.01
    assert scores[records[0].run_id][Key("mse_per_step", axis="step", index="10")] == pytest.approx(0.016)
    assert scores[records[0].run_id][Key("mse").on("test").best] == pytest.approx(0.01 * 1.02 * 0.98)
    assert records[1].run_id not in scores


def test_positions_that_a_model_leaves_out_are_said_by_its_runs() -> None:
    strided = fake_case("fake/conv", task="every_step")
    records = [fake_record(strided, 42, positions=ODD_POSITIONS), fake_record(strided, 43, positions=(0, 5, 6))]
    assert made("runs", fake_plan([strided], records))["positions"].tolist() == ["3, 5, ..., 49", "0, 5, 6"]


def test_cases_say_what_is_planned_and_tasks_what_is_asked() -> None:
    naive = fake_case("fake/naive", task="ten_steps", model=FakeNaive())
    strings = fake_case("fake/gru", task="reber")
    plan = fake_plan([CASE, fake_case("fake/lstm", task="ten_steps"), naive, strings], [fake_record(CASE, 42)])
    table = made("cases", plan)
    assert table["case"].tolist() == ["fake/rnn", "fake/lstm", "fake/naive", "fake/gru"]
    assert table["n_planned"].tolist() == [3, 3, 1, 3]
    assert table["task"].tolist() == ["ten_steps"] * 3 + ["reber"], "known before anything has run"
    assert table["baseline"].tolist() == [False, False, True, False]
    assert table["learning_rate"].tolist()[:2] == [0.001, 0.001]
    tasks = made("tasks", plan).set_index("task")
    assert tasks["horizon"].to_dict() == {"ten_steps": 10, "reber": 1}
    assert tasks["classes"].isna().to_dict() == {"ten_steps": True, "reber": False}
    floors = made("floors", plan)
    assert floors["value"].tolist() == [FLOOR] * 6
    assert set(floors["metric"]) == {"mse", "last_time_step_mse"}


def test_metrics_say_of_each_task_what_ranks_what_chooses_and_what_is_shown() -> None:
    plan = fake_plan([fake_case("fake/a", task="every_step"), fake_case("fake/b", task="reber"), CASE], [])
    table = made("metrics", plan)

    def those(task: str, flag: str) -> list[str]:
        return table[(table["task"] == task) & table[flag]]["metric"].tolist()

    assert (those("every_step", "ranks"), those("every_step", "monitors")) == (["mse"], ["mse"])
    assert those("every_step", "shown") == ["mse", "last_time_step_mse", "mse_odd_positions"]
    assert those("ten_steps", "shown") == ["mse"], "after the window alone, the last position says nothing else"
    assert (those("reber", "ranks"), those("reber", "monitors")) == (["accuracy"], ["cross_entropy"])
    named = plan.suite.model_copy(update={"metrics": ["mae"]})
    table = made("metrics", Plan(named, plan.cases, plan.specs, []))
    assert those("every_step", "shown") == ["mae"]


def test_a_skipped_case_is_a_row_with_its_reason() -> None:
    plan = fake_plan([CASE], [])
    odd = fake_case("fake/odd", task="reber")
    table = made("skips", Plan(plan.suite, plan.cases, plan.specs, [], skips=(Skip(odd, "no labels"),)))
    assert table[["case", "task", "model", "reason"]].values.tolist() == [
        ["fake/odd", "reber", "fake_network", "no labels"]
    ]


def test_what_a_family_needs_stands_in_frames_of_its_own() -> None:
    printed = Published(values={"mse": 0.02}, curve="seq2seq_lstm", source="a book")
    faulty = fake_case(
        "fake/x", published=printed, errata=(Erratum(3, "twice", "as printed"), Erratum(4, "softmax", "as printed"))
    )
    assert made("errata", fake_plan([faulty], []))["number"].tolist() == [3, 4]
    assert list(made("errata", fake_plan([CASE], [])).columns) == ["number", "case", "variant", "fault"]
    values = made("published", fake_plan([faulty], []))
    final = values[values["epoch"].isna()]
    assert final[["case", "metric", "value", "source"]].values.tolist() == [["fake/x", "mse", 0.02, "a book"]]
    assert values[values["metric"] == "mse"]["epoch"].dropna().tolist() == list(range(1, 21))


def test_means_have_a_row_a_case() -> None:
    table = frames.means([fake_record(CASE, 42, mse=0.01), fake_record(CASE, 43, mse=0.03)])
    assert table.columns.tolist() == [
        "case",
        "device",
        "backend",
        "runs",
        "valid MSE",
        "valid last-step MSE",
        "windows_per_s",
    ]
    assert table["runs"].tolist() == [2]
    assert table["valid MSE"].tolist() == [pytest.approx(0.01 * 3**0.5)]


def test_csvs_come_back_as_they_went(tmp_path: Path) -> None:
    odd = fake_case("fake/odd", label='nan, "quoted" | two\nlines', task="reber")
    records = [
        fake_record(CASE, 42, mse=0.0123456789),
        fake_record(CASE, 43, status="failed"),
        fake_record(odd, 42),
        fake_record(odd, 43),
    ]
    plan = fake_plan([CASE, odd], records)
    plan = replace(plan, measurements=tuple(fake_measurement(spec) for spec in plan.measured))
    written = {name: made(name, plan) for name in frame_kinds.names()}
    empty = {"skips", "errata", "published", "pairs", "solved", "sources", "slices", "worst"}
    assert {name for name in written if not len(written[name])} == empty
    frames.write_frames(tmp_path, written)
    read = frames.read_frames(tmp_path)
    for name, frame in written.items():
        texts = frame.dtypes[frame.dtypes == "string"].to_dict()
        pd.testing.assert_frame_equal(read[name].astype(texts), frame, rtol=5e-6, check_index_type=False)
    assert read["scores"]["value"].iloc[0] == 0.0123457
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    frames.write_frames(tmp_path, read)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_large_csv_is_compressed_and_a_broken_one_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = fake_plan([CASE], [fake_record(CASE, 42)])
    written = {name: made(name, plan) for name in frame_kinds.names()}
    frames.write_frames(tmp_path, written)
    plain = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limit = 500
    assert len(plain["cases.csv"]) > limit, "not long: its rows are few, and others read it as it is"
    monkeypatch.setattr("bench.frames.csvs.LARGE", limit)
    frames.write_frames(tmp_path, written)
    packed = {
        f"{kind.name}.csv" for kind in frame_kinds.entries() if kind.long and len(plain[f"{kind.name}.csv"]) > limit
    }
    assert "scores.csv" in packed
    assert {path.name for path in tmp_path.iterdir()} == {f"{n}.gz" if n in packed else n for n in plain}
    assert gzip.decompress((tmp_path / "scores.csv.gz").read_bytes()) == plain["scores.csv"]
    assert len(frames.read_frames(tmp_path)["scores"]) == len(written["scores"]) > 0
    whole = (tmp_path / "scores.csv.gz").read_bytes()
    for broken in (whole[:-9], b"no such thing", whole[:12] + b"\0" * 40):
        (tmp_path / "scores.csv.gz").write_bytes(broken)
        with pytest.raises(BenchError, match=r"cannot read .*scores\.csv\.gz"):
            dict(frames.read_frames(tmp_path))
    monkeypatch.undo()
    frames.write_frames(tmp_path, written)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == plain


def test_a_large_frame_is_written_in_parts_and_its_curves_are_read_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [fake_record(CASE, seed, mse=0.01 * seed) for seed in (42, 43, 44)]
    shown = frames.select(fake_plan([CASE], records))
    frames.write_frames(tmp_path / "whole", frames.make_frames(shown))
    monkeypatch.setattr("bench.frames.base.PART", 1)
    frames.write_frames(tmp_path / "parts", frames.made_frames(shown))
    whole, parts = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("whole", "parts"))
    assert whole == parts
    read = dict(frames.read_frames(tmp_path / "whole"))
    mixed = read | {"curves": read["curves"].sample(frac=1, random_state=0)}
    first, second = (Results(each).curves for each in (read, mixed))
    assert (
        first.keys()
        == second.keys()
        == {("train", "loss"), ("train", "epoch_s"), *(("valid", m) for m in records[0].curve.valid)}
    )
    for kind, runs in first.items():
        for run, curve in runs.items():
            other = second[kind][run]
            assert sorted(zip(*other, strict=True)) == list(zip(*curve, strict=True))
    values = first["valid", "mse"][records[1].run_id].values
    assert values == pytest.approx(records[1].curve.valid["mse"], rel=5e-6)
    assert scores_by_run(read["scores"]) == {
        record.run_id: {Key(s.metric, s.split, s.weights, s.axis, s.index): pytest.approx(s.value, rel=5e-6)
                        for s in record.scores}
        for record in records
    }  # fmt: skip


def test_reading_a_folder_without_csvs_says_which(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"cannot read .*\.csv"):
        frames.read_frames(tmp_path)


def test_a_measurement_is_summed_up_from_the_rounds_that_count() -> None:
    plan = fake_plan([fake_case("fake/rnn", task="every_step")], [])
    timed = fake_measurement(plan.measured[0], windows_per_s=40_000.0)
    noisy = timed.rounds[-2].model_copy(update={"contended": True, "wall_s": 9.0})
    first = timed.model_copy(update={"rounds": (*timed.rounds[:-2], noisy)})
    alone = measurement_row([first])
    assert alone["train_windows_per_s"] == pytest.approx(4_000 / (0.1 * (1 + 0.0005 * 6)))  # the fifth of nine rounds
    assert (alone["train_low"], alone["train_high"], alone["processes"]) == (None, None, 1)
    failed = fake_measurement(plan.measured[0], status="failed")
    second = fake_measurement(plan.measured[0], windows_per_s=44_000.0).model_copy(update={"latency_contended": 50})
    row = measurement_row([first, failed, second])
    logs = np.log([m.windows_per_s("train") for m in (first, second)])
    assert row["train_windows_per_s"] == pytest.approx(np.exp(logs.mean()))
    reach = 12.7062 * logs.std(ddof=1) / np.sqrt(2)  # Student's t with one degree of freedom
    assert np.log([row["train_low"], row["train_high"]]) == pytest.approx(logs.mean() + np.array([-reach, reach]))
    assert row["train_steps_per_s"] == pytest.approx(50 * row["train_windows_per_s"])
    assert (row["train_rounds"], row["train_contended"], row["infer_rounds"], row["processes"]) == (19, 1, 19, 2)
    assert row["train_drift"] == pytest.approx(-0.0045, abs=2e-4)  # each round is 0.05 % longer than the last
    assert row["train_drift_p"] < 1e-6
    assert (row["latency_calls"], row["latency_contended"]) == (2_000, 50)
    assert (row["status"], row["reason"]) == ("done", "")
    assert row["latency_p50_s"] == pytest.approx(0.0004 + 1e-7 * 499.5)
    assert row["latency_p99_s"] == pytest.approx(0.0004 + 1e-7 * 989.01)
    assert unsettled(row) == ["train", "infer"]
    assert unsettled(row | {"train_low": 40_000.0, "train_high": 43_000.0}) == ["infer"]
    rounds = made("rounds", replace(plan, measurements=(timed,)))
    assert len(rounds) == 24
    assert set(rounds["process"]) == {1}
    assert rounds["warm_up"].sum() == 4
    assert not len(made("measurements", plan))


def test_every_field_of_a_recipe_has_a_column_of_its_type() -> None:
    assert list(RECIPE) == list(Recipe.model_fields)
    assert (RECIPE["learning_rate"], RECIPE["epochs"], RECIPE["loss"]) == (Kind.NUMBER, Kind.INTEGER, Kind.TEXT)


def test_a_column_that_no_schema_knows_is_named(tmp_path: Path) -> None:
    (tmp_path / "floors.csv").write_text("case,metric,value,colour\na,mse,1,red\n")
    with pytest.raises(BenchError, match=r"floors\.csv \(unknown column 'colour'\)"):
        frames.read_frame(tmp_path / "floors.csv", frame_kinds.get("floors").schema)
    assert TASKS
