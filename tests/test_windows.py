"""Windows that are views into series say what copies of them say, and no more is in memory than the series."""

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.checked import Fault, checked, warnings_of
from bench.kept import truth_digest
from bench.metrics.base import evaluate, scored
from bench.models.convolutional import ConvGRU
from bench.models.forecasters import Ridge
from bench.record import score_of
from bench.scoring import score_all
from bench.task import Rescaling
from bench.windows import Windows, chunks, joined, numbers, parts, take
from bench.worker import digest_of
from tests.views import EVERY, LAST, ROWS, copied, splits_of_views, views


@pytest.mark.parametrize("task", [LAST, EVERY], ids=lambda task: task.name)
def test_views_are_the_windows_that_a_loop_cuts(task):
    split = splits_of_views(task).train
    for window, start in ((0, 0), (19, 19), (20, 45), (39, 64)):
        np.testing.assert_array_equal(split.x[window], ROWS[start : start + 6])
        targets = ROWS[:, 0] if task is EVERY else ROWS[:, :2]
        if task is EVERY:
            wanted = [targets[start + t + 1 : start + t + 5] for t in range(6)]
        else:
            wanted = targets[start + 6 : start + 10]
        np.testing.assert_array_equal(split.y[window], wanted)
    assert (split.x.shape, split.y.shape) == (task.input_shape(40), task.target_shape(40))


@pytest.mark.parametrize("task", [LAST, EVERY], ids=lambda task: task.name)
def test_an_index_gives_what_it_gives_of_a_copy(task):
    for view in (splits_of_views(task).train.x, splits_of_views(task).train.y):
        whole = np.asarray(view)
        assert (view.shape, view.size, view.ndim, view.dtype, len(view)) == (
            *(whole.shape, whole.size, whole.ndim, whole.dtype, len(whole)),
        )
        some = np.zeros(len(view), bool)
        some[[3, 8]] = True
        indices = [
            3,
            slice(2, 5),
            np.array([7, 0]),
            some,
            (slice(4), slice(None, 2)),
            (some, 1),
            (slice(None), slice(-1, None)),
        ]
        for index in indices:
            np.testing.assert_array_equal(view[index], whole[index])
        np.testing.assert_array_equal(np.concatenate([view[part] for part in chunks(view, 7)]), whole)
        np.testing.assert_array_equal(take(parts(view), np.array([5, 1]), lambda rows, at: rows[at]), whole[[5, 1]])
        np.testing.assert_array_equal(view.at(slice(1, None, 2)), whole[:, 1::2])
        assert set(numbers(view).ravel()) == set(whole.ravel())
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(view, copy=False)


def test_draws_are_laid_one_after_the_other():
    one, two = views(LAST, [0, 7]).x, replace(views(LAST, [3]).x, rows=ROWS[::-1])
    np.testing.assert_array_equal(joined([one, two]), np.concatenate([one, two]))
    with pytest.raises(ValueError, match="unlike forms"):
        joined([one, np.asarray(two)])


@pytest.mark.parametrize("task", [LAST, EVERY], ids=lambda task: task.name)
def test_views_are_scored_as_copies_are(task):
    split = splits_of_views(task).valid
    positions = ConvGRU().positions(task) if task is EVERY else slice(None)
    forecast = np.zeros((3, *([2] if task is EVERY else []), *task.output_shape))
    forecast = forecast[:, : len(range(6)[positions])] if task is EVERY else forecast
    seen, known = ([*evaluate(scored(each, forecast, positions))] for each in (split, copied(split)))
    assert seen == known


def test_targets_go_back_before_they_are_scored():
    """Errors are in the units of the data, and the centre is in no error."""
    split = splits_of_views(LAST).valid
    spread, centre = np.array([2.0, 10.0]), np.array([100.0, -7.0])
    forecast = np.random.default_rng(1).normal(size=(3, 4, 2))
    pair = scored(replace(split, rescaling=Rescaling(spread, centre)), forecast, slice(None))
    own = {name: value for name, _, _, value in evaluate(pair)}
    errors = (np.asarray(split.y, np.float64) - forecast) * spread
    assert own["mse"] == pytest.approx(np.mean(errors**2))
    assert own["mae"] == pytest.approx(np.mean(np.abs(errors)))
    a_window = Rescaling(np.tile(spread, (3, 1)) * [[1], [2], [3]], np.zeros((3, 2)))
    pair = scored(replace(split, rescaling=a_window), forecast, slice(None))
    np.testing.assert_allclose(pair.errors()[:, 0], errors * np.array([1, 2, 3])[:, None, None])
    np.testing.assert_allclose(pair.truth - pair.forecast, pair.errors())


def test_good_views_are_read_only_and_stay_views():
    given = splits_of_views(LAST)
    made = checked(given, LAST, LAST)
    assert made.train.x.rows.base is ROWS or np.shares_memory(made.train.x.rows, ROWS)
    assert not made.train.x.rows.flags.writeable
    assert [*warnings_of(made)] == []
    flat = replace(given, test=replace(given.test, y=replace(given.test.y, rows=np.ones((90, 2), np.float32))))
    assert [*warnings_of(checked(flat, LAST, LAST))] == [
        "every target 'a' is 1 in test: one value is forecast without looking, and ratios of errors say little",
        "every target 'b' is 1 in test: one value is forecast without looking, and ratios of errors say little",
    ]


def test_a_digest_tells_rows_starts_and_targets_apart():
    given = splits_of_views(LAST)
    rows, train = ROWS.copy(), given.train
    rows[0, 2] += 1
    others = [
        replace(train, x=replace(train.x, **change)) for change in ({"rows": rows}, {"starts": train.x.starts + 1})
    ]
    assert len({digest_of(replace(given, train=each)) for each in (train, *others)}) == 3


WITH_NAN = ROWS.copy()
WITH_NAN[30, 1] = np.nan
STEPS = np.arange(6, dtype=np.int32)
GOOD, FAR = np.array([24, 25, 69], np.int32), np.array([24, 25, 89], np.int32)
NEAR = replace(splits_of_views(LAST).train.y, starts=np.array([0, 4, 69], np.int32))
BAD = {
    "valid inputs reach rows 24 to 94, and there are 90; leave such windows out": {"x": Windows(ROWS, FAR, STEPS)},
    "valid inputs have starts that are no int32 array; give one": {"x": Windows(ROWS, GOOD.astype(np.int64), STEPS)},
    "valid inputs have shape (3, 5, 3), and task 'last' asks for (3, 6, 3)": {"x": Windows(ROWS, GOOD, STEPS[:5])},
    "is NaN, the first in row that windows hold 6, feature 1": {"x": Windows(WITH_NAN, GOOD, STEPS)},
    "8 rows hold targets of train and of valid, the first row 6": {"y": NEAR},
    "valid spread holds 0.0; give finite numbers": {"rescaling": Rescaling(np.zeros(2), np.zeros(2))},
    "valid centre is no float64 array of shape (3, 2) or (2,)": {"rescaling": Rescaling(np.ones(2), np.zeros(3))},
    "valid naive_error holds -1.0; give finite numbers": {"naive_error": np.full((3, 2), -1.0)},
}


@pytest.mark.parametrize("line", BAD)
def test_bad_views_are_a_line(line):
    given = splits_of_views(LAST)
    shared = given.train.y.rows
    changes = {k: replace(v, rows=shared) if k == "y" else v for k, v in BAD[line].items()}
    given = replace(given, valid=replace(given.valid, **changes))
    with pytest.raises(Fault) as error:
        checked(given, LAST, LAST)
    assert line in str(error.value)


def test_kept_forecasts_are_scored_as_they_were():
    """They are kept as the model made them, scaled, and go back when they are scored again."""
    split = replace(splits_of_views(LAST).test, rescaling=Rescaling(np.array([2.0, 10.0]), np.array([100.0, -7.0])))
    splits = replace(splits_of_views(LAST), test=split)
    made = np.random.default_rng(1).normal(size=(4, 4, 2)).astype(np.float32)
    outcome = score_all(lambda each: made[: len(each.x)], Ridge(), splits, "last")
    (kept,) = outcome.kept.forecasts
    again = {name: value for name, _, _, value in evaluate(scored(split, kept.values, slice(None)))}
    assert again["mse"] == score_of(outcome.scores, "mse", "test", "last")
    assert kept.truth == truth_digest([copied(split).y, None, None]), "views and copies are one truth"
