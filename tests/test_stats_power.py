import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Region, Sample, Undecidable


def sample(*values: float, exact: bool = False) -> Sample:
    return Sample(np.array(values), exact)


def table(n: int, sd: float, mean: float = 0.0) -> Sample:
    """Return ``n`` scores whose logs have just this mean and standard deviation."""
    return Sample(np.exp(mean + sd * scipy_stats.zscore(np.arange(float(n)), ddof=1)))


@pytest.mark.parametrize(("sd_a", "sd_b", "gap"), [(0.1, 0.1, 0.1), (0.05, 0.2, 0.1), (0.2, 0.2, 0.5)])
def test_without_a_region_seeds_decide_where_the_noncentral_t_says_so(sd_a: float, sd_b: float, gap: float) -> None:
    a, b = table(10, sd_a), table(10, sd_b, gap)

    def power(n: int) -> float:
        freedom = (n - 1) * (sd_a**2 + sd_b**2) ** 2 / (sd_a**4 + sd_b**4)
        shift = gap / np.sqrt((sd_a**2 + sd_b**2) / n)
        return float(scipy_stats.nct.sf(scipy_stats.t.isf(0.025, freedom), freedom, shift))

    known = next(n for n in range(2, 200) if power(n) >= 0.8)
    assert stats.seeds_to_decide(a, b, Region(ratio=1.0)) == known
    assert stats.seeds_to_decide(b, a, Region(ratio=1.0)) == known


@pytest.mark.parametrize(("gap", "rest"), [(0.0, 0.0), (0.02, 0.0), (0.15, 0.03), (0.0, 0.012)])
def test_so_many_seeds_decide_four_times_in_five(gap: float, rest: float) -> None:
    """Simulated with known spreads of 0.1 and, in two cases, an error of the test set that no seed lessens."""
    a, b = table(10, 0.1), table(10, 0.1, gap)
    n = stats.seeds_to_decide(a, b, Region(1.05), error=float(np.sqrt(0.1**2 * 2 / 10 + rest**2)))
    assert isinstance(n, int)
    rng = np.random.default_rng(6)
    decided = []
    for seeds in (n, n - 3):
        draws = 0.1 * rng.standard_normal((2, 20_000, seeds))
        va, vb = draws.var(axis=2, ddof=1) / seeds
        error = np.sqrt(va + vb + rest**2)
        freedom = error**4 * (seeds - 1) / (va**2 + vb**2)
        gaps = gap + draws[1].mean(axis=1) - draws[0].mean(axis=1) + rest * rng.standard_normal(20_000)
        reach = scipy_stats.t.isf(0.025, freedom) * error
        verdicts = [
            stats.judge(stats.Ratio(np.exp(g), np.exp(g - r), np.exp(g + r)), Region(1.05), 9, log=True,
                        worse_is_higher=True)
            for g, r in zip(gaps[:6_000], reach[:6_000], strict=True)
        ]  # fmt: skip
        decided.append(np.mean([v in (stats.Verdict.WORSE, stats.Verdict.EQUIVALENT) for v in verdicts]))
    assert 0.78 < decided[0] < 0.83
    assert decided[1] < 0.81


def test_a_small_test_set_is_named_where_no_seed_helps() -> None:
    a, b = table(10, 0.1), table(10, 0.1, 0.06)
    assert stats.seeds_to_decide(a, b, Region(), error=0.3) is Undecidable.TEST_SET
    assert isinstance(stats.seeds_to_decide(a, b, Region(), error=0.03), int)  # less than the seeds': rounding
    # A gap at the edge of the region's reach is decided by seeds alone where the test set tells 2.8 errors apart.
    edge = 0.06 / (scipy_stats.norm.isf(0.025) + scipy_stats.norm.ppf(0.8))
    seeds = 0.1**2 * 2 / 10
    small, large = (float(np.sqrt(seeds + (f * edge) ** 2)) for f in (0.9, 1.01))
    assert isinstance(stats.seeds_to_decide(a, b, Region(1.0), error=small), int)
    assert stats.seeds_to_decide(a, b, Region(1.0), error=large) is Undecidable.TEST_SET


def test_seeds_that_decide_against_an_exact_score_and_without_spread() -> None:
    a, exact = table(10, 0.1), sample(float(np.exp(0.06)), exact=True)
    n = stats.seeds_to_decide(a, exact, Region(1.0))
    assert isinstance(n, int)
    power = [scipy_stats.nct.sf(scipy_stats.t.isf(0.025, m - 1), m - 1, 0.06 / 0.1 * np.sqrt(m)) for m in (n, n - 1)]
    assert power[1] < 0.8 <= power[0] + 1e-3
    assert stats.seeds_to_decide(exact, a, Region(1.0)) == n
    assert stats.seeds_to_decide(sample(1.0, 1.0), sample(2.0, 2.0), Region()) == 2
    assert stats.seeds_to_decide(sample(1.0), sample(2.0, 2.1), Region()) is Undecidable.NO_SPREAD
    assert stats.seeds_to_decide(a, a, Region(ratio=1.0)) is Undecidable.MOST_SEEDS


def test_shares_are_decided_on_their_own_scale() -> None:
    a, b = (Sample(0.5 + 0.02 * scipy_stats.zscore(np.arange(10.0), ddof=1) + gap) for gap in (0.0, 0.002))
    narrow, wide = (stats.seeds_to_decide(a, b, Region(difference=d), log=False) for d in (0.01, 0.02))
    assert isinstance(narrow, int)
    assert isinstance(wide, int)
    assert wide < narrow
    logs = stats.seeds_to_decide(Sample(np.exp(a.values)), Sample(np.exp(b.values)), Region(ratio=float(np.exp(0.01))))
    assert logs == narrow


def test_a_stricter_interval_and_few_series_ask_for_more() -> None:
    a, b = table(10, 0.3), table(10, 0.3, 0.3)
    usual = stats.seeds_to_decide(a, b, stats.Region())
    strict = stats.seeds_to_decide(a, b, stats.Region(), level=0.995)
    assert isinstance(usual, int)
    assert isinstance(strict, int)
    assert strict > usual
    error = float(np.sqrt(2 * 0.3**2 / 10 + 0.1**2))
    many, three = (stats.seeds_to_decide(a, b, stats.Region(), error=error, series=n) for n in (1_000, 3))
    assert isinstance(many, int)
    assert many >= usual
    assert three is stats.Undecidable.TEST_SET, "two degrees of freedom are too few"
