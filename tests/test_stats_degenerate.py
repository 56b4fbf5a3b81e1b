"""Scores that are 0, huge, tiny, all equal or below zero: what their statistics are, and that none overflows."""

import numpy as np
import pytest

from bench import stats
from bench.stats import Comparison, Interval, Ratio, Sample

pytestmark = pytest.mark.filterwarnings("error")
ZEROS, SOME, OTHERS = (Sample(np.array(v)) for v in ([0.0, 0.0, 0.0], [0.0, 0.02, 0.03], [0.02, 0.021, 0.019]))
EXACT_ZERO = Sample(np.array([0.0]), exact=True)


def test_a_geometric_mean_with_a_zero_is_zero_and_has_an_interval_only_of_zeros() -> None:
    assert stats.interval(ZEROS.values) == Interval(0.0, 0.0, 0.0, 3)
    assert stats.interval(SOME.values) == Interval(0.0, None, None, 3)
    assert stats.interval([0.0]) == stats.interval([-0.0]) == Interval(0.0, None, None, 1)
    assert stats.interval([0.0, np.nan, np.inf]) == Interval(0.0, None, None, 1)


def test_a_ratio_to_a_mean_of_zero_is_infinite_and_between_two_there_is_none() -> None:
    assert stats.ratio(OTHERS, ZEROS) == stats.ratio(OTHERS, SOME) == Ratio(np.inf, None, None)
    assert stats.ratio(SOME, OTHERS) == stats.ratio(EXACT_ZERO, OTHERS) == Ratio(0.0, None, None)
    assert stats.ratio(SOME, ZEROS) is None
    assert stats.ratio(EXACT_ZERO, EXACT_ZERO) is None
    difference = stats.ratio(ZEROS, OTHERS, log=False)
    assert difference is not None
    assert difference.value == pytest.approx(-0.02)


def test_zeros_differ_from_what_is_above_them_and_not_from_each_other() -> None:
    samples = {"zeros": ZEROS, "exact": EXACT_ZERO, "others": OTHERS, "some": SOME}
    pairs = stats.significant_pairs(samples)
    assert pairs == {frozenset(("zeros", "others")), frozenset(("exact", "others"))}
    tiny = {"tiny": Sample(np.array([1e-310]), exact=True), "exact": EXACT_ZERO}
    assert stats.significant_pairs(tiny) == {frozenset(tiny)}


def test_the_mean_of_equal_scores_is_that_score() -> None:
    for value in (0.1, 0.3, 1e-310, 1e40, 1e308):
        for log in (True, False):
            made = stats.interval([value] * 3, log=log)
            assert made is not None
            assert made.centre == value
            assert (made.low, made.high) == pytest.approx((value, value))


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e40, 1e200, 1e307])
def test_nothing_depends_on_the_size_of_the_scores(log: bool, size: float) -> None:
    """Scores times a factor have means times it, the same ratios, and the same pairs that differ."""
    a, b = np.array([1.0, 1.1, 1.05, 1.08]), np.array([1.15, 1.12, 1.35])
    usual, scaled = ({"a": Sample(f * a), "b": Sample(f * b), "c": Sample(f * b * 3)} for f in (1.0, size))
    first, second = (stats.interval(s["a"].values, log=log) for s in (usual, scaled))
    assert first is not None
    assert second is not None
    ends = [first.centre, first.low, first.high]
    assert [second.centre, second.low, second.high] == pytest.approx([size * end for end in ends], rel=1e-5)
    assert stats.significant_pairs(usual, log=log) == stats.significant_pairs(scaled, log=log) != set()
    known, found = (stats.ratio(s["b"], s["a"], log=log, k=3) for s in (usual, scaled))
    assert known is not None
    assert found is not None
    wanted = [known.value, known.low, known.high] if log else [size * v for v in (known.value, known.low, known.high)]
    assert [found.value, found.low, found.high] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_what_is_said_of_seeds_does_not_depend_on_the_size_of_the_scores(size: float) -> None:
    scores = np.array([[1.0, 1.1, 1.05, 1.08, 0.9, 1.0, 1.02], [1.2, 1.3, 1.1, 1.25, 1.3, 9.0, 9.0]])
    a, b = (Sample(size * row) for row in scores)
    region = stats.Region(difference=0.01 * size)
    for log in (True, False):
        needed = stats.seeds_to_decide(a, b, region, log=log)
        assert needed == stats.seeds_to_decide(*map(Sample, scores), stats.Region(), log=log)
    assert stats.endings(list(size * scores)) == ["", stats.Ending.UNSTABLE]
    assert stats.failed_on(size * scores[1], size * scores[0]).tolist() == [5, 6]
    assert stats.pooled({"a": size, "b": size}, {"a": a, "b": b}).z == pytest.approx(
        stats.pooled({"a": 1.0, "b": 1.0}, dict(zip("ab", map(Sample, scores), strict=True))).z
    )
    assert stats.winner_on_fresh(size * scores, log=False).picks == (0, 0)
    assert stats.tuning_curve(size * scores, log=False)[-1].centre == pytest.approx(size * scores[0].mean())
    noise = [stats.epoch_noise(size * row) for row in scores]
    assert noise == pytest.approx([stats.epoch_noise(row) for row in scores])
    stats.sources(size * scores[0], [stats.epoch_noise(size * row, log=False) for row in scores], log=False)
    assert stats.simultaneous_error((3, 3, 3), [size] * 3) == stats.simultaneous_error((3, 3, 3))


def test_an_end_that_no_number_reaches_is_the_largest_there_is() -> None:
    made = stats.interval([1e-300, 1e300])
    assert made is not None
    assert made.centre == pytest.approx(1.0)
    assert (made.low, made.high) == (0.0, stats.LARGEST)


def test_a_summary_of_huge_scores_is_finite() -> None:
    made = stats.summarise([1e308, 1e308, 0.9e308])
    assert made is not None
    assert (made.mean, made.sd) == (pytest.approx(0.9666667e308, rel=1e-6), pytest.approx(5.7735e306, rel=1e-4))


def test_seeds_are_enough_where_all_are_zero_and_never_where_some_are() -> None:
    assert stats.enough_seeds([0.0] * 10)
    assert not stats.enough_seeds([0.0] * 9 + [0.1])


def test_a_zero_in_one_of_two_sets_has_no_ratio_but_a_test() -> None:
    assert stats.paired_ratio([0.0, 0.0], [0.0, 0.0]) == Comparison(1.0, 1.0, 1.0, 1.0, 2)
    worse = stats.paired_ratio([0.1, 0.1, 0.1], [0.0, 0.0, 0.0])
    assert (worse.ratio, worse.low, worse.high, worse.p_value) == (np.inf, None, None, 0.0)
    assert stats.paired_ratio([0.0], [0.1]).ratio == 0.0
    mixed = stats.paired_ratio([0.0, 0.1, 0.1], [0.1, 0.0, 0.1])
    assert np.isnan(mixed.ratio)
    assert mixed.p_value == pytest.approx(1.0)


def test_a_printed_value_is_held_to_scores_without_logs_as_they_are() -> None:
    judged = stats.judge_published(
        {"zeros": 0.0, "far": 0.5, "signed": -1.0},
        {"zeros": ZEROS, "far": ZEROS, "signed": Sample(np.array([-1.1, -0.9, -1.05]))},
    )
    assert [j.missed for j in judged.values()] == [False, True, False]
    low, high = judged["signed"].low, judged["signed"].high
    values = np.array([-1.1, -0.9, -1.05])
    reach = 4.302653 * values.std(ddof=1) * np.sqrt(4 / 3)
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), rel=1e-6)
    assert stats.judge_published({"x": np.nan, "y": np.inf}, {"x": OTHERS, "y": OTHERS}) == {}
    assert stats.judge_published({"x": 1e40}, {"x": ZEROS})["x"].missed


def test_seeds_agree_on_an_order_of_zeros_and_huge_scores() -> None:
    found = stats.agreement([[0.0, 0.1, 1e40], [0.0, 0.2, 1e308], [0.0, 0.1, 2.0], [np.nan, 0.1, 0.2]])
    assert found is not None
    assert (found.w, found.n_seeds) == (1.0, 3)
