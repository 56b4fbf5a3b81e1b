"""No forecast may know what its time does not: over every dataset, and every way to cut a table."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from bench.cases.base import make_dataset
from bench.datasets.base import datasets
from bench.datasets.loaded import load
from bench.models.forecasters import Ridge
from bench.task import Windows
from bench.windows import parts
from tests.tables import dates, one_series, three_series, usual, write
from tests.test_contract import load as small

LENGTH, HORIZON = 10, 4
AT_VALID, AT_TEST = np.datetime64("2021-03-10"), np.datetime64("2021-04-01")
CUTS = {
    "shares": {"valid": 0.2, "test": 0.25},
    "dates": {"valid": str(AT_VALID), "test": str(AT_TEST)},
    "not back": {"reach_back": False},
}
KINDS = {
    f"{files}, {cut}, {scale}{', every step' if every else ''}": {"files": files, "scale": scale, "every_step": every}
    | CUTS[cut]
    for files, cut, scale, every in (
        ("one", "shares", "standard", False),
        ("one", "dates", "series", True),
        ("one", "not back", "standard", False),
        ("three", "shares", "series", True),
        ("three", "dates", "standard", False),
        ("three", "not back", "series", False),
    )
}


def splits_of(path, files, **changes):
    more = {"past": ["price"], "known": ["promo"], "calendar": ["weekday"]} if files == "one" else {"id": "shop"}
    given = usual(path=path, input_length=LENGTH, horizon=HORIZON, **(more | changes))
    data = make_dataset("table", given)
    return data, load(data, 0).splits


def frame_of(files):
    return pd.read_csv(one_series() if files == "one" else three_series(), parse_dates=["day"])


def written(name, frame):
    return write(name.replace(" ", "_").replace(",", ""), **{column: frame[column].astype(str) for column in frame})


def changed(name, frame, chosen, seed=1):
    """A file in which the chosen rows' values are shuffled, and a thousand times as large."""
    frame, rng = frame.copy(), np.random.default_rng(seed)
    for column in {"units", "price"} & {*frame}:
        frame.loc[chosen, column] = rng.permutation(frame.loc[chosen, column].to_numpy()) * 1000
    return written(name, frame)


def same(one, other):
    """Whether two splits hold the same windows, to the bit, and what scores them."""
    pairs = [(one.x[:], other.x[:]), (one.y[:], other.y[:])]
    pairs += [(a, b) for a, b in ((one.naive_error, other.naive_error),) if a is not None]
    if one.rescaling is not None:
        pairs += [(one.rescaling.spread, other.rescaling.spread), (one.rescaling.centre, other.rescaling.centre)]
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_before_a_part_depends_on_it(kind):
    """Values of the test part change neither training nor validation, their scales or what is fitted on them."""
    frame, options = frame_of(KINDS[kind]["files"]), KINDS[kind]
    data, known = splits_of(written(f"{kind}0", frame), **options)
    cut = data.cut()[1]
    begins = [np.datetime64(cut.spans[part][0]) for part in ("valid", "test")]
    later = splits_of(changed(f"{kind}1", frame, frame.day >= begins[1]), **options)[1]
    assert same(known.train, later.train)
    assert same(known.valid, later.valid)
    assert not same(known.test, later.test), "the change is one"
    of_both = [Ridge().fit_choosing(s.train, s.valid, s.valid.task)(s.valid.x[:]) for s in (known, later)]
    np.testing.assert_array_equal(*of_both)
    from_valid = splits_of(changed(f"{kind}2", frame, frame.day >= begins[0]), **options)[1]
    assert same(known.train, from_valid.train)
    assert not same(known.valid, from_valid.valid)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_knows_nothing_after_its_last_input(kind):
    """What stands at a time, or later, changes no earlier position of any test window."""
    frame, options = frame_of(KINDS[kind]["files"]), KINDS[kind]
    _, known = splits_of(written(f"{kind}0", frame), **options)
    days = np.sort(frame.day.unique())
    at = days[-12]
    found = splits_of(changed(f"{kind}3", frame, frame.day >= at), **options)[1]
    starts = known.test.x.starts
    day = frame.day.to_numpy()[starts[:, None] + np.arange(LENGTH)]
    differs = (known.test.x[:] != found.test.x[:]).any(axis=2)
    assert not differs[day < at].any()
    assert differs[day >= at].all()


NOISE = np.round(np.random.default_rng(7).normal(size=400), 4)
ROLES = {"nothing": {}, "past": {"past": ["copy"]}, "known": {"known": ["copy"]}}


@pytest.mark.parametrize("role", ROLES)
def test_noise_is_forecast_by_what_is_known_ahead_alone(role):
    """A copy of the target says all where it is declared known ahead, and nothing where it is known up to now."""
    path = write("noise", day=dates(400), units=NOISE, copy=NOISE)
    given = usual(path=path, input_length=LENGTH, horizon=HORIZON, **ROLES[role])
    splits = load(make_dataset("table", given), 0).splits
    test = splits.test
    made = Ridge().fit_choosing(splits.train, splits.valid, test.task)(test.x[:])
    ratio = np.mean((made - test.y[:]) ** 2) / np.var(test.y[:])
    assert ratio < 1e-3 if role == "known" else ratio > 0.97


@pytest.mark.parametrize("name", datasets.names())
def test_no_value_is_a_target_of_two_parts(name):
    """By their places in one memory, or where windows are arrays of their own, by what they hold."""
    splits = small(name)
    for one, other in combinations([splits.train, splits.valid, splits.test], 2):
        if isinstance(one.y, Windows):
            assert not (one.y.marks & other.y.marks).any()
        else:
            windows = [{*map(bytes, map(np.ascontiguousarray, split.x))} for split in (one, other)]
            assert not windows[0] & windows[1]


def test_a_dataset_whose_parts_overlap_is_stopped():
    """What the cut promises is checked of what is loaded, whoever made it."""
    data = make_dataset("table", usual())
    splits = data.load(0)
    train = replace(splits.train, y=replace(splits.train.y, starts=splits.valid.y.starts[: len(splits.train.y)]))
    assert len(parts(train.y)) == 3

    class Leaky(type(data)):
        def load(self, data_seed):
            return replace(splits, train=replace(train, x=replace(train.x, starts=train.y.starts)))

    with pytest.raises(Exception, match="hold targets of train and of valid"):
        load(Leaky.model_validate(data.model_dump()), 0)
