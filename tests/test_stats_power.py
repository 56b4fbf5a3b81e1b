import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Sample
from bench.stats.pairs import critical


def sample(*values: float, exact: bool = False) -> Sample:
    return Sample(np.array(values), exact)


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


def table(n: int, sd: float, mean: float = 0.0) -> Sample:
    """Return ``n`` scores whose logs have just this mean and standard deviation."""
    return Sample(np.exp(mean + sd * scipy_stats.zscore(np.arange(float(n)), ddof=1)))


@pytest.mark.parametrize(
    ("k", "sd_a", "sd_b", "gap"), [(2, 0.1, 0.1, 0.1), (2, 0.05, 0.2, 0.1), (13, 0.1, 0.1, 0.15), (13, 0.05, 0.2, 0.3)]
)
def test_so_many_seeds_find_the_difference_four_times_in_five(k: int, sd_a: float, sd_b: float, gap: float) -> None:
    """Measured power at the seeds asked for: 0.803 to 0.809; with one seed less, 0.736 to 0.798."""
    n = stats.seeds_to_separate(table(10, sd_a), table(10, sd_b, gap), k=k)
    assert n is not None
    rng = np.random.default_rng(5)
    found = []
    for seeds in (n, n - 1):
        a, b = sd_a * rng.standard_normal((8_000, seeds)), gap + sd_b * rng.standard_normal((8_000, seeds))
        va, vb = a.var(axis=1, ddof=1) / seeds, b.var(axis=1, ddof=1) / seeds
        freedom = (va + vb) ** 2 * (seeds - 1) / (va**2 + vb**2)
        grid = np.linspace(1 / (2 * seeds - 2), 1 / (seeds - 1), 12)
        reach = np.interp(1 / freedom, grid, [critical(k, float(1 / x)) for x in grid])
        found.append(np.mean((b.mean(axis=1) - a.mean(axis=1)) / np.sqrt(va + vb) > reach))
    assert 0.785 < found[0] < 0.83
    assert found[1] < 0.815


def test_more_power_and_more_groups_need_more_seeds() -> None:
    a, b = table(10, 0.1), table(10, 0.1, 0.1)
    least, strict, many = (stats.seeds_to_separate(a, b, **how) for how in ({}, {"power": 0.95}, {"k": 13}))
    assert least is not None
    assert strict is not None
    assert many is not None
    assert least < strict
    assert least < many
    assert stats.seeds_to_separate(a.values, b.values) == least
    assert stats.seeds_to_separate(a, b, most=least) == least
    assert stats.seeds_to_separate(a, b, most=least - 1) is None


def test_a_large_difference_needs_two_seeds() -> None:
    assert stats.seeds_to_separate([0.1, 0.1001], [90.0, 90.1]) == 2


def test_no_number_of_seeds_separates_equals_or_what_has_no_spread() -> None:
    a = table(10, 0.1)
    assert stats.seeds_to_separate(a, a) is None
    assert stats.seeds_to_separate(a, table(10, 0.1, 1e-4)) is None
    assert stats.seeds_to_separate([1.0, 1.0], [2.0, 2.0]) is None
    assert stats.seeds_to_separate([1.0], [2.0, 2.1]) is None
    assert stats.seeds_to_separate(a, sample(0.5, exact=True)) is None
