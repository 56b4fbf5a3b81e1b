import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Sample


def sample(*values: float, exact: bool = False) -> Sample:
    return Sample(np.array(values), exact)


def outside(published: dict[str, float], samples: dict[str, Sample]) -> list[str]:
    return [name for name, judged in stats.judge_published(published, samples).items() if judged.outside]


def test_a_printed_value_is_outside_beyond_the_prediction_interval() -> None:
    values = np.array([0.0100, 0.0104, 0.0098, 0.0101])
    logs = np.log(values)
    reach = scipy_stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    edge = math.exp(logs.mean() + reach)
    assert outside({"x": edge * 0.999}, {"x": Sample(values)}) == []
    assert outside({"x": edge * 1.001}, {"x": Sample(values)}) == ["x"]


def test_printed_rounding_widens_the_interval() -> None:
    values = np.array([0.01041, 0.01042, 0.01041])
    assert outside({"x": 0.01}, {"x": Sample(values)}) == []
    assert outside({"x": 0.010000001}, {"x": Sample(values)}) == ["x"]


def test_holm_spares_a_value_that_alone_would_be_outside() -> None:
    values = np.array([0.0100, 0.0104, 0.0098, 0.0101])
    logs = np.log(values)
    reach = scipy_stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    printed = math.exp(logs.mean() + reach) * 1.001
    others = {f"o{i}": float(np.exp(logs.mean())) for i in range(9)}
    samples = {name: Sample(values) for name in ["x", *others]}
    assert outside({"x": printed, **others}, samples) == []
    judged = stats.judge_published({"x": printed, **others}, samples)["x"]
    assert judged.missed
    assert judged.factor is not None
    assert outside({"x": float(np.exp(logs.mean())) * judged.factor * 1.001, **others}, samples) == ["x"]
    assert outside({"x": float(np.exp(logs.mean())) * judged.factor * 0.98, **others}, samples) == []


def test_exact_scores_are_held_to_the_printed_digits() -> None:
    samples = {"naive": sample(0.0202114, exact=True), "linear": sample(0.0154883, exact=True)}
    assert outside({"naive": 0.020211367, "linear": 0.0188}, samples) == ["linear"]
    assert stats.judge_published({"naive": 0.020211367}, samples)["naive"] == stats.Judgement(True, False, False)
    assert stats.judge_published({"x": 0.5}, {"x": sample(0.1)}) == {}


def test_shares_are_held_to_as_they_are_and_cut_at_the_whole() -> None:
    values = np.array([0.95, 0.99, 0.97, 0.999])
    judged = stats.judge_published({"x": 1.0, "y": 0.6}, {"x": Sample(values), "y": Sample(values)}, shares={"x", "y"})
    centre, spread = values.mean(), values.std(ddof=1) * math.sqrt(1 + 1 / 4)
    assert judged["x"].low == pytest.approx(centre - scipy_stats.t.ppf(0.975, 3) * spread)
    assert judged["x"].high == 1.0
    assert judged["x"].p_value == pytest.approx(2 * scipy_stats.t.sf((0.995 - centre) / spread, 3)), "1 is 100 %"
    assert judged["x"].factor is None
    assert judged["y"].outside


@pytest.mark.filterwarnings("error")
def test_printed_values_of_seeds_without_spread() -> None:
    samples = {"x": sample(0.0198, 0.0198), "y": sample(0.02, 0.02)}
    judged = stats.judge_published({"x": 0.0198, "y": 0.03}, samples)
    assert (judged["x"].outside, judged["y"].outside) == (False, True)
    assert judged["x"].factor == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("value", "place"), [(0.0198, 1e-4), (0.020211367, 1e-9), (1.0, 1.0), (2e-05, 1e-5), (1.5e-05, 1e-6)]
)
def test_last_digit(value: float, place: float) -> None:
    assert stats.last_digit(value) == pytest.approx(place)


def test_a_judgement_holds_the_prediction_interval_and_its_p_value() -> None:
    values = np.array([0.0100, 0.0104, 0.0098, 0.0101])
    logs = np.log(values)
    spread = logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    reach = scipy_stats.t.ppf(0.975, 3) * spread
    printed = 0.0106173218
    judged = stats.judge_published(
        {"x": printed, "naive": 0.02}, {"x": Sample(values), "naive": sample(0.02, exact=True)}
    )
    x, naive = judged["x"], judged["naive"]
    assert (x.low, x.high) == pytest.approx((math.exp(logs.mean() - reach), math.exp(logs.mean() + reach)))
    assert x.p_value == pytest.approx(2 * scipy_stats.t.sf((math.log(printed) - logs.mean()) / spread, 3), rel=1e-5)
    assert (naive.low, naive.high, naive.p_value) == (None, None, None)
    at_level = stats.judge_published({"x": printed}, {"x": Sample(values)}, level=1 - (x.p_value or 0) - 1e-6)["x"]
    assert at_level.missed
    assert at_level.high == pytest.approx(printed, rel=1e-4)


def test_chance_alone_misses_one_value_in_twenty() -> None:
    judged = {str(i): stats.Judgement(False, False, False) for i in range(30)}
    judged["naive"] = stats.Judgement(True, True, True)
    assert stats.expected_misses(judged) == pytest.approx(1.5)
    assert stats.expected_misses(judged, level=0.9) == pytest.approx(3.0)
    assert stats.expected_misses({}) == 0.0


def test_a_curve_is_outside_where_its_epochs_are() -> None:
    rng = np.random.default_rng(2)
    ours = np.exp(0.1 * rng.standard_normal((6, 5)) - np.arange(5))
    logs = np.log(ours)
    reach = scipy_stats.t.ppf(0.975, 5) * logs.std(axis=0, ddof=1) * math.sqrt(1 + 1 / 6)
    ends = np.exp(logs.mean(axis=0) + reach)
    assert stats.curve_outside(ends * [0.999, 1.001, 0.999, 1.001, 1.001], ours) == (3, 5)
    assert stats.curve_outside(np.exp(logs.mean(axis=0) - reach) * 0.999, ours) == (5, 5)
    assert stats.curve_outside(np.exp(logs.mean(axis=0)), ours) == (0, 5)


@pytest.mark.filterwarnings("error")
def test_epochs_that_cannot_be_compared_are_not_counted() -> None:
    ours = np.array([[1.0, 1.0, np.nan, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    assert stats.curve_outside([1.0, np.nan, 1.0, 1.0, 9.0], ours) == (1, 3)  # of the one with a 0 on a plain scale
    assert stats.curve_outside([], ours) == (0, 0)
    with pytest.raises(ValueError, match="shape"):
        stats.curve_outside([1.0], [1.0, 2.0])


def test_a_printed_curve_is_given_its_rounding() -> None:
    ours = np.array([[0.01041], [0.01042], [0.01041]])
    assert stats.curve_outside([0.01], ours) == (0, 1)
    assert stats.curve_outside([0.010000001], ours) == (1, 1)
