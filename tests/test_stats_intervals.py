import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Comparison, Interval, Ratio, Sample

A = np.array([0.010, 0.011, 0.0105, 0.0108])
B = np.array([0.0115, 0.0112, 0.0135])


def exact(value: float) -> Sample:
    return Sample(np.array([value]), exact=True)


def test_an_interval_is_students_on_logs() -> None:
    made = stats.interval([*A, np.nan])
    known = scipy_stats.ttest_1samp(np.log(A), 0).confidence_interval(0.95)
    assert made is not None
    assert (made.centre, made.n) == (pytest.approx(scipy_stats.gmean(A)), 4)
    assert (made.low, made.high) == (pytest.approx(math.exp(known.low)), pytest.approx(math.exp(known.high)))


def test_an_interval_of_plain_scores_and_another_level() -> None:
    made = stats.interval(A, log=False, level=0.9)
    known = scipy_stats.ttest_1samp(A, 0).confidence_interval(0.9)
    assert made is not None
    assert (made.centre, made.low, made.high) == pytest.approx((A.mean(), known.low, known.high))


def test_large_scores_that_cancel_leave_the_mean_of_the_small_ones() -> None:
    found = stats.interval([1e308, 3.9, -1e308], log=False)
    assert found is not None
    assert found.centre == pytest.approx(1.3, rel=1e-12)


def test_an_interval_of_few() -> None:
    assert stats.interval([]) is None
    assert stats.interval([np.nan, np.inf]) is None
    assert stats.interval([0.0, 0.1]) == Interval(0.0, None, None, 2)
    assert stats.interval([-1.0, 0.1]) is None
    assert stats.interval([2.0], log=False) == Interval(2.0, None, None, 1)
    assert stats.interval([2.0, 2.0], log=False) == Interval(2.0, 2.0, 2.0, 2)
    wide = stats.interval([1e-200, 1e200])
    assert wide is not None
    assert wide.high is not None
    assert np.isfinite(wide.high)


def test_a_ratio_has_the_interval_of_welch() -> None:
    made = stats.ratio(Sample(B), Sample(A))
    known = scipy_stats.ttest_ind(np.log(B), np.log(A), equal_var=False).confidence_interval(0.95)
    assert made is not None
    assert made.value == pytest.approx(scipy_stats.gmean(B) / scipy_stats.gmean(A))
    assert (made.low, made.high) == pytest.approx((math.exp(known.low), math.exp(known.high)))


def test_a_ratio_over_groups_has_the_interval_of_games_howell() -> None:
    C = np.array([0.0121, 0.0130, 0.0125, 0.0127])
    known = scipy_stats.tukey_hsd(*(np.log(v) for v in (A, B, C)), equal_var=False).confidence_interval(0.95)
    made = stats.ratio(Sample(B), Sample(A), k=3)
    assert made is not None
    assert (made.low, made.high) == pytest.approx((math.exp(known.low[1, 0]), math.exp(known.high[1, 0])), rel=1e-5)


def test_a_ratio_of_groups_leaves_one_out_where_the_two_differ_significantly() -> None:
    rng = np.random.default_rng(3)
    both = set()
    for _ in range(40):
        samples = {name: Sample(np.exp(0.1 * rng.standard_normal(5) + 0.12 * i)) for i, name in enumerate("abc")}
        made = stats.ratio(samples["c"], samples["a"], k=3)
        assert made is not None
        assert made.low is not None
        assert made.high is not None
        apart = not made.low <= 1 <= made.high
        assert apart == (frozenset("ac") in stats.significant_pairs(samples))
        both.add(apart)
    assert both == {True, False}


def test_a_difference_of_plain_scores() -> None:
    made = stats.ratio(Sample(B), Sample(A), log=False)
    known = scipy_stats.ttest_ind(B, A, equal_var=False).confidence_interval(0.95)
    assert made is not None
    assert (made.value, made.low, made.high) == pytest.approx((B.mean() - A.mean(), known.low, known.high))


def test_a_ratio_to_an_exact_score_is_one_sample() -> None:
    known = scipy_stats.ttest_1samp(np.log(A), math.log(0.012)).confidence_interval(0.95)
    low, high = math.exp(known.low) / 0.012, math.exp(known.high) / 0.012
    made, turned = stats.ratio(Sample(A), exact(0.012), k=5), stats.ratio(exact(0.012), Sample(A))
    assert made is not None
    assert turned is not None
    assert (made.low, made.high) == pytest.approx((low, high))
    assert (turned.low, turned.high) == pytest.approx((1 / high, 1 / low))


def test_a_ratio_of_few() -> None:
    assert stats.ratio(exact(0.5), exact(0.25)) == Ratio(pytest.approx(2.0), pytest.approx(2.0), pytest.approx(2.0))
    assert stats.ratio(Sample(np.array([2.0])), Sample(np.array([1.0, 1.5])), log=False) == Ratio(0.75, None, None)
    assert stats.ratio(exact(2.0), Sample(np.array([1.5])), log=False) == Ratio(0.5, None, None)
    assert stats.ratio(Sample(np.array([])), Sample(A)) is None
    assert stats.ratio(Sample(np.array([-1.0, 1.0])), Sample(A)) is None
    same = Sample(np.array([2.0, 2.0]))
    assert stats.ratio(same, Sample(np.array([1.0, 1.0])), log=False, k=4) == Ratio(1.0, 1.0, 1.0)


def spread(n: int, sd: float) -> stats.Float64:
    """Return ``n`` scores whose logs have just this standard deviation."""
    return np.exp(sd * scipy_stats.zscore(np.arange(float(n)), ddof=1))


def test_seeds_are_enough_where_the_interval_is_narrow() -> None:
    edge = math.log(1.1) * math.sqrt(12) / scipy_stats.t.isf(0.025, 11)
    assert stats.enough_seeds(spread(12, 0.999 * edge))
    assert not stats.enough_seeds(spread(12, 1.001 * edge))
    assert stats.enough_seeds(spread(12, 1.001 * edge), width=1.2)


def test_seeds_are_never_enough_before_the_least_and_always_at_the_cap() -> None:
    assert not stats.enough_seeds(spread(9, 1e-6))
    assert stats.enough_seeds(spread(10, 1e-6))
    assert not stats.enough_seeds([*spread(9, 1e-6), np.nan, np.nan])
    assert not stats.enough_seeds(spread(29, 3.0))
    assert stats.enough_seeds(spread(30, 3.0))
    assert stats.enough_seeds([np.nan] * 30)
    assert not stats.enough_seeds([])


def test_seeds_of_plain_scores_are_held_to_a_difference() -> None:
    values = 0.5 + 0.01 * scipy_stats.zscore(np.arange(10.0), ddof=1)
    reach = 0.01 / math.sqrt(10) * scipy_stats.t.isf(0.025, 9)
    assert stats.enough_seeds(values, width=1 + 1.001 * reach, log=False)
    assert not stats.enough_seeds(values, width=1 + 0.999 * reach, log=False)


@pytest.mark.parametrize(("least", "cap"), [(9, 30), (12, 11)])
def test_a_stopping_rule_that_would_mislead_is_refused(least: int, cap: int) -> None:
    with pytest.raises(ValueError, match="least"):
        stats.enough_seeds([0.1], least=least, cap=cap)


def test_a_paired_ratio_is_the_paired_t_test_on_logs() -> None:
    a, b = np.array([0.010, 0.012, np.nan, 0.011, 0.013]), np.array([0.011, 0.012, 0.013, 0.014, 0.0135])
    made = stats.paired_ratio(a, b)
    both = np.isfinite(a)
    known = scipy_stats.ttest_rel(np.log(a[both]), np.log(b[both]))
    ends = known.confidence_interval(0.95)
    assert made.n == 4
    assert made.p_value == pytest.approx(known.pvalue)
    assert made.ratio == pytest.approx(scipy_stats.gmean(a[both] / b[both]))
    assert (made.low, made.high) == pytest.approx((math.exp(ends.low), math.exp(ends.high)))
    plain = stats.paired_ratio(a, b, log=False)
    assert (plain.ratio, plain.p_value) == pytest.approx(
        (float(np.mean(a[both] - b[both])), scipy_stats.ttest_rel(a[both], b[both]).pvalue)
    )


def test_equal_sets_and_sets_that_changed_alike() -> None:
    assert stats.paired_ratio(A, A) == Comparison(1.0, 1.0, 1.0, 1.0, 4)
    halved = stats.paired_ratio(A, 2 * A)
    assert (halved.ratio, halved.p_value) == (pytest.approx(0.5), 0.0)
    assert halved.low == halved.high == halved.ratio


def test_a_paired_ratio_of_few() -> None:
    assert stats.paired_ratio([2.0], [1.0]) == Comparison(pytest.approx(2.0), None, None, None, 1)
    none = stats.paired_ratio([np.nan, 1.0], [1.0, np.nan])
    assert np.isnan(none.ratio)
    assert (none.low, none.high, none.p_value, none.n) == (None, None, None, 0)
    with pytest.raises(ValueError, match="aligned"):
        stats.paired_ratio(A, B)
