"""A user's own series: what windows hold, to which part they belong, and what is fitted on training alone, by hand."""

import numpy as np
import pandas as pd
import pytest

from bench.cases.base import make_dataset
from bench.datasets.loaded import BadData, load
from bench.errors import BenchError
from bench.tables.calendar import calendar
from bench.tables.cutting import naive_errors
from bench.tables.scaling import fit_scales
from bench.task import TargetKind
from tests.tables import ROWS, dates, made, one_series, series, three_series, usual, write

PARTS = ("train", "valid", "test")
SHOPS = {"path": "three", "id": "shop", "input_length": 5, "horizon": 3}


def splits_of(**changes):
    if changes.get("path") == "three":
        changes["path"] = three_series()
    loaded = load(make_dataset("table", usual(**changes)), 0)
    assert all("one block of its time" in line for line in loaded.warnings)
    return loaded.splits


def by_hand(frame, begin, end, length, horizon, reach_back):
    """The first rows of the windows of a part, by a loop over all rows."""
    found = []
    for start in range(len(frame) - length - horizon + 1):
        window = frame.iloc[start : start + length + horizon]
        targets = window.day.iloc[length:]
        first = window.day.iloc[length if reach_back else 0]
        if window.shop.nunique() == 1 and targets.max() < end and (begin is None or first >= begin):
            found.append(start)
    return found


@pytest.mark.parametrize("reach_back", [True, False])
@pytest.mark.parametrize(
    ("valid", "test", "begins"),
    [(0.2, 0.25, ("2021-03-08", "2021-04-01")), ("2021-03-01", "2021-03-20", ("2021-03-01", "2021-03-20"))],
    ids=["shares", "dates"],
)
def test_windows_belong_to_the_part_of_their_targets(valid, test, begins, reach_back):
    splits = splits_of(**SHOPS, valid=valid, test=test, reach_back=reach_back, scale="none")
    frame = pd.read_csv(three_series(), parse_dates=["day"])
    at_valid, at_test = map(pd.Timestamp, begins)
    spans = {"train": (None, at_valid), "valid": (at_valid, at_test), "test": (at_test, pd.Timestamp("2022-01-01"))}
    for part, (begin, end) in spans.items():
        starts = by_hand(frame, begin, end, 5, 3, reach_back)
        split = getattr(splits, part)
        assert split.x.starts.tolist() == starts, part
        units = frame.units.to_numpy(np.float32)
        np.testing.assert_array_equal(split.x, [units[s : s + 5, None] for s in starts])
        np.testing.assert_array_equal(split.y, [units[s + 5 : s + 8] for s in starts])


@pytest.mark.parametrize("every_step", [False, True])
def test_a_position_holds_the_past_as_it_is_and_what_is_known_ahead_as_far_as_it_forecasts(every_step):
    given = {"past": ["price"], "known": ["promo"], "calendar": ["weekday"], "every_step": every_step, "test": 0.3}
    data = make_dataset("table", usual(**given, scale="none"))
    split, frame = load(data, 0).splits.test, pd.read_csv(one_series(), parse_dates=["day"])
    assert data.task().feature_names == ("units", "price", "promo", *["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
    window, start = np.asarray(split.x)[3], split.x.starts[3]
    for t in range(14):
        now, then = frame.iloc[start + t], frame.iloc[start + t + 7]
        assert window[t, :3].tolist() == np.float32([now.units, now.price, then.promo]).tolist()
        assert np.flatnonzero(window[t, 3:]).tolist() == [then.day.weekday()]
    target = np.asarray(split.y)[3]
    units = frame.units.to_numpy(np.float32)
    positions = range(14) if every_step else [13]
    wanted = [units[start + t + 1 : start + t + 8] for t in positions]
    np.testing.assert_array_equal(target if every_step else target[None], wanted)
    assert data.task().target is (TargetKind.EVERY_STEP if every_step else TargetKind.LAST_STEP)


@pytest.mark.parametrize("scale", ["standard", "series", "none", 10.0])
def test_scales_are_those_of_the_training_part_and_targets_go_back(scale):
    splits = splits_of(**SHOPS, scale=scale)
    frame = pd.read_csv(three_series(), parse_dates=["day"])
    training = frame[frame.day < sorted(frame.day.unique())[72]]
    each = training.groupby("shop").units if scale == "series" else training.units
    centre, spread = (each.mean(), each.std(ddof=0)) if isinstance(scale, str) else (0.0, scale)
    if scale == "none":
        centre, spread = 0.0, 1.0
    if scale == "series":
        centre, spread = frame.shop.map(centre), frame.shop.map(spread)
    scaled = ((frame.units - centre) / spread).to_numpy()
    np.testing.assert_allclose(splits.train.x.rows[:, 0], scaled, rtol=1e-5, atol=1e-6)
    test, back = splits.test, splits.test.rescaling
    units = np.asarray(test.y) * back.spread + back.centre
    np.testing.assert_allclose(units, [frame.units[s + 5 : s + 8] for s in test.x.starts], rtol=1e-5)
    unscaled = splits_of(**SHOPS, scale=scale, units="scaled").test
    assert unscaled.rescaling is None
    assert unscaled.task.targets[0].unit == "scaled"


def test_the_scale_of_mase_is_the_seasonal_naive_error_of_the_training_part_by_series():
    frame = pd.read_csv(three_series(), parse_dates=["day"])
    training = frame[frame.day < sorted(frame.day.unique())[72]]
    by_shop = training.groupby("shop").units.apply(lambda units: units.diff(7).abs().mean())
    test = splits_of(**SHOPS).test
    wanted = by_shop[frame.shop[test.x.starts]].to_numpy()[:, None]
    np.testing.assert_allclose(test.naive_error, wanted)
    spread = training.units.std(ddof=0)
    np.testing.assert_allclose(splits_of(**SHOPS, units="scaled").test.naive_error, wanted / spread)
    short = naive_errors(np.array([[1.0], [4.0], [2.0]]), np.array([0, 0, 2]), 1, 3)
    assert short.tolist() == [[3.0], [0.0], [0.0]], "a series without two such values has none"


def test_windows_go_together_by_series_or_by_blocks_of_time():
    three, frame = splits_of(**SHOPS).test, pd.read_csv(three_series())
    assert three.series.tolist() == frame.shop[three.x.starts].map({"north": 0, "south": 1, "west": 2}).tolist()
    (line,) = load(made(), 0).warnings
    assert "all windows of valid and test are of one series, or one block of its time" in line
    assert load(made(horizon=3), 0).warnings == ()
    one = splits_of(input_length=5, horizon=2, season=3).test
    assert one.series.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 8, "horizon and season, the rest to the last"


def test_dates_before_and_after_are_left_out():
    late = splits_of(since="2021-02-01", until="2021-03-31", valid=0.25, test=0.25, input_length=4, horizon=3)
    assert len(late.train.x.rows) == 28 + 31
    data = made(since="2021-02-01", until="2021-03-31", valid=0.25, test=0.25, input_length=4, horizon=3)
    assert data.cut()[1].lines == [
        "train: 23 windows, targets 2021-02-05 to 2021-03-01",
        "valid: 13 windows, targets 2021-03-02 to 2021-03-16",
        "test: 13 windows, targets 2021-03-17 to 2021-03-31",
    ]


def test_folds_are_tests_one_after_the_other_each_with_all_before_to_learn_from():
    data = made(valid=0.2, test=0.3, folds=3, input_length=4, horizon=3, season=1)
    lines = [data.cut(fold)[1].spans for fold in range(3)]
    assert [each["test"] for each in lines] == [
        ("2021-03-26", "2021-04-06"),
        ("2021-04-07", "2021-04-18"),
        ("2021-04-19", "2021-04-30"),
    ]
    assert [each["train"] for each in lines] == [
        ("2021-01-05", "2021-03-01"),
        ("2021-01-05", "2021-03-13"),
        ("2021-01-05", "2021-03-25"),
    ]
    assert [each["valid"][1] for each in lines] == ["2021-03-25", "2021-04-06", "2021-04-18"]
    whole, parts = made(valid=0.2, test=0.3, input_length=4, horizon=3), [load(data, seed).splits for seed in (1, 2, 3)]
    assert whole.cut()[1].spans["test"] == ("2021-03-26", "2021-04-30")
    starts = [data.cut(fold)[1].starts["test"].tolist() for fold in range(3)]
    assert [split.test.x.starts.tolist() for split in parts] == starts
    assert np.array_equal(load(data, 4).splits.train.x, parts[0].train.x)
    assert (data.varies, data.number_of_draws, whole.varies, whole.number_of_draws) == (True, 3, False, 0)


def test_without_times_rows_are_counted():
    path = write("counted", units=series())
    data = make_dataset("table", usual(path=path, time=""))
    assert [line.partition("targets ")[2] for line in data.cut()[1].lines] == [
        "row 15 to row 72",
        "row 73 to row 96",
        "row 97 to row 120",
    ]
    with_times = splits_of()
    np.testing.assert_array_equal(load(data, 0).splits.test.x, with_times.test.x)


def test_several_targets_each_have_their_own_scale_and_place():
    split = splits_of(targets=["price", "units"]).test
    frame = pd.read_csv(one_series())
    units = np.asarray(split.y) * split.rescaling.spread + split.rescaling.centre
    wanted = [frame[["price", "units"]].to_numpy()[s + 14 : s + 21] for s in split.x.starts]
    np.testing.assert_allclose(units, wanted, rtol=1e-4, atol=1e-4)
    assert split.naive_error.shape == (len(split.x), 2)


def test_the_calendar_goes_round():
    times = np.array(["2021-01-01T00:00", "2021-07-02T12:00", "2024-12-31T18:00"], "datetime64[ns]")
    values, names = calendar(times, ["hour", "weekday", "day", "month", "yearday"])
    found = dict(zip(names, values.T, strict=True))
    waves = [name.removesuffix("_sin") for name in names if name.endswith("_sin")]
    turns = {name: np.arctan2(found[f"{name}_sin"], found[f"{name}_cos"]) / 2 / np.pi % 1 for name in waves}
    wanted = {
        "hour": [0, 0.5, 0.75],
        "day": [0, 1.5 / 31, 30.75 / 31],
        "month": [0, 6 / 12, 11 / 12],
        "yearday": [0, 182.5 / 365, 365.75 / 366],
    }
    for name, turn in wanted.items():
        np.testing.assert_allclose(turns[name], turn, atol=1e-9)
    assert [np.flatnonzero([found[day][i] for day in names[2:9]])[0] for i in range(3)] == [4, 4, 1]


def test_a_constant_column_is_divided_by_one():
    scales = fit_scales("standard", np.array([[0.1, 1.0], [0.1, 3.0], [0.1, 2.0]]), np.zeros(3, np.int64), ("",))
    np.testing.assert_allclose(scales.spread, [[1.0, np.sqrt(2 / 3)]])


BAD = {
    "column 'units' is named twice in targets, past and known": {"past": ["units"]},
    "calendar needs times": {"time": "", "calendar": ["weekday"]},
    "enters at the last 7 positions of a window, and input_length is 5": {"known": ["promo"], "input_length": 5},
    "leave nothing for training": {"valid": 0.5, "test": 0.5},
    "no column 'unit'; did you mean units?": {"targets": ["unit"]},
    "takes 100 rows of inputs and 30 of targets, and the longest series has 120": {"input_length": 100, "horizon": 30},
    "validation begins at 2021-04-10, not before test": {"valid": "2021-04-10", "test": "2021-03-10"},
    "valid holds no window, as its part of the times, 2021-04-01 to 2021-04-06, is 6 steps long": {"valid": 0.05},
    "one.csv: test is 'soon': no date": {"test": "soon"},
    "one.csv: test is 2031-01-01, and the file's times go 2021-01-01 to 2021-04-30; name a date": {
        "test": "2031-01-01"
    },
    "valid is 2020, and the file's times go": {"valid": "2020"},
    "test is a date, '2021-04-01', and no column of times": {"test": "2021-04-01", "time": ""},
    "train holds no window": {"valid": "2021-01-10", "test": "2021-03-01"},
}


@pytest.mark.parametrize("line", BAD)
def test_bad_parameters_are_a_line(line):
    with pytest.raises(BenchError) as error:
        load(make_dataset("table", usual(**BAD[line])), 0)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_series_that_begins_after_training_has_no_scale_of_its_own():
    late = dates(30, "2021-04-01")
    path = write(
        "late",
        day=np.concatenate([dates(ROWS), late]),
        shop=["old"] * ROWS + ["new"] * 30,
        units=np.concatenate([series(), series(30)]),
    )
    own = usual(path=path, id="shop", scale="series")
    with pytest.raises(BadData, match="series 'new' has no row in the training part"):
        load(make_dataset("table", own), 0)
    split = load(make_dataset("table", own | {"scale": "standard"}), 0).splits.test
    assert set(split.naive_error[split.series == 1].ravel()) == {0.0}, "MASE leaves it out"


def test_each_way_of_asking_is_a_task_of_its_own_and_the_question_is_one():
    ways = [made(), made(calendar=["weekday"]), made(input_length=21), made(every_step=True)]
    tasks = [data.task() for data in ways]
    assert len({task.name for task in tasks}) == 4
    assert {task.question for task in tasks} == {"one: units, 7 ahead"}
    assert made(units="scaled").task().question == "one: units, 7 ahead, scaled"


def test_a_column_of_texts_is_told_apart_by_the_values_that_are_asked_for(tmp_path):
    kinds = ["W", "A", "U"]
    path = write("kinds", day=dates(ROWS), units=series(), kind=[kinds[n % 3] for n in range(ROWS)])
    data = made(path=path, known=["kind=A", "kind=U"], horizon=1, scale=1.0)
    split = load(data, 0).splits.train
    assert data.feature_names == ("units", "kind=A", "kind=U")
    following = (np.arange(len(split.x))[:, np.newaxis] + np.arange(14) + 1) % 3
    centred = np.asarray(split.x)[:, :, 1:] - np.asarray(split.x)[:, :, 1:].min(axis=(0, 1))
    np.testing.assert_array_equal(centred > 0.5, np.stack([following == 1, following == 2], axis=-1))
    with pytest.raises(BenchError, match=r"column 'kind': no row holds 'B'; name a value that is there, as A, U, W"):
        load(made(path=path, known=["kind=B"]), 0)
    with pytest.raises(BenchError, match="no column 'sort=A'"):
        load(made(path=path, known=["sort=A"]), 0)
    (tmp_path / "holes.csv").write_text("day,units,kind\n2021-01-01,1,A\n2021-01-02,2,\n")
    with pytest.raises(BenchError, match=r"column 'kind', row 3: no value; fill it in"):
        load(made(path=str(tmp_path / "holes.csv"), known=["kind=A"], input_length=7), 0)
