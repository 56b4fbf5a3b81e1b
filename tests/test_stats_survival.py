"""Survival curves against Kaplan and Meier's as scipy has it, and by hand."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats


def test_the_curve_is_kaplan_and_meier_s():
    times = [300.0, 100.0, None, 200.0, 200.0, None, 700.0]
    known = scipy_stats.ecdf(scipy_stats.CensoredData([300, 100, 200, 200, 700], right=[700, 700])).sf
    found = stats.survival(times)
    assert found.times.tolist() == known.quantiles.tolist() == [100, 200, 300, 700]
    assert found.left == pytest.approx(known.probabilities)


def test_its_interval_is_wilson_s_at_each_time():
    found = stats.survival([1.0, 1.0, 2.0, None])
    assert found.left.tolist() == [0.5, 0.25]
    for low, high, left in zip(found.low, found.high, (2, 1), strict=True):
        ends = scipy_stats.binomtest(left, 4).proportion_ci(0.95, "wilson")
        assert (low, high) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_the_median_is_where_half_are_left_and_none_where_more_never_end():
    assert stats.survival([1.0, 2.0, 3.0, None]).median()[0] == 2
    assert stats.survival([1.0, None, None]).median() == (None, 1, None), "of one in three less than half may be left"
    assert stats.survival([None] * 3).median() == (None, None, None)
    assert stats.survival([7.0] * 10).median() == (7, 7, 7)
    with pytest.raises(ValueError, match="one or more"):
        stats.survival([])


def test_the_interval_of_the_median_covers_nine_tenths_and_more_of_samples_with_censoring():
    """Of exponential times with the median 1, watched until 2: a quarter never ends."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        drawn = rng.exponential(1 / np.log(2), 10)
        _, low, high = stats.survival([float(time) if time < 2 else None for time in drawn]).median()
        held += (low is None or low <= 1) and (high is None or high >= 1) and low is not None
    assert held / 400 > 0.9
