"""Beyond a file's end: kept weights forecast what their run forecast, in the file's units, at the times that follow."""

import csv
from dataclasses import replace
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.cases.base import make_dataset, make_model
from bench.cli import call
from bench.commands import forecast as verb
from bench.commands.forecast import Forecast, ForecastAsked, _words, forecast_beyond, forecast_of
from bench.datasets.loaded import load
from bench.devices import find_device
from bench.errors import BenchError
from bench.forecasting import forecasts
from bench.jobs import RunEnded, make_jobs
from bench.kept import Kept, weights_from_bytes, weights_to_bytes
from bench.plan import make_plan
from bench.process import Slot
from bench.report.forecast_figure import forecast_figure
from bench.stale import find_stale
from bench.store import NotKept, Store, WeightStore, best_seeds
from bench.store.text import to_json
from bench.suite import Suite
from bench.tables.frequency import frequency
from bench.worker import Worker
from tests.conftest import BACKEND
from tests.tables import ROWS, folder, made, one_series, series, three_series, usual, write

HORIZON = 7
SPLIT = {"valid": "2021-03-10", "test": "2021-03-31"}
DATASET = {"name": "table", **usual(known=["promo"], past=["price"], calendar=["weekday"], **SPLIT)}
LEVELS = (0.1, 0.5, 0.9)
QUANTILES = {"name": "table", **usual(quantiles=list(LEVELS), horizon=3, **SPLIT)}
SUITE = Suite.model_validate(
    {
        "name": "t",
        "cases": [
            {"name": "t/net", "dataset": DATASET, "model": "linear"},
            {"name": "t/ridge", "dataset": DATASET, "model": "ridge"},
            {"name": "t/trees", "dataset": DATASET, "model": {"name": "boosted_lags", "rounds": 3}},
            {"name": "t/naive", "dataset": {"name": "table", **usual(**SPLIT)}, "model": "seasonal_naive"},
            {"name": "q/net", "dataset": QUANTILES, "model": "linear", "recipe": {"loss": "quantile"}},
            {"name": "q/naive", "dataset": QUANTILES, "model": "seasonal_naive"},
            {"name": "t/wave", "dataset": {"name": "waves_next_step", "n_series": 300}, "model": "naive"},
        ],
        "recipe": {"steps": 6, "batch_size": 16},
        "seeds": [1, 2],
        "backends": [BACKEND],
        "throughput": False,
    }
)


def without_the_end(name):
    """The path of the file of one series, without its last targets: what was test is ahead."""
    frame = pd.read_csv(one_series()).astype({"units": object, "price": object})
    frame.loc[len(frame) - HORIZON :, ["units", "price"]] = ""
    frame.to_csv(folder() / f"{name}.csv", index=False)
    return str(folder() / f"{name}.csv")


@pytest.fixture(scope="module")
def ended():
    """What a worker sends of the suite's runs, by case."""
    events = []
    worker = Worker(Slot("cpu", find_device("cpu"), None, BACKEND), events.append)
    for job in make_jobs(make_plan(SUITE, []).specs, weights=True):
        worker.run(job)
    found = {}
    for event in events:
        if isinstance(event, RunEnded):
            assert event.record.status == "done", event.record.failure
            found.setdefault(event.record.spec.case, []).append(event)
    return found


@pytest.fixture
def store(tmp_path, ended):
    made = Store(tmp_path / "results")
    made.prepare()
    for event in (event for group in ended.values() for event in group):
        made.write(event.record, event.kept)
    return made


@pytest.fixture
def in_process(monkeypatch):
    """Forecast in this process, which has the backend already."""
    answer = lambda slot, log, function, *given: SimpleNamespace(result=lambda limit_s: function(*given))  # noqa: E731
    monkeypatch.setattr(verb, "begin", answer)


def own_forecast(event):
    """What a run forecast of its last test window, with its best weights."""
    kept = Kept.from_bytes(event.kept).forecasts
    return next(k.values[-1] for k in kept if (k.split, k.weights) == ("test", "best"))


def rows_of(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("first", "freq", "expected"),
    [
        ("2021-01-28", "D", ["2021-02-01", "2021-02-02", "2021-02-03"]),
        ("2021-01-31", "ME", ["2021-05-31", "2021-06-30", "2021-07-31"]),
        ("2020-11-30", "ME", ["2021-03-31", "2021-04-30", "2021-05-31"]),
        ("2020-11-28", "28th", ["2021-03-28", "2021-04-28", "2021-05-28"]),
        ("2021-01-01", "QS", ["2022-01-01", "2022-04-01", "2022-07-01"]),
        ("2021-02-22", "B", ["2021-02-26", "2021-03-01", "2021-03-02"]),
        ("2021-02-28 20:00", "h", ["2021-03-01 00:00", "2021-03-01 01:00", "2021-03-01 02:00"]),
    ],
)
def test_times_go_on_at_their_frequency(first, freq, expected):
    if freq == "28th":
        times = (np.arange(4).astype("timedelta64[M]") + np.datetime64("2020-11")).astype("datetime64[D]") + 27
        times = times.astype("datetime64[ns]")
    else:
        times = pd.date_range(first, periods=4, freq=freq).to_numpy("datetime64[ns]")
    if freq == "B":  # a week shows that weekends are left out
        times = pd.date_range("2021-02-15", times[-1], freq="B").to_numpy("datetime64[ns]")
    step = frequency(times, np.zeros(len(times), np.int64))
    assert step is not None
    if freq == "B":
        expected = pd.date_range(times[-1], periods=4, freq="B")[1:]
    np.testing.assert_array_equal(step.after(times, 3), np.array(expected, "datetime64[ns]"))


@pytest.mark.parametrize("scale", ["standard", "series", "none", 10.0])
def test_the_window_ahead_is_the_test_window_that_is_not_there_yet(scale):
    data = made(known=["promo"], past=["price"], calendar=["weekday", "month"], scale=scale, **SPLIT)
    test = load(data, 0).splits.test
    ahead = data.ahead(0, without_the_end("known"))
    np.testing.assert_array_equal(ahead.x[0], np.asarray(test.x)[-1])
    units = pd.read_csv(one_series()).units.to_numpy()
    np.testing.assert_allclose(ahead.in_units(np.asarray(test.y)[-1:])[0, :, 0], units[-HORIZON:], rtol=1e-6)
    np.testing.assert_array_equal(ahead.past[0, :, 0], units[-14 - HORIZON : -HORIZON])
    assert [str(t)[:10] for t in ahead.times[0, [0, -1]]] == ["2021-04-10", "2021-04-30"]


def test_each_series_goes_on_at_its_own_end_and_scale():
    data = made(path=three_series(), id="shop", scale="series", input_length=5, horizon=3)
    ahead = data.ahead(0)
    assert ahead.series == ("north", "south", "west")
    assert [str(t)[:10] for t in ahead.times[:, -3]] == ["2021-05-01", "2021-05-01", "2021-04-11"]
    for number, rows in enumerate((ROWS, ROWS, ROWS - 20)):
        np.testing.assert_allclose(ahead.past[number, :, 0], series(rows, number)[-5:] * 10**number)
    np.testing.assert_allclose(ahead.in_units(ahead.x[:, -3:]), ahead.past[:, -3:], rtol=1e-5)


@pytest.mark.parametrize(
    ("params", "columns", "complaint"),
    [
        ({"known": ["promo"]}, {}, "promo must be known for the 7 steps from 2021-05-01 on; add rows that hold them"),
        ({}, {"rows": 10}, "its series has 10 rows, and a window takes 14; give a file with more"),
        ({}, {"drop": "units"}, "no column 'units'; "),
        ({}, {"rows": 1, "input_length": 1}, "has times without a frequency"),
        ({"time": ""}, {"hole": 50}, "column 'units', row 52: no value; fill it in"),
    ],
)
def test_a_file_that_cannot_go_on_is_a_line(tmp_path, params, columns, complaint):
    frame = pd.read_csv(one_series()).drop(columns=columns.get("drop", []))
    if "hole" in columns:
        frame.loc[columns["hole"], "units"] = np.nan
    path = tmp_path / "newer.csv"
    frame.iloc[-columns.get("rows", ROWS) :].to_csv(path, index=False)
    data = made(**params, input_length=columns.get("input_length", 14))
    with pytest.raises(BenchError, match=r"^[^\n]*$") as raised:
        data.ahead(0, str(path))
    assert complaint in str(raised.value)


def test_counted_rows_go_on_counted():
    ahead = made(time="").ahead(0)
    assert ahead.times[0].tolist() == list(range(ROWS - 13, ROWS + HORIZON + 1))


def test_a_record_says_which_library_fitted_it_and_others_are_as_they_were(ended, store):
    (trees,) = ended["t/trees"]
    assert trees.record.libraries == {"scikit-learn": version("scikit-learn")}
    assert next(r for r in store.read() if r.spec.case == "t/trees") == trees.record
    for case in ("t/net", "t/ridge"):
        assert '"libraries"' not in to_json(ended[case][0].record)


def test_what_another_version_fitted_is_fitted_again_and_a_machine_without_it_takes_what_is_there(ended, monkeypatch):
    (trees,) = ended["t/trees"]
    records = [event.record for group in ended.values() for event in group]
    here = frozenset(record.environment.digest for record in records)
    assert make_plan(SUITE, records, here).missing == []
    installed = {"scikit-learn": "0.9"}
    monkeypatch.setattr("bench.extras.version_of", lambda name: installed.get(name, ""))
    (missing,) = make_plan(SUITE, records, here).missing
    assert missing.run_id == trees.record.run_id
    (stale,) = find_stale([missing], records)
    change = f"scikit-learn: {trees.record.libraries['scikit-learn']} -> 0.9"
    assert stale.changes == (f"libraries.{change}",)
    assert _words([trees.record]) == f"fitted anew, by other libraries than in its run ({change})"
    anew = trees.record.model_copy(update={"libraries": installed})
    assert make_plan(SUITE, [*records, anew], here).missing == []
    installed.clear()
    assert make_plan(SUITE, records, here).missing == []
    assert _words([trees.record]) == "fitted anew"


@pytest.mark.parametrize("case", ["t/net", "t/ridge", "t/trees"])
def test_a_forecast_is_the_one_that_the_run_made_of_the_same_window(ended, case):
    ahead = made(known=["promo"], past=["price"], calendar=["weekday"], **SPLIT).ahead(0, without_the_end("own"))
    weights = [weights_from_bytes(event.weights) for event in ended[case]] if case == "t/net" else []
    found = forecasts(ended[case][0].record.spec, weights, ahead.x)
    assert len(found) == (2 if case == "t/net" else 1)
    for one, event in zip(found, ended[case], strict=True):
        np.testing.assert_allclose(one[0], own_forecast(event), rtol=1e-5, atol=1e-6)
    if case == "t/net":
        assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"every_step": True, "reach_back": False},
        {"targets": ["units", "price"], "known": ["promo"], "scale": "series"},
        {"folds": 2},
        {"units": "scaled", "scale": 10.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_predictor_forecasts_the_last_test_window_as_it_would_in_a_test(changes):
    suite = {"name": "t", "seeds": [1, 2], "data_seeds": "seeds", "throughput": False}
    suite["cases"] = [{"name": "t/ridge", "dataset": {"name": "table", **usual(**SPLIT, **changes)}, "model": "ridge"}]
    spec = make_plan(Suite.model_validate(suite), []).specs[-1]
    data = make_dataset("table", spec.dataset.all_params)
    splits = load(data, spec.data_seed).splits
    fitted = make_model("ridge", spec.model.all_params).fit_choosing(splits.train, splits.valid, data.task())
    expected = fitted(np.asarray(splits.test.x)[-1:])
    ahead = data.ahead(spec.data_seed, without_the_end("fitted"))
    (found,) = forecasts(spec, [], ahead.x)
    np.testing.assert_allclose(found, expected[:, -1] if data.every_step else expected, rtol=1e-5)
    assert ahead.in_units(found).shape == (1, HORIZON, len(data.targets))


def test_the_seasonal_naive_forecast_of_a_file_is_its_last_week(store, tmp_path):
    asked = ["forecast", "t/naive", "-o", str(tmp_path / "f.csv"), "--results", str(store.results)]
    assert call(asked) == 0
    rows = rows_of(tmp_path / "f.csv")
    assert [row["time"] for row in rows] == [f"2021-05-{day:02d}" for day in range(1, 8)]
    np.testing.assert_allclose([float(row["forecast"]) for row in rows], series()[-7:], rtol=1e-6)
    assert set(rows[0]) == {"series", "time", "target", "forecast"}


def test_seeds_that_are_kept_are_averaged_and_their_ends_told(store, ended, tmp_path, in_process):
    events, kept = ended["t/net"], WeightStore(store)
    for event in events:
        kept.write(event.record, event.weights)
    csv_path = tmp_path / "f.csv"
    asked = ForecastAsked("t/net", without_the_end("seeds"), None, store.results, csv_path)
    assert forecast_beyond(asked, Console(quiet=True)) == 0
    units = pd.read_csv(one_series()).units.to_numpy()
    training = units[: (np.datetime64("2021-03-10") - np.datetime64("2021-01-01")).astype(int)]
    own = np.stack([own_forecast(event) for event in events]) * training.std() + training.mean()
    rows = rows_of(csv_path)
    for column, values in (("forecast", own.mean(axis=0)), ("least", own.min(axis=0)), ("most", own.max(axis=0))):
        np.testing.assert_allclose([float(row[column]) for row in rows], values, rtol=1e-5)
    assert [row["time"] for row in rows][:2] == ["2021-04-24", "2021-04-25"]
    assert csv_path.with_suffix(".svg").is_file()


def test_quantiles_are_columns_and_the_forecast_is_their_median(store, ended, tmp_path, in_process):
    """Beyond a file without its last three rows: the medians are those of the run's own last test window."""
    events, kept = ended["q/net"], WeightStore(store)
    for event in events:
        kept.write(event.record, event.weights)
    frame = pd.read_csv(one_series())
    frame.iloc[:-3].to_csv(tmp_path / "known.csv", index=False)
    asked = ForecastAsked("q/net", str(tmp_path / "known.csv"), None, store.results, tmp_path / "f.csv")
    assert forecast_beyond(asked, Console(quiet=True)) == 0
    rows = rows_of(tmp_path / "f.csv")
    assert list(rows[0])[3:] == ["forecast", "q0.1", "q0.5", "q0.9", "least", "most"]
    assert len(rows) == 3
    units = frame.units[: (np.datetime64("2021-03-10") - np.datetime64("2021-01-01")).astype(int)]
    own = np.stack([own_forecast(event) for event in events]) * units.std(ddof=0) + units.mean()
    np.testing.assert_allclose([float(row["forecast"]) for row in rows], own.mean(axis=0), rtol=1e-5)
    for row in rows:
        assert float(row["q0.1"]) < float(row["q0.5"]) < float(row["q0.9"])
        assert row["q0.5"] == row["forecast"]
    figure = (tmp_path / "f.svg").read_text()
    assert "q0.1 to q0.9" in figure
    assert "least to most" not in figure


def test_a_predictor_gives_one_number_where_quantiles_are_asked_for(store, tmp_path, capsys):
    assert call(["forecast", "q/naive", "-o", str(tmp_path / "f.csv"), "--results", str(store.results)]) == 0
    assert "fitted anew; 3 steps after 2021-04-30; one number a value, no quantiles" in capsys.readouterr().out
    assert set(rows_of(tmp_path / "f.csv")[0]) == {"series", "time", "target", "forecast"}


@pytest.mark.parametrize("every_step", [False, True])
def test_quantiles_of_seeds_are_averaged_by_level_in_units(every_step):
    """Three series, three steps, three levels: nothing but its axes tells one number a value from quantiles."""
    data = made(path=three_series(), id="shop", scale="series", input_length=5, horizon=3, quantiles=LEVELS,
                every_step=every_step, reach_back=False)  # fmt: skip
    ahead, task = data.ahead(0), data.task()
    raw = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    found = forecast_of(ahead, list(np.sort(raw, axis=-1)), task)
    assert [*found.columns] == ["forecast", "q0.1", "q0.5", "q0.9", "least", "most"]
    assert found.bands == [("q0.1", "q0.9")]
    for at, level in enumerate(LEVELS):
        by_hand = np.sort(raw, axis=-1)[..., at].mean(axis=0) * ahead.rescaling.spread + ahead.rescaling.centre
        np.testing.assert_allclose(found.columns[f"q{level}"][..., 0], by_hand)
    point = forecast_of(ahead, list(raw[..., 0]), task)
    assert [*point.columns] == ["forecast", "least", "most"]
    assert point.bands == [("least", "most")]
    np.testing.assert_allclose(point.values[1], ahead.in_units(raw[1, ..., 0]))


def test_bands_lie_in_one_another():
    ahead = made(horizon=2).ahead(0)
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    values = np.arange(2.0).reshape(1, 1, 2, 1)
    found = Forecast(ahead, values, ("units",), {level: values + level for level in levels})
    assert found.bands == [("q0.05", "q0.95"), ("q0.25", "q0.75")]
    (ax,) = forecast_figure(ahead, found.columns, found.bands, found.targets).axes
    ends = [each.get_paths()[0].get_extents().intervaly.tolist() for each in ax.collections]
    assert ends == [[0.05, 1.95], [0.25, 1.75]]


def test_the_best_seed_by_validation_is_kept_alone(store, ended):
    kept, events = WeightStore(store), ended["t/net"]
    records = [event.record for event in events]
    assert kept.lacking(records) == [best_seeds(records)[0].spec]
    errors = {r.spec.model_seed: r.score("mse", "valid", "best") for r in records}
    best = min(errors, key=errors.__getitem__)
    for order in (events, events[::-1]):
        for event in order:
            kept.write_best(event.record, event.weights)
        assert [r.spec.model_seed for r in kept.kept()] == [best]
        assert kept.lacking(records) == []
        assert [s.model_seed for s in kept.lacking(records, every=True)] == [3 - best]
    (record,) = kept.kept()
    expected = weights_from_bytes(next(e.weights for e in events if e.record.run_id == record.run_id))
    for one, other in zip(kept.read(record), expected, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_a_broken_file_of_weights_is_a_line(store, ended, tmp_path, in_process):
    kept, event = WeightStore(store), ended["t/net"][0]
    kept.write(event.record, event.weights[:100])
    with pytest.raises(NotKept, match="no file of weights"):
        kept.read(event.record)
    asked = ForecastAsked("t/net", without_the_end("broken"), None, store.results, tmp_path / "f.csv")
    with pytest.raises(BenchError, match="no file of weights"):
        forecast_beyond(asked, Console(quiet=True))
    other = replace(event, weights=weights_to_bytes([np.zeros((2, 2), np.float32)]))
    with pytest.raises(BenchError, match="are of another network"):
        forecasts(event.record.spec, [weights_from_bytes(other.weights)], np.zeros((1, 14, 10), np.float32))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["t/net"], "promo must be known for the 7 steps"),
        (["t/net", "{newer}"], "no weights of 't/net' are kept in {results}; this keeps those of its best seed: "),
        (["t/nett"], "no run or case 't/nett' in {results}; did you mean t/net or "),
        (["t/wave"], "dataset 'waves_next_step' has no next steps to forecast; name a case on a file of series"),
        (["t/naive", "no.csv"], "no.csv: cannot be read (No such file or directory); name a file that is there"),
        (["t/naive", "-o", "forecast.txt"], "-o forecast.txt: a forecast's file ends in .csv; name one"),
    ],
)
def test_what_cannot_be_forecast_is_a_line_and_exit_code_2(store, capsys, arguments, complaint):
    places = {"results": store.results, "newer": without_the_end("bad")}
    given = [argument.format(**places) for argument in arguments]
    assert call(["forecast", *given, "--results", str(store.results)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint.format(**places) in err


def test_a_file_that_changed_since_the_run_is_told(store):
    (record,) = [r for r in store.read() if r.spec.case == "t/naive"]
    path = write("changes", day=["2021-01-01"], units=[1.0])
    params = record.spec.dataset.params | {"path": path}
    spec = record.spec.model_copy(update={"dataset": record.spec.dataset.model_copy(update={"params": params})})
    with pytest.raises(BenchError, match=r"is not what run .* was trained on"):
        forecasts(spec, [], np.zeros((1, 14, 1), np.float32))
