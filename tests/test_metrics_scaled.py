"""Errors over those of the seasonal naive forecast, and in the units of the data, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from bench.metrics.base import evaluate, metrics, scored
from bench.task import Rescaling
from tests.views import LAST, splits_of_views

SPLIT = splits_of_views(LAST).test
FORECAST = np.random.default_rng(2).normal(size=(4, 4, 2))
SCALE = np.array([[1.0, 2.0], [4.0, 8.0], [0.5, 0.25], [0.0, 3.0]])
NAMED = ("rmse", "mase", "mae_per_step", "mae_per_target")


def values(**changes):
    pair = scored(replace(SPLIT, **changes), FORECAST, slice(None))
    found = {}
    for name, _, index, value in evaluate(pair, NAMED):
        found.setdefault(name, {})[index] = value
    return pair, found


def test_mase_is_over_the_scale_of_each_series_and_target_that_has_one():
    spread = np.array([3.0, 5.0])
    pair, found = values(naive_error=SCALE, rescaling=Rescaling(spread, np.array([1.0, 2.0])))
    errors = np.abs(np.asarray(SPLIT.y, np.float64) - FORECAST) * spread
    windows = [np.mean(errors[i] / SCALE[i]) for i in range(3)]
    assert found["mase"][""] == pytest.approx(np.mean(windows)), "the last series is constant in training"
    kept = metrics.get("mase").windows(pair)
    np.testing.assert_allclose(kept.values, [*windows, 0])
    assert kept.counts.tolist() == [1, 1, 1, 0]


def test_without_a_scale_there_is_no_mase():
    assert "mase" not in values()[1]
    assert "mase" not in values(naive_error=np.zeros((4, 2)))[1]
    assert metrics.get("mase").windows(values()[0]) is None


def test_rmse_and_errors_by_step_and_target():
    pair, found = values(rescaling=Rescaling(np.array([3.0, 5.0]), np.zeros(2)))
    errors = np.abs(np.asarray(SPLIT.y, np.float64) - FORECAST) * [3.0, 5.0]
    assert found["rmse"][""] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert found["mae_per_step"] == pytest.approx({str(h + 1): np.mean(errors[:, h]) for h in range(4)})
    assert found["mae_per_target"] == pytest.approx({"a": np.mean(errors[..., 0]), "b": np.mean(errors[..., 1])})
    rmse = metrics.get("rmse")
    assert rmse.of_mean(np.mean(rmse.windows(pair).values)) == pytest.approx(found["rmse"][""])


def test_they_are_computed_where_they_are_named():
    pair = scored(SPLIT, FORECAST, slice(None))
    assert not {name for name, *_ in evaluate(pair)} & set(NAMED)
