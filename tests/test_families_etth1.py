"""The family of ETTh1: its windows, its printed values, one map for all channels held to NumPy, and dropped windows."""

from dataclasses import replace

import numpy as np
import pytest

from bench.cases.base import cases, component
from bench.cases.printed import not_run
from bench.datasets.base import datasets
from bench.models.channel_least_squares import ChannelLeastSquares, PeekingChannelLeastSquares
from bench.task import Split, Target, TargetKind, Task
from tests.tables import usual

FAMILY = {name.partition("/")[2]: cases.get(name) for name in cases.names() if name.startswith("etth1/")}
TASK = Task(
    "t", TargetKind.LAST_STEP, 6, 3, horizon=2, feature_names=("a", "b", "other"), targets=(Target("b"), Target("a"))
)


def split(seed: int, windows: int = 80) -> Split:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(windows, 6, 3)).astype(np.float32)
    y = x[:, -2:, [1, 0]] * 0.5 + x[:, :1, [1, 0]] + 0.3 * rng.normal(size=(windows, 2, 2)) + 1
    return Split(TASK, x, y.astype(np.float32))


def by_hand(train: Split, x: np.ndarray, steps: int, less_last: bool = False) -> np.ndarray:
    def rows(x):
        series = np.concatenate([x[:, :, 1], x[:, :, 0]]).astype(np.float64)
        last = series[:, -1:] * less_last
        return np.c_[np.ones(len(series)), (series - last)[:, 6 - steps :]], last

    design, last = rows(train.x)
    y = np.concatenate([train.y[:, :, 0], train.y[:, :, 1]]) - last
    weights = np.linalg.lstsq(design, y, rcond=None)[0]
    design, last = rows(x)
    return np.stack(np.split(design @ weights + last, 2), axis=-1)


@pytest.mark.parametrize("less_last", [False, True])
def test_one_map_serves_all_channels(less_last):
    train, test = split(1), split(2)
    ours = ChannelLeastSquares(less_last=less_last).fit(train, TASK)(test.x)
    np.testing.assert_allclose(ours, by_hand(train, test.x, 6, less_last), rtol=1e-7, atol=1e-9)


def test_a_look_back_is_chosen_on_validation_and_as_printed_on_what_is_scored():
    train, valid, test = split(1, 12), split(2, 12), split(3, 12)
    backs = (1, 2, 6)
    errors = {
        name: [float(np.square(part.y - by_hand(train, part.x, steps)).mean()) for steps in backs]
        for name, part in (("valid", valid), ("test", test))
    }
    test = replace(test, y=by_hand(train, test.x, 2).astype(np.float32))  # so that 2 is best there, and 6 on validation
    assert np.argmin(errors["valid"]) == 2
    model = ChannelLeastSquares(look_backs=backs)
    chosen = model.fit_choosing(train, valid, TASK)(test.x)
    np.testing.assert_allclose(chosen, by_hand(train, test.x, 6), rtol=1e-6, atol=1e-8)
    peeked = PeekingChannelLeastSquares(look_backs=backs).fit_leaking(train, TASK)(test)
    np.testing.assert_allclose(peeked, by_hand(train, test.x, 2), rtol=1e-6, atol=1e-8)
    longest = ChannelLeastSquares(look_backs=(7, 100)).fit(train, TASK)(test.x)
    np.testing.assert_array_equal(longest, ChannelLeastSquares().fit(train, TASK)(test.x))


def test_test_windows_in_whole_batches_are_the_first_ones_and_leave_the_rest_alone():
    table = datasets.get("table")
    whole = table(**usual(horizon=3)).load(1)
    count = len(whole.test.x)
    cut = table(**usual(horizon=3), test_batch=count - 1).load(1)
    assert (len(cut.test.x), len(cut.valid.x), len(cut.train.x)) == (count - 1, len(whole.valid.x), len(whole.train.x))
    np.testing.assert_array_equal(np.asarray(cut.test.x), np.asarray(whole.test.x)[:-1])
    assert len(cut.test.series) == count - 1
    with pytest.raises(Exception, match="lower test_batch"):
        table(**usual(horizon=3), test_batch=count + 1).load(1)


def test_a_table_that_scores_all_windows_has_the_id_that_it_had():
    table = datasets.get("table")
    assert "test_batch" not in component(table(**usual(horizon=3))).params


def test_faults_have_a_corrected_case_each_and_printed_values_are_of_test():
    variants = {(each.number, each.variant) for case in FAMILY.values() for each in case.errata}
    assert variants == {(number, variant) for number in (1, 2, 3) for variant in ("as printed", "corrected")}
    printed = {name: case.published for name, case in FAMILY.items() if case.published.values}
    assert printed["d_linear_96_slow"].values == {"mse": 0.386, "mae": 0.4}
    assert {(p.split, p.weights) for p in printed.values()} == {("test", "best")}
    assert len(not_run.get("etth1")) == 10
    for case in FAMILY.values():
        assert case.supports(), case.name
        assert (case.task.horizon, len(case.task.targets), case.dataset.units) == (96, 7, "scaled")
