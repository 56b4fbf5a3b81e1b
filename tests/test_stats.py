import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Sample


def sample(*values: float, exact: bool = False) -> Sample:
    return Sample(np.array(values), exact)


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
    assert stats.geometric_mean([0.0, 1.0]) is None


def test_skill_and_multiple_of_floor() -> None:
    assert stats.skill(0.05, 0.2) == pytest.approx(0.75)
    assert stats.skill(0.4, 0.2) == pytest.approx(-1.0)
    assert stats.skill(0.1, 0.0) is None
    assert stats.multiple_of_floor(0.0025, 0.1**2 / 12) == pytest.approx(3.0)
    assert stats.multiple_of_floor(0.1, None) is None


def test_leaders_agree_with_welch_on_logs() -> None:
    a, b = np.array([0.010, 0.011, 0.0105]), np.array([0.0115, 0.0112, 0.0135])
    p = scipy_stats.ttest_ind(np.log(a), np.log(b), equal_var=False).pvalue
    near = stats.cannot_be_told_from_leader("a", {"a": Sample(a), "b": Sample(b)})
    assert (near == ["b"]) == (p > 0.05)
    assert stats.cannot_be_told_from_leader("a", {"a": Sample(a), "b": Sample(b)}, level=1 - p - 1e-6) == []
    assert stats.cannot_be_told_from_leader("a", {"a": Sample(a), "b": Sample(b)}, level=1 - p + 1e-6) == ["b"]


def test_an_exact_score_is_held_to_a_one_sample_interval() -> None:
    seeds = np.array([0.010, 0.011, 0.0105])
    p = scipy_stats.ttest_1samp(np.log(seeds), np.log(0.012)).pvalue
    samples = {"a": Sample(seeds), "b": sample(0.012, exact=True)}
    assert stats.cannot_be_told_from_leader("a", samples, level=1 - p + 1e-6) == ["b"]
    assert stats.cannot_be_told_from_leader("a", samples, level=1 - p - 1e-6) == []


def test_one_seed_tells_nothing_apart_but_exact_scores_do() -> None:
    samples = {"a": sample(0.01), "b": sample(0.02, 0.021), "c": sample(5.0, exact=True)}
    assert stats.cannot_be_told_from_leader("a", samples) == ["b", "c"]
    exact = {"a": sample(1.0, exact=True), "b": sample(1.0, exact=True), "c": sample(2.0, exact=True)}
    assert stats.cannot_be_told_from_leader("a", exact) == ["b"]


def test_seeds_without_spread_differ_unless_equal() -> None:
    samples = {"a": sample(1.0, 1.0), "b": sample(1.0, 1.0), "c": sample(0.9, 0.9)}
    assert stats.cannot_be_told_from_leader("a", samples, log=False) == ["b"]


def test_a_printed_value_is_outside_beyond_the_prediction_interval() -> None:
    values = np.array([0.0100, 0.0104, 0.0098, 0.0101])
    logs = np.log(values)
    reach = scipy_stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    edge = math.exp(logs.mean() + reach)
    assert stats.outside_prediction({"x": edge * 0.999}, {"x": Sample(values)}) == []
    assert stats.outside_prediction({"x": edge * 1.001}, {"x": Sample(values)}) == ["x"]


def test_printed_rounding_widens_the_interval() -> None:
    values = np.array([0.01041, 0.01042, 0.01041])
    assert stats.outside_prediction({"x": 0.01}, {"x": Sample(values)}) == []
    assert stats.outside_prediction({"x": 0.010000001}, {"x": Sample(values)}) == ["x"]


def test_holm_spares_a_value_that_alone_would_be_outside() -> None:
    values = np.array([0.0100, 0.0104, 0.0098, 0.0101])
    logs = np.log(values)
    reach = scipy_stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    printed = math.exp(logs.mean() + reach) * 1.001
    others = {f"o{i}": float(np.exp(logs.mean())) for i in range(9)}
    samples = {name: Sample(values) for name in ["x", *others]}
    assert stats.outside_prediction({"x": printed, **others}, samples) == []


def test_exact_scores_are_held_to_the_printed_digits() -> None:
    samples = {"naive": sample(0.0202114, exact=True), "linear": sample(0.0154883, exact=True)}
    assert stats.outside_prediction({"naive": 0.020211367, "linear": 0.0188}, samples) == ["linear"]
    assert stats.outside_prediction({"x": 0.5}, {"x": sample(0.1)}) == []


@pytest.mark.parametrize(
    ("value", "place"), [(0.0198, 1e-4), (0.020211367, 1e-9), (1.0, 1.0), (2e-05, 1e-5), (1.5e-05, 1e-6)]
)
def test_last_digit(value: float, place: float) -> None:
    assert stats.last_digit(value) == pytest.approx(place)


def test_stuck_seeds_are_far_above_the_median() -> None:
    assert stats.stuck([1.0, 1.1, 5.0]).tolist() == [2]
    assert stats.stuck([1.0, 2.9, 1.2]).tolist() == []
    assert stats.stuck([1.0, 9.0]).tolist() == []
    assert stats.stuck([np.nan, 1.0, 1.0, 4.0]).tolist() == [3]
