import math

import numpy as np
import pytest

from bench import stats


def test_summary_is_mean_sample_sd_and_count() -> None:
    made = stats.summarise([1.0, 2.0, 6.0, np.nan])
    assert made is not None
    assert (made.mean, made.sd, made.n) == (3.0, pytest.approx(math.sqrt(7.0)), 3)


def test_summary_of_one_has_no_spread_and_of_none_is_none() -> None:
    assert stats.summarise([2.0]) == stats.Summary(2.0, None, 1)
    assert stats.summarise([np.nan, np.inf]) is None


def test_geometric_mean() -> None:
    assert stats.geometric_mean([1.0, 10.0, 100.0]) == pytest.approx(10.0)
    assert stats.geometric_mean([]) is None
    assert stats.geometric_mean([0.0, 1.0]) == 0.0
    assert stats.geometric_mean([-1.0, 1.0]) is None


def test_skill_and_multiple_of_floor() -> None:
    assert stats.skill(0.05, 0.2) == pytest.approx(0.75)
    assert stats.skill(0.4, 0.2) == pytest.approx(-1.0)
    assert stats.skill(0.1, 0.0) is None
    assert stats.multiple_of_floor(0.0025, 0.1**2 / 12) == pytest.approx(3.0)
    assert stats.multiple_of_floor(0.1, None) is None
