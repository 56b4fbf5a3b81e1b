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


SEEDS = {
    "a": np.array([0.010, 0.011, 0.0105]),
    "b": np.array([0.0115, 0.0112, 0.0135]),
    "c": np.array([0.0121, 0.0130, 0.0125, 0.0127]),
    "d": np.array([0.020, 0.022]),
}


def test_leaders_agree_with_games_howell_of_scipy_on_logs() -> None:
    known = scipy_stats.tukey_hsd(*(np.log(v) for v in SEEDS.values()), equal_var=False).pvalue[0]
    samples = {name: Sample(values) for name, values in SEEDS.items()}
    for i, (name, values) in enumerate(list(SEEDS.items())[1:], start=1):
        p = stats.games_howell(np.log(SEEDS["a"]), np.log(values), 4)
        assert p == pytest.approx(known[i], rel=1e-6)
        assert name in stats.cannot_be_told_from_leader("a", samples, level=1 - p + 1e-6)
        assert name not in stats.cannot_be_told_from_leader("a", samples, level=1 - p - 1e-6)


def test_two_groups_are_held_to_welch() -> None:
    a, b = np.log(SEEDS["a"]), np.log(SEEDS["b"])
    assert stats.games_howell(a, b, 2) == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-6)


def test_the_detectable_ratio_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    unit = scipy_stats.zscore(np.arange(20.0), ddof=1)
    samples = {name: Sample(np.exp(0.1 * unit)) for name in "abc"}
    ratio = stats.detectable_gap("a", samples)
    assert ratio is not None
    found = 0
    for _ in range(60):
        draws = {name: 0.1 * rng.standard_normal(20) for name in "abc"}
        draws["b"] += np.log(ratio)
        found += stats.games_howell(draws["a"], draws["b"], 3) < 0.05
    assert 0.65 < found / 60 < 0.95
    assert stats.detectable_gap("a", {"a": sample(0.1, 0.2), "b": sample(0.1, exact=True)}) is None


def test_equal_models_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(0)
    tables = 40
    told = 0
    for _ in range(tables):
        samples = {str(i): Sample(np.exp(0.1 * rng.standard_normal(10))) for i in range(8)}
        best = min(samples, key=lambda k: float(np.mean(np.log(samples[k].values))))
        told += len(stats.cannot_be_told_from_leader(best, samples)) < 7
    assert told / tables < 0.12


def test_an_exact_score_is_held_to_a_one_sample_test_and_holm() -> None:
    seeds = SEEDS["a"]
    p = float(scipy_stats.ttest_1samp(np.log(seeds), np.log(0.012)).pvalue)
    samples = {"a": Sample(seeds), "b": sample(0.012, exact=True)}
    for leader, other in (("a", "b"), ("b", "a")):
        assert stats.cannot_be_told_from_leader(leader, samples, level=1 - p + 1e-6) == [other]
        assert stats.cannot_be_told_from_leader(leader, samples, level=1 - p - 1e-6) == []
    samples["c"] = sample(0.0105, exact=True)  # Two exact scores: the smaller p is held to half.
    assert stats.cannot_be_told_from_leader("a", samples, level=1 - 2 * p + 1e-6) == ["b", "c"]
    assert stats.cannot_be_told_from_leader("a", samples, level=1 - 2 * p - 1e-6) == ["c"]


def test_one_seed_tells_nothing_apart_but_exact_scores_do() -> None:
    samples = {"a": sample(0.01), "b": sample(0.02, 0.021), "c": sample(5.0, exact=True)}
    assert stats.cannot_be_told_from_leader("a", samples) == ["b", "c"]
    exact = {"a": sample(1.0, exact=True), "b": sample(1.0, exact=True), "c": sample(2.0, exact=True)}
    assert stats.cannot_be_told_from_leader("a", exact) == ["b"]
    assert stats.cannot_be_told_from_leader("a", samples | {"d": sample()}) == ["b", "c"]


@pytest.mark.filterwarnings("error")
def test_seeds_without_spread_differ_unless_equal() -> None:
    samples = {
        "a": sample(1.0, 1.0),
        "b": sample(1.0, 1.0),
        "c": sample(0.9, 0.9),
        "d": sample(1.0, exact=True),
        "e": sample(0.9, exact=True),
        "f": sample(0.99, 1.01),
    }
    assert stats.cannot_be_told_from_leader("a", samples, log=False) == ["b", "d", "f"]
    assert stats.cannot_be_told_from_leader("d", samples, log=False) == ["a", "b", "f"]
    perfect = {"a": sample(1.0, 1.0, 1.0), "b": sample(0.5, exact=True), "c": sample(1.0, 1.0, 1.0)}
    assert stats.cannot_be_told_from_leader("a", perfect, log=False) == ["c"]


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


def test_stuck_seeds_are_far_above_the_median() -> None:
    assert stats.stuck([1.0, 1.1, 5.0]).tolist() == [2]
    assert stats.stuck([1.0, 2.9, 1.2]).tolist() == []
    assert stats.stuck([1.0, 9.0]).tolist() == []
    assert stats.stuck([np.nan, 1.0, 1.0, 4.0]).tolist() == [3]
