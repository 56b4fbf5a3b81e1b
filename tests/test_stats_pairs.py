import gc
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from bench import stats
from bench.stats import Sample
from bench.stats.pairs import APPROXIMATE, approximate, critical


def undecided(leader, samples, **options):
    """Names that do not differ significantly from the leader's."""
    different = stats.significant_pairs(samples, **options)
    known = [name for name, sample in samples.items() if name != leader and np.isfinite(sample.values).any()]
    return [name for name in known if frozenset((leader, name)) not in different]


def sample(*values: float, exact: bool = False) -> Sample:
    return Sample(np.array(values), exact)


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
        assert name in undecided("a", samples, level=1 - p + 1e-6)
        assert name not in undecided("a", samples, level=1 - p - 1e-6)


def test_two_groups_are_held_to_welch() -> None:
    a, b = np.log(SEEDS["a"]), np.log(SEEDS["b"])
    assert stats.games_howell(a, b, 2) == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-6)


def test_an_exact_score_is_held_to_a_one_sample_test_and_holm() -> None:
    seeds = SEEDS["a"]
    p = float(scipy_stats.ttest_1samp(np.log(seeds), np.log(0.012)).pvalue)
    samples = {"a": Sample(seeds), "b": sample(0.012, exact=True)}
    for leader, other in (("a", "b"), ("b", "a")):
        assert undecided(leader, samples, level=1 - p + 1e-6) == [other]
        assert undecided(leader, samples, level=1 - p - 1e-6) == []
    samples["c"] = sample(0.0105, exact=True)  # Two exact scores: the smaller p is held to half.
    assert undecided("a", samples, level=1 - 2 * p + 1e-6) == ["b", "c"]
    assert undecided("a", samples, level=1 - 2 * p - 1e-6) == ["c"]


def test_one_seed_tells_nothing_apart_but_exact_scores_do() -> None:
    samples = {"a": sample(0.01), "b": sample(0.02, 0.021), "c": sample(5.0, exact=True)}
    assert undecided("a", samples) == ["b", "c"]
    exact = {"a": sample(1.0, exact=True), "b": sample(1.0, exact=True), "c": sample(2.0, exact=True)}
    assert undecided("a", exact) == ["b"]
    assert undecided("a", samples | {"d": sample()}) == ["b", "c"]


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
    assert undecided("a", samples, log=False) == ["b", "d", "f"]
    assert undecided("d", samples, log=False) == ["a", "b", "f"]
    perfect = {"a": sample(1.0, 1.0, 1.0), "b": sample(0.5, exact=True), "c": sample(1.0, 1.0, 1.0)}
    assert undecided("a", perfect, log=False) == ["c"]


def test_all_pairs_are_those_of_scipy() -> None:
    rng = np.random.default_rng(4)
    told = 0
    for _ in range(3):
        samples = {str(i): Sample(np.exp(0.1 * rng.standard_normal(5 + i % 3) + 0.04 * i)) for i in range(8)}
        known = scipy_stats.tukey_hsd(*(np.log(s.values) for s in samples.values()), equal_var=False).pvalue
        expected = {frozenset((str(i), str(j))) for i in range(8) for j in range(i) if known[i, j] < 0.05}
        assert stats.significant_pairs(samples) == expected
        told += len(expected)
    assert 0 < told < 3 * 28


def test_a_pair_between_the_bounds_is_decided_by_the_studentized_range() -> None:
    a, b = np.log(SEEDS["a"]), np.log(SEEDS["c"])
    samples = {name: Sample(values) for name, values in SEEDS.items()}
    p = stats.games_howell(a, b, 4)
    least = stats.games_howell(a, b, 2)
    assert least < p < 6 * least
    pair = frozenset("ac")
    assert pair in stats.significant_pairs(samples, level=1 - p - 1e-6)
    assert pair not in stats.significant_pairs(samples, level=1 - p + 1e-6)


def test_games_howell_worked_by_hand() -> None:
    # Means 2 and 6, variances 1 and 4: t = 4 / sqrt(1/3 + 4/3), freedom (5/3)^2 / ((1/9 + 16/9) / 2) = 50/17.
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0, 8.0])
    q = math.sqrt(2) * 4 / math.sqrt(5 / 3)
    assert stats.games_howell(a, b, 3) == pytest.approx(scipy_stats.studentized_range.sf(q, 3, 50 / 17), rel=1e-9)


def test_leaders_are_the_pairs_with_the_leader() -> None:
    rng = np.random.default_rng(7)
    samples = {str(i): Sample(np.exp(0.1 * rng.standard_normal(6) + 0.05 * i)) for i in range(6)}
    samples |= {"exact": sample(1.2, exact=True), "best": sample(0.7, exact=True), "none": sample(float("nan"))}
    apart = stats.significant_pairs(samples)
    assert apart
    for leader in ("0", "exact", "best"):
        near = undecided(leader, samples)
        assert near == [n for n in samples if n not in (leader, "none") and frozenset((leader, n)) not in apart]


def test_holm_covers_every_mixed_pair() -> None:
    seeds = SEEDS["a"]
    p = float(scipy_stats.ttest_1samp(np.log(seeds), np.log(0.012)).pvalue)
    far = {f"x{i}": sample(float(np.exp(np.mean(np.log(seeds)))), exact=True) for i in range(2)}
    samples = {"a": Sample(seeds), "b": sample(0.012, exact=True), **far}
    assert frozenset("ab") in stats.significant_pairs(samples, level=1 - 3 * p - 1e-6)
    assert frozenset("ab") not in stats.significant_pairs(samples, level=1 - 3 * p + 1e-6)


def test_holm_worked_by_hand() -> None:
    # 0.01 < 0.05 / 4 and 0.015 < 0.05 / 3, but 0.03 > 0.05 / 2, so 0.04 is not looked at.
    p_values = {"a": 0.03, "b": 0.01, "c": 0.04, "d": 0.015}
    assert stats.holm(p_values) == {"b", "d"}
    assert stats.holm(p_values, level=0.9) == {"a", "b", "c", "d"}
    assert stats.holm({}) == set()


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(
    ("k", "freedom"), [(2, 7.0), (3, 1.3), (3, 4.5), (13, 9.5), (13, 18.0), (30, 400.0), (500, 30.0)]
)
def test_critical_values_are_those_of_scipy(k: int, freedom: float, level: float) -> None:
    known = scipy_stats.studentized_range.isf(1 - level, k, freedom) / math.sqrt(2)
    assert critical(k, freedom, level) == pytest.approx(known, rel=1e-6)
    assert approximate(k, freedom, level) == pytest.approx(known, rel=APPROXIMATE)


def test_holm_rejects_what_statsmodels_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gc, "collect", lambda: 0
    )  # which statsmodels does at each call, through all that tests have loaded
    rng = np.random.default_rng(8)
    counts = set()
    for _ in range(12):
        p_values = 0.1 * rng.random(5) ** 3
        known = np.flatnonzero(multipletests(p_values, alpha=0.05, method="holm")[0])
        assert stats.holm(dict(enumerate(p_values))) == set(known)
        counts.add(len(known))
    assert len(counts) > 2
