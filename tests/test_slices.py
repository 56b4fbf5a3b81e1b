"""Where each model loses: slices of the test set from kept forecasts, held to sums in plain NumPy."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from bench.cases.base import Case
from bench.datasets.loaded import load
from bench.datasets.reber import Reber
from bench.datasets.waves import WavesEveryStep, WavesNextStep
from bench.errors import BenchError
from bench.frames import make_frames, select
from bench.frames.slices import slices_rows
from bench.kept import Kept, digest_of
from bench.models.linear import Linear
from bench.models.naive import Naive
from bench.report.build import build_report, check_report
from bench.scoring import score_all
from bench.slices import Held, Unsliceable, sliced
from bench.slices.values import values_of
from bench.task import Facts, TargetKind, Task
from tests.fakes import fake_plan, fake_record
from tests.tables import ROWS, dates, made, series, write

SEEDS = (42, 43, 44)
HORIZON = 3
SUNDAY = 6


def table_data(**changes):
    """Days with a column of texts, of which nothing is forecast."""
    kinds = np.where(np.arange(ROWS) % 3 == 0, "sale", "usual")
    path = write("sliced", day=dates(ROWS), units=series(), kind=kinds, price=series(seed=9))
    return made(path=path, horizon=HORIZON, season=7, valid="2021-03-01", test="2021-03-20", **changes)


def forecaster(seed, wrong_on_sundays):
    """Forecasts that are off by noise, and more so on Sundays by a factor."""

    def forecast(split):
        truth = np.asarray(split.y)
        rng = np.random.default_rng(seed)
        times = table_data().facts(0).times[table_data().facts(0).first[0] :]
        off = 0.3 + 0.05 * rng.random(truth.shape)
        if len(truth) == len(load(table_data(), 0).splits.test.y):
            steps = np.arange(len(truth))[:, np.newaxis] + np.arange(HORIZON)
            weekday = (times.astype("datetime64[D]").astype(int)[steps] + 3) % 7
            off = np.where(weekday == SUNDAY, off * wrong_on_sundays, off)
        return (truth + off).astype(np.float32)

    return forecast


def recorded(case, seed, splits, forecast):
    """A record as a run of these forecasts would leave it, with what it kept."""
    scores, kept = (), Kept()
    for weights in ("last", "best"):
        found = score_all(forecast, case.model, splits, weights)
        scores, kept = scores + found.scores, kept + found.kept
    data = kept.to_bytes()
    made_up = fake_record(case, seed, mse=1.0, last_time_step_mse=1.0)
    return made_up.model_copy(update={"scores": scores, "kept": digest_of(data)}), kept


@pytest.fixture(scope="module")
def known():
    """Two networks of three seeds, one of which is poor on Sundays and better otherwise; the plan, and what is kept."""
    splits = load(table_data(), 0).splits
    kept, records, cases = {}, [], []
    for name, factor, size in (("t/steady", 1.0, 1.0), ("t/weekdays", 4.0, 0.5)):
        case = Case(table_data(), Linear(), label=name[2:], name=name)
        cases.append(case)
        for seed in SEEDS:
            base = forecaster(seed, factor)

            def smaller(split, base=base, size=size):
                truth = np.asarray(split.y)
                return truth + size * (base(split) - truth)

            record, own = recorded(case, seed, splits, smaller)
            records.append(record)
            kept[record.key] = own
    plan = fake_plan(cases, records, SEEDS, rank="best")
    return replace(plan, suite=plan.suite.model_copy(update={"slices": ["weekday", "horizon", "kind", "hour"]})), kept


def frame_of(known, *slices):
    plan, kept = known
    shown = replace(select(plan), slices=slices).reading(lambda record: kept[record.key])
    return pd.DataFrame(list(slices_rows(shown)))


def errors_of(known, case):
    """Squared errors of each seed ``(seeds, windows, horizon)``, in the file's units, and the date of each step."""
    plan, kept = known
    split = load(table_data(), 0).splits.test
    truth = np.asarray(split.y, np.float64)
    found = []
    for record in plan.records:
        if record.spec.case == case:
            (own,) = [k for k in kept[record.key].forecasts if (k.split, k.weights) == ("test", "best")]
            found.append(((truth - own.values) * split.rescaling.spread) ** 2)
    days = np.datetime64("2021-03-20") + np.arange(len(truth))[:, np.newaxis] + np.arange(HORIZON)
    return np.stack(found), days


def test_a_weekdays_score_is_the_mean_of_the_errors_of_its_steps(known):
    frame = frame_of(known, "weekday")
    for case in ("t/steady", "t/weekdays"):
        errors, days = errors_of(known, case)
        own = frame[frame.case == case].set_index("label")
        assert [*own.index] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        for number, name in enumerate(own.index):
            on = (days.astype(int) + 3) % 7 == number
            scores = np.log([each[on].mean() for each in errors])
            reach = reference.t.ppf(0.975, 2) * scores.std(ddof=1) / np.sqrt(3)
            expected = np.exp([scores.mean(), scores.mean() - reach, scores.mean() + reach])
            np.testing.assert_allclose(own.loc[name, ["value", "low", "high"]].astype(float), expected, rtol=1e-5)
            assert own.loc[name, "n_windows"] == on.any(axis=1).sum()


def test_the_leader_loses_where_it_was_made_to(known):
    frame = frame_of(known, "weekday").set_index(["label", "case"])
    for day in ("mon", "sun"):
        winner, loser = ("t/steady", "t/weekdays") if day == "sun" else ("t/weekdays", "t/steady")
        assert frame.loc[(day, winner), "best"]
        assert frame.loc[(day, loser), "behind_low"] > 1
        ratio = frame.loc[(day, loser), "value"] / frame.loc[(day, winner), "value"]
        assert frame.loc[(day, loser), "behind"] == pytest.approx(ratio, rel=1e-6)


def test_steps_ahead_and_columns(known):
    frame = frame_of(known, "horizon", "kind")
    errors, days = errors_of(known, "t/steady")
    own = frame[(frame.case == "t/steady") & (frame.slice == "horizon")].set_index("label")
    for step in range(HORIZON):
        expected = np.exp(np.log(errors[:, :, step].mean(axis=1)).mean())
        assert own.loc[str(step + 1), "value"] == pytest.approx(expected, rel=1e-5)
    sale = (days - np.datetime64("2021-01-01")).astype(int) % 3 == 0
    own = frame[(frame.case == "t/steady") & (frame.slice == "kind")].set_index("label")
    assert [*own.index] == ["sale", "usual"]
    expected = np.exp(np.log([each[sale].mean() for each in errors]).mean())
    assert own.loc["sale", "value"] == pytest.approx(expected, rel=1e-5)


def test_without_forecasts_windows_are_sliced_by_their_first_step(known):
    plan, kept = known
    lean = plan, {key: Kept(each.errors, ()) for key, each in kept.items()}
    frame = frame_of(lean, "weekday", "horizon")
    errors, days = errors_of(known, "t/steady")
    own = frame[(frame.case == "t/steady") & (frame.slice == "weekday")].set_index("label")
    on = (days[:, 0].astype(int) + 3) % 7 == 2
    expected = np.exp(np.log([each[on].mean() for each in errors]).mean())
    assert own.loc["wed", "value"] == pytest.approx(expected, rel=1e-5)
    (reason,) = frame[frame.slice == "horizon"]["reason"]
    assert "a run kept no forecasts of its test set" in reason


def test_a_report_says_and_draws_where_the_leader_loses(known, tmp_path):
    plan, kept = known
    readme = build_report(plan, tmp_path / "r", kept=lambda record: kept[record.key], slices=["weekday"], page=True)
    text = readme.read_text()
    assert "test MSE by weekday of the step" in text
    assert "weekdays loses at sun (steady leads there)." in text
    assert "cannot be sliced by 'hour'; it can be by horizon, month, weekday, kind, price" in text
    line = next(each for each in text.splitlines() if each.startswith("| sun "))
    cells = [cell.strip() for cell in line.split("|")[3:-1]]
    assert [cell.startswith("**") for cell in cells] == [False, True]
    assert sorted(path.name.split("_")[0] for path in (tmp_path / "r" / "figures").glob("[sw][lo]*_*")) == [
        "slices",
        "worst",
    ]
    assert check_report(tmp_path / "r") == []
    worst = pd.read_csv(tmp_path / "r" / "worst.csv")
    errors, _ = errors_of(known, "t/weekdays")
    by_window = errors.mean(axis=(0, 2))
    first = worst[worst.order == 1]
    assert first.window.iloc[0] == by_window.argmax()
    found = first[(first.part == "error") & (first.case == "t/weekdays")].value.iloc[0]
    assert found == pytest.approx(by_window.max(), rel=1e-5)
    windows = np.sort(worst.window.unique())
    assert len(windows) == 5
    assert (np.diff(windows) >= HORIZON).all()
    truth = first[first.part == "truth"].value
    np.testing.assert_allclose(truth, series()[78 + first.window.iloc[0] :][:HORIZON], rtol=1e-5)
    shown = first[first.part == "input"].sort_values("step").value
    np.testing.assert_allclose(shown, series()[: 78 + first.window.iloc[0]][-14:], rtol=1e-5)
    build_report(plan, tmp_path / "r", figures=False, page=False)
    assert not (tmp_path / "r" / "worst.csv").exists()
    assert not (tmp_path / "r" / "slices.csv").exists()


def test_a_report_without_excerpts_holds_no_window_of_the_data(known, tmp_path):
    plan, kept = known
    build_report(plan, tmp_path / "r", kept=lambda record: kept[record.key], slices=["weekday"], excerpts=False)
    assert len(pd.read_csv(tmp_path / "r" / "forecasts.csv")) == 0
    assert not (tmp_path / "r" / "worst.csv").exists()
    assert not [*(tmp_path / "r" / "figures").glob("[fw]or*")]
    assert [*(tmp_path / "r" / "figures").glob("slices_*")]


def test_what_a_test_set_can_be_sliced_by_is_one_line(known, tmp_path):
    plan, kept = known
    with pytest.raises(BenchError, match=r"^task 'sliced_units_3_from_14' cannot be sliced by 'colour'; ") as e:
        build_report(plan, tmp_path / "r", kept=lambda record: kept[record.key], slices=["colour"], figures=False)
    assert str(e.value).endswith("it can be by horizon, month, weekday, kind, price")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (
            WavesNextStep(n_series=300),
            "has no dates and cannot be sliced by 'weekday'; it can be by nothing, with one ",
        ),
        (WavesEveryStep(n_series=300), "has no dates and cannot be sliced by 'weekday'; it can be by horizon"),
        (Reber(draws=1000), "has no dates and cannot be sliced by 'weekday'; it can be by length"),
    ],
)
def test_data_without_dates_say_what_they_can_be_sliced_by(dataset, expected):
    split = load(dataset, 1).splits.test
    held = Held("it", split.task, len(split.x), dataset.facts(1), split.groups)
    with pytest.raises(Unsliceable, match=r"^[^\n]*$") as raised:
        sliced(held, "weekday")
    assert expected in str(raised.value)


def test_groups_of_strings_are_slices_of_an_accuracy():
    dataset = Reber(draws=1000)
    splits = load(dataset, 42).splits
    case = Case(dataset, Linear(), label="a", name="t/a")
    rng = np.random.default_rng(1)

    def forecast(split):
        return np.clip(np.asarray(split.y) + rng.normal(0, 0.4, split.y.shape), 0, 1).astype(np.float32)

    record, kept = recorded(case, 42, splits, forecast)
    plan = fake_plan([case], [record], (42,), rank="last")
    frame = frame_of((plan, {record.key: kept}), "length").set_index("label")
    errors = kept.errors_of("test", "last", frame.metric.iloc[0])
    lengths = splits.test.groups["length"]
    names, of = values_of(lengths)
    for number, name in enumerate(names):
        assert frame.loc[name, "value"] == pytest.approx(errors.values[of == number].mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("column", "names", "of"),
    [
        (np.array(["b", "a", "", "b"], object), ("a", "b"), [1, 0, -1, 1]),
        (np.array(["b", None, np.nan], object), ("b",), [0, -1, -1]),
        (np.array([3, 1, 3]), ("1", "3"), [1, 0, 1]),
        (np.array([0.5, np.nan]), ("0.5",), [0, -1]),
        (
            np.arange(16.0),
            ("up to 3.75", "over 3.75 to 7.5", "over 7.5 to 11.25", "over 11.25"),
            np.repeat(range(4), 4),
        ),
        (np.array([*"aabbccddeeffgghhiijjkkllm"], object), None, None),
    ],
)
def test_values_of_a_column(column, names, of):
    found, numbers = values_of(column)
    if names is None:
        names, of = (*"abcdefghijk", "others"), np.minimum([ord(each) - ord("a") for each in column], 11)
    assert found == names
    np.testing.assert_array_equal(numbers, of)


@pytest.mark.parametrize("kind", [int, str])
def test_series_are_told_apart_one_by_one_and_numbers_name_them(kind):
    """Twenty shops by number, of which a column of amounts would be quarters; beyond sixty the rest is one line."""
    shops = np.array([f"{n:02d}" if kind is str else n for n in range(1, 21)])
    of_rows = np.repeat(shops, 3)
    names, of = values_of(of_rows.astype(object) if kind is str else of_rows, names_series=True)
    assert names == tuple(map(str, shops))
    np.testing.assert_array_equal(of, np.repeat(range(20), 3))
    facts = Facts(np.arange(0, 60, 3, dtype=np.int32), None, lambda: ["shop"], lambda name: of_rows, "shop")
    held = Held("it", Task("t", TargetKind.LAST_STEP, 4, horizon=3), 20, facts)
    np.testing.assert_array_equal(sliced(held, "shop").of, np.repeat(np.arange(20)[:, np.newaxis], 3, axis=1))
    names, of = values_of(np.arange(100), names_series=True)
    assert (names[0], names[58], names[59], len(names)) == ("0", "58", "others", 60)
    assert (of[59:] == 59).all()


def test_hours_and_long_horizons_of_a_calendar():
    times = np.datetime64("2021-12-31T22:00", "ns") + np.arange(40) * np.timedelta64(1, "h")
    task = Task("t", TargetKind.LAST_STEP, 4, horizon=26)
    held = Held("it", task, 2, Facts(np.array([0, 3], np.int32), times, lambda: (), lambda name: times))
    hours = sliced(held, "hour")
    assert [hours.names[n] for n in hours.of[0, :3]] == ["22", "23", "0"]
    assert [hours.names[n] for n in hours.of[1, :2]] == ["1", "2"]
    assert {sliced(held, "month").names[n] for n in sliced(held, "month").of[0]} == {"dec", "jan"}
    ahead = sliced(held, "horizon")
    assert ahead.names[:3] == ("1-3", "4-6", "7-8")
    assert [ahead.names[n] for n in ahead.of[1, [0, 2, 3, 25]]] == ["1-3", "1-3", "4-6", "25-26"]


def test_a_suite_that_is_sliced_is_the_same_selection(known):
    plan, _ = known
    assert plan.suite.digest == plan.suite.model_copy(update={"slices": []}).digest
    assert len(make_frames(select(plan))["slices"]) == 0
    assert Naive().trained is False
