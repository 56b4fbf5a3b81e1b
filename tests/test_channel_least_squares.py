"""One closed-form map for all channels, held to NumPy's least squares over their stacked windows."""

from dataclasses import replace

import numpy as np
import pytest

from bench.models.channel_least_squares import ChannelLeastSquares, PeekingChannelLeastSquares
from bench.task import Split, Target, TargetKind, Task

WINDOWS, STEPS, HORIZON = 60, 5, 3
NAMES = ("a", "b", "c")


def split(rng, targets=("c", "a"), mask=None):
    asked = tuple(map(Target, targets))
    task = Task("t", TargetKind.LAST_STEP, STEPS, 3, HORIZON, "", NAMES, asked, masked=mask is not None)
    x = rng.normal(5, 1, (WINDOWS, STEPS, 3)).astype(np.float32)
    y = rng.normal(5, 1, (WINDOWS, *task.value_shape)).astype(np.float32)
    return Split(task, x, y, mask=mask)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("targets", [("c", "a"), ("b",)])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_least_squares_over_the_windows_of_all_targets(last, targets, masked):
    rng = np.random.default_rng(3)
    mask = rng.random(WINDOWS) < 0.8 if masked else None
    given = split(rng, targets, mask)
    there = slice(None) if mask is None else mask
    places = [NAMES.index(name) for name in targets]
    pasts = [given.x[there][:, :, place].astype(np.float64) for place in places]
    y = given.y.reshape(WINDOWS, HORIZON, len(targets)).astype(np.float64)[there]
    offs = [past[:, -1:] if last else np.zeros((len(past), 1)) for past in pasts]
    design = np.concatenate([np.c_[past - off, np.ones(len(past))] for past, off in zip(pasts, offs, strict=True)])
    ahead = np.concatenate([y[:, :, n] - off for n, off in enumerate(offs)])
    weights = np.linalg.lstsq(design, ahead, rcond=None)[0]
    model = ChannelLeastSquares(less_last=last)
    assert model.supports(given.task)
    found = model.fit(given, given.task)(given.x[:4])
    assert found.shape == (4, *given.task.value_shape)
    found = found.reshape(4, HORIZON, len(targets))
    for n, place in enumerate(places):
        past = given.x[:4, :, place].astype(np.float64)
        off = past[:, -1:] if last else np.zeros((4, 1))
        np.testing.assert_allclose(found[:, :, n], np.c_[past - off, np.ones(4)] @ weights + off, rtol=1e-6)


def test_a_target_without_its_past_is_not_forecast():
    task = Task("t", TargetKind.LAST_STEP, STEPS, 2, HORIZON, "", ("a", "b"), (Target("z"), Target("a")))
    assert "z" in ChannelLeastSquares().supports(task).reason


def by_hand(train, x, steps):
    """Forecasts of the map that reads so many steps back."""

    def design(x):
        series = np.concatenate([x[:, :, NAMES.index(name)] for name in ("c", "a")]).astype(np.float64)
        return np.c_[np.ones(len(series)), series[:, STEPS - steps :]]

    weights = np.linalg.lstsq(design(train.x), np.concatenate([train.y[:, :, 0], train.y[:, :, 1]]), rcond=None)[0]
    return np.stack(np.split(design(x) @ weights, 2), axis=-1)


def test_a_look_back_is_chosen_on_validation_and_as_printed_on_what_is_scored():
    rng = np.random.default_rng(1)
    train, valid, test = (split(rng) for _ in range(3))
    valid = replace(valid, y=by_hand(train, valid.x, STEPS).astype(np.float32))  # so that the whole window is best here
    test = replace(test, y=by_hand(train, test.x, 2).astype(np.float32))  # and two steps here
    model = ChannelLeastSquares(look_backs=(1, 2, STEPS))
    chosen = model.fit_choosing(train, valid, train.task)(test.x)
    np.testing.assert_allclose(chosen, by_hand(train, test.x, STEPS), rtol=1e-6)
    peeked = PeekingChannelLeastSquares(look_backs=model.look_backs).fit_leaking(train, train.task)(test)
    np.testing.assert_allclose(peeked, by_hand(train, test.x, 2), rtol=1e-6)
    longest = ChannelLeastSquares(look_backs=(STEPS + 1, 100)).fit(train, train.task)(test.x)
    np.testing.assert_array_equal(longest, ChannelLeastSquares().fit(train, train.task)(test.x))
