"""What a run keeps of each window: computed, as bytes, and beside its record."""

import io
from dataclasses import replace

import numpy as np
import pytest

from bench.cases.base import cases, make_dataset
from bench.datasets.loaded import load
from bench.kept import Kept, KeptErrors, digest_of
from bench.metrics.base import Scored, by_window, metric, metrics, scored
from bench.models.base import Predictor
from bench.models.forecasters import SeasonalNaive
from bench.scoring import KEPT_BYTES, score_all
from bench.store import NotKept, Store
from bench.task import Split, Splits, Target, TargetKind, Task
from tests.fakes import fake_record
from tests.tables import usual


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.prepare()
    return made


KEPT = Kept((KeptErrors("test", "last", "mse", "0" * 16, np.arange(3, dtype=np.float32)),))


def kept_record(kept=KEPT, name="fake/rnn"):
    """A record and the bytes of what was kept of it."""
    data = kept.to_bytes()
    return fake_record(name).model_copy(update={"kept": digest_of(data)}), data


def test_what_was_kept_of_each_window_stands_beside_its_record(store):
    record = store.write(*kept_record())
    assert {p.name for p in store.folder.iterdir()} == {f"{record.key}.json", f"{record.key}.npz"}
    assert store.read() == [record]
    (errors,) = store.read_kept(record).errors
    assert errors.values.tolist() == [0, 1, 2]
    again = store.write(*kept_record())
    assert again.attempt == 2
    assert store.read_kept(again).errors_of("test", "last", "mse").values.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is not the file that its record names"),
        (lambda path: path.write_bytes(b""), "is not the file that its record names"),
    ],
)
def test_a_missing_or_broken_file_of_errors_is_said_and_harms_no_record(store, harm, reason):
    record = store.write(*kept_record())
    harm(store.folder / f"{record.key}.npz")
    assert store.read() == [record]
    with pytest.raises(NotKept, match=reason):
        store.read_kept(record)
    with pytest.raises(NotKept, match="before errors a window were kept"):
        store.read_kept(store.write(fake_record("fake/gru")))


def test_a_file_that_pickles_is_not_read(store):
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array([{"errors": []}], dtype=object))
    record = fake_record("fake/rnn").model_copy(update={"kept": digest_of(buffer.getvalue())})
    with pytest.raises(NotKept, match="no file of errors a window"):
        store.read_kept(store.write(record, buffer.getvalue()))


@pytest.mark.parametrize("action", ["enospc", "raise"])
def test_a_fault_between_the_two_writes_leaves_no_record_and_the_run_is_written_whole_again(store, monkeypatch, action):
    record, data = kept_record()
    monkeypatch.setenv("BENCH_FAULT", f"store.kept:{action}")
    with pytest.raises((OSError, RuntimeError)):
        store.write(record, data)
    monkeypatch.delenv("BENCH_FAULT")
    assert store.read() == []
    (orphan,) = store.folder.iterdir()
    assert orphan.name == f"{record.key}.npz"
    written = store.write(record, data)
    assert written.attempt == 2, "no name is used twice"
    assert store.read() == [written]
    assert store.read_kept(written).errors[0].metric == "mse"


def test_a_record_that_cannot_be_written_takes_its_errors_with_it(store, monkeypatch):
    record, data = kept_record()
    monkeypatch.setenv("BENCH_FAULT", "store.synced:enospc:2")
    with pytest.raises(OSError, match="No space"):
        store.write(record, data)
    monkeypatch.delenv("BENCH_FAULT")
    assert list(store.folder.iterdir()) == []
    assert store.write(record, data).attempt == 1


def pair_of(kind, windows=7, masked=True, seed=0):
    """Forecasts of a task with several targets or classes, some positions of which are not scored."""
    rng = np.random.default_rng(seed)
    positions = 6 if kind.every_position else 1
    if kind.is_class:
        task = Task("t", kind, 6, classes=3)
        truth = rng.integers(0, 3, (windows, positions))
        forecast = rng.dirichlet([1, 1, 1], (windows, positions))
    else:
        task = Task("t", kind, 6, horizon=2, targets=(Target("a"), Target("b")))
        truth, forecast = rng.normal(size=(2, windows, positions, 2, 2))
    mask = rng.random((windows, positions)) < 0.6 if masked else np.ones((windows, positions), bool)
    mask[0] = not masked
    mask[1, -1] = True
    return Scored(task, truth, forecast, np.arange(6)[-positions:], mask)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("name", "kind"), [(n, k) for n in metrics.names() for k in sorted(metrics.get(n).kinds)])
def test_a_metric_is_what_its_windows_give(name, kind, masked):
    """The mean over windows, each weighing as many positions as are scored in it, or what is made of that mean."""
    each, pair = metrics.get(name), pair_of(kind, masked=masked)
    found = each.windows(pair)
    if found is None:
        assert not each.ranks, "a metric that ranks says its windows"
        return
    assert found.values.shape == found.counts.shape == (7,)
    mean = np.average(found.values, weights=found.counts)
    assert float(each.of_mean(mean)) == pytest.approx(each.compute(pair), rel=1e-12)
    if masked and each.at_last != name:
        assert found.counts[0] == 0
        assert found.values[0] == 0


def test_a_metric_may_be_the_root_of_a_mean():
    @metric("test_root", TargetKind.EVERY_STEP, windows=lambda pair: by_window(pair, squares(pair)), of_mean=np.sqrt)
    def root(pair):
        """Root mean squared error."""
        return float(np.sqrt(np.mean(pair.scored(squares(pair)))))

    def squares(pair):
        return (pair.truth - pair.forecast) ** 2

    try:
        test_a_metric_is_what_its_windows_give("test_root", TargetKind.EVERY_STEP, True)
    finally:
        metrics.remove("test_root")


ONE_A_TASK = {
    case.task.name: case
    for case in map(cases.get, cases.names())
    if isinstance(case.model, Predictor) and case.dataset.quick
}


def scoring_of(case):
    small = {"n_series": 300} if "n_series" in type(case.dataset).model_fields else {"draws": 2_000}
    splits = case.dataset.model_copy(update=small).load(3)
    forecast = case.model.fit(splits.train, splits.valid.task)
    return splits, score_all(lambda split: forecast(split.x), case.model, splits, "last")


@pytest.mark.parametrize("case", ONE_A_TASK.values(), ids=str)
def test_kept_errors_and_forecasts_give_the_recorded_scores_again(case):
    splits, scoring = scoring_of(case)
    kept = Kept.from_bytes(scoring.kept.to_bytes())
    recorded = {(s.split, s.metric): s.value for s in scoring.scores if not s.axis}
    for errors in kept.errors:
        mean = np.average(errors.values, weights=errors.counts)
        assert mean == pytest.approx(recorded[errors.split, errors.metric], rel=1e-5)
    assert {e.split for e in kept.errors} == set(splits.evaluated())
    assert [f.split for f in kept.forecasts] == ["test", *splits.extra]
    for forecasts in kept.forecasts:
        split = splits.evaluated()[forecasts.split]
        every = split.task.target.every_position
        assert forecasts.last == (every and splits.test.y.nbytes > KEPT_BYTES)
        pair = scored(split, forecasts.values, slice(-1, None) if forecasts.last else slice(None))
        for name in ("last_time_step_mse", "accuracy"):
            if metrics.get(name).applies(split.task):
                expected = recorded[forecasts.split, name]
                assert metrics.get(name).compute(pair) == pytest.approx(expected, rel=1e-5)


def test_errors_pair_where_the_same_windows_are_forecast_and_nowhere_else():
    kept = {task: scoring_of(case)[1].kept for task, case in ONE_A_TASK.items()}

    def truth(task, split="test", name="last_time_step_mse"):
        return kept[task].errors_of(split, "last", name).truth

    assert truth("ten_steps") == truth("every_step"), "at the last position both forecast the same ten steps"
    assert truth("ten_steps") != truth("next_step")
    assert truth("ten_steps") != truth("ten_steps", "valid")
    assert truth("every_step") != truth("every_step", name="mse")


def test_windows_of_unlike_length_pair_where_they_end_alike():
    dates = {"valid": "2021-03-01", "test": "2021-03-20", "horizon": 7}
    truths = []
    for length in (14, 28):
        splits = load(make_dataset("table", usual(**dates, input_length=length)), 0).splits
        scoring = score_all(lambda split: np.zeros((len(split.x), 7)), SeasonalNaive(), splits, "last")
        truths.append({each.metric: each.truth for each in scoring.kept.errors if each.split == "test"})
    short, long = truths
    assert short["last_time_step_mse"] == long["last_time_step_mse"]
    assert short["mse"] != long["mse"], "of all positions, these are others"


class Halves:
    """A model that stands at every other position, the last among them or not."""

    def __init__(self, first):
        self.first = first

    def positions(self, task):
        return slice(self.first, None, 2)


@pytest.mark.parametrize(("first", "kept_at_last"), [(0, False), (1, True)])
def test_of_large_forecasts_the_last_position_is_kept_if_there_is_one(first, kept_at_last):
    task = Task("wide", TargetKind.EVERY_STEP, 8, horizon=40)
    windows = KEPT_BYTES // (4 * 4 * 40) + 1
    rng = np.random.default_rng(1)
    x, y = (
        rng.normal(size=shape).astype(np.float32) for shape in (task.input_shape(windows), task.target_shape(windows))
    )
    split = Split(task, x, y, series=np.arange(windows) // 2)
    small = replace(split, x=x[:9], y=y[:9], series=None)
    model = Halves(first)
    kept = score_all(lambda s: s.y[:, first::2] + 1, model, Splits(small, small, split, {"few": small}), "best").kept
    by_split = {f.split: f for f in kept.forecasts}
    assert set(by_split) == ({"test", "few"} if kept_at_last else {"few"})
    assert by_split["few"].values.shape == (9, 4, 40)
    assert not by_split["few"].last
    if kept_at_last:
        assert by_split["test"].last
        assert np.array_equal(by_split["test"].values, y[:, -1:] + 1)
    errors = kept.errors_of("test", "best", "mse")
    assert errors.counts is None
    assert np.array_equal(errors.series, split.series)
    assert len(kept.to_bytes()) < 2 * KEPT_BYTES
    assert kept.errors_of("test", "best", "last_time_step_mse") is None or kept_at_last


def test_equal_arrays_are_stored_once():
    _, scoring = scoring_of(ONE_A_TASK["next_step"])
    once, twice = scoring.kept, scoring.kept + scoring.kept.called("best")
    assert len(twice.errors) == 2 * len(once.errors)
    assert len(twice.to_bytes()) < 1.2 * len(once.to_bytes())
    assert {e.weights for e in Kept.from_bytes(twice.to_bytes()).errors} == {"last", "best"}


def test_names_of_any_kind_come_back():
    errors = KeptErrors("../\ud800 a\0b", "best", "m/é", "0" * 16, np.zeros(2, np.float32), np.array([1, 0], np.int32))
    (back,) = Kept.from_bytes(Kept((errors,)).to_bytes()).errors
    assert (back.split, back.metric, back.counts.tolist()) == (errors.split, errors.metric, [1, 0])
    assert back.series is None


def test_what_is_held_to_the_same_truth_is_digested_once_a_part(monkeypatch):
    """Of two states of a model, whose scores and files are what they are alone."""
    from bench import scoring

    case = cases.get("chapter15/seq2seq_rnn")
    splits = case.dataset.load(42)
    forecasts = [lambda s, i=i: s.y + np.float32(i) for i in (1, 2)]
    alone = [score_all(forecast, case.model, splits, "last") for forecast in forecasts]
    digest, made = scoring.truth_digest, []
    monkeypatch.setattr(scoring, "truth_digest", lambda arrays: made.append(1) or digest(arrays))
    truths = scoring.Truths()
    together = [score_all(forecast, case.model, splits, "last", (), truths) for forecast in forecasts]
    assert [(t.scores, t.kept.to_bytes()) for t in together] == [(a.scores, a.kept.to_bytes()) for a in alone]
    assert len(made) == len(alone[0].kept.errors) + len(alone[0].kept.forecasts)
